"""Checks whether the base interpreter of an environment has a hook for all environments made from it."""

from __future__ import annotations

import json
import os
from typing import NamedTuple

from repoprio.doctor import running
from repoprio.doctor.trial_repositories import Bench
from repoprio.environments import interpreters
from repoprio.environments.target import is_same

# Prints the files of the hooks that Python loaded at its start.
_HOOKS = """
import json, sys
ours = ("_repoprio_shim", "_repoprio_pointer")
names = {getattr(finder, "__module__", "") for finder in sys.meta_path} & set(ours)
print(json.dumps([sys.modules[name].__file__ for name in names]))
"""


class Base(NamedTuple):
    """A base interpreter, and whether it loads the hook of `enable --base`; `said` is why that is unknown."""

    python: str
    in_place: bool | None
    said: str = ""


def look(python: str, bench: Bench) -> Base:
    """The base interpreter of `python`, started to see which hooks it loads."""
    base = python
    try:
        base = interpreters.interpreter(python).base
        stdlib = interpreters.interpreter(base).stdlib
    except interpreters.CannotEnable as error:
        return Base(base, None, error.problem)
    try:
        files = hooks(base, bench)
    except ValueError as error:
        return Base(base, None, str(error))
    return Base(base, any(is_same(os.path.dirname(file), stdlib) for file in files))


def hooks(python: str, bench: Bench) -> list[str]:
    """The files of the hooks that `python` loads at its start; raises `ValueError` if it does not report them."""
    done = running.run([python, "-I", "-c", _HOOKS], running.plain(os.environ), bench.folder)
    try:
        files: list[str] = json.loads(done.stdout)
    except ValueError:
        raise ValueError(running.last_line(done.stderr)) from None
    return files
