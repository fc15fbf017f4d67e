"""The fixes of `repoprio doctor` are commands that work, with real paths."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from repoprio.environments import owners
from support.doctors import NO_PIPS, POLICY
from support.fixtures import EnvFactory
from support.pips import Completed, PipEnv

PIP, OLD = "26.3", "21.3.1"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy whose only repository is a folder with a pip in it."""
    (tmp_path / "wheels").mkdir()
    file = tmp_path / "policy.toml"
    file.write_text(f'[repositories.own]\nurl = "{tmp_path / "wheels"}"\nformat = "flat"\npriority = 10\n')
    return file


def put_pip(env: PipEnv, folder: Path) -> None:
    """Build a wheel of the pip of `env`."""
    info = f"pip-{env.pip_version}.dist-info"
    with zipfile.ZipFile(folder / f"pip-{env.pip_version}-py3-none-any.whl", "w") as wheel:
        for part in ("pip", info):
            for file in (env.site_packages / part).rglob("*"):
                if file.is_file() and "__pycache__" not in file.parts and file.name not in ("INSTALLER", "REQUESTED"):
                    wheel.write(file, file.relative_to(env.site_packages))


def follow(env: PipEnv, said: str, policy: Path, variables: dict[str, str]) -> list[str]:
    """Do what doctor proposes for the second pip, in that order; returns the commands."""
    commands = re.findall(r"(?m)^ +(?:fix|then): (.+)$", said)
    path = f"{variables['PATH']}{os.pathsep}/usr/bin{os.pathsep}/bin"
    for command in commands:
        done = subprocess.run(
            # A copy of an environment has no scripts.
            ["/bin/sh", "-c", re.sub("^repoprio ", f"{env.python} -m repoprio ", command)],
            env=env.environment(policy, {**variables, "PATH": path}),
            capture_output=True,
            text=True,
            check=False,
            cwd=policy.parent,
        )
        assert done.returncode == 0, (command, done.stderr)
    return commands


@pytest.mark.full
@pytest.mark.parametrize("is_fused", [pytest.param(False, marks=pytest.mark.full), True])
def test_a_pip_that_is_too_old(is_fused: bool, fresh_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """It is upgraded from outside, then enabled; with the fuse it is enabled first, since only then can it fetch."""
    env, old = fresh_env(PIP), fresh_env(OLD, stock=True)
    put_pip(env, tmp_path / "wheels")
    users = tmp_path / "user" / "pip"
    users.mkdir(parents=True)
    (users / "pip.conf").write_text("[global]\nindex-url = file:///repoprio-is-not-loaded/\n" if is_fused else "")
    variables = {"PATH": str(env.root / "bin"), "PIP_CONFIG_FILE": "", "XDG_CONFIG_HOME": str(users.parent)}
    variables |= {} if is_fused else {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
    arguments = ("doctor", "--venv", str(old.root))
    stdout = env.tool(*arguments, policy=policy, env=variables).stdout
    assert f"FAIL   {old.python}    pip {OLD}    too old for a hook (22.0.2 is the oldest); took 99.0\n" in stdout
    upgrade = f"python3 -m pip --python {old.python} install -U pip"
    commands = [upgrade, f"repoprio enable --venv {old.root}"]
    assert follow(env, stdout, policy, variables) == (commands[::-1] if is_fused else commands)
    stdout = env.tool(*arguments, policy=policy, env=variables).stdout
    assert f"ok     {old.python}    pip {PIP}    took 1.0, not 99.0\n" in stdout


@pytest.mark.full
def test_a_pip_that_is_too_old_and_stopped(fresh_env: EnvFactory, policy: Path) -> None:
    """If a hook stops it, doctor says so, and advises only the upgrade."""
    env, old = fresh_env(PIP), fresh_env(OLD, stock=True)
    assert env.tool("enable", "--venv", str(old.root)).code == 0
    done = env.tool("doctor", "--python", str(old.python), policy=policy, env={"PATH": str(env.root / "bin")})
    assert "too old for a hook (22.0.2 is the oldest), which stops it\n" in done.stdout
    assert re.findall(r"(?:fix|then): (.+)", done.stdout)[0].startswith(f"python3 -m pip --python {old.python} ")
    # A python3 of that very environment is no help: another is named.
    done = env.tool("doctor", "--python", str(old.python), policy=policy, env={"PATH": str(old.root / "bin")})
    assert f"fix: {env.python} -m pip --python {old.python} install -U pip\n" in done.stdout


@pytest.mark.full
@pytest.mark.story
@pytest.mark.parametrize("is_hooked", [False, True])
@pytest.mark.parametrize("missing", ["__init__.py", "_vendor/requests/sessions.py"])
def test_a_broken_pip(missing: str, is_hooked: bool, fresh_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """A pip that fails at its start, or at its first lookup, is reinstalled by another one."""
    env, broken = fresh_env(PIP), fresh_env(PIP, stock=True)
    put_pip(env, tmp_path / "wheels")
    (broken.site_packages / "pip" / missing).write_text("raise RuntimeError('boom')\n")
    if is_hooked:
        assert env.tool("enable", "--venv", str(broken.root)).code == 0
    variables = {"PATH": str(env.root / "bin"), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
    arguments = ("doctor", "--python", str(broken.python))
    stdout = env.tool(*arguments, policy=policy, env=variables).stdout
    assert re.search(rf"FAIL   {broken.python}    (pip {PIP}    )?its pip is broken: RuntimeError: boom\n", stdout), (
        stdout
    )
    assert ("finds it: it does not run (RuntimeError: boom)\n" in stdout) == (is_hooked and missing == "__init__.py")
    repair = f"python3 -m pip --python {broken.python} install --force-reinstall pip"
    enable = [] if is_hooked else [f"repoprio enable --venv {broken.root}"]
    row = stdout[stdout.index(f"FAIL   {broken.python}") :].partition("\n  ok")[0]
    assert follow(env, row, policy, variables) == [repair, *enable]
    stdout = env.tool(*arguments, policy=policy, env=variables).stdout
    assert f"ok     {broken.python}    pip {PIP}    took 1.0, not 99.0\n" in stdout


def test_a_python_that_no_hook_can_guard(pip_env: EnvFactory, fresh_env: EnvFactory, policy: Path) -> None:
    """If `enable` would refuse, doctor gives its reason, and does not advise it."""
    env, other = pip_env(PIP), fresh_env(PIP, stock=True)
    other.python.unlink()
    # It runs pip, and says nothing as a Python does.
    other.python.write_text('#!/bin/sh\n[ "$2" = pip ] && [ "$3" = --version ] && echo pip 9 from /x "(python 3.4)"\n')
    other.python.chmod(0o755)
    row = look(env, policy, "--venv", str(other.root))[1]
    assert (row["state"], row["fix"].partition(",")[0]) == ("unfit-python", "recreate this environment")
    assert "does not behave like a Python" in row["unfit"]


def look(env: PipEnv, policy: Path, *arguments: str, path: str = NO_PIPS) -> list[dict[str, str]]:
    """The rows of doctor's report."""
    done = env.tool("doctor", "--format", "json", *arguments, policy=policy, env={"PATH": path})
    rows: list[dict[str, str]] = json.loads(done.stdout)["environments"]
    return rows


def test_no_placeholder_if_a_launcher_names_no_python(
    pip_env: EnvFactory, fresh_env: EnvFactory, policy: Path, tmp_path: Path
) -> None:
    """If the pip of a shell launcher fails, doctor finds the Python that it starts, and names it in the fix."""
    env, broken, shims = pip_env(PIP), fresh_env(PIP, stock=True), tmp_path / "shims"
    (broken.site_packages / "pip" / "__init__.py").write_text("raise RuntimeError('boom')\n")
    shims.mkdir()
    (shims / "pip").write_text(f'#!/bin/sh\nexec {broken.python} -m pip "$@"\n')
    (shims / "pip").chmod(0o755)
    row = look(env, policy, path=str(shims))[1]
    assert (row["state"], row["launcher"], row["python"]) == ("broken-pip", str(shims / "pip"), str(broken.python))
    assert row["fix"] == f"{env.python} -m pip --python {broken.python} install --force-reinstall pip"


@pytest.mark.full
@pytest.mark.skipif(not owners.is_root(), reason="only root can give files to another user")
def test_a_skipped_launcher_that_names_no_python(pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """The proposed command is complete and finds the launcher on PATH.

    What anybody can change comes with a way to protect it.
    """
    env, shims = pip_env(PIP), tmp_path / "shims"
    shims.mkdir()
    (shims / "pip").write_text("#!/bin/sh\n")
    (shims / "pip").chmod(0o755)
    os.chown(shims / "pip", 65534, 65534)
    row = look(env, policy, path=str(shims))[1]
    carried = f'env REPOPRIO_CONFIG={policy} PIP_CONFIG_FILE=/dev/null PATH="$PATH"'
    assert row["fix"] == f"sudo -u nobody {carried} {env.root / 'bin' / 'repoprio'} doctor"
    os.chown(shims / "pip", 0, 0)
    (shims / "pip").chmod(0o777)
    row = look(env, policy, path=str(shims))[1]
    assert row["fix"] == f"chmod go-w {shims / 'pip'}"
    assert subprocess.run(["/bin/sh", "-c", row["fix"]], check=False).returncode == 0
    assert "of-another-user" not in [row["state"] for row in look(env, policy, path=str(shims))]


def test_venv_takes_a_python_too(pip_env: EnvFactory, fresh_env: EnvFactory, policy: Path) -> None:
    """`--venv` accepts a Python, as in `enable`; for another environment doctor names the right option."""
    env, other = pip_env(PIP), fresh_env(PIP, stock=True)
    assert look(env, policy, "--venv", str(other.python))[1]["python"] == str(other.python)
    base = os.path.realpath(env.python)
    done: Completed = env.tool("doctor", "--venv", base, policy=policy, env={"PATH": NO_PIPS})
    assert (done.code, f"hint: for another Python: repoprio doctor --python {base}    [usage]" in done.stderr) == (
        2,
        True,
    )


def test_an_environment_without_pip(fresh_env: EnvFactory, pip_env: EnvFactory, tmp_path: Path) -> None:
    """Without a pip to ask, the report says that the hook was not tried, and nothing else about it."""
    env, other = pip_env(PIP), fresh_env(PIP, stock=True)
    shutil.rmtree(other.site_packages / "pip")
    file = tmp_path / "sound.toml"
    file.write_text(POLICY)
    done = env.tool("doctor", "--python", str(other.python), policy=file, env={"PATH": NO_PIPS})
    why = "cannot tell whether the pip of this environment finds it: this environment has no pip"
    assert (why in done.stdout, "no hook in this environment" in done.stdout) == (True, False)
