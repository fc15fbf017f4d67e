"""Reads repositories that are folders of this machine, for pip and for the gateway."""

from __future__ import annotations

import os
from collections.abc import Callable

from repoprio.lookup.events import FetchFailed, NotFound
from repoprio.lookup.reasons import Cause
from repoprio.names import NormalizedName, is_project_name, normalize
from repoprio.simple_api import reader
from repoprio.simple_api.filenames import is_distribution
from repoprio.simple_api.model import File
from repoprio.simple_api.response import Response, UnusableResponse

# Makes the file: URL of a path.
ToUrl = Callable[[str], str]


def page_in(folder: str, name: NormalizedName, to_url: ToUrl, size_limit: int) -> Response | NotFound | FetchFailed:
    """The page of `name` in a simple repository on disk, whose `folder` for the project has an index.html, as for pip.

    Raises `UnusableResponse` or `OSError`.
    """
    root = os.path.dirname(folder)
    check_root(root)
    if not os.path.isdir(folder):
        return _misspelled(root, name)
    page = os.path.join(folder, "index.html")
    if not os.path.isfile(page):
        raise UnusableResponse("its folder for the project has no index.html", Cause.MISSING)
    return _on_disk(page, to_url, size_limit)


def check_root(root: str) -> None:
    """Raise `UnusableResponse` if a repository's folder does not exist."""
    if not os.path.isdir(root):
        raise UnusableResponse("its folder does not exist", Cause.MISSING, lasting=True)


def projects_in(root: str) -> frozenset[NormalizedName]:
    """The projects of a simple repository on disk whose folders are named as PEP 503 requires."""
    check_root(root)
    with os.scandir(root) as entries:
        names = [normalize(entry.name) for entry in entries if _is_project_folder(entry)]
    return frozenset(name for name in names if os.path.isdir(os.path.join(root, name)))


def _misspelled(root: str, name: NormalizedName) -> NotFound | FetchFailed:
    if os.path.lexists(os.path.join(root, name)):
        return FetchFailed(f"{name!r} in its folder is not a folder, or is a broken link", Cause.MISSING)
    others = sorted(entry for entry in os.listdir(root) if normalize(entry) == name)
    if not others:
        with os.scandir(root) as entries:
            return NotFound(in_empty_root=not any(_is_project_folder(entry) for entry in entries))
    # pip asks only for the normalized name; if this counted as absent, a lower repository could take the name.
    return FetchFailed(f"its folder {others[0]!r} is not named {name!r}, as PEP 503 requires", Cause.SPELLING)


def files_of_path(path: str, to_url: ToUrl, size_limit: int) -> tuple[File, ...]:
    """The files of a find-links folder, with those that its HTML files list; `path` may also be a single file.

    Raises `UnusableResponse` or `OSError`.
    """
    if os.path.isdir(path):
        with os.scandir(path) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
        broken = [entry.name for entry in entries if not entry.is_file() and _is_named_as_file(entry.name)]
        if broken:
            raise UnusableResponse(f"{broken[0]!r} in it is not a readable file", Cause.MISSING)
        files = [entry.path for entry in entries if entry.is_file()]
    elif os.path.isfile(path):
        files = [path]
    else:
        raise UnusableResponse("it does not exist", Cause.MISSING, lasting=True)
    listed: list[File] = []
    for file in files:
        is_page = file.lower().endswith((".html", ".htm"))
        listed += reader.parse(_on_disk(file, to_url, size_limit)).files if is_page else (reader.file_at(to_url(file)),)
    return tuple(listed)


def _is_project_folder(entry: os.DirEntry[str]) -> bool:
    # Folders of the file system itself, such as lost+found, do not count.
    return is_project_name(entry.name) and entry.is_dir()


def _is_named_as_file(name: str) -> bool:
    return is_distribution(name.lower()) or name.lower().endswith((".html", ".htm"))


def _on_disk(path: str, to_url: ToUrl, size_limit: int) -> Response:
    with open(path, "rb") as opened:
        # A sparse file takes no room on the disk, and all of it in memory.
        body = opened.read(size_limit + 1)
    if len(body) > size_limit:
        raise UnusableResponse(f"the page is larger than {size_limit} bytes", Cause.SIZE)
    return Response(to_url(path), body, "text/html")
