"""The repositories of tests: their pages, their files, and what they record."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest

from support.faults import MAX_HANG
from support.http_client import get, page
from support.pages import JSON_TYPE
from support.repository import Fault, Layout, RepositoryServer

LAYOUTS: tuple[Layout, ...] = ("json", "html")


@pytest.fixture
def server() -> Iterator[RepositoryServer]:
    """A JSON repository with acme 1.0 on it."""
    with RepositoryServer("corp") as running:
        running.add("acme", "1.0")
        yield running


def test_a_json_page_says_what_is_known() -> None:
    """The JSON page carries hash, yank, Python and metadata of each file."""
    with RepositoryServer("corp") as server:
        (built,) = server.add("Acme_Tools", {"version": "1", "yanked": "no", "requires-python": ">3"})
        seen = page(server, "acme-tools")
        (file,) = json.loads(seen.body)["files"]
    assert seen.headers["content-type"] == JSON_TYPE
    assert json.loads(seen.body)["name"] == "acme-tools"
    assert file["hashes"] == {"sha256": built.sha256}
    assert (file["yanked"], file["requires-python"]) == ("no", ">3")
    assert file["core-metadata"] == {"sha256": built.metadata_sha256}


def test_an_html_page_says_what_is_known() -> None:
    """The HTML page carries the same facts in attributes, escaped."""
    with RepositoryServer("corp", layout="html") as server:
        (built,) = server.add("acme", {"version": "1", "yanked": True, "requires-python": ">3"})
        seen = page(server)
    assert seen.headers["content-type"].startswith("text/html")
    assert f"#sha256={built.sha256}" in seen.text
    assert 'data-yanked=""' in seen.text
    assert 'data-requires-python="&gt;3"' in seen.text
    assert f'data-core-metadata="sha256={built.metadata_sha256}"' in seen.text
    assert 'name="pypi:repository-version" content="1.0"' in seen.text


@pytest.mark.parametrize("accept", ["*/*", "text/html", f"{JSON_TYPE};q=0, text/html"])
def test_json_is_served_only_when_asked_for(server: RepositoryServer, accept: str) -> None:
    """A client that does not ask for JSON gets HTML from a JSON repository."""
    seen = get(f"{server.page_url}acme/", Accept=accept)
    assert seen.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_list_of_projects_is_served(layout: Layout) -> None:
    """The root of the index lists the normalized names in its layout."""
    with RepositoryServer("corp", layout=layout) as server:
        server.add("B.b", "1")
        server.add("a")
        seen = get(server.page_url, Accept=JSON_TYPE)
    assert ("json" in seen.headers["content-type"]) == (layout == "json")
    assert seen.text.index('"a') < seen.text.index('"b-b')


def test_files_and_their_metadata_are_served(server: RepositoryServer) -> None:
    """The URLs of a page lead to the file and, with a suffix, to its metadata."""
    (file,) = json.loads(page(server).body)["files"]
    (built,) = server.add("acme", "1.0")
    assert get(file["url"]).body == built.content
    assert get(file["url"] + ".metadata").body == built.metadata


def test_local_versions_survive_their_url(server: RepositoryServer) -> None:
    """A plus sign in a file name is escaped in the URL and found again."""
    (built,) = server.add("acme", "2.0+local")
    file = json.loads(page(server).body)["files"][-1]
    assert "%2B" in file["url"]
    assert get(file["url"]).body == built.content


def test_the_flat_page_lists_every_project(server: RepositoryServer) -> None:
    """The flat page links the files of all projects, and is counted as asked."""
    server.add("other", "2.0 sdist")
    assert not server.asked_flat()
    seen = get(server.flat_url)
    assert "acme-1.0-py3-none-any.whl#" in seen.text
    assert "other-2.0.tar.gz#" in seen.text
    assert server.asked_flat()


@pytest.mark.parametrize("path", ["simple/other/", "files/other-1.whl", "x", "simple/acme/x"])
def test_what_is_not_there_is_404(server: RepositoryServer, path: str) -> None:
    """An unknown project, file or path is not found."""
    assert get(server.root_url + path).status == 404


@pytest.mark.parametrize("spelling", ["ACME-tools/", "acme_tools/", "acme.tools/", "acme-tools"])
def test_other_spellings_are_redirected(server: RepositoryServer, spelling: str) -> None:
    """A name that is not normalized, or lacks its slash, leads to the proper page."""
    seen = get(server.page_url + spelling)
    assert (seen.status, seen.headers["location"]) == (301, "/simple/acme-tools/")
    assert server.asked("Acme-Tools")


def test_requests_are_recorded_in_order(server: RepositoryServer) -> None:
    """The server records its requests, so that silence can be proved."""
    assert server.asked_pages() == set()
    get(server.page_url)
    page(server, "b")
    page(server)
    assert server.requests == ["/simple/", "/simple/b/", "/simple/acme/"]
    assert server.asked_pages() == {"acme", "b"}
    assert server.asked("A_cme") is False
    assert server.asked("ACME") is True


def test_requests_of_many_clients_are_all_recorded(server: RepositoryServer) -> None:
    """Clients that come at once are all answered and all counted."""
    threads = [threading.Thread(target=page, args=(server,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.requests == ["/simple/acme/"] * 20


def test_cache_control_is_sent_when_wanted() -> None:
    """Pages carry the header that the repository was given, and none without."""
    with RepositoryServer("corp", cache_control="max-age=600") as server:
        server.add("acme")
        assert page(server).headers["cache-control"] == "max-age=600"


def test_servers_stop_at_once_and_leave_no_thread() -> None:
    """Closing waits for no answer that hangs, may be done twice, and leaves nothing behind."""
    before = set(threading.enumerate())
    servers = [RepositoryServer(f"r{number}") for number in range(10)]
    servers[0].answer_all(Fault(hang=MAX_HANG))
    client = threading.Thread(target=lambda: get(servers[0].page_url))
    client.start()
    while not servers[0].requests:
        time.sleep(0.001)
    for server in servers:
        server.close()
        server.close()
    client.join()
    assert set(threading.enumerate()) == before
    ((_, begun, ended),) = servers[0].spans
    assert ended - begun < MAX_HANG
