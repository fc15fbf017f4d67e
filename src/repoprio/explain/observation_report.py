"""Sums up the logs of many machines in observe mode. Pure.

A log may contain anything: a record counts only if all of it has the expected form.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from typing import Any, NamedTuple

from repoprio.dataclass import dataclass
from repoprio.lookup.project import Code
from repoprio.names import NormalizedName, is_project_name, normalize

# Limits that a log of repoprio never exceeds: the characters of a text, and the sites in a record.
_LONGEST = 300
_MOST_SITES = 8
_CODES = {code.value: code for code in Code}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_REPOSITORY = re.compile(r"[a-z0-9-]{1,100}")


class NoRecord(ValueError):
    """A value is not the record of a change; the text says why, and quotes nothing of the value."""


class Source(NamedTuple):
    """Where a project was taken from: a repository of the policy, or the site of an index that it does not list."""

    repository: str | None
    site: str | None = None


class Kind(NamedTuple):
    """A kind of change: the project, the code, and where pip and the policy take it from."""

    project: NormalizedName
    code: Code
    pip: Source
    policy: Source


class Record(NamedTuple):
    """One change on one machine.

    `time` is UTC in ISO 8601; `host` is None if an older repoprio did not write it. `policy_version` is None if the
    policy would refuse; `unlisted` are the sites of indexes that the policy does not list.
    """

    kind: Kind
    time: str
    host: str | None
    pip_version: str
    policy_version: str | None
    unlisted: tuple[str, ...]


@dataclass
class Changes:
    """All changes of one kind: the number of choices, their hosts and versions, and the first and last time (UTC)."""

    kind: Kind
    choices: int = 0
    hosts: set[str] = field(default_factory=set)
    pip_versions: Counter[str] = field(default_factory=Counter)
    policy_versions: Counter[str] = field(default_factory=Counter)
    first: str = ""
    last: str = ""


@dataclass
class Report:
    """The sum of all records that were added; each record counts once.

    `changes` are by kind. `duplicates` is how many records came again, for example because a log was collected twice.
    `unlisted` are the sites of indexes that the policy does not list, each with its hosts.
    """

    changes: dict[Kind, Changes] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    unlisted: dict[str, set[str]] = field(default_factory=dict)
    records: int = 0
    duplicates: int = 0
    _seen: set[int] = field(default_factory=set)

    def add(self, document: Any, log: str) -> None:
        """Add one line of `log`, whose name is the host if the line names none; raises `NoRecord`."""
        added = record(document)
        host = added.host or log
        # Only a hash of each record is kept. If one pip chooses a file twice at the same time, that counts once.
        mark = hash((host, added))
        if mark in self._seen:
            self.duplicates += 1
            return
        self._seen.add(mark)
        self.records += 1
        self.hosts.add(host)
        for site in added.unlisted:
            self.unlisted.setdefault(site, set()).add(host)
        self._count(added, host)

    def _count(self, added: Record, host: str) -> None:
        changes = self.changes.setdefault(added.kind, Changes(added.kind))
        changes.choices += 1
        changes.hosts.add(host)
        changes.pip_versions[added.pip_version] += 1
        if added.policy_version is not None:
            changes.policy_versions[added.policy_version] += 1
        changes.first = min(changes.first or added.time, added.time)
        changes.last = max(changes.last, added.time)

    def ranked(self) -> list[Changes]:
        """The changes, those on the most hosts first."""
        return sorted(self.changes.values(), key=lambda item: (-len(item.hosts), -item.choices, str(item.kind)))

    @property
    def projects(self) -> list[NormalizedName]:
        """The projects that would change, sorted."""
        return sorted({kind.project for kind in self.changes})

    @property
    def first(self) -> str | None:
        """The time of the first change (UTC); None if there is none."""
        return min((changes.first for changes in self.changes.values()), default=None)

    @property
    def last(self) -> str | None:
        """The time of the last change (UTC); None if there is none."""
        return max((changes.last for changes in self.changes.values()), default=None)


def record(document: Any) -> Record:
    """One line of a log, as a record; raises `NoRecord`."""
    if not isinstance(document, dict):
        raise NoRecord("not an object")
    if document.get("schema") != 1 or isinstance(document["schema"], bool):
        raise NoRecord("not a record of schema 1")
    project, code, time = _text(document, "project"), _text(document, "code"), _text(document, "time")
    if not is_project_name(project):
        raise NoRecord("project is not a project name")
    if code not in _CODES:
        raise NoRecord("code is not known")
    if not _TIME.fullmatch(time):
        raise NoRecord("time is not a time in UTC")
    pip, policy = document.get("pip"), document.get("policy")
    if not isinstance(pip, dict) or not isinstance(policy, dict):
        raise NoRecord("pip or policy is not an object")
    kind = Kind(normalize(project), _CODES[code], _source(pip), _source(policy))
    host = _text_or_none(document, "host")
    return Record(kind, time, host, _text(pip, "version"), _text_or_none(policy, "version"), _sites(document))


def _source(table: Mapping[str, Any]) -> Source:
    repository = _text_or_none(table, "repository")
    if repository is not None and not _REPOSITORY.fullmatch(repository):
        # A repository that a caller added has a name that no policy can have ("unlisted:1").
        repository = None
    return Source(repository, _text_or_none(table, "site") if repository is None else None)


def _sites(document: Mapping[str, Any]) -> tuple[str, ...]:
    sites = document.get("unlisted", [])
    if not isinstance(sites, list) or len(sites) > _MOST_SITES or not all(map(_is_short, sites)):
        raise NoRecord("unlisted is not a short list of sites")
    return tuple(sites)


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not _is_short(value):
        raise NoRecord(f"{key} is not a short text")
    return str(value)


def _text_or_none(table: Mapping[str, Any], key: str) -> str | None:
    return None if table.get(key) is None else _text(table, key)


def _is_short(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST
