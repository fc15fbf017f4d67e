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


class Made(NamedTuple):
    """One thing that `enable` put somewhere."""

    kind: str
    place: str


def _file() -> str:
    return os.path.join(hook_installer.own_packages(), FILE)


def note(kind: str, place: str) -> bool:
    """Record that `enable` made this; False if nothing can be written next to the installation."""
    made = Made(kind, os.path.realpath(place))
    known = noted()
    if made in known:
        return True
    if len(known) > _MANY:
        # A note that another process writes right now may be lost: the pointer's own `remove` still works.
        _write([record for record in known if os.path.exists(record.place)])
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        # One line in one write, since several environments may be made at the same time.
        with os.fdopen(os.open(_file(), flags, 0o644), "a", encoding="utf-8") as opened:
            opened.write(f"{json.dumps(made)}\n")
    except OSError:
        return False
    return True


def noted() -> list[Made]:
    """All records, without lines that cannot be read."""
    records = []
    with contextlib.suppress(OSError, UnicodeDecodeError), open(_file(), encoding="utf-8") as opened:
        for line in opened:
            with contextlib.suppress(ValueError, TypeError):
                kind, place = json.loads(line)
                records.append(Made(str(kind), os.fspath(place)))
    return records


def forget(place: str) -> None:
    """Remove the record of `place`."""
    known = noted()
    rest = [made for made in known if made.place != os.path.realpath(place)]
    if rest != known:
        _write(rest)


def _write(made: list[Made]) -> None:
    text = "".join(f"{json.dumps(record)}\n" for record in made)
    with contextlib.suppress(interpreters.CannotEnable):
        hook_installer.write(_file(), text) if text else hook_installer.remove(_file())


def has_any(packages: str) -> bool:
    """Whether there is anything to remove elsewhere when the repoprio in `packages` is uninstalled."""
    return any(os.path.exists(os.path.join(packages, name)) for name in (FILE, records.FILE))


def take_all_out() -> Iterator[str]:
    """Remove everything recorded, and the records; yields the lines to print. Skips what is gone, or not ours."""
    for made in noted():
        yield from _taken_out(made)
    for name in (FILE, records.FILE):
        file = os.path.join(hook_installer.own_packages(), name)
        with contextlib.suppress(interpreters.CannotEnable):
            hook_installer.remove(file) if os.path.lexists(file) else None


def _taken_out(made: Made) -> list[str]:
    """Remove one thing; returns the lines to print, also for a failure."""
    try:
        return [f"repoprio: {hook_installer.removal(place)}" for place in _take_out(made)]
    except (RepoprioError, OSError, ValueError) as error:
        message = f"WARNING: repoprio: what `repoprio enable` added to {made.place} stays there: {error}"
        return [f"{message}\n{_hint(made)}"]


def _take_out(made: Made) -> list[str]:
    if made.kind == POINTER:
        if not hook_installer.points_here(made.place):
            return []
        custom = hook_installer.literals(_pointer_in(made.place)).get("CUSTOM", "")
        return lone_pointer.take_out(made.place, str(custom))
    text = hook_installer.read(made.place)
    rest = fuse.take(text)
    if rest == text:
        return []
    hook_installer.write(made.place, rest) if rest else hook_installer.remove(made.place)
    return [f"the fuse in {made.place}"]


def _pointer_in(folder: str) -> str:
    return os.path.join(folder, f"{records.POINTER}.py")


def _hint(made: Made) -> str:
    if made.kind == POINTER:
        remove = shell.command(repairs.PYTHON, _pointer_in(made.place), "remove")
        return f"  hint: run as a user who may do so: {remove}    [pointer]"
    return f"  hint: remove index-url = {fuse.URL} from it    [pointer]"
