"""The ownership memory in a real Redis: shared, and never guessed when it is down, slow, lost or poisoned."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repoprio.lookup.ownership import Record, UnsoundMemory
from repoprio.names import normalize
from repoprio.serve.stores import redis_store
from repoprio.serve.stores.choice import store_at
from support.gateways import TTL, GatewayProcess, serving
from support.redises import NEEDED, PASSWORD, Redis, redis_server
from support.scene import Scene

pytestmark = NEEDED
RECORD = Record(normalize("acme"), "corp", "https://corp.example/simple/")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """A Redis without a memory."""
    monkeypatch.setattr(redis_store, "_PAUSE", 0.0)
    monkeypatch.setattr(redis_store, "_WAIT_SECONDS", 0.3)
    with redis_server(tmp_path / "redis") as running:
        yield running


def ownership(scene: Scene, server: Redis, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``repoprio ownership`` with the store of a server."""
    return subprocess.run(
        [sys.executable, "-m", "repoprio", "ownership", *arguments],
        env={"HOME": str(scene.file.parent), "REPOPRIO_CONFIG": str(scene.file), "REPOPRIO_STORE": server.url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_gateways_share_what_they_remember(scene: Scene, server: Redis, tmp_path: Path) -> None:
    """A name that one has served stays closed in the other; release opens it for all; no output has the password."""
    policy = scene.parsed()
    begun = ownership(scene, server, "init")
    assert (begun.returncode, "0 records" in begun.stdout) == (0, True), begun.stderr
    with serving(policy, server.url) as one, serving(policy, server.url) as other:
        assert one.page("acme").headers["x-repoprio-owner"] == "corp"
        scene.corp.remove("acme")
        server.forget_pages()
        gone = other.page("acme")
        assert gone.state == "remembered"
        place = server.url.replace(f":{PASSWORD}@", "")
        assert f"repoprio ownership release acme --store {place} (add the login" in gone.document["detail"]
        assert PASSWORD.encode() not in gone.body
        assert not scene.public.asked("acme")
        listed = ownership(scene, server, "list")
        assert listed.stdout == f"acme  corp  {scene.corp.page_url}\n"
        released = ownership(scene, server, "release", "acme")
        assert released.stdout == "released: acme (was corp)\n"
        assert other.page("acme").headers["x-repoprio-owner"] == "public"
    assert PASSWORD not in f"{begun}{listed}{released}"


def test_a_gateway_does_not_begin_a_memory_itself(scene: Scene, server: Redis) -> None:
    """An empty Redis may be a lost one: the gateway says how to begin a memory, without the password."""
    scene.policy()
    with pytest.raises(AssertionError, match="repoprio ownership init") as refused:
        GatewayProcess(scene.file, Path("unused"), "--store", server.url)
    assert PASSWORD not in str(refused.value)
    assert ownership(scene, server, "list").returncode == 2
    ownership(scene, server, "init")
    with GatewayProcess(scene.file, Path("unused"), "--store", server.url) as process:
        assert "serving" in process.greeting


def _flush(server: Redis) -> None:
    server.client().flushall()


def _other_type(server: Redis) -> None:
    _flush(server)
    server.client().set(redis_store.KEY, "x")


def _forge(server: Redis) -> None:
    server.client().hset(redis_store.KEY, "acme", '[["public", "https://public.example/", "0000000000000000"]]')


def _garbage(server: Redis) -> None:
    server.client().hset(redis_store.KEY, "acme", b"\xff\xfe[" + b"[" * 5000)


def _flip_a_bit(server: Redis) -> None:
    """Change the project's name, so that its records are not found any more."""
    client = server.client()
    client.hset(redis_store.KEY, "acne", client.hget(redis_store.KEY, "acme"))
    client.hdel(redis_store.KEY, "acme")


def _empty_one(server: Redis) -> None:
    server.client().hset(redis_store.KEY, "acme", "[]")


def _drop_one(server: Redis) -> None:
    server.client().hdel(redis_store.KEY, "acme")


def _set_back(server: Redis) -> None:
    """Restore the state before acme was served, like a replica that lags."""
    client = server.client()
    client.hdel(redis_store.KEY, "acme")
    client.hset(redis_store.KEY, mapping={"@writes": "0", "@projects": "0"})


FAULTS = [
    Redis.stop,
    Redis.freeze,
    _flush,
    _other_type,
    _forge,
    _garbage,
    _flip_a_bit,
    _empty_one,
    _drop_one,
    _set_back,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_ownership_is_never_guessed(fault: Callable[[Redis], None], scene: Scene, server: Redis) -> None:
    """Fresh pages are served; then it is 503, also for a name that corp lost meanwhile.

    No lower repository is asked.
    """
    store_at(server.url).begin()
    with serving(scene.parsed(), server.url) as served:
        assert served.page("acme").status == 200
        fault(server)
        assert served.page("acme").status == 200
        scene.corp.remove("acme")
        served.now += TTL + 1
        answer = served.page("acme")
        assert (answer.status, answer.state) == (503, "ownership-memory")
        assert PASSWORD.encode() not in answer.body
        assert not scene.public.asked("acme")


@pytest.mark.parametrize("fault", [Redis.stop, Redis.freeze], ids=["stopped", "frozen"])
def test_when_redis_is_back_so_is_the_memory(
    fault: Callable[[Redis], None], scene: Scene, server: Redis, tmp_path: Path
) -> None:
    """After a kill and restart over its disk, or a slow phase, nothing is lost or needs confirmation."""
    store_at(server.url).begin()
    with serving(scene.parsed(), server.url) as served:
        served.page("acme")
        fault(server)
        served.now += TTL + 1
        assert served.page("acme").status == 503
        scene.corp.remove("acme")
        server.start() if fault is Redis.stop else server.thaw()
        assert served.page("acme").state == "remembered"


def test_a_lost_memory_is_restored_or_confirmed(scene: Scene, server: Redis, tmp_path: Path) -> None:
    """The output of export is imported again, also under running gateways; an invalid file changes nothing."""
    store_at(server.url).begin()
    exported = tmp_path / "ownership.json"
    with serving(scene.parsed(), server.url) as served:
        served.page("acme")
        exported.write_text(ownership(scene, server, "export").stdout)
        _flush(server)
        served.now += TTL + 1
        assert served.page("acme").status == 503
        (tmp_path / "other.json").write_text('{"records": [{}]}')
        assert ownership(scene, server, "init", "--from", str(tmp_path / "other.json")).returncode == 2
        assert served.page("acme").status == 503
        restored = ownership(scene, server, "init", "--from", str(exported))
        assert (restored.returncode, "1 record " in restored.stdout) == (0, True), restored.stderr
        scene.corp.remove("acme")
        assert served.page("acme").state == "remembered"


def test_what_is_no_record_is_not_even_fetched(server: Redis) -> None:
    """A value of any size, under this or another name, takes no memory of the gateway."""
    store = store_at(server.url)
    store.begin([RECORD])
    value = server.client().hget(redis_store.KEY, "acme")
    server.client().hset(redis_store.KEY, "acme", value + " " * 100_000)
    with pytest.raises(UnsoundMemory, match="larger than a record"):
        store.of(RECORD.project)
    with pytest.raises(UnsoundMemory, match="larger than a record"):
        store.all()


def test_an_older_generation_is_no_newer_one(server: Redis) -> None:
    """A gateway that saw the newer memory notices a backup from before the last `init`."""
    store = store_at(server.url)
    server.client().hset(redis_store.KEY, mapping={"@generation": "0" * 20, "@writes": 9, "@projects": 0})
    assert store.all() == ()
    store.begin([RECORD])
    server.client().delete(redis_store.KEY)
    server.client().hset(redis_store.KEY, mapping={"@generation": "0" * 20, "@writes": 9, "@projects": 0})
    with pytest.raises(UnsoundMemory, match="set back"):
        store.of(RECORD.project)


def test_racing_replicas_keep_one_record_and_lose_none(server: Redis) -> None:
    """Three gateways write the same name and their own ones at once: each record exists once."""
    store_at(server.url).begin()
    failed: list[str] = []

    def write(first: int) -> None:
        store = store_at(server.url)
        try:
            for number in range(first, first + 20):
                store.replace((), [RECORD, RECORD._replace(project=normalize(f"p{number}"))])
                store.replace([RECORD], [RECORD._replace(repository=f"corp{first}")])
                store.replace([RECORD._replace(repository=f"corp{first}")], [RECORD])
        except UnsoundMemory as error:
            failed.append(str(error))

    threads = [threading.Thread(target=write, args=(20 * number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    store = store_at(server.url)
    assert len(store.all()) == 61
    assert store.of(RECORD.project) == (RECORD,)
