"""Puts the hook into new virtual environments that `venv` and virtualenv make while there is a policy."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

import _repoprio_shim
from repoprio.config.policy_files import VARIABLE
from repoprio.config.records import Record
from repoprio.environments import hook_installer, interpreters, ledger
from repoprio.environments.child_script import CHILD
from repoprio.errors import RepoprioError
from repoprio.output import say
from repoprio.pip_adapter import policy_layers
from repoprio.pip_adapter.registry import Registry

T = TypeVar("T")
# The methods that make an environment, and how to get its folder; when the first one ends, it has Python but no pip.
_STEPS: dict[str, list[tuple[str, Callable[..., str]]]] = {
    # CPython 3.10 to 3.14: pip comes after `setup_python`, and may run at once (`post_setup`, --upgrade-deps).
    "venv": [
        ("setup_python", lambda _, context: str(context.env_dir)),
        ("create", lambda _, env_dir: os.fspath(env_dir)),
    ],
    # virtualenv 20: a seeder that runs pip comes after `_create`.
    "virtualenv.run.session": [
        ("_create", lambda self: str(self.creator.dest)),
        ("run", lambda self: str(self.creator.dest)),
    ],
}


def apply(module: ModuleType) -> None:
    """Patch the module that makes environments; an unknown version of it stays unchanged."""
    owner = getattr(module, _repoprio_shim.MAKERS[module.__name__], None)
    for name, folder_of in _STEPS[module.__name__]:
        if original := getattr(owner, name, None):
            setattr(owner, name, _followed(original, folder_of))


# The folder that each builder made, and that has the hook.
_GUARDED: Registry[str] = Registry()


def _followed(original: Callable[..., T], folder_of: Callable[..., str]) -> Callable[..., T]:
    @functools.wraps(original)
    def step(self: object, *args: object, **kwargs: object) -> T:
        done = original(self, *args, **kwargs)
        folder = os.path.abspath(folder_of(self, *args, **kwargs))
        # A builder may override the first step: then the second one puts the hook in.
        if _GUARDED.get(self) != folder:
            _GUARDED.put(self, folder)
            _guard(folder)
        return done

    return step


def _guard(folder: str) -> None:
    # Say nothing about pip's own build environments (26.2 and later).
    is_build = bool(os.environ.get(CHILD))
    try:
        # Without a check of its owner: this process has just made it, and run its Python.
        packages = interpreters.ask(interpreters.in_venv(folder)).packages
        record = policy_layers.record_for_new()
        sentence = _put(packages, record, f"repoprio: pip in {folder}")
        if not is_build and not hook_installer.is_own(packages):
            ledger.note(ledger.POINTER, packages)
    except RepoprioError as error:
        sentence = f"repoprio: pip in {folder} is not guarded: {error}"
    if sentence and not is_build:
        say(sentence)


def _put(packages: str, record: Record, pip: str) -> str:
    """Put a pointer there, unless repoprio itself is there; returns a sentence about that `pip`."""
    if hook_installer.is_own(packages):
        return ""
    record = record.over(hook_installer.recorded(packages))
    hook_installer.enable(packages, record)
    if policy_layers.reaches(record):
        # Also true for a policy that only observes.
        return f"{pip} obeys the policy too"
    is_empty = os.environ.get(VARIABLE) == ""
    return f"{pip} is not guarded: {VARIABLE} is empty, which names no policy    [policy]" if is_empty else ""
