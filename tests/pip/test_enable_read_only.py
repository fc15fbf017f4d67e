"""`repoprio enable` and `disable` if a folder cannot be written."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from repoprio.environments import hook_installer
from repoprio.environments.interpreters import CannotEnable, Interpreter
from repoprio.users import user_name
from support.fixtures import EnvFactory
from support.pips import PipEnv

PIP = "26.3"
# Root writes everywhere, unless it gives that up.
GIVES_UP = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
BARE = () if os.geteuid() else GIVES_UP


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """A folder that is read-only for a while."""
    before = folder.stat().st_mode
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(before)


def ordinary(env: PipEnv, *words: str) -> subprocess.CompletedProcess[str]:
    """Run repoprio as a user who may not write everywhere."""
    return subprocess.run(
        [*BARE, str(env.python), "-m", "repoprio", *words],
        env=env.environment(None, {"REPOPRIO_CONFIG": ""}) | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def entries(folder: Path) -> dict[str, bytes]:
    """The entries of a folder of packages that belong to no package."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@pytest.mark.full
@pytest.mark.skipif(not all(map(shutil.which, BARE[:1])), reason="nothing here takes root's rights from it")
def test_read_only_packages(pip_env: EnvFactory, fresh_env: EnvFactory) -> None:
    """Enable and disable name the folder and a way out, with status 2, and change nothing."""
    env, other = pip_env(PIP), fresh_env(PIP, stock=True)
    packages = other.site_packages
    for words in (("enable",), ("enable", "--copy"), ("disable",)):
        before = entries(packages)
        with closed(packages):
            done = ordinary(env, words[0], "--venv", str(other.root), *words[1:])
        assert (done.returncode, done.stdout, entries(packages)) == (2, "", before), done.stderr
        assert f"ERROR: repoprio: {packages} cannot be written by " in done.stderr
        assert "; nothing was changed.\n  hint: make it writable" in done.stderr
        # What disable is to take out.
        assert ordinary(env, "enable", "--venv", str(other.root)).returncode == 0


@pytest.mark.parametrize("is_closed", ["stdlib", "custom"])
def test_a_base_is_changed_completely_or_not_at_all(
    is_closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If one of the two places of a base cannot be written, the other one stays unchanged; the owner is named."""
    stdlib, elsewhere = tmp_path / "stdlib", tmp_path / "elsewhere"
    for folder in (stdlib, elsewhere):
        folder.mkdir()
    custom = elsewhere / "sitecustomize.py"
    custom.write_text("there = 1\n")
    (stdlib / "sitecustomize.py").symlink_to(custom)
    base = Interpreter("python", (3, 11), "", str(stdlib), str(stdlib / "sitecustomize.py"), "python")
    shut = str(stdlib if is_closed == "stdlib" else elsewhere)
    is_open = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != shut and is_open(path, mode))
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(CannotEnable, match=f"{shut} cannot be written by #4242") as refused:
        hook_installer.enable_base(base)
    assert refused.value.remedy.startswith(f"run the command as {user_name(tmp_path.stat().st_uid)}, who owns it")
    assert (os.listdir(stdlib), custom.read_text()) == (["sitecustomize.py"], "there = 1\n")
    monkeypatch.setattr(os, "access", is_open)
    made, text = hook_installer.enable_base(base), custom.read_text()
    monkeypatch.setattr(os, "access", lambda path, mode: path != shut and is_open(path, mode))
    with pytest.raises(CannotEnable, match="nothing was changed"):
        hook_installer.disable_base(base)
    assert (all(map(os.path.exists, made)), custom.read_text()) == (True, text)
