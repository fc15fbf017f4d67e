"""Flexible mode beyond what `pip install --dry-run` shows: other commands, other resolvers, an old pip."""

from __future__ import annotations

import json
from pathlib import Path

from support import worlds
from support.fixtures import EnvFactory

REQUEST = "cat dog gnu"
DROPPED = worlds.parse(
    "flexible", REQUEST, "hi: cat 2", "hi: dog 1", "hi: dog 2 needs eel", "hi: eel 1 needs cat>2",
    "hi: gnu 1 needs hen", "hi: hen 1 needs dog<2", "lo: cat 10",
)  # fmt: skip


def test_an_old_pip_installs_by_the_same_rule(fresh_env: EnvFactory, tmp_path: Path) -> None:
    """The oldest pip, which keeps the bounds of a dropped eel, installs the cat of the higher tier."""
    env = fresh_env("22.0.2")
    policy = DROPPED.write(tmp_path / "world")
    done = env.run("install", "--disable-pip-version-check", *DROPPED.request, policy=policy)
    assert done.code == 0, done.stderr
    assert "cat 10 of lo (priority 90) is not needed: hi (priority 10) has a version that fits" in done.stderr
    assert "Successfully installed cat-2 dog-1 gnu-1 hen-1" in done.stdout


def test_the_legacy_resolver_refuses(pip_env: EnvFactory, tmp_path: Path) -> None:
    """In flexible mode the legacy resolver is refused: it has no graph for the rule; strict mode works."""
    env = pip_env("26.3")
    options = ("download", "--use-deprecated=legacy-resolver", "--dest", str(tmp_path / "files"), "hen")
    done = env.run(*options, policy=DROPPED.write(tmp_path / "flexible"))
    assert done.code == 1
    assert "hen: flexible mode does not work with pip's legacy resolver." in done.stderr
    assert "[flexible-legacy]" in done.stderr
    strict = worlds.parse("strict", "hen", "hi: hen 1")
    done = env.run(*options, policy=strict.write(tmp_path / "strict"))
    assert done.code == 0, done.stderr


def test_compare_agrees_with_install(pip_env: EnvFactory, tmp_path: Path) -> None:
    """The policy's side of a comparison follows the same rule."""
    policy = DROPPED.write(tmp_path / "world")
    done = pip_env("26.3").tool("compare", "--format", "json", *DROPPED.request, policy=policy)
    found = {one["project"]: one["policy"] for one in json.loads(done.stdout)["projects"]}
    assert (found["cat"]["version"], found["cat"]["repository"]) == ("2", "hi"), done.stderr


def test_observe_judges_by_the_final_bounds(pip_env: EnvFactory, tmp_path: Path) -> None:
    """Bounds that pip's resolver dropped do not justify a lower choice."""
    policy = DROPPED.write(tmp_path / "world")
    pin = '[pins.all]\nprojects = ["*"]\nmode = "flexible"\n'
    policy.write_text(policy.read_text().replace('mode = "flexible"', 'mode = "observe"') + pin)
    log = tmp_path / "log"
    places = [word for name in ("hi", "lo") for word in ("--find-links", str(tmp_path / "world" / name))]
    command = ("install", "--dry-run", "--no-index", *places, *DROPPED.request)
    done = pip_env("26.3").run(*command, policy=policy, env={"REPOPRIO_LOG": str(log)})
    assert "cat-10" in done.stdout, done.stderr
    (record,) = [json.loads(line) for line in log.read_text().splitlines()]
    assert (record["project"], record["policy"]["version"], record["policy"]["repository"]) == ("cat", "2", "hi")
