"""Merges the settings of all layers, and enforces locks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from repoprio.config import schema, values
from repoprio.config.errors import PolicyProblem
from repoprio.config.settings import Merged, Setting
from repoprio.policy.model import DEFAULT_PRIORITY, LOWEST
from repoprio.policy.patterns import Pattern

EXTEND = "extend"
_REMEDY = "remove that, or ask the maintainer of the locked file"


class LayerSettings(NamedTuple):
    """The settings of one layer, file after file."""

    name: str
    settings: tuple[Setting, ...]

    def lock(self) -> Setting | None:
        """The setting that locks this layer, or None; an invalid one locks too."""
        locks = [setting for setting in self.settings if setting.path == ("locked",)]
        if locks and locks[-1].value is not False:
            return locks[-1]
        # A lock that is misspelled, or in the wrong place, is an error, but it locks as well.
        near = [s for s in self.settings if s.path[-1].startswith("lock") and s.path != ("locked",)]
        return near[0] if near else None


def merge(layers: Iterable[LayerSettings]) -> tuple[Merged, list[PolicyProblem]]:
    """The merged settings of all layers without those that an earlier layer's lock forbids, and an error for each."""
    merged = Merged()
    errors: list[PolicyProblem] = []
    locks: list[_Lock] = []
    for layer in layers:
        forbidden = [error for lock in locks for error in lock.errors(layer.settings, merged)]
        errors += forbidden
        keys = {error.key for error in forbidden}
        if locks:
            merged.additions |= {s.path[1] for s in layer.settings if s.path[0] == "repositories" and len(s.path) > 1}
            merged.additions -= {name for lock in locks for name in lock.repositories}
        if not any(lock.is_total for lock in locks):
            merged.add(s for s in layer.settings if not any(".".join(s.path[:n]) in keys for n in (1, 2, 3)))
        if setting := layer.lock():
            locks.append(_Lock(setting, merged.document()))
    return merged, errors


class _Lock:
    """A lock: settings up to the end of its layer may not be changed; with "extend", later layers may add below."""

    def __init__(self, setting: Setting, document: Mapping[str, Any]) -> None:
        self._by = setting
        self.repositories = _tables(document, "repositories")
        self._pins = _tables(document, "pins")

    @property
    def is_total(self) -> bool:
        """Whether later layers may set nothing at all."""
        return bool(self._by.value != EXTEND)

    def errors(self, later: Sequence[Setting], merged: Merged) -> list[PolicyProblem]:
        """An error for each setting of a later layer that this lock forbids."""
        if self.is_total:
            return [self._error(setting, "may not be set") for setting in later if not setting.is_table]
        wanted = Merged(dict(merged.settings))
        wanted.add(later)
        document = wanted.document()
        return [self._error(s, problem) for s in later if (problem := self._problem(s, document))]

    def _error(self, setting: Setting, problem: str) -> PolicyProblem:
        lock = "true" if self.is_total else '"extend"'
        rule = f"locked = {lock} in {self._by.file}"
        return PolicyProblem(setting.file, setting.key, f"{problem}: {rule}", _REMEDY)

    def _problem(self, setting: Setting, document: Mapping[str, Any]) -> str | None:
        """Why this setting is not a mere addition, or None if it is one."""
        kind = setting.path[0]
        if setting.path == ("locked",):
            return None
        if len(setting.path) == 1:
            return "may not be set"
        name = setting.path[1]
        mine = self.repositories if kind == "repositories" else self._pins
        if name in mine:
            return None if setting.is_table else f"may not change {kind}.{name}"
        if not setting.is_table:
            return None
        entry = _tables(document, kind).get(name, {})
        return self._of_repository(entry) if kind == "repositories" else self._of_pin(entry)

    def _of_repository(self, entry: Mapping[str, Any]) -> str | None:
        lowest = max((_priority(repository) for repository in self.repositories.values()), default=0)
        if not lowest < _priority(entry, default=0):
            return f"needs a priority from {lowest + 1} to {LOWEST}, below all existing ones"
        claimed = [*_patterns(entry, "namespaces"), *_patterns(entry, "owns")]
        return self._overlap(claimed, "owns")

    def _of_pin(self, entry: Mapping[str, Any]) -> str | None:
        named = entry.get("repositories")
        if not isinstance(named, list) or not named or any(name in self.repositories for name in named):
            return "needs repositories, and only added ones"
        return self._overlap(_patterns(entry, "projects"), "pins")

    def _overlap(self, claimed: Sequence[Pattern], verb: str) -> str | None:
        """Why an addition may not claim these names: this layer has settings for one of them; None if it may."""
        for kind, name, key in self._speaks():
            table = (self.repositories if kind == "repositories" else self._pins)[name]
            for taken in _patterns(table, key):
                for claim in claimed:
                    if claim.overlaps(taken):
                        return f"{verb} {claim.text}, which overlaps {taken.text} of {kind}.{name}.{key}"
        wide = next((claim for claim in claimed if claim.text[:1] in "*?"), None)
        return f"{verb} {wide.text}, which begins with a wildcard and can match any name" if wide else None

    def _speaks(self) -> Iterator[tuple[str, str, str]]:
        for name in self.repositories:
            yield "repositories", name, "namespaces"
            yield "repositories", name, "owns"
            yield "repositories", name, "include"
        for name in self._pins:
            yield "pins", name, "projects"


def _tables(document: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    tables = document.get(kind)
    entries = tables.items() if isinstance(tables, dict) else ()
    return {name: entry for name, entry in entries if isinstance(entry, dict)}


def _priority(entry: Mapping[str, Any], default: int = DEFAULT_PRIORITY) -> int:
    try:
        return int(schema.REPOSITORY["priority"].parse(entry.get("priority", default)))
    except values.NotExpected:
        return default


def _patterns(entry: Mapping[str, Any], key: str) -> tuple[Pattern, ...]:
    """The patterns under `key`; none if they are faulty, which is reported elsewhere."""
    try:
        return values.patterns(entry.get(key, []))
    except values.NotExpected:
        return ()
