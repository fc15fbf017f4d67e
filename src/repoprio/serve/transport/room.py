"""Bounds the memory that large pages take: a lookup whose page is large waits until there is room for it."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterator
from contextlib import contextmanager

from repoprio.lookup.reasons import Cause
from repoprio.simple_api.response import UnusableResponse

# A page of at most this many bytes never waits.
SMALL = 2**20
# The limit in bytes for the pages of all lookups except the oldest, which has room for any page.
_MOST_RECEIVED = 32 * 2**20
# Reading a page, and making one of it, takes about eight times its size for a moment.
_MOST_READ = 8 * 2**20
# At most this many lookups may wait in the middle of a page: each holds a connection, which small pages need too.
_MOST_WAITING = 40
BUSY = "its page is large, and the gateway is busy with other large pages"


class Stage(enum.Enum):
    """What is done with a page."""

    RECEIVE = "receive"
    READ = "read"


class Room:
    """The room for large pages, which lookups share.

    The oldest of those that have asked for room never waits, so that they cannot wait for each other.
    """

    def __init__(
        self, most_received: int = _MOST_RECEIVED, most_read: int = _MOST_READ, most_waiting: int = _MOST_WAITING
    ) -> None:
        self._most = {Stage.RECEIVE: most_received, Stage.READ: most_read}
        self._most_waiting = most_waiting
        # In the order in which they asked for room.
        self._shares: dict[Share, None] = {}
        self._freed = asyncio.Event()

    @contextmanager
    def share(self, *, may_wait: bool = True) -> Iterator[Share]:
        """What a lookup takes of the room, until it is over; without waiting, it takes what it needs."""
        share = Share(self, may_wait=may_wait)
        try:
            yield share
        finally:
            self._shares.pop(share, None)
            self._freed.set()

    async def wait(self, share: Share, stage: Stage, size: int) -> None:
        """Wait until there is room for that many more bytes; raises `UnusableResponse` if too many wait already."""
        while not self.has_room(share, stage, size):
            waiting = sum(other.is_waiting for other in self._shares)
            if stage is Stage.RECEIVE and not share.is_waiting and waiting >= self._most_waiting:
                raise UnusableResponse(BUSY, Cause.BUSY)
            share.is_waiting = True
            self._freed.clear()
            await self._freed.wait()
        share.is_waiting = False

    def has_room(self, share: Share, stage: Stage, size: int) -> bool:
        """Whether there is room for that many more bytes now."""
        self._shares.setdefault(share)
        oldest, *others = self._shares
        return (
            share is oldest
            or not share.may_wait
            or sum(other.taken[stage] for other in others) + size <= self._most[stage]
        )


class Share:
    """What one lookup has of the room.

    `is_large`: one of its pages is larger than `SMALL`. `is_waiting`: it waits for more, or was ended while it did.
    """

    def __init__(self, room: Room, *, may_wait: bool = True) -> None:
        self._room = room
        self.may_wait = may_wait
        self.taken = dict.fromkeys(Stage, 0)
        self.is_large = False
        self.is_waiting = False

    def has_room(self, stage: Stage, size: int) -> bool:
        """Whether it can take room for `size` more bytes now."""
        return self._room.has_room(self, stage, size)

    async def take(self, stage: Stage, size: int) -> None:
        """Take room for `size` more bytes of a large page, as soon as there is some."""
        self.is_large = True
        await self._room.wait(self, stage, size)
        self.taken[stage] += size


class Part:
    """What one request of a lookup takes of its share; `has_waited`: the gateway has kept it waiting."""

    def __init__(self, share: Share) -> None:
        self.share = share
        self.has_waited = False

    async def take(self, stage: Stage, size: int) -> None:
        """As `Share.take`."""
        self.has_waited |= not self.share.has_room(stage, size)
        await self.share.take(stage, size)
