"""Pages that gateways share through a real Redis: with their true age, and never a forged one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest

from repoprio.lookup.ownership import Record
from repoprio.names import normalize
from repoprio.policy.model import Policy
from repoprio.serve.sharing import turns
from repoprio.serve.sharing.envelope import MOST_BYTES, Label, SharedPage, seal, unseal
from repoprio.serve.stores.redis_pages import EPOCH, RedisPages
from support.faults import Fault
from support.gateways import TTL, Answer, GatewayProcess, Served, serving
from support.redises import NEEDED, Redis, redis_server
from support.scene import Scene

pytestmark = NEEDED
ACME = normalize("acme")


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """One Redis for all tests."""
    with redis_server(tmp_path_factory.mktemp("redis") / "data") as running:
        yield running


class Two:
    """Two gateways of one policy with one Redis; `results` counts the result of each shared value."""

    def __init__(self, one: Served, other: Served, server: Redis) -> None:
        self.one, self.other, self.server = one, other, server
        self.redis: Any = server.binary()
        self.results: list[str] = []
        for gateway in (one, other):
            gateway.gateway.sharing.watch = self.results.append
        pages = one.store.pages()
        assert isinstance(pages, RedisPages)
        self.secret = pages.secret
        self.space = one.gateway.sharing._space

    @property
    def key(self) -> str:
        """The key of acme's page."""
        return f"repoprio:page:{self.space}:acme"

    @property
    def label(self) -> Label:
        """The label that its signature covers."""
        return Label(self.space, "acme", self.redis.get(EPOCH).decode())

    def shared(self) -> SharedPage:
        """Acme's shared page."""
        return unseal(self.secret, self.label, self.redis.get(self.key), self.one.gateway.policy.repositories)

    def share(self, **changes: Any) -> None:
        """Store another page instead, signed like a gateway's."""
        self.redis.set(self.key, seal(self.secret, self.label, replace(self.shared(), **changes)))


@pytest.fixture
def two(scene: Scene, one_server: Redis) -> Iterator[Two]:
    """Two gateways for corp above public, with an ownership memory."""
    one_server.client().flushall()
    policy = scene.parsed()
    with begun(policy, one_server) as one, begun(policy, one_server) as other:
        yield Two(one, other, one_server)


def begun(policy: Policy, server: Redis) -> Any:
    """A gateway with a Redis that has a memory."""
    from repoprio.serve.stores.choice import store_at

    store = store_at(server.url)
    if not server.client().exists("repoprio:ownership"):
        store.begin()
    return serving(policy, server.url)


def left(answer: Answer) -> int:
    """For how many seconds an answer may be kept."""
    return int(answer.headers["cache-control"].removeprefix("max-age=").partition(",")[0])


def test_what_one_fetched_serves_the_other(two: Two, scene: Scene) -> None:
    """Each form has the same ETag, and the repositories are not asked again."""
    first = two.one.page("acme")
    before = list(scene.corp.requests)
    for headers in ({}, {"accept": "text/html"}, {"accept_encoding": "gzip"}):
        mine, theirs = two.one.page("acme", **headers), two.other.page("acme", **headers)
        assert (mine.status, mine.body) == (theirs.status, theirs.body)
        same = ("etag", "x-repoprio-owner", "x-repoprio-state", "content-type")
        assert [mine.headers[name] for name in same] == [theirs.headers[name] for name in same]
    assert scene.corp.requests == before
    assert not scene.public.asked("acme")
    assert left(first) == 60
    assert 50 < left(two.other.page("acme")) < 60
    assert two.results == ["given", "used"]


def test_files_through_the_gateway_come_by_a_shared_page_too(scene: Scene, one_server: Redis) -> None:
    """The shared page says where the file is; the hash is checked as usual."""
    one_server.client().flushall()
    policy = scene.parsed(corp='files = "proxy"')
    with begun(policy, one_server) as one, begun(policy, one_server) as other:
        one.page("acme")
        url = next(iter(other.page("acme").files.values()))
        assert other.get(url.removeprefix("../..")).status == 200
        assert scene.corp.requests.count("/simple/acme/") == 1


def test_the_clock_of_absence_travels_with_a_page(two: Two, scene: Scene) -> None:
    """A page based on answers that are 50 seconds old counts for 10 more seconds, in any gateway."""
    two.one.page("acme")
    two.share(born=two.shared().born - 50_000)
    assert 0 < left(two.other.page("acme")) < 10
    two.redis.delete(two.key)
    two.other.now += 10
    scene.forget()
    assert left(two.other.page("acme")) == 60
    assert scene.corp.asked("acme")


@pytest.mark.parametrize("milliseconds", [-60_001, -86_400_000, 5_000, 86_400_000])
def test_what_is_too_old_or_of_the_future_does_not_count(two: Two, scene: Scene, milliseconds: int) -> None:
    """The owner is asked even if the key has not expired."""
    two.one.page("acme")
    two.share(born=two.shared().born + milliseconds)
    scene.forget()
    assert left(two.other.page("acme")) == 60
    assert scene.corp.asked("acme")


def test_a_page_is_refreshed_once_for_all(two: Two, scene: Scene) -> None:
    """The first gateway that refreshes it early does so for the other one."""
    two.one.page("acme")
    two.other.page("acme")
    two.one.now += 50
    two.share(born=two.shared().born - 50_000)
    scene.forget()
    two.one.page("acme")
    two.one.settle()
    assert left(two.one.page("acme")) == 60
    two.other.now += 50
    two.other.page("acme")
    two.other.settle()
    assert 50 < left(two.other.page("acme")) < 60
    assert scene.corp.requests.count("/simple/acme/") == 1


def _flip(two: Two) -> None:
    value = bytearray(two.redis.get(two.key))
    value[-20] ^= 1
    two.redis.set(two.key, bytes(value))


def _truncate(two: Two) -> None:
    two.redis.set(two.key, two.redis.get(two.key)[:-20])


def _garbage(two: Two) -> None:
    two.redis.set(two.key, b"\xff" * 1000)


def _other_type(two: Two) -> None:
    two.redis.delete(two.key)
    two.redis.hset(two.key, "a", "b")


def _too_large(two: Two) -> None:
    two.redis.set(two.key, two.redis.get(two.key) + b"\0" * MOST_BYTES)


def _of_another_name(two: Two) -> None:
    two.one.page("requests")
    two.redis.set(two.key, two.redis.get(two.key.replace("acme", "requests")))


def _without_the_password(two: Two) -> None:
    page = replace(two.shared(), owners=("public",))
    two.redis.set(two.key, seal(b"guessed", two.label, page))


def _of_another_policy(two: Two) -> None:
    page = replace(two.shared(), owners=("public",))
    two.redis.set(two.key, seal(two.secret, Label("another", "acme", two.label.epoch), page))


def _of_another_epoch(two: Two) -> None:
    two.redis.set(EPOCH, "another")


@pytest.mark.parametrize(
    "poison",
    [
        _flip,
        _truncate,
        _garbage,
        _other_type,
        _too_large,
        _of_another_name,
        _without_the_password,
        _of_another_policy,
        _of_another_epoch,
    ],
)
def test_a_poisoned_page_is_dropped_and_counted(two: Two, scene: Scene, poison: Callable[[Two], None]) -> None:
    """The owner is asked; no file of public gets through, and the store has a valid page again."""
    two.one.page("acme")
    poison(two)
    two.results.clear()
    scene.forget()
    answer = two.other.page("acme")
    assert (answer.status, answer.headers["x-repoprio-owner"]) == (200, "corp")
    assert answer.only_from(scene.corp)
    assert scene.corp.asked("acme")
    assert not scene.public.asked("acme")
    assert two.results == ["oversized" if poison is _too_large else "damaged", "given"]
    assert two.shared().owners == ("corp",)


def test_a_page_that_the_memory_contradicts_does_not_count(two: Two, scene: Scene) -> None:
    """Nor does one with an impossible owner: below the one that keeps the name, unknown, or none."""
    two.one.page("acme")
    good = two.shared()
    wrong: list[dict[str, Any]] = [
        {"owners": ("public",)},
        {"owners": ("corp", "public")},
        {"owners": ("stranger",)},
        {"owners": ()},
        {"holders": frozenset()},
        {"holders": frozenset({"public"})},
    ]
    for changes in wrong:
        two.share(**{"owners": good.owners, "holders": good.holders, **changes})
        scene.forget()
        two.other.gateway._pages.forget(ACME)
        answer = two.other.page("acme")
        assert answer.only_from(scene.corp), changes
        assert scene.corp.asked("acme"), changes
    scene.corp.remove("acme")
    two.one.store.replace([Record(ACME, "corp", scene.corp.page_url)], [])
    two.other.gateway._pages.forget(ACME)
    assert two.other.page("acme").headers["x-repoprio-owner"] == "public", "released, so corp's page is out"


def test_another_policy_has_separate_pages(two: Two, scene: Scene) -> None:
    """The policy's decisions and the gateway's options are part of the key of its pages."""
    two.one.page("acme")
    policy = scene.parsed('[pins.acme]\nprojects = ["acme"]\nrepositories = ["public"]\n')
    with begun(policy, two.server) as pinned:
        assert pinned.page("acme").headers["x-repoprio-owner"] == "public"
    assert two.other.page("acme").headers["x-repoprio-owner"] == "corp"


def test_one_gateway_asks_for_all(two: Two, scene: Scene) -> None:
    """Meanwhile the others wait for the page that it will share."""
    scene.corp.answer("acme", Fault(hang=0.4))
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda g=g: answers.append(g.page("acme"))) for g in (two.one, two.other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert [answer.headers["x-repoprio-owner"] for answer in answers] == ["corp", "corp"]
    assert scene.corp.requests.count("/simple/acme/") == 1


def test_nobody_waits_long_for_a_gateway_that_ended(two: Two, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its turn expires; if its holder has nothing to share, all waiting gateways ask."""
    turn = two.key.replace("page:", "page-turn:")
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.2)
    two.redis.set(turn, "of somebody else", px=60_000)
    assert two.one.page("acme").headers["x-repoprio-owner"] == "corp"
    assert two.redis.get(turn) == b"of somebody else", "a turn is ended by whoever has it"
    two.redis.delete(turn)
    assert two.one.page("nobody").status == 404
    assert not two.redis.keys("repoprio:page-turn:*")


def test_when_the_clock_of_redis_is_set_a_new_epoch_begins(two: Two, scene: Scene) -> None:
    """Earlier ages would be wrong, so pages from before do not count."""
    two.one.page("acme")
    before = two.label
    pages = two.other.store.pages()
    assert isinstance(pages, RedisPages)
    assert pages.look(two.space, "acme", MOST_BYTES).value
    least, most = pages._offset or (0, 0)
    pages._offset = least + 30_000, most + 30_000
    scene.forget()
    assert two.other.page("acme").only_from(scene.corp)
    assert scene.corp.asked("acme")
    assert two.label != before
    two.redis.delete(EPOCH)
    two.redis.hset(EPOCH, "a", "b")
    two.one.now += TTL
    assert two.one.page("acme").only_from(scene.corp)


def test_without_the_store_of_pages_each_gateway_asks_itself(two: Two, scene: Scene) -> None:
    """Nothing is guessed, and nobody waits."""
    two.one.page("acme")
    two.other.gateway.sharing._store = RedisPages("redis://127.0.0.1:1/0")
    assert two.other.page("acme").only_from(scene.corp)
    assert scene.corp.requests.count("/simple/acme/") == 2
    assert set(two.results) == {"given", "failed"}


def test_processes_share_pages_as_their_users_start_them(two: Two, scene: Scene) -> None:
    """Of two gateways, one asks the repositories, and /metrics of the other shows that."""
    pytest.importorskip("prometheus_client")
    with (
        GatewayProcess(scene.file, two.server.url) as one,
        GatewayProcess(scene.file, two.server.url) as other,
    ):
        assert read(f"{one.url}acme/") == read(f"{other.url}acme/")
        assert scene.corp.requests.count("/simple/acme/") == 1
        assert 'repoprio_shared_pages_total{result="used"} 1.0' in read(other.url.replace("/simple/", "/metrics"))


def read(url: str) -> str:
    """The stored value."""
    with build_opener(ProxyHandler({})).open(url, timeout=30) as answer:
        return str(answer.read().decode())
