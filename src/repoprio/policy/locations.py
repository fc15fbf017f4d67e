"""Turns the URL that a policy states for a repository into the location that is asked. Pure."""

from __future__ import annotations

import ntpath
import posixpath
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import quote, unquote, urlsplit

from repoprio.policy.model import PYPI, Format, Location, Repository
from repoprio.redaction import display_url, redact_text
from repoprio.urls import credentials, site, without_credentials

_IS_WINDOWS = sys.platform == "win32"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class NotALocation(ValueError):
    """A text cannot be a repository's URL; the message is the rest of a sentence that begins with that text."""


def location(written: str, environ: Mapping[str, str], default_index: str) -> Location:
    """The location that `written` means. `${VAR}` is read from `environ`; the location names variables without a value.

    `default_index` is the URL that the alias ``pypi`` stands for. Raises `NotALocation`.
    """
    if "${" in _VARIABLE.sub("", written):
        raise NotALocation("has a ${ that begins no variable: write ${NAME}")
    unset = tuple(v for v in variables(written) if v not in environ)
    url = _VARIABLE.sub(lambda match: environ.get(match[1], match[0]), written)
    url = default_index if url == PYPI else as_url(url, home(environ))
    if unset:
        return Location(redact_text(written), redact_text(written), unset=unset)
    scheme, separator, rest = url.partition("://")
    url = f"{scheme.lower()}{separator}{rest}" if separator else url
    if problem := _problem(url):
        raise NotALocation(problem)
    user, password = credentials(url) or (None, "")
    return Location(display_url(written), without_credentials(url), user, password)


def is_at(repository: Repository, written: str, kind: Format, home: str) -> bool:
    """Whether a caller's URL or path means `repository`; `kind` is what the caller takes it for, simple or flat."""
    try:
        return repository.format is kind and repository.is_at(as_url(written, home))
    except ValueError:
        return False


def home(environ: Mapping[str, str]) -> str:
    """The folder that a ~ stands for, "" if unknown; as Python on Windows, which does not read HOME there."""
    return environ.get("USERPROFILE" if _IS_WINDOWS else "HOME", "")


def variables(written: str) -> list[str]:
    """The names of the variables in `written`."""
    return _VARIABLE.findall(written)


def with_login(locations: Iterable[Location], environ: Mapping[str, str], name: str) -> tuple[Location, ...]:
    """A repository's URL and its mirrors; those at the site of its URL get the login from the environment."""
    locations = list(locations)
    for number, location in enumerate(locations):
        usable = location.url.startswith("http") and not (location.unset or locations[0].unset)
        if usable and location.user is None and site(location.url) == site(locations[0].url or location.url):
            user, password = _login(environ, name)
            locations[number] = replace(location, user=user, password=password)
    return tuple(locations)


def variable_of(name: str) -> str:
    """The prefix of the variables that hold a repository's login."""
    return f"REPOPRIO_{name.upper().replace('-', '_')}"


def _login(environ: Mapping[str, str], name: str) -> tuple[str | None, str]:
    """User name and password from REPOPRIO_<NAME>_USERNAME and _PASSWORD; a password alone is a token."""
    user, password = environ.get(f"{variable_of(name)}_USERNAME"), environ.get(f"{variable_of(name)}_PASSWORD", "")
    return (user, password) if user or not password else ("__token__", password)


def spellings(secrets: Iterable[str]) -> frozenset[str]:
    """Secrets as they are, and as they may appear in URLs; without short ones, which would match ordinary words."""
    texts = (text for secret in secrets for text in _spellings(secret))
    return frozenset(text for text in texts if len(text) >= 4)


def _spellings(secret: str) -> tuple[str, ...]:
    plain = unquote(secret)
    return secret, plain, quote(secret, safe=""), quote(plain, safe=""), quote(plain)


def as_url(text: str, home: str) -> str:
    """A path as its file: URL; any other text as it is."""
    if text.startswith(("~/", "~\\") if _IS_WINDOWS else "~/") and home:
        text = posixpath.join(home, text[2:])
    if "://" in text:
        return text
    if text.startswith("/"):
        return f"file://{quote(text)}"
    drive, path = ntpath.splitdrive(text)
    if not drive or (drive.endswith(":") and path[:1] not in ("/", "\\")):
        return text
    # A drive (C:) belongs to the path; of a share (\\server\share) the server is the URL's host.
    begin = f"file:///{drive}" if drive.endswith(":") else f"file:{quote(drive.replace(ntpath.sep, '/'))}"
    return begin + quote(path.replace(ntpath.sep, "/"))


def _problem(url: str) -> str | None:
    """What is wrong with `url` as the URL of a repository, or None."""
    if url == PYPI:
        return None
    try:
        parts, where = urlsplit(url), site(url)
    except ValueError:
        # Python's own message may quote a part of a password.
        return "is not a URL: its host or port is invalid (in a password, write / as %2F, # as %23, ? as %3F)"
    if where.scheme not in ("http", "https", "file"):
        return 'is not an http:, https: or file: URL, an absolute path (or ~/...), or "pypi"'
    if where.scheme != "file" and not where.host:
        return "is a URL without a host"
    # Only Windows opens the shares of other hosts.
    if where.scheme == "file" and ((where.host and not _IS_WINDOWS) or not parts.path.startswith("/")):
        return "is not the file: URL of an absolute path on this machine"
    if parts.query or parts.fragment or any(c.isspace() for c in url):
        return "is not the URL of a repository: it has a query, a fragment or white space"
    return None
