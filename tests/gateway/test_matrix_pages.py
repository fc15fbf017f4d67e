"""Block A of the fault matrix: a repository does something else instead of answering for a project.

Each fault of `cases/faults/faults.toml`, above the owner, at the owner and below it, with a page that is missing,
fresh, or expired.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp.connector
import pytest

from repoprio.serve import client
from support.files import build, parse
from support.gateway_matrix import ABSENT, AGES, DOWN, PAGES, TIERS, pages
from support.gateways import STALE, TTL, Answer, Served, serving
from support.invariant import LURE, assert_nothing_from_below
from support.policy_files import parsed_policy
from support.repository import RepositoryServer
from support.scene import policy_text
from support.wire import WireFault, WireServer

BOUNDS = "page-timeout = 1\npage-size-limit = 8388608\n"
NOWHERE = "https://no-such-host.invalid/simple/"


class World:
    """corp above team above public, and a stranger elsewhere; `tier` is the one that will have the fault."""

    def __init__(self, sound: dict[str, RepositoryServer], fault: WireFault, tier: str, tls: dict[str, Any]) -> None:
        self.fault, self.tier = fault, tier
        files = [build("acme", parse(LURE if tier == "public" else "1.0"), tier)]
        self.faulty = WireServer("acme", files, tls if fault.scheme == "https" else None)
        self.faulty.is_absent = tier == "corp"
        self.faulty.places = {name: sound[name].root_url for name in ("public", "elsewhere")}
        self.servers: dict[str, RepositoryServer | WireServer] = {**sound, tier: self.faulty}
        for server in sound.values():
            server._requests.clear()

    def policy(self) -> str:
        """The policy; for a fault of the host name, the faulty repository has an unknown name."""
        urls = {tier: self.servers[tier].page_url for tier in TIERS}
        return policy_text(urls | ({self.tier: NOWHERE} if self.fault.how == "dns" else {}), before=BOUNDS)

    def break_it(self, patch: pytest.MonkeyPatch) -> None:
        """Give the repository its fault from now on."""
        self.faulty.fault = self.fault
        if self.fault.how == "refused":
            self.faulty.close()
        if self.fault.how == "proxy":
            patch.setenv("https_proxy", "http://127.0.0.1:9")

    def page(self, served: Served) -> Answer:
        """The page of acme, under the law."""
        answer = served.page("acme")
        assert_nothing_from_below(answer, "acme", (self.servers["public"], self.servers["elsewhere"]))
        return answer


@pytest.fixture(scope="module")
def sound() -> Iterator[dict[str, RepositoryServer]]:
    """The repositories without a fault: corp has nothing, team owns acme, public and the stranger have a lure."""
    servers = {name: RepositoryServer(name) for name in (*TIERS, "elsewhere")}
    servers["team"].add("acme", "1.0")
    servers["public"].add("acme", LURE)
    servers["elsewhere"].add("acme", LURE)
    yield servers
    for server in servers.values():
        server.close()


def cases() -> list[Any]:
    """Each fault in one tier and at one age in turn; the rest of the product with -m full."""

    def is_its_turn(fault: WireFault, tier: str, age: str) -> bool:
        number = PAGES.index(fault)
        return (tier, age) == (TIERS[number % len(TIERS)], list(AGES)[number // len(TIERS) % len(AGES)])

    return [
        pytest.param(
            fault, tier, AGES[age], id=f"{fault.id}-{tier}-{age}",
            marks=[] if is_its_turn(fault, tier, age) else [pytest.mark.full],
        )
        for fault, tier, age in pages()
    ]  # fmt: skip


def expected(fault: WireFault, tier: str, age: float | None) -> tuple[int, str]:
    """The status and state of a page that is `age` seconds old (None: not cached) while `tier` has a fault."""
    if tier == "public" or (age is not None and age < TTL):
        return 200, "fresh"
    if fault is ABSENT:
        return (200, "fresh") if tier == "corp" else (410, "remembered")
    if fault.outcome == "no-match":
        return 200, "fresh"
    if tier == "team" and fault.id in DOWN and age is not None and age < STALE:
        return 200, "stale"
    return 503, "unavailable"


@pytest.mark.parametrize(("fault", "tier", "age"), cases())
def test_a_fault_never_opens_a_name(
    fault: WireFault,
    tier: str,
    age: float | None,
    sound: dict[str, RepositoryServer],
    tls: tuple[dict[str, ssl.SSLContext], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Above the owner: nothing is served. At the owner: its last page or nothing. Below it: everything as usual."""
    monkeypatch.setattr(client, "_IDLE_SECONDS", 0.3)
    monkeypatch.setattr(client, "_RETRY_SECONDS", 0.0)
    # aiohttp makes its own when it is imported.
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", ssl.create_default_context(cafile=str(tls[1])))
    world = World(sound, fault, tier, tls[0])
    try:
        with serving(parsed_policy(world.policy()), tmp_path / "store") as served:
            if age is not None:
                assert world.page(served).state == "fresh"
                served.now += age
            world.break_it(monkeypatch)
            answer = world.page(served)
    finally:
        world.faulty.close()
    assert (answer.status, answer.state) == expected(fault, tier, age), answer.body.decode()
    judge(answer, fault, tier, age)


def judge(answer: Answer, fault: WireFault, tier: str, age: float | None) -> None:
    """Check the other facts in each answer."""
    if answer.status == 503:
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["cache-control"] == "no-store"
        assert tier in answer.document["detail"]
    if answer.state == "stale":
        assert answer.headers["cache-control"] == "max-age=0, must-revalidate"
        assert age is not None
        assert answer.headers["age"] == str(int(age))
    if answer.status == 200:
        is_empty = fault.outcome == "no-match" and tier != "public" and not (age is not None and age < TTL)
        assert answer.headers["x-repoprio-owner"] == (tier if is_empty else "team")
        assert len(answer.files) == (0 if is_empty else 1)
