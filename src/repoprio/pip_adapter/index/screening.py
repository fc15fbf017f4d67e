"""Which links on a page can be candidates at all, before pip's own filters see them. Knows no pip."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from repoprio.names import SDIST_ENDINGS, NormalizedName, normalize, version_in
from repoprio.urls import filename

# Python may refuse to read a longer number (its integer string conversion limit): pip ends in a traceback then.
_ENDLESS = re.compile(r"[0-9]{640}")


def problem(
    url: str,
    page_url: str,
    name: NormalizedName,
    *,
    has_hash: bool,
    requires_python: str = "",
    is_version: Callable[[str], bool],
) -> str | None:
    """Why the file at `url`, listed on the page at `page_url`, is no candidate for `name`; None if it is one."""
    try:
        link, page = urlsplit(url), urlsplit(page_url)
        file = filename(url)
    except ValueError:
        return "not a URL"
    over_http = page.scheme in ("http", "https")
    if over_http and link.scheme not in ("http", "https"):
        return f"a {link.scheme}: link on a page that came over HTTP"
    if page.scheme == "https" and link.scheme == "http" and not has_hash:
        return "an http: file without a hash on an https: page"
    if page.scheme == "https" and link.scheme == "http" and link.netloc == page.netloc:
        # pip takes logins by host and port alone, and would send this one in clear.
        return "an http: file of the https: page's own host"
    if over_http and "@" in link.netloc:
        return "a link that carries credentials"
    if any(ord(character) < 32 or character in "/\\\x7f" for character in file):
        return "a file name with separators or control characters"
    if _ENDLESS.search(f"{file} {requires_python}"):
        return "a number that is too long for any version"
    if version_in(file, name, is_version) is None:
        return _misnamed(file, name)
    return None


def _misnamed(file: str, name: NormalizedName) -> str:
    """What is wrong with the name of a file that is no version of `name`."""
    if not file.endswith((".whl", *SDIST_ENDINGS)):
        return "neither a wheel nor an sdist"
    if file.endswith(".whl") and normalize(file.partition("-")[0]) == name:
        return "not named as a wheel is"
    return "a file of another project"
