"""Exports the policy as a pip.conf with one index, for a pip without the hook. Pure.

pip takes the newest file of all its indexes, so only a policy with one repository, such as a gateway, can be exported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repoprio.export import CannotExport, Exported, Gap, common
from repoprio.policy.model import Format, Policy, Repository
from repoprio.urls import site
from repoprio.wording import join_words

_IT = "pip"
# `pip install` reads this section and its own.
_SECTION = "global"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Keys that give pip another index or none, or let other servers answer for an index.
_DECIDING = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host")


def export(policy: Policy) -> Exported:
    """The settings of a pip.conf; raises `CannotExport` for a policy with more than one repository."""
    enabled = policy.enabled()
    if len(enabled) != 1 or enabled[0].explicit:
        names = join_words([repository.name for repository in enabled]) or "none"
        hint = "use the hook (repoprio enable), or name a gateway: --gateway URL"
        means = f"pip takes the newest file of all indexes, so it can use only one, and the policy has {names}; {hint}"
        raise CannotExport(f"repositories: {means}")
    only = enabled[0]
    if only.format is Format.FLAT:
        raise CannotExport(f"repositories.{only.name}.format: with find-links pip still asks its default index, PyPI")
    url = common.url_of(only, _IT)
    gaps = [*common.general_gaps(policy, _IT), *_gaps(policy, only, url)]
    return Exported({_SECTION: {"index-url": url}}, tuple(gaps))


def _gaps(policy: Policy, only: Repository, url: str) -> Iterator[Gap]:
    key = f"repositories.{only.name}"
    for setting in ("namespaces", "include", "exclude"):
        if getattr(only, setting):
            yield Gap(f"{key}.{setting}", f"pip takes any name from {only.name}")
    for repository in policy.repositories:
        for pattern in repository.namespaces + repository.owns if repository is not only else ():
            yield Gap(
                f"repositories.{repository.name}", f"pip cannot reserve {pattern.text}: it may come from {only.name}"
            )
    where = site(url)
    if where.scheme == "http" and where.host not in _LOOPBACK:
        yield Gap(
            f"{key}.url",
            f"pip ignores {where} without TLS: use https, or set trusted-host to trust the network",
        )
    yield from common.repository_gaps(only, _IT, "netrc, or a keyring")
    for pin in policy.pins:
        yield from common.pin_gaps(pin, _IT)


# How pip differs under any policy.
_IN_GENERAL = (
    "pip has one strategy for all indexes, and takes the newest file of any of them. So this must be its only one:",
    "an extra-index-url or find-links in another pip.conf, in PIP_*, on the command line or in a requirements file",
    "adds a second one, and nothing here can prevent that. repoprio doctor looks for them.",
    "What you ask for by URL or path may require further URLs.",
)


def text(exported: Exported) -> str:
    """The settings as a pip.conf, and what they leave out as comments."""
    lines = common.head("pip.conf", exported, _IN_GENERAL)
    for section, settings in exported.document.items():
        lines += ["", f"[{section}]", *(f"{key} = {value}" for key, value in settings.items())]
    return "\n".join(lines) + "\n"


def differences(exported: Exported, document: Mapping[str, Any]) -> list[str]:
    """How a pip.conf differs from the export, one line for each key of each section; logins are hidden."""
    wanted = {f"{_SECTION}.{key}": value for key, value in exported.document[_SECTION].items()}
    has = {
        f"{section}.{key}": value
        for section, settings in document.items()
        for key, value in settings.items()
        if key in _DECIDING and value.strip()
    }
    missing: Sequence[str] = [key for key in wanted if key not in has]
    return [
        f"{key} is {common.shown(has.get(key))}, and the policy says {common.shown(wanted.get(key))}"
        for key in (*missing, *has)
        if not _is_same(has.get(key), exported.document[_SECTION].get(key.partition(".")[2]))
    ]


def _is_same(value: Any, wanted: Any) -> bool:
    """Whether a setting names the exported index, in any spelling."""
    return wanted is not None and common.comparable_url(value) == common.comparable_url(wanted)
