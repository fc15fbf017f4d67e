"""Runs pip in this process under the policy, even if the hook is not installed."""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
import traceback
from collections.abc import Iterator
from importlib import import_module

import _repoprio_shim
import repoprio
from repoprio.config.pip import default_index
from repoprio.environments.target import NoEnvironment
from repoprio.errors import UnknownPip
from repoprio.output import say
from repoprio.pip_adapter import command

# The modules of pip that repoprio's own commands need; they import nearly all of pip.
_NEEDED = ("pip", "pip._internal.cli.main", "pip._internal.commands.install")
_OURS = os.path.dirname(os.path.abspath(repoprio.__file__))


def guard_this_process() -> None:
    """Put the hook into this process; must be called before pip is imported."""
    _repoprio_shim.install()


def load_pip() -> None:
    """Import pip with the hook, for a command of repoprio; raises `NoEnvironment` if it is broken, or `UnknownPip`."""
    guard_this_process()
    command.process().is_own_command = True
    for error in _repoprio_shim.REFUSED:
        if isinstance(error, UnknownPip):
            raise error
        _repoprio_shim.stop(error)
    with _explained_if_broken():
        for name in _NEEDED:
            import_module(name)


def run_pip(arguments: list[str]) -> int:
    """Run pip with `arguments`, as ``python -m pip`` would; returns its exit status. Raises `NoEnvironment`."""
    guard_this_process()
    # Child pips get the hook too: see `patch_table`.
    sys.argv = ["pip", *arguments]
    try:
        with _explained_if_broken():
            runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            say(end.code)
            return 1
        return int(end.code or 0)
    return 0


@contextlib.contextmanager
def _explained_if_broken() -> Iterator[None]:
    """Turn errors of pip's own files into a `NoEnvironment` that says how to repair pip; other errors pass."""
    try:
        yield
    except Exception as error:
        if not _is_pips(error):
            raise
        # Imported only if pip is broken.
        from repoprio.environments import repairs

        problem = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise NoEnvironment(
            f"the pip of {sys.executable} is broken: {problem} ({_place(error)}).\n"
            f"  hint: repair it from outside: {repairs.repair_here(repairs.REINSTALL)}    [environment]"
        ) from error


def _is_pips(error: Exception) -> bool:
    """Whether pip, or the import of pip, raised `error`, judged by the innermost frame of pip and repoprio."""
    pip = default_index.folder()
    files = (os.path.abspath(frame.filename) for frame in reversed(traceback.extract_tb(error.__traceback__)))
    innermost = next((file for file in files if _is_in(file, _OURS) or (pip and _is_in(file, pip))), "")
    return not _is_in(innermost, _OURS) or innermost == os.path.abspath(__file__)


def _place(error: Exception) -> str:
    """The line of pip that raised `error`, or that cannot be compiled; else pip's folder."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    pip = default_index.folder()
    frames = (frame for frame in reversed(traceback.extract_tb(error.__traceback__)) if _is_in(frame.filename, pip))
    return next((f"{frame.filename}:{frame.lineno}" for frame in frames), pip)


def _is_in(file: str, folder: str) -> bool:
    return file.startswith(folder + os.sep)
