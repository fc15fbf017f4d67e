"""The network benchmark measures what it says: its projects, its repositories, and what it counts."""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.network import ahead, tables
from benchmarks.network.clients import Clients, Run, Tools
from benchmarks.network.content import JSON, resources
from benchmarks.network.graph import Shape, make
from benchmarks.network.measuring import Outcome, Result, measure
from benchmarks.network.rows import PIP, REPOPRIO, SERIAL, UV, Goal, Row
from benchmarks.network.server import Network, Request, Traffic, serving
from support.fixtures import EnvFactory

SHAPE = Shape(projects=8, levels=3, most_versions=4, upper=0.25, shadowed=1)
PIP_VERSION = "26.3"


def test_pip_and_repoprio_beside_each_other(pip_env: EnvFactory, tmp_path: Path) -> None:
    """A row runs both on the same repositories: pip asks all of them and takes the newest, repoprio asks one by one."""
    stock, guarded = pip_env(PIP_VERSION, stock=True), pip_env(PIP_VERSION)
    clients = Clients(Tools(stock.python, guarded.python, None, fetches_ahead=False), tmp_path)
    row = Row("tiny", (Goal(1.0, PIP), Goal(1.0, UV)), repositories=3, latency=1, shape=SHAPE)
    outcome = measure(row, clients, 1)
    made = make(SHAPE)
    (shadowed,) = made.shadowed

    # There is no uv to run, and no other failure.
    assert [(result.client, result.failure) for result in outcome.results] == [(PIP, ""), (REPOPRIO, "")]
    pip, ours = outcome.results
    assert pip.runs[0].chosen[shadowed] == "99.0"
    assert ours.runs[0].chosen[shadowed] in made.projects[shadowed]
    assert set(ours.runs[0].chosen) == set(made.projects)
    # What pip takes of the shadowed name needs nothing, so that it may come to know fewer names.
    assert pip.counts["absent"] == 2 * len(pip.runs[0].chosen) - 1
    upper = len(made.upper)
    assert ours.counts == {"page": 8, "absent": 2 * (8 - upper), "metadata": ours.counts["metadata"]}
    assert ours.counts["metadata"] >= 8
    assert outcome.levels == 3
    assert {request.repository for request in ours.traffic.requests if shadowed in request.path} == {0}

    told = tables.of_row(outcome)
    assert "floor 0.01 s: 4 round trips for each of 3 levels" in told
    first, second = tables.goals_of(outcome)
    assert first.figure == ours.wall / pip.wall
    assert second.verdict == "not measured"


def test_the_repositories_answer_late_and_say_what_has_not_changed() -> None:
    """Each request waits for the latency; pages come in JSON and HTML, with an ETag, and are revalidated with a 304."""
    made = make(SHAPE)
    with serving([resources(served) for served in made.repositories(2)], Network(0.05)) as server:
        first, last = (urlsplit(url).netloc for url in server.urls)
        (name, *_), begun = sorted(made.upper), time.monotonic()
        page = _get(first, f"/simple/{name}/", Accept=JSON)
        assert time.monotonic() - begun >= 0.05
        assert (page.status, page.headers["Content-Type"]) == (200, JSON)
        assert _get(first, f"/simple/{name}/").headers["Content-Type"] == "text/html"
        again = _get(first, f"/simple/{name}/", **{"Accept": JSON, "If-None-Match": page.headers["ETag"]})
        absent = _get(last, "/simple/unknown/", Accept=JSON)
        _get(last, "/simple/", Accept=JSON)
        traffic = server.take_traffic()
    assert (again.status, absent.status) == (304, 404)
    assert traffic.count() == {"page": 2, "unchanged": 1, "absent": 1, "list": 1}
    assert (traffic.connections, traffic.most_at_once) == (5, 1)


def test_a_graph_is_the_same_each_time_and_conflicts_as_often_as_asked() -> None:
    """As many projects as there are conflicts need, in their newest version, what another project rules out."""
    shape = Shape(conflicts=4)
    made = make(shape)
    assert made == make(shape)
    newest = {name: list(versions.values())[-1] for name, versions in made.projects.items()}
    exact = {need: bound for needs in newest.values() for need, bound in needs.items() if bound.startswith("==")}
    assert len(exact) == 4
    for need, bound in exact.items():
        assert any(needs.get(need, "").endswith(f",<{bound[2:]}") for needs in newest.values())
    assert made.levels(dict.fromkeys(made.projects, "1.0")) == shape.levels


def test_what_was_fetched_in_vain() -> None:
    """The requests that a run without fetching ahead does not send are given as a share of all requests."""
    page, other = Request(0, "page", "/simple/a/"), Request(1, "absent", "/simple/b/")
    files = [Request(0, "metadata", f"/files/{number}") for number in range(4)]
    runs = [Run(1.0, 1.0, "")]
    outcome = Outcome(
        Row("ahead", ()),
        [
            Result(REPOPRIO, runs, Traffic([page, other, *files])),
            Result(SERIAL, runs, Traffic([page, page, *files[1:]])),
        ],
        1,
    )
    assert [line.figure for line in ahead.in_vain([outcome])] == [0.25, 0.5]
    assert [line.figure for line in ahead.in_vain([])] == [None, None]


def _get(site: str, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(site, timeout=10)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response
