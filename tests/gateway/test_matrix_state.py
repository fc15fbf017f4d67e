"""Block F of the fault matrix: damage to the gateway's own state; `cases/gateway/state.toml` lists it."""

from __future__ import annotations

import http.client
import os
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from repoprio.lookup.ownership import Record, UnsoundMemory
from repoprio.names import normalize
from repoprio.policy.model import Policy
from repoprio.serve import gateway
from repoprio.serve.stores.choice import store_at
from repoprio.serve.stores.sqlite_store import SqliteStore
from repoprio.serve.stores.vigilant_store import VigilantStore
from repoprio.serve.transport import replies
from support.faults import Fault
from support.gateways import JSON, STALE, TTL, Answer, GatewayProcess, Served, serving
from support.invariant import LURE, assert_nothing_from_below
from support.redises import NEEDED, redis_server
from support.scene import Scene

DAY = timedelta(days=1)


def policy_of(scene: Scene, corp: str = "") -> Policy:
    """The policy of a scene, whose public has a lure in acme."""
    return scene.parsed(corp=corp)


def page(served: Served, scene: Scene, name: str = "acme") -> Answer:
    """The page, under the law."""
    answer = served.page(name)
    assert_nothing_from_below(answer, name, [scene.public])
    return answer


@contextmanager
def limited(what: int, most: int) -> Iterator[None]:
    """Limit a resource of this process meanwhile."""
    soft, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (soft, hard))


def test_a_disk_that_is_full_serves_nothing_new(scene: Scene, tmp_path: Path) -> None:
    """The record cannot be written, so nobody gets the page; with room on the disk it is served."""
    with serving(policy_of(scene), tmp_path / "store") as served:
        # No file may grow beyond a page of the database.
        with limited(resource.RLIMIT_FSIZE, 4096):
            answer = page(served, scene)
            assert (answer.status, answer.state) == (503, "ownership-memory")
            assert answer.headers["retry-after"] == "1"
        assert served.store.all() == ()
        assert page(served, scene).state == "fresh"
        assert [record.repository for record in served.store.of(normalize("acme"))] == ["corp"]


def test_a_process_without_file_descriptors_serves_nothing_new(scene: Scene, tmp_path: Path) -> None:
    """It can open neither its store nor a connection: 503 until it can."""
    scene.corp.add("ledger", "1.0")
    with serving(policy_of(scene), tmp_path / "store") as served:
        warm = page(served, scene)
        free = os.dup(0)
        os.close(free)
        with limited(resource.RLIMIT_NOFILE, free):
            assert served.page("ledger").status == 503
            assert page(served, scene).body == warm.body
        assert served.page("ledger").state == "fresh"


# Where the page with the records begins; its header says how many there are, and where.
_PAGE, _HEADER = 4096, 8


def _damaged(content: bytes, step: int) -> Iterator[tuple[str, bytes]]:
    """The file with one bit flipped, or cut short: at every `step` bytes, and at each bit of that header."""
    bits = {(place, place % 8) for place in range(0, len(content), step)}
    bits |= {(place, bit) for place in range(_PAGE, _PAGE + _HEADER) for bit in range(8)}
    for place, bit in sorted(bits):
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        yield f"bit {bit} of byte {place}", bytes(flipped)
    for length in range(0, len(content), 64 * step):
        yield f"cut at {length}", content[:length]


@pytest.mark.parametrize("step", [41, pytest.param(1, marks=pytest.mark.full)])
def test_no_damage_to_the_store_opens_a_name(step: int, tmp_path: Path) -> None:
    """Whichever bit is flipped, a running gateway and one that starts find the record, or stop."""
    file = tmp_path / "store"
    running = VigilantStore(SqliteStore(str(file)))
    running.prepare()
    records = [Record(normalize(f"acme-{number}"), "corp", "https://corp.example/simple/") for number in range(3)]
    running.replace((), records)
    lost = []
    for what, content in _damaged(file.read_bytes(), step):
        for leftover in tmp_path.glob("store-*"):
            leftover.unlink()
        file.write_bytes(content)
        lost += [what for record in records if _is_lost(running, record)]
        running._known |= {record.project for record in records}
        try:
            starting = SqliteStore(str(file))
            starting.prepare()
        except UnsoundMemory:
            continue
        # A file that is empty is a new one, and the gateway says so when it starts.
        lost += [f"{what}, at a start" for record in records if content and _is_lost(starting, record)]
    assert lost == []


def _is_lost(store: SqliteStore | VigilantStore, record: Record) -> bool:
    """Whether a store has forgotten a record, and does not say that it has."""
    try:
        return store.of(record.project) != (record,)
    except UnsoundMemory:
        return False


def test_a_gateway_that_is_killed_under_load_has_written_all_that_it_served(scene: Scene, tmp_path: Path) -> None:
    """After kill -9 under load, each name whose page was sent is remembered, and the file is intact."""
    scene.policy()
    names = [f"acme-{number}" for number in range(60)]
    for name in names:
        scene.corp.add(name, "1.0")
        scene.public.add(name, LURE)
    got: list[str] = []
    with GatewayProcess(scene.file, tmp_path / "store") as process:

        def take(share: list[str]) -> None:
            connection = http.client.HTTPConnection(urlsplit(process.url).netloc, timeout=10)
            try:
                for name in share:
                    connection.request("GET", f"/simple/{name}/", headers={"Accept": JSON})
                    response = connection.getresponse()
                    if response.status == 200 and response.read():
                        got.append(name)
            except (OSError, http.client.HTTPException):
                connection.close()

        takers = [threading.Thread(target=take, args=(names[first::4],)) for first in range(4)]
        for taker in takers:
            taker.start()
        while len(got) < 10 and any(taker.is_alive() for taker in takers):
            takers[0].join(0.005)
        process.stop(signal.SIGKILL)
        for taker in takers:
            taker.join()
    store = SqliteStore(str(tmp_path / "store"))
    store.prepare()
    assert set(got) <= {record.project for record in store.all()}
    assert 10 <= len(got) < len(names)


def test_a_gateway_that_is_told_to_stop_answers_first(scene: Scene, tmp_path: Path) -> None:
    """After SIGTERM during a slow request, the client gets its page, and the exit status is 0."""
    scene.policy()
    scene.corp.answer("acme", Fault(hang=0.5))
    with GatewayProcess(scene.file, tmp_path / "store") as process:
        with closing(http.client.HTTPConnection(urlsplit(process.url).netloc, timeout=10)) as connection:
            connection.request("GET", "/simple/acme/", headers={"Accept": JSON, "Connection": "close"})
            while not scene.corp.asked("acme"):
                threading.Event().wait(0.01)
            process._run.send_signal(signal.SIGTERM)
            response = connection.getresponse()
            assert (response.status, response.headers["X-Repoprio-Owner"]) == (200, "corp")
            assert b"acme-1.0" in response.read()
        process._run.communicate(timeout=10)
        assert process._run.returncode == 0


def _clock_off_by(offset: timedelta) -> type[datetime]:
    """The time functions of a machine whose clock is wrong."""

    class Off(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Off:
            return cls.fromtimestamp((datetime.now(timezone.utc) + offset).timestamp(), tz)

    return Off


@pytest.mark.parametrize("offset", [DAY, -DAY], ids=["ahead", "behind"])
def test_a_clock_that_is_off_by_a_day_changes_no_answer(
    offset: timedelta, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page becomes older or younger; a file that is too young stays so, by the earlier of two clocks."""
    scene.corp.add("ledger", {"version": "1.0", "uploaded": "3 days ago"}, {"version": "1.1", "uploaded": "1 day ago"})
    with serving(policy_of(scene, corp='min-age = "36 hours"'), tmp_path / "store") as served:
        assert list(served.page("ledger").files) == ["ledger-1.0-py3-none-any.whl"]
        kept = page(served, scene)
        for module in (gateway, replies):
            monkeypatch.setattr(module, "datetime", _clock_off_by(offset))
        served.now += TTL / 2
        assert page(served, scene).body == kept.body
        served.now += TTL
        assert list(served.page("ledger").files) == ["ledger-1.0-py3-none-any.whl"]
        scene.corp.answer("acme", Fault(status=503))
        scene.corp.answer("ledger", Fault(status=503))
        served.now += STALE - TTL
        assert page(served, scene, "ledger").state == "stale"
        served.now += TTL + 1
        assert page(served, scene, "ledger").status == 503


@NEEDED
def test_a_memory_that_is_begun_by_a_machine_whose_clock_is_behind_is_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gateways that have seen the earlier memory accept it."""
    with redis_server(tmp_path / "redis") as server:
        running, tool = store_at(server.url), store_at(server.url)
        tool.begin()
        assert running.all() == ()
        now = time.time_ns()
        monkeypatch.setattr(time, "time_ns", lambda: now - 86_400 * 10**9)
        record = Record(normalize("acme"), "corp", "https://corp.example/simple/")
        tool.begin([record])
        assert running.of(record.project) == (record,)


def test_a_store_that_is_held_by_another_process_is_waited_for(scene: Scene, tmp_path: Path) -> None:
    """While a backup locks the file for a moment, the answer is late, and is the owner's."""
    with (
        serving(policy_of(scene), tmp_path / "store") as served,
        closing(sqlite3.connect(tmp_path / "store", check_same_thread=False)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.3, other.rollback).start()
        assert page(served, scene).state == "fresh"
