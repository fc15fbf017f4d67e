"""Which Python the commands in a message name, to speak of the environment of the pip that prints it."""

from __future__ import annotations

import os
import shutil
import sys

import _repoprio_shim
from repoprio.environments.child_script import IS_CHILD
from repoprio.environments.target import VARIABLE, is_same

# Carries it to the pips that this one starts: a build has no environment that anybody could name.
AIM = "_REPOPRIO_AIM"
_HANDED = os.environ.get(AIM, "")


def python() -> str:
    """The Python to name with ``--python``; "" where the command by itself would speak of this environment."""
    if IS_CHILD:
        return _HANDED
    return "" if _is_what_commands_mean() else sys.executable


def _is_what_commands_mean() -> bool:
    """Whether a plain ``repoprio``, typed where this pip was, speaks of this environment."""
    if activated := os.environ.get(VARIABLE):
        return is_same(activated, sys.prefix)
    if command := shutil.which("repoprio"):
        return is_same(os.path.dirname(command), os.path.dirname(sys.executable))
    # It is not on PATH: what there is of it is the repoprio that guards this pip.
    root = os.path.realpath(str(_repoprio_shim.ROOT))
    return root.startswith(os.path.realpath(sys.prefix) + os.sep)
