"""Projects that need one another, made from a seed: several versions of each, on several levels."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

# What a version needs: the specifier of each project.
Needs = Mapping[str, str]
Versions = Mapping[str, Needs]

_SHADOW: Versions = {"99.0": {}}
# The newest versions of a project that need what something else rules out.
_IN_CONFLICT = 4


@dataclass(frozen=True)
class Shape:
    """What a graph is like.

    `upper` is the share of names that the upper repository serves; `shadowed` how many of these the lowest one serves
    as well, in a newer version; `capped` the share of projects whose newest version something rules out; `conflicts`
    how many projects have newest versions that fit nothing else, so that a resolver has to walk down.
    """

    projects: int = 60
    levels: int = 6
    most_versions: int = 30
    upper: float = 0.1
    shadowed: int = 0
    capped: float = 0.15
    conflicts: int = 0
    seed: int = 1


@dataclass(frozen=True)
class Graph:
    """All projects by name, the names to begin with, and who serves what."""

    roots: tuple[str, ...]
    projects: Mapping[str, Versions]
    upper: frozenset[str]
    shadowed: frozenset[str]

    def repositories(self, count: int) -> list[dict[str, Versions]]:
        """What each of `count` repositories serves, the highest-priority one first.

        One has all; else the first has the upper names, the last one the others, and those between have nothing.
        """
        if count == 1:
            return [dict(self.projects)]
        first = {name: versions for name, versions in self.projects.items() if name in self.upper}
        last = {name: versions for name, versions in self.projects.items() if name not in self.upper}
        return [first, *({} for _ in range(count - 2)), last | dict.fromkeys(sorted(self.shadowed), _SHADOW)]

    def levels(self, chosen: Mapping[str, str]) -> int:
        """How many projects, one behind the other, have to be known before the last one of `chosen` is."""
        known, frontier, count = set(self.roots), set(self.roots), 0
        while frontier:
            count += 1
            frontier = {need for name in frontier for need in self._needs(name, chosen)} - known
            known |= frontier
        return count

    def _needs(self, name: str, chosen: Mapping[str, str]) -> Iterable[str]:
        return self.projects[name].get(chosen.get(name, ""), {})


def make(shape: Shape) -> Graph:
    """The graph of this shape; the same each time."""
    return _Maker(shape).graph()


class _Maker:
    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        # No secret is made of it.
        self._random = random.Random(shape.seed)  # noqa: S311
        self._names = [f"part-{number:03}" for number in range(1, shape.projects + 1)]
        self._levels = self._on_levels()
        self._parents: dict[str, list[str]] = {name: [] for name in self._names}
        self._newest = {name: self._random.randint(1, shape.most_versions) for name in self._names}
        # What the versions of a project need: the oldest and newest number that fit, for all of its versions.
        self._below: dict[tuple[str, str], int] = {}
        self._exactly: dict[tuple[str, str], int] = {}

    def graph(self) -> Graph:
        self._connect()
        self._cap()
        self._set_against_each_other()
        upper = self._random.sample(self._names, max(1, round(self._shape.upper * self._shape.projects)))
        projects = {name: self._versions(name) for name in self._names}
        return Graph(tuple(self._levels[0]), projects, frozenset(upper), frozenset(upper[: self._shape.shadowed]))

    def _on_levels(self) -> list[list[str]]:
        """The names by level; a twentieth of them are roots, and the others lie evenly."""
        roots = max(2, self._shape.projects // 20)
        rest, below = self._names[roots:], self._shape.levels - 1
        return [self._names[:roots], *(rest[number::below] for number in range(below))]

    def _connect(self) -> None:
        """Every project is needed by one a level above, and by up to two more of that level or before it on its own."""
        for above, level in pairwise(self._levels):
            for number, name in enumerate(level):
                near = [*above, *level[:number]]
                others = self._random.sample(near, min(len(near), self._random.randint(0, 2)))
                self._parents[name] = list(dict.fromkeys((self._random.choice(above), *others)))

    def _cap(self) -> None:
        for name in self._names:
            if self._parents[name] and self._newest[name] > 2 and self._random.random() < self._shape.capped:
                self._below[self._random.choice(self._parents[name]), name] = self._newest[name]

    def _set_against_each_other(self) -> None:
        """Of two projects a level above a third, one rules its newest version out, and the other's newest need it."""
        spots = [number for number in range(2, len(self._levels)) if len(self._levels[number - 1]) > 1]
        taken: set[str] = set()
        for count in range(self._shape.conflicts):
            number = spots[count % len(spots)]
            free = [name for name in self._levels[number] if name not in taken]
            walker, ruler = self._random.sample([n for n in self._levels[number - 1] if n not in taken], 2)
            name = self._random.choice(free)
            taken |= {name, walker}
            self._parents[name] = list(dict.fromkeys((walker, ruler, *self._parents[name])))
            self._newest[walker] = max(self._newest[walker], 2 * _IN_CONFLICT)
            self._newest[name] = max(self._newest[name], _IN_CONFLICT)
            for parent in self._parents[name]:
                self._below.pop((parent, name), None)
            self._below[ruler, name] = self._newest[name]
            self._exactly[walker, name] = self._newest[name]

    def _versions(self, name: str) -> Versions:
        return {
            f"{number}.0": {
                need: self._specifier(name, number, need) for need, parents in self._parents.items() if name in parents
            }
            for number in range(1, self._newest[name] + 1)
        }

    def _specifier(self, name: str, number: int, need: str) -> str:
        newest, wanted = self._newest[name], self._newest[need]
        if (name, need) in self._exactly and number > newest - _IN_CONFLICT:
            return f"=={self._exactly[name, need]}.0"
        # Newer versions want newer ones, but never the newest.
        least = f">={1 + number * (wanted - 1) // (3 * newest)}.0"
        below = self._below.get((name, need))
        return f"{least},<{below}.0" if below else least
