"""Where the tests keep their files: in memory where there is room, since they make some hundred thousand small ones.

If TMPDIR is set, they are there instead, and stay after the run.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import pytest

_MEMORY: Final = Path("/dev/shm")
_NEEDED: Final = 4 << 30
_NAME: Final = "repoprio-tests-"
_DAY: Final = 86_400


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make the folder, for the workers too; it is removed at the end."""
    if "TMPDIR" not in os.environ and _has_room():
        # What a run left that was killed.
        for old in _MEMORY.glob(f"{_NAME}*"):
            if time.time() - old.lstat().st_mtime > _DAY:
                shutil.rmtree(old, ignore_errors=True)
        folder = tempfile.mkdtemp(prefix=_NAME, dir=_MEMORY)
        os.environ["TMPDIR"], tempfile.tempdir = folder, None
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def _has_room() -> bool:
    """Whether it can hold the files of a run, programs among them."""
    if sys.platform == "win32" or not os.access(_MEMORY, os.W_OK):
        return False
    found = os.statvfs(_MEMORY)
    return found.f_bavail * found.f_frsize >= _NEEDED and not found.f_flag & getattr(os, "ST_NOEXEC", 0)
