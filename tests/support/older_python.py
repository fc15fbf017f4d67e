"""Finds a Python that is older than the one that runs the tests."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def older_python() -> str:
    """A Python 3.10 on PATH or from pyenv; or a skip."""
    beside = Path(sys.base_prefix).parent.glob("3.10*/bin/python3.10")
    for python in (shutil.which("python3.10"), *map(str, beside)):
        if python and sys.version_info >= (3, 11) and subprocess.run([python, "-V"], check=False).returncode == 0:
            return python
    pytest.skip("no older Python than this one here")
