"""What came from a repository, read: as pip's links where it is a page, else why it is none."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from pip._internal.models.link import Link

from repoprio.lookup.events import Answer, Failed, Listed, Missing, Served
from repoprio.lookup.reasons import Cause
from repoprio.names import SDIST_ENDINGS, NormalizedName, normalize, version_in
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.compat import is_version, newest_first
from repoprio.pip_adapter.index import project_list_page, screening
from repoprio.pip_adapter.index.transport import Reply, Unusable
from repoprio.simple_api.project_list import read_project_list
from repoprio.simple_api.response import Response, UnusableResponse
from repoprio.urls import filename

# The largest pages of PyPI have some ten thousand.
MAX_FILES = 250_000
JSON = "application/vnd.pypi.simple.v1+json"
# Others, punycode say, take for ever on long texts.
_ENCODINGS = (
    "utf-8",
    "utf8",
    "us-ascii",
    "ascii",
    "iso-8859-1",
    "latin-1",
    "latin1",
    "windows-1252",
    "cp1252",
    "utf-16",
)
_METADATA = ("core-metadata", "dist-info-metadata")
_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
_API_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
HTML = ("text/html", "application/vnd.pypi.simple.v1+html")


@dataclass(frozen=True)
class PipPage:
    """What one repository offers of a name: `links` may be candidates, `dropped` may not, and why.

    `api` is what the page is written in, with its API version: "JSON 1.1"; None for files that are on no page.
    """

    name: NormalizedName
    links: tuple[Link, ...]
    dropped: tuple[tuple[str, str], ...] = ()
    api: str | None = None

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions that its files have, the newest first."""
        found = (version_in(filename(link.url), self.name, is_version) for link in self.links)
        return newest_first({version for version in found if version})


def offer(name: NormalizedName, found: list[Link], page_url: str) -> Answer[PipPage]:
    """What a flat repository at `page_url`, with all these links, has of `name`."""
    page = _page(name, found, page_url)
    return Served(page, len(page.links)) if page.links else Missing()


def served(name: NormalizedName, reply: Reply) -> Answer[PipPage]:
    """The project page of `name` in `reply`; raises `Unusable`."""
    found, api = links_on(reply, name)
    page = replace(_page(name, found, reply.url), api=api)
    if page.links or reply.content_type.lower().startswith(JSON):
        return Served(page, len(page.links), empty=not found)
    html = project_list_page.html_page(_decoded(reply)[0])
    if html.asks:
        raise Unusable("its answer is a form, such as a login page, and no project page", Cause.LOGIN, asks=True)
    return Served(page, 0, empty=html.empty)


def _page(name: NormalizedName, found: list[Link], page_url: str) -> PipPage:
    kept, dropped = [], []
    for link in found:
        python = link.requires_python or ""
        why = screening.problem(
            link.url, page_url, name, has_hash=link.has_hash, requires_python=python, is_version=is_version
        )
        if why:
            dropped.append((filename(link.url), why))
        else:
            kept.append(link)
    return PipPage(name, tuple(kept), tuple(dropped))


def links_on(reply: Reply, name: NormalizedName | None = None) -> tuple[list[Link], str]:
    """All links on a page that is valid, and of `name` where it says whose it is, and its API; else `Unusable`."""
    kind = reply.content_type.lower()
    text, encoding = _decoded(reply)
    if kind.startswith(JSON):
        api = f"JSON {_tidy(_check_json(text, name))}"
    elif kind.startswith(HTML):
        api = f"HTML {_tidy(_check_html(text, is_delimited=reply.is_delimited))}"
    else:
        raise Unusable(
            f"its answer is no project page (content type {reply.content_type or 'not stated'})", Cause.NOT_A_PAGE
        )
    try:
        return compat.links_of(reply.body, reply.content_type, encoding, reply.url), api
    except Exception as error:  # noqa: BLE001 - a page that pip cannot read is no usable answer
        raise Unusable(f"its page is broken ({type(error).__name__})") from None


def _tidy(api_version: str) -> str:
    """An API version as it may be shown: what a page states can be anything behind the dot."""
    return api_version if _API_VERSION.fullmatch(api_version) else "1"


def _decoded(reply: Reply) -> tuple[str, str | None]:
    _, _, charset = reply.content_type.lower().partition("charset=")
    encoding = charset.split(";")[0].strip("\"' ") or None
    if encoding and encoding not in _ENCODINGS:
        raise Unusable(f"its page is in an encoding that pages are not in ({encoding})")
    try:
        return reply.body.decode(encoding or "utf-8"), encoding
    except (ValueError, LookupError):
        raise Unusable("its page is broken (not in the encoding that it states)") from None


def _check_html(text: str, *, is_delimited: bool) -> str:
    """The API version; `Unusable` unless it is 1.x, and this a whole page as far as can be told."""
    if text.lower().count("<a") > MAX_FILES:
        raise Unusable(f"its page lists more than {MAX_FILES} files", Cause.SIZE)
    try:
        page = project_list_page.html_page(text)
    except ValueError:
        raise Unusable("its page is broken HTML") from None
    if not page.is_html:
        raise Unusable("its page is no HTML", Cause.NOT_A_PAGE)
    if page.unended and not is_delimited:
        raise Unusable("the page was cut short", Cause.CUT_SHORT)
    if page.api_version.split(".")[0] != "1":
        raise Unusable("its page is of another API version", Cause.API_VERSION)
    return page.api_version


def _check_json(text: str, name: NormalizedName | None) -> str:
    """The API version; `Unusable` unless it is 1.x, and this a project page of `name` (PEP 691)."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable("its page is broken JSON") from None
    files = document.get("files") if isinstance(document, dict) else None
    if not isinstance(files, list) or not all(_is_file(file) for file in files):
        raise Unusable("its page is JSON of another shape")
    if len(files) > MAX_FILES:
        raise Unusable(f"its page lists more than {MAX_FILES} files", Cause.SIZE)
    if project_list_page.api_version(document).split(".")[0] != "1":
        raise Unusable("its page is of another API version", Cause.API_VERSION)
    stated = document.get("name", name)
    if name is not None and (not isinstance(stated, str) or normalize(stated) != name):
        raise Unusable("its page is that of another project", Cause.OTHER_PROJECT)
    return project_list_page.api_version(document)


def _is_file(file: object) -> bool:
    return (
        isinstance(file, dict)
        and isinstance(file.get("url"), str)
        and isinstance(file.get("filename"), str)
        and _are_hashes(file.get("hashes", {}))
        and all(_are_hashes(file[key]) for key in _METADATA if isinstance(file.get(key), dict))
        and isinstance(file.get("requires-python"), str | None)
        and _is_moment(file.get("upload-time"))
    )


def _is_moment(value: object) -> bool:
    """Whether this can be an upload-time: with its offset from UTC (PEP 700), or none at all."""
    return value is None or (isinstance(value, str) and _OFFSET.search(value) is not None)


def _are_hashes(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(digest, str) for digest in value.values())


def listed(reply: Reply) -> Listed | Failed:
    """The project list in `reply`; raises `Unusable` where it is not in the encoding that it states."""
    try:
        return read_project_list(Response(reply.url, reply.body, reply.content_type, reply.is_delimited))
    except UnusableResponse as error:
        raise Unusable(str(error), error.cause) from None


def lists_files(found: list[Link]) -> bool:
    """Whether one of the links leads to a distribution file, whosever it is."""
    return any(filename(link.url).endswith((*SDIST_ENDINGS, ".whl")) for link in found)


def flat_links(reply: Reply) -> list[Link]:
    """The links of a flat page; `Unusable` where it may be something else, for what it lacks would be absent."""
    if not reply.content_type.lower().startswith(HTML):
        raise Unusable(
            f"its answer is no page of files (content type {reply.content_type or 'not stated'})", Cause.NOT_A_PAGE
        )
    found, _ = links_on(reply)
    page = project_list_page.html_page(_decoded(reply)[0])
    if page.asks:
        raise Unusable("its answer is a form, such as a login page, and no page of files", Cause.LOGIN, asks=True)
    if not (page.ended or reply.is_delimited):
        raise Unusable("the page was cut short", Cause.CUT_SHORT)
    if not lists_files(found):
        raise Unusable("its page lists no file at all", Cause.NOT_A_PAGE)
    return found
