"""What is measured: a row for each goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from .graph import Shape

PIP, UV, REPOPRIO, SERIAL = "pip", "uv", "repoprio", "repoprio-serial"


class Measure(Enum):
    """What a goal is about; the value says it in a table."""

    WALL = "wall"
    CPU = "CPU"


@dataclass(frozen=True)
class Goal:
    """repoprio takes `at_most` so much of what `against` takes; None: of the sum of the latencies of its requests."""

    at_most: float
    against: str | None
    measure: Measure = Measure.WALL


@dataclass(frozen=True)
class Row:
    """What is looked up, how far away, by whom, and how long it may take. Milliseconds.

    `command` is "install", or one of repoprio's own for `names` of the graph (0: for what an installation is given).
    `warm`: each client has resolved the same before, and every page is revalidated.
    """

    name: str
    goals: Sequence[Goal]
    repositories: int = 4
    latency: int = 50
    shape: Shape = field(default_factory=Shape)
    clients: Sequence[str] = (PIP, UV, REPOPRIO)
    command: str = "install"
    names: int = 0
    complete: bool = False
    warm: bool = False
    handshake: int | None = None

    @property
    def title(self) -> str:
        """The row in words."""
        plural = "repositories" if self.repositories > 1 else "repository"
        said = [f"{self.repositories} {plural}", f"{self.latency} ms"]
        said.append(f"`{self.command}` of {self.names} names" if self.names else f"{self.shape.projects} projects")
        said += [f"`{self.command}`"] if self.command != "install" and not self.names else []
        said += ["upper lists complete"] if self.complete else []
        said += [f"{self.shape.shadowed} names shadowed"] if self.shape.shadowed else []
        said += [f"{self.shape.conflicts} conflicts"] if self.shape.conflicts else []
        said += [f"TLS with a handshake of {self.handshake} ms"] if self.handshake is not None else []
        return ", ".join([*said, "caches warm, pages revalidated" if self.warm else "caches cold"])

    @property
    def turns(self) -> tuple[int, int]:
        """How many requests have to follow one another: for each level of the graph, and once."""
        if self.names:
            return 0, self.repositories
        pages = 1 if self.complete else self.repositories
        # What is known of a version does not change, and is in a warm cache.
        return pages + (0 if self.warm else 1), 0

    def floor(self, levels: int) -> float:
        """The least time in seconds that the latency allows, no name being asked for before it is needed."""
        for_each, once = self.turns
        return ((for_each * levels + once) * self.latency + (self.handshake or 0)) / 1000


_BACKTRACKING = Shape(conflicts=4)

ROWS = (
    Row("four-50ms", (Goal(0.10, PIP), Goal(1.2, UV))),
    Row("four-50ms-complete", (Goal(0.8, UV),), complete=True, clients=(UV, REPOPRIO)),
    Row("eight-50ms-complete", (Goal(0.7, UV),), repositories=8, complete=True, clients=(UV, REPOPRIO)),
    Row("large", (Goal(0.9, UV),), shape=Shape(projects=300), clients=(UV, REPOPRIO)),
    Row("one-0ms", (Goal(1.05, PIP),), repositories=1, latency=0),
    Row("four-0ms", (Goal(1.0, PIP), Goal(1.0, PIP, Measure.CPU)), latency=0),
    Row("backtracking", (Goal(0.35, PIP),), latency=20, shape=_BACKTRACKING),
    Row("warm", (Goal(1.2, UV),), warm=True, clients=(UV, REPOPRIO)),
    Row("tls", (Goal(0.15, PIP),), handshake=50),
    Row("shadowed", (), shape=Shape(shadowed=3), latency=20),
    Row("explain", (Goal(0.35, None),), command="explain", names=18, clients=(REPOPRIO,)),
    Row("audit", (Goal(0.25, None),), command="audit", names=60, clients=(REPOPRIO,)),
    Row("compare", (Goal(0.25, SERIAL),), shape=Shape(shadowed=3), command="compare", clients=(REPOPRIO, SERIAL)),
)

# The graphs for which requests are counted that fetching ahead makes for nothing.
AHEAD = tuple(
    Row(f"ahead-{seed}", (), latency=5, shape=replace(_BACKTRACKING, seed=seed), clients=(REPOPRIO, SERIAL))
    for seed in range(1, 4)
)
MOST_UNUSED_METADATA = 0.05
MOST_OTHER_NAMES = 0.02
