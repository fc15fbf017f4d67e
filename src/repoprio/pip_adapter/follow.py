"""Into new virtual environments: what `venv` and virtualenv make while there is a policy is guarded too."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from repoprio.errors import RepoprioError
from repoprio.pip_adapter import environments
from repoprio.pip_adapter.child import CHILD


def apply(module: ModuleType) -> None:
    """Patch the module that makes environments; where it is not as known, environments are made as ever."""
    owner, name, wrapper = (
        (getattr(module, "EnvBuilder", None), "create", _create)
        if module.__name__ == "venv"
        else (getattr(module, "Session", None), "run", _run)
    )
    if original := getattr(owner, name, None):
        setattr(owner, name, wrapper(original))


def _create(original: Callable[..., Any]) -> Callable[..., Any]:
    """``venv.EnvBuilder.create`` (3.10 to 3.14)."""

    @functools.wraps(original)
    def create(self: Any, env_dir: Any) -> Any:
        folder = os.path.abspath(os.fspath(env_dir))
        made = original(self, env_dir)
        _guard(folder)
        return made

    return create


def _run(original: Callable[..., Any]) -> Callable[..., Any]:
    """``virtualenv.run.session.Session.run`` (virtualenv 20)."""

    @functools.wraps(original)
    def run(self: Any) -> Any:
        done = original(self)
        _guard(str(self.creator.dest))
        return done

    return run


def _guard(folder: str) -> None:
    try:
        # Asked whoever owns the folder that it lies in: we have just made it, and run its Python for that.
        made = environments.enable(environments.ask(environments.in_venv(folder)).packages)
        said = f"repoprio: {folder} is guarded as well" if made else ""
    except RepoprioError as error:
        said = f"repoprio: {folder} is not guarded: {error}"
    # pip's own build environments (26.2 and later) are no news to anybody.
    is_build = bool(os.environ.get(CHILD))
    with contextlib.suppress(OSError, ValueError):
        if said and not is_build:
            print(said, file=sys.stderr, flush=True)
