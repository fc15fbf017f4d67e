"""Makes the files that clients get for a decision: those of the owner, or of a whole tier. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any, NamedTuple, Protocol

from repoprio.dataclass import dataclass
from repoprio.lookup.cooldown import held, wait_for
from repoprio.lookup.events import RepositoryResult
from repoprio.lookup.project import Decision
from repoprio.names import NormalizedName
from repoprio.policy.model import Policy, Repository
from repoprio.policy.routing import version_limit
from repoprio.simple_api.filenames import is_wheel, version_in
from repoprio.simple_api.model import File, ProjectPage, Status
from repoprio.simple_api.model import Versions as AnyVersions


class Versions(AnyVersions, Protocol):
    """Functions for versions and specifiers."""

    def key(self, text: str, /) -> Hashable:
        """A key that is equal for two spellings of the same version."""

    def within(self, specifier: str) -> Callable[[str], bool]:
        """A function that says whether a version fits `specifier`."""


class OfferedFile(NamedTuple):
    """One file, and the repository that lists it. A tuple, which is faster to make: a page has thousands of files."""

    file: File
    repository: Repository


@dataclass(frozen=True)
class Offer:
    """The files of a project, and the other facts of its pages: `versions` are sorted newest first (PEP 700)."""

    name: NormalizedName
    files: tuple[OfferedFile, ...]
    versions: tuple[str, ...]
    status: Status | None


def offer(policy: Policy, decision: Decision[ProjectPage], versions: Versions) -> Offer:
    """What the owners of a name offer: files that are old enough (`min-age`), of the versions that a pin allows.

    A file name that two of them have comes from the first. Under a pin's merge a version that two have comes from
    the one with the higher priority.
    """
    limit = version_limit(decision.route)
    owner = decision.owners[0] if len(decision.owners) == 1 else None
    if owner is not None and limit is None and wait_for(policy, decision.route, owner.repository) is None:
        return _everything(decision.name, owner, versions)
    return _selection(policy, decision, versions, limit)


def _everything(name: NormalizedName, owner: RepositoryResult[ProjectPage], versions: Versions) -> Offer:
    """All that the only owner lists: most names have one, and no rule for its files."""
    assert owner.page is not None, "an owner has a page"
    first: dict[str, OfferedFile] = {}
    for file in owner.page.files:
        first.setdefault(file.filename, OfferedFile(file, owner.repository))
    spelled = {versions.key(text): text for text in sorted(_stated((owner,), versions, _any))}
    # Sorted: which of two spellings is kept must not depend on the order of a set.
    spelled |= {versions.key(text): text for text in sorted(owner.page.claimed_versions)}
    return Offer(name, tuple(first.values()), versions.newest_first(frozenset(spelled.values())), _status((owner,)))


def _selection(policy: Policy, decision: Decision[ProjectPage], versions: Versions, limit: str | None) -> Offer:
    is_allowed = versions.within(limit) if limit is not None else _any
    is_merged = decision.is_merged
    names: set[str] = set()
    holders: dict[Hashable, int] = {}
    kept: list[tuple[OfferedFile, Hashable]] = []
    young: set[str] = set()
    spelled = {versions.key(text): text for text in _stated(decision.owners, versions, is_allowed)}
    for owner in decision.owners:
        listed = [(file, versions.key(version), version) for file, version in _files(decision.name, owner, versions)]
        waiting = _young(policy, decision, owner)
        for file, key, version in listed:
            holder = holders.setdefault(key, owner.repository.priority)
            is_outranked = is_merged and holder < owner.repository.priority
            is_new = file.filename not in names
            names.add(file.filename)
            if is_new and not is_outranked and is_allowed(version):
                spelled[key] = version
                kept.append((OfferedFile(file, owner.repository), key))
                if file.filename in waiting:
                    young.add(file.filename)
    files = _old_enough(kept, young)
    offered = {key for _, key in files}
    # The page may state a version without files; but a version whose files are all too young is left out.
    texts = frozenset(text for key, text in spelled.items() if key in offered or key not in holders)
    return Offer(
        decision.name, tuple(file for file, _ in files), versions.newest_first(texts), _status(decision.owners)
    )


def _any(_: str) -> bool:
    return True


def _files(name: NormalizedName, owner: RepositoryResult[ProjectPage], versions: Versions) -> list[tuple[File, str]]:
    files = owner.page.files if owner.page else ()
    versioned = ((file, version_in(file.filename, name, versions.is_version)) for file in files)
    return [(file, version) for file, version in versioned if version is not None]


def _young(policy: Policy, decision: Decision[ProjectPage], owner: RepositoryResult[ProjectPage]) -> set[str]:
    """The names of the owner's files that are too young."""
    wait = wait_for(policy, decision.route, owner.repository)
    if wait is None or owner.page is None:
        return set()
    now = owner.page.clocks.now if owner.page.clocks else None
    return {file.filename for file in owner.page.files if held(wait, file.upload_time, now)}


def _old_enough(
    files: list[tuple[OfferedFile, Hashable]], young: Collection[str]
) -> list[tuple[OfferedFile, Hashable]]:
    """The files that are old enough, with their versions.

    An sdist waits for each wheel of its version in its tier: which of them a client would take is not known here.
    """
    of_wheels = {version for offered, version in files if offered.file.filename in young and _is_wheel(offered)}
    return [
        (offered, version)
        for offered, version in files
        if offered.file.filename not in young and (_is_wheel(offered) or version not in of_wheels)
    ]


def _is_wheel(offered: OfferedFile) -> bool:
    return is_wheel(offered.file.filename)


def _stated(owners: Sequence[RepositoryResult[Any]], versions: Versions, is_allowed: Callable[[str], bool]) -> set[str]:
    """The versions that the pages state, which may have no files."""
    stated = {text for owner in owners if owner.page for text in owner.page.stated_versions or ()}
    return {text for text in stated if versions.is_version(text) and is_allowed(text)}


def _status(owners: Sequence[RepositoryResult[ProjectPage]]) -> Status | None:
    """The status of the project (PEP 792): the first one that is not active."""
    stated = [owner.page.status for owner in owners if owner.page and owner.page.status]
    return next((status for status in stated if status.status != "active"), stated[0] if stated else None)
