"""Makes ``pip uninstall repoprio`` first remove what `enable` put elsewhere: it would stop every pip there."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import _repoprio_shim
from repoprio.environments import ledger
from repoprio.output import say

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.requirements import UninstallPathSet as PathSet

T = TypeVar("T")


def apply(module: ModuleType) -> None:
    """Patch pip's command `uninstall`; an unknown version of it stays unchanged."""
    command: Any = getattr(module, "UninstallCommand", ModuleType("none"))
    if hasattr(command, "run"):
        command.run = _run(command.run)


def _run(original: Callable[..., T]) -> Callable[..., T]:
    """Wraps the command, so that nothing happens when `install` replaces repoprio by another version."""

    @functools.wraps(original)
    def run(self: object, *args: object, **kwargs: object) -> T:
        from pip._internal.req.req_uninstall import UninstallPathSet

        remove = UninstallPathSet.remove
        UninstallPathSet.remove = _remove(remove)
        try:
            return original(self, *args, **kwargs)
        finally:
            UninstallPathSet.remove = remove

    return run


def _remove(original: Callable[..., None]) -> Callable[..., None]:
    """Wraps ``UninstallPathSet.remove`` (22.0.2 to 26.3), which asks the user for confirmation."""

    @functools.wraps(original)
    def remove(self: PathSet, auto_confirm: bool, *args: object, **kwargs: object) -> None:
        if _is_ours(self) and auto_confirm:
            _leave()
        elif _is_ours(self):
            ask = self._allowed_to_proceed
            self._allowed_to_proceed = lambda verbose: bool(ask(verbose) and _leave())
        return original(self, auto_confirm, *args, **kwargs)

    return remove


def _is_ours(paths: PathSet) -> bool:
    """Whether the running repoprio is being removed; the files of an editable one stay."""
    shim = os.path.realpath(_repoprio_shim.__file__)
    files: Iterable[str] = getattr(paths, "_paths", ()) or getattr(paths, "paths", ())
    return any(os.path.basename(file) == os.path.basename(shim) and os.path.realpath(file) == shim for file in files)


def _leave() -> bool:
    for line in ledger.take_all_out():
        say(line)
    return True
