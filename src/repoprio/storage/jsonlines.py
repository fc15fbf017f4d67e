"""Appends lines to a file to which other processes append too, each line completely or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from repoprio.environments import owners

# O_NONBLOCK: a pipe without a reader must not block pip. O_NOCTTY: no terminal may become pip's own.
_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_APPEND
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
# The seconds to wait for the lock, which is held for a single write.
_PATIENCE = 5.0
_PAUSE = 0.01
_LOCKED_BYTE = 2**30


def append(file: str, lines: Sequence[str]) -> None:
    """Append the lines, in UTF-8; raises `OSError` if not all of them could be written."""
    descriptor = os.open(file, _FLAGS | _not_through_links_of_others(file), 0o600)
    try:
        with _locked(descriptor) as is_locked:
            for line in lines:
                _write(descriptor, f"{line}\n".encode("utf-8", "backslashreplace"), may_undo=is_locked)
    finally:
        os.close(descriptor)


def _not_through_links_of_others(file: str) -> int:
    """The flag for `open` that refuses links, 0 if `file` is a link; raises `OSError` for another user's link.

    In /tmp, for example, another user's link could lead to a file of this user.
    """
    if link := owners.link_of_another(file):
        raise OSError(errno.ELOOP, f"{link} is a link that belongs to another user")
    return 0 if os.path.islink(file) else getattr(os, "O_NOFOLLOW", 0)


def _write(descriptor: int, content: bytes, *, may_undo: bool) -> None:
    """Write in one call, so that O_APPEND puts it at the end; an incomplete line (full disk) is removed again."""
    status = os.fstat(descriptor)
    written = os.write(descriptor, content)
    if written == len(content):
        return
    if may_undo and stat.S_ISREG(status.st_mode):
        os.ftruncate(descriptor, status.st_size)
    raise OSError(0, "only a part of a line could be written")


@contextmanager
def _locked(descriptor: int) -> Iterator[bool]:
    """Lock the file meanwhile; yields whether that worked: some files cannot be locked, and the wait is limited."""
    end = time.monotonic() + _PATIENCE
    is_locked = _lock(descriptor)
    while is_locked is False and time.monotonic() < end:
        time.sleep(_PAUSE)
        is_locked = _lock(descriptor)
    try:
        yield bool(is_locked)
    finally:
        if is_locked:
            with suppress(OSError):
                _unlock(descriptor)


if sys.platform == "win32":
    import msvcrt

    # What Microsoft's _locking says of bytes that another process has locked.
    _OF_ANOTHER = (errno.EACCES, errno.EDEADLK)

    def _lock(descriptor: int) -> bool | None:
        """Whether it is locked now: False if another process has the lock, None if it cannot be locked."""
        try:
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            # A pipe or a console has no bytes to be locked.
            return False if error.errno in _OF_ANOTHER else None
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> bool | None:
        """Whether it is locked now: False if another process has the lock, None if it cannot be locked."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
