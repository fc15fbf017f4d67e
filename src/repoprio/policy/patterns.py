"""Globs over project names, and how specific each one is. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from repoprio.dataclass import dataclass
from repoprio.names import NormalizedName, normalize

_PATTERN = re.compile(r"[a-z0-9._*?-]+", re.IGNORECASE | re.ASCII)


class Specificity(NamedTuple):
    """How specific a pattern is: an exact name is most specific, then the number of literal characters counts."""

    exact: bool
    literals: int


@dataclass(frozen=True)
class Pattern:
    """A glob over normalized names: ``*`` matches any text, ``?`` one character, everything else itself.

    `text` is normalized like a name, so ``Acme_*`` and ``acme-*`` are the same pattern.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """The pattern that `text` states, normalized; raises `ValueError` if it is not a pattern."""
        if not _PATTERN.fullmatch(text):
            raise ValueError(f"{text!r} is not a project name with * and ? as wildcards")
        return cls(normalize(text))

    def matches(self, name: NormalizedName) -> bool:
        """Whether the pattern matches the whole of `name`."""
        return _glob(self.text, name)

    def covers(self, other: Pattern) -> bool:
        """Whether this pattern certainly matches every name that `other` matches; False if that is uncertain."""
        return _glob(self.text, other.text)

    def overlaps(self, other: Pattern) -> bool:
        """Whether some text matches both."""
        return _meet(self.text, other.text)

    @property
    def specificity(self) -> Specificity:
        """How specific it is; of the patterns that match a name, the one with the greatest value counts."""
        wildcards = sum(self.text.count(wildcard) for wildcard in "*?")
        return Specificity(exact=not wildcards, literals=len(self.text) - wildcards)


def _glob(pattern: str, name: str) -> bool:
    # `name` may be a pattern itself (see `covers`): then its `*` stands for more than one character.
    # Not a regular expression: on a malicious name, `*a*a*a…` would backtrack for minutes.
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
    """Whether some text matches both globs; looks at each pair of positions once."""
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
    # Most lists of patterns are empty.
    return max((p.specificity for p in patterns if p.matches(name)), default=None) if patterns else None
