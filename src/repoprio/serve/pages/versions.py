"""Versions and specifiers (PEP 440), as packaging reads them."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


class PackagingVersions:
    """What there is to know of versions."""

    def is_version(self, text: str, /) -> bool:
        """Whether `text` is a version."""
        try:
            Version(text)
        except (InvalidVersion, ValueError):
            return False
        return True

    def newest_first(self, texts: frozenset[str], /) -> tuple[str, ...]:
        """Versions in their order, the newest first."""
        return tuple(sorted(texts, key=lambda text: (Version(text), text), reverse=True))

    def key(self, text: str, /) -> Hashable:
        """What is equal for two spellings of one version."""
        return Version(text)

    def within(self, specifier: str) -> Callable[[str], bool]:
        """What says whether a version lies within `specifier`, pre-releases included."""
        parsed = SpecifierSet(specifier)
        return lambda text: parsed.contains(text, prereleases=True)
