"""Obstacles between a pip and its hook: doctor names them, and a way around each that works."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from repoprio.config.pip import fuse
from repoprio.doctor import remedies
from repoprio.doctor.obstacles import Obstacle
from repoprio.doctor.pip_check import Examined
from repoprio.doctor.pips import Pip, PipFacts
from repoprio.doctor.trial_repositories import Trial
from repoprio.render import doctor as rendered
from support import warm
from support.doctors import NO_HOOK, NO_PIPS
from support.fixtures import EnvFactory
from support.pips import PipEnv

PIP = "26.3"


def launcher(env: PipEnv, folder: Path, options: str) -> Path:
    """A pip on PATH that gives these options to the Python of `env`."""
    folder.mkdir()
    script = folder / "pip"
    search = f"import sys; sys.path.append({str(env.site_packages)!r})\n"
    script.write_text(f"#!{env.python} {options}\n{search}import runpy; runpy.run_module('pip', None, '__main__')\n")
    script.chmod(0o755)
    return script


def look(env: PipEnv, policy: Path, *arguments: str, **variables: str) -> tuple[dict[str, Any], str]:
    """The last pip of doctor's report, and the report as text."""
    environ = env.environment(policy, {"PATH": NO_PIPS, **variables})
    words, done = ["doctor", "--format", "json", *arguments], None
    if env.may_fork():
        done = warm.run(env.python, "repoprio", words, env=environ, extra={}, cwd=env.home, input=None, timeout=120)
    if done is None:
        # Isolated, as a fork is: what hides the hook may hide doctor too.
        command = [str(env.python), "-I", "-m", "repoprio", *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=env.home)
    assert "Traceback" not in done.stderr, done.stderr
    document = json.loads(done.stdout)
    row, said = document["environments"][-1], "\n".join(rendered.lines(document))
    return row, said


def in_shell(
    env: PipEnv, command: str, policy: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that doctor proposes."""
    command = command.replace("repoprio ", f"{env.python} -m repoprio ")
    environ = env.environment(policy, {"PATH": "/usr/bin:/bin", **variables})
    return subprocess.run(["/bin/sh", "-c", command], env=environ, capture_output=True, text=True, check=False)


@pytest.mark.full
def test_a_launcher_with_which_python_loads_nothing(fresh_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """For `python -S` no hook is advised: each named way works, and with the fuse that launcher finds nothing."""
    env = fresh_env(PIP)
    script = launcher(env, tmp_path / "bin", "-S")
    path, arguments = str(script.parent), ("--python", str(env.python))
    row, said = look(env, policy, *arguments, PATH=path)
    ways = row["fix"].split(", or ")
    assert (row["took"], row["obstacles"][0]["loads_nothing"], row["then"]) == ("99.0", True, [])
    assert ways == [
        f"run {env.python} -m pip instead",
        "remove -S from its first line",
        "make it find nothing: repoprio enable --fuse",
    ]
    assert f"why: {script} runs Python with -S: it loads no hook, and nothing can guard it this way\n" in said
    place = ways[0].removeprefix("run ").removesuffix(" instead")
    assert "Usage:" in in_shell(env, f"{place} help", policy).stdout
    assert look(env, policy, "--python", place.partition(" ")[0])[0]["state"] == "guarded"
    # The fuse, in a file that pip reads in place of the machine's.
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {fuse.URL}\n")
    done = in_shell(env, f"{script} download acme", PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert (done.returncode, "No matching distribution found for acme" in done.stderr) == (1, True)
    script.write_text(script.read_text().replace(" -S", "", 1))
    document = json.loads(env.tool("doctor", "--format", "json", policy=policy, env={"PATH": path}).stdout)
    assert [one["state"] for one in document["environments"]] == ["guarded"]


@pytest.mark.full
def test_it_loads_nothing_and_there_is_no_hook(
    fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path, tmp_path: Path
) -> None:
    """The hook alone would not help: both steps are given, in order."""
    env, stock = pip_env(PIP), fresh_env(PIP, stock=True)
    script = launcher(stock, tmp_path / "bin", "-IS")
    row, _ = look(env, policy, PATH=str(script.parent))
    assert row["fix"] == f"repoprio enable --venv {stock.root}"
    assert [step.partition(",")[0] for step in row["then"]] == [f"run {stock.python} -m pip instead"]
    assert in_shell(env, row["fix"]).returncode == 0
    assert look(env, policy, "--venv", str(stock.root))[0]["state"] == "guarded"
    assert look(env, policy, PATH=str(script.parent))[0]["fix"].startswith(f"run {stock.python} -m pip instead, ")


@pytest.mark.parametrize(("can_write", "is_fused"), [(False, False), (True, True), (False, True)])
def test_no_advice_that_cannot_help(can_write: bool, is_fused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Doctor does not advise editing a file that this user cannot change, nor a fuse that is in place already."""
    monkeypatch.setattr(os, "access", lambda _path, _mode: can_write)
    told = PipFacts(Pip("/x/bin/python", "/x/bin/pip", ("-S",)), PIP)
    obstacle = Obstacle(launcher="/x/bin/pip", options=("-S",), loads_nothing=True)
    one = Examined(told, trial=Trial("99.0"), is_hooked=True, has_own_hook=True, obstacles=(obstacle,))
    ways = ["run /x/bin/python -m pip instead"]
    ways += ["remove -S from its first line"] if can_write else []
    ways += [] if is_fused else ["make it find nothing: repoprio enable --fuse"]
    assert remedies.steps(one, policy=None, is_fused=is_fused) == [", or ".join(ways)]


@pytest.mark.full
@pytest.mark.parametrize(
    ("options", "variables"),
    [
        ("-I", {}),
        ("-E", {"PYTHONPATH": "base"}),
        ("", {"PYTHONNOUSERSITE": "1"}),
    ],
)
def test_a_hook_that_is_not_among_the_packages_of_the_environment(
    options: str, variables: dict[str, str], fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path, tmp_path: Path
) -> None:
    """What keeps Python from the user's packages, or from PYTHONPATH, is named; both ways past it work."""
    env, other = pip_env(PIP), fresh_env(PIP, stock=True)
    config = other.root / "pyvenv.cfg"
    config.write_text(config.read_text().replace("= false", "= true"))
    base = tmp_path / ("base" if "PYTHONPATH" in variables else "home/.local")
    folder = base if "PYTHONPATH" in variables else base / other.site_packages.relative_to(other.root)
    folder.mkdir(parents=True)
    for name in ("repoprio", "_repoprio_shim.py", "repoprio.pth"):
        (folder / name).symlink_to(env.site_packages / name)
    (base / "sitecustomize.py").write_text("import _repoprio_shim; _repoprio_shim.install()\n")
    variables = {name: str(base) if value == "base" else value for name, value in variables.items()}
    home = {"HOME": str(tmp_path / "home")}
    script = launcher(other, tmp_path / "bin", options)
    row, said = look(env, policy, **home, **variables, PATH=str(script.parent))
    if options:
        way = f"run {other.python} -m pip instead"
        assert f"why: {script} runs Python with {options}; {other.python} -m pip obeys\n" in said
        assert look(env, policy, "--python", str(other.python), **home, **variables)[0]["state"] == "guarded"
    else:
        way = "unset PYTHONNOUSERSITE"
        assert "why: PYTHONNOUSERSITE has 1; without it the pip obeys\n" in said
        assert look(env, policy, "--python", str(other.python), **home)[0]["state"] == "guarded"
    assert (row["took"], row["fix"], row["then"]) == ("99.0", f"{way}, or repoprio enable --venv {other.root}", [])
    assert in_shell(env, row["fix"].partition(", or ")[2]).returncode == 0
    assert look(env, policy, **home, **variables, PATH=str(script.parent))[0]["state"] == "guarded"


@pytest.mark.full
@pytest.mark.story
@pytest.mark.parametrize(
    ("module", "text", "rest"),
    [
        ("sitecustomize.py", NO_HOOK, ""),
        pytest.param("_repoprio_shim.py", "def install(): pass\n", "/none", marks=pytest.mark.full),
        ("_repoprio_shim.py", "raise RuntimeError('boom')\n", "/none:/none/either"),
    ],
)
def test_a_folder_of_pythonpath_that_hides_the_hook(
    module: str, text: str, rest: str, fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path, tmp_path: Path
) -> None:
    """The folder of PYTHONPATH and its module are named, and the command removes only that folder."""
    env, other, folder = pip_env(PIP), fresh_env(PIP), tmp_path / "hides"
    folder.mkdir()
    (folder / module).write_text(text)
    value = ":".join(filter(None, [str(folder), rest]))
    row, said = look(env, policy, "--python", str(other.python), PYTHONPATH=value)
    loads = "" if "raise" in text else f", from where Python loads {folder / module}"
    assert f"why: PYTHONPATH has {folder}{loads}; without it the pip obeys\n" in said
    assert row["fix"] == (f"export PYTHONPATH={rest}" if rest else "unset PYTHONPATH")
    again = f"{row['fix']}; repoprio doctor --format json --python {other.python}"
    done = in_shell(env, again, policy, PYTHONPATH=value)
    assert json.loads(done.stdout)["environments"][0]["state"] == "guarded"


def test_a_second_repoprio_that_is_broken(
    fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path, tmp_path: Path
) -> None:
    """A repoprio on PYTHONPATH that stops each pip is named, and nothing is advised about the sound one."""
    env, folder = fresh_env(PIP), tmp_path / "second"
    (folder / "repoprio").mkdir(parents=True)
    (folder / "repoprio" / "__init__.py").write_text("")
    (folder / "_repoprio_shim.py").symlink_to(env.site_packages / "_repoprio_shim.py")
    (folder / "sitecustomize.py").write_text("import _repoprio_shim; _repoprio_shim.install()\n")
    row, said = look(pip_env(PIP), policy, "--python", str(env.python), PYTHONPATH=str(folder))
    assert re.search(rf"why: PYTHONPATH has {folder}, from where Python loads {folder}/\S+", said), said
    assert row["fix"] == "unset PYTHONPATH"


@pytest.mark.full
def test_a_sitecustomize_that_hides_the_bases_hook(
    fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path, tmp_path: Path
) -> None:
    """If an environment has the hook only from its base, doctor offers one of its own too, and that one works."""
    env, other, folder = pip_env(PIP), fresh_env(PIP, stock=True), tmp_path / "hides"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("")
    # As the interpreter's own sitecustomize would be, in a place that tests may write.
    (other.site_packages / "sitecustomize.py").write_text(
        f"import sys; sys.path.append({str(env.site_packages)!r})\n"
        "import _repoprio_shim; _repoprio_shim.install(); sys.path.pop()\n"
    )
    arguments = ("--python", str(other.python))
    assert look(env, policy, *arguments)[0]["state"] == "guarded"
    row, said = look(env, policy, *arguments, PYTHONPATH=str(folder))
    assert f"why: PYTHONPATH has {folder}, from where Python loads {folder / 'sitecustomize.py'}; without" in said
    assert row["fix"] == f"unset PYTHONPATH, or repoprio enable --venv {other.root}"
    assert in_shell(env, row["fix"].partition(", or ")[2]).returncode == 0
    assert look(env, policy, *arguments, PYTHONPATH=str(folder))[0]["state"] == "guarded"
