"""The short way to warm pages in uvicorn's protocol; `ImportError` on import where uvicorn lacks the base of it."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from repoprio.serve.answers.warm import WarmAnswers

# A request with one of these may have a body, change the connection, or hold a secret.
_LONG_WAY = frozenset(
    {
        *(b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"http2-settings"),
        *(b"authorization", b"proxy-authorization", b"cookie"),
    }
)
# What another version of uvicorn may lack.
_USED = (
    *("client", "cycle", "flow", "headers", "on_response_complete", "scope", "server_state", "transport"),
    "_unset_keepalive_if_required",
)


class WarmProtocol(HttpToolsProtocol):
    """A connection takes the short way until it gets anything but whole requests without bodies, one at a time."""

    answers: WarmAnswers

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Begin."""
        super().connection_made(transport)
        self._is_plain = all(hasattr(self, name) for name in _USED)
        self._address = self.client[0] if self._is_plain and self.client else ""

    def data_received(self, data: bytes) -> None:
        """Answer at once, or have uvicorn read it."""
        is_idle = self._is_plain and (self.cycle is None or self.cycle.response_complete)
        # A client that reads slowly waits for its turn.
        if is_idle and not self.flow.write_paused and self.answers.answer(data, self._address, self._write):
            return
        self._begun = 0
        super().data_received(data)
        self._is_plain = self._is_plain and self._is_one_request()
        if self._is_plain:
            path = self.scope["raw_path"].decode("latin-1")
            self.answers.learn(data, self.scope["method"], path, self.headers)

    def on_message_begin(self) -> None:
        """Count the requests in what came last."""
        self._begun += 1
        super().on_message_begin()

    def _is_one_request(self) -> bool:
        """Whether the last bytes were one request and nothing else: then the parser stands at the start again."""
        cycle = self.cycle
        if self._begun != 1 or cycle is None or cycle.scope is not self.scope:
            return False
        is_kept = cycle.keep_alive and self.scope["http_version"] == "1.1"
        return is_kept and all(map(_is_plain, self.headers))

    def _write(self, status: int, head: bytes, body: bytes) -> None:
        lead = (b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        self._unset_keepalive_if_required()
        self.transport.write(b"".join([STATUS_LINE[status], *lead, head]))
        if body:
            self.transport.write(body)
        self.on_response_complete()


def _is_plain(header: tuple[bytes, bytes]) -> bool:
    name, value = header
    return value.lower() == b"keep-alive" if name == b"connection" else name not in _LONG_WAY


def protocol(answers: WarmAnswers) -> type[asyncio.Protocol]:
    """The protocol for a server that has these answers."""
    return type("WarmProtocol", (WarmProtocol,), {"answers": answers})
