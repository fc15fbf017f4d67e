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
from typing import TYPE_CHECKING, Any, NoReturn, cast

import _repoprio_shim
from repoprio.config import policy_files
from repoprio.environments import lone_pointer
from repoprio.errors import UnknownPip
from repoprio.pip_adapter import policy_layers

if TYPE_CHECKING:
    from collections.abc import Iterable

# Patched so that uninstalling repoprio first removes what it put elsewhere.
LEAVING = "pip._internal.commands.uninstall"
# The name that marks a patched module.
_PATCHED = "_repoprio_has_patched"


def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
    """The spec of a module that will be patched after it ran; None if there is no policy."""
    if not _is_needed(name):
        return None
    spec = _find_elsewhere(name, path, target)
    if spec is not None and spec.loader is not None:
        spec.loader = cast(Loader, _PatchingLoader(spec.loader))
    return spec


def patch_loaded(names: Iterable[str]) -> None:
    """Patch those modules that were imported before the hook, also where others have imported functions from them.

    Raises what is wrong with repoprio; `UnknownPip` for a pip that is not as expected.
    """
    loaded = [sys.modules[name] for name in names if name in sys.modules]
    modules = [module for module in loaded if _PATCHED not in vars(module) and _is_needed(module.__name__)]
    before = [dict(vars(module)) for module in modules]
    for module in modules:
        _patch(module)
    wrapped = {
        id(original): vars(module)[name]
        for module, originals in zip(modules, before, strict=True)
        for name, original in originals.items()
        if vars(module)[name] is not original
    }
    for module in [module for name, module in sys.modules.items() if wrapped and name.startswith("pip._internal")]:
        vars(module).update({n: wrapped[id(value)] for n, value in vars(module).items() if id(value) in wrapped})


def _is_needed(name: str) -> bool:
    """Whether a watched module must be patched."""
    if os.environ.pop(policy_files.ASKED, None):
        from repoprio.pip_adapter.hooks import policy_report

        policy_report.answer()
    return _in_sight() or (name == LEAVING and _has_made())


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
        try:
            _patch(module)
        except UnknownPip as error:
            _stop_unknown(error)
        except Exception as error:  # noqa: BLE001 - if repoprio fails in any way, pip must not run without it
            _repoprio_shim.stop(error)


def _patch(module: ModuleType) -> None:
    setattr(module, _PATCHED, True)
    try:
        _PATCH.get(module.__name__, _apply_patches)(module)
    except Exception:
        # pip must not run unguarded. A tool that makes environments may run: doctor finds those without a hook.
        if module.__name__.startswith("pip."):
            raise


def _stop_unknown(error: UnknownPip) -> NoReturn:
    from repoprio.output import say
    from repoprio.pip_adapter import command

    if not command.process().is_own_command:
        say(f"ERROR: {_repoprio_shim.damage(error)}")
    raise error


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
