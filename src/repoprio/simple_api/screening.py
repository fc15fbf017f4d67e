"""Drops files of a page that cannot be candidates, before pip's own filters see them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product
from urllib.parse import urlsplit

from repoprio.names import NormalizedName, normalize
from repoprio.simple_api.filenames import is_distribution, is_wheel, version_in, wheel_tags
from repoprio.simple_api.model import File, ParsedPage, ProjectPage, Versions

# URLs that need no closer look: without a login, with an ordinary host.
_CLEAR = re.compile(r"(https?)://([A-Za-z0-9.:-]+)/", re.ASCII)
# Python may refuse to read a longer number (its integer string conversion limit), and pip then ends in a traceback.
_LONG = 640
_ENDLESS = re.compile(rf"[0-9]{{{_LONG}}}")
_DIGEST = re.compile("[0-9a-f]+")
_ODD_NAME = re.compile(r"[\x00-\x1f/\\\x7f]")


def screened(name: NormalizedName, page: ParsedPage, versions: Versions) -> ProjectPage:
    """The files of `name` on `page`, screened."""
    return _screened(name, page.files, page.url, versions, page)


def screened_files(name: NormalizedName, files: Iterable[File], page_url: str, versions: Versions) -> ProjectPage:
    """Those of `files` that are files of `name`, screened; `page_url` is the flat repository that lists them.

    A flat repository has the files of many projects: those of others are no problem, and are not noted as dropped.
    """
    own_files = [file for file in files if claims(name, file, versions) or _is_misnamed_wheel(file.filename, name)]
    return _screened(name, own_files, page_url, versions, None)


def _screened(
    name: NormalizedName, files: Iterable[File], page_url: str, versions: Versions, page: ParsedPage | None
) -> ProjectPage:
    kept, dropped, claimed_versions = [], [], set()
    place = _Place(page_url)
    for file in files:
        why = place.rejects(file) or _misspelled(file)
        version = None if why else version_in(file.filename, name, versions.is_version)
        if version is None:
            dropped.append((file.filename, why or _misnamed(file.filename, name)))
        else:
            kept.append(file)
            claimed_versions.add(version)
    return ProjectPage(
        name,
        page_url,
        tuple(kept),
        frozenset(claimed_versions),
        tuple(dropped),
        api=page.api if page else None,
        status=page.status if page else None,
        stated_versions=page.stated_versions if page else None,
    )


def claims(name: NormalizedName, file: File, versions: Versions) -> bool:
    """Whether `file` has a name of project `name`; for an odd name, whether it may have."""
    return version_in(file.filename, name, _any_text if _misspelled(file) else versions.is_version) is not None


def _any_text(_: str) -> bool:
    return True


class _Place:
    """The URL of a page; most of its files lie on one site, which is checked once."""

    def __init__(self, page_url: str) -> None:
        self._page_url = page_url
        self._clear = _CLEAR.match(page_url)
        self._last = "?"

    def rejects(self, file: File) -> str | None:
        """Why the URL of a file is not accepted; None if it is."""
        if file.url.startswith(self._last):
            return None
        here, there = self._clear, _CLEAR.match(file.url)
        if there and here and (there[1] == "https" or here[1] == "http"):
            self._last = there[0]
            return None
        return _misplaced(file, self._page_url)


def _misplaced(file: File, page_url: str) -> str | None:
    try:
        link, page = urlsplit(file.url), urlsplit(page_url)
    except ValueError:
        return "not a URL"
    over_http = page.scheme in ("http", "https")
    if over_http and link.scheme not in ("http", "https"):
        return f"a {link.scheme}: link on a page that came over HTTP"
    if page.scheme == "https" and link.scheme == "http" and not _is_hashed(file):
        return "an http: file without a hash on an https: page"
    if page.scheme == "https" and link.scheme == "http" and link.netloc == page.netloc:
        # pip chooses logins by host and port only, and would send this one unencrypted.
        return "an http: file of the https: page's own host"
    if over_http and "@" in link.netloc:
        return "a link that contains credentials"
    return None


def _is_hashed(file: File) -> bool:
    """Whether every pip verifies the file's hash; pip before 22.2 accepts lower-case digits only."""
    return any(_DIGEST.fullmatch(digest) for digest in file.hashes.values())


def _misspelled(file: File) -> str | None:
    filename, python = file.filename, file.requires_python
    # Faster than a pattern.
    is_plain = filename.isprintable() and "/" not in filename and "\\" not in filename
    if not is_plain and _ODD_NAME.search(filename):
        return "a file name with separators or control characters"
    if len(filename) + len(python or "") >= _LONG and _ENDLESS.search(f"{filename} {python}"):
        return "a number that is too long for any version"
    return None


def _misnamed(filename: str, name: NormalizedName) -> str:
    """Why the name of a file does not state a version of `name`."""
    if not is_distribution(filename):
        return "neither a wheel nor an sdist"
    return "not named as a wheel is" if _is_misnamed_wheel(filename, name) else "a file of another project"


def _is_misnamed_wheel(filename: str, name: NormalizedName) -> bool:
    """Whether a file that states no version of `name` is a wheel with that name in its first part."""
    return is_wheel(filename) and normalize(filename.partition("-")[0]) == name


class Tags:
    """The wheel tags (PEP 425) that an environment supports, each as ``cp312-cp312-linux_x86_64``."""

    def __init__(self, supported: Iterable[str]) -> None:
        self._supported = frozenset(supported)
        tags = [tag.split("-", 2) for tag in self._supported]
        self._columns = tuple(frozenset(tag[place] for tag in tags) for place in range(3))
        self._known: dict[str, bool] = {}

    def may_take(self, file: File) -> bool:
        """Whether `file` is no wheel, or one that may fit; False if pip would certainly reject its tags.

        pip does not check the tags of a link with an ``egg`` fragment.
        """
        filename = file.filename
        if not is_wheel(filename) or "egg=" in file.url:
            return True
        # Everything after the version, which is faster to find than the tags alone.
        rest = filename.partition("-")[2].partition("-")[2]
        known = self._known.get(rest)
        if known is None:
            known = self._known[rest] = self._fits(wheel_tags(filename).lower())
        return known

    def _fits(self, tags: str) -> bool:
        # Combine known tags only: a name may stand for billions of tags.
        parts = zip(self._columns, tags.split("-"), strict=True)
        known = [sorted(column.intersection(part.split("."))) for column, part in parts]
        return any("-".join(tag) in self._supported for tag in product(*known))
