"""What the gateway takes from its surroundings, as pip does: the logins of netrc, and proxies."""

from __future__ import annotations

import netrc
import os
from urllib import request

from yarl import URL

from repoprio.errors import RepoprioError
from repoprio.lookup.reasons import Cause
from repoprio.simple_api.response import UnusableResponse
from repoprio.urls import site


class UnreadableLogins(RepoprioError):
    """There is a netrc file, and it cannot be read."""


def netrc_logins() -> netrc.netrc | None:
    """The logins of netrc, at the place where pip finds it; None if there is none.

    Raises `UnreadableLogins`: without its login, a repository may hide names, which a lower one would get then.
    """
    named = os.environ.get("NETRC")
    places = map(os.path.expanduser, [named] if named else ["~/.netrc", "~/_netrc"])
    file = next((place for place in places if named or os.path.lexists(place)), None)
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


def proxy(url: str) -> str | None:
    """The proxy that the environment names for `url`, as pip reads it; None if there is none.

    Raises `UnusableResponse` if it is not one that aiohttp can use.
    """
    asked = site(url)
    named = request.getproxies()
    address = named.get(asked.scheme) or named.get("all")
    if not address or request.proxy_bypass(f"{asked.host}:{asked.port}"):
        return None
    address = address if "://" in address else f"http://{address}"
    if not _is_web(address):
        problem = "the environment names a proxy that is no http: or https: URL"
        raise UnusableResponse(problem, Cause.PROXY, lasting=True)
    return address


def _is_web(url: str) -> bool:
    try:
        known = URL(url)
    except ValueError:
        return False
    return known.scheme in ("http", "https") and bool(known.host)
