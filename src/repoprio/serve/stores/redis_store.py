"""The ownership memory in Redis or Valkey, which gateways of several machines share.

All of it is one hash, so that it is evicted, flushed or replaced as a whole, which is noticed: only an administrator
begins a memory (`RedisStore.begin`), and a gateway that finds none knows that it was lost. The hash counts its projects
and its writes: a project that is gone, and an older state than this process has seen, are noticed as well.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from repoprio.lookup.ownership import Record, UnsoundMemory, digest
from repoprio.names import NormalizedName
from repoprio.redaction import display_url
from repoprio.serve.stores.redis_pages import RedisPages

KEY = "repoprio:ownership"
# A field that cannot be the name of a project.
_GENERATION, _WRITES, _PROJECTS = "@generation", "@writes", "@projects"
_STATE = (_GENERATION, _WRITES, _PROJECTS)
_WAIT_SECONDS = 1.0
# For this many seconds after a failure no request waits for Redis: all get the same answer.
_PAUSE = 1.0
_TRIES = 50
# Another gateway may have written since the values were read: a project is changed only if it still has the value that
# was read. Returns the number of writes; 0 if a value was another one, and then nothing is changed.
_SWAP = """
if redis.call('HGET', KEYS[1], '@generation') ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') ~= ARGV[i + 1] then return 0 end
end
local projects = 0
for i = 2, #ARGV, 3 do
  if ARGV[i + 2] == '' then projects = projects - redis.call('HDEL', KEYS[1], ARGV[i])
  else projects = projects + redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2]) end
end
redis.call('HINCRBY', KEYS[1], '@projects', projects)
return redis.call('HINCRBY', KEYS[1], '@writes', 1)
"""
# A value that is no record may have any size: it is not even fetched.
_MOST_BYTES, _MOST_FIELDS = 64 * 1024, 2_000_000
# Returns the values of some fields, and how many fields there are.
_READ = """
local found = {}
for i = 2, #ARGV do
  if redis.call('HSTRLEN', KEYS[1], ARGV[i]) > tonumber(ARGV[1]) then
    return redis.error_reply('a value is larger than a record can be')
  end
  found[i - 1] = redis.call('HGET', KEYS[1], ARGV[i])
end
return {found, redis.call('HLEN', KEYS[1])}
"""
# Returns all fields, each with its value behind it.
_ALL = """
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[2]) then return redis.error_reply('it holds too many values') end
local found = redis.call('HGETALL', KEYS[1])
for _, text in ipairs(found) do
  if #text > tonumber(ARGV[1]) then return redis.error_reply('a value is larger than a record can be') end
end
return found
"""
# Beginning a memory keeps the records that it has.
_BEGIN = """
redis.call('HDEL', KEYS[1], '@generation', '@writes', '@projects')
local projects = redis.call('HLEN', KEYS[1])
return redis.call('HSET', KEYS[1], '@generation', ARGV[1], '@writes', 0, '@projects', projects)
"""


class RedisStore:
    """Records by project in one hash (`repoprio.serve.stores.model.OwnershipStore`)."""

    def __init__(self, url: str) -> None:
        self.place = display_url(url)
        self._pages = RedisPages(url)
        self._redis: Any = redis.Redis.from_url(
            url,
            decode_responses=True,
            # What is no text differs from its digest.
            encoding_errors="replace",
            socket_timeout=_WAIT_SECONDS,
            socket_connect_timeout=_WAIT_SECONDS,
            # A kept connection may have been closed meanwhile.
            retry=Retry(NoBackoff(), 1),
        )
        self._lock = threading.Lock()
        self._seen = ("", 0)
        self._down: tuple[float, str] = (0.0, "")

    def pages(self) -> RedisPages:
        """The store of pages for gateways that share this memory."""
        return self._pages

    def prepare(self, *, may_begin: bool = True) -> bool:  # noqa: ARG002 - only an administrator begins it
        """Check all of it; raises `UnsoundMemory`, also if there is no memory. Returns False: nothing was created."""
        self.all()
        return False

    def begin(self, records: Iterable[Record] = ()) -> int:
        """Begin the memory with these records, or confirm what it holds; returns how many records it then has."""
        with self._asking():
            fields = self._fields()
            for project, value in fields.items():
                if project not in _STATE:
                    self._records(project, value)
            self._redis.eval(_BEGIN, 1, KEY, _generation_after(fields.get(_GENERATION, "")))
        self.replace((), records)
        return len(self.all())

    def all(self) -> tuple[Record, ...]:
        """All records, by project."""
        before = self._seen
        with self._asking():
            fields = self._fields()
        self._check(before, [fields.get(key) for key in _STATE], len(fields))
        projects = sorted(set(fields) - set(_STATE))
        return tuple(record for project in projects for record in self._records(project, fields[project]))

    def listed(self) -> tuple[Record, ...]:
        """All records; raises `UnsoundMemory` if no memory was begun, since it may be one that was lost."""
        return self.all()

    def of(self, project: NormalizedName) -> tuple[Record, ...]:
        """The records of one project."""
        _, values = self._read([project])
        return self._records(project, values[project])

    def replace(self, removed: Iterable[Record], added: Iterable[Record]) -> None:
        """Remove some records and add others, all or nothing."""
        gone, new = tuple(removed), tuple(added)
        projects = sorted({record.project for record in (*gone, *new)})
        for _ in range(_TRIES if projects else 0):
            generation, old = self._read(projects)
            changed = self._changed(old, gone, new)
            if not changed:
                return
            with self._asking():
                writes = int(self._redis.eval(_SWAP, 1, KEY, generation, *changed))
            if writes:
                self._note(generation, writes)
                return
        if projects:
            raise UnsoundMemory(f"{self.place}: others write the same records all the time")

    def _changed(self, old: Mapping[str, str], removed: Sequence[Record], added: Sequence[Record]) -> list[str]:
        """The name, the value and the new value of each project that changes, one after the other."""
        changed = []
        for project, value in old.items():
            kept = {record.repository: record for record in self._records(project, value)}
            for record in removed:
                if record.project == project:
                    kept.pop(record.repository, None)
            kept.update((record.repository, record) for record in added if record.project == project)
            rows = [[name, record.url, digest(record)] for name, record in sorted(kept.items())]
            text = json.dumps(rows) if rows else ""
            if text != value:
                changed += [project, value, text]
        return changed

    def _read(self, projects: Sequence[str]) -> tuple[str, dict[str, str]]:
        """The generation, and the value of each project ("" if it has none), all of the same moment."""
        before = self._seen
        with self._asking():
            fields, size = self._redis.eval(_READ, 1, KEY, _MOST_BYTES, *_STATE, *projects)
        generation = self._check(before, fields[: len(_STATE)], size)
        return generation, {
            project: value or "" for project, value in zip(projects, fields[len(_STATE) :], strict=True)
        }

    def _fields(self) -> dict[str, str]:
        fields = self._redis.eval(_ALL, 1, KEY, _MOST_BYTES, _MOST_FIELDS)
        return dict(zip(fields[::2], fields[1::2], strict=True))

    def _check(self, before: tuple[str, int], state: Sequence[str | None], size: int) -> str:
        """The generation of the memory, if it is whole and no older than what was seen `before` it was read."""
        generation, writes, projects = state
        if not generation:
            hint = "it was never begun, or it was lost; see repoprio ownership init --help"
            raise UnsoundMemory(f"{self.place} holds no ownership memory: {hint}")
        if not re.fullmatch("[0-9]{1,18}", writes or "") or projects != str(size - len(_STATE)):
            raise UnsoundMemory(f"{self.place} is damaged: it does not hold as many projects as it counted")
        latest = (generation, int(writes or 0))
        if latest < before:
            hint = "check it, then confirm it with repoprio ownership init"
            raise UnsoundMemory(f"{self.place} was set back to an older state: {hint}")
        self._note(*latest)
        return generation

    def _note(self, generation: str, writes: int) -> None:
        with self._lock:
            self._seen = max(self._seen, (generation, writes))

    def _records(self, project: str, value: str) -> tuple[Record, ...]:
        try:
            rows = json.loads(value) if value else []
            marked = [(Record(NormalizedName(project), name, url), mark) for name, url, mark in rows]
            # A project without records has no value at all.
            sound = bool(marked or not value) and all(digest(record) == mark for record, mark in marked)
        except (ValueError, TypeError, RecursionError):
            sound = False
        if not sound:
            raise UnsoundMemory(f"{self.place} is damaged: a record was changed")
        return tuple(record for record, _ in marked)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """A context in which any error of Redis becomes `UnsoundMemory`; for a while, later requests do not wait."""
        until, reason = self._down
        if time.monotonic() < until:
            raise UnsoundMemory(reason)
        try:
            yield
        except (redis.RedisError, OSError, ValueError) as error:
            reason = f"{self.place}: {error}"
            if isinstance(error, (redis.ConnectionError, redis.TimeoutError, OSError)):
                self._down = (time.monotonic() + _PAUSE, reason)
            raise UnsoundMemory(reason) from error


def _generation_after(last: str) -> str:
    """A generation that sorts behind all earlier ones, also where this machine's clock is behind that of the last."""
    known = re.match("[0-9]{20}(?=-)", last)
    moment = max(time.time_ns(), int(known[0]) + 1 if known else 0)
    return f"{moment:020d}-{uuid.uuid4().hex}"
