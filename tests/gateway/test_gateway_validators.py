"""A repository that can tell is asked only whether a page has changed; its "not modified" counts as a fresh answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest
from werkzeug import Request, Response

from support.faults import Fault
from support.gateways import TTL, Served, serving
from support.policy_files import parsed_policy
from support.repository import RepositoryServer
from support.scene import Scene


class Tagged(RepositoryServer):
    """A repository that tags its pages; `asked_with` are the tags that requests for pages had, "" for none."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.asked_with: list[str] = []
        self.always: str | None = None
        self.tags = True

    def _response(self, request: Request) -> Response:
        response = super()._response(request)
        if not request.path.startswith("/simple/") or response.status_code != 200:
            return response
        known = request.headers.get("If-None-Match", "")
        self.asked_with.append(known)
        tag = f'"{hashlib.sha256(response.get_data()).hexdigest()[:8]}"'
        if self.always or known == tag:
            return Response(b"", 304, {"ETag": self.always or tag})
        if self.tags:
            response.headers["ETag"] = tag
        return response


@pytest.fixture
def corp(scene: Scene) -> Iterator[Tagged]:
    """A server in the place of corp: acme 1.0."""
    with closing(Tagged("corp")) as server:
        server.add("acme", "1.0")
        scene.servers["corp"] = scene.corp = server
        yield server


@pytest.fixture
def served(scene: Scene, corp: Tagged, tmp_path: Path) -> Iterator[Served]:
    """A gateway for corp above public."""
    with serving(scene.parsed(), tmp_path / "store") as made:
        yield made


def test_a_page_that_has_not_changed_is_not_sent_again(served: Served, corp: Tagged) -> None:
    """It is fresh again, unchanged; a changed page is read again."""
    first = served.page("acme")
    served.now += TTL + 1
    again = served.page("acme")
    assert (again.state, again.body) == ("fresh", first.body)
    assert again.headers["cache-control"] == "max-age=60, must-revalidate"
    corp.add("acme", "1.1")
    served.now += TTL + 1
    assert len(served.page("acme").files) == 2
    tag = corp.asked_with[1]
    assert tag
    assert corp.asked_with == ["", tag, tag]


def test_a_304_to_a_plain_request_is_no_answer(served: Served, corp: Tagged) -> None:
    """A server, or a cache before it, that answers 304 to a plain request has not answered."""
    corp.always = '"x"'
    answer = served.page("acme")
    assert (answer.status, answer.state) == (503, "unavailable")
    assert not served.store.all()


def test_a_304_must_be_for_the_cached_page(served: Served, corp: Tagged) -> None:
    """A 304 with another tag is not an answer; the next request asks for the whole page."""
    served.page("acme")
    corp.always = '"another"'
    served.now += TTL + 1
    assert served.page("acme").status == 503
    corp.always = None
    served.now += 10
    assert served.page("acme").state == "fresh"
    assert corp.asked_with[-1] == ""


def test_a_page_without_a_tag_replaces_the_tagged_one(served: Served, corp: Tagged) -> None:
    """No conditional request follows: the new page has no tag, and the old tag belongs to another page."""
    served.page("acme")
    corp.add("acme", "1.1")
    corp.tags = False
    for _ in range(2):
        served.now += TTL + 1
        assert len(served.page("acme").files) == 2
    assert corp.asked_with[2] == ""


def test_a_page_without_files_is_asked_for_each_time(served: Served, corp: Tagged) -> None:
    """It may mean absence, which is never cached."""
    corp.add("empty")
    for _ in range(2):
        assert served.page("empty").headers["x-repoprio-owner"] == "corp"
        served.now += TTL + 1
    assert corp.asked_with == ["", ""]


def test_files_grow_older_on_a_page_that_does_not_change(scene: Scene, corp: Tagged, tmp_path: Path) -> None:
    """`min-age` uses the time of the last answer, even if that only said "not modified"."""
    day = timedelta(days=1)
    now = datetime.now(timezone.utc)
    file = {
        "filename": "acme-1.0.tar.gz",
        "url": f"{corp.root_url}acme-1.0.tar.gz",
        "hashes": {},
        "upload-time": (now - 8 * day).isoformat(),
    }
    corp.answer("acme", Fault(json={"meta": {"api-version": "1.1"}, "name": "acme", "files": [file]}))
    text = scene.policy(corp='min-age = "7 days"').read_text()
    with serving(parsed_policy(text), tmp_path / "store") as served:
        corp.http.date = format_datetime(now - 3 * day, usegmt=True)
        assert served.page("acme").files == {}
        corp.http.date = "now"
        served.now += TTL + 1
        assert list(served.page("acme").files) == ["acme-1.0.tar.gz"]
    assert corp.asked_with[1]
