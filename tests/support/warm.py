"""Commands of pip and repoprio, each run by a fork of a Python that has loaded them: a start is most of the cost."""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Final

from repoprio.environments import owners

from .paths import SUPPORT
from .warm_python import FINDS_NONE

RENDERINGS: Final = str(SUPPORT / "renderings.py")
PROGRAMS: Final = frozenset({"pip", "repoprio", RENDERINGS})
_POLICY: Final = "REPOPRIO_CONFIG"
# What a Python looks at when it starts, and what repoprio looks at when it is loaded.
_AT_START: Final = ("PYTHON", "LC_", "LANG", "LD_", "_REPOPRIO_")
_SCRIPT: Final = Path(__file__).with_name("warm_python.py")


class WarmPython:
    """A Python that has loaded pip or repoprio, and forks for each command."""

    def __init__(self, python: Path, module: str, env: Mapping[str, str]) -> None:
        """Start it; `env` names some policy, so that pip is guarded when it is loaded."""
        read_lines, self._lines = os.pipe()
        self._answers, written_answers = os.pipe()
        self._run = subprocess.Popen(
            [str(python), str(_SCRIPT), str(read_lines), str(written_answers), module, *_of_root()],
            pass_fds=(read_lines, written_answers), env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read_lines)
        os.close(written_answers)
        self._module = module
        self._rest = b""
        self._free = Lock()

    def run(
        self, args: Sequence[str], env: Mapping[str, str], cwd: Path, input: str | None, timeout: float, *, asks: bool
    ) -> subprocess.CompletedProcess[str] | None:
        """Run the module as `python -m` would; None while another thread's command runs.

        `asks`: None, too, where this Python was loaded with a policy, and a new one would find none.
        """
        if not self._free.acquire(blocking=False):
            return None
        try:
            with tempfile.TemporaryDirectory() as folder:
                done = self._done(args, env, cwd, input, timeout, Path(folder), asks)
                return None if asks and done.returncode == FINDS_NONE else done
        finally:
            self._free.release()

    def close(self) -> None:
        """End it."""
        os.close(self._lines)
        self._run.wait(20)
        os.close(self._answers)

    def _done(
        self,
        args: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        input: str | None,
        timeout: float,
        folder: Path,
        asks: bool,
    ) -> subprocess.CompletedProcess[str]:
        streams = [folder / "stdin", folder / "stdout", folder / "stderr"]
        for stream in streams:
            stream.write_text(input or "" if stream is streams[0] else "", encoding="utf-8")
        told = {
            "module": self._module,
            "args": args,
            "env": dict(env),
            "cwd": str(cwd),
            "streams": [*map(str, streams)],
            "asks": asks,
        }
        os.write(self._lines, f"{json.dumps(told)}\n".encode())
        pid = self._number(timeout)
        try:
            code = self._number(timeout)
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            self._number(timeout)
            raise subprocess.TimeoutExpired([self._module, *args], timeout) from None
        said = [stream.read_text(encoding="utf-8") for stream in streams[1:]]
        return subprocess.CompletedProcess([self._module, *args], code, *said)

    def _number(self, timeout: float) -> int:
        while b"\n" not in self._rest:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise TimeoutError
            more = os.read(self._answers, 4096)
            if not more:
                raise RuntimeError(f"the warm Python of {self._module} has ended: {self._run.wait(20)}")
            self._rest += more
        line, self._rest = self._rest.split(b"\n", 1)
        return int(line)


@functools.cache
def _of_root() -> list[str]:
    """The folders of the base of this Python, if only root can change them: each doctor of root reads all of them."""
    owners.stranger_of_python(getattr(sys, "_base_executable", sys.executable))
    return sorted(owners._of_root)


RUNNING: dict[tuple[Path, str, str], WarmPython] = {}


def run(
    python: Path,
    module: str,
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    extra: Mapping[str, str],
    cwd: Path,
    input: str | None,
    timeout: float,
) -> subprocess.CompletedProcess[str] | None:
    """Run the module with a warm Python of this environment; None where only a new one, or another, will do.

    `extra` is what a test chose of the variables.
    """
    if module not in PROGRAMS or not hasattr(os, "fork") or any(name.startswith(_AT_START) for name in extra):
        return None
    # `python -m` finds modules of its folder first.
    if any(_hides_a_module(entry) for entry in cwd.iterdir()):
        return None
    policy = _policy(env)
    key = (python, module, policy or str(_SCRIPT))
    if key not in RUNNING:
        RUNNING[key] = WarmPython(python, module, {**env, _POLICY: key[2], "PIP_CONFIG_FILE": os.devnull})
    return RUNNING[key].run(args, env, cwd, input, timeout, asks=policy is None)


def _hides_a_module(entry: Path) -> bool:
    """Whether Python may treat this as one of its modules, or as a program; a folder may be one."""
    is_module = entry.suffix in ("", ".py", ".pyc", ".so", ".pyd")
    return is_module and entry.name.partition(".")[0] in sys.stdlib_module_names | PROGRAMS


def _policy(env: Mapping[str, str]) -> str | None:
    """The policy under which the program must have been loaded: some, or none; None if pip's files may have one.

    Whether there is one is looked at when pip is imported, what it says when a command begins.
    """
    if env.get(_POLICY, os.devnull) != os.devnull:
        return str(_SCRIPT)
    return os.devnull if env.get("PIP_CONFIG_FILE") == os.devnull else None


@atexit.register
def close(python: Path | None = None) -> None:
    """End those of one Python, or all."""
    for key in [key for key in RUNNING if python in (None, key[0])]:
        RUNNING.pop(key).close()
