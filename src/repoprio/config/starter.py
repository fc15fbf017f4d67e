"""Writes a first policy, as the text of a TOML file: from names, or from pip's settings. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from repoprio import toml
from repoprio.config.pip.indexes import Named, names_an_index
from repoprio.policy.model import LOWEST, PYPI, Format
from repoprio.redaction import display_url
from repoprio.urls import is_fuse, place_or_text, site

_NAMED = """\
# A lower number is a higher priority: a repository owns every project name that it serves, and those
# below it may only add names. Check the policy: repoprio config check
# Names of your own that must never come from elsewhere: owns = ["acme", "acme-*"]
# Add repoprio and pip to the owns of the repository that supplies them.
"""
_FOUND = """\
# A policy from pip's own settings. {until}
#   {priority_range}, and a lower number is a higher priority. A repository owns every project name that it
#   serves; those with a higher number may add names, but never shadow or upgrade one. Your own
#   repositories come first, public ones last. Equal numbers merge: the newest version wins.
# Names of your own that must never come from elsewhere: owns = ["acme", "acme-*"]
# Add repoprio and pip to the owns of the repository that supplies them.
# Then check it: repoprio config check
"""
_UNTIL = "With it pip stops until you have decided the priorities:"
_ALONE = "One repository needs no priority; two or more do:"
_LOGIN = "# its login is not repeated here: pip's setting still supplies it"
_WHAT = {
    "index-url": "pip's main index. Does it serve your own projects (a low number), or the public's (a high one)?",
    "extra-index-url": "pip treats it like its main index. Should it override the others (a low number)?",
    "find-links": "pip treats its files like those of any index. Is it a folder of your own (a low number)?",
    "built-in": "anyone can publish here: give it the highest number, so that it supplies only names that no other has",
}


class Wanted(NamedTuple):
    """One repository as the command line names it."""

    name: str
    url: str
    namespaces: tuple[str, ...] = ()
    owns: tuple[str, ...] = ()
    flat: bool = False
    note: str = ""


def from_names(wanted: Sequence[Wanted]) -> str:
    """The text of a policy with these repositories, highest priority first, without the logins in their URLs."""
    step = max(1, min(10, LOWEST // max(1, len(wanted))))
    tables = [_table(repository, number * step) for number, repository in enumerate(wanted, 1)]
    return "\n".join([_NAMED, *tables])


def _table(repository: Wanted, priority: int) -> str:
    settings: dict[str, object] = {"url": display_url(repository.url), "priority": priority}
    settings |= {"format": Format.FLAT.value} if repository.flat else {}
    settings |= {"namespaces": repository.namespaces} if repository.namespaces else {}
    settings |= {"owns": repository.owns} if repository.owns else {}
    lines = [f"# {repository.note}"] if repository.note else []
    lines += [f"{key} = {toml.value(value)}" for key, value in settings.items()]
    return "\n".join([f"[repositories.{repository.name}]", *lines, ""])


def mirror(indexes: Sequence[Named], default_index: str, others: Iterable[str]) -> Named | None:
    """The index that pip's settings put in place of its default, unless it is one of `others`; else None."""
    known = {place_or_text(url) for url in (default_index, *others)}
    named = (
        index for index in indexes if index.key == "index-url" and index.overridden is None and not is_fuse(index.url)
    )
    return next((index for index in named if place_or_text(index.url) not in known), None)


def from_settings(indexes: Sequence[Named], default_index: str) -> str:
    """The text of a policy with all indexes that pip's settings name; the user must fill in the priorities."""
    names: dict[tuple[str, Format], str] = {}
    by_place: dict[str, list[Named]] = {}
    for index in indexes:
        name = names.setdefault(
            (place_or_text(index.url), index.format), _name(index, default_index, set(names.values()))
        )
        by_place.setdefault(name, []).append(index)
    tables = [_draft(name, same, default_index) for name, same in by_place.items()]
    if not names_an_index(indexes):
        tables.append(_builtin("pypi" if "pypi" not in by_place else "pypi-default"))
    until = _UNTIL if len(tables) > 1 else _ALONE
    return "\n".join([_FOUND.format(until=until, priority_range=f"1 to {LOWEST}"), *tables])


def _draft(name: str, same: Sequence[Named], default_index: str) -> str:
    first = same[0]
    is_default = place_or_text(first.url) == place_or_text(default_index)
    lines = [f"[repositories.{name}]"]
    lines += [f"# from {index.origin}{_overridden(index)}" for index in same]
    lines.append(f"url = {toml.value(PYPI if is_default else display_url(first.url))}")
    lines += [_LOGIN] if display_url(first.url) != first.url else []
    lines += ['format = "flat"'] if first.format is Format.FLAT else []
    return "\n".join([*lines, *_decision(_WHAT["built-in" if is_default else first.key]), ""])


def _builtin(name: str) -> str:
    origin = "# from pip itself: its built-in default, since no setting names an index-url"
    return "\n".join([f"[repositories.{name}]", origin, f'url = "{PYPI}"', *_decision(_WHAT["built-in"]), ""])


def _decision(question: str) -> list[str]:
    return [f"# decide: {question}", "# priority ="]


def _overridden(index: Named) -> str:
    return f"; {index.overridden} overrides it, so pip does not ask it now" if index.overridden else ""


def _name(index: Named, default_index: str, taken: Iterable[str]) -> str:
    """A name for a repository, from its host or folder; with a number if the name is taken."""
    if place_or_text(index.url) == place_or_text(default_index):
        text = "pypi"
    else:
        try:
            text = site(index.url).host or urlsplit(index.url).path.rstrip("/").rpartition("/")[2]
        except ValueError:
            text = index.key
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or index.key
    taken = set(taken)
    return next(n for n in (name, *(f"{name}-{i}" for i in range(2, len(taken) + 3))) if n not in taken)


def origins(indexes: Iterable[Named]) -> Mapping[str, str]:
    """The settings that name each place, by the place as it may be shown."""
    by_place: dict[tuple[str, Format], tuple[str, str]] = {}
    for index in indexes:
        key = (place_or_text(index.url), index.format)
        url, others = by_place.get(key, (display_url(index.url), ""))
        by_place[key] = (url, f"{others}, {index.origin}" if others else str(index.origin))
    return dict(by_place.values())
