"""pip's version and built-in default index, without importing pip.

An import costs 200 ms, too much for commands about the policy.
"""

from __future__ import annotations

import os
import re
from importlib.machinery import PathFinder, SourceFileLoader
from types import ModuleType


def default_index() -> str:
    """The URL of pip's built-in default index; "pypi" if pip is missing, or zipped."""
    place = folder()
    file = os.path.join(place, "_internal", "models", "index.py")
    if not (place and os.path.isfile(file)):
        return "pypi"
    # Load only this module, under another name, so that a later import of pip is not affected.
    module = ModuleType("_repoprio_pip_index")
    try:
        SourceFileLoader(module.__name__, file).exec_module(module)
    except Exception:  # noqa: BLE001 - a broken pip is reported when it is needed; the policy can be read without it
        return "pypi"
    return str(module.PyPI.simple_url)


def pip_version() -> str | None:
    """The version of this Python's pip, "?" if it is unknown; None if there is no pip."""
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
    """The folder of the package pip; "" if it is not installed."""
    spec = PathFinder.find_spec("pip")
    return next(iter(spec.submodule_search_locations or ()), "") if spec else ""
