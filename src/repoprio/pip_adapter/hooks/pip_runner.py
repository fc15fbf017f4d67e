"""pip in this process, guarded whether the hook is installed or not."""

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
from repoprio.output import say
from repoprio.pip_adapter import command

# What commands that look need of pip, and with it nearly all that pip consists of.
_NEEDED = ("pip", "pip._internal.cli.main", "pip._internal.commands.install")
_OURS = os.path.dirname(os.path.abspath(repoprio.__file__))


def guard_this_process() -> None:
    """Put the hook in place, which must be before pip is imported."""
    _repoprio_shim.install()


def load_pip() -> None:
    """Import pip, guarded, for a command that looks; raises `NoEnvironment` for a broken one, else `UnknownPip`."""
    guard_this_process()
    command.process().is_own_command = True
    with _broken_pip_told():
        for name in _NEEDED:
            import_module(name)


def run_pip(arguments: list[str]) -> int:
    """Run pip with `arguments`, as ``python -m pip`` would; returns its exit status. Raises `NoEnvironment`."""
    guard_this_process()
    # pip's children start by a runner that guards them too: see `patch_table`.
    sys.argv = ["pip", *arguments]
    try:
        with _broken_pip_told():
            runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            say(end.code)
            return 1
        return int(end.code or 0)
    return 0


@contextlib.contextmanager
def _broken_pip_told() -> Iterator[None]:
    """What pip's own files raise becomes a `NoEnvironment` that says how to repair pip; our own faults stay."""
    try:
        yield
    except Exception as error:
        if not _is_pips(error):
            raise
        # Needed only where pip is broken.
        from repoprio.environments import repairs

        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise NoEnvironment(
            f"the pip of {sys.executable} is broken: {said} ({_place(error)}).\n"
            f"  hint: repair it from outside: {repairs.repair_here(repairs.REINSTALL)}    [environment]"
        ) from error


def _is_pips(error: Exception) -> bool:
    """Whether pip raised it, or its import: the deepest frame of pip's and ours is pip's, or this module's."""
    pip = default_index.folder()
    files = (os.path.abspath(frame.filename) for frame in reversed(traceback.extract_tb(error.__traceback__)))
    found = next((file for file in files if _is_in(file, _OURS) or (pip and _is_in(file, pip))), "")
    return not _is_in(found, _OURS) or found == os.path.abspath(__file__)


def _place(error: Exception) -> str:
    """The line of pip's that raised it, or that cannot be compiled; else where pip lies."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    pip = default_index.folder()
    frames = (frame for frame in reversed(traceback.extract_tb(error.__traceback__)) if _is_in(frame.filename, pip))
    return next((f"{frame.filename}:{frame.lineno}" for frame in frames), pip)


def _is_in(file: str, folder: str) -> bool:
    return file.startswith(folder + os.sep)
