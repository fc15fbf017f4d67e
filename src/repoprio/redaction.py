"""Makes text safe to print: no logins, no control characters, not too long. Pure.

Secrets of a policy are replaced in all output: see `repoprio.output`.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

from repoprio.names import is_project_name
from repoprio.urls import site, without_credentials

HIDDEN = "****"
_LONGEST_NAME = 200
_URL_START = re.compile(r"""(?<![^\s'"(<=@,])(?=[A-Za-z][A-Za-z0-9+.-]*://)""")
# To the last @ that something follows, and to the end of that word.
_URL_OR_LOGIN = re.compile(r"(?:.*@(?=\S))?\S*", re.DOTALL)
# Only a word that is no URL has one left.
_WORD_LOGIN = re.compile(r"(?<!\S)(?:(?!://)\S)+@(?=\S)")


def redact_url(url: str) -> str:
    """`url` without credentials, query and fragment; for URLs that a program made."""
    try:
        parts: SplitResult = urlsplit(without_credentials(url))
    except ValueError:
        return "(not a URL)"
    return urlunsplit(parts._replace(query="", fragment=""))


def redact_text(text: str) -> str:
    """`text` with `HIDDEN` for anything that could be a login or a token, even if `text` is no valid URL."""
    scheme, separator, rest = text.partition("://") if "://" in text else ("", "", text)
    visible = re.split(r"[?#]", rest, maxsplit=1)[0]
    # After a certain host, an @ belongs to the path; otherwise everything before the last @ may be a login.
    end = visible.find("/") if _has_host(f"{scheme}://{visible}") else len(visible)
    login, at, _ = visible[: end if end >= 0 else len(visible)].rpartition("@")
    hidden = _without_odd_port(visible) if separator else visible
    if at:
        hidden = f"{HIDDEN}@{visible[len(login) + 1 :]}"
    return f"{scheme}{separator}{hidden}{f'?{HIDDEN}' if visible != rest else ''}"


def redact_words(text: str) -> str:
    """`text` of several lines with each URL redacted, and each word with an @ in it.

    A URL ends where the next one begins, and may have spaces up to its last @: the login of one that is not valid.
    """
    parts = [part for line in text.split("\n") for part in (*_URL_START.split(line), "\n")][:-1]
    redacted = (_url_redacted(part) if "://" in part else part for part in parts)
    return _WORD_LOGIN.sub(f"{HIDDEN}@", "".join(redacted))


def redact_name(text: str) -> str:
    """A name or version from an untrusted source: without logins, and of limited length."""
    return truncate(text if is_project_name(text) else redact_text(text), _LONGEST_NAME)


def display_url(text: str) -> str:
    """`text` as `redact_text` makes it, but without a mark in place of the login."""
    return redact_text(text).replace(f"{HIDDEN}@", "")


def printable(text: str) -> str:
    """`text` with ? for each control character, so that it cannot move a terminal's cursor."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def escape_controls(text: str) -> str:
    r"""`text` with each control character written out, such as ``\x1b``: for file names."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def truncate(text: str, length: int) -> str:
    """The first `length` characters of `text`, with ``...`` after them if there are more."""
    return text if len(text) <= length else f"{text[:length]}..."


def _url_redacted(text: str) -> str:
    """`text`, which begins with a URL, with that redacted."""
    end = len(_URL_OR_LOGIN.match(text)[0])  # type: ignore[index]  # it matches any text
    return redact_text(text[:end]) + text[end:]


def _without_odd_port(visible: str) -> str:
    """`visible` without a port that is not a number: if the host was forgotten, that is a password."""
    host, colon, port = visible.partition("/")[0].rpartition(":")
    odd = colon and port and not port.isdecimal() and not port.endswith("]")
    return f"{host}:{HIDDEN}{visible[len(host) + 1 + len(port) :]}" if odd else visible


def _has_host(url: str) -> bool:
    """Whether `url` certainly names a host: a password with a / in it looks like one too, but rarely has a dot."""
    try:
        host = site(url).host
    except ValueError:
        return False
    return "." in host or host == "localhost"
