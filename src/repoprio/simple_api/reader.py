"""Turns responses of a repository into answers for a lookup, or says why one is unusable. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace

from repoprio.lookup.events import NotFound, PageFound
from repoprio.lookup.reasons import Cause
from repoprio.names import NormalizedName
from repoprio.simple_api import json_page
from repoprio.simple_api.filenames import is_distribution
from repoprio.simple_api.hrefs import hash_in
from repoprio.simple_api.json_page import MAX_FILES
from repoprio.simple_api.model import File, ParsedPage, ProjectPage, Versions, api_of
from repoprio.simple_api.response import Response, UnusableResponse
from repoprio.simple_api.screening import claims, screened, screened_files
from repoprio.urls import filename

JSON = "application/vnd.pypi.simple.v1+json"
HTML = ("text/html", "application/vnd.pypi.simple.v1+html")
# Some others, such as punycode, are extremely slow on long texts.
_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")
_ENCODINGS = (*_UTF8, "iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252", "utf-16")


def read_project_page(name: NormalizedName, response: Response, versions: Versions) -> PageFound[ProjectPage]:
    """The project page of `name` in `response`; raises `UnusableResponse`."""
    parsed = parse(response, name)
    page = replace(screened(name, parsed, versions), clocks=response.clocks)
    if not page.files and parsed.asks:
        raise UnusableResponse("its answer is a form, such as a login page, not a project page", Cause.LOGIN, asks=True)
    return PageFound(page, len(page.files), empty=not page.files and parsed.is_empty)


def read_flat_page(response: Response) -> tuple[File, ...]:
    """The files of a flat page; raises `UnusableResponse` if it may be a page of another kind, such as a login page."""
    if not is_html(response):
        raise UnusableResponse(
            f"its answer is not a page of files (content type {response.content_type or 'not stated'})",
            Cause.NOT_A_PAGE,
        )
    page = parse(response)
    if page.asks:
        raise UnusableResponse(
            "its answer is a form, such as a login page, not a page of files", Cause.LOGIN, asks=True
        )
    if not (page.has_end or response.is_delimited):
        raise UnusableResponse("the page was cut short", Cause.CUT_SHORT)
    if not lists_distributions(page.files):
        raise UnusableResponse("its page lists no files", Cause.NOT_A_PAGE)
    return page.files


def files_of(
    name: NormalizedName, files: Collection[File], page_url: str, versions: Versions
) -> PageFound[ProjectPage] | NotFound:
    """What a flat repository at `page_url`, which has the files `files`, answers for `name`.

    A file of the name that cannot be a candidate, such as one behind a link with a login, makes it serve the name too.
    """
    page = screened_files(name, files, page_url, versions)
    is_served = bool(page.files) or any(claims(name, file, versions) for file in files)
    return PageFound(page, len(page.files)) if is_served else NotFound()


def file_at(url: str) -> File:
    """The file at `url`, which is on no page."""
    return File(filename(url), url, hash_in(url))


def lists_distributions(files: Iterable[File]) -> bool:
    """Whether at least one of the files is a distribution, of any project."""
    return any(is_distribution(file.filename) for file in files)


def parse(response: Response, name: NormalizedName | None = None) -> ParsedPage:
    """The content of a valid page; raises `UnusableResponse` if it is not valid, or states another project's name."""
    text, encoding = decoded(response)
    if is_json(response):
        return json_page.parse(_json_text(text, encoding, response.body), response.url, name)
    if is_html(response):
        return _html(text, response)
    raise UnusableResponse(
        f"its answer is not a project page (content type {response.content_type or 'not stated'})", Cause.NOT_A_PAGE
    )


def is_json(response: Response) -> bool:
    """Whether `response` has the content type of JSON of the simple API."""
    return response.content_type.lower().startswith(JSON)


def is_html(response: Response) -> bool:
    """Whether `response` has the content type of HTML."""
    return response.content_type.lower().startswith(HTML)


def decoded(response: Response) -> tuple[str, str | None]:
    """The text of `response`, and the encoding that it states."""
    _, _, charset = response.content_type.lower().partition("charset=")
    encoding = charset.split(";")[0].strip("\"' ") or None
    if encoding and encoding not in _ENCODINGS:
        raise UnusableResponse(f"its page has an encoding that is not allowed ({encoding})")
    try:
        return response.body.decode(encoding or "utf-8"), encoding
    except (ValueError, LookupError):
        raise UnusableResponse("its page is broken (not in its stated encoding)") from None


def _json_text(text: str, encoding: str | None, body: bytes) -> str:
    """The text of a JSON page; it must be valid in UTF-8, which pip reads (RFC 8259), and in the stated encoding."""
    if encoding is None or encoding in _UTF8:
        return text
    try:
        json.loads(text)
        return body.decode(json.detect_encoding(body))
    except (ValueError, RecursionError):
        raise UnusableResponse("its page is broken JSON") from None


def _html(text: str, response: Response) -> ParsedPage:
    # A copy in lower case of a page of 64 MiB would be another 64 MiB.
    if text.count("<a") + text.count("<A") > MAX_FILES:
        raise UnusableResponse(f"its page lists more than {MAX_FILES} files", Cause.SIZE)
    # Imported when needed: most repositories answer in JSON.
    from repoprio.simple_api import html_page

    try:
        page = html_page.Page(text)
    except ValueError:
        raise UnusableResponse("its page is broken HTML") from None
    if not page.is_html:
        raise UnusableResponse("its page is not HTML", Cause.NOT_A_PAGE)
    if page.is_cut and not response.is_delimited:
        raise UnusableResponse("the page was cut short", Cause.CUT_SHORT)
    if page.api_version.split(".")[0] != "1":
        raise UnusableResponse("its page is of another API version", Cause.API_VERSION)
    try:
        files = page.files(response.url)
    except ValueError as error:
        raise UnusableResponse(f"its page is broken ({type(error).__name__})") from None
    return ParsedPage(
        response.url,
        api_of("HTML", page.api_version),
        files,
        status=page.status,
        is_empty=page.is_empty,
        asks=page.asks,
        has_end=page.has_end,
    )
