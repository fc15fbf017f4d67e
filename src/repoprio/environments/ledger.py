"""Records next to the installation what `enable` put elsewhere, so that `pip uninstall repoprio` can remove it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import NamedTuple

from repoprio import shell
from repoprio.config import records
from repoprio.config.pip import fuse
from repoprio.environments import hook_installer, interpreters, lone_pointer, repairs
from repoprio.errors import RepoprioError

FILE = "_repoprio_made.jsonl"
# The kinds: a folder with a pointer; a file of pip with the fuse.
POINTER, FUSE = "pointer", "fuse"
# Environments come and go: from this number of lines on, those that are gone are dropped.
_MANY = 100


class Entry(NamedTuple):
    """One thing that `enable` put elsewhere: a pointer in a folder, or the fuse in a file of pip."""

    kind: str
    place: str


def _file() -> str:
    return os.path.join(hook_installer.own_packages(), FILE)


def note(kind: str, place: str) -> bool:
    """Record what `enable` put at `place`; False if nothing can be written next to the installation."""
    entry = Entry(kind, os.path.realpath(place))
    known = noted()
    if entry in known:
        return True
    if len(known) > _MANY:
        # A note that another process writes right now may be lost: the pointer's own `remove` still works.
        _write([entry for entry in known if os.path.exists(entry.place)])
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        # One line in one write, since several environments may be made at the same time.
        with os.fdopen(os.open(_file(), flags, 0o644), "a", encoding="utf-8") as opened:
            opened.write(f"{json.dumps(entry)}\n")
    except OSError:
        return False
    return True


def noted() -> list[Entry]:
    """All entries, without lines that cannot be read."""
    entries = []
    with contextlib.suppress(OSError, UnicodeDecodeError), open(_file(), encoding="utf-8") as opened:
        for line in opened:
            with contextlib.suppress(ValueError, TypeError):
                kind, place = json.loads(line)
                entries.append(Entry(str(kind), os.fspath(place)))
    return entries


def forget(place: str) -> None:
    """Remove the entry of `place`."""
    known = noted()
    kept = [entry for entry in known if entry.place != os.path.realpath(place)]
    if kept != known:
        _write(kept)


def _write(entries: list[Entry]) -> None:
    text = "".join(f"{json.dumps(entry)}\n" for entry in entries)
    with contextlib.suppress(interpreters.CannotEnable):
        hook_installer.write(_file(), text) if text else hook_installer.remove(_file())


def has_any(packages: str) -> bool:
    """Whether there is anything to remove elsewhere when the repoprio in `packages` is uninstalled."""
    return any(os.path.exists(os.path.join(packages, name)) for name in (FILE, records.FILE))


def take_all_out() -> Iterator[str]:
    """Remove everything recorded, and the ledger; yields the lines to print. Skips what is gone, or not ours."""
    for entry in noted():
        yield from _taken_out(entry)
    for name in (FILE, records.FILE):
        file = os.path.join(hook_installer.own_packages(), name)
        with contextlib.suppress(interpreters.CannotEnable):
            hook_installer.remove(file) if os.path.lexists(file) else None


def _taken_out(entry: Entry) -> list[str]:
    """Remove one thing; returns the lines to print, also for a failure."""
    try:
        return [f"repoprio: {hook_installer.removal(place)}" for place in _take_out(entry)]
    except (RepoprioError, OSError, ValueError) as error:
        message = f"WARNING: repoprio: what `repoprio enable` added to {entry.place} stays there: {error}"
        return [f"{message}\n{_hint(entry)}"]


def _take_out(entry: Entry) -> list[str]:
    if entry.kind == POINTER:
        if not hook_installer.points_here(entry.place):
            return []
        custom = hook_installer.literals(_pointer_in(entry.place)).get("CUSTOM", "")
        return lone_pointer.take_out(entry.place, str(custom))
    text = hook_installer.read(entry.place)
    rest = fuse.take(text)
    if rest == text:
        return []
    hook_installer.write(entry.place, rest) if rest else hook_installer.remove(entry.place)
    return [f"the fuse in {entry.place}"]


def _pointer_in(folder: str) -> str:
    return os.path.join(folder, f"{records.POINTER}.py")


def _hint(entry: Entry) -> str:
    if entry.kind == POINTER:
        remove = shell.command(repairs.PYTHON, _pointer_in(entry.place), "remove")
        return f"  hint: run as a user who may do so: {remove}    [pointer]"
    return f"  hint: remove index-url = {fuse.URL} from it    [pointer]"
