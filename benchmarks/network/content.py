"""What a repository serves: pages in JSON and HTML, its project list, metadata files and wheels, made beforehand."""

from __future__ import annotations

import hashlib
import html
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .graph import Needs, Versions

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"
_WHEEL = "Wheel-Version: 1.0\nGenerator: benchmark\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_LONG = "max-age=31536000, immutable"
_MADE = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Answer:
    """A whole answer of HTTP, and the shorter one for those who have the same already. `kind` is what it counts as."""

    kind: str
    whole: bytes
    etag: bytes = b""
    unchanged: bytes = b""


@dataclass(frozen=True)
class Resource:
    """What lies at one path: in JSON for those who take it."""

    json: Answer
    html: Answer


ABSENT = Answer("absent", b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found")


def resources(projects: Mapping[str, Versions]) -> dict[bytes, Resource]:
    """All that a repository with these projects serves, by path."""
    found = {b"/simple/": _list(projects)}
    for name, versions in projects.items():
        files = []
        for version, needs in versions.items():
            filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
            metadata = metadata_of(name, version, needs)
            wheel = _wheel(name, version, metadata)
            files.append(_entry(filename, wheel, metadata))
            found[f"/files/{filename}".encode()] = _same("file", wheel)
            found[f"/files/{filename}.metadata".encode()] = _same("metadata", metadata)
        found[f"/simple/{name}/".encode()] = _page(name, list(versions), files)
    return found


def metadata_of(name: str, version: str, needs: Needs) -> bytes:
    """The metadata of one version."""
    wanted = "".join(f"Requires-Dist: {need}{specifier}\n" for need, specifier in needs.items())
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.9\n{wanted}".encode()


def _wheel(name: str, version: str, metadata: bytes) -> bytes:
    package = name.replace("-", "_")
    info = f"{package}-{version}.dist-info"
    files = {f"{package}.py": b"", f"{info}/METADATA": metadata, f"{info}/WHEEL": _WHEEL.encode()}
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, data in (*files.items(), (f"{info}/RECORD", record.encode())):
            archive.writestr(zipfile.ZipInfo(path, _MADE), data)
    return target.getvalue()


def _entry(filename: str, wheel: bytes, metadata: bytes) -> dict[str, Any]:
    return {
        "filename": filename,
        "url": f"/files/{filename}",
        "hashes": {"sha256": hashlib.sha256(wheel).hexdigest()},
        "requires-python": ">=3.9",
        "core-metadata": {"sha256": hashlib.sha256(metadata).hexdigest()},
        "size": len(wheel),
        "upload-time": "2026-01-05T10:11:12.131415Z",
        "yanked": False,
    }


def _anchor(file: Mapping[str, Any]) -> str:
    known = f"sha256={file['core-metadata']['sha256']}"
    facts = {
        "href": f"{file['url']}#sha256={file['hashes']['sha256']}",
        "data-requires-python": file["requires-python"],
        "data-dist-info-metadata": known,
        "data-core-metadata": known,
    }
    said = " ".join(f'{key}="{html.escape(value)}"' for key, value in facts.items())
    return f"<a {said}>{file['filename']}</a><br />"


def _page(name: str, versions: Iterable[str], files: list[dict[str, Any]]) -> Resource:
    document = {"meta": {"api-version": "1.1"}, "name": name, "versions": versions, "files": files}
    return _resource("page", document, map(_anchor, files))


def _list(names: Iterable[str]) -> Resource:
    projects = [{"name": name} for name in names]
    anchors = (f'<a href="/simple/{name}/">{name}</a>' for name in names)
    return _resource("list", {"meta": {"api-version": "1.1"}, "projects": projects}, anchors)


def _resource(kind: str, document: Mapping[str, Any], anchors: Iterable[str]) -> Resource:
    links = "\n".join(anchors)
    text = f"<!DOCTYPE html>\n<html><head><title>{kind}</title></head><body>\n{links}\n</body></html>\n"
    return Resource(
        _answer(kind, json.dumps(document).encode(), JSON, "max-age=0"),
        _answer(kind, text.encode(), HTML, "max-age=0"),
    )


def _same(kind: str, body: bytes) -> Resource:
    answer = _answer(kind, body, "application/octet-stream", _LONG)
    return Resource(answer, answer)


def _answer(kind: str, body: bytes, content_type: str, cache: str) -> Answer:
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    facts = f"ETag: {etag}\r\nCache-Control: {cache}\r\nVary: Accept\r\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{facts}\r\n"
    unchanged = f"HTTP/1.1 304 Not Modified\r\n{facts}\r\n"
    return Answer(kind, head.encode() + body, etag.encode(), unchanged.encode())
