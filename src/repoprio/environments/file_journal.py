"""Writes files so that all changes can be undone: a journal keeps the previous state of each.

The journal names a file before it is changed, and each file is replaced in one step. So even after a crash, writing
again completes the work, and undoing takes back all of it.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import glob
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, NamedTuple

from repoprio.errors import RepoprioError

SCHEMA = 1
# The ending of a file that is not complete yet; a leftover of that name was never in use.
_DRAFT = ".repoprio-draft"
_CACHE = "__pycache__"
_PLAIN_FILE, _PLAIN_FOLDER, _SECRET_FILE = 0o644, 0o755, 0o600


class BadJournal(RepoprioError):
    """The journal cannot be read or written."""


class Undone(Enum):
    """The result for one file or folder."""

    RESTORED = "restored"
    REMOVED = "removed"
    # There was nothing to do: it is as it was before.
    UNCHANGED = "unchanged"
    # Somebody else changed it later, so it stays.
    CHANGED_SINCE = "changed-since"
    # The folder contains other files.
    IN_USE = "in-use"
    FAILED = "failed"


class UndoneStep(NamedTuple):
    """One file or folder, the result, and why it could not be undone, or ""."""

    place: str
    outcome: Undone
    reason: str = ""

    @property
    def is_left(self) -> bool:
        """Whether it is still not as it was before."""
        return self.outcome in (Undone.CHANGED_SINCE, Undone.IN_USE, Undone.FAILED)


class State(NamedTuple):
    """The state of a regular file: content, permissions, owner, group, and time of change in nanoseconds."""

    content: bytes
    mode: int
    uid: int
    gid: int
    changed: int

    @classmethod
    def of(cls, file: str) -> State | None:
        """The state of `file`, None if there is no file; raises `OSError`, also if it is not a regular file."""
        try:
            status = os.lstat(file)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            raise OSError(None, "it is not a regular file")
        with open(file, "rb") as opened:
            content = opened.read()
        return cls(content, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns)


class _Entry(NamedTuple):
    """A file's state before, digests of what was written to it, and the files that Python had compiled from it."""

    before: State | None
    written: tuple[str, ...]
    compiled: dict[str, State]


class Journal:
    """The files that were written, and the folders made for them, recorded in `file`; raises `BadJournal`.

    `file` has a folder of its own.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._entries: dict[str, _Entry] = {}
        # In the order of creation, so outer folders come first.
        self._folders: list[str] = []
        self._load()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to undo."""
        return not self._entries and not self._folders

    def is_ours(self, file: str) -> bool:
        """Whether `file` is as it was written here."""
        entry, now = self._entries.get(file), State.of(file)
        return bool(entry and now and _digest(now.content) in entry.written)

    def write(self, file: str, content: bytes, mode: int | None = None) -> bool:
        """Write `content` to `file`; False if it has that content already. Raises `OSError` and `BadJournal`.

        An existing file keeps its permissions and owner; a new one gets `mode`, by default readable by everybody.
        """
        now = State.of(file)
        if now and now.content == content:
            return False
        known = self._entries.get(file)
        # If another program changed it, undoing restores that state.
        is_theirs = known is None or (now is not None and _digest(now.content) not in known.written)
        entry = _Entry(now, (), _compiled(file)) if known is None or is_theirs else known
        self._entries[file] = entry._replace(written=tuple(dict.fromkeys((*entry.written, _digest(content)))))
        self._note_folders(file)
        self.save()
        for folder in self._missing(file):
            os.mkdir(folder)
            os.chmod(folder, _PLAIN_FOLDER)
        _put(file, content, now._replace(mode=now.mode if mode is None else mode) if now else None, mode)
        return True

    def undo(self) -> Iterator[UndoneStep]:
        """Restore each file, the last one first, and remove the folders that were made; yields a result for each.

        Files that could not be undone stay in the journal; without such files the journal is removed.
        """
        for file in reversed(tuple(self._entries)):
            step = self._undone(file, self._entries[file])
            if not step.is_left:
                del self._entries[file]
            yield step
        for folder in reversed(tuple(self._folders)):
            step = _removed(folder)
            if step.outcome is not Undone.UNCHANGED:
                yield step
        self._folders = []
        if self._entries:
            self.save()
            return
        # Last of all, so that an interrupted undo can start again. Its folder was made before it could be recorded.
        _remove(self.file)
        _clear_draft(self.file)
        step = _removed(os.path.dirname(self.file))
        if step.outcome is not Undone.UNCHANGED:
            yield step

    def save(self) -> None:
        """Write the journal; raises `BadJournal`."""
        document = {
            "schema": SCHEMA,
            "files": [{"path": path, **_entry_document(entry)} for path, entry in self._entries.items()],
            "folders": self._folders,
        }
        try:
            os.makedirs(os.path.dirname(self.file), mode=_PLAIN_FOLDER, exist_ok=True)
            # The journal contains previous files, which may have been secret.
            _put(self.file, f"{json.dumps(document, indent=2)}\n".encode(), None, _SECRET_FILE)
        except OSError as error:
            raise BadJournal(
                f"{self.file}, the record that --undo needs, cannot be written: {error.strerror}.\n"
                "  hint: run the command as root    [setup-image]"
            ) from None

    def _load(self) -> None:
        try:
            with open(self.file, encoding="utf-8") as opened:
                document = json.load(opened)
            self._entries = {entry["path"]: _entry_of(entry) for entry in document["files"]}
            self._folders = [os.fspath(folder) for folder in document["folders"]]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadJournal(
                f"{self.file}, the record that --undo needs, cannot be read: {reason}.\n"
                "  hint: run the command as root; if the file is damaged, restore it from a backup    [setup-image]"
            ) from None

    def _note_folders(self, file: str) -> None:
        cache = _cache(file)
        new = [*self._missing(file), *([cache] if file.endswith(".py") and not os.path.isdir(cache) else [])]
        self._folders = list(dict.fromkeys((*self._folders, *new)))

    @staticmethod
    def _missing(file: str) -> list[str]:
        """The parent folders of `file` that do not exist, the outermost first."""
        missing = []
        folder = os.path.dirname(file)
        while not os.path.isdir(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        return missing[::-1]

    def _undone(self, file: str, entry: _Entry) -> UndoneStep:
        try:
            now = State.of(file)
            known = (*entry.written, *([_digest(entry.before.content)] if entry.before else []))
            if entry.before == now:
                outcome = Undone.UNCHANGED
            elif now is not None and _digest(now.content) in known:
                outcome = _restore(file, entry.before)
            else:
                outcome = Undone.CHANGED_SINCE
            _clear_draft(file)
            if outcome is not Undone.CHANGED_SINCE:
                _restore_compiled(file, entry.compiled)
        except OSError as error:
            return UndoneStep(file, Undone.FAILED, error.strerror or str(error))
        return UndoneStep(file, outcome)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _put(file: str, content: bytes, like: State | None, mode: int | None = None) -> None:
    """Replace `file` in one step, with the permissions and owner of `like`; without it, a new file with `mode`."""
    draft = f"{file}{_DRAFT}"
    _clear_draft(file)
    # Nobody else may read it before its permissions are set.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(draft, flags, _SECRET_FILE), "wb") as opened:
            opened.write(content)
        if os.path.lexists(file):
            # Also copies what else the system stores for a file, such as SELinux labels.
            shutil.copystat(file, draft)
            os.utime(draft)
        if like is not None and hasattr(os, "chown"):
            os.chown(draft, like.uid, like.gid)
        os.chmod(draft, like.mode if like else _PLAIN_FILE if mode is None else mode)
        os.replace(draft, file)
    except OSError:
        _clear_draft(file)
        raise


def _clear_draft(file: str) -> None:
    _remove(f"{file}{_DRAFT}")


def _remove(file: str) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.remove(file)


def _restore(file: str, before: State | None) -> Undone:
    if before is None:
        os.remove(file)
        return Undone.REMOVED
    _put(file, before.content, before)
    os.utime(file, ns=(before.changed, before.changed))
    return Undone.RESTORED


def _removed(folder: str) -> UndoneStep:
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return UndoneStep(folder, Undone.UNCHANGED)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            return UndoneStep(folder, Undone.FAILED, error.strerror or str(error))
        # Python may have put other compiled files there.
        return UndoneStep(folder, Undone.UNCHANGED if os.path.basename(folder) == _CACHE else Undone.IN_USE)
    return UndoneStep(folder, Undone.REMOVED)


def _cache(file: str) -> str:
    return os.path.join(os.path.dirname(file), _CACHE)


def _compiled_files(file: str) -> list[str]:
    """The files that Python has compiled from `file`, which any start may do."""
    stem, extension = os.path.splitext(os.path.basename(file))
    return (
        glob.glob(os.path.join(glob.escape(_cache(file)), f"{glob.escape(stem)}.*.pyc")) if extension == ".py" else []
    )


def _compiled(file: str) -> dict[str, State]:
    states = ((name, State.of(name)) for name in _compiled_files(file))
    return {name: state for name, state in states if state}


def _restore_compiled(file: str, before: dict[str, State]) -> None:
    for name in _compiled_files(file):
        if name not in before:
            os.remove(name)
    for name, state in before.items():
        if State.of(name) != state:
            _restore(name, state)


def _state_document(state: State) -> dict[str, Any]:
    return {**state._asdict(), "content": base64.b64encode(state.content).decode()}


def _state_of(document: dict[str, Any]) -> State:
    numbers = (int(document[name]) for name in State._fields[1:])
    return State(base64.b64decode(document["content"]), *numbers)


def _entry_document(entry: _Entry) -> dict[str, Any]:
    return {
        "before": _state_document(entry.before) if entry.before else None,
        "written": list(entry.written),
        "compiled": {name: _state_document(state) for name, state in entry.compiled.items()},
    }


def _entry_of(document: dict[str, Any]) -> _Entry:
    before: dict[str, Any] | None = document["before"]
    compiled: Iterable[tuple[str, dict[str, Any]]] = document["compiled"].items()
    return _Entry(
        _state_of(before) if before else None,
        tuple(str(digest) for digest in document["written"]),
        {name: _state_of(state) for name, state in compiled},
    )
