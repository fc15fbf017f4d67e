"""The real uv, isolated from this machine, and exports for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from repoprio.export import uv

from .pips import Completed
from .policy_files import parsed_policy


def run_uv(folder: Path, *arguments: str, **variables: str) -> Completed:
    """Run uv isolated from this machine, with only the repositories that it is given."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    settings = {"HOME": str(folder), "UV_NO_CACHE": "1", "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments],
        cwd=folder,
        env={**kept, **settings, "UV_HTTP_RETRIES": "0", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Completed(done.stdout, done.stderr, done.returncode)


def gaps(text: str, *, project: bool = False) -> list[str]:
    """The gaps of the export of a policy."""
    policy = parsed_policy(text)
    return [str(gap) for gap in uv.export(policy, project=project).gaps]


CORP = '[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n'


PUBLIC = '[repositories.public]\nurl = "pypi"\npriority = 90\n'
