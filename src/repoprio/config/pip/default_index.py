"""What pip is, and what it has built in, without importing it.

That costs 200 ms, and commands about the policy have no time.
"""

from __future__ import annotations

import os
import re
from importlib.machinery import PathFinder, SourceFileLoader
from types import ModuleType


def default_index() -> str:
    """The URL of pip's built-in default index, "pypi" where pip cannot be looked into (zipped, or not there)."""
    place = folder()
    file = os.path.join(place, "_internal", "models", "index.py")
    if not (place and os.path.isfile(file)):
        return "pypi"
    # That module alone, and under another name: what pip is does not change for whoever imports it later.
    module = ModuleType("_repoprio_pip_index")
    try:
        SourceFileLoader(module.__name__, file).exec_module(module)
    except Exception:  # noqa: BLE001 - a broken pip is told where it is needed; the policy can be read without it
        return "pypi"
    return str(module.PyPI.simple_url)


def pip_version() -> str | None:
    """The version of this Python's pip, "?" where it does not say; None where there is no pip."""
    spec = PathFinder.find_spec("pip")
    if spec is None:
        return None
    try:
        with open(spec.origin or "", encoding="utf-8") as opened:
            stated = re.search(r'(?m)^__version__ = "([^"]+)"', opened.read())
    except (OSError, ValueError):
        stated = None
    return stated[1] if stated else "?"


def folder() -> str:
    """Where pip lies; "" where it is not there."""
    spec = PathFinder.find_spec("pip")
    return next(iter(spec.submodule_search_locations or ()), "") if spec else ""
