"""A repository that speaks HTTP by hand, so that it can do what no HTTP server would."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import pages
from .files import BuiltFile

_LOOPBACK = "127.0.0.1"
_LINGER = struct.pack("ii", 1, 0)
_ETAG = '"one"'
# Made beforehand: a pip that waits for a second gives up while it is made.
_BOMB = gzip.compress(b" " * 50_000_000)
Send = Callable[[bytes], None]


@dataclass(frozen=True)
class WireFault:
    """A way to fail instead of answering; see `faults/faults.toml`."""

    id: str
    why: str
    cause: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    how: str | None = None
    scheme: str = "http"
    outcome: str = "unavailable"
    cold: bool = False


def load_faults(document: Mapping[str, Any]) -> list[WireFault]:
    """All faults of the table, one for each bare status among them."""
    bare = [
        WireFault(
            f"status-{code}", "a bare status", str(code), code, {"Content-Type": "text/plain"}, f"status {code}\n"
        )
        for code in document["statuses"]
    ]
    return [*bare, *(WireFault(**table) for table in document["fault"])]


class WireServer:
    """Serves the files of one project until `fault` is set, which then replaces its page.

    `requests` are the requested paths.
    """

    def __init__(self, project: str, files: list[BuiltFile], tls: Mapping[str, ssl.SSLContext] | None = None) -> None:
        """Listen at once; `tls` has a good context, and broken ones by the fault that they belong to."""
        self.project, self.tls = project, tls
        self.fault: WireFault | None = None
        # Without a fault the answer is "no such project".
        self.is_absent = False
        # What a fault that is "raw" sends.
        self.raw = b""
        self.places: dict[str, str] = {}
        self.requests: list[str] = []
        self._files = {file.filename: file.content for file in files}
        self._files |= {f"{file.filename}.metadata": file.metadata for file in files if file.metadata}
        self.revalidations = 0
        self._built = files
        self._released = threading.Event()
        self._socket = socket.create_server((_LOOPBACK, 0))
        self.port = self._socket.getsockname()[1]
        self.root_url = f"{'https' if tls else 'http'}://{_LOOPBACK}:{self.port}/"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def page_url(self) -> str:
        """The base of the project pages."""
        return f"{self.root_url}simple/"

    def close(self) -> None:
        """Stop listening; waits end."""
        self._released.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        how = self.fault.how if self.fault else None
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if self.tls and how != "plain":
                context = self.tls.get(how or "", self.tls["good"])
                connection = context.wrap_socket(connection, server_side=True)
            stack.callback(connection.close)
            connection.settimeout(10)
            head = "" if how == "plain" else _read_head(connection)
            path = head.split(" ")[1] if head.count(" ") > 1 else ""
            self.requests.append(path)
            is_page = how == "plain" or path == f"/simple/{self.project}/"
            if self.fault and is_page:
                self._misbehave(self.fault, connection)
            else:
                connection.sendall(self._good(path, head))

    def _good(self, path: str, head: str) -> bytes:
        if path == f"/simple/{self.project}/" and self.is_absent:
            return http(404, {}, b"")
        if path == f"/simple/{self.project}/":
            if _ETAG in head:
                self.revalidations += 1
                return http(304, {"ETag": _ETAG}, b"")
            page = self._page("json" if pages.JSON_TYPE in head else "html")
            # Fresh for long: a cache that believed it would not ask again.
            kept = {"ETag": _ETAG, "Cache-Control": "max-age=3600", "Vary": "Accept"}
            return http(200, {"Content-Type": page.content_type, **kept}, page.body.encode())
        content = self._files.get(path.rpartition("/")[2])
        return http(200 if content else 404, {"Content-Type": "application/octet-stream"}, content or b"")

    def _page(self, layout: str) -> pages.Page:
        make = pages.project_json if layout == "json" else pages.project_html
        return make(self.project, self._built, f"{self.root_url}files/")

    def _misbehave(self, fault: WireFault, connection: socket.socket) -> None:
        if fault.how in _HOW:
            _HOW[fault.how](self, connection)
            return
        headers = {key: self._filled(value) for key, value in fault.headers.items()}
        texts = {"page": self._page("json").body, "html": self._page("html").body}
        connection.sendall(http(fault.status, headers, texts.get(fault.body, fault.body).encode()))

    def _filled(self, text: str) -> str:
        for name, url in {"corp": self.root_url, **self.places}.items():
            text = text.replace(f"{{{name}}}", url)
        return text

    def _reset(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)

    def _reset_body(self, connection: socket.socket) -> None:
        self._cut_length(connection)
        self._released.wait(0.1)
        self._reset(connection)

    def _silence(self, _: socket.socket) -> None:
        self._released.wait(30)

    def _drip(self, connection: socket.socket) -> None:
        connection.sendall(http(200, {"Content-Type": "text/html"}, b"", length=10_000))
        while not self._released.wait(0.2):
            connection.sendall(b"<")

    def _not_http(self, connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")

    def _endless_headers(self, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not self._released.is_set():
            connection.sendall(b"X-More: and more\r\n" * 100)

    def _cut_length(self, connection: socket.socket) -> None:
        page = self._page("json")
        body = page.body.encode()
        connection.sendall(http(200, {"Content-Type": page.content_type}, body[: len(body) // 2], length=len(body)))

    def _cut_chunked(self, connection: socket.socket) -> None:
        page = self._page("json")
        head = http(200, {"Content-Type": page.content_type, "Transfer-Encoding": "chunked"}, b"", length=None)
        half = page.body.encode()[:40]
        connection.sendall(head + f"{len(half):x}\r\n".encode() + half + b"\r\n")

    def _cut_close(self, connection: socket.socket) -> None:
        self._half(connection, "json")

    def _cut_close_html(self, connection: socket.socket) -> None:
        self._half(connection, "html")

    def _half(self, connection: socket.socket, layout: str) -> None:
        page = self._page(layout)
        half = page.body.encode()[: len(page.body) // 2]
        connection.sendall(http(200, {"Content-Type": page.content_type}, half, length=None))

    def _gzip_cut(self, connection: socket.socket) -> None:
        page = self._page("json")
        packed = gzip.compress(page.body.encode())
        headers = {"Content-Type": page.content_type, "Content-Encoding": "gzip"}
        connection.sendall(http(200, headers, packed[:-20]))

    def _bomb(self, connection: socket.socket) -> None:
        packed = _BOMB
        connection.sendall(http(200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, packed))

    def _large(self, connection: socket.socket) -> None:
        connection.sendall(http(200, {"Content-Type": "text/html"}, b"<html>" + b" " * 9_000_000 + b"</html>"))

    def _many(self, connection: socket.socket) -> None:
        body = gzip.compress(b"<html><body>" + b"<a href=acme-9.zip>x</a>" * 250_001 + b"</body></html>")
        connection.sendall(http(200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, body))

    def _not_utf_8(self, connection: socket.socket) -> None:
        body = b"<!DOCTYPE html><html><body>\xff\xfe\xfa</body></html>"
        connection.sendall(http(200, {"Content-Type": "text/html; charset=utf-8"}, body))

    def _deep(self, connection: socket.socket) -> None:
        body = b'{"files":' + b"[" * 100_000
        connection.sendall(http(200, {"Content-Type": pages.JSON_TYPE}, body))


_HOW: dict[str, Callable[[WireServer, socket.socket], None]] = {
    "reset": WireServer._reset,
    "reset-body": WireServer._reset_body,
    "silence": WireServer._silence,
    "drip": WireServer._drip,
    "not-http": WireServer._not_http,
    "endless-headers": WireServer._endless_headers,
    "cut-length": WireServer._cut_length,
    "cut-chunked": WireServer._cut_chunked,
    "cut-close": WireServer._cut_close,
    "cut-close-html": WireServer._cut_close_html,
    "gzip-cut": WireServer._gzip_cut,
    "bomb": WireServer._bomb,
    "large": WireServer._large,
    "many": WireServer._many,
    "not-utf-8": WireServer._not_utf_8,
    "deep": WireServer._deep,
    "raw": lambda server, connection: connection.sendall(server.raw),
    "plain": lambda server, connection: connection.sendall(server._good("/", "")),
}


def http(status: int, headers: Mapping[str, str], body: bytes, *, length: int | None = -1) -> bytes:
    """An HTTP answer; `length` is what it announces, None for nothing, the body's own by default."""
    announced = len(body) if length == -1 else length
    lines = [f"HTTP/1.1 {status} X", *(f"{key}: {value}" for key, value in headers.items()), "Connection: close"]
    if announced is not None and status not in (204, 304):
        lines.append(f"Content-Length: {announced}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _read_head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(4096)
        if not more:
            break
        head += more
    return head.decode("latin-1")


def contexts(folder: Path) -> dict[str, ssl.SSLContext]:
    """TLS contexts for loopback, good and broken; `folder` gets the authority's certificate as ``ca.pem``."""
    from datetime import datetime, timedelta, timezone

    import trustme

    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    past = datetime.now(timezone.utc) - timedelta(days=2)
    leaves = {
        "good": authority.issue_cert(_LOOPBACK),
        "tls-expired": authority.issue_cert(_LOOPBACK, not_before=past - timedelta(days=9), not_after=past),
        "tls-host": authority.issue_cert("other.example"),
        "tls-self": stranger.issue_cert(_LOOPBACK),
    }
    found = {}
    for name, leaf in leaves.items():
        found[name] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        leaf.configure_cert(found[name])
    return found


def dumps(document: object) -> str:
    """One line of JSON."""
    return json.dumps(document, separators=(",", ":"))
