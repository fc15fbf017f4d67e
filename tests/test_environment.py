"""Which environment a command speaks of, and that it judges for that one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from repoprio import environment
from repoprio.environment import NoEnvironment, meant, own


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
