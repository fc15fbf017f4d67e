"""Patches parts of pip right after their import, if there is a policy.

Imports as little as possible: a pip without a policy loads only this module.
"""

from __future__ import annotations

import functools
import os
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast

import _repoprio_shim
from repoprio.config import policy_files
from repoprio.environments import lone_pointer
from repoprio.pip_adapter import policy_layers

# Patched so that uninstalling repoprio first removes what it put elsewhere.
LEAVING = "pip._internal.commands.uninstall"


def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
    """The spec of a module that will be patched after it ran; None if there is no policy."""
    if os.environ.pop(policy_files.ASKED, None):
        from repoprio.pip_adapter.hooks import policy_report

        policy_report.answer()
    if not (_in_sight() or (name == LEAVING and _has_made())):
        return None
    spec = _find_elsewhere(name, path, target)
    if spec is not None and spec.loader is not None:
        spec.loader = cast(Loader, _PatchingLoader(spec.loader))
    return spec


def _has_made() -> bool:
    """Whether `enable` put anything elsewhere: it is removed together with repoprio, even without a policy."""
    from repoprio.environments import ledger

    return ledger.has_any(os.path.dirname(_repoprio_shim.__file__))


@functools.cache
def _in_sight() -> bool:
    # Checked once, since pip is patched completely or not at all. --isolated only removes a file.
    return not lone_pointer.is_ensurepip() and policy_files.in_sight(os.environ, policy_layers.layers(isolated=False))


def _find_elsewhere(name: str, path: Any, target: Any) -> ModuleSpec | None:
    for finder in sys.meta_path:
        if getattr(finder, "__name__", "") != "Watcher" and hasattr(finder, "find_spec"):
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                return spec
    return None


class _PatchingLoader:
    """Runs a module's own loader, then patches the module; a loader may serve many modules (zipimport)."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """The module that its own loader creates."""
        spec.loader = self._loader
        module: ModuleType | None = self._loader.create_module(spec)
        spec.loader = cast(Loader, self)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the module as without repoprio, then patch it."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        is_pip = module.__name__.startswith("pip.")
        try:
            _PATCH.get(module.__name__, _apply_patches)(module)
        except Exception as error:  # noqa: BLE001 - if repoprio fails in any way, pip must not run without it
            if is_pip:
                _repoprio_shim.stop(error)


def _apply_patches(module: ModuleType) -> None:
    from repoprio.pip_adapter.hooks import patch_table

    patch_table.apply(module)


def _follow(module: ModuleType) -> None:
    from repoprio.pip_adapter.hooks import new_environments

    new_environments.apply(module)


def _leave(module: ModuleType) -> None:
    from repoprio.pip_adapter.hooks import uninstall

    uninstall.apply(module)


# The patches of modules other than the parts of pip that look up projects.
_PATCH = {**dict.fromkeys(_repoprio_shim.MAKERS, _follow), LEAVING: _leave}
