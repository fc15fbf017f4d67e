"""Which names a repository has served, and so keeps when they disappear there. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import Decision, ProjectLookup
from repoprio.names import NormalizedName, is_project_name, normalize
from repoprio.policy.model import Location, Mode, Policy, Repository
from repoprio.policy.patterns import Pattern
from repoprio.policy.routing import Route
from repoprio.redaction import HIDDEN, display_url, redact_url
from repoprio.urls import place_or_text, site


class Record(NamedTuple):
    """That the repository of this name, at this URL, served `project` while a lower one could have."""

    project: NormalizedName
    repository: str
    url: str


class UnsoundMemory(Exception):
    """The memory cannot be read or written; the text says why."""


_SCHEMA = 1


def digest(record: Record) -> str:
    """The digest of a record; it shows later whether the record was changed."""
    return hashlib.sha256("\0".join(record).encode()).hexdigest()[:16]


def as_document(records: Iterable[Record]) -> dict[str, Any]:
    """The records as JSON has them, for `from_document`."""
    return {"schema": _SCHEMA, "records": [record._asdict() for record in records]}


def from_document(document: Any) -> tuple[Record, ...]:
    """The records of such a document; raises `ValueError` if it is invalid."""
    entries = document.get("records") if isinstance(document, dict) else None
    if not isinstance(entries, list) or document.get("schema") != _SCHEMA:
        raise ValueError("it is not a document of records of this version of repoprio")
    return tuple(_from_entry(entry) for entry in entries)


def _from_entry(entry: Any) -> Record:
    values = [entry.get(key) for key in Record._fields] if isinstance(entry, dict) else []
    # Another value than a text would be the name of no repository: its record would close nothing.
    texts = [value for value in values if isinstance(value, str) and value]
    if len(texts) < len(Record._fields) or not is_project_name(texts[0]):
        raise ValueError("one of its records has no project, repository or url")
    return Record(normalize(texts[0]), texts[1], texts[2])


def holders_by_name(policy: Policy, records: Iterable[Record]) -> Mapping[NormalizedName, Collection[str]]:
    """For each name, the names of the repositories of the policy that keep it."""
    names: dict[NormalizedName, set[str]] = {}
    for record in records:
        if repository := holder(policy, record):
            names.setdefault(record.project, set()).add(repository.name)
    return names


def holder(policy: Policy, record: Record) -> Repository | None:
    """The repository of the policy that `record` means; None: the record is dormant.

    That is the one of its name, else the one that had this name before (`renamed-from`), else the one at its URL.
    """
    by_name = next((r for r in policy.repositories if r.name == record.repository), None)
    renamed = next((r for r in policy.repositories if record.repository in r.renamed_from), None)
    return by_name or renamed or next((r for r in policy.repositories if _is_at(r, record.url)), None)


class Dormant(NamedTuple):
    """The names that nobody keeps since their repository is not in the policy any more.

    `is_all`: no record of a repository of that name is kept, also not by one at its URL.
    """

    projects: tuple[NormalizedName, ...]
    is_all: bool


def dormant(policy: Policy, records: Iterable[Record]) -> Mapping[str, Dormant]:
    """The dormant names, by the name of the repository that served them."""
    is_held: dict[tuple[str, str], bool] = {}
    held: set[str] = set()
    lost: dict[str, list[NormalizedName]] = {}
    for record in records:
        place = record.repository, record.url
        if place not in is_held:
            is_held[place] = holder(policy, record) is not None
        if is_held[place]:
            held.add(record.repository)
        else:
            lost.setdefault(record.repository, []).append(record.project)
    return {name: Dormant(tuple(projects), name not in held) for name, projects in lost.items()}


def _is_at(repository: Repository, url: str) -> bool:
    try:
        return bool(url) and (url in map(_written, repository.locations) or repository.is_at(url))
    except ValueError:
        return False


def holders(policy: Policy, records: Iterable[Record]) -> frozenset[str]:
    """The names of the repositories that keep a name, by its records."""
    repositories = (holder(policy, record) for record in records)
    return frozenset(repository.name for repository in repositories if repository)


def records_of(decision: Decision[Any]) -> tuple[Record, ...]:
    """What is to be remembered of `decision`: who serves a file of the name while a lower repository could have.

    Under a pin's merge no repository owns the name, and nothing is remembered.
    """
    route = decision.route
    if not isinstance(route, Route) or route.mode is Mode.MERGE:
        return ()
    lowest = max((repository.priority for repository in route.repositories), default=0)
    owners = (o for o in decision.owners if o.files and o.repository.priority < lowest)
    return tuple(Record(decision.name, o.repository.name, _written(o.repository.locations[0])) for o in owners)


def _written(location: Location) -> str:
    """The URL for a record, which others may read: with the names of its variables, not with their values."""
    return location.shown if "${" in location.shown else location.url


def without_secrets(policy: Policy | None, records: Iterable[Record]) -> Iterator[Record]:
    """The records with URLs that others may read, also of records that have the value of a variable.

    Such a value may be a token, which the policy does not know if it has changed since. So of a URL that is not in
    `policy`, only the site is left: such a record is not `is_whole`.
    """
    literal = {place_or_text(url): url for url in _literal(policy)}
    for record in records:
        yield record._replace(url=_without_secrets(holder(policy, record) if policy else None, record.url, literal))


def is_whole(record: Record) -> bool:
    """Whether the record has its whole URL, unlike one of `without_secrets`."""
    return HIDDEN not in record.url


def _literal(policy: Policy | None) -> Iterator[str]:
    """The URLs of a policy that are written without variables."""
    if policy is None:
        return
    for repository in policy.repositories:
        yield from (location.url for location in repository.locations if "${" not in location.shown)
        # Of an alias, the policy has only the text with the values of its variables.
        yield from (alias for alias in repository.aliases if not any(value in alias for value in policy.secrets))


def _without_secrets(repository: Repository | None, url: str, literal: Mapping[str, str]) -> str:
    if "${" in url:
        return display_url(url)
    for location in repository.locations if repository else ():
        if "${" in location.shown and _is_written_as(location.shown, url):
            return location.shown
    if place_or_text(url) in literal:
        # A record has the URL as it was written: it is repeated as it is, unless it has more than a place.
        return url if redact_url(url) == url else literal[place_or_text(url)]
    try:
        return f"{site(url)}/{HIDDEN}"
    except ValueError:
        return HIDDEN


def _is_written_as(shown: str, url: str) -> bool:
    """Whether `url` is `shown` with some values for its variables."""
    texts = re.split(r"\$\{[^}]*\}", shown)
    return re.fullmatch(".*".join(map(re.escape, texts)), url, re.DOTALL) is not None


def may_own(policy: Policy, name: NormalizedName, owners: Collection[str], holders: Collection[str]) -> bool:
    """Whether repositories of these names can own `name`, which `holders` keep, by the policy."""
    lookup = ProjectLookup[Any](RunMemory(policy), name, remembered=holders)
    routed = {r.name: r.priority for r in lookup.route.repositories} if isinstance(lookup.route, Route) else {}
    priorities = {routed.get(owner) for owner in owners}
    if not priorities or None in priorities:
        return False
    if lookup.mode is Mode.MERGE:
        return True
    closed = lookup.closed_below
    return len(priorities) == 1 and (closed is None or priorities <= set(range(closed + 1)))


def superseded(policy: Policy, records: Iterable[Record], new: Iterable[Record]) -> tuple[Record, ...]:
    """The records of a name that `new` ones take over: those of lower repositories of the policy."""
    owners = [owner for record in new if (owner := holder(policy, record))]
    if not owners:
        return ()
    priority = min(owner.priority for owner in owners)
    held = ((record, holder(policy, record)) for record in records)
    return tuple(record for record, repository in held if repository and repository.priority > priority)


def matching(records: Iterable[Record], patterns: Iterable[Pattern], repository: str | None) -> tuple[Record, ...]:
    """The records whose project one of the patterns means, of one repository or of all."""
    chosen = tuple(patterns)
    own = (record for record in records if repository in (None, record.repository))
    return tuple(record for record in own if any(pattern.matches(record.project) for pattern in chosen))
