"""Puts the hook into the pips that a pip starts for builds, and handles builds in pip's own process.

Loaded while pip itself is being imported, like `wrappers`, so nothing of pip is imported at the top.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

from repoprio.environments import child_script
from repoprio.environments.child_script import RUNNER
from repoprio.pip_adapter.command import begin, current, hand_on_policy
from repoprio.pip_adapter.resolver import resolving

T = TypeVar("T")


def install_in_process(original: Callable[..., T]) -> Callable[..., T]:
    """Wraps ``--use-feature inprocess-build-deps`` (pip 26.0 and later): a build without a child pip."""

    @functools.wraps(original)
    def install(self: object, *args: object, **kwargs: object) -> T:
        current().builds += 1
        try:
            return original(self, *args, **kwargs)
        finally:
            current().builds -= 1

    return install


def get_runnable_pip(original: Callable[..., str]) -> Callable[..., str]:
    """Make pip start children by a script that puts the hook in: their Python may have none (`--python OTHER`)."""

    @functools.wraps(original)
    def get_runnable_pip() -> str:
        if not current().loaded:
            # `pip --python OTHER`, before any command: that pip is no child, and must check everything itself.
            begin(isolated="--isolated" in sys.argv)
            current().load()
            hand_on_policy()
        elif current().is_observed:
            resolving.observation().expect_children()
        os.environ[RUNNER] = original()
        return os.path.abspath(child_script.__file__)

    return get_runnable_pip


def create_standalone_pip(
    original: Callable[..., AbstractContextManager[str]],
) -> Callable[..., AbstractContextManager[str]]:
    """The same for pip before 22.2, whose children run a zipped copy of pip."""

    @contextlib.contextmanager
    def create_standalone_pip() -> Iterator[str]:
        if current().is_observed:
            resolving.observation().expect_children()
        with original() as zipped:
            os.environ[RUNNER] = zipped
            yield os.path.abspath(child_script.__file__)

    return create_standalone_pip
