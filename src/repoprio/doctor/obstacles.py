"""Finds what keeps the hook from a pip, by running that pip without each suspect."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from repoprio.doctor import running
from repoprio.doctor.pips import Pip
from repoprio.doctor.trial_repositories import OBEYS, Bench
from repoprio.environments import owners

_PATH = "PYTHONPATH"
# Variables that affect which code Python loads at its start.
_VARIABLES = (_PATH, "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONPLATLIBDIR")
_NO_SITE = "import sys; print(sys.flags.no_site)"
_LOADED = """
import json, sys
print(json.dumps([module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]))
"""


class Obstacle(NamedTuple):
    """Something that keeps the hook from a pip: its launcher, or a variable of Python.

    `options` are those that the launcher passes to Python, as far as its first line shows. `loads_nothing`: with them
    (-S) Python reads no `.pth` file and no `sitecustomize`, so no hook can be loaded. `variable` is set to `value`;
    for PYTHONPATH that is one folder, and `files` are what Python loads from it at its start. `is_proven`: without
    the obstacles that were found, that pip obeyed.
    """

    launcher: str | None = None
    options: tuple[str, ...] = ()
    loads_nothing: bool = False
    variable: str | None = None
    value: str = ""
    files: tuple[str, ...] = ()
    is_proven: bool = True


def find(pip: Pip, bench: Bench) -> tuple[Obstacle, ...]:
    """The obstacles without which a disobedient pip obeys; as few as possible."""
    if pip.python is None:
        return ()
    launchers = _launchers(pip, bench)
    if launchers and _obeys(pip, launchers, bench):
        # The launcher is enough. Do not try without PYTHONPATH: the hook may be on it.
        return tuple(launchers)
    suspects = [*launchers, *_settings(os.environ)]
    if suspects == launchers or not _obeys(pip, suspects, bench):
        # These need no proof: with -S Python certainly loads no hook.
        return tuple(suspect._replace(is_proven=False) for suspect in suspects if suspect.loads_nothing)
    for suspect in list(suspects):
        fewer = [other for other in suspects if other != suspect]
        if fewer and fewer != launchers and _obeys(pip, fewer, bench):
            suspects = fewer
    return tuple(
        suspect._replace(files=_files(pip.python, suspect.value, bench)) if suspect.variable == _PATH else suspect
        for suspect in suspects
    )


def without(obstacles: Iterable[Obstacle], environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without the variables that are obstacles; PYTHONPATH only loses those folders."""
    removed = list(obstacles)
    cut = {obstacle.variable for obstacle in removed if obstacle.variable != _PATH}
    folders = [obstacle.value for obstacle in removed if obstacle.variable == _PATH]
    remaining = [folder for folder in _folders(environ) if folder not in folders]
    environ = {name: value for name, value in environ.items() if name not in cut and (name != _PATH or remaining)}
    return {**environ, **({_PATH: os.pathsep.join(remaining)} if remaining and folders else {})}


def _launchers(pip: Pip, bench: Bench) -> list[Obstacle]:
    if not pip.launcher:
        return []
    done = running.run([pip.python or "", *pip.options, "-c", _NO_SITE], running.plain(os.environ), bench.empty())
    return [Obstacle(launcher=pip.launcher, options=pip.options, loads_nothing=done.stdout.strip() == "1")]


def _settings(environ: Mapping[str, str]) -> list[Obstacle]:
    """A possible obstacle for each variable that is set; one for each folder of PYTHONPATH."""
    names = [name for name in _VARIABLES if environ.get(name) and name != _PATH]
    variables = [Obstacle(variable=name, value=environ[name]) for name in names]
    return [*(Obstacle(variable=_PATH, value=folder) for folder in dict.fromkeys(_folders(environ))), *variables]


def _folders(environ: Mapping[str, str]) -> list[str]:
    """The folders of PYTHONPATH as absolute paths; "" means the working folder."""
    value = environ.get(_PATH)
    return [os.path.abspath(folder) for folder in value.split(os.pathsep)] if value else []


def _obeys(pip: Pip, obstacles: Sequence[Obstacle], bench: Bench) -> bool:
    """Whether that pip obeys without `obstacles`."""
    environ, is_launched = without(obstacles, os.environ), not any(obstacle.launcher for obstacle in obstacles)
    if owners.stranger_of_user_site(pip.python or "", environ):
        # Without this variable, root would load another user's packages.
        return False
    return bench.try_pip(pip if is_launched else Pip(pip.python), environ).took == OBEYS


def _files(python: str, folder: str, bench: Bench) -> tuple[str, ...]:
    """The files that Python loads from `folder` at its start."""
    done = running.run([python, "-c", _LOADED], running.plain(os.environ), bench.empty())
    try:
        loaded: list[str] = json.loads(done.stdout)
    except ValueError:
        return ()
    return tuple(file for file in loaded if os.path.abspath(file).startswith(os.path.join(folder, "")))
