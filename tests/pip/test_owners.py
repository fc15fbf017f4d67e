"""Root neither runs nor writes through files that another user can change."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from repoprio.environments import hook_installer, interpreters, owners
from repoprio.storage import jsonlines
from support.fixtures import EnvFactory
from support.pips import PipEnv

PIP = "26.3"
NOBODY = 65534
as_root = pytest.mark.skipif(not owners.is_root(), reason="only root can give files to another user")


@pytest.fixture
def other(fresh_env: EnvFactory) -> PipEnv:
    """An environment of root's own, without repoprio."""
    return fresh_env(PIP, stock=True)


def give_away(path: Path) -> None:
    """Give a file, or a folder with its content, to another user."""
    for one in (path, *(path.rglob("*") if path.is_dir() else ())):
        os.chown(one, NOBODY, NOBODY, follow_symlinks=False)


def trap(env: PipEnv, marker: Path) -> None:
    """Make the environment's Python leave a mark when it runs."""
    python = env.root / "bin" / "python"
    python.unlink()
    python.write_text(f"#!/bin/sh\ntouch {marker}\n")
    python.chmod(0o755)


@as_root
@pytest.mark.parametrize("by", ["--venv", "--python"])
def test_enable_runs_no_interpreter_of_another_user(
    by: str, pip_env: EnvFactory, other: PipEnv, tmp_path: Path
) -> None:
    """`enable` names the owner and the command to run as that user; nothing is run or written."""
    trap(other, tmp_path / "run")
    give_away(other.root)
    before = sorted(other.root.rglob("*"))
    env, arguments = pip_env(PIP), ("enable", by, str(other.root if by == "--venv" else other.python))
    done = env.tool(*arguments)
    assert (done.code, done.stdout) == (2, "")
    assert f"is not run as root: nobody (uid {NOBODY}) can change {other.root}" in done.stderr
    whole = f"sudo -u nobody env PIP_CONFIG_FILE=/dev/null {env.root / 'bin' / 'repoprio'} {' '.join(arguments)}"
    assert f"hint: run the command as that user: {whole}    [owner]" in done.stderr
    # sudo runs a whole command: as root it prints the same.
    same = subprocess.run(shlex.split(whole)[3:], capture_output=True, text=True, env=env.environment(), check=False)
    assert (same.returncode, same.stderr) == (2, done.stderr)
    assert done.stderr.endswith("[owner]\n")
    assert not (tmp_path / "run").exists()
    assert sorted(other.root.rglob("*")) == before


def a_pth(env: PipEnv, _: Path) -> None:
    """A `.pth` file, which Python runs at its start."""
    file = env.site_packages / "theirs.pth"
    file.write_text("import os\n")
    give_away(file)


def a_named_folder(env: PipEnv, folder: Path) -> None:
    """A folder that a `.pth` file of root names: its sitecustomize is run."""
    (folder / "src").mkdir()
    give_away(folder / "src")
    (env.site_packages / "editable.pth").write_text(f"{folder / 'src'}\n")


def a_shared_folder(env: PipEnv, _: Path) -> None:
    """Packages that everybody may write."""
    (env.site_packages / "pip").chmod(0o777)


def a_link(env: PipEnv, folder: Path) -> None:
    """An interpreter behind a link of root, in a folder of another user."""
    (folder / "theirs").mkdir()
    shutil.copy(env.python.resolve(), folder / "theirs" / "python")
    give_away(folder / "theirs")
    env.python.unlink()
    env.python.symlink_to(folder / "theirs" / "python")


def a_home(env: PipEnv, folder: Path) -> None:
    """A base, named in pyvenv.cfg, whose standard library belongs to another user."""
    (folder / "base" / "bin").mkdir(parents=True)
    (folder / "base" / "lib" / "python3.11").mkdir(parents=True)
    give_away(folder / "base" / "lib")
    config = env.root / "pyvenv.cfg"
    config.write_text(config.read_text().replace("home = ", f"home = {folder / 'base' / 'bin'}\nwas = "))


def a_first_line(env: PipEnv, folder: Path) -> None:
    """A script of root in place of the interpreter; its first line names a program of another user."""
    (folder / "theirs").mkdir()
    shutil.copy(env.python.resolve(), folder / "theirs" / "python")
    give_away(folder / "theirs")
    env.python.unlink()
    env.python.write_text(f"#!{folder / 'theirs' / 'python'}\n")
    env.python.chmod(0o755)


@as_root
@pytest.mark.parametrize("change", [a_pth, a_named_folder, a_shared_folder, a_link, a_home, a_first_line])
def test_one_file_of_another_user_is_enough(change: object, other: PipEnv, tmp_path: Path) -> None:
    """Every file that affects what runs counts, with links and parent folders; otherwise nobody is named."""
    assert owners.stranger_of_python(str(other.python)) is None
    change(other, tmp_path)  # type: ignore[operator]
    with pytest.raises(interpreters.OfAnother, match=r"\[owner\]"):
        interpreters.interpreter(str(other.python))


@as_root
def test_a_base_is_searched_once(other: PipEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base with tens of thousands of files is searched only once if nobody else can change it."""
    base, scan = tmp_path / "base", os.scandir
    a_home(other, tmp_path)
    scanned: list[str] = []

    def noted(folder: str) -> object:
        scanned.append(folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", noted)
    found = [owners.stranger_of_python(str(other.python)) for _ in range(2)]
    assert [one and one.user for one in found] == ["nobody"] * 2
    for path in (base, *base.rglob("*")):
        os.chown(path, 0, 0)
    scanned.clear()
    assert [owners.stranger_of_python(str(other.python)) for _ in range(2)] == [None, None]
    assert scanned.count(str(base / "lib" / "python3.11")) == 1


@as_root
@pytest.mark.parametrize("command", [["doctor"], ["explain", "acme"], ["pip", "list"]])
@pytest.mark.parametrize("by", ["HOME", "PYTHONUSERBASE"])
def test_packages_of_another_user_are_not_loaded(
    by: str, command: list[str], pip_env: EnvFactory, other: PipEnv, tmp_path: Path
) -> None:
    """With another user's HOME, as after `sudo -E`, a Python that would load packages from there is not run."""
    config = other.root / "pyvenv.cfg"
    config.write_text(re.sub("(?m)^include-system.*", "include-system-site-packages = true", config.read_text()))
    base = tmp_path / ".local"
    packages = base / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages"
    packages.mkdir(parents=True)
    (packages / "theirs.pth").write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'run')!r}).touch()\n")
    give_away(base)
    first, *rest = command
    place = {by: str(tmp_path if by == "HOME" else base), "PATH": "/nowhere"}
    done = pip_env(PIP).tool(first, "--python", str(other.python), *rest, env=place)
    assert not (tmp_path / "run").exists()
    assert done.code == (1 if first == "doctor" else 2), done.stdout + done.stderr
    assert f"nobody (uid {NOBODY}) can change {base}" in done.stdout + done.stderr


@as_root
def test_no_packages_are_loaded_from_folders_of_other_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages could be added after the check, so a writable HOME counts too; root's own home does not."""
    monkeypatch.delenv("PYTHONUSERBASE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert owners.without_foreign_packages({}) == {}
    give_away(tmp_path)
    assert owners.without_foreign_packages({}) == {"PYTHONNOUSERSITE": "1"}


def test_doctor_runs_nothing_of_the_working_folder(pip_env: EnvFactory, other: PipEnv, tmp_path: Path) -> None:
    """`python -m pip` would run a pip.py there, which need not be the user's."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n')
    (tmp_path / "pip.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w').close()\n")
    env = pip_env(PIP)
    done = subprocess.run(  # not `python -m repoprio`, which has that folder on its own path
        [env.root / "bin" / "repoprio", "doctor", "--python", other.python],
        env=env.environment(policy, {"PATH": "/nowhere"}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert not (tmp_path / "run").exists()


@as_root
def test_a_group_without_members_is_no_stranger(other: PipEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group with write access, such as Debian's staff, counts as soon as it has members."""
    group = 4_000_000
    os.chown(other.site_packages, 0, group)
    other.site_packages.chmod(0o2775)
    assert owners.stranger_of_python(str(other.python)) is None
    monkeypatch.setattr(owners, "_has_members", lambda number: number == group)
    found = owners.stranger_of_python(str(other.python))
    assert found == (str(other.site_packages), f"group {group}", None)


@as_root
def test_a_new_environment_in_a_folder_of_another_user_is_guarded(pip_env: EnvFactory, tmp_path: Path) -> None:
    """An environment that root itself makes there, as in images, gets the hook as usual."""
    home = tmp_path / "home-of-another"
    home.mkdir()
    give_away(home)
    policy = tmp_path / "policy.toml"
    policy.write_text('[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n')
    done = pip_env(PIP).module("venv", "--without-pip", str(home / "new"), policy=policy)
    assert done.code == 0, done.stderr
    assert list(home.glob("new/lib/*/site-packages/_repoprio_pointer.pth"))


def test_a_draft_is_a_file_of_its_own(tmp_path: Path) -> None:
    """A link in place of the draft is not followed; the mode stays, and no draft is left."""
    target, file = tmp_path / "target", tmp_path / "pip.conf"
    target.write_text("precious\n")
    file.write_text("old\n")
    file.chmod(0o640)
    (tmp_path / f"pip.conf.{os.getpid()}").symlink_to(target)
    hook_installer.write(str(file), "new\n")
    assert (target.read_text(), file.read_text()) == ("precious\n", "new\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    (tmp_path / "folder").mkdir()
    with pytest.raises(interpreters.CannotEnable):
        hook_installer.write(str(tmp_path / "folder"), "text\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "folder",
        "pip.conf",
        f"pip.conf.{os.getpid()}",
        "target",
    ]


@as_root
@pytest.mark.parametrize("is_folder", [False, True])
def test_the_log_goes_through_no_link_of_another_user(is_folder: bool, tmp_path: Path) -> None:
    """A link of another user, as the log or on its path, is refused; the user's own is followed."""
    real, link = tmp_path / "real", tmp_path / "link"
    if is_folder:
        real.mkdir()
    link.symlink_to(real)
    file = link / "log" if is_folder else link
    jsonlines.append(str(file), ["ours"])
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(OSError, match="belongs to another user"):
        jsonlines.append(str(file), ["theirs"])
    assert (real / "log" if is_folder else real).read_text() == "ours\n"
