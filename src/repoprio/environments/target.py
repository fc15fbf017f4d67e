"""The environment that a command is about: ``--python``, else the activated one, else the one that repoprio runs in.

Starts no interpreter: facts about another environment come from its files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from repoprio import shell
from repoprio.errors import RepoprioError

OPTION = "--python"
VARIABLE = "VIRTUAL_ENV"
OWN = "this Python"
# Of Unix, Windows, conda and MSYS2.
_PYTHONS = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe", "bin/python.exe")


class NoEnvironment(RepoprioError):
    """The named place is not an environment, or its Python does not answer."""


class Environment(NamedTuple):
    """One environment: its interpreter, its prefix, and how it was named (`OPTION`, `VARIABLE` or `OWN`).

    `prefix` is its ``sys.prefix``, as its files show. `version` and `pip` are versions ("3.11.7"), None if
    unknown, or if there is no pip. `is_guarded` says whether a hook of its own makes its pip obey the policy,
    None if that was not checked.
    """

    python: str
    prefix: str
    named_by: str
    version: str | None = None
    pip: str | None = None
    is_guarded: bool | None = None

    @property
    def is_own(self) -> bool:
        """Whether it is the one that repoprio runs in."""
        if is_venv(self.prefix):
            return is_same(self.prefix, sys.prefix)
        return not is_venv(sys.prefix) and is_same(self.python, sys.executable)

    @property
    def line(self) -> str:
        """The line with which a command names the environment."""
        versions = [f"Python {self.version}"] if self.version else []
        versions += [f"pip {self.pip}" if self.pip else "no pip"] if self.version else []
        known = f"{', '.join(versions)}; " if versions else ""
        is_open = self.is_guarded is False
        enable = shell.repoprio("enable", python=self.python)
        remedy = f"; not guarded: {enable}" if is_open else ""
        return f"environment: {self.python} ({known}{self.named_by}){remedy}"

    @property
    def document(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "python": self.python,
            "prefix": self.prefix,
            "named_by": self.named_by,
            "version": self.version,
            "pip": self.pip,
            "guarded": self.is_guarded,
        }


def meant(python: str | None, environ: Mapping[str, str]) -> Environment:
    """The environment that a command is about; `python` is its ``--python``. Raises `NoEnvironment`."""
    if python is not None:
        return _named(python)
    if folder := environ.get(VARIABLE):
        return _activated(folder)
    return own()


def own(named_by: str = OWN) -> Environment:
    """The environment that this process runs in."""
    # The version in full, such as "3.14.0rc2".
    return Environment(sys.executable, sys.prefix, named_by, sys.version.partition(" ")[0])


def _named(python: str) -> Environment:
    """The environment that ``--python`` names: by a Python's path, by its name on PATH, or by its folder."""
    if os.path.isdir(python):
        inside = python_in(python)
        if inside is None:
            raise NoEnvironment(
                f"{OPTION} {python}: this folder has no Python.\n"
                "  hint: name a Python, or the folder of a virtual environment    [environment]"
            )
        return _at(inside, OPTION)
    import shutil

    on_path = shutil.which(python)
    if on_path is None:
        problem = "is not a program that can be run" if os.path.exists(python) else "does not exist"
        raise NoEnvironment(
            f"{OPTION} {python} {problem}.\n"
            "  hint: name a Python, or the folder of a virtual environment    [environment]"
        )
    return _at(on_path, OPTION)


def _activated(folder: str) -> Environment:
    python = python_in(folder)
    if python is None:
        problem = "has no Python" if os.path.isdir(folder) else "does not exist"
        ways = f"deactivate, or {shell.unsetting(VARIABLE)}; or name the environment: {OPTION} PATH"
        raise NoEnvironment(f"{VARIABLE} is {folder}, which {problem}.\n  hint: {ways}    [environment]")
    return _at(python, VARIABLE)


def python_in(folder: str) -> str | None:
    """The Python of the environment at `folder`, None if there is none."""
    places = (os.path.join(folder, *name.split("/")) for name in _PYTHONS)
    return next((place for place in places if os.path.isfile(place)), None)


def _at(python: str, named_by: str) -> Environment:
    python = os.path.abspath(python)
    return Environment(python, prefix_of(python), named_by)


def prefix_of(python: str) -> str:
    """The prefix of `python`'s environment: the folder of its pyvenv.cfg (PEP 405), else the parent of its folder."""
    own_folder = os.path.dirname(os.path.abspath(python))
    for folder in (own_folder, os.path.dirname(own_folder)):
        if is_venv(folder):
            return folder
    real = os.path.dirname(os.path.realpath(python))
    return os.path.dirname(real) if os.path.basename(real).lower() in ("bin", "scripts") else real


def is_venv(folder: str) -> bool:
    """Whether `folder` is a virtual environment (PEP 405)."""
    return os.path.isfile(os.path.join(folder, "pyvenv.cfg"))


def is_same(path: str, other: str) -> bool:
    """Whether two paths lead to the same file, also on a file system that ignores case (macOS, Windows).

    Two hard links of different names are not the same: conda links the Pythons of its environments like that.
    """
    path, other = os.path.realpath(path), os.path.realpath(other)
    if path == other or path.casefold() != other.casefold():
        return path == other
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False
