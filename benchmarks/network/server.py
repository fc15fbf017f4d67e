"""Repositories on loopback, each a site of its own, that answer after a while and note what they are asked."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import NamedTuple

from .content import ABSENT, Answer, Resource

_HOST = "127.0.0.1"
_END = b"\r\n\r\n"
# A client asks for a page of all of these at once, and waits for none to be accepted.
_BACKLOG = 1024


@dataclass(frozen=True)
class Network:
    """How far away the repositories are, in seconds; with `tls` a handshake comes before the first request."""

    latency: float = 0.0
    handshake: float = 0.0
    tls: ssl.SSLContext | None = None
    serves_json: bool = True


class Request(NamedTuple):
    """What the repository of this number was asked, and what the answer counts as."""

    repository: int
    kind: str
    path: str


@dataclass
class Traffic:
    """What was asked since it was last cleared."""

    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    at_once: int = 0

    def count(self) -> Counter[str]:
        """How many requests there were of each kind."""
        return Counter(request.kind for request in self.requests)


class Server:
    """Serves repositories until it is closed, in a thread; `open` are the connections."""

    def __init__(self, repositories: Sequence[Mapping[bytes, Resource]], network: Network) -> None:
        self.network = network
        self.traffic = Traffic()
        self._repositories = repositories
        self._loop = asyncio.new_event_loop()
        # An event loop holds its tasks weakly.
        self._handshakes: set[asyncio.Task[None]] = set()
        self._listeners: list[asyncio.Server] = []
        self.open: set[asyncio.Transport] = set()
        self._loop.run_until_complete(self._listen())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def urls(self) -> list[str]:
        """The URL of each repository."""
        scheme = "https" if self.network.tls else "http"
        ports = (listener.sockets[0].getsockname()[1] for listener in self._listeners)
        return [f"{scheme}://{_HOST}:{port}/simple/" for port in ports]

    def take_traffic(self) -> Traffic:
        """What was asked up to now; counting begins anew."""
        taken, self.traffic = self.traffic, Traffic()
        return taken

    def close(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._hang_up())
        self._loop.close()

    async def _hang_up(self) -> None:
        for listener in self._listeners:
            listener.close()
        for task in self._handshakes:
            task.cancel()
        for transport in list(self.open):
            transport.abort()
        await asyncio.sleep(0)

    async def _listen(self) -> None:
        for number, resources in enumerate(self._repositories):
            listener = await self._loop.create_server(
                lambda number=number, resources=resources: self._protocol(number, resources),  # type: ignore[misc]
                _HOST, 0, backlog=_BACKLOG,
            )  # fmt: skip
            self._listeners.append(listener)

    def _protocol(self, number: int, resources: Mapping[bytes, Resource]) -> asyncio.Protocol:
        connection = _Connection(self, number, resources)
        return _Greeting(self, connection) if self.network.tls else connection

    def shake_hands(self, transport: asyncio.Transport, connection: _Connection) -> None:
        """Begin TLS with the client that has been kept waiting on `transport`."""
        task = self._loop.create_task(self._shake_hands(transport, connection))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, transport: asyncio.Transport, connection: _Connection) -> None:
        # A client that goes away is its own affair.
        with contextlib.suppress(OSError):
            assert self.network.tls is not None
            safe = await self._loop.start_tls(transport, connection, self.network.tls, server_side=True)
            if safe is not None:
                connection.connection_made(safe)


class _Greeting(asyncio.Protocol):
    """A connection before its TLS handshake, which takes a while."""

    def __init__(self, server: Server, connection: _Connection) -> None:
        self._server, self._connection = server, connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        wait = self._server.network.handshake
        asyncio.get_running_loop().call_later(wait, self._server.shake_hands, transport, self._connection)


class _Connection(asyncio.Protocol):
    """One connection: one request after the other."""

    def __init__(self, server: Server, number: int, resources: Mapping[bytes, Resource]) -> None:
        self._server, self._number, self._resources = server, number, resources
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.open.add(transport)
        self._server.traffic.connections += 1
        self._go_on()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        if self._transport:
            self._server.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._go_on()

    def _go_on(self) -> None:
        """Answer the next request, if it is there and the last one is answered."""
        if self._is_busy or self._transport is None or (end := self._received.find(_END)) < 0:
            return
        head, self._received = self._received[:end], self._received[end + len(_END) :]
        _, target, _ = head.split(b" ", 2)
        self._is_busy = True
        traffic = self._server.traffic
        traffic.at_once += 1
        traffic.most_at_once = max(traffic.most_at_once, traffic.at_once)
        kind, said = self._answer(target.partition(b"?")[0], head.lower())
        traffic.requests.append(Request(self._number, kind, target.decode("latin-1")))
        asyncio.get_running_loop().call_later(self._server.network.latency, self._send, said)

    def _answer(self, path: bytes, head: bytes) -> tuple[str, bytes]:
        resource = self._resources.get(path)
        takes_json = self._server.network.serves_json and b"+json" in head
        answer: Answer = (resource.json if takes_json else resource.html) if resource else ABSENT
        if answer.etag and b"if-none-match: " + answer.etag in head:
            return "unchanged", answer.unchanged
        return answer.kind, answer.whole

    def _send(self, said: bytes) -> None:
        self._is_busy = False
        traffic = self._server.traffic
        traffic.at_once = max(0, traffic.at_once - 1)
        if self._transport is None or self._transport.is_closing():
            return
        # Caches count a page's age from its date.
        status, _, rest = said.partition(b"\r\n")
        self._transport.writelines((status, b"\r\nDate: ", formatdate(usegmt=True).encode(), b"\r\n", rest))
        self._go_on()


@contextlib.contextmanager
def serving(repositories: Sequence[Mapping[bytes, Resource]], network: Network) -> Iterator[Server]:
    """A server, while somebody asks it."""
    server = Server(repositories, network)
    try:
        yield server
    finally:
        server.close()
