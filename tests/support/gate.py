"""A proxy on loopback through which pip reaches hosts such as pypi.corp.example by https, each served by a test.

So examples of the manual run unchanged, with their hosts.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import trustme

from .repository import RepositoryServer

_LOOPBACK = "127.0.0.1"
_CHUNK = 65536


class Gate:
    """Connects each host to its server, and all others to `others`; `ca` is the authority that pip must trust."""

    def __init__(self, folder: Path, hosts: Mapping[str, RepositoryServer], others: RepositoryServer) -> None:
        """Listen at once; the authority's certificate goes into the folder."""
        self._hosts, self._others = hosts, others
        self._authority = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.ca = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca))
        self._listener = socket.create_server((_LOOPBACK, 0))
        self.url = f"http://{_LOOPBACK}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Gate:  # noqa: PYI034 - typing.Self is not in Python 3.10
        """Return the running gate."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Accept no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One CONNECT, then TLS as that host, then bytes in both directions."""
        with contextlib.suppress(OSError), client:
            host = _connect(client)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            server = self._hosts.get(host, self._others)
            with (
                self._context(host).wrap_socket(client, server_side=True) as inner,
                socket.create_connection((_LOOPBACK, server.http.port)) as outer,
            ):
                back = threading.Thread(target=_copy, args=(outer, inner), daemon=True)
                back.start()
                _copy(inner, outer)
                back.join()

    def _context(self, host: str) -> ssl.SSLContext:
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert(host).configure_cert(context)
            self._contexts[host] = context
        return self._contexts[host]


def _connect(client: socket.socket) -> str:
    """The host that a CONNECT names."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = client.recv(_CHUNK)
        if not more:
            raise ConnectionError
        head += more
    return head.split()[1].decode().rpartition(":")[0]


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy until the sender is done."""
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
