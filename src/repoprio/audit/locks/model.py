"""What a lock says of packages and of where they come from, in whichever format. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from repoprio.audit.lock_verdicts import LockedFile
from repoprio.errors import RepoprioError


class NoLock(RepoprioError):
    """A file that is not what it should be."""


class Package(NamedTuple):
    """One project of a lock.

    `source` is where it comes from, where no repository has a say; `files` are what a repository would supply.
    `is_pinned`: it is one version. `line` counts from 1. `rivals` are the keys that name sources where PEP 751 allows
    one alone; `pins` the versions to which a requirement is pinned where they are several. `index_url` is the
    repository that the lock names for it: a URL or a path as written, None where the lock names none.
    """

    name: str
    version: str | None
    files: tuple[LockedFile, ...]
    source: str | None
    line: int | None
    file: str
    is_pinned: bool = True
    hashes: Mapping[str, str] = {}
    rivals: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    index_url: str | None = None


class Index(NamedTuple):
    """A repository that a lock has its installer ask: its URL or path as written, and where it is named.

    `is_verified` is False where the lock says that its certificate does not matter.
    """

    url: str
    line: int | None
    is_verified: bool = True


class Lock(NamedTuple):
    """The packages of one lock, whatever their markers and groups, and the repositories that it names."""

    packages: list[Package]
    indexes: tuple[Index, ...] = ()


def indexes_of(packages: list[Package]) -> tuple[Index, ...]:
    """The repositories that `packages` name, each where it is named first."""
    found: dict[str, Index] = {}
    for package in packages:
        if package.index_url is not None:
            found.setdefault(package.index_url, Index(package.index_url, package.line))
    return tuple(found.values())
