"""Which environment a command speaks of, and that it judges for that one."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from repoprio import environment
from repoprio.environment import NoEnvironment, meant, own
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.repository import RepositoryServer


def made(folder: Path, *, is_venv: bool = True) -> Path:
    """An environment as far as its files tell: a Python, which nobody starts."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o755)
    if is_venv:
        (folder / "pyvenv.cfg").touch()
    return python


def test_the_option_comes_before_the_activated_one_and_that_before_our_own(tmp_path: Path) -> None:
    """``--python`` wins over VIRTUAL_ENV, and VIRTUAL_ENV over the Python that runs; each says what named it."""
    activated, named = made(tmp_path / "a"), made(tmp_path / "b")
    variables = {"VIRTUAL_ENV": str(tmp_path / "a")}
    assert meant(str(named), variables)[:3] == (str(named), str(tmp_path / "b"), "--python")
    assert meant(None, variables)[:3] == (str(activated), str(tmp_path / "a"), "VIRTUAL_ENV")
    for nothing in ({}, {"VIRTUAL_ENV": ""}):
        assert meant(None, nothing)[:3] == (sys.executable, sys.prefix, "this Python")


def test_a_folder_or_a_name_on_the_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--python`` takes the folder of an environment, and a program as the shell finds it."""
    python = made(tmp_path / "env")
    assert meant(str(tmp_path / "env"), {}).python == str(python)
    monkeypatch.setenv("PATH", str(python.parent))
    assert meant("python", {}).python == str(python)
    monkeypatch.chdir(tmp_path)
    assert meant("env/bin/python", {})[:2] == (str(python), str(tmp_path / "env"))


def test_our_own_environment_is_known_by_any_of_its_names(tmp_path: Path) -> None:
    """A virtual environment is its folder, another Python its program: links to either are the same one."""
    link = tmp_path / "link"
    link.symlink_to(sys.prefix)
    assert own().is_own
    assert meant(sys.executable, {}).is_own
    assert meant(str(link), {}).is_own
    assert not meant(str(made(tmp_path / "other")), {}).is_own
    # A virtual environment's Python is a link to its base's, and is another environment all the same.
    assert not meant(str(Path(sys.executable).resolve()), {}).is_own or sys.prefix == sys.base_prefix


def test_where_no_pyvenv_cfg_is_the_place_of_the_program_tells(tmp_path: Path) -> None:
    """The prefix of a Python that is no virtual environment's is what lies above its real place."""
    python = made(tmp_path / "opt", is_venv=False)
    link = tmp_path / "python3"
    link.symlink_to(python)
    assert environment.prefix_of(str(link)) == str(tmp_path / "opt")


@pytest.mark.parametrize("what", ["gone", "empty", "file"])
def test_what_is_no_environment_is_an_error_with_a_way_out(tmp_path: Path, what: str) -> None:
    """Neither a VIRTUAL_ENV that leads nowhere nor a wrong ``--python`` is passed over in silence."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    place = str(tmp_path / what)
    with pytest.raises(
        NoEnvironment, match=rf"VIRTUAL_ENV is {place}, which .*\n  hint: deactivate, .*\[environment\]"
    ):
        meant(None, {"VIRTUAL_ENV": place})
    with pytest.raises(NoEnvironment, match=rf"--python {place}.*\n  hint: name a Python, .*\[environment\]"):
        meant(place, {"VIRTUAL_ENV": sys.prefix})


def test_it_is_named_with_what_is_known_of_it(tmp_path: Path) -> None:
    """The line has the Python, its version and its pip where these are known, and what named it."""
    python = made(tmp_path / "env")
    found = meant(str(python), {})
    assert found.line == f"environment: {python} (--python)"
    assert found._replace(version="3.11.7", pip="26.3").line.endswith("(Python 3.11.7, pip 26.3; --python)")
    assert found._replace(version="3.11.7").line.endswith("(Python 3.11.7, no pip; --python)")
    assert set(found.document) == {"python", "prefix", "named_by", "version", "pip", "guarded"}


PIP, THERE = "26.3", "24.0"


class Two:
    """repoprio in a base environment; another one with its own pip and without repoprio; corp above public."""

    def __init__(self, base: PipEnv, venv: PipEnv, corp: RepositoryServer, public: RepositoryServer) -> None:
        self.base, self.venv = base, venv
        corp.add("acme", "1.0", {"version": "2.0", "requires-python": "<3"})
        public.add("acme", "99.0")
        self.policy = base.root / "policy.toml"
        self.policy.write_text(
            f'[repositories.corp]\nurl = "{corp.page_url}"\npriority = 10\n'
            f'[repositories.public]\nurl = "{public.page_url}"\npriority = 90\n'
        )

    def tool(self, *arguments: str, env: Mapping[str, str] | None = None) -> Completed:
        """Run repoprio from the base while the other environment is activated."""
        activated = {"VIRTUAL_ENV": str(self.venv.root), **(env or {})}
        return self.base.tool(*arguments, policy=self.policy, env=activated)


@pytest.fixture
def two(fresh_env: EnvFactory, repository: RepositoryFactory) -> Two:
    """Two environments and two repositories."""
    return Two(fresh_env(PIP), fresh_env(THERE, stock=True), repository("corp"), repository("public"))


def test_commands_speak_of_the_activated_environment(two: Two) -> None:
    """explain, compare, repos and config name its Python, its pip, and that no hook guards it; in text and as JSON."""
    line = f"environment: {two.venv.python} (Python {platform.python_version()}, pip {THERE}; VIRTUAL_ENV)"
    commands = (["explain", "acme"], ["compare", "acme"], ["repos"], ["repos", "--check"], ["config", "check"])
    for command in commands:
        done = two.tool(*command)
        first = done.stdout.splitlines()[0]
        assert first == f"{line}; not guarded: repoprio enable --python {two.venv.python}", done
        found = json.loads(two.tool(*command, "--format", "json").stdout)["environment"]
        assert (found["python"], found["pip"], found["guarded"]) == (str(two.venv.python), THERE, False)
    assert two.tool("config", "show").stdout.startswith(f"# {line}")
    for command in (["init"], ["export", "uv"]):
        assert two.tool(*command).stderr.startswith(f"repoprio: {line}")


def test_pip_installs_into_the_activated_environment(two: Two) -> None:
    """`repoprio pip install` obeys the policy and installs there; ``--python`` means another one."""
    done = two.tool("pip", "install", "acme")
    assert (done.code, "Successfully installed acme-1.0" in done.stdout) == (0, True), done
    assert done.stderr.startswith(f"repoprio: environment: {two.venv.python} ")
    assert list(two.venv.site_packages.glob("acme-1.0*"))
    assert not list(two.base.site_packages.glob("acme-*"))
    assert two.tool("pip", "--python", str(two.base.python), "install", "acme").code == 0
    assert list(two.base.site_packages.glob("acme-1.0*"))
    assert "environment" not in two.tool("pip", "--python", str(two.base.python), "list").stderr
