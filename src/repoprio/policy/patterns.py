"""Globs over project names, and how narrowly each one speaks. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from repoprio.dataclass import dataclass
from repoprio.names import NormalizedName, normalize

_PATTERN = re.compile(r"[a-z0-9._*?-]+", re.IGNORECASE | re.ASCII)


class Specificity(NamedTuple):
    """How narrowly a pattern speaks: an exact name first, then the number of literal characters."""

    exact: bool
    literals: int


@dataclass(frozen=True)
class Pattern:
    """A glob over normalized names: ``*`` is any text, ``?`` one character, all else itself.

    `text` is folded as names are, so ``Acme_*`` and ``acme-*`` are one pattern.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Fold and check a pattern as written; `ValueError` where it is none."""
        if not _PATTERN.fullmatch(text):
            raise ValueError(f"{text!r} is not a project name with * and ? as wildcards")
        return cls(normalize(text))

    def matches(self, name: NormalizedName) -> bool:
        """Whether the whole of `name` fits."""
        return _glob(self.text, name)

    def covers(self, other: Pattern) -> bool:
        """Whether this pattern surely matches all that `other` does; False where that cannot be told."""
        return _glob(self.text, other.text)

    def overlaps(self, other: Pattern) -> bool:
        """Whether some text fits both."""
        return _meet(self.text, other.text)

    @property
    def specificity(self) -> Specificity:
        """Orders the patterns that match one name; the greater speaks."""
        wildcards = sum(self.text.count(wildcard) for wildcard in "*?")
        return Specificity(exact=not wildcards, literals=len(self.text) - wildcards)


def _glob(pattern: str, name: str) -> bool:
    # `name` may be a pattern itself (see `covers`): then its `*` stands for more than one character does.
    # Not a regular expression: `*a*a*a…` would make one backtrack for minutes on a hostile name.
    at, position, star, resume = 0, 0, -1, 0
    while position < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, resume, at = at, position, at + 1
        elif at < len(pattern) and (pattern[at] == name[position] or (pattern[at] == "?" and name[position] != "*")):
            at, position = at + 1, position + 1
        elif star >= 0:
            at, resume = star + 1, resume + 1
            position = resume
        else:
            return False
    return not pattern[at:].strip("*")


def _meet(one: str, other: str) -> bool:
    """Whether two globs have a text in common; looks at each pair of positions once."""
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        i, j = here
        a, b = one[i : i + 1], other[j : j + 1]
        if not a and not b:
            return True
        if a == "*":
            waiting += [(i + 1, j), *([(i, j + 1)] if b else [])]
        if b == "*":
            waiting += [(i, j + 1), *([(i + 1, j)] if a else [])]
        if a and b and "*" not in (a, b) and (a == b or "?" in (a, b)):
            waiting.append((i + 1, j + 1))
    return False


def best_match(patterns: tuple[Pattern, ...], name: NormalizedName) -> Specificity | None:
    """The specificity of the most specific of `patterns` that matches, or None."""
    return max((p.specificity for p in patterns if p.matches(name)), default=None)
