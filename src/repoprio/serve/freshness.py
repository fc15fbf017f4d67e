"""Says how long an answer counts, and when the owner's last page may be served instead. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from repoprio.lookup.events import FetchRequest, Page, RepositoryResult, RepositoryState
from repoprio.lookup.memory import CanaryVerdict, ExpiringStore, KnownNames, Store
from repoprio.lookup.project import Decision, Outcome
from repoprio.lookup.reasons import Cause
from repoprio.names import NormalizedName
from repoprio.policy.model import Policy
from repoprio.policy.routing import route

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
# For this many seconds a repository that is down is not asked again.
OUTAGE = 5.0
# Then, for this many seconds, one lookup at a time asks whether it is up again; it has this many seconds for that.
_RECOVERY, _PROBE = 30.0, 12.0
# Causes that mean that an owner is down, or that there is no room for its page, and not that its answer has changed.
_DOWN = frozenset({Cause.CONNECTION, Cause.TIME, Cause.BUSY})


class Timing(NamedTuple):
    """When a repository was asked, and the seconds until it answered."""

    at: datetime
    seconds: float


class Evidence:
    """The age of a lookup's facts: `born` is when the oldest one was true; `timings` are by repository and URL."""

    def __init__(self, now: float) -> None:
        self.begun = self.born = now
        self.timings: dict[tuple[str, str], Timing] = {}

    def note(self, ask: FetchRequest, timing: Timing) -> None:
        """Note that a repository was asked."""
        self.timings[ask.repository.name, ask.location.shown] = timing

    def rest_on(self, born: float) -> None:
        """Note that the lookup uses a fact that was true at `born`."""
        self.born = min(self.born, born)


class DatedStore(Generic[Key, Value]):
    """Values that count for a limited time, each with the time at which the lookup that found it began."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._dated: ExpiringStore[Key, tuple[float, Value]] = ExpiringStore(seconds, clock)

    def view(self, evidence: Evidence) -> Store[Key, Value]:
        """The store, for one lookup."""
        return _View(self._dated, evidence)


class _View(Generic[Key, Value]):
    def __init__(self, dated: ExpiringStore[Key, tuple[float, Value]], evidence: Evidence) -> None:
        self._dated = dated
        self._evidence = evidence

    def get(self, key: Key) -> Value | None:
        """The value of `key`; None if there is none."""
        dated = self._dated.get(key)
        return None if dated is None else self._used(dated)

    def keep(self, key: Key, value: Value) -> Value:
        """Keep `value`, unless `key` has one; returns the kept value."""
        return self._used(self._dated.keep(key, (self._evidence.begun, value)))

    def _used(self, dated: tuple[float, Value]) -> Value:
        born, value = dated
        self._evidence.rest_on(born)
        return value


class _Outage(Generic[Page]):
    """A repository that was down at `since`; `probed` is when a lookup last began to ask it again."""

    def __init__(self, result: RepositoryResult[Page], since: float) -> None:
        self.result = result
        self.since = since
        self.probed = -math.inf


class Outages(Generic[Page]):
    """The repositories that are down (a circuit breaker): one lookup asks a repository again, the others do not wait.

    A lookup that finds an outage here does not ask the repository; a lookup that finds none asks it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._outages: dict[str, _Outage[Page]] = {}

    def get(self, repository: str) -> RepositoryResult[Page] | None:
        """The result to take without asking `repository`; None if the lookup has to ask it."""
        outage, now = self._outages.get(repository), self._clock()
        if outage is None or now - outage.since >= OUTAGE + _RECOVERY:
            return None
        if now - outage.since >= OUTAGE and now - outage.probed >= _PROBE:
            outage.probed = now
            return None
        return outage.result

    def keep(self, repository: str, result: RepositoryResult[Page]) -> RepositoryResult[Page]:
        """Note that `repository` was just asked in vain."""
        self._outages[repository] = _Outage(result, self._clock())
        return result

    def end(self, repository: str) -> None:
        """Note that `repository` answers."""
        self._outages.pop(repository, None)


class SharedMemory(Generic[Page]):
    """The memory of all lookups of a policy: canaries and lists count half as long as an absence."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self.policy = policy
        self._canaries = DatedStore[str, CanaryVerdict[Page]](policy.absence_ttl / 2, clock)
        self._lists = DatedStore[str, KnownNames](policy.absence_ttl / 2, clock)
        self.outages = Outages[Page](clock)

    def view(self, evidence: Evidence) -> LookupMemory[Page]:
        """The memory for one lookup, which depends on the age of what it finds there."""
        return LookupMemory(self.policy, self._canaries.view(evidence), self._lists.view(evidence), self.outages)


class LookupMemory(Generic[Page]):
    """The memory of one lookup (`repoprio.lookup.memory.Memory`)."""

    def __init__(
        self,
        policy: Policy,
        canaries: Store[str, CanaryVerdict[Page]],
        lists: Store[str, KnownNames],
        outages: Store[str, RepositoryResult[Page]],
    ) -> None:
        self.policy = policy
        self.canaries = canaries
        self.lists = lists
        self.outages = outages


def is_certain(decision: Decision[Any]) -> bool:
    """Whether each repository above the owner said that it has no such project; one that was skipped did not."""
    return not any(result.skipped for result in decision.results)


def may_stand_in(decision: Decision[Any], owners: Collection[str]) -> bool:
    """Whether the last page of `owners` may be served in place of `decision`.

    It may while one of them is down (no connection, no answer in time, 5xx, 429) and no other repository is
    unavailable: a repository that answers in another way may report a change, and a higher one may own the name by
    now. A repository of the same tier that serves the name may have yanked or withdrawn a file of the last page.
    """
    silent = decision.of(RepositoryState.UNAVAILABLE)
    is_newer_known = any(result.page is not None for result in decision.results)
    return (
        decision.outcome is Outcome.UNAVAILABLE
        and not is_newer_known
        and all(result.repository.name in owners and not result.skipped and _is_down(result) for result in silent)
    )


def _is_down(result: RepositoryResult[Any]) -> bool:
    status = result.http_status
    is_refused = status is not None and (status == 429 or 500 <= status <= 599)
    return not result.login_refused and (is_refused or (status is None and result.cause in _DOWN))


def survives(old: Policy, new: Policy) -> Callable[[NormalizedName], bool]:
    """A function that says of a name whether `new` would make the same page of the same answers as `old` did.

    Only pins may differ, and none for this name. A repository that changes may change any page: which repositories are
    above, whether a lower one makes a record necessary, and which redirects mean absence.
    """
    without_pins: dict[str, Any] = {"pins": (), "origins": {}, "lock": None, "help": None, "secrets": frozenset()}
    if replace(old, **without_pins) != replace(new, **without_pins):
        return lambda _: False
    return lambda name: route(old, name) == route(new, name)
