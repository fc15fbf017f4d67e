"""The files that pip removes when it uninstalls or upgrades: those that metadata in the environment names.

pip 22.0.2 to 26.3 read metadata in the same way (`req/req_uninstall.py`), regardless of who put it there.
"""

from __future__ import annotations

import csv
import functools
import io
import os
from collections.abc import Callable, Iterable, Iterator
from zipfile import BadZipFile, ZipFile, is_zipfile

from repoprio.wheel_destinations import fold

_METADATA = (".dist-info", ".egg-info")
_LISTS = frozenset({"record", "installed-files.txt", "top_level.txt", "entry_points.txt"})


def removed(
    place: str, read: Callable[[], bytes], scripts: Iterable[str], *, is_imported: bool = False
) -> Iterator[tuple[str, str]]:
    """The places that pip would remove because of the file at `place`, as pairs of base folder and path.

    `read` returns the file's content; `scripts` are the folders from which pip removes scripts. `is_imported`: Python
    imports from this file, such as lib/python311.zip.
    """
    if is_imported or fold(os.path.basename(place)).endswith(".egg"):
        yield from _by_archive(place, read(), scripts)
    else:
        yield from _by_file(place, read, scripts)


def _by_archive(place: str, data: bytes, scripts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """As `removed`, for an egg in one file, or another archive on the path: pip looks into it."""
    if not is_zipfile(io.BytesIO(data)):
        return
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from _by_file(f"{place}/{member}", functools.partial(archive.read, member), scripts)
    except RuntimeError as error:
        # An encryption or a compression that zipfile does not know.
        raise BadZipFile(f"{os.path.basename(place)}: {error}") from None


def _by_file(place: str, read: Callable[[], bytes], scripts: Iterable[str]) -> Iterator[tuple[str, str]]:
    folder, name = os.path.split(place)
    base, info = os.path.split(folder)
    if _is_metadata(info) and fold(name) in _LISTS:
        yield from _by_list(fold(name), read().decode("utf-8", "replace"), folder, scripts)
    elif fold(info) == "scripts" and _is_metadata(os.path.basename(base)):
        yield from ((folder, joined(folder, name)) for folder in scripts)


def _by_list(name: str, text: str, folder: str, scripts: Iterable[str]) -> Iterator[tuple[str, str]]:
    base = os.path.dirname(folder)
    if name == "record":
        try:
            yield from ((base, joined(base, row[0])) for row in csv.reader(text.splitlines()) if row)
        except csv.Error as error:
            raise BadZipFile(f"RECORD in {os.path.basename(folder)}: {error}") from None
    elif name == "installed-files.txt":
        yield from ((base, joined(folder, line)) for line in text.splitlines())
    elif name == "top_level.txt":
        if fold(folder).endswith(".dist-info"):
            # pip reads it only next to an egg; in wheels it may contain anything.
            return
        modules = filter(None, text.splitlines())
        yield from ((base, joined(base, f"{module}{ending}")) for module in modules for ending in ("", ".py"))
    else:
        # From every section, since versions of pip differ in which ones they read.
        names = [line.partition("=")[0].strip() for line in text.splitlines() if "=" in line]
        yield from ((folder, joined(folder, name)) for folder in scripts for name in names)


def _is_metadata(folder: str) -> bool:
    return fold(folder).endswith(_METADATA) or fold(folder) == "egg-info"


def joined(folder: str, path: str) -> str:
    """The path that `path` means in `folder`, normalized."""
    return os.path.normpath(os.path.join(folder, path))
