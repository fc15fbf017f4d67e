"""Compares files, to see whether both sides of a comparison have the same project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoprio.explain.comparison import Failure, FileMatch, ResolvedFile, SideResult
from repoprio.names import NormalizedName
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.inspect.compare.sides import VersionPrioritySide
from repoprio.pip_adapter.inspect.file_hashes import sha256_of

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Link


def file_match(
    alone: VersionPrioritySide, name: NormalizedName, rival: SideResult, policy_side: SideResult, chosen: Link | None
) -> FileMatch:
    """Whether the repository from which plain pip takes `name` lists the policy's file.

    `rival` is the result of plain pip, `policy_side` that of the policy, and `chosen` is the link to the policy's file.
    """
    if not isinstance(rival, ResolvedFile) or rival.repository is None:
        return FileMatch.MISSING
    if isinstance(policy_side, Failure):
        return (
            FileMatch.NAMESAKE if alone.shares_files(name, rival.repository, policy_side.owners) else FileMatch.MISSING
        )
    if not isinstance(policy_side, ResolvedFile):
        return FileMatch.MISSING
    link = alone.listing(rival.repository, name, policy_side.file)
    if link is None:
        return FileMatch.MISSING
    if policy_side.place == rival.place:
        return FileMatch.SAME
    ours, theirs = _sha256(link), _sha256(chosen) if chosen else None
    if ours is None or theirs is None:
        return FileMatch.NAMESAKE
    return FileMatch.SAME if ours == theirs else FileMatch.OTHER


def _sha256(link: Link) -> str | None:
    """The sha256 that the page states, else that of a file on disk; None if it is unknown."""
    if stated := compat.digests(link).get("sha256"):
        return stated
    if not link.is_file:
        return None
    try:
        return sha256_of(link.file_path)
    except OSError:
        return None
