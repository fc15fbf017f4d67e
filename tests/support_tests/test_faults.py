"""The faults of a test's repository, as an HTTP client sees them."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest

from support.http_client import Answer, get, page
from support.pages import JSON_TYPE
from support.repository import Fault, Layout, RepositoryServer
from support.tables import TableError

LAYOUTS: tuple[Layout, ...] = ("json", "html")


@pytest.fixture
def server() -> Iterator[RepositoryServer]:
    """A JSON repository with acme 1.0 on it."""
    with RepositoryServer("corp") as running:
        running.add("acme", "1.0")
        yield running


def faulty(server: RepositoryServer, **table: object) -> Answer:
    """Fetch acme's page after setting the answer that the table describes."""
    server.answer("acme", Fault.parse(table))
    return page(server)


@pytest.mark.parametrize("status", [200, 401, 403, 404, 410, 429, 500, 503, 599])
def test_fault_status(server: RepositoryServer, status: int) -> None:
    """A status comes with a short body of its own, not with the page."""
    seen = faulty(server, status=status)
    assert (seen.status, seen.text) == (status, f"status {status}\n")


def test_fault_status_with_body(server: RepositoryServer) -> None:
    """A status can have a chosen body and type."""
    seen = faulty(server, status=502, body="<p>no</p>", content_type="text/html")
    assert (seen.status, seen.text) == (502, "<p>no</p>")
    assert seen.headers["content-type"] == "text/html"


def test_fault_redirect(server: RepositoryServer) -> None:
    """A redirect leads where it says, with 302 unless told."""
    seen = faulty(server, redirect="/simple/b/")
    assert (seen.status, seen.headers["location"]) == (302, "/simple/b/")
    assert faulty(server, redirect="http://127.0.0.1:1/", status=308).status == 308


def test_fault_loop(server: RepositoryServer) -> None:
    """A loop redirects a page to itself."""
    seen = faulty(server, loop=True)
    assert seen.status == 302
    assert urljoin(server.page_url, seen.headers["location"]) == f"{server.page_url}acme/"


def test_fault_reset(server: RepositoryServer) -> None:
    """A reset ends the connection before a single byte, and only for the page it is set for."""
    with pytest.raises(ConnectionResetError):
        faulty(server, reset=True)
    assert page(server, "other").status == 404


def test_fault_reset_body(server: RepositoryServer) -> None:
    """A reset in the body comes after the headers and before the end."""
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        faulty(server, reset_body=True)


def test_fault_truncate(server: RepositoryServer) -> None:
    """A truncated answer promises the whole page and brings half of it."""
    whole = len(page(server).body)
    with pytest.raises(http.client.IncompleteRead) as caught:
        faulty(server, truncate=True)
    assert len(caught.value.partial) == whole // 2
    assert caught.value.expected == whole - whole // 2


def test_fault_hang(server: RepositoryServer) -> None:
    """A hang delays the normal page."""
    assert faulty(server, hang=0.2).status == 200
    ((_, begun, ended),) = server.spans
    assert ended - begun >= 0.2


@pytest.mark.parametrize("content_type", ["text/plain", "application/pdf"])
def test_fault_content_type(server: RepositoryServer, content_type: str) -> None:
    """A wrong type comes with the normal body."""
    normal = page(server).body
    seen = faulty(server, content_type=content_type)
    assert (seen.headers["content-type"], seen.body) == (content_type, normal)


def test_fault_no_content_type(server: RepositoryServer) -> None:
    """An empty type means that there is none."""
    assert "content-type" not in faulty(server, content_type="").headers


def test_fault_body(server: RepositoryServer) -> None:
    """A literal body is sent as it is."""
    seen = faulty(server, body="{", content_type=JSON_TYPE)
    assert (seen.status, seen.text, seen.headers["content-type"]) == (200, "{", JSON_TYPE)


def test_fault_json(server: RepositoryServer) -> None:
    """A literal document is sent as JSON of the simple API."""
    seen = faulty(server, json={"files": "none"})
    assert json.loads(seen.body) == {"files": "none"}
    assert seen.headers["content-type"] == JSON_TYPE


@pytest.mark.parametrize("layout", LAYOUTS)
def test_fault_api_version(layout: Layout) -> None:
    """The normal page can claim another version of the API."""
    with RepositoryServer("corp", layout=layout) as server:
        server.add("acme", "1.0")
        seen = faulty(server, api_version="2.0")
    assert '"2.0"' in seen.text
    assert "acme-1.0" in seen.text


def test_fault_name(server: RepositoryServer) -> None:
    """The normal page can claim to be another project's."""
    document = json.loads(faulty(server, name="other").body)
    assert (document["name"], len(document["files"])) == ("other", 1)


def test_fault_gzip_garbage(server: RepositoryServer) -> None:
    """A body can claim a compression that it does not have."""
    seen = faulty(server, gzip_garbage=True)
    assert seen.headers["content-encoding"] == "gzip"
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(seen.body)


def test_fault_empty_page(server: RepositoryServer) -> None:
    """An empty page is valid and lists nothing."""
    seen = faulty(server, empty_page=True)
    assert json.loads(seen.body)["files"] == []
    assert "acme-1.0" in get(server.flat_url).text


def test_fault_login_page(server: RepositoryServer) -> None:
    """A login page is HTML with a form and the status of a success."""
    seen = faulty(server, login_page=True)
    assert (seen.status, "<form" in seen.text) == (200, True)
    assert seen.headers["content-type"].startswith("text/html")


def test_fault_basic_auth(server: RepositoryServer) -> None:
    """A guarded page is 401 without the credentials and normal with them."""
    server.answer("acme", Fault(basic_auth="me:secret"))
    good = "Basic " + base64.b64encode(b"me:secret").decode()
    bad = "Basic " + base64.b64encode(b"me:guess").decode()
    url = f"{server.page_url}acme/"
    assert get(url).status == 401
    assert "www-authenticate" in get(url).headers
    assert get(url, Authorization=bad).status == 401
    assert get(url, Authorization=good).status == 200


def test_a_guard_on_everything_guards_the_files(server: RepositoryServer) -> None:
    """Credentials for the whole repository are wanted for its files and flat page too."""
    url = json.loads(page(server).body)["files"][0]["url"]
    server.answer_all(Fault(basic_auth="me:secret"))
    assert [get(it).status for it in (url, server.flat_url, server.page_url)] == [401] * 3


def test_answers_for_everything_spare_the_files(server: RepositoryServer) -> None:
    """An answer for all goes for every page, known or not, unless it has its own."""
    url = json.loads(page(server).body)["files"][0]["url"]
    server.answer_all(Fault(status=503))
    server.answer("acme", Fault(status=500))
    server.list_answer(Fault(status=403))
    assert page(server).status == 500
    assert page(server, "other").status == 503
    assert get(server.flat_url).status == 503
    assert get(server.page_url).status == 403
    assert get(url).status == 200


def test_an_answer_makes_a_missing_page(server: RepositoryServer) -> None:
    """A fault of the page needs no files, but a mere delay makes no page."""
    server.answer_all(Fault(empty_page=True))
    assert json.loads(page(server, "other").body)["files"] == []
    server.answer_all(Fault(hang=0.01))
    assert page(server, "other").status == 404


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"stauts": 500},
        {"status": "500"},
        {"status": True},
        {"reset": 1},
        {"hang": 31},
        {"hang": "1"},
        {"basic_auth": "me"},
        {"redirect": "/", "body": "x"},
        {"loop": True, "reset": True},
        "503",
    ],
)
def test_wrong_faults_are_rejected(table: object) -> None:
    """A misspelt or contradictory fault is an error."""
    with pytest.raises(TableError):
        Fault.parse(table)


def test_faults_are_filled() -> None:
    """Placeholders are replaced in every text that may name another repository."""
    fault = Fault(redirect="{x}", json={"files": [{"url": "{x}"}]})
    filled = fault.filled(lambda text: text.replace("{x}", "there"))
    assert filled == Fault(redirect="there", json={"files": [{"url": "there"}]})
