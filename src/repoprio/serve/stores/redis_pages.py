"""Pages in Redis or Valkey, by a space (what must not be mixed) and a project, with turns to fetch them.

The reader of a value checks its signature; this module only limits how much is read. Ages are measured with the clock
of Redis. If that clock is set, a process that looked before notices it and begins a new epoch: a signature holds for
one epoch, so nothing counts that was written before.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from repoprio.serve.stores.model import NoAnswer, StoredPage
from repoprio.serve.timing import clock

PREFIX = "repoprio:page"
EPOCH = f"{PREFIX}s:epoch"
# The limit in seconds for an answer; without one the gateway continues.
_WAIT_SECONDS = 0.5
# For this many seconds after a failure Redis is not asked: each request might have to wait.
_PAUSE = 1.0
# Small corrections of the clock do not count as setting it.
_TOLERANCE_MS = 1000
_EPOCH_BYTES = 64
# Only the gateway that took the turn ends it.
_END = """
if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class RedisPages:
    """Values by space and project (`repoprio.serve.stores.model.PageStore`); any thread may call it."""

    def __init__(self, url: str) -> None:
        # Without this password, somebody with access to Redis cannot write valid pages.
        self.secret = hashlib.sha256(b"repoprio pages\0" + unquote(urlsplit(url).password or "").encode()).digest()
        self._redis: Any = redis.Redis.from_url(
            url,
            socket_timeout=_WAIT_SECONDS,
            socket_connect_timeout=_WAIT_SECONDS,
            # A kept connection may have been closed meanwhile.
            retry=Retry(NoBackoff(), 1),
        )
        self._lock = threading.Lock()
        self._offset: tuple[float, float] | None = None
        self._down_until = 0.0

    def look(self, space: str, name: str, most_bytes: int) -> StoredPage:
        """The current state; a value that is too large is cut off behind the limit."""
        page, turn = _keys(space, name)
        with self._asking():
            begun = clock.steady_seconds()
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.time()
            pipeline.getrange(EPOCH, 0, _EPOCH_BYTES)
            pipeline.getrange(page, 0, most_bytes)
            pipeline.exists(turn)
            (seconds, micros), epoch, value, is_taken = pipeline.execute(raise_on_error=False)
            ended = clock.steady_seconds()
            if isinstance(epoch, redis.ResponseError) or isinstance(is_taken, redis.ResponseError):
                # A key of another type does not belong to repoprio.
                self._redis.delete(EPOCH)
                raise NoAnswer
            now = seconds * 1000 + micros // 1000
            if self._is_set(now - ended * 1000, now - begun * 1000):
                epoch, value = self._new_epoch(), b""
            elif not epoch:
                epoch, value = self._first_epoch(), b""
        # A value of another type is no page: it is dropped like a damaged one.
        content = b"\0" if isinstance(value, redis.ResponseError) else value
        return StoredPage(epoch.decode("ascii", "replace"), now, content or None, is_taken=bool(is_taken))

    def _is_set(self, least: float, most: float) -> bool:
        """Whether the clock was set since the last look; it is `least` to `most` ms ahead of this process' clock."""
        with self._lock:
            before, self._offset = self._offset, (least, most)
        return before is not None and (least > before[1] + _TOLERANCE_MS or most < before[0] - _TOLERANCE_MS)

    def _new_epoch(self) -> bytes:
        epoch = secrets.token_hex(16).encode()
        self._redis.set(EPOCH, epoch)
        return epoch

    def _first_epoch(self) -> bytes:
        self._redis.set(EPOCH, secrets.token_hex(16), nx=True)
        epoch: bytes = self._redis.getrange(EPOCH, 0, _EPOCH_BYTES)
        return epoch

    def drop(self, space: str, name: str) -> None:
        """Delete a value."""
        with self._asking():
            self._redis.delete(_keys(space, name)[0])

    def take_turn(self, space: str, name: str, token: str, milliseconds: int) -> bool:
        """Take the turn for at most the given time; returns whether the caller got it."""
        with self._asking():
            return bool(self._redis.set(_keys(space, name)[1], token, nx=True, px=milliseconds))

    def end_turn(self, space: str, name: str, token: str, value: bytes = b"", milliseconds: int = 0) -> None:
        """End the turn, if the caller still has it; a value, if there is one, is kept for the given time."""
        with self._asking():
            page, turn = _keys(space, name)
            self._redis.eval(_END, 2, turn, page, token, value, milliseconds)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """A context in which any error of Redis becomes `NoAnswer`; for a while, later requests do not wait for it."""
        if time.monotonic() < self._down_until:
            raise NoAnswer
        try:
            yield
        except (redis.RedisError, OSError, ValueError, TypeError) as error:
            self._down_until = time.monotonic() + _PAUSE
            raise NoAnswer from error


def _keys(space: str, name: str) -> tuple[str, str]:
    """The keys of a project: that of its value, and that of its turn."""
    return f"{PREFIX}:{space}:{name}", f"{PREFIX}-turn:{space}:{name}"
