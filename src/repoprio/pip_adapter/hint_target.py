"""Which Python the commands in a message must name, so that they are about the environment of this pip."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig

import _repoprio_shim
from repoprio.environments.child_script import IS_CHILD
from repoprio.environments.target import VARIABLE, is_same

# Passes it to child pips: the environment of a build is temporary, so nobody can name it.
AIM = "_REPOPRIO_AIM"
_HANDED = os.environ.get(AIM, "")


def python() -> str:
    """The Python to name with ``--python``; "" if a plain command is already about this environment."""
    if IS_CHILD:
        return _HANDED
    return "" if _is_what_commands_mean() else sys.executable


def _is_what_commands_mean() -> bool:
    """Whether a plain ``repoprio``, typed in the same shell as this pip, is about this environment."""
    if activated := os.environ.get(VARIABLE):
        return is_same(activated, sys.prefix)
    if command := shutil.which("repoprio"):
        # On Windows the scripts of a base interpreter have a folder of their own.
        folder = os.path.dirname(command)
        return is_same(folder, os.path.dirname(sys.executable)) or is_same(folder, sysconfig.get_path("scripts"))
    # It is not on PATH, so the user can only mean the repoprio of this pip.
    root = os.path.realpath(str(_repoprio_shim.ROOT))
    return root.startswith(os.path.realpath(sys.prefix) + os.sep)
