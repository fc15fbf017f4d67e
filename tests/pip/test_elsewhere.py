"""Windows and macOS, simulated on Linux: the code for them runs, and needs nothing that is missing there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.files import FileSpec, build
from support.fixtures import EnvFactory
from support.pips import PipEnv

PIP = "26.3"
SIMULATION = Path(__file__).parents[1] / "support/elsewhere"
# Extras and pip decide for themselves on which system they are: they are loaded before.
LOAD_ALL = """
import importlib, os, pkgutil, runpy, sys
import aiohttp, redis, uvicorn
runpy.run_path(sys.argv[1])
from repoprio.pip_adapter.hooks import pip_runner
pip_runner.load_pip()
import repoprio
names = [found.name for found in pkgutil.walk_packages(repoprio.__path__, "repoprio.") if "__main__" not in found.name]
for name in names:
    importlib.import_module(name)
from repoprio.storage import jsonlines
jsonlines.append(sys.argv[2], ["one"])
jsonlines.append(sys.argv[2], ["two"])
print(len(names) > 250, sys.platform, hasattr(os, "geteuid"))
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="simulates the others on Linux")


def variables(platform: str, home: Path) -> dict[str, str]:
    """The variables that make a Python look like one of `platform`, and those that name its folders."""
    folders = {"ALLUSERSPROFILE": "ProgramData", "APPDATA": "Roaming", "LOCALAPPDATA": "Local", "HOME": "home"}
    for name in folders.values():
        (home / name).mkdir(exist_ok=True)
    places = {key: str(home / name) for key, name in folders.items()}
    # `shutil.which` adds these endings; any name ends in one of them.
    endings = os.pathsep.join("abcdefghijklmnopqrstuvwxyz0123456789")
    simulated = {"PYTHONPATH": str(SIMULATION), "LOOKS_LIKE_PLATFORM": platform, "PATHEXT": endings}
    simulated |= {"MACHINE_PROGRAMDATA": places["ALLUSERSPROFILE"]}
    # Newer pips obey these on macOS, too.
    xdg = {f"XDG_{name}": "" for name in ("CONFIG_HOME", "CONFIG_DIRS", "DATA_HOME", "DATA_DIRS")}
    return {**places, **simulated, **xdg, "PIP_CONFIG_FILE": "", "USERPROFILE": places["HOME"], "USERNAME": "me"}


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_every_module_loads(platform: str, tmp_path: Path) -> None:
    """No module needs fcntl, pwd, os.geteuid or SIGHUP where they are missing; a log is locked and written."""
    log = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, str(SIMULATION / "sitecustomize.py"), str(log)],
        env={**os.environ, **variables(platform, tmp_path), "PYTHONPATH": ""},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout.split() == ["True", platform, str(platform == "darwin")], done.stderr
    assert log.read_text() == "one\ntwo\n"


def wheels(folder: Path) -> Path:
    """A folder with a wheel of acme."""
    folder.mkdir()
    made = build("acme", FileSpec("1.0"))
    (folder / made.filename).write_bytes(made.content)
    return folder


def policy(folder: Path) -> str:
    """A policy with that folder."""
    return f"[repositories.corp]\nurl = '{wheels(folder)}'\nformat = 'flat'\npriority = 10\n"


def test_windows(pip_env: EnvFactory, tmp_path: Path) -> None:
    """The policy in %PROGRAMDATA% is found, whatever the variables say; lookups, installations and explain work."""
    env, there = pip_env(PIP), variables("win32", tmp_path)
    (place := tmp_path / "ProgramData/repoprio").mkdir(parents=True)
    (place / "repoprio.toml").write_text(policy(tmp_path / "wheels"))
    shown = env.tool("explain", "acme", env=there)
    assert (shown.code, f"{place}/repoprio.toml" in shown.stdout) == (0, True), shown.stderr
    refused = env.run("download", "acme>=2", env=there)
    assert (refused.code, 'why: repoprio explain "acme>=2"' in refused.stderr) == (1, True), refused.stderr
    done = env.run("install", "--target", str(tmp_path / "target"), "acme", env=there)
    assert (done.code, (tmp_path / "target/acme.py").exists()) == (0, True), done.stderr
    mine = {"ALLUSERSPROFILE": str(tmp_path), "WIN_PD_OVERRIDE_COMMON_APPDATA": "C:\\mine"}
    assert f"{place}/repoprio.toml" in env.tool("config", "show", env={**there, **mine}).stdout
    none = env.tool("explain", "acme", env={**there, "MACHINE_PROGRAMDATA": str(tmp_path / "none")})
    assert (none.code, "$env:REPOPRIO_CONFIG = 'FILE' (cmd: set" in none.stderr) == (2, True), none.stderr


@pytest.mark.full
def test_doctor_on_windows(pip_env: EnvFactory, tmp_path: Path) -> None:
    """Doctor needs no user ids, and names pip.ini; the pips that it starts are simulated too."""
    env, there = pip_env(PIP), variables("win32", tmp_path)
    (file := tmp_path / "repoprio.toml").write_text(policy(tmp_path / "wheels"))
    doctor = env.tool("doctor", policy=file, env={**there, "PATH": str(env.python.parent)})
    assert (doctor.code, "Run as me in the folder" in doctor.stdout) == (0, True), doctor.stderr + doctor.stdout
    assert f"{tmp_path}/ProgramData/pip/pip.ini: not in place" in doctor.stdout


def test_macos(pip_env: EnvFactory, tmp_path: Path) -> None:
    """[repoprio] in the user's pip.conf is found at macOS' own place; the system's policy is where all Pythons look."""
    env, there = pip_env(PIP), variables("darwin", tmp_path)
    (place := tmp_path / "home/Library/Application Support/pip").mkdir(parents=True)
    keys = f"repositories.corp.url = {wheels(tmp_path / 'wheels')}\nrepositories.corp.format = flat\n"
    (place / "pip.conf").write_text(f"[repoprio]\n{keys}")
    done = env.run("install", "--target", str(tmp_path / "target"), "acme", env=there)
    assert (done.code, (tmp_path / "target/acme.py").exists()) == (0, True), done.stderr
    (place / "pip.conf").unlink()
    none = env.tool("explain", "acme", env=there)
    assert "/Library/Application Support/repoprio/repoprio.toml" in none.stderr


def test_output_of_any_encoding(pip_env: EnvFactory, tmp_path: Path) -> None:
    """A character that the console's code page lacks is escaped; no command fails, and no message is lost."""
    env = pip_env(PIP)
    file = tmp_path / "repoprio.toml"
    file.write_text(f"help = 'ask → team'\n{policy(tmp_path / 'wheels')}owns = ['acme-*']\n", encoding="utf-8")
    for encoding in ("ascii", "cp1252"):
        there = {"PYTHONIOENCODING": encoding}
        shown = env.tool("config", "show", policy=file, env=there)
        assert (shown.code, "\\u2192" in shown.stdout) == (0, True), shown.stderr
        refused = env.run("download", "acme-new", policy=file, env=there)
        assert (refused.code, "\\u2192" in refused.stderr, "[owned-absent]" in refused.stderr) == (1, True, True)


def test_the_simulation_reaches_child_processes(pip_env: EnvFactory, tmp_path: Path) -> None:
    """These tests rely on this: a child process of the simulated Python is simulated too."""
    env: PipEnv = pip_env(PIP)
    asked = "import os, sys; print(sys.platform, hasattr(os, 'fork'))"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {asked!r}])"
    told = subprocess.run(
        [env.python, "-c", script],
        env=env.environment(extra=variables("win32", tmp_path)),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert told.stdout == "win32 False\n"
