"""Whether a uv obeys: what the real uv takes for its settings here, and what it makes of such settings."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from repoprio.doctor import running
from repoprio.doctor.trial_repositories import OBEYS, Bench, Trial

# What decides about files among uv's settings, as `--show-settings` of uv 0.13 has them.
_DECIDING = re.compile(
    r"(?m)^( *)(index_locations|index_strategy|torch_backend|sources|dependency_metadata|"
    r"(?:build_)?constraints|overrides|excludes|(?:build_)?(?:constraints|overrides|excludes)_from_workspace): "
)
# What does not tell one place from another: where it was said, how it was spelt, and logins.
_ASIDE = ("origin", "given", "expanded", "force_relative", "username", "password")
_NEEDED = frozenset({"index_locations", "index_strategy"})


class Looked(NamedTuple):
    """One uv, from real runs of it in this folder.

    `is_as_exported`: its settings here are those of the policy's export, None where it does not say them.
    `file`: the file of uv's that holds the export, None where none does. `undone_by`: the variables and files
    that change what the export says. `trial`: what came of looking for acme with the export of a bench as its
    only settings.
    """

    path: str
    version: str
    trial: Trial
    is_as_exported: bool | None = None
    file: str | None = None
    undone_by: tuple[str, ...] = ()

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


def look(path: str, exported: str, bench: Bench) -> Looked:
    """Look at the uv at `path`, with `exported`, the text of the policy's export."""
    version = [*running.run([path, "--version"], running.plain(os.environ), bench.folder).stdout.split(), "?", "?"][1]
    trial = bench.try_uv(path)
    alone, nothing = _alone(exported, bench), _alone("", bench)
    wanted, here = _settings(path, alone), _settings(path, _Setting(os.getcwd(), os.environ))
    if wanted is None or here is None:
        return Looked(path, version, trial)
    holders = (name for name, change in _files() if _settings(path, change(nothing)) == wanted)
    undone = () if wanted == here else [n for n, change in _changes() if _settings(path, change(alone)) != wanted]
    return Looked(path, version, trial, wanted == here, next(holders, None), tuple(undone))


def _alone(exported: str, bench: Bench) -> _Setting:
    """The export as the system's file, and nothing else that could say anything."""
    system = bench.empty()
    os.mkdir(os.path.join(system, "uv"))
    with open(os.path.join(system, "uv", "uv.toml"), "w", encoding="utf-8") as opened:
        opened.write(exported)
    places = {"XDG_CONFIG_DIRS": system, "XDG_CONFIG_HOME": bench.empty()}
    return _Setting(bench.empty(), {**running.plain(os.environ), **places})


def _changes() -> Iterator[tuple[str, _Change]]:
    """What may change uv's settings here, in the order in which uv lets it win; each by itself."""
    for name in sorted(os.environ):
        if name.startswith("UV_"):
            yield name, functools.partial(_with, name=name, value=running.as_the_user(os.environ)[name])
    if project := _project(os.getcwd()):
        yield project, lambda setting: setting._replace(folder=os.getcwd())
    yield from _files()


def _files() -> Iterator[tuple[str, _Change]]:
    """The user's file of uv's and the system's, where they are there."""
    user = _folders("XDG_CONFIG_HOME", os.path.expanduser("~/.config"))[0]
    if os.path.exists(file := os.path.join(user, "uv", "uv.toml")):
        yield file, functools.partial(_with, name="XDG_CONFIG_HOME", value=user)
    for folder in _folders("XDG_CONFIG_DIRS", "/etc/xdg"):
        if os.path.exists(file := os.path.join(folder, "uv", "uv.toml")):
            yield file, functools.partial(_with, name="XDG_CONFIG_DIRS", value=folder)
            return
    if os.path.exists(file := "/etc/uv/uv.toml"):
        # uv reads it where none of those folders has one.
        yield file, functools.partial(_with, name="XDG_CONFIG_DIRS", value="/nowhere")


def _with(setting: _Setting, *, name: str, value: str) -> _Setting:
    return setting._replace(environ={**setting.environ, name: value})


def _folders(name: str, default: str) -> list[str]:
    return [folder for folder in os.environ.get(name, "").split(os.pathsep) if os.path.isabs(folder)] or [default]


def _project(folder: str) -> str | None:
    """The nearest file at or above `folder` with settings of uv's."""
    while True:
        if os.path.isfile(file := os.path.join(folder, "uv.toml")):
            return file
        if _has_table(file := os.path.join(folder, "pyproject.toml")):
            return f"[tool.uv] in {file}"
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return None


def _has_table(file: str) -> bool:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            return "tool.uv" in opened.read()
    except OSError:
        return False


def _settings(path: str, where: _Setting) -> tuple[str, ...] | None:
    """What uv takes for the settings that decide, in a form that can be compared; None where it does not say them."""
    said = running.run([path, "pip", "install", "--show-settings", "acme"], where.environ, where.folder).stdout
    found = {match[2]: _block(said, match) for match in _DECIDING.finditer(said)}
    return tuple(f"{name}: {found[name]}" for name in sorted(found)) if found.keys() >= _NEEDED else None


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
