"""`repoprio doctor` tries each pip as it would run in the user's folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from repoprio.environments import owners
from support.fixtures import EnvFactory
from test_doctor import NO_PIPS, POLICY

PIP = "26.3"
_NO_HOOK = """
import sys
ours = ("_repoprio_shim", "_repoprio_pointer")
sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__module__", "") not in ours]
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy that is never asked."""
    file = tmp_path / "policy.toml"
    file.write_text(POLICY)
    return file


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder of the user."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def _version_manager(folder: Path, chosen: Path, other: Path) -> str:
    """A launcher that starts the pip of `chosen` where a `.python-version` lies, else that of `other`."""
    folder.mkdir()
    shim = folder / "pip"
    shim.write_text(f'#!/bin/sh\n[ -e .python-version ] && exec {chosen} "$@"\nexec {other} "$@"\n')
    shim.chmod(0o755)
    return str(folder)


def test_a_version_managers_launcher_chooses_as_for_the_user(
    pip_env: EnvFactory, policy: Path, here: Path, tmp_path: Path
) -> None:
    """A launcher that starts another Python in the user's folder is tried with that one."""
    env, stock = pip_env(PIP), pip_env(PIP, stock=True)
    path = _version_manager(tmp_path / "shims", stock.root / "bin" / "pip", env.root / "bin" / "pip")
    variables = {"PATH": path}
    done = env.tool("doctor", "--format", "json", policy=policy, cwd=here, env=variables)
    assert (done.code, [one["took"] for one in json.loads(done.stdout)["environments"]]) == (0, ["1.0"])
    (here / ".python-version").write_text("stock\n")
    done = env.tool("doctor", "--format", "json", policy=policy, cwd=here, env=variables)
    assert (done.code, [one["took"] for one in json.loads(done.stdout)["environments"]]) == (1, ["1.0", "99.0"])


def test_relative_folders_of_pythonpath_are_those_of_the_user(
    fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path, here: Path
) -> None:
    """What Python finds at its start through an empty or a relative entry decides about the pips that are tried."""
    env, other = pip_env(PIP), fresh_env(PIP)
    (here / "more").mkdir()
    for folder, value in ((here, ":/nonexistent"), (here / "more", "more")):
        (folder / "sitecustomize.py").write_text(_NO_HOOK)
        variables = {"PATH": NO_PIPS, "PYTHONPATH": value}
        done = env.tool(
            "doctor", "--format", "json", "--python", str(other.python), policy=policy, cwd=here, env=variables
        )
        assert (done.code, [one["took"] for one in json.loads(done.stdout)["environments"]]) == (1, ["99.0"])
        (folder / "sitecustomize.py").unlink()


def test_a_pip_of_the_folder_is_named_and_not_run(pip_env: EnvFactory, policy: Path, here: Path) -> None:
    """A `pip.py` in the user's folder, which `python -m pip` would run there, is named; looking does not run it."""
    env = pip_env(PIP)
    (here / "pip.py").write_text("import pathlib; pathlib.Path('run').touch()\n")
    variables = {"PATH": NO_PIPS, "PYTHONSAFEPATH": "1", "PYTHONPATH": str(env.site_packages)}
    done = env.tool("doctor", policy=policy, cwd=here, env=variables)
    assert f"never  python -m pip, from this folder: it runs {here / 'pip.py'}" in done.stdout, done
    assert not (here / "run").exists()


@pytest.mark.skipif(not owners.is_root(), reason="only root can give files to another user")
def test_root_lets_no_folder_of_another_user_choose(
    pip_env: EnvFactory, policy: Path, here: Path, tmp_path: Path
) -> None:
    """In a folder that another user can change, root does not start what a launcher would choose there."""
    env = pip_env(PIP)
    path = _version_manager(tmp_path / "shims", env.root / "bin" / "pip", env.root / "bin" / "pip")
    os.chown(here, 65534, 65534)
    done = env.tool("doctor", policy=policy, cwd=here, env={"PATH": path})
    assert f"  skip   {path}/pip    nobody (uid 65534) can change {here}: root does not run it" in done.stdout
