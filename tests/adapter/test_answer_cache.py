"""Pages that change, while pip's cache is full or damaged: a page is kept whole, or not at all."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug import Request, Response

from support.by_hand import ByHand
from support.faults import Listener
from support.fixtures import EnvFactory, RepositoryFactory

HTML = {"Content-Type": "text/html"}
PIPS = ["26.3", "24.0", "22.0.2"]

# Fetches a page twice, and then another one of the same length while files may not become as long as it is; prints what
# came, now and later, whether the cache always had a page while it kept the second one, for how many files it waited
# then, whether a file of it was open when the third one was to be written, and what is left of files.
FULL = """
import json, os, resource, sys
from pip._internal.commands import create_command
from repoprio.pip_adapter.index.quiet_session import quiet_session
case = json.loads(sys.argv[1])
install = create_command("install")
options, _ = install.parse_args(["--no-input", "--trusted-host=127.0.0.1", "--cache-dir", case["cache"]])
def ask():
    with quiet.get(case["url"], headers={"Accept": "text/html", "Cache-Control": "max-age=0"}, stream=True) as answer:
        return answer.text[:3]
def is_open():
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    return any(os.path.realpath(link).startswith(case["cache"]) for link in links if os.path.exists(link))
with install.main_context():
    session = install._build_session(options)
    quiet = quiet_session(session)
    adapter = session.get_adapter(case["url"])
    found, had, fsync = [ask()], [], os.fsync
    os.fsync = lambda file: had.append(adapter.cache.get(case["url"]) is not None) or fsync(file)
    found += [ask(), all(had), len(had)]
    os.fsync = fsync
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (case["limit"], limit[1]))
    answer = quiet.get(case["url"], headers={"Accept": "text/html", "Cache-Control": "max-age=0"}, stream=True)
    found += [is_open(), answer.text[:3]]
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    names = [name for _, _, names in os.walk(case["cache"]) for name in names]
    found += [ask(), ask(), [name for name in names if name.endswith(".tmp")]]
print(json.dumps(found))
"""

# Two forks write one file, which never gets its name; prints whether both could, and how many files there are then.
FORKS = """
import os, sys
from repoprio.pip_adapter.index import answer_cache
folder, codes = sys.argv[1], []
answer_cache.filesystem.replace = lambda *_: None
for _ in range(2):
    child = os.fork()
    if not child:
        try:
            answer_cache._write(folder, os.path.join(folder, "page"), b"page")
            os._exit(0)
        finally:
            os._exit(1)
    codes.append(os.waitpid(child, 0)[1])
print(codes, len(os.listdir(folder)))
"""


@pytest.fixture
def world(pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> Iterator[ByHand]:
    """A server that answers by hand, above public."""
    with Listener("127.0.0.1", 0, threaded=True) as corp:
        yield ByHand(pip_env(pip), corp, repository("public"), tmp_path)


@pytest.mark.parametrize("pip", PIPS)
def test_a_full_disk_leaves_no_page_with_the_headers_of_another(world: ByHand) -> None:
    """An older page is never returned in place of one that could not be written.

    Meanwhile other pips always find a page: CacheControl has no answer if what a 304 confirms is no longer there.
    """
    body = {'"0"': "nil", '"1"': "one", '"2"': "two"}
    asked: list[str] = []

    def respond(request: Request) -> Response:
        tag = f'"{min(len(asked), 2)}"'
        if request.headers.get("If-None-Match") == tag:
            asked.append("304")
            return Response("", 304, {"ETag": tag})
        asked.append(body[tag])
        return Response(body[tag] + "x" * 20_000, 200, {**HTML, "ETag": tag})

    world.corp.expect_request("/simple/acme/").respond_with_handler(respond)
    case = {"url": f"{world.root}simple/acme/", "cache": str(world.folder / "cache"), "limit": 10_000}
    command = [str(world.env.python), "-c", FULL, json.dumps(case)]
    done = subprocess.run(command, env=world.env.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *found, left = json.loads(done.stdout)
    synced = found.pop(3)
    assert found == ["nil", "one", True, False, "two", "two", "two"]
    # This pip writes its files itself.
    assert (not left and synced == 1) or world.env.pip_version == "22.0.2"
    assert asked == ["nil", "one", "two", "two", "304"]


@pytest.mark.parametrize("pip", PIPS)
def test_what_is_damaged_in_the_cache_is_fetched_again(world: ByHand) -> None:
    """If a page in pip's cache is not whole, and the server confirms it, it is requested again without the cache."""
    whole = gzip.compress(world.page.encode())
    sent, confirmed = [whole[:-12]], []

    def respond(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"one"':
            confirmed.append(request)
            return Response("", 304, {"ETag": '"one"'})
        return Response(sent[-1], 200, {**HTML, "Content-Encoding": "gzip", "ETag": '"one"'})

    world.corp.expect_request("/simple/acme/").respond_with_handler(respond)
    policy = world.policy()
    assert world.take(policy) is None
    confirmed.clear()
    sent.append(whole)
    assert [world.take(policy), len(confirmed)] == ["1.0", 1]
    assert [world.take(policy), len(confirmed)] == ["1.0", 2]


@pytest.mark.parametrize("pip", PIPS)
def test_headers_that_a_crash_cut_off_are_no_answer(world: ByHand) -> None:
    """Only the body is written to the disk at once: a page whose headers are missing in part is fetched again."""
    conditions: list[str | None] = []

    def respond(request: Request) -> Response:
        conditions.append(request.headers.get("If-None-Match"))
        return Response(world.page, 200, {**HTML, "ETag": '"one"'})

    world.corp.expect_request("/simple/acme/").respond_with_handler(respond)
    policy = world.policy()
    assert world.take(policy) == "1.0"
    whole = {path: path.read_bytes() for path in _headers(world)}
    assert whole
    for part in (0, 3, 5, 50, 200):
        for path, content in whole.items():
            path.write_bytes(content[:part])
        conditions.clear()
        assert [world.take(policy), conditions[0]] == ["1.0", None]
    conditions.clear()
    assert [world.take(policy), conditions[0]] == ["1.0", '"one"']


def _headers(world: ByHand) -> list[Path]:
    """The files with the headers of what pip's cache has."""
    files = [path for path in world.folder.rglob("*") if path.is_file() and b"ETag" in path.read_bytes()[:2000]]
    return [path for path in files if path.suffix != ".body"]


def test_forks_do_not_write_to_the_same_file(tmp_path: Path) -> None:
    """A fork of a process that has written pages has files of its own until they are whole."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.strip() == "[0, 0] 2", done.stderr
