"""What an installation needs is fetched side by side, and nothing else: pages by tier, metadata of what pip takes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Outcome, PipEnv
from support.repository import RepositoryServer

LATENCY = 0.05
NEW = "26.3"
# Before 23.2 pip reads no metadata files.
PIPS = ["22.3.1", "23.2.1", NEW]


class World:
    """Repositories, one above the other, and a policy that says so."""

    def __init__(self, env: PipEnv, folder: Path, servers: list[RepositoryServer]) -> None:
        self.env, self.folder, self.servers = env, folder, servers

    def choices(self, *wanted: str, top: str = "", own: str = "", **options: object) -> Outcome:
        """What pip would install; the servers have noted nothing but this."""
        for server in self.servers:
            server._requests.clear()
            server.spans.clear()
            server.most_held = 0
        policy = self.folder / "policy.toml"
        tables = (
            f'[repositories.{server.label}]\nurl = "{server.page_url}"\npriority = {10 * number}\n{own}\n'
            for number, server in enumerate(self.servers, 1)
        )
        policy.write_text(top + "".join(tables), encoding="utf-8")
        return self.env.choices(*wanted, policy=policy, **options)  # type: ignore[arg-type]

    def asked(self) -> list[list[str]]:
        """What each server was asked for, sorted."""
        return [sorted(server.requests) for server in self.servers]

    def delay(self) -> None:
        """Let each page take a while."""
        for server in self.servers:
            server.answer_all(Fault(hang=LATENCY))


@pytest.fixture
def world(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> World:
    """Three repositories with nothing in them yet."""
    return World(pip_env(NEW), tmp_path, [repository(f"r{number}") for number in (1, 2, 3)])


def wheel(version: str, *requires: str) -> dict[str, object]:
    """A wheel with dependencies."""
    return {"version": version, "requires": list(requires)}


def chain(world: World) -> None:
    """Five roots, each with dependencies of its own, some of them shared."""
    low = world.servers[2]
    for number in range(5):
        low.add(f"root-{number}", wheel("2.0", f"leaf-{number}", "shared"), wheel("1.0", f"old-{number}"))
        low.add(f"leaf-{number}", wheel("1.0"))
    low.add("shared", wheel("1.0", "deep"))
    low.add("deep", wheel("1.0"))


ROOTS = [f"root-{number}" for number in range(5)]


@pytest.mark.parametrize("pip", PIPS)
def test_the_same_is_asked_and_chosen_as_in_turn(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """With and without fetching ahead pip asks each repository for the same, once, and chooses the same."""
    world = World(pip_env(pip), tmp_path, [repository(f"r{number}") for number in (1, 2, 3)])
    chain(world)
    world.delay()
    ahead = world.choices(*ROOTS)
    asked, held = world.asked(), [server.most_held for server in world.servers]
    in_turn = world.choices(*ROOTS, top="fetch-ahead = false\n")
    assert ahead.code == in_turn.code == 0, ahead.stderr + in_turn.stderr
    assert ahead.choices == in_turn.choices
    assert asked == world.asked()
    assert all(1 < most <= 8 for most in held)
    assert [server.most_held for server in world.servers] == [1, 1, 1]


def test_a_name_is_asked_tier_after_tier(world: World) -> None:
    """Nobody below is asked for a name before those above said that they have no such project."""
    chain(world)
    world.delay()
    assert world.choices(*ROOTS).code == 0
    for name in [*ROOTS, "shared", "deep", *(f"leaf-{number}" for number in range(5))]:
        spans = [[one for one in server.spans if one[0] == f"/simple/{name}/"] for server in world.servers]
        assert [len(own) for own in spans] == [1, 1, 1], name
        assert all(above[0][2] <= below[0][1] for above, below in pairwise(spans)), name


def test_an_owner_above_keeps_names_from_those_below(world: World) -> None:
    """A name that the first repository owns is told to nobody else, dependencies included."""
    chain(world)
    top, middle, low = world.servers
    top.add("root-1", wheel("1.0", "private"))
    top.add("private", wheel("1.0"))
    assert world.choices(*ROOTS).code == 0
    assert not {"root-1", "private"} & (middle.asked_pages() | low.asked_pages())
    # Nor does anybody hear of what a shadowed file would have wanted.
    assert not any(server.asked("leaf-1") for server in world.servers)
