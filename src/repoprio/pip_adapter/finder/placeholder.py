"""A placeholder for a distribution whose metadata must not be read, because that would run its code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pip._vendor.packaging.specifiers import SpecifierSet
from pip._vendor.packaging.version import Version

from repoprio.names import NormalizedName


class PlaceholderDistribution:
    """A distribution with a name and a version, but without dependencies."""

    requires_python = SpecifierSet()

    def __init__(self, name: NormalizedName, version: str | None) -> None:
        self.canonical_name = name
        self.raw_name = name
        self.version = Version(version or "0")
        self.is_versionless = version is None

    def iter_dependencies(self, _extras: Iterable[str] = ()) -> Iterator[object]:
        """Nothing: the dependencies are not known."""
        return iter(())

    def iter_provided_extras(self) -> Iterator[str]:
        """Nothing: the extras are not known."""
        return iter(())

    def is_extra_provided(self, _extra: str) -> bool:
        """False: the extras are not known."""
        return False
