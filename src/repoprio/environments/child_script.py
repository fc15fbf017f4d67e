"""Runs a child pip under the policy, or repoprio itself, in a Python that may have neither hook nor repoprio.

Started as a script: by a patched `get_runnable_pip`, in place of pip's own runner, which it then runs; and by
`run_there`, for a command about another environment.
"""

from __future__ import annotations

import os
import runpy
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

# The path of the runner that pip itself would have started.
RUNNER = "_REPOPRIO_RUNNER"
# Set if a pip under the policy started this one: that pip has checked its indexes, and has printed its line. Read
# when this module is loaded, before this pip sets it for its own children.
CHILD = "_REPOPRIO_CHILD"
IS_CHILD = bool(os.environ.get(CHILD))
# Whether the user said --no-index: pip adds it to its child pips if it has no index left. None: there is no parent
# that says so.
NO_INDEX = "_REPOPRIO_NO_INDEX"
PARENTS_NO_INDEX = os.environ.get(NO_INDEX) if IS_CHILD else None
SHIM = "_repoprio_shim"
POINTER = "_repoprio_pointer"
# How the user named the environment in which repoprio runs as a guest; and whether that has a hook of its own.
GUEST = "_REPOPRIO_GUEST"
HOOKED = "_REPOPRIO_HOOKED"


class ShimFinder:
    """Finds the shim of this file's installation, and nothing else, so that no other module there is importable."""

    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

    @classmethod
    def find_spec(cls, name: str, _path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of the shim, which then finds all of repoprio."""
        return PathFinder.find_spec(name, [cls.root], target) if name == SHIM else None


def hooks() -> list[Any]:
    """The finders that a hook installed when this Python started: an installed repoprio's, or a pointer's."""
    return [finder for finder in sys.meta_path if getattr(finder, "__module__", "") in (SHIM, POINTER)]


def run() -> None:
    """Put the hook into this process, then run the main program: pip's own runner, or repoprio."""
    # Python puts a script's folder first on the path; builds must not see this one.
    sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(os.path.abspath(__file__))]
    if others := hooks():
        os.environ.update({HOOKED: "1"} if GUEST in os.environ else {})
        # If there are two repoprios, the one that started this process counts.
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in others]
    theirs = sys.modules.pop(SHIM, None)
    sys.meta_path.insert(0, ShimFinder)
    import _repoprio_shim

    # The record of that environment is next to its own hook.
    _repoprio_shim.BESIDE = getattr(theirs, "__file__", None) or _repoprio_shim.__file__
    _repoprio_shim.install()
    sys.argv[0] = os.environ[RUNNER]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    run()
