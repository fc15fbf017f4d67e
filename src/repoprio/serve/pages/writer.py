"""Writes project pages in JSON (PEP 691) and HTML (PEP 503), with all facts of the repository's page. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from html import escape
from typing import Any
from urllib.parse import urljoin

import orjson

from repoprio.serve.pages.offers import Offer
from repoprio.serve.requests import Media
from repoprio.simple_api.hrefs import best_hash, with_hash
from repoprio.simple_api.model import File, Status
from repoprio.urls import site

# The version with sizes (PEP 700), provenance (PEP 740) and the project's status (PEP 792).
_NEWEST, _OLDEST = "1.4", "1.0"


def write(offer: Offer, media: Media, urls: Sequence[str]) -> bytes:
    """The page of `offer`; `urls` say where clients get its files, in their order."""
    return _json(offer, urls) if media is Media.JSON else _html(offer, urls).encode("utf-8", "replace")


def _version(offer: Offer) -> str:
    """The API version of the page: an old one if a size is not known (PEP 700)."""
    return _NEWEST if all(offered.file.size is not None for offered in offer.files) else _OLDEST


def _json(offer: Offer, urls: Sequence[str]) -> bytes:
    document: dict[str, Any] = {"meta": {"api-version": _version(offer)}, "name": offer.name}
    document["versions"] = list(offer.versions)
    if offer.status:
        document["project-status"] = _stated(offer.status)
    document["files"] = [_entry(offered.file, url) for offered, url in zip(offer.files, urls, strict=True)]
    try:
        return orjson.dumps(document, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:
        # A repository's JSON may escape half of a surrogate pair, which UTF-8 has not.
        return json.dumps(document, separators=(",", ":"), default=_spelled_out).encode()


def _stated(status: Status) -> dict[str, str]:
    return {"status": status.status} | ({} if status.reason is None else {"reason": status.reason})


def _entry(file: File, url: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"filename": file.filename, "url": url, "hashes": file.hashes}
    if file.requires_python is not None:
        entry["requires-python"] = file.requires_python
    entry["yanked"] = False if file.yanked is None else file.yanked or True
    if file.core_metadata is not None:
        # Without the old name of this key, which pip 22.3 to 23.0 cannot read (PEP 714).
        entry["core-metadata"] = file.core_metadata or True
    if file.size is not None:
        entry["size"] = file.size
    if file.upload_time is not None:
        # Most are in UTC already.
        is_utc = file.upload_time.tzinfo is timezone.utc
        entry["upload-time"] = file.upload_time if is_utc else file.upload_time.astimezone(timezone.utc)
    if provenance := _provenance(file):
        entry["provenance"] = provenance
    return entry


def _provenance(file: File) -> str | None:
    """The URL of a file's provenance (PEP 740); None if it is not a URL, because that would make the page invalid."""
    if not file.provenance:
        return None
    try:
        url = urljoin(file.listed_on or "", file.provenance)
        return url if site(url).scheme in ("http", "https") else None
    except ValueError:
        return None


def _spelled_out(moment: datetime) -> str:
    """A time in UTC as orjson writes it."""
    return moment.isoformat().removesuffix("+00:00") + "Z"


def _html(offer: Offer, urls: Sequence[str]) -> str:
    title = f"Links for {offer.name}"
    metas = [("pypi:repository-version", _version(offer))]
    if offer.status:
        stated = _stated(offer.status)
        metas += [("pypi:project-status", stated["status"])]
        metas += [("pypi:project-status-reason", stated["reason"])] if "reason" in stated else []
    return "\n".join(
        [
            "<!DOCTYPE html>",
            "<html><head>",
            *(f'<meta name="{name}" content="{escape(content)}">' for name, content in metas),
            f"<title>{title}</title>",
            "</head><body>",
            f"<h1>{title}</h1>",
            *(_anchor(offered.file, url) for offered, url in zip(offer.files, urls, strict=True)),
            "</body></html>\n",
        ]
    )


def _anchor(file: File, url: str) -> str:
    facts: dict[str, str] = {}
    if file.requires_python is not None:
        facts["data-requires-python"] = file.requires_python
    if file.yanked is not None:
        facts["data-yanked"] = file.yanked
    if file.core_metadata is not None:
        facts["data-core-metadata"] = facts["data-dist-info-metadata"] = _best(file.core_metadata) or "true"
    if provenance := _provenance(file):
        facts["data-provenance"] = provenance
    attributes = "".join(f' {key}="{escape(value)}"' for key, value in facts.items())
    return f'<a href="{escape(_with_hash(url, file.hashes))}"{attributes}>{escape(file.filename)}</a><br>'


def _with_hash(url: str, hashes: Mapping[str, str]) -> str:
    """`url` with one of `hashes`, unless it has a fragment or none is known to pip."""
    best = best_hash(hashes)
    return with_hash(url, best, hashes[best]) if best and "#" not in url else url


def _best(hashes: Mapping[str, str]) -> str:
    """One of `hashes`, as ``sha256=…``; empty if none is known to pip."""
    best = best_hash(hashes)
    return f"{best}={hashes[best]}" if best else ""
