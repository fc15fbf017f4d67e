"""Finds a pip in the working folder: ``python -m pip`` runs it instead of pip, and no hook notices."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

_ENDINGS = (".py", ".pyc", ".so", ".pyd")
# The first Python that obeys PYTHONSAFEPATH.
_HEEDS = (3, 11)


def shadow(folder: str) -> str | None:
    """The module or package in `folder` that Python would import as pip; None if there is none."""
    beneath = os.path.join(folder, "pip")
    paths = (path for place, stem in ((beneath, "__init__"), (folder, "pip")) for path in _modules(place, stem))
    return next(paths, None)


def _modules(folder: str, stem: str) -> Iterable[str]:
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) and os.access(folder, os.R_OK) else []
    return (os.path.join(folder, name) for name in names if name.split(".")[0] == stem and name.endswith(_ENDINGS))


def is_on_path(folder: str, environ: Mapping[str, str]) -> bool:
    """Whether PYTHONPATH names `folder`, so that every Python searches it; "" means the working folder."""
    value = environ.get("PYTHONPATH")
    # An empty PYTHONPATH is none.
    return bool(value) and os.path.realpath(folder) in map(os.path.realpath, str(value).split(os.pathsep))


def module_shadow(folder: str, versions: Iterable[str], environ: Mapping[str, str]) -> str | None:
    """What ``python -m pip`` would run instead of pip in `folder`; `versions` are those of the Pythons ("3.11")."""
    known = [tuple(map(int, version.split("."))) for version in versions]
    is_safe = environ.get("PYTHONSAFEPATH") and known and all(version >= _HEEDS for version in known)
    return None if is_safe and not is_on_path(folder, environ) else shadow(folder)
