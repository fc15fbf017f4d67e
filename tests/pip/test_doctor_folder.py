"""`repoprio doctor` tries each pip as it would run in the user's folder."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from repoprio.environments import owners
from support.doctors import NO_HOOK, NO_PIPS
from support.fixtures import EnvFactory

PIP = "26.3"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder of the user."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def _version_manager(folder: Path, chosen: Path, other: Path) -> str:
    """A launcher that starts the pip of `chosen` if there is a `.python-version`, else that of `other`."""
    folder.mkdir()
    shim = folder / "pip"
    shim.write_text(f'#!/bin/sh\n[ -e .python-version ] && exec {chosen} "$@"\nexec {other} "$@"\n')
    shim.chmod(0o755)
    return str(folder)


@pytest.mark.full
def test_a_version_managers_launcher_chooses_as_for_the_user(
    pip_env: EnvFactory, policy: Path, here: Path, tmp_path: Path
) -> None:
    """A launcher that chooses the Python by the user's folder is tried with that Python."""
    env, stock = pip_env(PIP), pip_env(PIP, stock=True)
    path = _version_manager(tmp_path / "shims", stock.root / "bin" / "pip", env.root / "bin" / "pip")
    variables = {"PATH": path}
    done = env.tool("doctor", "--format", "json", policy=policy, cwd=here, env=variables)
    assert (done.code, [one["took"] for one in json.loads(done.stdout)["environments"]]) == (0, ["1.0"])
    (here / ".python-version").write_text("stock\n")
    done = env.tool("doctor", "--format", "json", policy=policy, cwd=here, env=variables)
    assert (done.code, [one["took"] for one in json.loads(done.stdout)["environments"]]) == (1, ["1.0", "99.0"])


@pytest.mark.full
def test_relative_folders_of_pythonpath_are_those_of_the_user(
    fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path, here: Path
) -> None:
    """Empty and relative entries of PYTHONPATH have the same effect on the trials as for the user."""
    env, other = pip_env(PIP), fresh_env(PIP)
    (here / "more").mkdir()
    for folder, value in ((here, ":/nonexistent"), (here / "more", "more")):
        (folder / "sitecustomize.py").write_text(NO_HOOK)
        variables = {"PATH": NO_PIPS, "PYTHONPATH": value}
        done = env.tool(
            "doctor", "--format", "json", "--python", str(other.python), policy=policy, cwd=here, env=variables
        )
        assert (done.code, [one["took"] for one in json.loads(done.stdout)["environments"]]) == (1, ["99.0"])
        (folder / "sitecustomize.py").unlink()


_PIP_OF_FOLDER = "import pathlib; pathlib.Path(__file__).with_name('run').touch()\n"


@pytest.mark.full
@pytest.mark.parametrize("name", ["pip.py", pytest.param("pip/__init__.py", marks=pytest.mark.full)])
def test_a_pip_of_the_folder_is_reported_and_not_run(
    name: str, pip_env: EnvFactory, policy: Path, here: Path, tmp_path: Path
) -> None:
    """A module that replaces pip in the user's folder fails the check, and doctor never runs it."""
    env, shims = pip_env(PIP), tmp_path / "shims"
    file = here / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(_PIP_OF_FOLDER)
    shims.mkdir()
    for launcher in ("pip", "pip3.9"):
        (shims / launcher).write_text(f'#!/bin/sh\nexec {env.python} -m pip "$@"\n')
    (shims / "pip3").write_text(f"#!{env.python}\nfrom pip._internal.cli.main import main\nraise SystemExit(main())\n")
    for shim in shims.iterdir():
        shim.chmod(0o755)
    done = env.tool("doctor", policy=policy, cwd=here, env={"PATH": str(shims)})
    assert f"FAIL   python -m pip    in this folder it runs {file} instead of pip: no hook sees that\n" in done.stdout
    # A launcher that may end in `python -m pip` is not started; a Python script needs nothing of this folder.
    scripts = ", ".join(str(shims / name) for name in ("pip", "pip3.9"))
    may = f"FAIL   {scripts}    not tried: in this folder it may run {file} instead of pip\n"
    assert (done.code, may in done.stdout) == (1, True), done
    # The cause comes first, and once.
    assert (done.stdout.index(str(file)) < done.stdout.index("  ok "), done.stdout.count(str(file))) == (True, 2)
    assert "pips: 1 guarded, 0 not, 2 not tried; python -m pip: runs another file here." in done.stdout
    assert not list(here.rglob("run"))
    document = json.loads(env.tool("doctor", "--format", "json", policy=policy, cwd=here, env={"PATH": NO_PIPS}).stdout)
    assert document["pip_of_folder"] == str(file)
    # The folder is one that every Python finds code in: not even `python -m pip` from elsewhere can be tried.
    done = env.tool("doctor", policy=policy, cwd=here, env={"PATH": NO_PIPS, "PYTHONPATH": f"{os.pathsep}/none"})
    assert f"finds it: it was not tried: {file} would run instead\n" in done.stdout
    assert not list(here.rglob("run"))


@pytest.mark.full
def test_a_pip_of_the_folder_that_python_does_not_see(pip_env: EnvFactory, policy: Path, here: Path) -> None:
    """A folder named pip without code does not count; PYTHONSAFEPATH keeps newer Pythons from reading the folder."""
    env = pip_env(PIP)
    (here / "pip").mkdir()
    assert env.tool("doctor", policy=policy, cwd=here, env={"PATH": NO_PIPS}).code == 0
    (here / "pip.py").write_text(_PIP_OF_FOLDER)
    heeds = sys.version_info >= (3, 11)
    done = env.tool("doctor", policy=policy, cwd=here, env={"PATH": NO_PIPS, "PYTHONSAFEPATH": "1"})
    assert (done.code, "instead of pip" in done.stdout) == (0 if heeds else 1, not heeds)
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
    assert f"  skip   {path}/pip    nobody (uid 65534) can change {here}, so root does not run it" in done.stdout


@pytest.mark.full
@pytest.mark.story
@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("bin", "bin"),
        (f"{os.pathsep}{NO_PIPS}", ""),
        pytest.param(f".{os.pathsep}{NO_PIPS}", "", marks=pytest.mark.full),
        pytest.param(f"{NO_PIPS}{os.pathsep}", "", marks=pytest.mark.full),
    ],
)
def test_relative_and_empty_folders_of_path_are_those_of_the_user(
    path: str, folder: str, pip_env: EnvFactory, policy: Path, here: Path
) -> None:
    """Doctor tries what a shell would start in the user's folder, and names it by its absolute path."""
    env, stock, place = pip_env(PIP), pip_env(PIP, stock=True), here / folder
    place.mkdir(exist_ok=True)
    (place / "pip").symlink_to(stock.root / "bin" / "pip")
    for name in ("uv", "poetry"):
        (place / name).write_text("#!/bin/sh\nexit 1\n")
        (place / name).chmod(0o755)
    done = env.tool("doctor", "--format", "json", policy=policy, cwd=here, env={"PATH": path})
    document = json.loads(done.stdout)
    tried = [(one["launcher"], one["took"]) for one in document["environments"][1:]]
    assert (done.code, tried) == (1, [(str(place / "pip"), "99.0")])
    others = {one["name"]: one["path"] for one in document["other_installers"]}
    assert others == {name: str(place / name) for name in ("uv", "poetry")}


@pytest.mark.full
def test_a_relative_launcher_starts_what_it_would_start_for_the_user(
    pip_env: EnvFactory, policy: Path, here: Path
) -> None:
    """The Python that a launcher finds on a relative PATH is the same wherever doctor starts it."""
    env, stock = pip_env(PIP), pip_env(PIP, stock=True)
    (here / "bin").mkdir()
    (here / "bin" / "python3").write_text(f'#!/bin/sh\nexec {stock.python} "$@"\n')
    (here / "bin" / "pip").write_text("#!/usr/bin/env python3\nfrom pip._internal.cli.main import main\nmain()\n")
    for name in ("python3", "pip"):
        (here / "bin" / name).chmod(0o755)
    variables = {"PATH": os.pathsep.join(["bin", NO_PIPS, "/usr/bin"])}
    done = env.tool("doctor", "--format", "json", policy=policy, cwd=here, env=variables)
    tried = {one["launcher"]: one for one in json.loads(done.stdout)["environments"]}
    one = tried[str(here / "bin" / "pip")]
    assert (done.code, one["took"], one["python"]) == (1, "99.0", str(here / "bin" / "python3"))
