"""If a repository gives no usable answer, nothing below it is asked, and none of its files is a candidate.

Each fault of `cases/faults/faults.toml` at three positions, with a cold and a warm cache, through a real pip session;
and end to end, as a root, a dependency and a build requirement. `python tests/support/faults_table.py` makes the table
of the docs from what REPOPRIO_FAULTS names.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.fault_world import BOUNDS, FAULTS, POSITIONS, SECRET, World
from support.fixtures import EnvFactory
from support.session import Session
from support.wire import WireFault

CACHES = ("cold", "warm")
# The pips of builds get no options.
BUILDS = {"PIP_DEFAULT_TIMEOUT": "1"}
# pip keeps no answer that came over plain HTTP, unless the host is trusted.
CACHED = {"http": ("--trusted-host", "127.0.0.1"), "https": ()}


def cases() -> list[Any]:
    """Each fault at one position with one cache in turn; the rest of the product with -m full."""
    return [
        pytest.param(
            fault, position, cache, id=f"{fault.id}-{position}-{cache}",
            marks=[] if number % 3 == p and (fault.cold or number // 3 % 2 == c) else [pytest.mark.full],
        )
        for number, fault in enumerate(FAULTS)
        for p, position in enumerate(POSITIONS)
        for c, cache in enumerate(CACHES)
        if not (fault.cold and cache == "warm")
    ]  # fmt: skip


@pytest.mark.parametrize(("fault", "position", "cache"), cases())
def test_no_fault_opens_a_lower_repository(
    fault: WireFault, position: str, cache: str, session: Session, tls: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    """No candidate comes from below, no lower repository is asked, and the message names the cause and a way out."""
    world = World(fault, position, tls[0], tmp_path)
    try:
        env = {"REPOPRIO_CONFIG": str(world.policy)}
        options = [*BOUNDS, *CACHED[fault.scheme], "--cert", str(tls[1]), "--cache-dir", str(tmp_path / "cache")]
        for _ in CACHES if cache == "warm" else ():
            good = session.look_up(options, env)
            assert good["outcome"] == "served", good
        # The second time the cache was revalidated.
        assert world.corp.revalidations == (cache == "warm")
        found = session.look_up(options, {**env, **world.break_corp()})
        record(fault, position, cache, found)
        assert not world.asked_below()
        judge(fault, position, found["candidates"], found["said"], world)
    finally:
        world.close()


def judge(fault: WireFault, position: str, candidates: list[str], said: str, world: World) -> None:
    """Check what must be true in every case."""
    assert SECRET not in said
    assert "Traceback" not in said
    if fault.outcome == "no-match" and position == "tied":
        # It serves the name without files, so its tier has the files of the other member.
        assert candidates
        assert all(url.startswith(world.others["twin"].root_url) for url in candidates)
        return
    assert not candidates
    assert "corp (priority 10)" in said
    assert fault.cause in said
    assert "hint: " in said
    assert f"[{fault.outcome}]" in said


def record(fault: WireFault, position: str, cache: str, found: dict[str, Any]) -> None:
    """Note a result for the table in the docs."""
    if file := os.environ.get("REPOPRIO_FAULTS"):
        below = [url for url in found["candidates"] if "-99.0-" in url]
        line = [fault.id, fault.why, position, cache, "HANDED OVER" if below else found["outcome"], found["said"]]
        with Path(file).open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(line) + "\n")


WAYS = {"root": "acme", "dependency": "apps-needs", "build": "apps-built"}


def end_to_end() -> list[Any]:
    """Every third fault by one way, at one position, with one cache in turn; the rest of the product with -m full."""

    def marks(number: int, way: int, position: int, cache: int) -> list[Any]:
        third, is_third = divmod(number, 3)
        is_its = (way, position) == (third % 3, third // 3 % 3) and (FAULTS[number].cold or cache == number % 2)
        return [] if is_third == 0 and is_its else [pytest.mark.full]

    return [
        pytest.param(fault, way, position, cache, id=f"{fault.id}-{way}-{position}-{cache}", marks=marks(n, w, p, c))
        for n, fault in enumerate(FAULTS)
        for w, way in enumerate(WAYS)
        for p, position in enumerate(POSITIONS)
        for c, cache in enumerate(CACHES)
        if not (fault.cold and cache == "warm")
    ]


@pytest.mark.parametrize(("fault", "way", "position", "cache"), end_to_end())
def test_end_to_end(
    fault: WireFault,
    way: str,
    position: str,
    cache: str,
    pip_env: EnvFactory,
    tls: tuple[dict[str, Any], Path],
    tmp_path: Path,
) -> None:
    """`pip download` takes nothing from below, ends with status 1 and says why."""
    world, env = World(fault, position, tls[0], tmp_path), pip_env("26.3")
    options = [
        "download",
        *BOUNDS,
        *CACHED[fault.scheme],
        "--cert",
        str(tls[1]),
        "--cache-dir",
        str(tmp_path / "cache"),
        "-d",
        str(tmp_path),
    ]
    try:
        if cache == "warm":
            good = env.run(*options, "acme", policy=world.policy)
            assert good.code == 0, good.stderr
            (tmp_path / "acme-1.0-py3-none-any.whl").unlink()
        done = env.run(*options, WAYS[way], policy=world.policy, env={**BUILDS, **world.break_corp()})
        assert not world.asked_below()
        came = [path.name for path in tmp_path.glob("acme-*")]
        if fault.outcome == "no-match" and position == "tied":
            # As in `judge`: pip takes the file of the twin.
            wheel = "acme-1.0-py3-none-any.whl"
            assert (done.code, came) == (0, [] if way == "build" else [wheel]), done.stderr
            assert f"/files/{wheel}" in world.others["twin"].requests
            return
        assert (done.code, came) == (1, [])
        judge(fault, position, [], done.stdout + done.stderr, world)
    finally:
        world.close()
