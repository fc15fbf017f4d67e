"""Reads `[tool.uv.sources]` of a project: it sends names to other sources, and overrides any uv.toml."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

# The kinds of sources; all except an index are direct.
_KINDS = ("git", "url", "path", "workspace", "index")
_FILE = "pyproject.toml"


class Source(NamedTuple):
    """A project name that `file` sends to a direct source, or to the index named `index_name`."""

    file: str
    project: str
    kind: str
    index_name: str | None = None


def look(folder: str, parse: Callable[[str], dict[str, Any]], environ: Mapping[str, str]) -> list[Source]:
    """The sources of the project that uv finds from `folder`, and of its workspace; `parse` raises `ValueError`."""
    if environ.get("UV_NO_SOURCES", "").lower() not in ("", "0", "false", "f", "no", "n", "off"):
        return []
    return [source for file in _files(folder, parse) for source in _file_sources(file, parse)]


def lock(folder: str) -> str | None:
    """The nearest uv.lock at or above `folder`: `uv sync` installs its files, even against an export."""
    files = (os.path.join(place, "uv.lock") for place in _upwards(folder))
    return next(filter(os.path.isfile, files), None)


def _files(folder: str, parse: Callable[[str], dict[str, Any]]) -> Iterator[str]:
    """The nearest pyproject.toml at or above `folder`, and those of the workspace that it, or one above, describes."""
    nearest: list[str] = []
    for file in (os.path.join(place, _FILE) for place in _upwards(folder)):
        if not os.path.isfile(file):
            continue
        workspace = table(file, parse).get("workspace")
        if not nearest or isinstance(workspace, dict):
            nearest += [file, *_members(os.path.dirname(file), workspace)]
    yield from dict.fromkeys(nearest)


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while (above := os.path.dirname(folder)) != folder:
        folder = above
        yield folder


def _members(folder: str, workspace: Any) -> list[str]:
    patterns = workspace.get("members", []) if isinstance(workspace, dict) else []
    paths = (glob.glob(os.path.join(glob.escape(folder), str(pattern), _FILE)) for pattern in patterns)
    return sorted(file for files in paths for file in files)


def table(file: str, parse: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """The table `[tool.uv]` of a file; empty if there is none that can be read."""
    try:
        with open(file, encoding="utf-8") as opened:
            table = parse(opened.read()).get("tool", {}).get("uv", {})
    except (OSError, ValueError, AttributeError):
        return {}
    return table if isinstance(table, dict) else {}


def _file_sources(file: str, parse: Callable[[str], dict[str, Any]]) -> Iterator[Source]:
    named = table(file, parse).get("sources")
    for project, stated in named.items() if isinstance(named, dict) else ():
        # A name may have several sources, for different platforms.
        entries = [source for source in (stated if isinstance(stated, list) else [stated]) if isinstance(source, dict)]
        sources = (
            Source(file, project, kind, source.get("index")) for source in entries for kind in _KINDS if kind in source
        )
        yield from dict.fromkeys(sources)
