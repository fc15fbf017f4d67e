"""A damaged repoprio: each of its files missing, broken or empty never leaves a pip silently unguarded.

What cannot be helped is what Python itself loads at its start: without the `.pth`, or the shim that it imports, no
code of ours runs. The fuse is for that, and `repoprio doctor` tells.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.fixtures import EnvFactory, RepositoryFactory
from support.paths import SOURCE
from support.pips import PipEnv
from support.scene import Scene

# What Python reads at its start: nobody of ours is there to complain.
START = {"repoprio.pth", "_repoprio_shim.py"}
FILES = sorted(str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py"))
DAMAGE = {"missing": None, "broken": "this is = no Python (\n", "empty": ""}
# A turn damages a share of the files, each in one way.
SHARES = 16
TURNS = SHARES * len(DAMAGE)


class Damaged(Scene):
    """An environment of its own, with a policy that has corp above public."""

    def __init__(self, env: PipEnv, repository: RepositoryFactory, folder: Path) -> None:
        super().__init__(repository, folder)
        self.env = env

    def damage(self, name: str, text: str | None) -> None:
        """Remove a file or write `text` into it, and remove its compiled file."""
        file = self.env.site_packages / name
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
            compiled.unlink()
        file.unlink() if text is None else file.write_text(text)

    def loaded(self) -> set[str]:
        """The files of repoprio that pip loads if nothing is damaged."""
        said = self.take({"PYTHONPROFILEIMPORTTIME": "1"})[2]
        modules = {line.rpartition("|")[2].strip().replace(".", "/") for line in said.splitlines()}
        return {name for name in FILES if name.removesuffix(".py").removesuffix("/__init__") in modules}

    def take(self, env: Mapping[str, str] | None = None) -> tuple[str | None, int, str]:
        """Which acme is taken, the exit status and the output."""
        files = self.folder / "files"
        shutil.rmtree(files, ignore_errors=True)
        options = ["download", "--no-cache-dir", "--no-deps", "--dest", str(files), *self.indexes, "acme"]
        done = self.env.run(*options, policy=self.file, env=env)
        took = [path.name.split("-")[1] for path in files.glob("acme-*")]
        return (took[0] if took else None), done.code, done.stderr


@pytest.fixture
def world(fresh_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> Damaged:
    """An environment that a test may damage."""
    return Damaged(fresh_env("26.3"), repository, tmp_path)


@pytest.mark.parametrize("turn", [0, *(pytest.param(turn, marks=pytest.mark.full) for turn in range(1, TURNS))])
def test_a_damaged_file_opens_nothing(turn: int, world: Damaged) -> None:
    """If any file that pip loads is damaged, pip takes the owner's acme or stops with a sentence.

    Here a sixteenth of the files, in each way some; with ``-m full`` each file in each way.
    """
    whole = world.folder / "whole.py"
    share, way = turn % SHARES, turn // SHARES
    for number, name in enumerate(sorted(world.loaded() - START)[share::SHARES]):
        damage = list(DAMAGE)[(number + way) % len(DAMAGE)]
        shutil.copy2(world.env.site_packages / name, whole)
        world.damage(name, DAMAGE[damage])
        took, code, said = world.take()
        assert (took, code) in (("1.0", 0), (None, 1), (None, 2)), f"{name}: {took} {code} {said}"
        # An empty module may be noticed late, and then count as an answer that cannot be understood.
        if took is None and damage != "empty":
            assert "[damaged]" in said, f"{name}: {said}"
            assert "Traceback" not in said, name
        shutil.copy2(whole, world.env.site_packages / name)
    assert world.take()[0] == "1.0"


@pytest.mark.story
@pytest.mark.parametrize("damage", DAMAGE)
def test_files_that_pip_does_not_load_change_nothing(damage: str, world: Damaged) -> None:
    """Even if all of them are damaged, pip takes the owner's acme."""
    loaded = world.loaded()
    assert len(loaded) > 50
    for name in set(FILES) - loaded - START:
        world.damage(name, DAMAGE[damage])
    assert world.take()[:2] == ("1.0", 0)


@pytest.mark.story
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", sorted(START))
def test_doctor_reports_missing_start_files(name: str, damage: str, world: Damaged) -> None:
    """Without the files that Python loads at its start pip is open: doctor reports that, and the fuse stops it."""
    world.damage(name, DAMAGE[damage])
    assert world.take()[0] == "99.0"
    told = world.env.tool("doctor", policy=world.file, env={"PATH": "/no/such/folder"})
    assert told.code != 0
    if name.endswith(".pth"):
        assert "FAIL" in told.stdout
        assert "took 99.0" in told.stdout
    conf = world.folder / "pip.conf"
    conf.write_text("[global]\nindex-url = file:///repoprio-is-not-loaded/\n")
    done = world.env.run("download", "--no-cache-dir", "acme", policy=world.file, env={"PIP_CONFIG_FILE": str(conf)})
    assert done.code == 1
    assert "No matching distribution" in done.stderr


def test_the_way_out(world: Damaged) -> None:
    """The pip that a damaged repoprio stops can uninstall it completely."""
    world.damage("repoprio/pip_adapter/hooks/wrappers.py", None)
    stopped = world.env.run("--version", policy=world.file)
    assert (stopped.code, stopped.stderr.count("\n")) == (2, 2)
    assert f"the installation in {world.env.site_packages}" in stopped.stderr
    done = world.env.run("uninstall", "-y", "repoprio", policy=world.file)
    assert done.code == 0, done.stderr
    assert not [path for path in world.env.site_packages.iterdir() if "repoprio" in path.name]


@pytest.mark.story
@pytest.mark.parametrize("has_policy", [True, False])
def test_the_repair_of_the_message(has_policy: bool, world: Damaged, repoprio_wheel: Path) -> None:
    """No pip can install over a damaged repoprio; the commands of the message work, in their order."""
    policy = world.file if has_policy else None
    world.damage("repoprio/pip_adapter/hooks/import_hook.py", None)
    stopped = world.env.run("install", "repoprio", policy=policy)
    assert (stopped.code, "[damaged]" in stopped.stderr) == (2, True), stopped
    variables = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(repoprio_wheel.parent), "PIP_NO_DEPS": "1"}
    pip = re.escape(f"{world.env.python} -m pip")
    commands = re.search(rf"hint: ({pip} uninstall -y repoprio), then ({pip} install repoprio) ", stopped.stderr)
    assert commands, stopped.stderr
    for command in commands.groups():
        _, *words = shlex.split(command)[2:]
        done = world.env.run(*words, policy=policy, env=variables)
        assert done.code == 0, (command, done.stderr)
    assert world.take()[0] == "1.0"


def test_upgrade_by_the_hooked_pip(world: Damaged, repoprio_wheel: Path) -> None:
    """A pip with the hook can replace repoprio by another build; nothing of the old one stays."""
    policy = world.file.read_text()
    stale = world.env.site_packages / "repoprio" / "old.py"
    newer = world.folder / repoprio_wheel.name
    shutil.copy(repoprio_wheel, newer)
    before = names(world.env)
    world.file.write_text(f'direct-urls = "roots"\n{policy}')
    done = world.env.run("install", "--no-deps", "--force-reinstall", str(newer), policy=world.file)
    assert done.code == 0, done.stderr
    assert names(world.env) == before
    assert not stale.exists()
    assert world.take()[0] == "1.0"


def names(env: PipEnv) -> set[str]:
    """All files of repoprio in an environment, except compiled ones."""
    mine = (p for top in env.site_packages.iterdir() if "repoprio" in top.name for p in [top, *top.rglob("*")])
    return {str(path) for path in mine if "__pycache__" not in path.parts}
