"""Attacks on lookups, with malicious and broken repositories, each prevented."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug import Response

from support import wire
from support.by_hand import ByHand
from support.faults import Listener
from support.files import build, parse
from support.fixtures import EnvFactory, RepositoryFactory
from support.wire import WireFault, WireServer

PIPS = ["22.0.2", "26.3"]
HTML = {"Content-Type": "text/html"}


@pytest.fixture
def world(pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> Iterator[ByHand]:
    """A site that answers by hand as corp, above public."""
    with Listener("127.0.0.1", 0, threaded=True) as corp:
        yield ByHand(pip_env(pip), corp, repository("public"), tmp_path)


@pytest.fixture
def by_wire(world: ByHand) -> Iterator[WireServer]:
    """A corp that answers with raw bytes."""
    server = WireServer("acme", [build("acme", parse("1.0"), "corp")])
    server.fault = WireFault("raw", "", "", how="raw")
    world.root = server.root_url
    yield server
    server.close()


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize(
    "raw",
    [
        b"too many 404 error responses\r\n\r\n",
        b"HTTP/1.1 503 too many 404 error responses\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 no\r\nContent-Length: 900\r\n\r\nnot all",
    ],
)
def test_no_text_of_a_server_is_a_404(raw: bytes, world: ByHand, by_wire: WireServer) -> None:
    """Only a complete response with that HTTP status is a 404, never the text of an error."""
    by_wire.raw = raw
    done = world.download(world.policy(), "acme")
    assert done.code == 1
    assert "[unavailable]" in done.stderr
    assert not world.public.asked("acme")


@pytest.mark.parametrize("pip", PIPS)
def test_a_proxy_forges_no_404(world: ByHand, repository: RepositoryFactory) -> None:
    """A proxy's answer to CONNECT is never the answer of the https repository."""
    proxy = WireServer("acme", [])
    proxy._good = lambda _path, _head: b"HTTP/1.1 503 too many 404 error responses\r\n\r\n"  # type: ignore[method-assign, assignment]
    world.root = "https://corp.example/"
    done = world.env.run(
        "download", "acme", policy=world.policy(), env={"https_proxy": proxy.root_url, "no_proxy": "127.0.0.1"}
    )
    proxy.close()
    assert done.code == 1
    assert not world.public.asked("acme")


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize(
    "body",
    [
        "<html><body>Down for maintenance</body></html>",
        '<html><body><form></form><a href="/help">help</a><a href="other-1.zip">x</a></body></html>',
        '<html><body><a href="/help">help</a></body></html>',
    ],
)
def test_a_flat_page_must_be_one(body: str, world: ByHand) -> None:
    """A page without files, or with a form, is no flat page, so it makes no name absent."""
    world.answers(Response(body, 200, HTML), path="/links/")
    policy = world.policy('format = "flat"')
    policy.write_text(policy.read_text().replace("/simple/", "/links/", 1))
    done = world.download(policy, "acme")
    assert (done.code, "[unavailable]" in done.stderr) == (1, True), done.stderr
    assert not world.public.asked("acme")


@pytest.mark.parametrize("pip", PIPS)
def test_a_redirected_flat_page_makes_no_name_absent(world: ByHand) -> None:
    """A redirected flat page may have files of a name, but makes no name absent."""
    world.answers(Response("", 302, {"Location": "/elsewhere/"}), path="/links/")
    world.answers(Response('<html><a href="other-1.0.zip">x</a></html>', 200, HTML), path="/elsewhere/")
    policy = world.policy('format = "flat"')
    policy.write_text(policy.read_text().replace("/simple/", "/links/", 1))
    done = world.download(policy, "acme")
    assert (done.code, "no file of it, but it was redirected to" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize("kind", ["link", "folder", "page"])
def test_a_folder_with_what_cannot_be_read(kind: str, world: ByHand) -> None:
    """An unreadable entry in a flat folder stops the lookup: it may be a file of the name."""
    folder = world.folder / "house"
    folder.mkdir()
    name = "links.html" if kind == "page" else "acme-1.0-py3-none-any.whl"
    (folder / name).mkdir() if kind == "folder" else os.symlink("/no/such/file", folder / name)
    policy = world.policy('format = "flat"')
    policy.write_text(policy.read_text().replace(f"{world.root}simple/", str(folder)))
    done = world.download(policy, "acme")
    assert (done.code, "is not a readable file" in done.stderr) == (1, True), done.stderr
    assert not world.public.asked("acme")


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize(
    "body",
    ["<html>" + "<!--" * 60_000, "<html></html>" + "<b " * 200_000, "<a href=x>" + "xx<b>" * 400_000 + "</html>"],
)
def test_no_page_takes_for_ever_to_read(body: str, world: ByHand) -> None:
    """A page that is designed to keep a parser busy is read, or given up, in time."""
    world.answers(Response(body, 200, HTML))
    policy = world.policy(top="page-timeout = 5\n")
    begun = time.monotonic()
    done = world.download(policy, "acme")
    assert done.code == 1
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize("status", [302, 401, 404])
def test_unneeded_bodies_are_not_read(status: int, world: ByHand, by_wire: WireServer) -> None:
    """An endless body of a redirect, a refusal or a 404 is not read to the end."""
    head = wire.http(status, {"Location": "/simple/acme/", "WWW-Authenticate": "Basic"}, b"", length=10**12)
    by_wire.raw = head + b"x" * 8_000_000
    policy = world.policy(top="page-timeout = 5\n")
    policy.write_text(policy.read_text().replace("http://127", "http://ada:pw@127", 1))
    begun = time.monotonic()
    done = world.download(policy, "acme")
    took = time.monotonic() - begun
    assert took < 15
    assert done.code == 1, done.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_cookies_stay_where_they_are(world: ByHand) -> None:
    """A cookie of one repository is not sent to another of the same host."""
    world.answers(Response("no", 404, {"Set-Cookie": "session=S3CRET; Path=/"}))
    with Listener("127.0.0.1", 0, threaded=True) as other:
        other.expect_request("/simple/acme/").respond_with_data(world.page, headers=HTML)
        policy = world.policy()
        policy.write_text(policy.read_text().replace(world.public.page_url, f"http://127.0.0.1:{other.port}/simple/"))
        world.download(policy, "acme")
        assert other.log
        assert all("Cookie" not in request.headers for request, _ in other.log)


@pytest.mark.parametrize("pip", ["26.3"])
def test_a_login_page_is_never_skipped(world: ByHand) -> None:
    """`skip-if-unavailable` covers neither a login page nor a 401."""
    world.answers(Response("<html><form></form></html>", 200, HTML))
    done = world.download(world.policy("skip-if-unavailable = true"), "acme")
    assert (done.code, "its answer is a form" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("pip", ["26.3"])
def test_control_characters_stay_out_of_the_terminal(world: ByHand, by_wire: WireServer) -> None:
    """Control characters in a header do not reach the terminal through `explain` or its warnings."""
    by_wire.raw = wire.http(200, {"Content-Type": "a/\x1b[31mb"}, b"x")
    for more in ("", "skip-if-unavailable = true"):
        said = world.env.tool("explain", "acme", policy=world.policy(more))
        assert "\x1b" not in said.stdout + said.stderr
