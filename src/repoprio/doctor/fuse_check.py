"""Checks the fuse: runs pips without their hook, and sees where they look for projects."""

from __future__ import annotations

import os
from typing import NamedTuple

from repoprio.doctor import running
from repoprio.doctor.pips import Pip
from repoprio.doctor.trial_repositories import Bench
from repoprio.urls import is_fuse

# Where a pip looks that is given no other place.
DEFAULT_INDEX = "pip's built-in default index"
_NOBODY_HAS = "repoprio-doctor-looks-for-this"
# Runs pip in the same Python, after the same start, but without repoprio's finders and without a network.
_UNGUARDED = """
import runpy, sys

def stop(event, args):
    if event in ("socket.getaddrinfo", "socket.connect"):
        sys.stderr.write(f"repoprio doctor: {event} {args[0] if event.endswith('info') else args[1]!r}\\n")
        raise OSError("repoprio doctor lets nothing out")

sys.addaudithook(stop)
ours = ("_repoprio_shim", "_repoprio_pointer")
sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__module__", "") not in ours]
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
_SETTINGS = {"PIP_QUIET": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_NO_INPUT": "1", "PIP_DRY_RUN": "0"}
_LOOKS_IN = ("Looking in indexes: ", "Looking in links: ")


class Unguarded(NamedTuple):
    """Where a pip looks without its hook, apart from the fuse; `said` is why that is unknown, "" if it is known."""

    python: str
    places: tuple[str, ...]
    said: str = ""

    @property
    def finds_nothing(self) -> bool:
        """Whether the fuse works for this pip."""
        return not self.places and not self.said


def run_unguarded(pip: Pip, bench: Bench) -> Unguarded:
    """The places where the pip of `pip.python` looks when it runs without its hook; it asks for an unused name."""
    python = pip.python or ""
    options = ["--no-deps", "--no-cache-dir", "--retries", "0", "--proxy", "", "--dest", bench.empty()]
    environ = {**running.as_the_user(os.environ), **running.QUIET, **_SETTINGS}
    command = [python, *pip.options, "-c", _UNGUARDED, "download", *options, _NOBODY_HAS]
    done = running.run(command, environ, bench.empty())
    if "No matching distribution found" not in done.stderr:
        return Unguarded(python, (), running.last_line(done.stderr))
    lines = [line for line in done.stdout.splitlines() if line.startswith(_LOOKS_IN)]
    places = [place.strip() for line in lines for place in line.partition(": ")[2].split(", ")]
    unfused = [place for place in places if not is_fuse(place)]
    if not lines and "repoprio doctor: socket" in done.stderr:
        # pip lists no places if it uses only its built-in index.
        unfused = [DEFAULT_INDEX]
    return Unguarded(python, tuple(unfused))
