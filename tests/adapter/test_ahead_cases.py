"""Every decision is the same with and without fetching ahead, even if everything possible is fetched ahead.

The decision cases (`cases/*.toml`) and the faults (`cases/faults/faults.toml`) run in a real pip, in one process for
each way. *eager* also asks new sites ahead, so that every error happens ahead first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from support.cases import Case, Realized, load_cases, realize
from support.conversation import Conversation
from support.fault_world import BOUNDS, FAULTS, POSITIONS, World
from support.paths import DATA, SUPPORT
from support.pips import PipEnv
from support.repository import RepositoryServer
from support.wire import WireFault

NEW: Final = "26.3"
WAYS: Final = {"ahead": "", "in-turn": "fetch-ahead = false\n", "eager": ""}
BARE: Final = {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "2"}
OPTIONS: Final = ("install", "--dry-run", "--ignore-installed", "--no-cache-dir")
CASES: Final = [case for case in load_cases(DATA, runner="pip") if not case.pips or NEW in case.pips]


class Pips:
    """A process with a pip for each way."""

    def __init__(self, env: PipEnv) -> None:
        """Start them."""
        command, variables = [str(env.python), str(SUPPORT / "resolutions.py")], env.environment(extra=BARE)
        self._running = {way: Conversation([*command, way], variables, env.home) for way in WAYS}

    def run(self, way: str, args: list[str], env: dict[str, str]) -> dict[str, Any]:
        """The result of one of them."""
        return self._running[way].ask(json.dumps({"args": args, "env": env}))

    def close(self) -> None:
        """End them."""
        for one in self._running.values():
            one.close()


@pytest.fixture(scope="module")
def pips(env_store: Any, repoprio_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pips]:
    """The pips, one for each way."""
    running = Pips(env_store.env(NEW, repoprio_wheel).with_home(tmp_path_factory.mktemp("home")))
    yield running
    running.close()


def chosen(found: dict[str, Any]) -> dict[str, tuple[str, str]] | None:
    """The version and URL of each project; None if pip refuses."""
    if found["report"] is None:
        return None
    items = found["report"]["install"]
    return {one["metadata"]["name"]: (one["metadata"]["version"], one["download_info"]["url"]) for one in items}


def pages(real: Realized) -> dict[str, set[str]]:
    """The paths that each server was asked for, which it then forgets; failed requests ahead are repeated."""
    servers = {name: one for name, one in real.repositories.items() if isinstance(one, RepositoryServer)}
    found = {name: {path for path in one.requests if path.startswith("/simple/")} for name, one in servers.items()}
    for one in servers.values():
        one._requests.clear()
    return found


def some_cases() -> list[Any]:
    """Every fourth case with dependencies and every twentieth of the others; the rest with -m full."""

    def marks(number: int, case: Case) -> list[Any]:
        share = 4 if case.source == "transitive.toml" else 20
        return [pytest.mark.full] if number % share else []

    return [pytest.param(case, id=case.id, marks=marks(number, case)) for number, case in enumerate(CASES)]


@pytest.mark.parametrize("case", some_cases())
def test_cases_are_decided_as_in_turn(case: Case, pips: Pips, tmp_path: Path) -> None:
    """Choices, refusals, texts and disclosed names are the same as in a run that fetches nothing ahead."""
    with realize(case, tmp_path) as real:
        found, asked = {}, {}
        for way, first in WAYS.items():
            real.policy.write_text(first + real.policy_text, encoding="utf-8")
            found[way] = pips.run(
                way,
                [*OPTIONS, *real.pip_options, *real.request],
                {"REPOPRIO_CONFIG": str(real.policy), **real.env},
            )
            asked[way] = pages(real)
    for way in ("ahead", "eager"):
        assert chosen(found[way]) == chosen(found["in-turn"]), (way, case.why)
        assert found[way]["said"] == found["in-turn"]["said"], (way, case.why)
        assert asked[way] == asked["in-turn"], (way, case.why)
    assert (chosen(found["ahead"]) is not None) == (case.expect.outcome == "served"), found["ahead"]["said"]


def some_faults() -> list[Any]:
    """Every third fault at one position in turn; the rest of the product with -m full."""
    return [
        pytest.param(
            fault, position, id=f"{fault.id}-{position}",
            marks=[] if number % 3 == 0 and number // 3 % 3 == p else [pytest.mark.full],
        )
        for number, fault in enumerate(FAULTS)
        for p, position in enumerate(POSITIONS)
    ]  # fmt: skip


@pytest.mark.parametrize(("fault", "position"), some_faults())
def test_no_fault_ahead_opens_a_lower_repository(
    fault: WireFault, position: str, pips: Pips, tls: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    """An error ahead ends as it does in its turn: with the same text, and no lower repository is asked."""
    world = World(fault, position, tls[0], tmp_path)
    try:
        variables = {"REPOPRIO_CONFIG": str(world.policy), **world.break_corp()}
        policy, found = world.policy.read_text(), {}
        for way, first in WAYS.items():
            world.policy.write_text(first + policy)
            options = [*BOUNDS, "--cert", str(tls[1]), "apps-needs", "acme"]
            found[way] = pips.run(way, [*OPTIONS, *options], variables)
        assert not world.asked_below()
    finally:
        world.close()
    assert chosen(found["ahead"]) == chosen(found["eager"]) == chosen(found["in-turn"])
    # The time limit of a page includes the time spent ahead, so the policy's limit is reached first.
    said = {way: one["said"].replace("took more than 2 s", "no answer in time") for way, one in found.items()}
    assert said["ahead"] == said["eager"] == said["in-turn"]
    assert fault.cause in said["eager"] or chosen(found["eager"])
