"""What a decision offers of a project: the owner's files, or those of a whole tier as one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol

from repoprio.dataclass import dataclass
from repoprio.lookup.events import RepositoryResult
from repoprio.lookup.project import Decision
from repoprio.names import NormalizedName
from repoprio.policy.model import Repository
from repoprio.policy.routing import version_limit
from repoprio.simple_api.filenames import version_in
from repoprio.simple_api.model import File, ProjectPage, Status
from repoprio.simple_api.model import Versions as AnyVersions


class Versions(AnyVersions, Protocol):
    """What there is to know of versions, and of specifiers."""

    def key(self, text: str, /) -> Hashable:
        """What is equal for two spellings of one version."""

    def within(self, specifier: str) -> Callable[[str], bool]:
        """What says whether a version lies within `specifier`."""


@dataclass(frozen=True)
class OfferedFile:
    """One file, and the repository that lists it."""

    file: File
    repository: Repository


@dataclass(frozen=True)
class Offer:
    """The files of a project, and what its pages say of it: `versions` are the newest first (PEP 700)."""

    name: NormalizedName
    files: tuple[OfferedFile, ...]
    versions: tuple[str, ...]
    status: Status | None


def offer(decision: Decision[ProjectPage], versions: Versions) -> Offer:
    """What the owners of a name offer.

    A file name that two of them have comes from the first. Under a pin's merge a version that two have comes from
    the one with the higher priority.
    """
    limit = version_limit(decision.route)
    is_allowed = versions.within(limit) if limit is not None else _any
    names: set[str] = set()
    holders: dict[Hashable, int] = {}
    files: list[OfferedFile] = []
    spelled: dict[Hashable, str] = {}
    for owner in decision.owners:
        for file, version in _files(decision.name, owner, versions):
            key = versions.key(version)
            holder = holders.setdefault(key, owner.repository.priority)
            is_outranked = decision.is_merged and holder < owner.repository.priority
            if file.filename not in names and not is_outranked and is_allowed(version):
                names.add(file.filename)
                files.append(OfferedFile(file, owner.repository))
                spelled.setdefault(key, version)
    stated = _stated(decision.owners, versions, is_allowed)
    all_versions = {**{versions.key(text): text for text in stated}, **spelled}
    newest_first = versions.newest_first(frozenset(all_versions.values()))
    return Offer(decision.name, tuple(files), newest_first, _status(decision.owners))


def _any(_: str) -> bool:
    return True


def _files(name: NormalizedName, owner: RepositoryResult[ProjectPage], versions: Versions) -> list[tuple[File, str]]:
    files = owner.page.files if owner.page else ()
    found = ((file, version_in(file.filename, name, versions.is_version)) for file in files)
    return [(file, version) for file, version in found if version is not None]


def _stated(owners: Sequence[RepositoryResult[Any]], versions: Versions, is_allowed: Callable[[str], bool]) -> set[str]:
    """The versions that the pages themselves name, of which there may be no file."""
    stated = {text for owner in owners if owner.page for text in owner.page.stated_versions or ()}
    return {text for text in stated if versions.is_version(text) and is_allowed(text)}


def _status(owners: Sequence[RepositoryResult[ProjectPage]]) -> Status | None:
    """What has become of the project (PEP 792): of several the first that is not active."""
    said = [owner.page.status for owner in owners if owner.page and owner.page.status]
    return next((status for status in said if status.status != "active"), said[0] if said else None)
