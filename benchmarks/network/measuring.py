"""Runs a row, each client in turn, and says what came of it."""

from __future__ import annotations

import contextlib
import ssl
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import graph
from .clients import ClientFailed, Clients, Run, Task
from .content import resources
from .graph import Graph
from .rows import PIP, REPOPRIO, Goal, Measure, Row
from .server import Network, Server, Traffic, serving


@dataclass
class Result:
    """The runs of one client, and what its last one asked for."""

    client: str
    runs: list[Run] = field(default_factory=list)
    traffic: Traffic = field(default_factory=Traffic)
    failure: str = ""

    @property
    def wall(self) -> float:
        """The median by the clock."""
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        """The median of the processor time."""
        return statistics.median(run.cpu for run in self.runs)

    @property
    def counts(self) -> Counter[str]:
        """The requests by kind."""
        return self.traffic.count()


@dataclass(frozen=True)
class Outcome:
    """What a row came to."""

    row: Row
    results: Sequence[Result]
    levels: int

    def result(self, client: str) -> Result | None:
        """The result of a client that ran to its end."""
        return next((one for one in self.results if one.client == client and one.runs), None)

    def ratio(self, client: str, against: str | None, measure: Measure = Measure.WALL) -> float | None:
        """What `client` took of what another one took, or of the sum of its own latencies."""
        one = self.result(client)
        if one is None:
            return None
        if against is None:
            latencies = len(one.traffic.requests) * self.row.latency / 1000
            return one.wall / latencies if latencies else None
        other = self.result(against)
        if other is None:
            return None
        return one.cpu / other.cpu if measure is Measure.CPU else one.wall / other.wall

    def reached(self, goal: Goal) -> float | None:
        """The figure of a goal."""
        return self.ratio(REPOPRIO, goal.against, goal.measure)

    @property
    def differs(self) -> bool:
        """Whether repoprio chose otherwise than pip, which sees the same files here if no name is shadowed."""
        ours, pips = self.result(REPOPRIO), self.result(PIP)
        return bool(ours and pips and not self.row.shape.shadowed and ours.runs[-1].chosen != pips.runs[-1].chosen)


def measure(row: Row, clients: Clients, runs: int, *, serves_json: bool = True) -> Outcome:
    """Run the clients of a row in turn, `runs` times."""
    made = graph.make(row.shape)
    results = [Result(client) for client in row.clients if client != "uv" or clients.tools.uv]
    with _network(row, serves_json=serves_json) as (network, certificate):
        shelves = [resources(served) for served in made.repositories(row.repositories)]
        with serving(shelves, network) as server:
            names = sorted(made.projects)[: row.names] or made.roots
            task = Task(server.urls, names, row.command, row.complete, certificate)
            clients.forget()
            if row.warm:
                _run_all(results, clients, task, server)
            for _ in range(runs):
                _run_all(results, clients, task, server, is_cold=not row.warm, keep=True)
    return Outcome(row, results, _levels(made, results))


def _run_all(
    results: Sequence[Result],
    clients: Clients,
    task: Task,
    server: Server,
    *,
    is_cold: bool = False,
    keep: bool = False,
) -> None:
    for result in results:
        if result.failure:
            continue
        if is_cold:
            clients.forget()
        server.take_traffic()
        try:
            run = clients.run(result.client, task)
        except ClientFailed as error:
            result.failure = str(error)
            continue
        result.traffic = server.take_traffic()
        if keep:
            result.runs.append(run)


@contextlib.contextmanager
def _network(row: Row, *, serves_json: bool) -> Iterator[tuple[Network, Path | None]]:
    latency = row.latency / 1000
    if row.handshake is None:
        yield Network(latency, serves_json=serves_json), None
        return
    # Of the extra `dev`; no other row needs it.
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder, "authority.pem")
        authority.cert_pem.write_to_path(str(certificate))
        yield Network(latency, row.handshake / 1000, context, serves_json), certificate


def _levels(made: Graph, results: Sequence[Result]) -> int:
    # pip is named first, and may have taken what shadows a name.
    chosen = next(
        (result.runs[-1].chosen for result in reversed(results) if result.runs and result.runs[-1].chosen), None
    )
    # repoprio's own commands print no list: about what is newest.
    return made.levels(chosen or {name: list(versions)[-1] for name, versions in made.projects.items()})
