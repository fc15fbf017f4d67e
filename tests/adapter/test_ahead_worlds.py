"""Fetching ahead changes no choice: a real pip resolves random graphs over HTTP with it and without it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from support.conversation import Conversation
from support.fixtures import RepositoryFactory
from support.paths import SUPPORT
from support.repository import RepositoryServer

NAMES: Final = [f"p{number}" for number in range(10)]
SHAPES: Final = 25
LABELS: Final = ("r1", "r2", "r3")


class Pip:
    """One process in which pip resolves one graph after the other."""

    def __init__(self, python: str, folder: Path, policy: Path, env: dict[str, str]) -> None:
        self._process = Conversation([python, str(SUPPORT / "resolutions.py")], env, folder)
        self._policy = policy

    def choices(self, *wanted: str) -> dict[str, tuple[str, str]] | None:
        """The version and URL that pip would install for each project; None if it refuses."""
        options = ["--dry-run", "--ignore-installed", "--no-cache-dir"]
        case = {"args": ["install", *options, *wanted], "env": {"REPOPRIO_CONFIG": str(self._policy)}}
        found = self._process.ask(json.dumps(case))
        if not found["report"]:
            return None
        items = found["report"]["install"]
        return {one["metadata"]["name"]: (one["metadata"]["version"], one["download_info"]["url"]) for one in items}

    def close(self) -> None:
        """End the process."""
        self._process.close()


def fill(servers: list[RepositoryServer], rng: random.Random) -> list[str]:
    """Put a random graph into the repositories; returns the requirements."""
    for server in servers:
        server.clear()
    for number, name in enumerate(NAMES):
        for server in rng.sample(servers, rng.choice([1, 1, 2])):
            for version in range(1, rng.randint(1, 4) + 1):
                below = NAMES[number + 1 :] if rng.random() < 0.9 else NAMES
                needs = [_requirement(one, rng) for one in rng.sample(below, min(len(below), rng.randint(0, 3)))]
                server.add(name, {"version": str(version), "requires": needs})
    return [_requirement(name, rng).partition(";")[0] for name in rng.sample(NAMES[:5], 3)]


def _requirement(name: str, rng: random.Random) -> str:
    extra = rng.choice(["", "", "", "[x]"])
    bound = rng.choice(["", "", ">=2", "<3", "==1", "!=2", ">=1,<4"])
    marker = rng.choice(["", "", "", "; extra == 'x'", "; python_version < '3'"])
    return f"{name}{extra}{bound}{marker}"


@pytest.fixture(params=["26.3", pytest.param("23.2.1", marks=pytest.mark.full)])
def pips(
    request: pytest.FixtureRequest, env_store: Any, repoprio_wheel: Path, repository: RepositoryFactory, tmp_path: Path
) -> Iterator[tuple[Pip, Pip, list[RepositoryServer]]]:
    """A pip that fetches ahead, one that does not, and their repositories."""
    env = env_store.env(request.param, repoprio_wheel).with_home(tmp_path / "home")
    servers = [repository(label) for label in LABELS]
    running = []
    for is_ahead in ("true", "false"):
        policy = tmp_path / f"{is_ahead}.toml"
        policy.write_text(
            f"fetch-ahead = {is_ahead}\n"
            + "".join(
                f'[repositories.{one.label}]\nurl = "{one.page_url}"\npriority = {10 * number}\n'
                for number, one in enumerate(servers, 1)
            ),
            encoding="utf-8",
        )
        running.append(Pip(str(env.python), tmp_path, policy, env.environment(policy)))
    yield running[0], running[1], servers
    for one in running:
        one.close()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 20))])
def test_choices_are_the_same(pips: tuple[Pip, Pip, list[RepositoryServer]], seed: int) -> None:
    """Pip chooses the same; no lower repository is asked for a name of a higher one; few requests are in vain."""
    ahead, in_turn, servers = pips
    solved, asked_for, in_vain = 0, 0, 0
    for number in range(SHAPES):
        wanted = fill(servers, random.Random(f"{seed} {number}"))
        chosen = ahead.choices(*wanted)
        # Requests that were under way when pip finished must end first: they do not belong to the next run.
        time.sleep(0.1)
        asked = [server.asked_pages() for server in servers]
        owners = {name: next(i for i, one in enumerate(servers) if name in one.projects) for name in NAMES}
        assert all(owners[name] >= i for i, names in enumerate(asked) for name in names), wanted
        for server in servers:
            server._requests.clear()
        assert in_turn.choices(*wanted) == chosen, wanted
        serial = [server.asked_pages() for server in servers]
        assert all(less <= more for less, more in zip(serial, asked, strict=True)), wanted
        solved += chosen is not None
        if chosen is not None:
            asked_for += sum(map(len, serial))
            in_vain += sum(map(len, asked)) - sum(map(len, serial))
    assert solved > SHAPES / 4
    assert in_vain <= asked_for / 10
