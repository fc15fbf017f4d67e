"""Why a file of a page is no candidate."""

from __future__ import annotations

from repoprio.names import NormalizedName
from repoprio.simple_api.model import File, ParsedPage, Versions
from repoprio.simple_api.screening import screened


def rejection(name: NormalizedName, file: File, page_url: str, versions: Versions) -> str | None:
    """Why `file`, on the page at `page_url`, is no candidate for `name`; None if it is one."""
    dropped = screened(name, ParsedPage(page_url, "HTML 1.0", (file,)), versions).dropped
    return dropped[0][1] if dropped else None
