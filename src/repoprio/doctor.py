"""Whether the hook is in place and works: a real pip is started in each environment, and looked at.

No network: two repositories on loopback hold acme 1.0 (above) and acme 99.0 (below). A pip that obeys takes 1.0.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from repoprio.config import carry
from repoprio.config.places import INHERITED
from repoprio.config.settings import Merged, settings
from repoprio.demo import Files, serve
from repoprio.errors import RepoprioError
from repoprio.pip_adapter import environments

# Tools that install Python packages and know nothing of the policy.
OTHERS = ("uv", "poetry", "pdm", "pipenv", "conda", "mamba", "micromamba")
_DEEPEST = 6
_SILENT = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONWARNINGS": "", "PYTHONUTF8": "1"}


class Environment(NamedTuple):
    """What was found of one environment: `took` is the acme that its pip took, None where there was no answer."""

    python: str
    pip: str | None
    took: str | None
    said: str = ""
    is_damaged: bool = False

    @property
    def is_guarded(self) -> bool:
        """Whether its pip obeyed; an environment without pip has nothing to guard."""
        return self.pip is None or self.took == "1.0"


class Bench(NamedTuple):
    """Two repositories on loopback, and a policy that has one above the other, for any pip to be tried with."""

    above: str
    below: str
    folder: str

    def look_at(self, python: str) -> Environment:
        """Start the pip of `python`, and see which acme it takes."""
        pip = self._run(python, "--version")
        if pip.returncode:
            # Only where there is no pip is there nothing to guard: one that does not answer may be open.
            is_there = "No module named pip" not in pip.stderr
            return Environment(python, "?" if is_there else None, None, _last(pip.stderr), _is_damaged(python))
        version = [*pip.stdout.split(), "?", "?"][1]
        target = tempfile.mkdtemp(dir=self.folder)
        options = ["--no-cache-dir", "--no-deps", "--dest", target]
        indexes = ["--index-url", self.above, "--extra-index-url", self.below]
        done = self._run(python, "download", *options, *indexes, "acme")
        took = next((name.split("-")[1] for name in os.listdir(target) if name.startswith("acme-")), None)
        return Environment(python, version, took, "" if took else _last(done.stderr), _is_damaged(python))

    def _run(self, python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Carried as to a child, the policy of this bench holds whatever file is locked.
        environment = {**_plain(os.environ), **_SILENT, INHERITED: self._policy()}
        command = [python, "-m", "pip", *arguments]
        try:
            return subprocess.run(  # noqa: S603 - a pip that the user asks us to try
                command,
                env=environment,
                cwd=self.folder,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                stdin=subprocess.DEVNULL,
                timeout=120,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return subprocess.CompletedProcess(command, 1, "", f"{type(error).__name__}")

    def _policy(self) -> str:
        tables = {"above": {"url": self.above, "priority": 10}, "below": {"url": self.below, "priority": 90}}
        merged = Merged()
        merged.add(settings({"repositories": tables}, "repoprio doctor"))
        return carry.pack(merged)


def _is_damaged(python: str) -> bool:
    """Whether an environment has a repoprio of its own, and not all of it."""
    try:
        packages = environments.interpreter(python).packages
    except environments.CannotEnable:
        return False
    names = ("repoprio", "_repoprio_shim.py", "repoprio.pth")
    is_there = any(os.path.exists(os.path.join(packages, name)) for name in names)
    return is_there and not environments.is_whole(packages)


def _plain(environ: Mapping[str, str]) -> dict[str, str]:
    dropped = ("PIP_", "REPOPRIO_", "_REPOPRIO")
    return {k: v for k, v in environ.items() if not k.upper().startswith(dropped) and not k.lower().endswith("_proxy")}


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


@contextmanager
def bench() -> Iterator[Bench]:
    """Two repositories, running; all is gone at the end."""
    above, below = Files({"acme": [("1.0", ())]}), Files({"acme": [("99.0", ())]})
    with tempfile.TemporaryDirectory(prefix="repoprio-doctor-") as folder, serve(above) as a, serve(below) as b:
        yield Bench(a, b, folder)


def pythons(folders: list[str]) -> Iterator[str]:
    """The interpreter that runs, and the Pythons of the virtual environments at or beneath `folders`."""
    yield sys.executable
    for folder in folders:
        if not os.path.isdir(folder):
            raise RepoprioError(f"{folder} is no folder    [usage]")
        yield from _beneath(os.path.abspath(folder))


def _beneath(folder: str) -> Iterator[str]:
    top = folder.rstrip(os.sep).count(os.sep)
    # Links are followed: the depth is an end to those that lead in a circle.
    for path, below, files in os.walk(folder, followlinks=True):
        if "pyvenv.cfg" in files:
            below[:] = [name for name in below if name not in ("bin", "include", "lib", "lib64", "Lib", "Scripts")]
            with suppress(environments.CannotEnable):
                yield environments.in_venv(path)
        if path.rstrip(os.sep).count(os.sep) - top >= _DEEPEST:
            below.clear()
        below.sort()


def stale_wheels(python: str, since: float) -> int:
    """How many wheels pip built and keeps in its cache from before `since` (seconds since the epoch)."""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [python, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    wheels = Path(done.stdout.strip() or os.devnull, "wheels")
    return sum(1 for wheel in wheels.rglob("*.whl") if wheel.stat().st_mtime < since) if wheels.is_dir() else 0
