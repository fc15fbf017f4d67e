"""Checks that the files in a pylock.toml (PEP 751) are files of their owners."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from repoprio import shell
from repoprio.lookup.project import Code
from repoprio.names import normalize
from repoprio.pip_adapter import compat, hint_target
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.policy.model import Policy, Pylock
from repoprio.render.messages.model import message
from repoprio.urls import filename

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Hashes, InstallationCandidate, Link


def verify(
    policy: Policy,
    project_name: str,
    link: Link,
    hashes: Hashes | None,
    candidates: Callable[[str], Iterable[InstallationCandidate]],
) -> InstallationCandidate | None:
    """The candidate that is the file at `link`, by its hashes; raises `LookupRefused` if there is none.

    None if the policy does not verify such files. `hashes` are those with which pip will compare the file; pip accepts
    any of them, so the owner must state all of them. Hashes in the link itself do not count.
    """
    if policy.pylock is Pylock.ALLOW:
        return None
    locked = {kind: set(values) for kind, values in getattr(hashes, "_allowed", {}).items()}
    for candidate in candidates(project_name):
        stated = {kind: {value} for kind, value in compat.digests(candidate.link).items()}
        same_file = filename(candidate.link.url) == link.filename
        if same_file and locked and all(stated.get(kind) == values for kind, values in locked.items()):
            return candidate
    rule = policy.rule("pylock", f'"{policy.pylock.value}"')
    lead = f"{project_name}: {link.filename} of a pylock.toml is not listed by its owner with all these hashes."
    why = shell.repoprio("explain", normalize(project_name), python=hint_target.python())
    raise LookupRefused(message(lead, [f"rule: {rule}"], Code.PYLOCK.value, why=why, help_text=policy.help))
