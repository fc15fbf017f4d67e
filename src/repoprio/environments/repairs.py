"""Commands that repair a pip from outside, with another pip (``--python``, pip 22.3 and later).

The other pip is chosen by looking at files; none is started.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import sys
from collections.abc import Iterator

import repoprio
from repoprio import shell
from repoprio.environments import owners
from repoprio.environments.site_packages import packages_of
from repoprio.environments.target import NoEnvironment, is_same, is_venv, prefix_of, python_in

UPGRADE = ("-U", "pip")
# --force-reinstall, in case the broken pip has the newest version already.
REINSTALL = ("--force-reinstall", "pip")
# Any Python, as people start one; on Windows python3 may be a link to a shop.
PYTHON = "py" if sys.platform == "win32" else "python3"
# The first pip that has --python.
_FIRST = (22, 3)


def is_too_old(version: str) -> bool:
    """Whether a pip of this version is too old for repoprio."""
    major = version.partition(".")[0]
    return major.isdecimal() and int(major) < 22


def repair(python: str, words: tuple[str, ...], *, base: str, stdlib: str) -> str:
    """How to repair the pip of `python`: a command that installs `words` from outside, or whom to ask (PEP 668).

    `base` is the Python that `python` was made from, `stdlib` the folder of its standard library.
    """
    if not is_venv(prefix_of(python)) and os.path.exists(os.path.join(stdlib, "EXTERNALLY-MANAGED")):
        return "repair it with the system's package manager (such as apt install --reinstall python3-pip)"
    return shell.command(_outside(python, base), "-m", "pip", "--python", python, "install", *words)


def reinstall_commands(python: str) -> list[str]:
    """The commands that reinstall repoprio in the environment of `python`, where a damaged one stops pip.

    Run them in this order: while the damaged one is there, it stops each installation.
    """
    pip = [python, "-m", "pip"]
    return [shell.command(*pip, "uninstall", "-y", "repoprio"), shell.command(*pip, "install", "repoprio")]


def repair_here(words: tuple[str, ...]) -> str:
    """Like `repair`, for the Python of this process."""
    return repair(
        sys.executable, words, base=getattr(sys, "_base_executable", ""), stdlib=os.path.dirname(str(os.__file__))
    )


def _outside(python: str, base: str) -> str:
    """A Python with a pip that can repair `python` from outside, as people would write it.

    If none is known, it is a Python other than `python` whose pip was not checked.
    """
    others = [other for other in (PYTHON, *_repoprios(), sys.executable, base) if other and _is_other(other, python)]
    return next((other for other in others if _has_pip(other)), (*others, PYTHON)[0])


def _repoprios() -> Iterator[str]:
    """The Pythons of the environment in which this repoprio is installed, which has a pip: repoprio needs one."""
    folder = os.path.dirname(os.path.abspath(repoprio.__file__))
    # Below the environment: lib/python3.11/site-packages/repoprio.
    for _ in range(4):
        folder = os.path.dirname(folder)
        if python := python_in(folder):
            yield python


def _is_other(other: str, python: str) -> bool:
    """Whether `other` is a Python of another environment that may be run."""
    path = shutil.which(other)
    if not path or is_same(prefix_of(path), prefix_of(python)):
        return False
    return owners.stranger_of_python(path) is None


def _has_pip(other: str) -> bool:
    try:
        folders = packages_of(shutil.which(other) or other)
    except NoEnvironment:
        return False
    metadata = (
        entry for folder in folders for entry in glob.glob(os.path.join(glob.escape(folder), "pip-*.dist-info"))
    )
    stated = (re.match(r"pip-(\d+)\.(\d+)", os.path.basename(entry)) for entry in metadata)
    return any((int(version[1]), int(version[2])) >= _FIRST for version in stated if version)
