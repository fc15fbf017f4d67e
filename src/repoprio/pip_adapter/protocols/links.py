"""Versions, files and their links, and what is asked of them: pip's models, and packaging as pip brings it along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol


class Version(Protocol):
    """A version (PEP 440)."""

    def __lt__(self, other: Version, /) -> bool:
        """Whether it is older."""

    def __hash__(self) -> int:
        """As for versions that are equal."""


class Specifier(Protocol):
    """One part of a specifier: `>=1`."""

    @property
    def operator(self) -> str:
        """`>=`."""

    @property
    def version(self) -> str:
        """`1`, or `1.*`."""


class SpecifierSet(Protocol):
    """Bounds that hold together: `>=1,<2`."""

    def contains(self, item: str, prereleases: bool | None = None) -> bool:
        """Whether a version lies within them."""

    def __and__(self, other: SpecifierSet, /) -> SpecifierSet:
        """Both bounds."""

    def __iter__(self) -> Iterator[Specifier]:
        """Its parts."""


class Requirement(Protocol):
    """A requirement (PEP 508)."""

    specifier: SpecifierSet


class Hashes(Protocol):
    """The hashes that a file may have, any of them; without any it is false."""

    _allowed: Mapping[str, Sequence[str]]

    def __and__(self, other: Hashes, /) -> Hashes:
        """Those that both allow."""


class Link(Protocol):
    """A URL with what its page says of it. pip 22.0 to 22.3 have no `_hashes`, but one hash in the URL."""

    comes_from: str | None
    requires_python: str | None
    yanked_reason: str | None

    @property
    def url(self) -> str:
        """All of it."""

    @property
    def filename(self) -> str:
        """The last part of its path."""

    @property
    def file_path(self) -> str:
        """Where a file on disk is."""

    @property
    def hash_name(self) -> str | None:
        """The kind of its hash."""

    @property
    def hash(self) -> str | None:
        """Its hash."""

    @property
    def has_hash(self) -> bool:
        """Whether any hash is stated."""

    @property
    def is_file(self) -> bool:
        """Whether it is on disk."""

    @property
    def is_vcs(self) -> bool:
        """Whether it is a checkout's."""

    @property
    def is_wheel(self) -> bool:
        """Whether its name is a wheel's."""

    @property
    def is_yanked(self) -> bool:
        """Whether the file was yanked (PEP 592)."""

    def is_existing_dir(self) -> bool:
        """Whether it is a folder."""

    def is_hash_allowed(self, hashes: Hashes | None) -> bool:
        """Whether it states one of `hashes`."""


class InstallationCandidate(Protocol):
    """A version of a project, and its file."""

    name: str
    version: Version
    link: Link
