"""Many, slow or impatient clients, and what they cost all others."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from werkzeug import Request, Response

from repoprio.serve.client import Client
from support.faults import Fault
from support.gateways import JSON, GatewayProcess, serving
from support.policy_files import parsed_policy
from support.repository import RepositoryServer
from support.scene import Scene
from support.waiting import wait_until

_PART, _PARTS = 1_000_000, 60
_BOMB = gzip.compress(b"<a>" * (20 * 2**20), 1)


class BigFiles(RepositoryServer):
    """A repository with one large file; it counts the parts that were taken."""

    taken = 0

    def _response(self, request: Request) -> Response:
        if not request.path.startswith("/big/"):
            return super()._response(request)
        return Response(self._parts(), 200, {"Content-Length": str(_PART * _PARTS)}, direct_passthrough=True)

    def _parts(self) -> Iterator[bytes]:
        for _ in range(_PARTS):
            self.taken += 1
            yield b"x" * _PART


@pytest.fixture
def big(scene: Scene) -> Iterator[BigFiles]:
    """A server in the place of corp: acme has the large file, ledger a small one."""
    with closing(BigFiles("corp")) as server:
        file = {"filename": "acme-1.0.tar.gz", "url": f"{server.root_url}big/acme-1.0.tar.gz", "hashes": {}}
        server.answer("acme", Fault(json={"meta": {"api-version": "1.0"}, "name": "acme", "files": [file]}))
        server.add("ledger", "1.0")
        scene.servers["corp"] = scene.corp = server
        scene.policy(corp='files = "proxy"')
        yield server


def get(process: GatewayProcess, path: str) -> tuple[int, bytes]:
    """The status and the body of the gateway's answer for a path."""
    with closing(http.client.HTTPConnection(urlsplit(process.url).netloc, timeout=15)) as connection:
        connection.request("GET", path, headers={"Accept": JSON})
        response = connection.getresponse()
        return response.status, response.read()


def begin(process: GatewayProcess, path: str) -> socket.socket:
    """A client that requests a path, receives the first part, and reads no more."""
    there = urlsplit(process.url)
    client = socket.create_connection((there.hostname, there.port or 80), timeout=15)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: gateway\r\n\r\n".encode())
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


def path_of(process: GatewayProcess) -> str:
    """The path of the large file."""
    status, body = get(process, "/simple/acme/")
    assert status == 200
    url: str = json.loads(body)["files"][0]["url"]
    return url.removeprefix("../..")


def test_slow_downloads_hold_up_no_page(big: BigFiles, scene: Scene) -> None:
    """However many clients download slowly, their repository is asked for pages as usual."""
    with GatewayProcess(scene.file, scene.folder / "store") as process, ExitStack() as stack:
        path = path_of(process)
        for _ in range(25):
            stack.enter_context(closing(begin(process, path)))
        started = time.monotonic()
        assert get(process, "/simple/ledger/")[0] == 200
        assert time.monotonic() - started < 5


def test_a_file_whose_client_went_away_is_not_fetched_to_its_end(big: BigFiles, scene: Scene) -> None:
    """Otherwise a client could cheaply make the gateway fetch any number of large files."""
    with GatewayProcess(scene.file, scene.folder / "store") as process:
        begin(process, path_of(process)).close()
        # The server ends when its client, the gateway, does.
        wait_until(lambda: any(path.startswith("/big/") for path, *_ in big.spans) and big.taken > 0, "its answer ends")
        time.sleep(1)
        assert big.taken < _PARTS


def test_a_list_that_cannot_be_had_is_not_asked_for_by_each_client(scene: Scene, tmp_path: Path) -> None:
    """The other repositories' lists may be large: they are fetched again only after some seconds."""
    scene.corp.list_answer(Fault(status=503))
    with serving(scene.parsed(), tmp_path / "store") as served:
        assert [served.get("/simple/").state for _ in range(5)] == ["project-list"] * 5
        assert scene.public.requests == ["/simple/"]
        scene.corp.list_answer(Fault())
        served.now += 11
        assert served.get("/simple/").status == 200


class Bombs(RepositoryServer):
    """A repository with pages that would take all memory."""

    def _response(self, request: Request) -> Response:
        kind = {"content-type": "text/html"}
        if request.path.startswith("/simple/bomb-"):
            return Response(_BOMB, 200, {**kind, "content-encoding": "gzip"})
        if request.path == "/simple/endless/":
            return Response((b"<a " if n == 0 else b"x" * 2**20 for n in range(60)), 200, kind, direct_passthrough=True)
        return super()._response(request)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here")
def test_bombs_take_no_memory(scene: Scene) -> None:
    """Many pages at once that unpack to much more than their size, and an endless tag: at most 150 MB."""
    with closing(Bombs("corp")) as corp:
        scene.policy(at={"corp": corp.page_url})
        with GatewayProcess(scene.file, scene.folder / "store") as process, ThreadPoolExecutor(16) as clients:
            for _ in range(3):
                names = ["endless", *(f"bomb-{number}" for number in range(48))]
                assert {*clients.map(lambda name: get(process, f"/simple/{name}/")[0], names)} == {503}
            status = Path(f"/proc/{process.pid}/status").read_text()
    assert int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) < 150_000


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_gateway_that_is_stopped_has_not_failed(how: int, scene: Scene) -> None:
    """Stopped by a user or a service manager, it ends with exit status 0 and nothing on stderr."""
    with GatewayProcess(scene.file, scene.folder / "store") as process:
        assert get(process, "/simple/acme/")[0] == 200
        assert process.stop(how) == (0, "")


@pytest.mark.parametrize(
    ("host", "is_safe"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("[::1]", True), ("localhost", True), ("127.evil.example", False)],
)
def test_only_this_machine_is_asked_over_http(host: str, is_safe: bool, scene: Scene) -> None:
    """A host name that begins like an address is still a host name."""
    client = Client(parsed_policy(scene.file.read_text()))
    assert client.is_secure(f"http://{host}:8080/simple/") is is_safe
    assert client.is_secure("https://evil.example/")
