"""Opens policy files and reads their text.

This module imports as little as possible: every pip without a policy pays for it.
"""

from __future__ import annotations

import os
import re
import stat
import sys

# No policy is that long; a device, or a file named by mistake, may be.
SIZE_LIMIT = 2**20


class Unreadable(ValueError):
    """A file cannot be read; the text is the rest of a sentence that begins with the file."""


def toml_text(file: str) -> str:
    """The text of a policy file in TOML; raises `Unreadable` with the reason if it cannot be read."""
    content = _content(file)
    if content is None:
        _check_listable(file)
        raise Unreadable(absence(file))
    return _decoded(content.removeprefix(b"\xef\xbb\xbf"), "utf-8").replace("\r\n", "\n")


def pip_text(file: str) -> str | None:
    """The text of one of pip's files as pip reads it, None if there is no file; raises `Unreadable`."""
    content = _content(file)
    if content is None:
        return None
    import locale

    encoding = "utf-8" if sys.flags.utf8_mode else locale.getpreferredencoding(do_setlocale=False)
    return _decoded(content, encoding).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise Unreadable("is UTF-16 text, as Windows PowerShell's > writes it: save it as UTF-8") from None
        raise Unreadable(f"is not {encoding.upper()} text (byte {error.start})") from None


def absolute(file: str) -> str:
    """The absolute path of `file`; a URL, which no file can be, stays, so that a login in it is recognized."""
    return file if "://" in file else os.path.abspath(file)


def absence(file: str) -> str:
    """Why `file` cannot have a text, as the rest of a sentence that begins with it; "" for a regular file."""
    if os.path.isfile(file):
        return ""
    if os.path.isdir(file):
        return "is a folder, not a file"
    if os.path.exists(file):
        return "is not a regular file"
    return "is a URL, and a policy is only read from a file" if "://" in file else "does not exist"


def _check_listable(folder: str) -> None:
    try:
        os.listdir(folder)
    except PermissionError as error:
        raise Unreadable(f"cannot be read: {error.strerror}{_mode(folder)}") from None
    except OSError:
        return


def _content(file: str) -> bytes | None:
    """The content of `file`; None if it is not a regular file: a pipe would be emptied, a device might never end."""
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            return None
        with open(file, "rb") as opened:
            content = opened.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:
        if not isinstance(error, PermissionError) and not is_seen(file):
            # A missing file, a name that is too long, a loop of links: pip ignores all of these.
            return None
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreadable(f"cannot be read: {reason}{_mode(file)}") from None
    if len(content) > SIZE_LIMIT:
        raise Unreadable(f"is larger than {SIZE_LIMIT // 2**20} MiB: not a policy")
    return content


def _mode(file: str) -> str:
    """Mode and owner of `file`, or of the nearest folder above it that can be seen."""
    # Imported only where something is wrong.
    from repoprio.users import user_name

    seen = file
    while True:
        try:
            status = os.stat(seen)
        except (OSError, ValueError):
            seen, below = os.path.dirname(seen), seen
            if seen in ("", below):
                return ""
            continue
        subject = "" if seen == file else f"{seen}: "
        return f" ({subject}mode {status.st_mode & 0o7777:o}, owner {user_name(status.st_uid)})"


def is_seen(path: str) -> bool:
    """Whether `path` exists and may be examined; the root always counts as seen."""
    try:
        os.stat(path)
    except OSError:
        return path == os.path.dirname(path)
    return True


def may_have_policy(file: str) -> bool:
    """Whether pip's `file` may have settings of repoprio; an unreadable one may."""
    try:
        content = _content(file)
    except Unreadable:
        return True
    return content is not None and mentions(content.decode("ascii", "replace"))


def mentions(text: str) -> bool:
    """Whether the `text` of one of pip's files has the section ``[repoprio]``, keys of a policy, or a misspelled one.

    The fuse does not count, nor does a path or a comment with the word: without a policy nothing changes.
    """
    # Lines as pip reads them: they may end in a single CR, and begin with any white space, such as a no-break space.
    # Bytes that are not ASCII are not decoded yet, so any of them may be white space.
    ours = r"\[[^\r\n]*repo[-_]?prio|(--)?repoprio\.|(--|\[)?(repositories|pins)\."
    return re.search(rf"(?im)(^|\r)[^!-~\r\n]*({ours})", text) is not None
