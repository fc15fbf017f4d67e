"""The room for large pages: lookups wait until there is some, and never for each other in a circle."""

from __future__ import annotations

import asyncio

import pytest

from repoprio.lookup.reasons import Cause
from repoprio.serve.transport.room import Room, Share, Stage
from repoprio.simple_api.response import UnusableResponse


async def waiting(share: Share, size: int, stage: Stage = Stage.RECEIVE) -> asyncio.Task[None]:
    """A task that takes room, after it has begun."""
    task = asyncio.create_task(share.take(stage, size))
    await asyncio.sleep(0)
    return task


async def settled() -> None:
    """Let those continue who were told that there is room."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_the_oldest_never_waits_and_the_others_have_what_they_share() -> None:
    """So the memory is bounded by the largest page and the room of all others together."""

    async def play() -> None:
        room = Room(most_received=10)
        with room.share() as second:
            with room.share() as oldest:
                await oldest.take(Stage.RECEIVE, 1000)
                await second.take(Stage.RECEIVE, 10)
                more = await waiting(second, 1)
                await oldest.take(Stage.RECEIVE, 1000)
                assert second.is_waiting
                # What is read has room of its own.
                await second.take(Stage.READ, 1)
                assert not more.done()
            await settled()
            # It is the oldest now.
            assert (more.done(), second.is_waiting, second.taken[Stage.RECEIVE]) == (True, False, 11)

    asyncio.run(play())


def test_room_that_is_freed_goes_to_those_who_wait() -> None:
    """Each lookup that ends frees what it had, also one that was ended while it waited."""

    async def play() -> None:
        room = Room(most_received=10)
        with room.share() as oldest, room.share() as third:
            await oldest.take(Stage.RECEIVE, 1)
            with room.share() as second:
                await second.take(Stage.RECEIVE, 6)
                one, other = await waiting(third, 5), await waiting(second, 5)
                other.cancel()
                await settled()
                assert (one.done(), third.is_waiting, second.is_waiting) == (False, True, True)
            await settled()
            assert one.done()

    asyncio.run(play())


def test_few_wait_with_a_connection() -> None:
    """A page that waits while it is received holds a connection, which small pages need; a received one holds none."""

    async def play() -> None:
        room = Room(most_received=10, most_read=10, most_waiting=1)
        with room.share() as oldest, room.share() as second, room.share() as third:
            await oldest.take(Stage.RECEIVE, 1)
            await waiting(second, 11)
            with pytest.raises(UnusableResponse, match="busy with other large pages") as refused:
                await third.take(Stage.RECEIVE, 11)
            assert (refused.value.cause, refused.value.lasting) == (Cause.BUSY, False)
            assert not (await waiting(third, 11, Stage.READ)).done()

    asyncio.run(play())
