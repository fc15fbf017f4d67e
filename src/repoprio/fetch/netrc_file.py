"""Reads the logins of netrc, at the place where pip finds them."""

from __future__ import annotations

import netrc
import os

from repoprio.errors import RepoprioError


class UnreadableLogins(RepoprioError):
    """There is a netrc file, and it cannot be read."""


def logins() -> netrc.netrc | None:
    """The logins of netrc, at the place where pip finds it; None if there is none, or if NETRC is empty.

    Raises `UnreadableLogins`: without its login, a repository may hide names, which a lower one would get then.
    """
    named = os.environ.get("NETRC")
    if named is not None:
        # Unlike pip: a file that somebody names must exist.
        return _read(os.path.expanduser(named)) if named else None
    file = next(filter(os.path.exists, map(os.path.expanduser, ("~/.netrc", "~/_netrc"))), None)
    return _read(file) if file else None


def _read(file: str) -> netrc.netrc:
    try:
        return netrc.netrc(file)
    except OSError as error:
        raise _unreadable(file, error.strerror or "not a file") from None
    except netrc.NetrcParseError as error:
        # Its text may have a password in it.
        raise _unreadable(file, f"it is not understood near line {error.lineno}") from None
    except UnicodeError:
        raise _unreadable(file, "it is not UTF-8") from None


def _unreadable(file: str, problem: str) -> UnreadableLogins:
    hint = f"correct it, or name another file in NETRC ({os.devnull}: no logins)"
    return UnreadableLogins(f"the logins in {file} cannot be read: {problem}\n  hint: {hint}    [netrc]")
