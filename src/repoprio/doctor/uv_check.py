"""Whether a uv obeys: what the real uv takes for its settings here, and what it makes of such settings."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from repoprio.doctor import running, sources
from repoprio.doctor.trial_repositories import OBEYS, Bench, Trial

# What decides from where files come among uv's settings, as `--show-settings` of uv 0.13 has them: the others choose
# among the files of an index, or say how to build and install. Offline, uv takes what its cache has from any index.
_DECIDING = re.compile(
    r"(?m)^( *)(index_locations|index_strategy|torch_backend|sources|dependency_metadata|extra_build_dependencies|"
    r"(?:build_)?constraints|overrides|excludes|(?:build_)?(?:constraints|overrides|excludes)_from_workspace|"
    r"https?_proxy|no_proxy|allow_insecure_host|offline): "
)
# Where uv looks for the system's settings after the folders of XDG_CONFIG_DIRS.
_SYSTEM_FILE = "/etc/uv/uv.toml"
_CACHE = re.compile(r"(?m)^( *)(cache_dir): ")
# What does not tell one place from another: where it was said, how it was spelt, and logins.
_ASIDE = ("origin", "given", "expanded", "force_relative", "username", "password")
_NEEDED = frozenset({"index_locations", "index_strategy"})
# uv pip obeys tables of its own, uv tool no project: each family has settings of its own.
_LOCK = "uv lock, sync, add and run"
_FAMILIES = {
    "uv pip": ("pip", "install", "--show-settings", "acme"),
    _LOCK: ("lock", "--show-settings"),
    "uv tool and uvx": ("tool", "install", "--show-settings", "acme"),
}
# Variables by which uv looks for a project in another folder.
FOLDERS = ("UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "UV_PROJECT")


class Looked(NamedTuple):
    """One uv, from real runs of it in this folder.

    `is_as_exported`: its settings here are those of the policy's export, None where it does not say them.
    `open_in`: the commands of which that is not so. `file`: the file of uv's that holds the export, None where
    none does. `undone_by`: the variables and files that change what the export says; `changes`: which settings
    of uv's each of them changes. `is_bare`: nothing here gives it settings that decide. `trial`: what came of
    looking for acme with the export of a bench as its only settings.
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
        """Whether both hold."""
        return self.is_as_exported is True and self.trial.took == OBEYS


class UnsetLogin(NamedTuple):
    """A repository whose login uv lacks here: the variables that are not set.

    `is_half`: the password is there without its user. uv asks with that, and believes the 404 that it may get.
    """

    repository: str
    variables: tuple[str, ...]
    is_half: bool


def unset_logins(wanted: Mapping[str, tuple[str, str]], environ: Mapping[str, str]) -> list[UnsetLogin]:
    """The repositories of `wanted` without all of their variables; uv may find a login in netrc or its own store."""
    unset = {name: tuple(one for one in variables if not environ.get(one)) for name, variables in wanted.items()}
    return [
        UnsetLogin(name, unset[name], unset[name] == variables[:1]) for name, variables in wanted.items() if unset[name]
    ]


class _Setting(NamedTuple):
    """Where uv is run from, with which variables."""

    folder: str
    environ: Mapping[str, str]


_Change = Callable[[_Setting], _Setting]
_Parse = Callable[[str], dict[str, Any]]


def look(path: str, exported: str, bench: Bench) -> Looked:
    """Look at the uv at `path`, with `exported`, the text of the policy's export."""
    version = [*running.run([path, "--version"], running.plain(os.environ), bench.folder).stdout.split(), "?", "?"][1]
    trial = bench.try_uv(path)
    alone, nothing = _alone(exported, bench), _alone("", bench)
    wanted, here = _settings(path, alone), _settings(path, _Setting(os.getcwd(), os.environ))
    if wanted is None or here is None:
        return Looked(path, version, trial)
    holders = (name for name, change in _files() if _settings(path, change(nothing)) == wanted)
    found = (
        (name, _changed(wanted, _settings(path, change(alone)))) for name, change in _changes(bench.tools.parse_toml)
    )
    changes = {name: changed for name, changed in found if changed} if wanted != here else {}
    open_in = _open_in(_differing(wanted, here))
    if source := _own_cache(path, bench):
        # A cache that comes with a project can hold any file, as if an index had sent it.
        changes[source] = (*changes.get(source, ()), "cache-dir")
        open_in = list(_FAMILIES)
    is_bare, holder = here == _settings(path, nothing), next(holders, None)
    return Looked(path, version, trial, not open_in, holder, tuple(changes), changes, tuple(open_in), is_bare)


def _open_in(differing: Collection[tuple[str, str]]) -> list[str]:
    """The families with other settings; uv lock does not say what it reads from a workspace, as uv pip does."""
    found = {family for family, _ in differing}
    found |= {_LOCK for _, name in differing if name.endswith("_from_workspace")}
    return [family for family in _FAMILIES if family in found]


def _alone(exported: str, bench: Bench) -> _Setting:
    """The export as the system's file, and nothing else that could say anything."""
    system = bench.empty()
    os.mkdir(os.path.join(system, "uv"))
    with open(os.path.join(system, "uv", "uv.toml"), "w", encoding="utf-8") as opened:
        opened.write(exported)
    places = {"XDG_CONFIG_DIRS": system, "XDG_CONFIG_HOME": bench.empty()}
    return _Setting(_no_project(bench), {**running.plain(os.environ), **places})


def _no_project(bench: Bench) -> str:
    """A folder in which uv finds no project, nor one above it."""
    folder = bench.empty()
    with open(os.path.join(folder, "uv.toml"), "x", encoding="utf-8"):
        return folder


def _own_cache(path: str, bench: Bench) -> str | None:
    """The project here, if it brings a cache of its own."""
    environ = running.as_the_user(os.environ)
    outside = _Setting(_no_project(bench), {name: environ[name] for name in environ if name not in FOLDERS})
    if _cache(path, _Setting(os.getcwd(), os.environ)) == _cache(path, outside):
        return None
    return _project(folder(os.environ), bench.tools.parse_toml) or folder(os.environ)


def _cache(path: str, where: _Setting) -> list[str]:
    said = running.run([path, *_FAMILIES["uv pip"]], where.environ, where.folder).stdout
    return [_block(said, match) for match in _CACHE.finditer(said)]


def folder(environ: Mapping[str, str]) -> str:
    """The folder at or above which uv looks for a project."""
    return os.path.abspath(os.path.join(*(environ.get(name, "") for name in FOLDERS)))


def _changes(parse: _Parse) -> Iterator[tuple[str, _Change]]:
    """What may change uv's settings here, in the order in which uv lets it win; each by itself."""
    for name in sorted(os.environ):
        if name.startswith("UV_"):
            yield name, functools.partial(_with, name=name, value=running.as_the_user(os.environ)[name])
    if project := _project(os.getcwd(), parse):
        yield project, lambda setting: setting._replace(folder=os.getcwd())
    yield from _files()


def _files() -> Iterator[tuple[str, _Change]]:
    """The user's file of uv's and the system's, where they are there."""
    user = _folders("XDG_CONFIG_HOME", os.path.expanduser("~/.config"))[0]
    if os.path.exists(file := os.path.join(user, "uv", "uv.toml")):
        yield file, functools.partial(_with, name="XDG_CONFIG_HOME", value=user)
    if os.path.exists(file := system_file()):
        # uv reads its own place where none of those folders has a file.
        folder = "/nowhere" if file == _SYSTEM_FILE else os.path.dirname(os.path.dirname(file))
        yield file, functools.partial(_with, name="XDG_CONFIG_DIRS", value=folder)


def system_file() -> str:
    """The system's file of uv's: the one that uv reads, else the one that it would."""
    files = (os.path.join(folder, "uv", "uv.toml") for folder in _folders("XDG_CONFIG_DIRS", "/etc/xdg"))
    return next(filter(os.path.exists, files), _SYSTEM_FILE)


def _with(setting: _Setting, *, name: str, value: str) -> _Setting:
    return setting._replace(environ={**setting.environ, name: value})


def _folders(name: str, default: str) -> list[str]:
    return [folder for folder in os.environ.get(name, "").split(os.pathsep) if os.path.isabs(folder)] or [default]


def _project(folder: str, parse: _Parse) -> str | None:
    """The nearest file at or above `folder` with settings of uv's."""
    while True:
        if os.path.isfile(file := os.path.join(folder, "uv.toml")):
            return file
        if sources.table(file := os.path.join(folder, "pyproject.toml"), parse):
            return f"[tool.uv] in {file}"
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return None


# The settings that decide, by the family of commands and their name.
_Settings = Mapping[tuple[str, str], tuple[str, ...]]


def _settings(path: str, where: _Setting) -> _Settings | None:
    """What uv takes for the settings that decide, in a form that can be compared; None where it does not say them."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for family, arguments in _FAMILIES.items():
        said = running.run([path, *arguments], where.environ, where.folder).stdout
        blocks = [(match[2], _block(said, match)) for match in _DECIDING.finditer(said)]
        if not {name for name, _ in blocks} >= _NEEDED:
            return None
        # Those by name and version come from the same indexes as all else.
        blocks = [(name, block) for name, block in blocks if name != "extra_build_dependencies" or "Url(" in block]
        found |= {(family, name): tuple(b for n, b in blocks if n == name) for name, _ in blocks}
    return found


def _changed(wanted: _Settings, found: _Settings | None) -> tuple[str, ...]:
    """The settings that differ, as a uv.toml spells them; all of them where uv no longer says them."""
    names = {name.replace("_", "-") for _, name in _differing(wanted, found or {})}
    return tuple(sorted("index" if name == "index-locations" else name for name in names))


def _differing(wanted: _Settings, found: _Settings) -> set[tuple[str, str]]:
    return {key for key in {*wanted, *found} if wanted.get(key) != found.get(key)}


def _block(said: str, start: re.Match[str]) -> str:
    """One setting to its end, which the indentation tells."""
    first, *lines = said[start.end() :].splitlines()
    end = 0
    if first.rstrip().endswith(("(", "[", "{")):
        end = next((n for n, line in enumerate(lines) if not line.startswith(start[1] + " ")), len(lines))
    return "\n".join(_each_index_once(_plain([first, *lines[:end]])))


def _plain(lines: list[str]) -> Iterator[str]:
    """The lines without what does not tell one place from another, and paths without a slash at their end."""
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
    """The lines, but of an index that is named twice only the first: it is asked once."""
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
