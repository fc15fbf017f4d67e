"""A pip that is too old or broken: the message names it, then says how to repair it; no traceback."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fixtures import EnvFactory
from support.pips import Completed, PipEnv

PIP = "26.3"
OLD = "21.3.1"
LOOKS = (["explain", "acme"], ["compare", "acme"], ["repos", "--check"])
POLICY = '[repositories.corp]\nurl = "https://corp.example/simple/"\n'


def policy_in(folder: Path) -> Path:
    """A policy whose repository is never asked."""
    file = folder / "policy.toml"
    file.write_text(POLICY)
    return file


def words_after(said: str, lead: str) -> list[str]:
    """The words of the command after `lead`."""
    return shlex.split(said.partition(lead)[2].partition("    [")[0].partition("\n")[0])


def aged(fresh_env: EnvFactory) -> PipEnv:
    """An environment with repoprio whose pip was replaced by one that is too old, which no installer would do."""
    env, old = fresh_env(PIP), fresh_env(OLD, stock=True)
    shutil.rmtree(env.site_packages / "pip")
    shutil.copytree(old.site_packages / "pip", env.site_packages / "pip")
    return env


@pytest.mark.full
@pytest.mark.story
@pytest.mark.parametrize("where", ["own", "named"])
def test_a_pip_that_is_too_old_is_named_first(where: str, fresh_env: EnvFactory, tmp_path: Path) -> None:
    """Each command that looks names the environment on its first line, and says how to upgrade its pip from outside."""
    policy, old = policy_in(tmp_path), aged(fresh_env) if where == "own" else fresh_env(OLD, stock=True)
    home, named = (old, []) if where == "own" else (fresh_env(PIP), ["--python", str(old.python)])
    for command in (*LOOKS, *([["audit"]] if where == "own" else [])):
        done = home.tool(*command, *named, policy=policy)
        first = done.stderr.splitlines()[0]
        assert first.startswith(f"repoprio: environment: {old.python} ("), done
        assert (done.code, done.stdout, done.stderr.count("[unknown-pip]")) == (2, "", 1), done
        repair = re.search(r"hint: upgrade it from outside: (\S+) -m pip --python (\S+) install -U pip\s", done.stderr)
        assert repair, done.stderr
        assert repair[2] == str(old.python)


def test_an_unknown_pip_under_observe(fresh_env: EnvFactory, tmp_path: Path) -> None:
    """In observe mode an unknown pip continues; commands of repoprio say once why they cannot work."""
    old, policy = aged(fresh_env), tmp_path / "policy.toml"
    policy.write_text(f'mode = "observe"\n{POLICY}')
    done = old.tool("explain", "acme", policy=policy)
    assert done.stderr.startswith(f"repoprio: environment: {old.python} (")
    assert (done.code, done.stderr.count("[unknown-pip]"), "WARNING" in done.stderr) == (2, 1, False), done


def raises(pip: Path) -> str:
    """Pip's first file raises."""
    (pip / "__init__.py").write_text("raise RuntimeError('out\\nof order')\n")
    return f"RuntimeError: out of order ({pip / '__init__.py'}:1)"


def is_no_python(pip: Path) -> str:
    """A file of pip's does not compile."""
    (pip / "_internal" / "models" / "index.py").write_text("class\n")
    return f"{pip / '_internal' / 'models' / 'index.py'}:1"


def is_missing(pip: Path) -> str:
    """A file that pip imports only for installing is missing."""
    (pip / "_internal" / "commands" / "install.py").unlink()
    return "ModuleNotFoundError: No module named 'pip._internal.commands.install'"


@pytest.mark.story
@pytest.mark.parametrize("where", ["own", "activated"])
@pytest.mark.parametrize("breaks", [raises, is_no_python, is_missing])
def test_a_broken_pip_is_reported_in_one_line(
    where: str, breaks: Callable[[Path], str], fresh_env: EnvFactory, tmp_path: Path
) -> None:
    """The message names the Python, the broken file and the repair; exit status 2, no traceback."""
    policy, broken = policy_in(tmp_path), fresh_env(PIP, stock=where != "own")
    home = broken if where == "own" else fresh_env(PIP)
    variables = {} if where == "own" else {"VIRTUAL_ENV": str(broken.root)}
    said = breaks(broken.site_packages / "pip")
    installs = ["pip", "install", "acme"]
    for command in (*LOOKS, installs, *([["audit"]] if where == "own" else [])):
        done = home.tool(*command, policy=policy, env=variables)
        assert (done.code, done.stdout, "Traceback" in done.stderr) == (2, "", False), done
        if command is not installs or where != "own":
            assert done.stderr.startswith(f"repoprio: environment: {broken.python} ("), done
            assert done.stderr.count("environment: ") == 1
        assert said in done.stderr
        assert f"ERROR: repoprio: the pip of {broken.python} is broken: " in done.stderr
        assert done.stderr.endswith("[environment]\n")


@pytest.mark.full
@pytest.mark.story
@pytest.mark.parametrize("where", ["own", "guarded", "activated"])
def test_the_repair_works_as_pasted(where: str, fresh_env: EnvFactory, tmp_path: Path) -> None:
    """In an activated environment, the printed command uses the pip of another Python than the broken one."""
    home, policy = fresh_env(PIP), policy_in(tmp_path)
    broken = home if where == "own" else fresh_env(PIP, stock=True)
    if where == "guarded":
        assert home.tool("enable", "--venv", str(broken.root)).code == 0
    raises(broken.site_packages / "pip")
    path = os.pathsep.join(str(env.root / "bin") for env in ([broken, fresh_env(PIP)] if where == "own" else [broken]))
    variables = {"PATH": f"{path}{os.pathsep}/usr/bin{os.pathsep}/bin", "VIRTUAL_ENV": str(broken.root)}
    stderr = home.tool("explain", "acme", policy=policy, env=variables).stderr
    command = shlex.join(words_after(stderr, "repair it from outside: "))
    # As the environments of these tests are made: with pip's settings of this machine.
    subprocess.run(["/bin/sh", "-c", command], env=_unguarded() | variables, check=True, capture_output=True)
    assert _version(broken).code == 0


def test_our_own_errors_keep_their_traceback(fresh_env: EnvFactory, tmp_path: Path) -> None:
    """An error in repoprio's own code is not reported as a broken pip, and keeps its traceback."""
    policy, home = policy_in(tmp_path), fresh_env(PIP)
    opened = home.site_packages / "repoprio" / "pip_adapter" / "inspect" / "context.py"
    opened.write_text(opened.read_text().replace("load_pip()\n", "load_pip()\nraise ValueError('ours')\n"))
    done = home.tool("explain", "acme", policy=policy)
    assert ("ValueError: ours" in done.stderr, "Traceback" in done.stderr) == (True, True), done
    assert "is broken" not in done.stderr


def _version(env: PipEnv) -> Completed:
    return env.run("--version")


def _unguarded() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("REPOPRIO_")}
