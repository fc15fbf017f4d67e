"""Commands on a separate terminal, and what a person sees there."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .pips import PipEnv


class Terminal:
    """A command on a separate terminal: its output in `said`, and its exit status."""

    def __init__(
        self, env: PipEnv, policy: Path, command: Sequence[str], *, more: Mapping[str, str], stdout: int | None = None
    ) -> None:
        ours, theirs = pty.openpty()
        variables = {**env.environment(policy, more), "TERM": more.get("TERM", "xterm")}
        variables.pop("CI", None)
        variables.update({"CI": more["CI"]} if "CI" in more else {})
        self.said, self._ours = "", ours
        self.process = subprocess.Popen(
            [str(env.python), "-m", *command], stdin=theirs, stdout=stdout or theirs, stderr=theirs,
            env=variables, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{text}\n".encode())

    def finish(self, meanwhile: Callable[[Terminal], None] = lambda _: None) -> int:
        """Read all output; returns the exit status."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.said += os.read(self._ours, 4096).decode()
                except OSError:
                    break
            elif self.process.poll() is not None:
                break
            meanwhile(self)
        os.close(self._ours)
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()

    @property
    def screen(self) -> list[str]:
        """The lines that a person finally sees: each as it was last written."""
        lines = []
        for line in self.said.replace("\r\n", "\n").split("\n"):
            shown = re.split(r"\r\x1b\[K|\x1b\[2K\r|\r", line)[-1]
            lines.append(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown))
        return lines
