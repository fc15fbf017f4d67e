"""Flexible mode: is what a resolution took from below needed by what is installed in the end? Pure.

A resolver settles what it may choose from before it knows all bounds, and keeps bounds that it dropped later. So it
resolves first, and the rule is applied to what it came to: a lower tier supplies a project only if no file of a
higher tier fits the bounds of what is installed in the end, lower choices that justify only themselves left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field

from repoprio.dataclass import dataclass
from repoprio.names import NormalizedName

# To doubt is to resolve once more: of what cannot be resolved there has to be an end.
MOST_DOUBTS = 40

Bounds = tuple[str, ...]
Doubt = frozenset[NormalizedName]
# The priority of the highest tier above that of the choice which has a file within the bounds; None: no tier has.
Higher = Callable[[NormalizedName, Bounds], int | None]


@dataclass(frozen=True)
class Want:
    """One requirement of what was chosen: `parent` wants `child`, a version of `project` within `bound`.

    Parents and children are nodes of the resolver: `x` and `x[e]` are two nodes of one project. What the user
    asks for has no parent. `bound` is a specifier (PEP 440), "" where any version will do.
    """

    parent: str | None
    child: str
    project: NormalizedName
    bound: str = ""


@dataclass(frozen=True)
class Graph:
    """What a resolution came to: what each choice wants; and the constraints, which bound and want nothing."""

    wants: Sequence[Want]
    constraints: Mapping[NormalizedName, str] = field(default_factory=dict)

    def bounds(self, without: Collection[NormalizedName] = ()) -> dict[NormalizedName, Bounds]:
        """The bounds of each project that the roots reach, what projects of `without` want left out; nearest first."""
        wants = defaultdict[str | None, list[Want]](list)
        for want in self.wants:
            wants[want.parent].append(want)
        bounds_of = defaultdict[NormalizedName, set[str]](set)
        nodes: dict[str | None, None] = {None: None}
        queue: list[str | None] = [None]
        for node in queue:
            for want in wants[node]:
                bounds_of[want.project] |= {want.bound, self.constraints.get(want.project, "")} - {""}
                if want.project not in without and want.child not in nodes:
                    nodes[want.child] = None
                    queue.append(want.child)
        return {project: tuple(sorted(bounds)) for project, bounds in bounds_of.items()}

    def unjustified(self, lower: Iterable[NormalizedName], higher: Higher) -> dict[NormalizedName, int]:
        """Which of the `lower` choices nothing needs, nearest first, and the tier that fits in the place of each.

        One is needed if no higher tier has a file within the bounds of what is surely installed: all but the lower
        choices that are not known to be needed, and what only they want.
        """
        pending = set(lower)
        while needed := {name for name, bounds in self._of(pending, pending) if higher(name, bounds) is None}:
            pending -= needed
        # More bounds can let a file in: one that asks for a pre-release, or for a yanked version.
        fitting = {name: higher(name, bounds) for name, bounds in self._of(lower, pending)}
        return {name: tier for name, tier in fitting.items() if tier is not None}

    def _of(
        self, names: Iterable[NormalizedName], without: Collection[NormalizedName]
    ) -> list[tuple[NormalizedName, Bounds]]:
        wanted = set(names)
        return [(name, bounds) for name, bounds in self.bounds(without).items() if name in wanted]


@dataclass
class Reach:
    """How far down the next resolution may go for a project; both only go one way, so that there is an end.

    `caps` are the lowest tiers that are left to projects whose lower choice nothing needed; `opened` the lower tiers
    that are offered beside what fits. `doubted` are projects that may have been in the way: the next resolution is
    to find out what would be wanted of them.
    """

    caps: dict[NormalizedName, int] = field(default_factory=dict)
    opened: dict[NormalizedName, set[int]] = field(default_factory=dict)
    doubted: Doubt = frozenset()
    _coming: list[Doubt] = field(default_factory=list)
    _known: set[Doubt] = field(default_factory=set)

    def cap(self, name: NormalizedName, tier: int) -> None:
        """Take `name` from this tier or a higher one from now on; it is not opened again."""
        self.caps[name] = min(tier, self.caps.get(name, tier))
        self._begin()

    def fail(self, names: Iterable[NormalizedName]) -> bool:
        """Doubt the projects that were in the way, one by one and then together; whether there is anything to try."""
        uncapped = [name for name in dict.fromkeys(names) if name not in self.caps]
        return self._try([*({name} for name in uncapped), self.doubted | set(uncapped)])

    def learn(self, fitting: Mapping[NormalizedName, int | None]) -> bool:
        """The doubted projects that were left open, and the lower tier that alone fits what is wanted of each.

        None: its own tier fits, or none. Whether there is anything to try.
        """
        new = {name: tier for name, tier in fitting.items() if tier and tier not in self.opened.get(name, ())}
        for name, tier in new.items():
            self.opened.setdefault(name, set()).add(tier)
        if new:
            # First without doubts: all of it may be possible now.
            self._begin()
            return True
        return self._try([self.doubted - {name} for name in fitting])

    def _begin(self) -> None:
        self.doubted = frozenset()
        self._coming.clear()
        self._known.clear()

    def _try(self, doubts: Iterable[Collection[NormalizedName]]) -> bool:
        for doubt in map(frozenset, doubts):
            if doubt and doubt not in self._known and len(self._known) < MOST_DOUBTS:
                self._known.add(doubt)
                self._coming.append(doubt)
        self.doubted = self._coming.pop(0) if self._coming else frozenset()
        return bool(self.doubted)
