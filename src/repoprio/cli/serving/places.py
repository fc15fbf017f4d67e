"""Where the gateway keeps its memory, for all commands that use it."""

from __future__ import annotations

import argparse
import os
from importlib import import_module
from importlib.util import find_spec

from repoprio import shell
from repoprio.errors import RepoprioError
from repoprio.serve.stores.choice import store_at
from repoprio.serve.stores.model import OwnershipStore
from repoprio.wording import join_words

VARIABLE = "REPOPRIO_STORE"
_FILE = "gateway.sqlite"
# Without one of these, no gateway starts; the other libraries of the extra are for Redis, metrics and speed.
NEEDED = ("uvicorn", "aiohttp", "orjson")


class NoExtra(RepoprioError):
    """What the gateway needs is not installed."""


def add_store(parser: argparse.ArgumentParser) -> None:
    """What a command takes that uses the gateway's memory."""
    default = f"${VARIABLE}, or {_FILE} in the user's state folder"
    parser.add_argument(
        "--store",
        metavar="URL",
        help=f"where the names that are owned are kept: a path, sqlite:///PATH or redis://HOST (default: {default})",
    )


def store(options: argparse.Namespace) -> OwnershipStore:
    """The store that is meant; raises `NoStore`."""
    named = options.store or os.environ.get(VARIABLE)
    if named:
        return store_at(named)
    folder = import_module("platformdirs").user_state_dir("repoprio", appauthor=False)
    return store_at(os.path.join(folder, _FILE))


def need_extra() -> None:
    """Raise `NoExtra` if the libraries of the gateway are missing."""
    missing = [library for library in NEEDED if find_spec(library) is None]
    if missing:
        text = f"the gateway needs {join_words(missing)}, which {'are' if len(missing) > 1 else 'is'} not installed"
        raise NoExtra(f"{text}\n  hint: {shell.command('pip', 'install', 'repoprio[serve]')}    [extra]")
