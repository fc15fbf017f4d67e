"""With any answer of a repository there is no crash and no hang, and no lower repository is asked.

Parsing is fuzzed in this process, with the pip of the test environment; whole lookups through a real session, against
raw answers on the wire. `python tests/fuzz_pages.py` fuzzes with atheris until you stop it.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support import wire
from support.fuzzing import FILES, HTML, JSON, PAGES, anything, check_page
from support.premise import times
from support.repository import RepositoryServer
from support.session import Session
from support.wire import WireFault, WireServer


@settings(max_examples=times(400), deadline=None)
@given(anything)
@example((JSON, b'{"files": [{"url": "x", "filename": "acme-1.zip", "hashes": {}, "yanked": []}], "name": "acme"}'))
@example(
    (JSON, b'{"files": [{"url": "file:///x/acme-1.zip", "filename": "acme-1.zip", "hashes": {}}], "name": "acme"}')
)
@example((HTML, b"<a href='http://jo:secret@files.example/acme-1.zip'>acme-1.zip</a>"))
@example((HTML, b"<html><![-"))
@example((HTML, b"<a href='acme-1.zip' data-requires-python='>=&#0;'>"))
def test_pages_never_break_the_reader(page: tuple[str, bytes]) -> None:
    """A page is read or found unusable; its files belong to its project, come over HTTP, and have no login."""
    check_page(*page)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """corp, which sends given answers, above public."""
    folder = tmp_path_factory.mktemp("fuzz")
    corp, public = WireServer("acme", FILES), RepositoryServer("public")
    public.add("acme", "99.0")
    corp.fault = WireFault("fuzz", "", "", how="raw")
    policy = folder / "policy.toml"
    policy.write_text(
        "page-timeout = 2\npage-size-limit = 1048576\n"
        f'[repositories.corp]\nurl = "{corp.page_url}"\npriority = 10\n'
        f'[repositories.public]\nurl = "{public.page_url}"\npriority = 90\n'
    )
    yield {"corp": corp, "public": public, "policy": policy, "cache": folder / "cache"}
    corp.close()
    public.close()


@st.composite
def raw_answers(draw: st.DrawFn) -> bytes:
    """An HTTP answer with odd headers around a mutated page, cut anywhere."""
    stated, body = draw(anything)
    headers = {"Content-Type": stated} if stated else {}
    headers |= draw(
        st.dictionaries(
            st.sampled_from(["ETag", "Vary", "Cache-Control", "Last-Modified", "X", "Location", "Transfer-Encoding"]),
            st.sampled_from(["*", "max-age=9999999", "chunked", "a\tb", "\x80", "", "no-store", "/simple/acme/"]),
            max_size=2,
        )
    )
    if draw(st.booleans()):
        body = gzip.compress(body)
        headers["Content-Encoding"] = draw(st.sampled_from(["gzip", "deflate", "br", "gzip, gzip", "x-gzip"]))
    # Without 404, which means absence.
    status = draw(st.sampled_from([200, 200, 200, 200, 201, 203, 204, 226, 300, 302, 304, 399, 403, 500, 999]))
    length = draw(st.sampled_from([-1, -1, None, len(body) + 5, max(0, len(body) - 5)]))
    whole = wire.http(status, headers, body, length=length)
    return whole[: draw(st.sampled_from([len(whole), len(whole), draw(st.integers(0, len(whole)))]))]


@settings(max_examples=times(120), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=raw_answers(), warm=st.booleans())
@example(raw=wire.http(200, {"Content-Type": JSON}, b'{"name": "acme", "files": []}'), warm=False)
def test_no_answer_opens_a_lower_repository(raw: bytes, warm: bool, session: Session, scene: dict[str, Any]) -> None:
    """With any bytes as the answer, the lookup ends, pip is refused if corp is unavailable, and public is not asked.

    A crash ends the session's process, and with it the test.
    """
    corp: WireServer = scene["corp"]
    env = {"REPOPRIO_CONFIG": str(scene["policy"])}
    options = ["--retries", "0", "--timeout", "1", "--trusted-host", "127.0.0.1"]
    options += ["--cache-dir", str(scene["cache"])] if warm else ["--no-cache-dir"]
    corp.raw = raw
    result = session.look_up(options, env)
    is_unavailable = result["outcome"] == "unavailable"
    assert is_unavailable or result["outcome"] in ("served", "no-match")
    assert result["is_refused"] == is_unavailable
    assert not is_unavailable or "corp (priority 10) is unavailable" in result["said"]
    assert bool(result["candidates"]) or result["outcome"] != "served"
    assert not scene["public"].asked("acme")


def test_the_corpus_is_good() -> None:
    """The pages that are mutated can be read themselves."""
    for kind, text in PAGES.items():
        assert check_page(kind, text.encode()) == ("2.0", "1.0")
