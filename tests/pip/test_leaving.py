"""`pip uninstall repoprio` removes what `enable` put elsewhere; a stopped pip gets a command that helps."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from repoprio.config.pip import fuse
from repoprio.environments import hook_installer, ledger
from support.fixtures import EnvFactory
from support.pips import PipEnv

PIP = "26.3"


class Scene:
    """An environment with repoprio, and another one that it guards."""

    def __init__(self, home: PipEnv, folder: Path) -> None:
        self.home = home
        self.other = PipEnv(folder / "other", PIP, folder / "other-home")
        self.conf = folder / "xdg" / "pip" / "pip.conf"
        self.conf.parent.mkdir(parents=True)
        self.variables = {"XDG_CONFIG_DIRS": str(folder / "xdg"), "PIP_CONFIG_FILE": ""}
        self.home.module("venv", "--without-pip", str(self.other.root), env=self.variables)
        self.before = self.names()
        done = self.home.tool("enable", "--venv", str(self.other.root), env=self.variables)
        assert (done.code, done.stderr.count("cannot be written")) == (0, 0), done.stderr
        # As `enable --fuse` does, except the file: that one is the machine's, which no test touches.
        self.conf.write_text(fuse.put(""))
        notes = self.home.site_packages / ledger.FILE
        notes.write_text(notes.read_text() + json.dumps([ledger.FUSE, str(self.conf)]) + "\n")

    def names(self) -> set[str]:
        """The other environment's packages, except compiled files."""
        return {path.name for path in self.other.site_packages.iterdir()} - {"__pycache__"}

    def leftovers(self) -> list[str]:
        """The files of repoprio that remain where it was installed."""
        return [path.name for path in self.home.site_packages.iterdir() if "repoprio" in path.name]


@pytest.mark.story
@pytest.mark.parametrize("pip", [PIP, "22.0.2"])
def test_uninstall_removes_what_enable_put_elsewhere(pip: str, fresh_env: EnvFactory, tmp_path: Path) -> None:
    """Pointers and fuse are removed, with or without a policy, and each is printed."""
    scene = Scene(fresh_env(pip), tmp_path)
    assert scene.home.tool("enable", "--required").code == 0
    assert scene.home.tool("disable", "--venv", str(scene.other.root)).code == 0
    assert scene.home.tool("enable", "--venv", str(scene.other.root)).code == 0
    done = scene.home.run("uninstall", "-y", "repoprio", env=scene.variables)
    assert done.code == 0, done.stderr
    pointer = scene.other.site_packages / "_repoprio_pointer.py"
    assert done.stderr.count(f"repoprio: removed {pointer}\n") == 1
    assert f"repoprio: removed the fuse in {scene.conf}\n" in done.stderr
    assert scene.names() == scene.before
    assert not scene.conf.exists()
    assert scene.leftovers() == []


def test_uninstall_asks_first(fresh_env: EnvFactory, tmp_path: Path) -> None:
    """Nothing is removed if the user says no, replaces repoprio by another version, or uninstalls another project."""
    scene = Scene(fresh_env(PIP), tmp_path)
    done = scene.home.run("uninstall", "repoprio", env=scene.variables, input="n\n")
    assert (done.code, "repoprio: removed" in done.stderr) == (0, False), done.stderr
    assert "repoprio: removed" not in scene.home.run("uninstall", "-y", "packaging", env=scene.variables).stderr
    assert scene.names() - scene.before == {f"_repoprio_pointer{end}" for end in (".py", ".pth", "_alone.py")}
    done = scene.home.run("uninstall", "repoprio", env=scene.variables, input="y\n")
    assert scene.names() == scene.before, done.stderr


def test_uninstall_under_a_policy(fresh_env: EnvFactory, tmp_path: Path) -> None:
    """Under a policy it works too; pointers that are gone, or lead to another repoprio, are skipped silently."""
    scene = Scene(fresh_env(PIP), tmp_path)
    policy = tmp_path / "policy.toml"
    policy.write_text('[repositories.corp]\nurl = "https://corp.example/simple/"\n')
    gone = tmp_path / "gone"
    assert scene.home.module("venv", "--without-pip", str(gone), policy=policy).code == 0
    notes = scene.home.site_packages / ledger.FILE
    notes.write_text(notes.read_text() + 'nonsense\n["pointer"]\n')
    gone.rename(tmp_path / "elsewhere")
    pointer = scene.other.site_packages / "_repoprio_pointer.py"
    pointer.write_text(pointer.read_text().replace(str(scene.home.root), str(tmp_path / "another")))
    done = scene.home.run("uninstall", "-y", "repoprio", policy=policy, env=scene.variables)
    assert (done.code, done.stderr.count("repoprio: removed")) == (0, 1), done.stderr
    assert pointer.exists()
    assert scene.leftovers() == []


def test_the_notes_stay_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once there are many records, those of missing environments are dropped; nothing is recorded twice."""
    monkeypatch.setattr(hook_installer, "own_packages", lambda: str(tmp_path))
    for number in range(150):
        assert ledger.note(ledger.POINTER, str(tmp_path / f"gone-{number}"))
    assert len(ledger.noted()) < 102
    assert ledger.note(ledger.POINTER, str(tmp_path))
    assert ledger.note(ledger.POINTER, str(tmp_path))
    assert ledger.noted().count(ledger.Entry(ledger.POINTER, os.path.realpath(tmp_path))) == 1
    ledger.forget(str(tmp_path))
    assert str(tmp_path) not in {made.place for made in ledger.noted()}


def test_a_pip_that_is_too_old(fresh_env: EnvFactory, tmp_path: Path) -> None:
    """The message says how to upgrade it from outside, with a newer pip, which is not stopped."""
    home = fresh_env(PIP)
    old = fresh_env("21.3.1", stock=True)
    policy = tmp_path / "policy.toml"
    policy.write_text('[repositories.corp]\nurl = "https://corp.example/simple/"\n')
    assert home.tool("enable", "--venv", str(old.root)).code == 0
    done = old.run("install", "acme", policy=policy)
    assert (done.code, "[unknown-pip]" in done.stderr) == (2, True), done.stderr
    assert f" -m pip --python {old.python} install -U pip\n" in done.stderr
    outside = home.run("--python", str(old.python), "list", policy=policy)
    assert (outside.code, "21.3.1" in outside.stdout) == (0, True), outside.stderr
