"""Cached pages: how often a repository is asked, and which parts of its answers are relayed."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from repoprio.names import NormalizedName
from repoprio.serve.bounded_store import BoundedStore
from repoprio.serve.kept_pages import Page
from repoprio.serve.pages import writer
from repoprio.serve.pages.forms import Draft, Forms
from repoprio.serve.pages.offers import Offer
from repoprio.serve.requests import Media
from support.faults import Fault
from support.gateways import JSON, TTL, Answer, Served, serving
from support.scene import Scene


@pytest.fixture
def served(scene: Scene, tmp_path: Path) -> Iterator[Served]:
    """A gateway for corp above public."""
    with serving(scene.parsed(), tmp_path / "store") as made:
        yield made


def test_a_crowd_costs_one_request(served: Served, scene: Scene) -> None:
    """All clients that request a page at once wait for the same answer."""

    async def crowd() -> set[bytes]:
        answers = await asyncio.gather(*(served.ask("/simple/acme/", "GET", {"accept": JSON}) for _ in range(200)))
        return {answer.body for answer in answers}

    assert len(served.run(crowd)) == 1
    assert scene.corp.requests == ["/simple/acme/"]


def test_a_client_that_disconnects_affects_no_other(served: Served) -> None:
    """The lookup that it started continues for all others."""

    async def leave() -> int:
        first = asyncio.create_task(served.ask("/simple/acme/", "GET", {}))
        second = asyncio.create_task(served.ask("/simple/acme/", "GET", {}))
        await asyncio.sleep(0)
        first.cancel()
        return (await second).status

    assert served.run(leave) == 200


def test_a_page_that_is_asked_for_is_refreshed_before_it_ends(served: Served, scene: Scene) -> None:
    """Clients do not wait: they get the cached page, and later ones the new page."""
    assert len(served.page("acme").files) == 3
    scene.corp.add("acme", "1.2")
    served.now += TTL - 5
    answer = served.page("acme")
    assert (len(answer.files), answer.headers["cache-control"]) == (3, "max-age=5, must-revalidate")
    served.settle()
    answer = served.page("acme")
    assert (len(answer.files), answer.headers["cache-control"]) == (4, "max-age=60, must-revalidate")
    assert scene.corp.requests == ["/simple/acme/"] * 2


def test_absence_is_not_kept(served: Served, scene: Scene) -> None:
    """A project that was just published can be fetched at once."""
    assert served.page("ledger").status == 404
    scene.corp.add("ledger", "1.0")
    assert served.page("ledger").headers["x-repoprio-owner"] == "corp"


def test_the_list_of_all_projects_is_the_union_under_the_policy(served: Served, scene: Scene) -> None:
    """It has each repository's allowed names; it does not say who owns one, and makes no record."""
    answer = served.get("/simple/")
    assert answer.document == {"meta": {"api-version": "1.0"}, "projects": [{"name": "acme"}, {"name": "requests"}]}
    html = served.get("/simple/", accept="text/html").body.decode()
    assert '<a href="acme/">acme</a>' in html
    assert served.get("/simple/", method="HEAD").body == b""
    assert served.get("/simple/", accept="image/png").status == 406
    assert scene.corp.requests == scene.public.requests == ["/simple/"]
    assert served.store.all() == ()


def test_a_list_that_would_not_be_whole_is_none(served: Served, scene: Scene) -> None:
    """The problem names the repository that has no list."""
    scene.public.list_answer(Fault(status=404))
    answer = served.get("/simple/")
    assert (answer.status, answer.state) == (502, "project-list")
    assert "public (priority 90): it answers 404" in answer.document["detail"]
    served.now += 11
    scene.public.list_answer(Fault(redirect=scene.corp.page_url))
    assert served.get("/simple/").status == 502
    served.now += 11
    scene.public.list_answer(Fault(login_page=True))
    assert served.get("/simple/").status == 502


def test_names_that_can_be_none_reach_no_repository(served: Served, scene: Scene) -> None:
    """Neither do other spellings, which are redirected first."""
    for path in (
        "/simple/..%2f/",
        "/simple/a%00b/",
        "/simple/Ac_me/",
        "/simple/acme",
        "/nothing",
        "/simple/" + "a" * 300,
    ):
        assert served.get(path).status in (301, 404)
    assert scene.corp.requests == scene.public.requests == []


@pytest.fixture
def rest(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Until it is set, no page gets more than its first form."""
    event, forms = threading.Event(), Draft.forms

    def wait(draft: Draft, last: Forms | None) -> Forms:
        assert event.wait(10)
        return forms(draft, last)

    monkeypatch.setattr(Draft, "forms", wait)
    return event


def test_the_first_client_does_not_wait_for_the_other_forms(
    served: Served, scene: Scene, rest: threading.Event
) -> None:
    """Those that come later, or want another form, do; nobody asks the repository again."""

    async def ask() -> list[bytes]:
        first, html = await asyncio.gather(
            served.ask("/simple/acme/", "GET", {"accept": JSON}),
            asyncio.wait_for(asyncio.shield(other := asyncio.ensure_future(ask_html())), 0.3),
            return_exceptions=True,
        )
        assert isinstance(first, Answer)
        assert isinstance(html, asyncio.TimeoutError)
        later = asyncio.ensure_future(served.ask("/simple/acme/", "GET", {"accept": JSON}))
        await asyncio.sleep(0.01)
        assert not later.done()
        # What needs no form waits for none.
        scene.corp.add("tool", "1.0")
        assert (await served.ask("/files/tool/0/tool-1.0.tar.gz", "GET", {})).status == 404
        rest.set()
        return [first.body, (await later).body, (await other).body]

    async def ask_html() -> Answer:
        await asyncio.sleep(0)
        return await served.ask("/simple/acme/", "GET", {"accept": "text/html"})

    first, later, html = served.run(ask)
    assert first == later
    assert b"<a href" in html
    assert scene.corp.requests == ["/simple/acme/", "/simple/tool/"]


def test_what_is_not_whole_yet_counts_no_longer_than_it_would(
    served: Served, scene: Scene, rest: threading.Event
) -> None:
    """While the forms of a lower repository's page were made, a higher one got the name: it is asked."""
    scene.public.add("lib", "1.0")
    url = "/simple/lib/"

    async def ask() -> Answer:
        first = await served.ask(url, "GET", {"accept": JSON})
        assert first.only_from(scene.public)
        served.now += TTL + 1
        scene.corp.add("lib", "2.0")
        later = asyncio.ensure_future(served.ask(url, "GET", {"accept": JSON}))
        await asyncio.sleep(0.01)
        rest.set()
        return await later

    answer = served.run(ask)
    assert (answer.status, list(answer.files)) == (200, ["lib-2.0-py3-none-any.whl"])
    assert answer.only_from(scene.corp)


def test_a_page_that_is_the_same_again_is_not_written_again(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its HTML and what is compressed stay those of the last one; a page with other files is written."""
    written: list[Media] = []
    write = writer.write

    def note(offer: Offer, media: Media, urls: Sequence[str]) -> bytes:
        written.append(media)
        return write(offer, media, urls)

    monkeypatch.setattr(writer, "write", note)
    before = served.page("acme", accept="text/html")
    served.now += TTL + 1
    again = served.page("acme", accept="text/html")
    assert again.body == before.body
    served.now += TTL - 5
    served.page("acme")
    served.settle()
    assert written == [Media.HTML, Media.JSON, Media.HTML, Media.JSON, Media.JSON]


def test_another_form_is_there_as_soon_as_it_is_asked_for(served: Served, scene: Scene) -> None:
    """A page's other forms wait for a pause; a client that asks for one does not, and the repository is asked once."""

    async def ask() -> tuple[Answer, Answer]:
        first = await served.ask("/simple/acme/", "GET", {"accept": JSON})
        assert served.gateway.warm(NormalizedName("acme")) is None
        return first, await served.ask("/simple/acme/", "GET", {"accept": "text/html"})

    in_json, in_html = served.run(ask)
    assert (in_json.status, in_html.status) == (200, 200)
    assert all(name.encode() in in_html.body for name in in_json.files)
    assert scene.corp.requests == ["/simple/acme/"]


def test_a_large_page_is_stored_packed(served: Served, scene: Scene) -> None:
    """Clients that accept gzip get that, with its own tag; the others get the same page."""
    scene.corp.add("acme", *(f"2.{number}" for number in range(20)))
    plain, packed = served.page("acme"), served.page("acme", accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert served.page("acme", accept_encoding="gzip", if_none_match=packed.headers["etag"]).status == 304


def test_what_is_kept_is_bounded(served: Served, scene: Scene) -> None:
    """The oldest pages are removed first."""
    pages = served.gateway._pages = BoundedStore[NormalizedName, Page](3000, lambda page: page.size)
    for number in range(10):
        scene.corp.add(f"p{number}", "1.0")
        assert served.page(f"p{number}").status == 200
    assert pages._bytes <= 3000
    assert pages.keys()[-1] == "p9"
    assert pages._bytes == sum(page.size for page in map(pages.get, pages.keys()) if page)


def test_metadata_and_yanks_survive(served: Served, scene: Scene) -> None:
    """Nothing is lost between a repository's JSON and the gateway's."""
    scene.corp.add("ledger", {"version": "1.0", "yanked": "bad", "requires-python": ">=3.8"})
    (entry,) = served.page("ledger").document["files"]
    built = scene.corp.files("ledger")[0]
    assert entry == {
        "filename": built.filename,
        "url": f"{scene.corp.root_url}files/{built.filename}",
        "hashes": {"sha256": built.sha256},
        "requires-python": ">=3.8",
        "yanked": "bad",
        "core-metadata": {"sha256": built.metadata_sha256},
    }


@pytest.mark.parametrize("link", ["http://[::1", "javascript:alert(1)", "//corp.example:x/", ""])
def test_an_invalid_link_to_provenance_is_left_out(link: str, served: Served, scene: Scene) -> None:
    """It is left out, and the file is served as usual."""
    file = {"filename": "ledger-1.0.tar.gz", "url": "https://corp.example/ledger-1.0.tar.gz", "hashes": {}}
    page = {"meta": {"api-version": "1.3"}, "name": "ledger", "files": [{**file, "provenance": link}]}
    scene.corp.answer("ledger", Fault(json=page))
    (entry,) = served.page("ledger").document["files"]
    assert "provenance" not in entry
    assert b"data-provenance" not in served.page("ledger", accept="text/html").body
