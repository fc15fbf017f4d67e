"""Law 4: each way in which pip looks up a project obeys, on each pip that base images carry.

acme is in corp (1.0) and in public (99.0); through every door acme is 1.0, and public is never asked for it.
By default some pips are tried; ``-m full`` has the others, and REPOPRIO_TEST_PYTHONS (paths, separated as PATH is)
names further interpreters.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from support.env_store import EnvStore
from support.fixtures import RepositoryFactory
from support.pips import Completed, PipEnv
from support.pool import Pool
from support.scene import Scene
from support.sources import BACKEND, PROJECT

Version = tuple[int, ...]
COMMON = ["22.0.2", "23.0.1", "24.3.1", "25.3", "26.3"]
OTHERS = ["22.3.1", "23.2.1", "23.3.2", "24.0", "25.0.1", "26.0", "26.1", "26.2"]
PIPS = [*COMMON, *(pytest.param(pip, marks=pytest.mark.full) for pip in OTHERS)]
PYTHONS = [sys.executable, *filter(None, os.environ.get("REPOPRIO_TEST_PYTHONS", "").split(os.pathsep))]


def version_of(pip: str) -> Version:
    """The version of a pip, to be compared."""
    return tuple(map(int, pip.split(".")))


class World(Scene):
    """corp above public, an environment with one pip, and what each of them was asked."""

    def __init__(self, env: PipEnv, repository: RepositoryFactory, folder: Path) -> None:
        super().__init__(repository, folder, acme=("0.9", "1.0"), layout="html")
        self.env = env
        self.public.add("acme", {"version": "98.0", "sdist": True})
        self.public.add("needs-acme", {"version": "1.0", "requires": ["acme"]})
        self.public.add("built-with-acme", {"version": "1.0", "sdist": True, "build-requires": ["acme"]})
        self.public.add("setuptools", {"version": "1.0"})

    def pip(self, *arguments: str) -> Completed:
        """Run pip under the policy; it must end well."""
        done = self.env.run(*arguments, policy=self.file, cwd=self.folder)
        assert done.code == 0, done.stdout + done.stderr
        return done

    def write(self, name: str, text: str) -> str:
        """Write a file; returns its path."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def installed(self) -> str | None:
        """The version of acme that is installed."""
        return self.env.installed.get("acme")


def install(*arguments: str) -> Callable[[World], str | None]:
    """A door that installs: the acme that came."""

    def through(world: World) -> str | None:
        world.pip("install", "--no-cache-dir", *arguments)
        return world.installed()

    return through


def from_file(text: str, *arguments: str) -> Callable[[World], str | None]:
    """A door that installs from {file}."""

    def through(world: World) -> str | None:
        file = world.write("wanted.txt", text)
        world.pip("install", "--no-cache-dir", *(a.replace("{file}", file) for a in arguments))
        return world.installed()

    return through


def upgrade(world: World) -> str | None:
    """`install -U` of what is installed."""
    world.pip("install", "acme==0.9")
    world.pip("install", "-U", "acme")
    return world.installed()


def editable(world: World) -> str | None:
    """`install -e` of a project that needs acme, and is built with it."""
    world.write(
        "project/pyproject.toml",
        '[build-system]\nrequires = ["acme"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "project"\nversion = "1"\ndependencies = ["acme"]\n',
    )
    world.write("project/backend.py", BACKEND)
    world.pip("install", "--no-cache-dir", "-e", str(world.folder / "project"))
    return world.installed()


def fetched(command: str, *arguments: str) -> Callable[[World], str | None]:
    """A door that leaves files: the acme among them."""

    def through(world: World) -> str | None:
        target = world.folder / "files"
        option = "--dest" if command == "download" else "--wheel-dir"
        world.pip(command, "--no-cache-dir", option, str(target), *arguments)
        (found,) = (path.name.split("-")[1] for path in target.iterdir() if path.name.startswith("acme"))
        return found

    return through


def index_versions(world: World) -> str | None:
    """`pip index versions`."""
    stdout = world.pip("index", "versions", "acme").stdout
    assert "99.0" not in stdout
    return stdout.split("(")[1].split(")")[0]


def outdated(world: World) -> str | None:
    """`pip list --outdated`."""
    world.pip("install", "acme==0.9")
    listed = json.loads(world.pip("list", "--outdated", "--format", "json").stdout)
    return next((str(item["latest_version"]) for item in listed if item["name"] == "acme"), None)


def self_check(world: World) -> str | None:
    """Pip's check for a newer pip: corp owns that name too."""
    world.corp.add("pip", "1.0")
    world.public.add("pip", "99.0")
    done = world.env.run(
        "install", "acme", policy=world.file, cwd=world.folder, env={"PIP_DISABLE_PIP_VERSION_CHECK": "0"}
    )
    assert done.code == 0, done.stderr
    assert "99.0" not in done.stdout + done.stderr
    assert "pip" in world.corp.asked_pages()
    assert "pip" not in world.public.asked_pages()
    return world.installed()


def lock(world: World) -> str | None:
    """`pip lock`."""
    world.pip("lock", "-o", str(world.folder / "pylock.toml"), "acme")
    text = (world.folder / "pylock.toml").read_text()
    assert "99.0" not in text
    return "1.0" if "acme-1.0" in text else None


def group(world: World) -> str | None:
    """`install --group`."""
    world.write("pyproject.toml", '[dependency-groups]\ndev = ["acme"]\n')
    world.pip("install", "--group", "dev")
    return world.installed()


def script(world: World) -> str | None:
    """`install --requirements-from-script`."""
    file = world.write("script.py", '# /// script\n# dependencies = ["acme"]\n# ///\n')
    world.pip("install", "--requirements-from-script", file)
    return world.installed()


def builds(*options: str) -> Callable[[World], str | None]:
    """A build requirement, as a child or in the process: the sdist's own build fails unless acme is 1.0."""

    def through(world: World) -> str | None:
        world.write(
            "project/pyproject.toml",
            '[build-system]\nrequires = ["acme"]\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        )
        world.write("project/backend.py", BACKEND)
        world.pip("install", "--no-cache-dir", "--no-deps", *options, str(world.folder / "project"))
        return "1.0" if "acme" in world.corp.asked_pages() else None

    return through


class Door(NamedTuple):
    """One way in, and the first pip that has it."""

    way: Callable[[World], str | None]
    since: Version = (0,)


DOORS = {
    "install": Door(install("acme")),
    "dependency": Door(install("needs-acme")),
    "upgrade": Door(upgrade),
    "editable": Door(editable),
    "requirements": Door(from_file("acme\n", "-r", "{file}")),
    "constraint": Door(from_file("acme<99\n", "-c", "{file}", "needs-acme")),
    "pre": Door(install("--pre", "acme")),
    "legacy-resolver": Door(install("--use-deprecated", "legacy-resolver", "needs-acme")),
    "download": Door(fetched("download", "needs-acme")),
    "wheel": Door(fetched("wheel", "needs-acme")),
    "index-versions": Door(index_versions),
    "outdated": Door(outdated),
    "self-check": Door(self_check),
    "lock": Door(lock, since=(25, 1)),
    "group": Door(group, since=(25, 1)),
    "script": Door(script, since=(26, 0)),
    "build": Door(builds()),
    "build-in-process": Door(builds("--use-feature", "inprocess-build-deps"), since=(26, 0)),
    "build-in-venv": Door(builds("--use-feature", "venv-isolation"), since=(26, 2)),
}


@pytest.fixture(params=PYTHONS, ids=lambda python: Path(python).name)
def world(
    request: pytest.FixtureRequest,
    pip: str,
    env_store: EnvStore,
    env_pool: Pool,
    repoprio_wheel: Path,
    repository: RepositoryFactory,
    tmp_path: Path,
) -> Iterator[World]:
    """Corp and public, and a private environment with this pip."""
    shared = env_store.env(pip, repoprio_wheel, request.param)
    folder = tmp_path / "work"
    folder.mkdir()
    with env_pool.lend(shared) as lent:
        env = lent.with_home(tmp_path / "home")
        yield World(env, repository, folder)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("pip", PIPS)
def test_every_door_obeys(pip: str, door: str, world: World) -> None:
    """With this command of this pip, corp's acme is installed, and public is never asked for it."""
    way, since = DOORS[door]
    if version_of(pip) < since:
        pytest.skip("this pip has no such door")
    try:
        assert way(world) == "1.0"
        assert "acme" not in world.public.asked_pages()
    except BaseException:
        record(world, pip, door, "FAILED")
        raise
    record(world, pip, door, "ok")


def record(world: World, pip: str, door: str, result: str) -> None:
    """Record a result for the table in the docs, if REPOPRIO_DOORS names a file for them."""
    if file := os.environ.get("REPOPRIO_DOORS"):
        python = subprocess.run([world.env.python, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
        with Path(file).open("a", encoding="utf-8") as opened:
            opened.write(json.dumps([".".join(python.split(".")[:2]), pip, door, result]) + "\n")


@pytest.mark.parametrize("pip", ["26.3", *(pytest.param(pip, marks=pytest.mark.full) for pip in ("26.1", "26.2"))])
def test_no_import_is_blocked(pip: str, world: World) -> None:
    """While it installs, pip 26.1 and later warns about imports, and 26.3 forbids them: repoprio needs none."""
    world.corp.add("built", {"version": "1.0", "sdist": True, "requires": ["acme"]})
    world.public.add("setuptools", "99.0")
    world.write("project/pyproject.toml", PROJECT)
    world.write("project/backend.py", BACKEND)
    done = world.env.run(
        "install", "--no-cache-dir", "needs-acme", str(world.folder / "project"), policy=world.file, cwd=world.folder,
        env={"PIP_DISABLE_PIP_VERSION_CHECK": "0"},
    )  # fmt: skip
    refused = world.env.run("install", "acme>=2", policy=world.file, cwd=world.folder)
    assert (done.code, refused.code) == (0, 1), done.stderr
    for said in (done.stdout + done.stderr, refused.stdout + refused.stderr):
        assert "Unsafe import" not in said
        assert "BlockedImportError" not in said
        assert "Traceback" not in said


@pytest.mark.parametrize("pip", ["26.3"])
def test_a_newer_pip_gets_a_notice(pip: str, world: World) -> None:
    """A pip newer than the tested ones runs if all patched functions are as expected, with one notice."""
    init = world.env.site_packages / "pip" / "__init__.py"
    init.write_text(init.read_text().replace('__version__ = "26.3"', '__version__ = "27.0"'))
    done = world.pip("install", "acme")
    assert "repoprio: pip 27.0 is newer than the tested ones (22.0.2 to 26.3)" in done.stderr
    assert world.installed() == "1.0"
    assert "27.0" not in world.pip("install", "-q", "-U", "acme").stderr
