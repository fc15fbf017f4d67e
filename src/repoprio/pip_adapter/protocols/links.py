"""Pip's models of versions, requirements and files, and those of its own `packaging`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol


class Version(Protocol):
    """A version (PEP 440)."""

    def __lt__(self, other: Version, /) -> bool:
        """Whether it is lower than `other`."""

    def __hash__(self) -> int:
        """A hash; equal versions have the same."""


class Specifier(Protocol):
    """One part of a specifier, such as ``>=1``."""

    @property
    def operator(self) -> str:
        """The operator, such as ``>=``."""

    @property
    def version(self) -> str:
        """The version, such as ``1`` or ``1.*``."""


class SpecifierSet(Protocol):
    """A set of specifiers that all apply, such as ``>=1,<2``."""

    def contains(self, item: str, prereleases: bool | None = None) -> bool:
        """Whether the version `item` fits all of them."""

    def __and__(self, other: SpecifierSet, /) -> SpecifierSet:
        """The specifiers of both sets."""

    def __iter__(self) -> Iterator[Specifier]:
        """The single specifiers."""


class Requirement(Protocol):
    """A requirement (PEP 508)."""

    specifier: SpecifierSet


class Hashes(Protocol):
    """The hashes that a file may have, by algorithm; one must match. Without hashes the object is false."""

    _allowed: Mapping[str, Sequence[str]]

    def __and__(self, other: Hashes, /) -> Hashes:
        """The hashes that both allow."""


class Link(Protocol):
    """A URL with the facts of its page. pip 22.0 to 22.3 have no `_hashes`, but one hash in the URL."""

    comes_from: str | None
    requires_python: str | None
    yanked_reason: str | None

    @property
    def url(self) -> str:
        """The whole URL, with its fragment."""

    @property
    def filename(self) -> str:
        """The last part of the path."""

    @property
    def file_path(self) -> str:
        """The path of a file on disk."""

    @property
    def hash_name(self) -> str | None:
        """The algorithm of the hash; None if there is none."""

    @property
    def hash(self) -> str | None:
        """The hash; None if there is none."""

    @property
    def has_hash(self) -> bool:
        """Whether the link states a hash."""

    @property
    def is_file(self) -> bool:
        """Whether it is a ``file:`` URL."""

    @property
    def is_vcs(self) -> bool:
        """Whether it is the URL of a version control system."""

    @property
    def is_wheel(self) -> bool:
        """Whether the file name is that of a wheel."""

    @property
    def is_yanked(self) -> bool:
        """Whether the file was yanked (PEP 592)."""

    def is_existing_dir(self) -> bool:
        """Whether it is an existing folder."""

    def is_hash_allowed(self, hashes: Hashes | None) -> bool:
        """Whether the link states one of `hashes`."""


class InstallationCandidate(Protocol):
    """A version of a project, with its file."""

    name: str
    version: Version
    link: Link
