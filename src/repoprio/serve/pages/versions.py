"""Functions for versions and specifiers (PEP 440), with packaging."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


class PackagingVersions:
    """Functions for versions and specifiers."""

    def is_version(self, text: str, /) -> bool:
        """Whether `text` is a version."""
        try:
            Version(text)
        except (InvalidVersion, ValueError):
            return False
        return True

    def newest_first(self, texts: frozenset[str], /) -> tuple[str, ...]:
        """The versions, sorted newest first."""
        return tuple(sorted(texts, key=lambda text: (Version(text), text), reverse=True))

    def key(self, text: str, /) -> Hashable:
        """A key that is equal for two spellings of the same version."""
        return Version(text)

    def within(self, specifier: str) -> Callable[[str], bool]:
        """A function that says whether a version fits `specifier`, pre-releases included."""
        parsed = SpecifierSet(specifier)
        return lambda text: parsed.contains(text, prereleases=True)
