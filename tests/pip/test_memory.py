"""What one run remembers, what may come from pip's cache, and where links of a repository may lead."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from support.by_hand import ByHand
from support.faults import Listener
from support.files import build, parse
from support.fixtures import EnvFactory, RepositoryFactory
from support.wire import WireFault, WireServer

PIPS = ["22.0.2", "26.3"]
FRESH = {"Cache-Control": "max-age=86400, public", "ETag": '"one"'}
LONG_AGO = "Thu, 01 Jan 2015 00:00:00 GMT"
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def world(pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> Iterator[ByHand]:
    """A server that answers by hand, above public."""
    with Listener("127.0.0.1", 0, threaded=True) as corp:
        yield ByHand(pip_env(pip), corp, repository("public"), tmp_path)


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize("status", [301, 308])
def test_a_permanent_redirect_is_asked_again(status: int, world: ByHand) -> None:
    """A redirect that means "absent" is not believed from the cache: the name may have been published since."""
    away = Response("", status, {**FRESH, "Location": f"{world.public.page_url}acme/"})
    asked = world.answers(away, world.whole())
    policy = world.policy()
    assert [world.take(policy), world.take(policy)] == ["99.0", "1.0"]
    assert len(asked) == 2


@pytest.mark.parametrize("pip", PIPS)
def test_an_empty_page_is_asked_again(world: ByHand) -> None:
    """An empty page that means "absent" is not believed from the cache."""
    empty = Response("<!DOCTYPE html><html><body></body></html>", 200, {**FRESH, "Content-Type": "text/html"})
    asked = world.answers(empty, world.whole())
    policy = world.policy('absent = ["empty-page"]')
    assert [world.take(policy), world.take(policy)] == ["99.0", "1.0"]
    assert asked[0].headers["Cache-Control"] == "max-age=0"


@pytest.mark.parametrize("pip", PIPS)
def test_a_list_is_asked_again(world: ByHand) -> None:
    """A complete list that lacked the name is not believed from the cache."""
    other = '<!DOCTYPE html><html><body><a href="other/">other</a></body></html>'
    both = other.replace("<body>", '<body><a href="acme/">acme</a>')
    lists = [Response(text, 200, {**FRESH, "Content-Type": "text/html"}) for text in (other, both)]
    asked = world.answers(*lists, path="/simple/")
    world.answers(world.whole())
    policy = world.policy('listing = "complete"')
    assert [world.take(policy), world.take(policy)] == ["99.0", "1.0"]
    assert len(asked) == 2


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize(
    ("validator", "asks"),
    [
        ({"ETag": '"one"'}, ("If-None-Match", '"one"')),
        ({"Last-Modified": LONG_AGO, "Cache-Control": "max-age=600"}, ("If-Modified-Since", LONG_AGO)),
        ({}, None),
    ],
)
def test_a_list_is_revalidated(validator: dict[str, str], asks: tuple[str, str] | None, world: ByHand) -> None:
    """Each run asks whether the list has changed: after a 304 it is used again; a new list counts at once."""
    other = '<!DOCTYPE html><html><body><a href="other/">other</a></body></html>'
    both = other.replace("<body>", '<body><a href="acme/">acme</a>')
    first, new = (Response(text, 200, {**validator, "Content-Type": "text/html"}) for text in (other, both))
    asked = world.answers(first, Response("", 304, validator) if validator else first, new, path="/simple/")
    pages = world.answers(world.whole())
    policy = world.policy('listing = "complete"')
    assert [world.take(policy), world.take(policy)] == ["99.0", "99.0"]
    assert not pages
    assert world.take(policy) == "1.0"
    assert (len(asked), len(pages)) == (3, 1)
    sent = [
        (name, asked[1].headers[name]) for name in ("If-None-Match", "If-Modified-Since") if name in asked[1].headers
    ]
    assert sent == ([asks] if asks else [])


@pytest.mark.parametrize("pip", PIPS)
def test_a_404_is_asked_again(world: ByHand) -> None:
    """A 404 is never taken from the cache, even if its headers allow that."""
    asked = world.answers(Response("no", 404, FRESH), world.whole())
    policy = world.policy()
    assert [world.take(policy), world.take(policy)] == ["99.0", "1.0"]
    assert len(asked) == 2


@pytest.mark.parametrize("pip", ["26.3"])
def test_a_repository_that_is_down_costs_its_tries_once(world: ByHand, repository: RepositoryFactory) -> None:
    """Only the first of five projects waits for corp's retries; parallel requests are not repeated."""
    apps = repository("apps")
    apps.add("apps-all", {"version": "1", "requires": [f"lib-{n}" for n in range(5)]})
    tries = WireServer("lib-0", [])
    tries.fault = WireFault("reset", "", "", how="reset")
    policy = world.folder / "policy.toml"
    for name in (f"lib-{n}" for n in range(5)):
        world.public.add(name, "9")
    more = "skip-if-unavailable = false"
    policy.write_text(
        f'[repositories.apps]\nurl = "{apps.page_url}"\npriority = 1\nnamespaces = ["apps-*"]\n'
        f'[repositories.corp]\nurl = "http://127.0.0.1:{tries.port}/simple/"\npriority = 10\n{more}\n'
        f'[repositories.public]\nurl = "{world.public.page_url}"\npriority = 90\n'
    )
    done = world.env.tool("explain", *(f"lib-{n}" for n in range(5)), policy=policy, env={"PIP_RETRIES": "1"})
    tries.close()
    assert done.code == 1
    assert done.stdout.count("the connection was") >= 5
    asked = Counter(tries.requests)
    assert set(asked) <= {f"/simple/lib-{n}/" for n in range(5)}
    assert sorted(asked.values())[:-1] in ([], [1], [1] * 2, [1] * 3, [1] * 4)
    # Ahead, and with pip's one retry; then both again, since concurrent requests may have caused the failure.
    assert 2 <= asked["/simple/lib-0/"] <= 5
    # corp said of the others, ahead, that it lacks them.
    assert "/simple/lib-0/" not in world.public.requests


@pytest.mark.parametrize("pip", ["26.3"])
def test_explain_names_the_mirror_that_answered(world: ByHand, repository: RepositoryFactory) -> None:
    """`explain` reports which of a repository's URLs answered, in text and JSON."""
    mirror = repository("mirror")
    mirror.add("acme", "1.0")
    world.answers(Response("down", 503))
    policy = world.policy(f'mirrors = ["{mirror.page_url}"]')
    stdout = world.env.tool("explain", "acme", policy=policy).stdout
    assert f"{mirror.page_url} answered instead" in " ".join(stdout.split())
    document: dict[str, Any] = json.loads(world.env.tool("explain", "--format", "json", "acme", policy=policy).stdout)
    (corp, _) = document["projects"][0]["repositories"]
    assert (corp["status"], corp["asked"]) == ("served", f"{mirror.page_url}acme/")


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<a href="file:///srv/acme-9.0-py3-none-any.whl">x</a>', "a file: link on a page that came over HTTP"),
        ('<a href="ftp://h.example/acme-9.0-py3-none-any.whl">x</a>', "a ftp: link on a page that came over HTTP"),
        ('<a href="other-9.0-py3-none-any.whl">x</a>', "a file of another project"),
        ('<a href="acme-9.0.win32-py3.3.exe">x</a>', "neither a wheel nor an sdist"),
        ('<a href="acme-9.0.whl">x</a>', "not named as a wheel is"),
        ('<a href="a%2F..%2Facme-9.0-py3-none-any.whl">x</a>', "a file name with separators"),
        ('<a href="acme-9.0%0A-py3-none-any.whl">x</a>', "a file name with separators or control characters"),
        ('<a href="http://u:p@h.example/acme-9.0-py3-none-any.whl">x</a>', "a link that contains credentials"),
        ('<base href="file:///srv/"><a href="acme-9.0-py3-none-any.whl">x</a>', "a file: link"),
        ('<base href="http://u:p@h.example/"><a href="acme-9.0-py3-none-any.whl">x</a>', "contains credentials"),
    ],
)
def test_explain_shows_dropped_links(body: str, why: str, world: ByHand) -> None:
    """Links that cannot be candidates are ignored, and `explain` shows each with its reason."""
    page = world.page.replace("</body>", f"{body}</body>")
    head, _, rest = page.partition("<body>")
    base = body.partition("<a")[0]
    page = f"{head}<head>{base}</head><body>{rest.replace(base, '') if base else rest}"
    world.answers(Response(page, 200, {"Content-Type": "text/html"}))
    policy = world.policy()
    if not base:
        assert world.take(policy) == "1.0"
    stdout = world.env.tool("explain", "acme", policy=policy, env={"PIP_TRUSTED_HOST": "127.0.0.1"}).stdout
    assert why in stdout, stdout
    assert "99.0" not in stdout


@pytest.mark.parametrize("pip", PIPS)
def test_logins_do_not_go_to_files_elsewhere(world: ByHand) -> None:
    """A file on another site is fetched without the repository's login."""
    wheel = build("acme", parse("2.0"), "elsewhere")
    with Listener("127.0.0.1", 0, threaded=True) as elsewhere:
        elsewhere.expect_request(f"/{wheel.filename}").respond_with_data(wheel.content)
        page = f'<html><body><a href="http://127.0.0.1:{elsewhere.port}/{wheel.filename}">x</a></body></html>'
        asked = world.answers(Response(page, 200, {"Content-Type": "text/html"}))
        policy = world.policy()
        policy.write_text(policy.read_text().replace("http://127.0.0.1", "http://ada:s3cret@127.0.0.1", 1))
        assert world.take(policy) == "2.0"
        assert "Authorization" in asked[0].headers
        assert elsewhere.log
        assert all("Authorization" not in request.headers for request, _ in elsewhere.log)
