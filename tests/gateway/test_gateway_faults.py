"""What clients get while a repository is down, and after it is back; `test_matrix_pages.py` has each fault."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoprio.serve import client, gateway
from repoprio.serve.freshness import OUTAGE
from support.faults import Fault
from support.gateways import JSON, TTL, Answer, serving
from support.policy_files import parsed_policy
from support.repository import RepositoryServer
from support.scene import Scene
from support.tiered_gateway import ELSEWHERE, TieredGateway, tiered


class World(TieredGateway[RepositoryServer]):
    """A stranger elsewhere has files that nobody may get."""

    def project(self) -> str:
        """A new project that team owns, and that public and the stranger have in a higher version."""
        name = self.new_name()
        self.servers["team"].add(name, "1.0")
        self.servers["public"].add(name, "99.0")
        self.servers[ELSEWHERE].add(name, "99.9")
        # All repositories are up again.
        self.served.now += 100
        return name

    def breaks(self, tier: str, fault: Fault, name: str) -> None:
        """Make a repository answer like this for a project from now on."""
        self.servers[tier].answer(name, fault)

    def page(self, name: str) -> Answer:
        """The page, which never has a file of a stranger, nor one of public unless that owns the name."""
        answer = self.served.page(name)
        assert not self.servers[ELSEWHERE].asked(name)
        if answer.headers.get("x-repoprio-owner") != "public":
            assert answer.only_from(self.servers["team"])
            assert not self.servers["public"].asked(name)
        return answer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all faults: each test has a project of its own in it."""
    patch = pytest.MonkeyPatch()
    patch.setattr(client, "_IDLE_SECONDS", 0.3)
    patch.setattr(client, "_RETRY_SECONDS", 0.0)
    with tiered(tmp_path_factory.mktemp("store"), RepositoryServer) as made:
        yield World(*made)
    patch.undo()


def test_the_policy_says_how_long_pages_count(scene: Scene, tmp_path: Path) -> None:
    """With `absence-ttl` and `stale-if-error` at 0, no page is ever reused."""
    text = scene.policy(before="absence-ttl = 5\nstale-if-error = 0").read_text()
    with serving(parsed_policy(text), tmp_path / "store") as served:
        assert served.page("acme").headers["cache-control"] == "max-age=5, must-revalidate"
        served.now += 6
        scene.corp.answer("acme", Fault(status=503))
        assert served.page("acme").status == 503


def test_all_is_well_again_once_a_repository_is(world: World) -> None:
    """A refused page is requested again; a stale page is replaced by the newer one."""
    name = world.project()
    world.breaks("team", Fault(status=503), name)
    assert world.page(name).status == 503
    del world.servers["team"]._answers[name]
    assert world.page(name).state == "fresh"
    world.served.now += TTL + 1
    world.breaks("team", Fault(reset=True), name)
    assert world.page(name).state == "stale"
    del world.servers["team"]._answers[name]
    world.servers["team"].add(name, "1.1")
    world.served.now += 10
    answer = world.page(name)
    assert answer.state == "fresh"
    assert len(answer.files) == 2


def test_a_repository_that_is_down_is_not_asked_for_each_name(world: World) -> None:
    """For some seconds other names are refused at once; a name that does not depend on it is served as usual."""
    first, second, below = world.project(), world.project(), world.project()
    kept = world.page(below)
    world.breaks("corp", Fault(reset=True), first)
    assert world.page(first).status == 503
    before = len(world.servers["corp"].requests)
    answer = world.page(second)
    assert answer.status == 503
    assert f"for {first}, and not asked again" in answer.document["detail"]
    assert len(world.servers["corp"].requests) == before
    assert world.page(below).body == kept.body


def test_one_request_asks_whether_a_repository_is_up_again(world: World) -> None:
    """All others are answered at once, with 503 or their stale page; once it answers, all are asked for as usual."""
    names = [world.project() for _ in range(5)]
    kept, team = world.page(names[0]), world.servers["team"]
    assert kept.state == "fresh"
    world.served.now += TTL + 1

    def pages() -> list[Answer]:
        asked = (world.served.ask(f"/simple/{name}/", "GET", {"accept": JSON}) for name in names)
        return world.served.run(lambda: asyncio.gather(*asked))

    team.answer_all(Fault(reset=True))
    assert world.page(names[1]).status == 503
    for is_up in (False, True):
        # Once it has answered one of them, the others may ask it, too.
        team.answer_all(Fault(hang=0.1) if is_up else Fault(reset=True))
        world.served.now += OUTAGE
        before = len(team.requests)
        states = [answer.state for answer in pages()]
        # A request that is reset is repeated.
        assert len(set(team.requests[before:])) == 1
        assert states.count("fresh") == is_up
        assert states[0] in ("stale", "fresh")
        assert {"unavailable"} <= set(states[1:]) <= {"unavailable", "fresh"}
    assert [answer.state for answer in pages()] == ["fresh"] * 5


def test_a_higher_repository_that_begins_to_serve_takes_over_in_time(world: World) -> None:
    """A page counts only as long as the absence above it: corp's first release is seen, and replaces the record."""
    name = world.project()
    assert world.page(name).headers["x-repoprio-owner"] == "team"
    world.servers["corp"].add(name, "0.1")
    assert world.page(name).headers["x-repoprio-owner"] == "team"
    world.served.now += TTL + 1
    answer = world.served.page(name)
    assert answer.headers["x-repoprio-owner"] == "corp"
    assert answer.only_from(world.servers["corp"])
    assert [record.repository for record in world.served.store.of(name)] == ["corp"]  # type: ignore[arg-type]


def test_the_last_page_of_a_tier_never_hides_what_one_of_it_says_now(scene: Scene, tmp_path: Path) -> None:
    """If one repository of a tier is down, and the other has withdrawn a file, the page that lists it is not served."""
    text = scene.policy().read_text().replace("priority = 90", "priority = 10")
    with serving(parsed_policy(text), tmp_path / "store") as served:
        assert served.page("acme").headers["x-repoprio-owner"] == "corp, public"
        served.now += TTL + 1
        scene.corp.answer("acme", Fault(status=503))
        scene.public.answer("acme", Fault(json={"meta": {"api-version": "1.0"}, "name": "acme", "files": []}))
        assert served.page("acme").status == 503
        served.now += 10
        scene.public.answer("acme", Fault(reset=True))
        assert served.page("acme").state == "stale"


def test_a_lookup_ends_in_time_however_many_are_asked(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All mirrors together have a limited time: then the answer is 503, and no lower repository is asked."""
    monkeypatch.setattr(gateway, "DEADLINE", 0.6)
    with RepositoryServer("one") as one, RepositoryServer("two") as two:
        for server in (scene.corp, one, two):
            server.answer("acme", Fault(status=503, hang=0.4))
        text = scene.policy(corp=f'mirrors = ["{one.page_url}", "{two.page_url}"]').read_text()
        with serving(parsed_policy(text), tmp_path / "store") as served:
            served.gateway.clock = time.monotonic
            begun = time.monotonic()
            assert served.page("acme").status == 503
            assert time.monotonic() - begun < 1.2
        assert scene.public.requests == []
