"""Answers a repository should not give, and how to give them."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import Event
from typing import Any, Final

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from .pages import JSON_TYPE, Page, login_page
from .tables import Reader, TableError

TEXT_TYPE: Final = "text/plain; charset=utf-8"
MAX_HANG: Final = 30.0
# A reset may overtake the bytes before it; this lets the reader see them first.
_BEFORE_RESET: Final = 0.1
_IDLE_SECONDS: Final = 10.0
_SOURCES: Final = (
    "redirect",
    "loop",
    "reset",
    "body",
    "json",
    "login_page",
    "gzip_garbage",
    "empty_page",
    "name",
    "api_version",
)
_FILLED: Final = ("redirect", "body", "json")


@dataclass(frozen=True)
class Fault:
    """A special answer. The default one changes nothing."""

    status: int | None = None
    redirect: str | None = None
    loop: bool = False
    reset: bool = False
    reset_body: bool = False
    truncate: bool = False
    hang: float = 0.0
    content_type: str | None = None
    body: str | None = None
    json: Any = None
    api_version: str | None = None
    name: str | None = None
    gzip_garbage: bool = False
    empty_page: bool = False
    login_page: bool = False
    basic_auth: str | None = None

    @classmethod
    def parse(cls, table: object) -> Fault:
        """Return the fault that a table describes; keys are the names of the fields."""
        reader = Reader(table, f"answer {table!r}")
        fault = _read(reader)
        reader.finish()
        _check(fault, reader.fail)
        return fault

    def filled(self, fill: Callable[[str], str]) -> Fault:
        """Return the fault with `fill` applied to the texts that may name other URLs."""
        changes = {key: _deep(getattr(self, key), fill) for key in _FILLED}
        return replace(self, **changes)

    @property
    def makes_page(self) -> bool:
        """Whether there is an answer even if the repository has no such page."""
        return replace(self, hang=0.0, basic_auth=None) != Fault()


class AbortError(ConnectionAbortedError):
    """The server gives up a connection on purpose."""


class Listener(HTTPServer):
    """An HTTPServer that stops at once, logs nothing, can drop connections and send another time."""

    # The header Date of each answer: "now" for the true one, None for none.
    date: str | None = "now"

    def thread_target(self) -> None:
        """Serve until stopped, then wait for the answers under way."""
        server = self.server
        assert isinstance(server, ThreadedWSGIServer)
        server.RequestHandlerClass = _Handler
        server.listener = self  # type: ignore[attr-defined]
        # Threads that are not daemons are joined when the server closes.
        server.daemon_threads = False
        server.serve_forever(poll_interval=0.01)


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS

    def send_header(self, keyword: str, value: str) -> None:
        """Send it; for a Date, another value or none."""
        date = self.server.listener.date  # type: ignore[attr-defined]
        said = value if keyword != "Date" or date == "now" else date
        if said is not None:
            super().send_header(keyword, said)

    def log(self, type: str, message: str, *args: object) -> None:
        """Keep silent about requests: the server records them itself."""

    def connection_dropped(self, error: BaseException, environ: object = None) -> None:
        """Close now when the fault asked for it: an orderly shutdown must not come first."""
        self.close_connection = True
        if isinstance(error, AbortError):
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            socket.close(self.connection.detach())


def answer(fault: Fault, request: Request, render: Callable[[Fault], Response], released: Event) -> Response:
    """Answer `request` as `fault` wants; `render` makes the normal answer.

    Setting `released` ends every wait early, so that a server can be closed.
    """
    if fault.hang:
        released.wait(min(fault.hang, MAX_HANG))
    if fault.basic_auth is not None and not authorized(fault.basic_auth, request):
        return _response("authentication required\n", 401, TEXT_TYPE, _CHALLENGE)
    if fault.reset:
        return _dropping(b"", 200, released)
    response = _literal(fault, request) or render(fault)
    return _damaged(_restated(response, fault), fault, released)


def authorized(basic_auth: str, request: Request) -> bool:
    """Whether the request carries these credentials ("user:password")."""
    sent = request.authorization
    return sent is not None and f"{sent.username}:{sent.password}" == basic_auth


def page_response(page: Page) -> Response:
    """Return the answer that carries a page."""
    return _response(page.body, 200, page.content_type)


def not_found() -> Response:
    """Return the answer for a missing project or file."""
    return _response("not found\n", 404, TEXT_TYPE)


_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="tests"'}


def _read(reader: Reader) -> Fault:
    return Fault(
        status=reader.integer("status"),
        redirect=reader.text("redirect"),
        loop=reader.flag("loop"),
        reset=reader.flag("reset"),
        reset_body=reader.flag("reset_body"),
        truncate=reader.flag("truncate"),
        hang=reader.number("hang"),
        content_type=reader.text("content_type"),
        body=reader.text("body"),
        json=reader.take("json"),
        api_version=reader.text("api_version"),
        name=reader.text("name"),
        gzip_garbage=reader.flag("gzip_garbage"),
        empty_page=reader.flag("empty_page"),
        login_page=reader.flag("login_page"),
        basic_auth=reader.text("basic_auth"),
    )


def _check(fault: Fault, fail: Callable[[str], TableError]) -> None:
    if fault == Fault():
        raise fail("it says nothing")
    sources = [key for key in _SOURCES if getattr(fault, key) not in (None, False)]
    # These change one and the same page, and so may go together.
    if len(sources) > 1 and set(sources) - {"name", "api_version", "empty_page"}:
        raise fail(f"{' and '.join(sources)} contradict each other")
    if not 0 <= fault.hang <= MAX_HANG:
        raise fail(f"hang must lie between 0 and {MAX_HANG:g} seconds")
    if fault.basic_auth is not None and ":" not in fault.basic_auth:
        raise fail("basic_auth must be user:password")


def _deep(value: Any, fill: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, dict):
        return {key: _deep(item, fill) for key, item in value.items()}
    if isinstance(value, list):
        return [_deep(item, fill) for item in value]
    return value


def _literal(fault: Fault, request: Request) -> Response | None:
    """The answer that needs no normal page, if the fault is of that kind."""
    if fault.loop or fault.redirect is not None:
        target = request.url if fault.redirect is None else fault.redirect
        return _response("", 302, TEXT_TYPE, {"Location": target})
    if fault.json is not None:
        return _response(json.dumps(fault.json), 200, JSON_TYPE)
    if fault.body is not None:
        return _response(fault.body, 200, TEXT_TYPE)
    return page_response(login_page()) if fault.login_page else _bare_status(fault)


def _bare_status(fault: Fault) -> Response | None:
    # A status that comes with a change to the page goes with the page.
    page = (fault.content_type, fault.name, fault.api_version)
    other = fault.empty_page or fault.gzip_garbage or any(item is not None for item in page)
    if fault.status is None or other:
        return None
    return _response(f"status {fault.status}\n", fault.status, TEXT_TYPE)


def _restated(response: Response, fault: Fault) -> Response:
    """Apply what the fault says about status, type and encoding."""
    if fault.status is not None:
        response.status_code = fault.status
    if fault.content_type is not None:
        response.headers.pop("Content-Type", None)
    if fault.content_type:
        response.headers["Content-Type"] = fault.content_type
    if fault.gzip_garbage:
        response.headers["Content-Encoding"] = "gzip"
        response.set_data(b"this was never compressed")
    return response


def _damaged(response: Response, fault: Fault, released: Event) -> Response:
    """Cut the answer short when the fault says so."""
    if not (fault.truncate or fault.reset_body):
        return response
    content = response.get_data()
    half = content[: len(content) // 2]
    cut = Response(half, response.status_code) if fault.truncate else _dropping(half, response.status_code, released)
    cut.headers.update(response.headers)
    cut.headers["Content-Length"] = str(len(content))
    return cut


def _dropping(sent: bytes, status: int, released: Event) -> Response:
    """An answer that ends in a reset, after `sent` or before anything was sent."""

    def stream() -> Iterator[bytes]:
        if sent:
            yield sent
            released.wait(_BEFORE_RESET)
        raise AbortError

    return Response(stream(), status)


def _response(body: str, status: int, content_type: str, headers: dict[str, str] | None = None) -> Response:
    response = Response(body, status, headers)
    response.headers["Content-Type"] = content_type
    return response
