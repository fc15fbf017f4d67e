"""Pip installs what the contract says, in worlds with tiers, bounds, backtracking, extras and cycles."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from support import worlds
from support.conversation import Conversation
from support.paths import SUPPORT
from support.pips import PipEnv
from support.premise import times
from support.worlds import Choice, World

RUNNER: Final = SUPPORT / "resolutions.py"
NAMES: Final = ("ant", "bee", "cat", "dog", "eel", "fox")
SHAPES: Final = times(100)
DROPPED: Final = (
    "hi: dog 1", "hi: dog 2 needs eel", "hi: eel 1 needs cat>2", "hi: gnu 1 needs hen", "hi: hen 1 needs dog<2",
)  # fmt: skip
# The request, the files, and the expected choice; None if nothing is allowed.
FIXED: Final[dict[str, tuple[str, tuple[str, ...], dict[str, Choice] | None]]] = {
    "bounds of what was dropped": (
        "cat dog gnu",
        ("hi: cat 2", *DROPPED, "lo: cat 10"),
        {"cat": ("2", "hi"), "dog": ("1", "hi"), "gnu": ("1", "hi"), "hen": ("1", "hi")},
    ),
    "bounds beside an extra": (
        "cat[x] dog",
        ("hi: cat 2", "hi: dog 1 needs cat>2", "lo: cat 10"),
        {"cat": ("10", "lo"), "dog": ("1", "hi")},
    ),
    "bounds that come late": (
        "eel cat",
        ("hi: ant 2 needs cat<=1", "hi: cat 2 needs nobody", "lo: eel 1 needs ant", "lo: cat 1"),
        {"eel": ("1", "lo"), "ant": ("2", "hi"), "cat": ("1", "lo")},
    ),
    "needed by itself alone": (
        "cat",
        ("hi: cat 2 needs nobody", "hi: bee 1 needs cat>5", "lo: cat 10 needs bee"),
        None,
    ),
}


class Pip:
    """One process in which pip resolves one world after the other."""

    def __init__(self, env: PipEnv, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        policy = World("strict", {"hi": 10}, {}, ()).write(folder / "first")
        # pip is patched only once, when it is imported.
        self._process = Conversation([str(env.python), str(RUNNER)], env.environment(policy))

    def install(self, world: World) -> tuple[dict[str, Choice] | None, str]:
        """What pip would install, None if it refuses; and its output."""
        self._number += 1
        folder = self._folder / str(self._number)
        policy = world.write(folder)
        options = ["--dry-run", "--ignore-installed", "--constraint", str(folder / "constraints.txt")]
        case = {"args": ["install", *options, *world.request], "env": {"REPOPRIO_CONFIG": str(policy)}}
        found = self._process.ask(json.dumps(case))
        report = found["report"]
        return (dict(map(_choice, report["install"])) if report else None), found["said"]

    def close(self) -> None:
        """End the process."""
        self._process.close()


def _choice(item: dict[str, Any]) -> tuple[str, Choice]:
    where = item["download_info"]["url"].split("/")
    return item["metadata"]["name"].lower(), (item["metadata"]["version"], where[-2])


@pytest.fixture(scope="module", params=["26.3", pytest.param("25.3", marks=pytest.mark.full)])
def pip(
    request: pytest.FixtureRequest, env_store: Any, repoprio_wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pip]:
    """One process for all worlds."""
    env = env_store.env(request.param, repoprio_wheel).with_home(tmp_path_factory.mktemp("home"))
    running = Pip(env, tmp_path_factory.mktemp("worlds"))
    yield running
    running.close()


@pytest.mark.parametrize("name", FIXED)
def test_worlds_that_once_went_wrong(pip: Pip, name: str) -> None:
    """Pip and the solver agree in worlds where a rule at pinning time would go wrong."""
    request, files, expected = FIXED[name]
    world = worlds.parse("flexible", request, *files)
    found, said = pip.install(world)
    assert found == expected, said
    assert list(worlds.solutions(world)) == ([expected] if expected else [])


@pytest.mark.parametrize("mode", ["strict", "flexible", "merge"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 30))])
def test_what_pip_installs_is_admissible(pip: Pip, mode: str, seed: int) -> None:
    """In random worlds nothing is installed that the contract forbids, and almost no solution is missed.

    pip's own search is not complete (equal bounds in cycles of extras), and flexible mode's is not meant to be.
    """
    installed = lower = missed = 0
    for number in range(SHAPES):
        world = _world(random.Random(f"{mode} {seed} {number}"), mode)
        found, said = pip.install(world)
        if found is None:
            missed += "RecursionError" not in said and any(True for _ in worlds.solutions(world))
            continue
        assert worlds.faults(world, found) == [], (world, found, said)
        installed += 1
        lower += any(repository not in world.tiers(name)[0] for name, (_, repository) in found.items())
    assert installed > SHAPES / 4
    assert bool(lower) == (mode == "flexible")
    assert missed <= SHAPES / 30


@pytest.mark.parametrize("order", range(6))
def test_bounds_of_what_was_dropped_in_any_order(pip: Pip, order: int) -> None:
    """Cat stays with the higher tier, no matter what pip looks at first and how many other projects there are."""
    rng = random.Random(order)
    around = [f"hi: {name} {version}" for name in ("ant", "bee") for version in (1, 2)]
    names = ["cat", "dog", "gnu", "ant", "bee"]
    rng.shuffle(names)
    world = worlds.parse("flexible", " ".join(names), "hi: cat 2", *DROPPED, *around, "lo: cat 10", "lo: dog 3")
    found, said = pip.install(world)
    assert found is not None, said
    assert worlds.faults(world, found) == []
    assert found["cat"] == ("2", "hi")


def _world(rng: random.Random, mode: str) -> World:
    priorities = {"hi": 10, "mid": rng.choice([10, 50]), "lo": 90} if rng.random() < 0.4 else {"hi": 10, "lo": 90}
    files: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {repository: {} for repository in priorities}
    for repository, priority in priorities.items():
        for name in NAMES:
            # Of two files of the same version in a tier, pip looks at only one.
            beside = [files[other].get(name, {}) for other in priorities if priorities[other] == priority]
            known = set() if mode == "merge" else {version for one in beside for version in one}
            versions = {str(rng.randint(1, 6 if repository == "lo" else 4)) for _ in range(rng.randint(0, 3))}
            if versions - known:
                files[repository][name] = {version: _requires(rng, name) for version in sorted(versions - known)}
    request = tuple(
        f"{name}{rng.choice(['', '', '', '[x]'])}{rng.choice(['', '', '', '>1', '<3', '!=2'])}"
        for name in rng.sample(NAMES, rng.randint(1, 4))
    )
    constraints = tuple(f"{name}{rng.choice(['<4', '>1', '!=3'])}" for name in NAMES if rng.random() < 0.07)
    return World(mode, priorities, files, request, constraints)


def _requires(rng: random.Random, name: str) -> tuple[str, ...]:
    others = [other for other in NAMES if other != name]
    wanted = [rng.choice(others) if rng.random() < 0.96 else "nobody" for _ in range(rng.choice([0, 0, 1, 1, 2]))]
    operators = (">", "<", ">=", "<=", "==", "!=")
    bounds = ["", "", *(f"{operator}{version}" for operator in operators for version in (1, 2, 3, 4))]
    extras, markers = ["", "", "", "", "[x]"], ["", "", "", "; extra == 'x'"]
    return tuple(f"{other}{rng.choice(extras)}{rng.choice(bounds)}{rng.choice(markers)}" for other in wanted)
