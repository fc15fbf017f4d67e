"""The name repoprio itself: no dependency replaces this pip's repoprio."""

from __future__ import annotations

from pathlib import Path

import pytest

import repoprio
from support.fixtures import EnvFactory, RepositoryFactory
from support.scene import Scene, refused

NEW, OLD = "26.3", "22.0.2"
VERSION = repoprio.__version__


@pytest.fixture
def scene(repository: RepositoryFactory, tmp_path: Path) -> Scene:
    """Two repositories and a policy; the lower one has a repoprio 99 and a package that requires it."""
    made = Scene(repository, tmp_path)
    made.public.add("repoprio", "99.0", VERSION)
    made.public.add("wants", {"version": "1.0", "requires": ["Repoprio>=99"]})
    made.public.add("likes", {"version": "1.0", "requires": ["repoprio"]})
    return made


@pytest.mark.parametrize(
    ("pip", "options"),
    [
        (NEW, []),
        (NEW, ["-U", "--upgrade-strategy", "eager"]),
        (OLD, []),
        (OLD, ["--use-deprecated=legacy-resolver"]),
    ],
)
def test_a_dependency_replaces_nothing(pip: str, options: list[str], fresh_env: EnvFactory, scene: Scene) -> None:
    """If a dependency needs another version of repoprio, pip stops and says how to install it."""
    env = fresh_env(pip)
    message = refused(env.run("install", *options, "wants", policy=scene.policy()), "no-match")
    assert f"repoprio-99.0-py3-none-any.whl: {VERSION} is installed, and stays" in message
    assert "ask for repoprio by name" in message
    assert "wants" not in env.installed
    assert env.installed["repoprio"] == VERSION


@pytest.mark.parametrize("options", [["-U", "--upgrade-strategy", "eager"], ["-U"]])
def test_an_upgrade_of_another_moves_nothing(options: list[str], fresh_env: EnvFactory, scene: Scene) -> None:
    """An upgrade of a package that requires repoprio does not change the installed one, even if eager."""
    env = fresh_env(NEW)
    done = env.run("install", *options, "likes", policy=scene.policy())
    assert done.code == 0, done.stderr
    assert env.installed["likes"] == "1.0"
    assert env.installed["repoprio"] == VERSION


def test_a_constraint_does_not_ask(fresh_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """A line in a constraints file is not a request by name, so it replaces nothing either."""
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("repoprio==99\n")
    message = refused(fresh_env(NEW).run("install", "-c", str(constraints), "likes", policy=scene.policy()), "no-match")
    assert "ask for repoprio by name" in message


@pytest.mark.parametrize("way", ["command", "file", "owns", "pin"])
def test_who_may_replace_it(way: str, pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """The user may, on the command line or in a requirements file, and so may the repository that owns the name."""
    file = tmp_path / "requirements.txt"
    file.write_text("wants\nRepoprio\n")
    request = {"command": ["wants", "repoprio"], "file": ["-r", str(file)]}.get(way, ["wants"])
    pin = '[pins.guard]\nprojects = ["repoprio"]\nrepositories = ["public"]\n'
    extra = {"owns": 'owns = ["repoprio"]\n', "pin": pin}.get(way, "")
    done = pip_env(NEW).run("install", "--dry-run", *request, policy=scene.policy(extra))
    assert done.code == 0, done.stderr
    assert "repoprio-99.0" in done.stdout


def test_an_environment_with_a_pointer_keeps_its_guard(fresh_env: EnvFactory, scene: Scene) -> None:
    """A dependency that installs repoprio into an environment with a pointer does not replace the pointer."""
    guard, other = fresh_env(NEW), fresh_env(NEW, stock=True)
    enabled = guard.tool("enable", "--venv", str(other.root), policy=scene.policy())
    assert enabled.code == 0, enabled.stderr
    message = refused(other.run("install", "wants", policy=scene.policy()), "no-match")
    assert "ask for repoprio by name" in message
    assert "repoprio" not in other.installed


def test_a_build_may_need_another(fresh_env: EnvFactory, scene: Scene) -> None:
    """A build requirement is looked up as usual, since it is installed outside the environment."""
    scene.public.add("tool", {"version": "1.0", "sdist": True, "build-requires": ["repoprio>=99"]})
    env = fresh_env(NEW)
    done = env.run("wheel", "--no-deps", "tool", policy=scene.policy())
    assert done.code == 0, done.stdout + done.stderr
    assert any("repoprio-99.0" in path for path in scene.public.requests)
    assert env.installed["repoprio"] == VERSION


def test_listing_shows_all_versions(pip_env: EnvFactory, scene: Scene) -> None:
    """Commands that only list versions show all of them, as for any name."""
    done = pip_env(NEW).run("index", "versions", "repoprio", policy=scene.policy())
    assert "Available versions: 99.0" in done.stdout, done.stderr
