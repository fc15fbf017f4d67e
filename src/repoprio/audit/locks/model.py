"""What a lock says about packages and their sources, in any format. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from repoprio.audit.lock_verdicts import LockedFile
from repoprio.errors import RepoprioError


class NoLock(RepoprioError):
    """A file is not a valid lock."""


class Package(NamedTuple):
    """One project of a lock.

    `files` are what a repository would supply. `source` is where the package comes from if that is no repository:
    a URL, a folder or a version control system, with `hashes` of the file there. `is_pinned` says whether the lock
    allows only one version; `pins` are the versions if several requirements pin different ones. `line` counts from 1.
    `rivals` are the keys of all sources, if there are several where PEP 751 allows one. `index_url` is the repository
    that the lock names for the package, a URL or path as written; None if it names none.
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
    """A repository that the lock's installer asks: its URL or path as written, and the line (from 1).

    `is_verified` is False if the lock says not to check its certificate.
    """

    url: str
    line: int | None
    is_verified: bool = True


class Lock(NamedTuple):
    """All packages of a lock, with any markers and groups, and the repositories that it names."""

    packages: list[Package]
    indexes: tuple[Index, ...] = ()


def indexes_of(packages: list[Package]) -> tuple[Index, ...]:
    """The repositories that `packages` name, each with the line where it is named first."""
    indexes: dict[str, Index] = {}
    for package in packages:
        if package.index_url is not None:
            indexes.setdefault(package.index_url, Index(package.index_url, package.line))
    return tuple(indexes.values())
