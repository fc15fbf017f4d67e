"""Flexible mode: checks whether the result of a resolution needs its choices from lower tiers. Pure.

A resolver fixes its candidates before it knows all bounds, and keeps bounds of choices that it dropped. So it resolves
first, and then the rule is applied to the result: a lower tier supplies a project only if no file of a higher tier
fits the bounds of what is installed in the end. Lower choices that justify only themselves do not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field

from repoprio.dataclass import dataclass
from repoprio.names import NormalizedName

# Each doubt costs one more resolution, so their number is limited.
MOST_DOUBTS = 40

Bounds = tuple[str, ...]
Doubt = frozenset[NormalizedName]
# The priority of the highest tier that has a file within the bounds and lies above the chosen one; None if none has.
Higher = Callable[[NormalizedName, Bounds], int | None]


@dataclass(frozen=True)
class Want:
    """One requirement of a chosen candidate: `parent` wants `child`, a version of `project` within `bound`.

    Parents and children are nodes of the resolver: `x` and `x[e]` are two nodes of one project. `parent` is None
    for what the user asks for. `bound` is a specifier (PEP 440), "" if any version fits.
    """

    parent: str | None
    child: str
    project: NormalizedName
    bound: str = ""


@dataclass(frozen=True)
class Graph:
    """The result of a resolution: what each choice wants, and the constraints, which only limit versions."""

    wants: Sequence[Want]
    constraints: Mapping[NormalizedName, str] = field(default_factory=dict)

    def bounds(self, without: Collection[NormalizedName] = ()) -> dict[NormalizedName, Bounds]:
        """The bounds of each project that the roots reach, nearest first; requirements of `without` do not count."""
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
        """Those of the `lower` choices that nothing needs, nearest first, each with the higher tier that fits instead.

        A lower choice is needed if no higher tier has a file within the bounds of what is certainly installed: all
        choices except lower ones that are not known to be needed, and what only those want.
        """
        pending = set(lower)
        while needed := {name for name, bounds in self._of(pending, pending) if higher(name, bounds) is None}:
            pending -= needed
        # A further bound can also admit a file: if it asks for a pre-release, or for a yanked version.
        fitting = {name: higher(name, bounds) for name, bounds in self._of(lower, pending)}
        return {name: tier for name, tier in fitting.items() if tier is not None}

    def _of(
        self, names: Iterable[NormalizedName], without: Collection[NormalizedName]
    ) -> list[tuple[NormalizedName, Bounds]]:
        wanted = set(names)
        return [(name, bounds) for name, bounds in self.bounds(without).items() if name in wanted]


@dataclass
class Reach:
    """How far down the next resolution may go for a project; caps and opened tiers only change one way, so it ends.

    `caps` has the lowest allowed tier of each project whose lower choice nothing needed; `opened` the lower tiers
    that are offered in addition. `doubted` are projects that may have blocked a solution: the next resolution finds
    out what would be wanted of them.
    """

    caps: dict[NormalizedName, int] = field(default_factory=dict)
    opened: dict[NormalizedName, set[int]] = field(default_factory=dict)
    doubted: Doubt = frozenset()
    _coming: list[Doubt] = field(default_factory=list)
    _known: set[Doubt] = field(default_factory=set)

    def cap(self, name: NormalizedName, tier: int) -> None:
        """Allow `name` from this tier or a higher one only, from now on."""
        self.caps[name] = min(tier, self.caps.get(name, tier))
        self._begin()

    def fail(self, names: Iterable[NormalizedName]) -> bool:
        """Doubt the projects that blocked a solution, one by one, then together; returns whether to resolve again."""
        uncapped = [name for name in dict.fromkeys(names) if name not in self.caps]
        return self._try([*({name} for name in uncapped), self.doubted | set(uncapped)])

    def learn(self, fitting: Mapping[NormalizedName, int | None]) -> bool:
        """Open the lower tiers that `fitting` names for doubted projects; returns whether to resolve again.

        A tier is None if the project's own tier fits what is wanted of it, or if no tier does.
        """
        new = {name: tier for name, tier in fitting.items() if tier and tier not in self.opened.get(name, ())}
        for name, tier in new.items():
            self.opened.setdefault(name, set()).add(tier)
        if new:
            # First without doubts: now there may be a solution.
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
