"""The pages of a repository: PEP 503 HTML, PEP 691 JSON, and a flat list of links."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .clocks import upload_time
from .files import BuiltFile

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "text/html; charset=utf-8"
API_VERSION = "1.0"


@dataclass(frozen=True)
class Page:
    """The body of an answer and its media type."""

    body: str
    content_type: str


def project_json(name: str, files: Sequence[BuiltFile], base: str, api_version: str = API_VERSION) -> Page:
    """Return the JSON page of a project whose files lie below the URL `base`."""
    entries = [_entry(file, base) for file in files]
    return _json({"meta": {"api-version": api_version}, "name": name, "files": entries})


def project_html(name: str, files: Sequence[BuiltFile], base: str, api_version: str = API_VERSION) -> Page:
    """Return the HTML page of a project whose files lie below the URL `base`."""
    return _html(f"Links for {name}", [_anchor(file, base) for file in files], api_version)


def list_json(names: Iterable[str]) -> Page:
    """Return the JSON list of projects."""
    projects = [{"name": name} for name in names]
    return _json({"meta": {"api-version": API_VERSION}, "projects": projects})


def list_html(names: Iterable[str]) -> Page:
    """Return the HTML list of projects."""
    links = [_link(f"{quote(name)}/", name, {}) for name in names]
    return _html("Simple index", links, API_VERSION)


def login_page() -> Page:
    """Return the page that a proxy sends instead when somebody must sign in."""
    form = '<form method="post" action="/login"><input name="user"><input name="password"></form>'
    return Page(f"<!DOCTYPE html><html><body>{form}</body></html>\n", HTML_TYPE)


def _json(document: Mapping[str, Any]) -> Page:
    return Page(json.dumps(document), JSON_TYPE)


def _entry(file: BuiltFile, base: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "filename": file.filename,
        "url": base + quote(file.filename),
        "hashes": {"sha256": file.sha256},
        "yanked": file.spec.yanked or False,
    }
    if file.spec.requires_python is not None:
        entry["requires-python"] = file.spec.requires_python
    if file.metadata_sha256 is not None:
        entry["core-metadata"] = {"sha256": file.metadata_sha256}
    if file.spec.uploaded is not None:
        entry["upload-time"] = upload_time(file.spec.uploaded)
    return entry


def _anchor(file: BuiltFile, base: str) -> str:
    facts: dict[str, str] = {}
    if file.spec.requires_python is not None:
        facts["data-requires-python"] = file.spec.requires_python
    if file.spec.yanked:
        facts["data-yanked"] = file.spec.yanked if isinstance(file.spec.yanked, str) else ""
    if file.metadata_sha256 is not None:
        facts["data-core-metadata"] = f"sha256={file.metadata_sha256}"
    return _link(f"{base}{quote(file.filename)}#sha256={file.sha256}", file.filename, facts)


def _link(href: str, text: str, facts: Mapping[str, str]) -> str:
    attributes = "".join(f' {key}="{html.escape(value)}"' for key, value in facts.items())
    return f'<a href="{html.escape(href)}"{attributes}>{html.escape(text)}</a><br>'


def _html(title: str, links: Iterable[str], api_version: str) -> Page:
    lines = [
        "<!DOCTYPE html>",
        "<html><head>",
        f'<meta name="pypi:repository-version" content="{html.escape(api_version)}">',
        f"<title>{html.escape(title)}</title>",
        "</head><body>",
        *links,
        "</body></html>",
    ]
    return Page("\n".join(lines) + "\n", HTML_TYPE)
