"""Checks whether a uv obeys: which settings the real uv has here, and what it installs with the exported ones."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from repoprio.doctor import running, sources
from repoprio.doctor.trial_repositories import OBEYS, Bench, Trial

# The settings of uv that affect where files come from, as `--show-settings` of uv 0.13 prints them. Others choose
# among the files of an index, or affect builds and installation. Offline, uv uses cached files of any index.
_DECIDING = re.compile(
    r"(?m)^( *)(index_locations|index_strategy|torch_backend|sources|dependency_metadata|extra_build_dependencies|"
    r"(?:build_)?constraints|overrides|excludes|(?:build_)?(?:constraints|overrides|excludes)_from_workspace|"
    r"https?_proxy|no_proxy|allow_insecure_host|offline): "
)
# The system's settings of uv, read after the folders of XDG_CONFIG_DIRS.
_SYSTEM_FILE = "/etc/uv/uv.toml"
_CACHE = re.compile(r"(?m)^( *)(cache_dir): ")
# Keys that do not matter for a comparison: where a place was set, its spelling, and logins.
_ASIDE = ("origin", "given", "expanded", "force_relative", "username", "password")
_NEEDED = frozenset({"index_locations", "index_strategy"})
# uv pip reads extra tables, and uv tool ignores projects, so each family of commands has its own settings.
_LOCK = "uv lock, sync, add and run"
_FAMILIES = {
    "uv pip": ("pip", "install", "--show-settings", "acme"),
    _LOCK: ("lock", "--show-settings"),
    "uv tool and uvx": ("tool", "install", "--show-settings", "acme"),
}
# Variables that make uv look for a project in another folder.
FOLDERS = ("UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "UV_PROJECT")


class UvFacts(NamedTuple):
    """The results for one uv, from real runs of it in this folder.

    `is_as_exported`: its settings here are those of the policy's export; None if it does not print them.
    `open_in`: the commands for which they are not. `file`: uv's file that has the export, None if there is none.
    `undone_by`: the variables and files that override the export; `changes`: the settings of uv that each of them
    changes. `is_bare`: nothing here gives it any of these settings. `trial`: the result of a search for acme with the
    export of a bench as its only settings.
    """

    path: str
    version: str
    trial: Trial
    is_as_exported: bool | None = None
    file: str | None = None
    undone_by: tuple[str, ...] = ()
    changes: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    open_in: tuple[str, ...] = ()
    is_bare: bool = False

    @property
    def obeys(self) -> bool:
        """Whether its settings are those of the export, and it obeyed in the trial."""
        return self.is_as_exported is True and self.trial.took == OBEYS


class UnsetLogin(NamedTuple):
    """A repository whose login uv lacks here, with the variables that are not set.

    `is_half`: the password is set, but not the user name. uv then uses it, and believes a 404 that it may get.
    """

    repository: str
    variables: tuple[str, ...]
    is_half: bool


def unset_logins(wanted: Mapping[str, tuple[str, str]], environ: Mapping[str, str]) -> list[UnsetLogin]:
    """The repositories of `wanted` that lack a variable; uv may still find a login in netrc or its own store."""
    unset = {
        name: tuple(variable for variable in variables if not environ.get(variable))
        for name, variables in wanted.items()
    }
    return [
        UnsetLogin(name, unset[name], unset[name] == variables[:1]) for name, variables in wanted.items() if unset[name]
    ]


class _Setting(NamedTuple):
    """The folder and variables for a run of uv."""

    folder: str
    environ: Mapping[str, str]


_Change = Callable[[_Setting], _Setting]
_Parse = Callable[[str], dict[str, Any]]


def look(path: str, exported: str, bench: Bench) -> UvFacts:
    """The results for the uv at `path`; `exported` is the text of the policy's export."""
    version = [*running.run([path, "--version"], running.plain(os.environ), bench.folder).stdout.split(), "?", "?"][1]
    trial = bench.try_uv(path)
    alone, nothing = _alone(exported, bench), _alone("", bench)
    wanted, here = _settings(path, alone), _settings(path, _Setting(os.getcwd(), os.environ))
    if wanted is None or here is None:
        return UvFacts(path, version, trial)
    holders = (name for name, change in _files() if _settings(path, change(nothing)) == wanted)
    changed_by = (
        (name, _changed(wanted, _settings(path, change(alone)))) for name, change in _changes(bench.tools.parse_toml)
    )
    changes = {name: changed for name, changed in changed_by if changed} if wanted != here else {}
    open_in = _open_in(_differing(wanted, here))
    if source := _own_cache(path, bench):
        # A cache that comes with a project can contain any file as if an index had sent it.
        changes[source] = (*changes.get(source, ()), "cache-dir")
        open_in = list(_FAMILIES)
    is_bare, holder = here == _settings(path, nothing), next(holders, None)
    return UvFacts(path, version, trial, not open_in, holder, tuple(changes), changes, tuple(open_in), is_bare)


def _open_in(differing: Collection[tuple[str, str]]) -> list[str]:
    """The families of commands whose settings differ; `uv lock` prints none of a workspace's, `uv pip` does."""
    families = {family for family, _ in differing}
    families |= {_LOCK for _, name in differing if name.endswith("_from_workspace")}
    return [family for family in _FAMILIES if family in families]


def _alone(exported: str, bench: Bench) -> _Setting:
    """A run with the export as the system's file, and no other settings."""
    system = bench.empty()
    os.mkdir(os.path.join(system, "uv"))
    with open(os.path.join(system, "uv", "uv.toml"), "w", encoding="utf-8") as opened:
        opened.write(exported)
    places = {"XDG_CONFIG_DIRS": system, "XDG_CONFIG_HOME": bench.empty()}
    return _Setting(_no_project(bench), {**running.plain(os.environ), **places})


def _no_project(bench: Bench) -> str:
    """A folder without a project in it or above it."""
    folder = bench.empty()
    with open(os.path.join(folder, "uv.toml"), "x", encoding="utf-8"):
        return folder


def _own_cache(path: str, bench: Bench) -> str | None:
    """The file of this project, if that has a cache of its own; else None."""
    environ = running.as_the_user(os.environ)
    outside = _Setting(_no_project(bench), {name: environ[name] for name in environ if name not in FOLDERS})
    if _cache(path, _Setting(os.getcwd(), os.environ)) == _cache(path, outside):
        return None
    return _project(folder(os.environ), bench.tools.parse_toml) or folder(os.environ)


def _cache(path: str, where: _Setting) -> list[str]:
    output = running.run([path, *_FAMILIES["uv pip"]], where.environ, where.folder).stdout
    return [_block(output, match) for match in _CACHE.finditer(output)]


def folder(environ: Mapping[str, str]) -> str:
    """The folder at or above which uv looks for a project."""
    return os.path.abspath(os.path.join(*(environ.get(name, "") for name in FOLDERS)))


def _changes(parse: _Parse) -> Iterator[tuple[str, _Change]]:
    """Everything that may change uv's settings here, each by itself, in uv's order of precedence."""
    for name in sorted(os.environ):
        if name.startswith("UV_"):
            yield name, functools.partial(_with, name=name, value=running.as_the_user(os.environ)[name])
    if project := _project(os.getcwd(), parse):
        yield project, lambda setting: setting._replace(folder=os.getcwd())
    yield from _files()


def _files() -> Iterator[tuple[str, _Change]]:
    """The files of uv for the user and for the system, if they exist."""
    user = _folders("XDG_CONFIG_HOME", os.path.expanduser("~/.config"))[0]
    if os.path.exists(file := os.path.join(user, "uv", "uv.toml")):
        yield file, functools.partial(_with, name="XDG_CONFIG_HOME", value=user)
    if os.path.exists(file := system_file()):
        # uv reads /etc/uv if none of these folders has a file.
        folder = "/nowhere" if file == _SYSTEM_FILE else os.path.dirname(os.path.dirname(file))
        yield file, functools.partial(_with, name="XDG_CONFIG_DIRS", value=folder)


def system_file() -> str:
    """The system's file of uv: the one that uv reads, else the one that it would read."""
    if sys.platform == "win32":
        return os.path.join(os.environ.get("SYSTEMDRIVE", "C:"), os.sep, "ProgramData", "uv", "uv.toml")
    files = (os.path.join(folder, "uv", "uv.toml") for folder in _folders("XDG_CONFIG_DIRS", "/etc/xdg"))
    return next(filter(os.path.exists, files), _SYSTEM_FILE)


def _with(setting: _Setting, *, name: str, value: str) -> _Setting:
    return setting._replace(environ={**setting.environ, name: value})


def _folders(name: str, default: str) -> list[str]:
    return [folder for folder in os.environ.get(name, "").split(os.pathsep) if os.path.isabs(folder)] or [default]


def _project(folder: str, parse: _Parse) -> str | None:
    """The nearest file at or above `folder` with settings of uv."""
    while True:
        if os.path.isfile(file := os.path.join(folder, "uv.toml")):
            return file
        if sources.table(file := os.path.join(folder, "pyproject.toml"), parse):
            return f"[tool.uv] in {file}"
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return None


# The relevant settings, by family of commands and name.
_Settings = Mapping[tuple[str, str], tuple[str, ...]]


def _settings(path: str, where: _Setting) -> _Settings | None:
    """The values of the relevant settings in uv, in a comparable form; None if uv does not print them."""
    values: dict[tuple[str, str], tuple[str, ...]] = {}
    for family, arguments in _FAMILIES.items():
        output = running.run([path, *arguments], where.environ, where.folder).stdout
        blocks = [(match[2], _block(output, match)) for match in _DECIDING.finditer(output)]
        if not {name for name, _ in blocks} >= _NEEDED:
            return None
        # Build dependencies by name and version come from the same indexes as everything else.
        blocks = [(name, block) for name, block in blocks if name != "extra_build_dependencies" or "Url(" in block]
        values |= {(family, name): tuple(b for n, b in blocks if n == name) for name, _ in blocks}
    return values


def _changed(wanted: _Settings, here: _Settings | None) -> tuple[str, ...]:
    """The settings that differ, as a uv.toml spells them; all of them if uv does not print its settings."""
    names = {name.replace("_", "-") for _, name in _differing(wanted, here or {})}
    return tuple(sorted("index" if name == "index-locations" else name for name in names))


def _differing(wanted: _Settings, here: _Settings) -> set[tuple[str, str]]:
    return {key for key in {*wanted, *here} if wanted.get(key) != here.get(key)}


def _block(output: str, start: re.Match[str]) -> str:
    """One setting up to its end, which the indentation shows."""
    first, *lines = output[start.end() :].splitlines()
    end = 0
    if first.rstrip().endswith(("(", "[", "{")):
        end = next((n for n, line in enumerate(lines) if not line.startswith(start[1] + " ")), len(lines))
    return "\n".join(_each_index_once(_plain([first, *lines[:end]])))


def _plain(lines: list[str]) -> Iterator[str]:
    """The lines without the keys that do not matter, and without a slash at the end of paths."""
    deep: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if deep is not None and indent > deep:
            continue
        is_end, deep = deep is not None and indent == deep, None
        if is_end and line.strip()[:1] in ")]}":
            continue
        if line.strip().split(":")[0] in _ASIDE:
            deep = indent if line.rstrip().endswith(("(", "[", "{")) else None
            continue
        yield re.sub(r'(path: ".*?)/+",$', r'\1",', line)


def _each_index_once(lines: Iterable[str]) -> Iterator[str]:
    """The lines; if an index is named twice, only the first one, since uv asks it once."""
    seen: set[str] = set()
    entry: list[str] = []
    for line in lines:
        if entry or line.strip() == "Index {":
            entry.append(line)
            if line != entry[0].replace("Index {", "},"):
                continue
            text, entry = "\n".join(entry), []
            if text not in seen:
                seen.add(text)
                yield text
        else:
            yield line
