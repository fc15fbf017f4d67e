"""Two gateways under load, while their Redis is stopped, slow, flushed and poisoned, and a repository fails."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from repoprio.serve.stores.choice import store_at
from repoprio.serve.stores.redis_store import KEY
from support.faults import Fault
from support.gateways import JSON, GatewayProcess
from support.invariant import LURE
from support.redises import NEEDED, Redis, redis_server
from support.scene import Scene

pytestmark = [NEEDED, pytest.mark.full]
NAMES = [f"acme-{number}" for number in range(20)]
LOST = frozenset(NAMES[:6])
SECONDS = 30.0


class World:
    """Corp, which has served all names, above public, and what is done to the Redis of two gateways."""

    def __init__(self, scene: Scene, redis: Redis) -> None:
        self.scene, self.redis = scene, redis
        self.client: Any = redis.binary()
        self.random = random.Random(17)
        self.records = b""

    def restore(self) -> None:
        """The records are as they were."""
        self.client.delete(KEY)
        self.client.restore(KEY, 0, self.records)

    def pages(self) -> list[bytes]:
        """Where the shared pages are."""
        return list(self.client.keys("repoprio:page:*"))

    def stop(self) -> None:
        """It ends, and starts over its disk."""
        self.redis.stop()
        time.sleep(1)
        self.redis.start()

    def freeze(self) -> None:
        """It takes connections, and answers late."""
        for seconds in (0.3, 0.6, 1.5):
            self.redis.freeze()
            time.sleep(seconds)
            self.redis.thaw()
            time.sleep(0.1)

    def flush(self) -> None:
        """All is gone, and restored later."""
        self.client.flushall()
        time.sleep(1)
        self.restore()

    def forge(self) -> None:
        """Records say that the names are public's, or are no records."""
        forged = b'[["public", "https://public.example/", "0000000000000000"]]'
        self.client.hset(KEY, mapping=dict.fromkeys(self.random.sample(NAMES, 5), forged))
        self.client.hset(KEY, self.random.choice(NAMES), os.urandom(50))
        time.sleep(1)
        self.restore()

    def drop_records(self) -> None:
        """Some records are gone."""
        self.client.hdel(KEY, *self.random.sample(NAMES, 3))
        time.sleep(1)
        self.restore()

    def shuffle(self) -> None:
        """Pages have the places of others."""
        places = self.pages()
        values = [self.client.get(place) for place in places]
        self.random.shuffle(values)
        for place, value in zip(places, values, strict=True):
            self.client.set(place, value or b"", px=3000)

    def flip(self) -> None:
        """A bit of each page is another."""
        for place in self.pages():
            value = bytearray(self.client.get(place) or b"\0")
            value[self.random.randrange(len(value))] ^= 1 << self.random.randrange(8)
            self.client.set(place, bytes(value), px=3000)

    def replay(self) -> None:
        """Pages come back that are too old by then."""
        old = {place: self.client.get(place) for place in self.pages()}
        time.sleep(2)
        for place, value in old.items():
            self.client.set(place, value or b"")

    def take_turns(self) -> None:
        """Somebody has the turn for each page, and makes none."""
        for place in self.pages():
            self.client.set(place.replace(b"page:", b"page-turn:", 1), b"mine", px=2000)

    def other_password(self) -> None:
        """It refuses the gateways."""
        password = self.client.config_get("requirepass")["requirepass"]
        self.client.config_set("requirepass", "another")
        time.sleep(1)
        self.client.config_set("requirepass", password)

    def full(self) -> None:
        """It takes no writes."""
        self.client.config_set("maxmemory", 1)
        time.sleep(1)
        self.client.config_set("maxmemory", 0)

    def fail(self) -> None:
        """Corp is down, slow, or says that it has nothing at all."""
        self.scene.corp._all = self.random.choice([Fault(status=503), Fault(status=404), Fault(hang=1.0)])
        time.sleep(2)
        self.scene.corp._all = None


CHAOS: list[Callable[[World], None]] = [
    World.stop,
    World.freeze,
    World.flush,
    World.forge,
    World.drop_records,
    World.shuffle,
    World.flip,
    World.replay,
    World.take_turns,
    World.other_password,
    World.full,
]


@pytest.fixture
def world(scene: Scene, tmp_path: Path) -> Iterator[World]:
    """A Redis in which a memory was begun."""
    for name in NAMES:
        scene.corp.add(name, "1.0")
        scene.public.add(name, LURE)
    with redis_server(tmp_path / "redis") as redis:
        store_at(redis.url).begin()
        yield World(scene, redis)


def ask(gateway: GatewayProcess, names: Iterator[str]) -> Iterator[tuple[str, int, bytes]]:
    """What one client gets."""
    with closing(HTTPConnection(urlsplit(gateway.url).netloc, timeout=30)) as connection:
        for name in names:
            connection.request("GET", f"/simple/{name}/", headers={"Accept": JSON})
            answer = connection.getresponse()
            yield name, answer.status, answer.read()


def test_whatever_becomes_of_redis_no_name_is_given_away(world: World) -> None:
    """No answer holds a file of public, nobody asks it, no name is said not to exist; in the end all are well again."""
    policy = world.scene.policy(before="absence-ttl = 1\nstale-if-error = 5")
    wrong, answers, ends = list[object](), Counter[int](), threading.Event()
    with GatewayProcess(policy, world.redis.url) as one, GatewayProcess(policy, world.redis.url) as other:
        assert {status for _, status, _ in ask(one, iter(NAMES))} == {200}
        world.records = world.client.dump(KEY)
        for name in LOST:
            world.scene.corp.remove(name)

        def load(gateway: GatewayProcess) -> None:
            names = iter(lambda: None if ends.wait(0.005) else random.choice(NAMES), None)
            for name, status, body in ask(gateway, names):
                answers[status] += 1
                if f"-{LURE}".encode() in body or status not in (200, 410, 503):
                    wrong.append((name, status, body[:200]))

        threads = [threading.Thread(target=load, args=(gateway,)) for gateway in (one, other) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            end, rounds = time.monotonic() + SECONDS, 0
            while rounds < len(CHAOS) or time.monotonic() < end:
                failing = threading.Thread(target=world.fail)
                failing.start()
                CHAOS[rounds % len(CHAOS)](world)
                failing.join()
                rounds += 1
        finally:
            ends.set()
            for thread in threads:
                thread.join()
        # A repository that was down is asked again after 5 seconds.
        time.sleep(6)
        expected = {name: 410 if name in LOST else 200 for name in NAMES}
        for gateway in (one, other):
            assert {name: status for name, status, _ in ask(gateway, iter(NAMES))} == expected
    assert wrong == []
    assert set(answers) == {200, 410, 503}, answers
    assert not [path for path in world.scene.public.requests if "acme-" in path]
