"""Functions for versions and specifiers (PEP 440), with packaging."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

_LONGEST = 64


class PackagingVersions:
    """Functions for versions and specifiers."""

    def is_version(self, text: str, /) -> bool:
        """Whether `text` is a version."""
        return _version(text) is not None

    def newest_first(self, texts: frozenset[str], /) -> tuple[str, ...]:
        """The versions, sorted newest first."""
        # Two sorts take half the time of one by pairs, which compares each two versions twice.
        return tuple(sorted(sorted(texts, reverse=True), key=self.key, reverse=True))

    def key(self, text: str, /) -> Version:
        """A key that is equal for two spellings of the same version."""
        return _version(text) or Version(text)

    def within(self, specifier: str) -> Callable[[str], bool]:
        """A function that says whether a version fits `specifier`, pre-releases included."""
        parsed = SpecifierSet(specifier)
        return lambda text: parsed.contains(text, prereleases=True)


def _version(text: str) -> Version | None:
    """The version; None for a text that is none. A page has most versions several times; long ones are not kept."""
    return _known(text) if len(text) <= _LONGEST else _known.__wrapped__(text)


@lru_cache(maxsize=8192)
def _known(text: str) -> Version | None:
    try:
        return Version(text)
    except (InvalidVersion, ValueError):
        return None
