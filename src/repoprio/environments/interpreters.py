"""Asks other Pythons about themselves, so that the hook can be put into their environments."""

from __future__ import annotations

import json
import os
import subprocess
from typing import NamedTuple

from repoprio.environments import as_user, owners
from repoprio.environments.target import is_venv, prefix_of, python_in
from repoprio.errors import RepoprioError

_ASK = """
import importlib.util, json, sys, sysconfig
spec = importlib.util.find_spec("sitecustomize")
print(json.dumps([list(sys.version_info[:2]), sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"),
    spec.origin if spec else None, getattr(sys, "_base_executable", sys.executable)]))
"""


class CannotEnable(RepoprioError):
    """The hook cannot be put into an environment: `problem` is a sentence, `remedy` says what to do, or is ""."""

    def __init__(self, problem: str, remedy: str = "", code: str = "enable") -> None:
        advice = f"\n  hint: {remedy}" if remedy else ""
        super().__init__(f"{problem}{advice}    [{code}]")
        self.problem = problem
        self.remedy = remedy
        self.code = code


_NAME_ANOTHER = "name another one: --python PATH"


class Interpreter(NamedTuple):
    """What another Python states about itself: its packages, its standard library, and the Python it was made from."""

    executable: str
    version: tuple[int, int]
    packages: str
    stdlib: str
    sitecustomize: str | None
    base: str


class OfAnother(CannotEnable):
    """Another user can change this environment, so root does not run it: `stranger` says who can, and what."""

    def __init__(self, python: str, stranger: owners.Stranger) -> None:
        self.python, self.stranger = python, stranger
        who = f"{stranger.who} can change {stranger.path}"
        again = as_user.again(stranger.user) if stranger.user else None
        remedy = f"run the command as that user: {again}" if again else ""
        super().__init__(f"{python} is not run as root: {who}.", remedy, "owner")


def interpreter(python: str) -> Interpreter:
    """The facts of `python`; raises `CannotEnable`, and for root `OfAnother` if another user can change that Python."""
    if stranger := owners.stranger_of_python(python):
        raise OfAnother(python, stranger)
    return ask(python)


def ask(python: str) -> Interpreter:
    """The facts of `python`, which is run even if another user owns it; raises `CannotEnable`."""
    try:
        # Isolated, so that neither variables nor the working directory affect the answer.
        done = subprocess.run([python, "-I", "-c", _ASK], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
        version, packages, stdlib, sitecustomize, base = json.loads(done.stdout.splitlines()[-1])
        major, minor = map(int, version)
        packages, stdlib, base = os.fspath(packages), os.fspath(stdlib), os.fspath(base)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError, TypeError) as error:
        raise CannotEnable(
            f"{python} does not behave like a Python ({type(error).__name__}).", _NAME_ANOTHER, "environment"
        ) from None
    if (major, minor) < (3, 10):
        raise CannotEnable(
            f"{python} is Python {major}.{minor}, but repoprio needs 3.10 or later.", _NAME_ANOTHER, "environment"
        )
    return Interpreter(python, (major, minor), packages, stdlib, sitecustomize, base)


def in_venv(folder: str) -> str:
    """The Python of the virtual environment at `folder`, which may also be a Python in it; raises `CannotEnable`."""
    prefix = prefix_of(folder) if os.path.isfile(folder) else folder
    if is_venv(prefix) and (python := python_in(prefix)):
        return python
    if not os.path.lexists(folder):
        raise CannotEnable(f"{folder} does not exist.", "name the folder of a virtual environment, or its Python")
    raise CannotEnable(f"{folder} is not a virtual environment.", "name another Python with --python PATH")
