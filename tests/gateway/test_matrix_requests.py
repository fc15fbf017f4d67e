"""Block D of the fault matrix: odd and hostile requests of a client, byte by byte, to a real gateway."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from support.gateway_matrix import REQUESTS, Request
from support.gateways import Answer, GatewayProcess
from support.invariant import LURE, assert_nothing_from_below
from support.repository import RepositoryServer
from support.scene import policy_text


class World:
    """A gateway for corp, which owns acme-lib, above public."""

    def __init__(self, process: GatewayProcess, corp: RepositoryServer, public: RepositoryServer) -> None:
        self.corp, self.public = corp, public
        there = urlsplit(process.url)
        self._address = (str(there.hostname), there.port or 80)

    def send(self, request: Request) -> list[Answer]:
        """All answers until the gateway closes the connection."""
        lines = [request.line]
        if not any(header.startswith("Host:") for header in request.headers):
            lines.append("Host: gateway.example")
        lines += [*request.headers, "Connection: close"]
        text = "\r\n".join([*lines, "", request.body]).replace("{a60000}", "a" * 60_000)
        with socket.create_connection(self._address, timeout=10) as client:
            # It may have answered before it read all of it.
            with contextlib.suppress(ConnectionError):
                client.sendall(text.encode("latin-1"))
            return list(_answers(_read(client)))


def _read(client: socket.socket) -> bytes:
    found = b""
    # It may close while it has not read all.
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65_536):
            found += part
    return found


def _answers(text: bytes) -> Iterator[Answer]:
    """Each answer of a connection, by their lengths; one without a length ends with the connection."""
    while text.startswith(b"HTTP/1."):
        head, _, rest = text.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split(" ")[1])
        length = 0 if status == 304 else int(headers.get("content-length", len(rest)))
        yield Answer(status, headers, rest[:length])
        text = rest[length:]
    assert text == b"", text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One gateway for all requests."""
    folder = tmp_path_factory.mktemp("gateway")
    with RepositoryServer("corp") as corp, RepositoryServer("public") as public:
        corp.add("acme-lib", "1.0")
        public.add("acme-lib", LURE)
        policy = folder / "policy.toml"
        policy.write_text(policy_text({"corp": corp.page_url, "public": public.page_url}))
        with GatewayProcess(policy, folder / "store") as process:
            yield World(process, corp, public)


@pytest.mark.parametrize("request_", [pytest.param(one, id=one.id) for one in REQUESTS])
def test_what_a_client_asks_for_does_no_harm(request_: Request, world: World) -> None:
    """The client gets what its path means, or an error; its input is never repeated, and no repository learns of it."""
    answer, *others = world.send(request_)
    assert answer.status in request_.status, answer
    # Nothing in a body is a request.
    assert not [other for other in others if other.status < 400]
    assert_nothing_from_below(answer, "acme", [world.public])
    # No repository is asked for an invalid name, or for anything in a body.
    assert set(world.corp.requests) <= {"/simple/acme-lib/"}
    assert not world.public.requests
    assert b"evil" not in answer.body
    assert b"<script" not in answer.body
    assert "x-evil" not in answer.headers
    assert "evil" not in "".join(answer.headers.values())
    assert answer.headers.get("location") == request_.location
    if answer.status == 200:
        assert answer.headers["x-repoprio-owner"] == "corp"
        assert b"acme_lib-1.0" in answer.body
