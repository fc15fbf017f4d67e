"""What clients get while a repository misbehaves: each fault, at each place, in each state of what is kept.

One law holds in all of it: no answer has a file from below the name's owner.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from repoprio.config.load import read_text
from repoprio.serve import client
from support.faults import Fault
from support.gateways import STALE, TTL, Answer, Served, serving
from support.policy_files import TOOLS
from support.repository import RepositoryServer
from support.scene import Scene, policy_text

HTML: Final = "text/html"
# The owner does not answer, so that its last page may stand in.
DOWN: Final = {
    **{f"status {code}": Fault(status=code) for code in (429, 500, 502, 503, 504)},
    "reset": Fault(reset=True),
    "hang": Fault(hang=2.0),
}
# It answers, and what it says is no page and no absence.
DOUBTFUL: Final = {
    **{f"status {code}": Fault(status=code) for code in (400, 401, 403, 407, 410, 418, 451)},
    "status 204": Fault(status=204),
    "truncated": Fault(truncate=True),
    "reset in the body": Fault(reset_body=True),
    "garbage for gzip": Fault(gzip_garbage=True),
    "login page": Fault(login_page=True),
    "plain text": Fault(content_type="text/plain"),
    "broken JSON": Fault(body='{"meta": {', content_type="application/vnd.pypi.simple.v1+json"),
    "JSON without files": Fault(json={"meta": {"api-version": "1.0"}, "name": "x"}),
    "API version 2": Fault(api_version="2.0"),
    "another project": Fault(name="other"),
    "redirect loop": Fault(loop=True),
    "redirect to a stranger": Fault(redirect="{stranger}"),
    "redirect to another scheme": Fault(redirect="ftp://127.0.0.1/"),
    "wants a login": Fault(basic_auth="bot:s3cret"),
}
ABSENT: Final = {"status 404": Fault(status=404)}
FAULTS: Final = {**DOWN, **DOUBTFUL, **ABSENT}
TIERS: Final = ("corp", "team", "public")


class World:
    """corp above team above public, behind one gateway; a stranger has what nobody may get."""

    def __init__(self, servers: dict[str, RepositoryServer], served: Served) -> None:
        self.servers, self.served = servers, served
        self._count = 0

    def project(self) -> str:
        """A new project that team owns, and that public and the stranger have in a higher version."""
        self._count += 1
        name = f"acme-{self._count}"
        self.servers["team"].add(name, "1.0")
        self.servers["public"].add(name, "99.0")
        self.servers["stranger"].add(name, "99.9")
        # Whatever was down is up again.
        self.served.now += 100
        return name

    def breaks(self, tier: str, fault: Fault, name: str) -> None:
        """From now on a repository answers so for a project."""
        stranger = f"{self.servers['stranger'].page_url}{name}/"
        self.servers[tier].answer(name, fault.filled(lambda text: text.replace("{stranger}", stranger)))

    def page(self, name: str) -> Answer:
        """The page, which never has a file of a stranger; nor of public, unless that owns the name."""
        answer = self.served.page(name)
        assert not self.servers["stranger"].asked(name)
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
    servers = {name: RepositoryServer(name) for name in (*TIERS, "stranger")}
    text = policy_text({name: servers[name].page_url for name in TIERS})
    policy = read_text(text, "policy.toml", {}, TOOLS)
    with serving(policy, tmp_path_factory.mktemp("store") / "ownership.sqlite") as served:
        yield World(servers, served)
    for server in servers.values():
        server.close()
    patch.undo()


def expected(tier: str, fault: str, age: float | None) -> tuple[int, str]:
    """The status and the state of a page that was kept `age` seconds ago, None for never, while `tier` has a fault."""
    if tier == "public" or (age is not None and age < TTL) or (tier == "corp" and fault in ABSENT):
        return 200, "fresh"
    if fault in ABSENT:
        # The name is public's, unless team has served it.
        return (200, "fresh") if age is None else (410, "remembered")
    if tier == "team" and fault in DOWN and age is not None and age < STALE:
        return 200, "stale"
    return 503, "unavailable"


@pytest.mark.parametrize("age", [None, TTL / 2, TTL + 0.5, STALE + 1])
@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_never_opens_a_name(fault: str, tier: str, age: float | None, world: World) -> None:
    """Above the owner: nothing is served. At the owner: its last page or nothing. Below it: all is as ever."""
    name = world.project()
    if age is not None:
        assert world.page(name).state == "fresh"
        world.served.now += age
    world.breaks(tier, FAULTS[fault], name)
    answer = world.page(name)
    assert (answer.status, answer.state) == expected(tier, fault, age), answer.body.decode()
    if answer.status == 503:
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["cache-control"] == "no-store"
        assert tier in answer.document["detail"]
    if answer.state == "stale":
        assert answer.headers["cache-control"] == "max-age=0, must-revalidate"
        assert age is not None
        assert answer.headers["age"] == str(int(age))


def test_how_long_pages_count_is_the_policys_to_say(scene: Scene, tmp_path: Path) -> None:
    """`absence-ttl` and `stale-if-error`: 0 means that no page ever stands in for another."""
    text = scene.policy(before="absence-ttl = 5\nstale-if-error = 0").read_text()
    with serving(read_text(text, "policy.toml", {}, TOOLS), tmp_path / "store") as served:
        assert served.page("acme").headers["cache-control"] == "max-age=5, must-revalidate"
        served.now += 6
        scene.corp.answer("acme", Fault(status=503))
        assert served.page("acme").status == 503


def test_all_is_well_again_once_a_repository_is(world: World) -> None:
    """What was refused is asked for again; what stood in is replaced by the newer page."""
    name = world.project()
    world.breaks("team", FAULTS["status 503"], name)
    assert world.page(name).status == 503
    del world.servers["team"]._answers[name]
    assert world.page(name).state == "fresh"
    world.served.now += TTL + 1
    world.breaks("team", FAULTS["reset"], name)
    assert world.page(name).state == "stale"
    del world.servers["team"]._answers[name]
    world.servers["team"].add(name, "1.1")
    world.served.now += 10
    answer = world.page(name)
    assert answer.state == "fresh"
    assert len(answer.files) == 2


def test_a_repository_that_is_down_is_not_asked_for_each_name(world: World) -> None:
    """For some seconds others are told at once; a name that it does not decide is served as ever."""
    first, second, below = world.project(), world.project(), world.project()
    kept = world.page(below)
    world.breaks("corp", FAULTS["reset"], first)
    assert world.page(first).status == 503
    before = len(world.servers["corp"].requests)
    answer = world.page(second)
    assert answer.status == 503
    assert f"for {first}, and not asked again" in answer.document["detail"]
    assert len(world.servers["corp"].requests) == before
    assert world.page(below).body == kept.body


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
    """One of two is down, and the other has withdrawn a file since: the page that lists it stands in no more."""
    text = scene.policy().read_text().replace("priority = 90", "priority = 10")
    with serving(read_text(text, "policy.toml", {}, TOOLS), tmp_path / "store") as served:
        assert served.page("acme").headers["x-repoprio-owner"] == "corp, public"
        served.now += TTL + 1
        scene.corp.answer("acme", Fault(status=503))
        scene.public.answer("acme", Fault(json={"meta": {"api-version": "1.0"}, "name": "acme", "files": []}))
        assert served.page("acme").status == 503
        served.now += 10
        scene.public.answer("acme", Fault(reset=True))
        assert served.page("acme").state == "stale"
