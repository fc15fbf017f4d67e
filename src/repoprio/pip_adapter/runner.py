"""pip in this process, guarded whether the hook is installed or not."""

from __future__ import annotations

import runpy
import sys

import _repoprio_shim
from repoprio.output import say


def guard_this_process() -> None:
    """Put the hook in place, which must be before pip is imported."""
    _repoprio_shim.install()


def run_pip(arguments: list[str]) -> int:
    """Run pip with `arguments`, as ``python -m pip`` would; returns its exit status."""
    guard_this_process()
    # pip's children start by a runner that guards them too: see `patches`.
    sys.argv = ["pip", *arguments]
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            say(end.code)
            return 1
        return int(end.code or 0)
    return 0
