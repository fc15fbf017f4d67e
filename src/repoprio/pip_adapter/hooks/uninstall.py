"""``pip uninstall repoprio``: what `enable` put elsewhere goes first, since it would stop every pip there."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

import _repoprio_shim
from repoprio.environments import ledger
from repoprio.output import say


def apply(module: ModuleType) -> None:
    """Patch pip's command `uninstall`; where it is not as known, it uninstalls as ever."""
    command: Any = getattr(module, "UninstallCommand", ModuleType("none"))
    if hasattr(command, "run"):
        command.run = _run(command.run)


def _run(original: Callable[..., Any]) -> Callable[..., Any]:
    """While the command runs, and not when `install` replaces repoprio by another version."""

    @functools.wraps(original)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        from pip._internal.req.req_uninstall import UninstallPathSet

        remove = UninstallPathSet.remove
        UninstallPathSet.remove = _remove(remove)
        try:
            return original(self, *args, **kwargs)
        finally:
            UninstallPathSet.remove = remove

    return run


def _remove(original: Callable[..., Any]) -> Callable[..., Any]:
    """``UninstallPathSet.remove`` (22.0.2 to 26.3), which asks whether to go on."""

    @functools.wraps(original)
    def remove(self: Any, auto_confirm: bool, *args: Any, **kwargs: Any) -> Any:
        if _is_ours(self) and auto_confirm:
            _leave()
        elif _is_ours(self):
            ask = self._allowed_to_proceed
            self._allowed_to_proceed = lambda *told: bool(ask(*told) and _leave())
        return original(self, auto_confirm, *args, **kwargs)

    return remove


def _is_ours(paths: Any) -> bool:
    """Whether the repoprio that runs is among what goes: an editable one stays where it is."""
    shim = os.path.realpath(_repoprio_shim.__file__)
    files = paths._paths if hasattr(paths, "_paths") else paths.paths
    return any(os.path.basename(file) == os.path.basename(shim) and os.path.realpath(file) == shim for file in files)


def _leave() -> bool:
    for said in ledger.take_all_out():
        say(said)
    return True
