"""What pip has built in, found without importing pip: that costs 200 ms, and commands about the policy have no time."""

from __future__ import annotations

import os
from importlib.machinery import PathFinder, SourceFileLoader
from types import ModuleType


def default_index() -> str:
    """The URL of pip's built-in default index, "pypi" where pip cannot be looked into (zipped, or not there)."""
    spec = PathFinder.find_spec("pip")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    file = os.path.join(folders[0], "_internal", "models", "index.py") if folders else ""
    if not os.path.isfile(file):
        return "pypi"
    # That module alone, and under another name: what pip is does not change for whoever imports it later.
    module = ModuleType("_repoprio_pip_index")
    SourceFileLoader(module.__name__, file).exec_module(module)
    return str(module.PyPI.simple_url)
