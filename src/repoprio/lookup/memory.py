"""What lookups of one policy remember about its repositories, for a run or for some time. Pure.

To share a memory between threads, pass a lock. The gateway, which runs for longer, has its own (`serve.freshness`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, Protocol, TypeVar

from repoprio.dataclass import dataclass
from repoprio.lookup.events import Page, RepositoryResult
from repoprio.names import NormalizedName
from repoprio.policy.model import Policy

Key = TypeVar("Key", bound=Hashable)
Key_contra = TypeVar("Key_contra", bound=Hashable, contravariant=True)
Value = TypeVar("Value")
Lock = AbstractContextManager[Any]


class Store(Protocol[Key_contra, Value]):
    """Values by key. A value never changes until the store forgets it, so all who share the store see the same one."""

    def get(self, key: Key_contra) -> Value | None:
        """The value of `key`; None if there is none, or none any more."""

    def keep(self, key: Key_contra, value: Value) -> Value:
        """Keep `value`, unless `key` has one; returns the one that is kept."""


@dataclass(frozen=True)
class CanaryVerdict(Generic[Page]):
    """Whether a repository served its canary; `hidden` is the result if it did not."""

    hidden: RepositoryResult[Page] | None


@dataclass(frozen=True)
class KnownNames:
    """The names on a project list; None if no complete, valid list was received."""

    names: frozenset[NormalizedName] | None


class Memory(Protocol[Page]):
    """What lookups remember, by the names of repositories; absence of a project is never remembered."""

    @property
    def policy(self) -> Policy:
        """The policy that these lookups obey."""

    @property
    def canaries(self) -> Store[str, CanaryVerdict[Page]]:
        """Whether each repository served its canary."""

    @property
    def lists(self) -> Store[str, KnownNames]:
        """The names on the project list of each repository."""

    @property
    def outages(self) -> Store[str, RepositoryResult[Page]]:
        """The repositories that are down, and for which name that was found."""


class RunStore(Generic[Key, Value]):
    """A store that forgets nothing by itself."""

    def __init__(self, lock: Lock | None = None) -> None:
        self._lock = lock or nullcontext()
        self._values: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """The value of `key`; None if there is none."""
        with self._lock:
            return self._values.get(key)

    def keep(self, key: Key, value: Value) -> Value:
        """Keep `value`, unless `key` has one; returns the one that is kept."""
        with self._lock:
            return self._values.setdefault(key, value)

    def forget(self, is_stale: Callable[[Key, Value], bool]) -> bool:
        """Forget the values for which `is_stale` is true; returns whether there were any."""
        with self._lock:
            stale = [key for key, value in self._values.items() if is_stale(key, value)]
            for key in stale:
                del self._values[key]
        return bool(stale)


class ExpiringStore(Generic[Key, Value]):
    """A store that forgets each value `seconds` after it was kept; `clock` is monotonic."""

    def __init__(self, seconds: float, clock: Callable[[], float], lock: Lock | None = None) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = lock or nullcontext()
        # All values are kept equally long, so the first ones are always the oldest.
        self._values: dict[Key, tuple[float, Value]] = {}

    def get(self, key: Key) -> Value | None:
        """The value of `key`; None if there is none, or none any more."""
        with self._lock:
            self._forget(self._clock())
            return self._values[key][1] if key in self._values else None

    def keep(self, key: Key, value: Value) -> Value:
        """Keep `value`, unless `key` has one; returns the one that is kept."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            return self._values.setdefault(key, (now + self._seconds, value))[1]

    def _forget(self, now: float) -> None:
        while self._values:
            oldest = next(iter(self._values))
            if now < self._values[oldest][0]:
                return
            del self._values[oldest]


class RunMemory(Generic[Page]):
    """The memory of one run: it forgets nothing, and it ends with the run."""

    def __init__(self, policy: Policy, lock: Lock | None = None) -> None:
        self.policy = policy
        self.canaries: Store[str, CanaryVerdict[Page]] = RunStore(lock)
        self.lists: Store[str, KnownNames] = RunStore(lock)
        self.outages: Store[str, RepositoryResult[Page]] = RunStore(lock)
