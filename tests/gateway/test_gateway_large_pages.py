"""Large pages at the same time: they wait for room, ordinary pages do not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from repoprio.lookup.events import FetchFailed, FetchRequest, FetchResult, ResourceKind
from repoprio.lookup.reasons import Cause
from repoprio.names import NormalizedName
from repoprio.serve.transport.room import SMALL, Part, Room, Stage
from repoprio.simple_api.model import ProjectPage
from support.faults import Fault
from support.gateways import TTL, Served, serving
from support.policy_files import parsed_policy
from support.repository import DirectoryRepository
from support.scene import Scene

_PAD = ["x" * 1000] * (SMALL // 1000)
_SECONDS = 1.0
ACME = NormalizedName("acme")


def large(name: str, version: str = "1.0") -> Fault:
    """A valid page that is a bit larger than those that never wait."""
    file = {"filename": f"{name}-{version}.tar.gz", "url": f"{name}-{version}.tar.gz", "hashes": {}}
    return Fault(json={"meta": {"api-version": "1.0"}, "name": name, "files": [file], "pad": _PAD})


@contextmanager
def gateway(scene: Scene, folder: Path, corp: str = "") -> Iterator[Served]:
    """A gateway for corp above public; a page may take a second."""
    policy = scene.policy(before=f"page-timeout = {_SECONDS}", corp=corp)
    with serving(parsed_policy(policy.read_text()), folder / "store") as served:
        yield served


@contextmanager
def full(served: Served, stage: Stage) -> Iterator[None]:
    """A gateway that has no room for more in one stage: two lookups have it, and are not over yet."""
    room: Room = served.gateway._client.room
    with ExitStack() as stack:
        for share in (stack.enter_context(room.share()), stack.enter_context(room.share())):
            served.run(lambda share=share: share.take(stage, room._most[stage]))  # type: ignore[misc]
        yield


@pytest.mark.parametrize("stage", Stage)
def test_a_large_page_without_room_is_not_available(stage: Stage, scene: Scene, tmp_path: Path) -> None:
    """It is received or read later: the client is told so, and to try again. An ordinary page is served meanwhile."""
    scene.corp.answer("acme", large("acme"))
    scene.corp.add("ledger", "1.0")
    with gateway(scene, tmp_path) as served:
        with full(served, stage):
            answer = served.page("acme")
            assert (answer.status, answer.state, answer.headers["retry-after"]) == (503, "unavailable", "1")
            assert re.search(
                r"corp \(priority 10\) is unavailable: .* busy with other large", answer.document["detail"]
            )
            assert "try again" in answer.document["detail"]
            assert served.page("ledger").status == 200
        assert list(served.page("acme").files) == ["acme-1.0.tar.gz"]
    assert scene.public.requests == []


def test_a_large_page_waits_for_room(scene: Scene, tmp_path: Path) -> None:
    """If another lookup ends in time, the client gets its page."""
    scene.corp.answer("acme", large("acme"))
    with gateway(scene, tmp_path) as served:

        async def play() -> int:
            room: Room = served.gateway._client.room
            with room.share() as oldest, room.share() as other:
                await oldest.take(Stage.READ, 1)
                await other.take(Stage.READ, room._most[Stage.READ])
                asked = asyncio.create_task(served.ask("/simple/acme/", "GET", {}))
                while not any(share.is_waiting for share in room._shares):
                    assert not asked.done()
                    await asyncio.sleep(0.01)
            return (await asked).status

        assert served.run(play) == 200


def test_lookups_leave_no_trace_in_the_room(scene: Scene, tmp_path: Path) -> None:
    """What a lookup takes is free again when it ends, well or badly; that of an explanation and of a list too."""
    scene.corp.answer("acme", large("acme"))
    scene.corp.answer("ledger", Fault(json={"meta": {"api-version": "9.9"}, "pad": _PAD}))
    scene.corp.list_answer(Fault(json={"meta": {"api-version": "1.0"}, "projects": [{"name": "acme"}], "pad": _PAD}))
    with gateway(scene, tmp_path) as served:
        assert [served.page(name).status for name in ("acme", "ledger")] == [200, 503]
        assert served.get("/explain/acme").status == 200
        assert served.get("/simple/").status == 200
        assert not served.gateway._client.room._shares


def test_a_busy_gateway_is_no_outage_of_the_repository(scene: Scene, tmp_path: Path) -> None:
    """`skip-if-unavailable` does not pass the name on, and the repository is asked for other names at once."""
    scene.corp.answer("acme", large("acme"))
    scene.corp.add("ledger", "1.0")
    with gateway(scene, tmp_path, corp="skip-if-unavailable = true") as served, full(served, Stage.READ):
        assert served.page("acme").status == 503
        assert served.page("ledger").headers["x-repoprio-owner"] == "corp"
    assert scene.public.requests == []


def test_a_page_that_waited_and_then_came_too_late(scene: Scene, tmp_path: Path) -> None:
    """The gateway was slow, and not only the repository: `skip-if-unavailable` does not pass the name on."""
    scene.corp.answer("acme", large("acme"))
    with gateway(scene, tmp_path, corp="skip-if-unavailable = true") as served:

        async def play() -> int:
            client = served.gateway._client
            # All readers are busy, for longer than the page may take.
            async with client._reading, client._reading:
                return (await served.ask("/simple/acme/", "GET", {})).status

        assert served.run(play) == 503
    assert scene.public.requests == []


def test_a_slow_repository_is_not_called_a_busy_gateway(scene: Scene, tmp_path: Path) -> None:
    """If one page of a lookup waited for room, and another repository takes too long, that is an outage of it."""
    scene.corp.answer("acme", Fault(hang=3 * _SECONDS))
    with gateway(scene, tmp_path) as served:
        room: Room = served.gateway._client.room

        async def play() -> FetchResult[ProjectPage]:
            with room.share() as oldest, room.share() as other:
                await oldest.take(Stage.READ, 1)
                await other.take(Stage.READ, room._most[Stage.READ])
                with room.share() as share:
                    waits = asyncio.create_task(Part(share).take(Stage.READ, SMALL))
                    corp = served.gateway.policy.repositories[0]
                    ask = FetchRequest(corp, ResourceKind.PAGE, ACME, corp.locations[0].page(ACME))
                    result = await served.gateway._client.fetch(ask, 60, share)
                    waits.cancel()
                    return result

        result = served.run(play)
        assert isinstance(result, FetchFailed)
        assert result.cause is Cause.TIME


def test_what_several_lookups_need_waits_for_none_of_them(scene: Scene, tmp_path: Path) -> None:
    """A complete project list is fetched although there is no room: the lookup that has it may wait for the list."""
    scene.corp.add("acme", "1.0")
    names = [{"name": "acme"}]
    scene.corp.list_answer(Fault(json={"meta": {"api-version": "1.0"}, "projects": names, "pad": _PAD}))
    with gateway(scene, tmp_path, corp='listing = "complete"') as served, full(served, Stage.READ):
        assert served.page("acme").headers["x-repoprio-owner"] == "corp"


def test_its_last_page_stands_in_for_a_page_that_has_no_room(scene: Scene, tmp_path: Path) -> None:
    """As while the owner does not answer in time."""
    scene.corp.answer("acme", large("acme"))
    with gateway(scene, tmp_path) as served:
        assert served.page("acme").state == "fresh"
        served.now += TTL + 1
        with full(served, Stage.READ):
            assert served.page("acme").state == "stale"


def test_a_large_page_in_a_folder_waits_too(scene: Scene, tmp_path: Path) -> None:
    """It is read only once there is room; an ordinary one at once."""
    folder = DirectoryRepository(tmp_path / "folder", "folder")
    for name in ("acme", "ledger"):
        folder.add(name, "1.0")
    page = folder.root / "acme" / "index.html"
    page.write_text(page.read_text() + "<!-- x -->" * (SMALL // 10))
    scene.policy(before=f"page-timeout = {_SECONDS}", at={"corp": folder.root_url})
    with serving(parsed_policy(scene.file.read_text()), tmp_path / "store") as served:
        with full(served, Stage.READ):
            assert (served.page("acme").status, served.page("ledger").status) == (503, 200)
        assert served.page("acme").status == 200


def test_the_sources_of_a_page_take_memory_too(scene: Scene, tmp_path: Path) -> None:
    """A page whose files the gateway relays weighs more than the bytes of its formats."""
    with gateway(scene, tmp_path, corp='files = "proxy"') as served:
        served.page("acme")
        served.settle()
        page = served.gateway.warm(NormalizedName("acme"))
    assert page is not None
    contents = sum(map(len, {body.content for body in page.forms.values()}))
    assert page.size - contents > 100 * len(page.sources) > 0
