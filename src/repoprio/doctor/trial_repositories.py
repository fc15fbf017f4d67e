"""Two repositories on loopback for trials of installers.

The higher one has acme 1.0, the lower one acme 99.0. An installer that obeys the policy takes 1.0.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from repoprio.config import handoff, load
from repoprio.config.build import Parsers
from repoprio.config.policy_files import INHERITED
from repoprio.config.settings import Merged, settings
from repoprio.demo.demo import Files, serve
from repoprio.doctor import running
from repoprio.doctor.pips import Pip
from repoprio.export import uv

OBEYS = "1.0"


class Trial(NamedTuple):
    """The version of acme that an installer took, or None; then its last line, and whether the installer is broken."""

    took: str | None
    said: str = ""
    is_broken: bool = False


class Bench(NamedTuple):
    """The two repositories, a folder for trials, and the parsers for their policy."""

    above: str
    below: str
    folder: str
    tools: Parsers

    def try_pip(self, pip: Pip, environ: Mapping[str, str] = os.environ) -> Trial:
        """The result of `pip` looking for acme under this bench's policy, with the variables of `environ`.

        pip gets the policy like a child pip, so that it replaces any other policy, even a locked one.
        """
        target = self.empty()
        options = ["--no-cache-dir", "--no-deps", "--dest", target]
        indexes = ["--index-url", self.above, "--extra-index-url", self.below]
        variables = {"PIP_CONFIG_FILE": os.devnull, INHERITED: self._packed()}
        environ = {**running.plain(environ), **running.QUIET, **variables}
        done = running.run([*pip.command, "download", *options, *indexes, "acme"], environ, pip.folder(self.empty()))
        took = next((name.split("-")[1] for name in os.listdir(target) if name.startswith("acme-")), None)
        return Trial(took) if took else Trial(None, running.last_line(done.stderr), running.is_broken(done.stderr))

    def try_uv(self, command: str) -> Trial:
        """The result of a uv looking for acme, with the export of this bench's policy as its only settings."""
        policy = load.read_text(self._toml(), "the bench", {}, self.tools)
        file = os.path.join(self.empty(), "uv.toml")
        with open(file, "w", encoding="utf-8") as opened:
            opened.write(uv.text(uv.export(policy, project=False), project=False))
        environ = {**running.plain(os.environ), "UV_CONFIG_FILE": file, "UV_PYTHON_DOWNLOADS": "never"}
        options = ["--no-cache", "--no-deps", "--no-header", "--no-annotate", "--python", sys.executable]
        done = running.run([command, "pip", "compile", *options, "-"], environ, self.folder, "acme\n")
        pins = [line.partition("==")[2].split() for line in done.stdout.splitlines() if line.startswith("acme==")]
        took = pins[0][0] if pins and pins[0] else None
        return Trial(took, "" if took else running.last_line(done.stderr))

    def empty(self) -> str:
        """A new empty folder."""
        return tempfile.mkdtemp(dir=self.folder)

    def _packed(self) -> str:
        tables = {"above": {"url": self.above, "priority": 10}, "below": {"url": self.below, "priority": 90}}
        merged = Merged()
        merged.add(settings({"repositories": tables}, "repoprio doctor"))
        return handoff.pack(merged)

    def _toml(self) -> str:
        return "".join(
            f'[repositories.{name}]\nurl = "{url}"\npriority = {priority}\n'
            for name, url, priority in (("above", self.above, 10), ("below", self.below, 90))
        )


@contextmanager
def bench(tools: Parsers) -> Iterator[Bench]:
    """The two repositories, running; everything is removed at the end."""
    above, below = Files({"acme": [(OBEYS, ())]}), Files({"acme": [("99.0", ())]})
    with tempfile.TemporaryDirectory(prefix="repoprio-doctor-") as folder, serve(above) as a, serve(below) as b:
        yield Bench(a, b, folder, tools)
