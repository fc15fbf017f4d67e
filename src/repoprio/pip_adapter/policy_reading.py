"""Reads the policy, and pip's own settings, with the libraries of this pip."""

from __future__ import annotations

import os
import sys

import pip
from pip._internal.models.index import PyPI
from pip._vendor.packaging.version import Version

from repoprio.config import load
from repoprio.config.build import Parsers
from repoprio.config.load import load_policy
from repoprio.config.loaded import LoadedPolicy
from repoprio.config.pip.files import read_pip_files
from repoprio.config.pip.indexes import Named, named
from repoprio.pip_adapter import policy_layers
from repoprio.pip_adapter.compat import is_specifier

if sys.version_info >= (3, 11):
    import tomllib
else:
    from pip._vendor import tomli as tomllib


def default_index() -> str:
    """The URL of pip's built-in default index."""
    return str(PyPI.simple_url)


TOOLS = Parsers(tomllib.loads, is_specifier, default_index)


def no_policy() -> str:
    """The message for "there is no policy"."""
    return load.no_policy(os.environ, policy_layers.layers(isolated=False), policy_layers.system_folder())


OLDEST, NEWEST = "22.0.2", "26.3"


def news() -> str | None:
    """A notice if this pip is newer than the tested ones; else None."""
    if Version(pip.__version__) <= Version(NEWEST):
        return None
    return (
        f"repoprio: pip {pip.__version__} is newer than the tested ones ({OLDEST} to {NEWEST}); all that repoprio "
        "patches there is as expected"
    )


def read_policy(*, isolated: bool = False) -> LoadedPolicy:
    """The policy for this pip, as loaded."""
    return load_policy(os.environ, policy_layers.layers(isolated=isolated), TOOLS)


def pip_settings(*, isolated: bool = False) -> list[Named]:
    """The indexes and find-links that pip's own files and variables name, in the order in which it reads them."""
    files, _ = read_pip_files(policy_layers.pip_layers(isolated=isolated))
    return named(files, {} if isolated else os.environ)
