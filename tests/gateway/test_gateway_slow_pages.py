"""Pages that take long to read or to write: a thread does that, so that other clients do not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Request, Response

from repoprio.serve.pages import writer
from repoprio.serve.transport.room import SMALL
from repoprio.simple_api import reader
from support.faults import Fault
from support.gateways import TTL, Served, serving
from support.repository import RepositoryServer
from support.scene import Scene

_FILE = {"filename": "acme-1.0.tar.gz", "url": "acme-1.0.tar.gz", "hashes": {}}


def paged(*files: object, **more: object) -> Fault:
    """A page in JSON."""
    return Fault(json={"meta": {"api-version": "1.0"}, "name": "acme", "files": files, **more})


def in_html(links: str) -> Fault:
    """A page in HTML."""
    return Fault(body=f"<!DOCTYPE html><html><body>{links}</body></html>", content_type="text/html")


class Unchanging(RepositoryServer):
    """A repository whose pages never change."""

    def _response(self, request: Request) -> Response:
        if "If-None-Match" in request.headers:
            return Response(b"", 304, {"ETag": '"1"'})
        response = super()._response(request)
        response.headers["ETag"] = '"1"'
        return response


@pytest.fixture
def corp(scene: Scene) -> Iterator[RepositoryServer]:
    """A server in the place of corp."""
    with closing(Unchanging("corp")) as server:
        scene.servers["corp"] = scene.corp = server
        yield server


@pytest.fixture
def served(scene: Scene, corp: RepositoryServer, tmp_path: Path) -> Iterator[Served]:
    """A gateway for corp above public."""
    with serving(scene.parsed(), tmp_path / "store") as made:
        yield made


@pytest.fixture
def aside(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Whether a page was read, and written first, in a thread beside the event loop's."""
    noted: dict[str, bool] = {}

    def watched(work: Any, what: str) -> Any:
        def run(*given: Any) -> Any:
            noted.setdefault(what, threading.current_thread() is not threading.main_thread())
            return work(*given)

        return run

    monkeypatch.setattr(reader, "read_project_page", watched(reader.read_project_page, "read"))
    monkeypatch.setattr(writer, "write", watched(writer.write, "write"))
    return noted


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (paged(*[_FILE | {"hashes": {"sha256": "ab" * 32}}] * 240), {"read": False, "write": False}),
        (in_html("<a href=acme-1.0.zip>" * 100), {"read": False, "write": False}),
        # A hundred kilobytes of each take up to 200 milliseconds.
        (paged(*[{"url": "acme-1.zip", "filename": ""}] * 3000), {"read": True, "write": True}),
        (in_html("<a href=acme-1.0.zip>" + "<b>" * 10_000), {"read": True, "write": False}),
        (paged(_FILE, versions=[str(number) for number in range(10_000)]), {"read": False, "write": True}),
    ],
    ids=["JSON", "HTML", "many files", "slow HTML", "many versions"],
)
def test_a_thread_takes_what_takes_long(
    page: Fault, expected: dict[str, bool], aside: dict[str, bool], served: Served, corp: RepositoryServer
) -> None:
    """An ordinary page is read and written at once; a small one that was made to take long is not."""
    corp.answer("acme", page)
    assert served.page("acme").status == 200
    assert aside == expected


def test_a_large_page_with_few_files_is_written_aside(
    aside: dict[str, bool], served: Served, corp: RepositoryServer
) -> None:
    """Also if the gateway has kept it, and the repository says only that it has not changed."""
    corp.answer(
        "acme",
        paged(*[{"url": f"acme-{number}.zip", "filename": "", "yanked": "x" * (SMALL // 8)} for number in range(9)]),
    )
    assert len(served.page("acme").body) > SMALL
    assert aside == {"read": True, "write": True}
    aside.clear()
    served.now += TTL + 1
    assert len(served.page("acme").body) > SMALL
    assert aside == {"write": True}
