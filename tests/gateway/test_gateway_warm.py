"""The short way to warm pages: byte for byte the answers, and the notes, of the long way."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import json
import random
import socket
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from repoprio.serve.answers.notes import Answer, ClientRequest
from repoprio.serve.answers.warm import WarmAnswers
from repoprio.serve.server import _protocol
from repoprio.serve.telemetry.application import Noted
from support.gateways import JSON, TTL, GatewayProcess, Served, serving
from support.scene import Scene

server_module = pytest.importorskip("uvicorn.server")
httptools_impl = pytest.importorskip("uvicorn.protocols.http.httptools_impl")
warm_protocol = pytest.importorskip("repoprio.serve.answers.warm_protocol")

END = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
# A noted answer, without its time.
Noticed = tuple[ClientRequest, int, dict[bytes, bytes], bool]


class Side:
    """A server of the gateway's application; `asgi` counts what its short way did not answer."""

    def __init__(self, served: Served, *, is_short: bool) -> None:
        self.noticed: list[Noticed] = []
        self.asgi = 0
        notes = [self._note]
        find, clock = served.gateway.warm, lambda: served.now
        self.protocol: Any = httptools_impl.HttpToolsProtocol
        if is_short:
            self.protocol = warm_protocol.protocol(WarmAnswers(find, clock, notes))
        app = Noted(served.app, notes)

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            self.asgi += 1
            await app(scope, receive, send)

        self.config = uvicorn.Config(
            counted,
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            ws="none",
        )
        self.config.load()
        self.state = server_module.ServerState()
        self.state.default_headers = [(b"date", b"Sun, 22 Nov 2026 09:00:00 GMT")]

    def _note(self, request: ClientRequest, answer: Answer) -> None:
        assert answer.seconds >= 0
        self.noticed.append((request._replace(client=""), answer.status, dict(answer.headers), answer.is_whole))

    async def talk(self, chunks: Sequence[bytes], patience: float) -> bytes:
        """What a client gets that sends these chunks, each once the one before is answered, or its patience ends."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(self.begin, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
        answers = asyncio.ensure_future(_all_of(reader))
        try:
            for chunk in (*chunks, END):
                writer.write(chunk)
                await self._next_answer(patience, answers)
                if answers.done():
                    break
            return await asyncio.wait_for(answers, 5)
        finally:
            writer.close()
            listener.close()

    async def _next_answer(self, patience: float, until: asyncio.Future[bytes] | None = None) -> bool:
        """Whether an answer is noted in time; unless the connection ends before."""
        before, end = len(self.noticed), asyncio.get_running_loop().time() + patience
        clock = asyncio.get_running_loop().time
        await _until(lambda: len(self.noticed) > before or clock() > end or (until is not None and until.done()))
        return len(self.noticed) > before

    def begin(self) -> Any:
        """The protocol of a new connection."""
        return self.protocol(config=self.config, server_state=self.state, app_state={})

    async def stall(self, one: bytes, times: int) -> tuple[int, bytes]:
        """How many bytes wait for a client that sends many requests before it reads; and what it reads."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(self.begin, "127.0.0.1", 0)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await loop.sock_connect(client, listener.sockets[0].getsockname())
            await _until(lambda: bool(self.state.connections))
            (transport,) = (one.transport for one in self.state.connections)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            most, patience = 0, 0.2
            for _ in range(times):
                await loop.sock_sendall(client, one)
                # Once it has to wait, all that follows has to.
                patience = 0.2 if await self._next_answer(patience) else 0.0
                most = max(most, transport.get_write_buffer_size())
            await loop.sock_sendall(client, END)
            said = b""
            while part := await asyncio.wait_for(loop.sock_recv(client, 2**20), 5):
                said += part
                most = max(most, transport.get_write_buffer_size())
        listener.close()
        return most, said


async def _until(fits: Callable[[], bool]) -> None:
    while not fits():  # noqa: ASYNC110 - what it waits for raises no event
        await asyncio.sleep(0)


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    said = b""
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(2**16):
            said += part
    return said


class Both:
    """The short and the long way of one gateway."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.long, self.short = Side(served, is_short=False), Side(served, is_short=True)

    def agree(self, *chunks: bytes, patience: float = 0.05) -> bytes:
        """What both ways answer."""

        async def talk() -> tuple[bytes, bytes]:
            return await self.long.talk(chunks, patience), await self.short.talk(chunks, patience)

        long, short = self.served.run(talk)
        assert short == long, chunks
        assert self.short.noticed == self.long.noticed, chunks
        assert self.short.state.total_requests == self.long.state.total_requests
        return short

    @property
    def saved(self) -> int:
        """How many requests took the short way."""
        return self.long.asgi - self.short.asgi


@pytest.fixture
def served(scene: Scene, tmp_path: Path) -> Iterator[Served]:
    """A gateway for corp above public, with a warm page that has each form."""
    scene.corp.add("acme", *(f"2.{number}" for number in range(20)))
    with serving(scene.parsed(), tmp_path / "store") as made:
        assert made.page("acme").status == 200
        yield made


@pytest.fixture
def both(served: Served) -> Both:
    """Its two ways."""
    return Both(served)


def request(
    path: str = "/simple/acme/", *, method: str = "GET", version: str = "1.1", body: str = "", **headers: str
) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/{version}", "Host: gateway.example"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body.encode()


ACCEPTS = ("", JSON, "text/html", "*/*", "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1", "image/png")
ENCODINGS = ("", "gzip, deflate", "gzip;q=0, identity", "*")


def test_what_is_asked_again_takes_the_short_way(both: Both) -> None:
    """Each form and each encoding, with and without a body, to clients that have it and to others."""
    tags = [both.served.page("acme", accept_encoding=coding).headers["etag"] for coding in ("", "gzip")]
    for accept, encoding, method in itertools.product(ACCEPTS, ENCODINGS, ("GET", "HEAD")):
        sent = {"Accept": accept} if accept else {}
        sent |= {"Accept-Encoding": encoding} if encoding else {}
        both.agree(*[request(method=method, **sent)] * 3)
    assert both.saved == 2 * 5 * 4 * 2
    before = both.saved
    has = (*tags, f"W/{tags[0]}", f'"x", {tags[0]} , "y"', f"{tags[1]},{tags[0]}", "*", '"x"', tags[0].strip('"'), "")
    for value, encoding in itertools.product(has, ENCODINGS[:2]):
        sent = {"If-None-Match": value, "Accept": JSON, "Accept-Encoding": encoding}
        both.agree(*[request(**sent)] * 2)
    assert both.saved == before + len(has) * 2
    assert {status for _, status, *_ in both.short.noticed} == {200, 304, 406}


def test_other_requests_take_the_long_way(both: Both) -> None:
    """The long way: close, HTTP/1.0, bodies, upgrades, secrets, other paths and methods, and long requests."""
    for one in (
        request(Connection="close"),
        request(version="1.0"),
        request(version="1.0", Connection="keep-alive"),
        request(Content_Length="3", body="abc"),
        request(Content_Length="0"),
        request(Transfer_Encoding="chunked", body="3\r\nabc\r\n0\r\n\r\n"),
        request(Expect="100-continue"),
        request(Authorization="Basic eDp5"),
        request(Cookie="a=b"),
        request(X_Long="y" * 3000),
        request(method="POST"),
        request(method="DELETE"),
        request("/simple/Acme/"),
        request("/simple/nobody/"),
        request("/health/live"),
        request("/simple/"),
        request("/nowhere"),
        b"GET /simple/acme/ HTTP/1.1\nHost: x\n\n",
        b"GET  /simple/acme/\r\n\r\n",
        b"nonsense\r\n\r\n",
        request(bad_header="a\x01b"),
    ):
        both.agree(one, one, patience=2.0)
        both.agree(one, patience=2.0)
    assert both.saved == 0


@pytest.mark.parametrize("connection", ["Upgrade", "keep-alive, Upgrade"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_upgrade_changes_the_connection(both: Both, connection: str) -> None:
    """An upgrade that is not offered is ignored; what follows is answered as uvicorn alone answers it."""
    plain = request()
    both.agree(plain, plain)
    before = both.saved
    both.agree(request(Connection=connection, Upgrade="websocket"), plain, plain)
    both.agree(request(Connection=connection, Upgrade="h2c", HTTP2_Settings="AA"), plain, plain)
    assert both.saved == before


def test_other_spellings_of_a_page_are_its_own_requests(both: Both) -> None:
    """A query, an absolute target, keep-alive that is said, and headers in any case."""
    for one in (
        request("/simple/acme/?x=1"),
        request("http://gateway.example/simple/acme/"),
        request(Connection="keep-alive"),
        request("/simple/%61cme/"),
        request().replace(b"Host", b"hOST") + b"",
        b"\r\n" + request(),
    ):
        both.agree(one, one, one)
    assert both.saved == 2 * 4 + 2 * 0 + 2


def test_a_stream_is_answered_alike_however_it_is_cut(both: Both) -> None:
    """Pipelined, one by one, in pieces: what one connection has learned is right for all others."""
    chance = random.Random(17)
    kinds = [
        request(),
        request(Accept=JSON),
        request(Accept=JSON, Accept_Encoding="gzip"),
        request(method="HEAD"),
        request(Content_Length="2", body="ab"),
        request(If_None_Match="*"),
        request("/simple/nobody/"),
        request("/health/live"),
        b"\r\n" + request(),
        request(Authorization="Basic eDp5"),
        request(method="POST", Content_Length="40", body=request()[:40].decode()),
    ]
    for _ in range(40):
        stream = chance.choices(kinds, weights=[5] * 4 + [1] * 7, k=chance.randint(1, 6))
        how = chance.random()
        if how < 0.3:
            both.agree(*stream, patience=0.05 * (chance.random() < 0.7))
            continue
        text = b"".join(stream)
        ends = sorted(chance.sample(range(1, len(text)), min(len(text) - 1, chance.randint(0, 4))))
        both.agree(
            *(text[begin:end] for begin, end in itertools.pairwise([0, *ends, len(text)])), patience=0.05 * (how < 0.6)
        )
    assert both.saved > 10


def test_answers_come_in_the_order_of_the_requests(both: Both) -> None:
    """Several requests in one piece are answered in their order: a known one waits for a slow one."""
    one, other = request(), request(Accept=JSON)
    both.agree(one, one)
    for chunks in (
        [one + other],
        [one + other],
        [one, other[:40], other[40:]],
        [other + one[:40], one[40:]],
        [request("/simple/nobody/"), one],
    ):
        both.agree(*chunks, patience=0.002)


def test_the_age_of_a_page_is_told_and_ends_the_short_way(both: Both, scene: Scene) -> None:
    """Each second has its own max-age; an expired page is fetched again, and a stale one is marked as stale."""
    served, one = both.served, request(Accept=JSON)
    for passed in (0.0, 0.4, 0.7, 1.5, 15.0, TTL / 2):
        served.now = 1000.0 + passed
        assert b"max-age=%d," % (TTL - passed) in both.agree(one, one)
    assert both.saved == 6 * 2 - 1
    scene.corp.add("acme", "3.0")
    served.now = 1000.0 + TTL + 1
    assert b"acme-3.0" in both.agree(one, one)
    scene.corp.close()
    served.now += TTL + 10
    before = both.short.asgi
    assert both.agree(one, one).count(b"x-repoprio-state: stale") == 2
    assert both.short.asgi == before + 3


def test_a_slow_reader_waits_for_its_turn(both: Both) -> None:
    """At most a buffer and a page wait for it in memory, and it gets all its answers."""
    one = request(Accept=JSON)
    size = len(both.agree(one, one)) // 2
    (_, long), (most, short) = both.served.run(lambda: stalls(both, one))
    assert short == long
    assert short.count(b"HTTP/1.1 200 OK") == 201
    assert most < 65_536 + 2 * size
    assert both.saved > 10


async def stalls(both: Both, one: bytes) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    """Of both ways."""
    return await both.long.stall(one, 200), await both.short.stall(one, 200)


def test_a_page_that_is_dropped_is_not_kept_alive(both: Both) -> None:
    """A remembered request does not keep its page in memory."""
    one = request()
    both.agree(one, one)
    served = both.served
    page = weakref.ref(served.gateway.warm("acme"))  # type: ignore[arg-type] # there is one
    served.gateway._pages.forget("acme")  # type: ignore[arg-type] # a name
    gc.collect()
    assert page() is None
    assert both.agree(one).startswith(b"HTTP/1.1 200")


def test_without_httptools_uvicorn_has_its_own_choice(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """The long way alone answers; with httptools the gateway's server has the short one."""
    answers = WarmAnswers(both.served.gateway.warm, lambda: 0.0, [])
    found = _protocol(answers)
    assert isinstance(found, type)
    assert issubclass(found, httptools_impl.HttpToolsProtocol)
    monkeypatch.delitem(sys.modules, warm_protocol.__name__)
    monkeypatch.setitem(sys.modules, httptools_impl.__name__, None)
    assert _protocol(answers) == "auto"


def test_another_uvicorn_is_left_alone(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its protocol has not what the short way needs, no request takes that."""
    monkeypatch.setattr(warm_protocol, "_USED", ("renamed", *warm_protocol._USED))
    both.agree(*[request()] * 3)
    assert both.saved == 0


def test_metrics_and_log_of_a_gateway_have_both_ways(scene: Scene, tmp_path: Path) -> None:
    """Over one connection, as clients keep it: the first request comes by the long way, the others by the short one."""
    pytest.importorskip("prometheus_client")
    log = tmp_path / "access.jsonl"
    with GatewayProcess(scene.policy(), tmp_path / "store", "--access-log", str(log)) as gateway:
        connection = HTTPConnection(urlsplit(gateway.url).netloc, timeout=30)
        bodies = set()
        for _ in range(5):
            connection.request("GET", "/simple/acme/", headers={"Accept": JSON})
            bodies.add(connection.getresponse().read())
        connection.request("GET", "/metrics")
        numbers = connection.getresponse().read().decode()
        connection.close()
        assert gateway.stop()[0] == 0
    assert len(bodies) == 1
    for name in (
        'projects_total{repository="corp",state="fresh"}',
        'answers_total{kind="simple",status="200"}',
        'answer_seconds_count{kind="simple"}',
        'answer_seconds_bucket{kind="simple",le="+Inf"}',
    ):
        assert f"repoprio_{name} 5.0\n" in numbers
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert all(line.pop("seconds") >= 0 and line.pop("time") for line in lines)
    assert len(lines) == 6
    assert lines[0] == {
        "client": "127.0.0.1",
        "method": "GET",
        "kind": "project",
        "project": "acme",
        "status": 200,
        "state": "fresh",
        "owner": "corp",
    }
    assert lines[1:5] == [lines[0]] * 4
