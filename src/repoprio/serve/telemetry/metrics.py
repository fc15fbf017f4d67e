"""Numbers for Prometheus. Labels are names of the policy and fixed words: clients cannot make new ones."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.utils import floatToGoString

from repoprio.lookup.events import FetchFailed, FetchResult, StatusReceived
from repoprio.lookup.reasons import REFUSED_LOGIN
from repoprio.policy.model import Policy, Repository
from repoprio.serve.answers.notes import Answer
from repoprio.simple_api.model import ProjectPage

MEDIA_TYPE: str = CONTENT_TYPE_LATEST
_BOUNDS: tuple[float, ...] = tuple(Histogram.DEFAULT_BUCKETS)
# Of an answer that no repository decided; the name of a repository has no brackets.
_NO_REPOSITORY = "(none)"
_KINDS = frozenset({"simple", "files", "explain", "health", "metrics"})


class Metrics:
    """Counts the answers of a gateway under `policy`, and those of its repositories."""

    def __init__(self, policy: Policy) -> None:
        # Otherwise each series gets a second one: the time at which it began.
        disable_created_metrics()  # type: ignore[no-untyped-call] # it takes and returns nothing
        self._registry = CollectorRegistry()
        self._names = _names(policy)
        self._answers = Counter("repoprio_answers", "Answers to clients.", ["kind", "status"], registry=self._registry)
        self._seconds = _Seconds()
        self._registry.register(self._seconds)
        help_ = (
            "Answers about projects by state (fresh, stale, or why it was refused), and by owner or faulty repository."
        )
        self._projects = Counter("repoprio_projects", help_, ["repository", "state"], registry=self._registry)
        help_ = "Files through the gateway by repository: sent, refused, cut-off."
        self._files = Counter("repoprio_files", help_, ["repository", "result"], registry=self._registry)
        help_ = "Seconds until a repository answered, or was given up."
        self._repository_seconds = Histogram(
            "repoprio_repository_seconds", help_, ["repository"], registry=self._registry
        )
        help_ = "Requests to which a repository gave no usable answer."
        self._failures = Counter("repoprio_repository_failures", help_, ["repository"], registry=self._registry)
        help_ = "Pages shared with other gateways: used, given, damaged, oversized, failed."
        self._shared = Counter("repoprio_shared_pages", help_, ["result"], registry=self._registry)
        help_ = "Whether the last answer of a repository was usable."
        self._up = Gauge("repoprio_repository_up", help_, ["repository"], registry=self._registry)
        help_ = "Policies that were reloaded, or refused."
        self._reloads = Counter("repoprio_policy_reloads", help_, ["result"], registry=self._registry)
        help_ = "Whether the policy in force is the one of the files, as of the last reload."
        self._current = Gauge("repoprio_policy_current", help_, registry=self._registry)
        self._current.set(1)
        # By the properties of an answer. Most answers are alike, and a counter of the library takes longer than an
        # addition: so the counters are brought up to date when somebody reads them.
        self._tallies: dict[tuple[str, int, bytes, bytes, bool], _Tally] = {}

    def text(self) -> bytes:
        """All numbers, as Prometheus reads them."""
        self._count()
        content: bytes = generate_latest(self._registry)
        return content

    def _count(self) -> None:
        for tally in self._tallies.values():
            for counter in tally.counters:
                counter.inc(tally.answers)
            tally.answers = 0

    def fetched(self, repository: Repository, seconds: float, result: FetchResult[ProjectPage]) -> None:
        """Note the answer of a repository, and after how many seconds it came."""
        if repository.name not in self._names:
            # The policy was replaced meanwhile.
            return
        failed = isinstance(result, FetchFailed) or (isinstance(result, StatusReceived) and _is_failure(result.code))
        self._repository_seconds.labels(repository.name).observe(seconds)
        self._up.labels(repository.name).set(not failed)
        if failed:
            self._failures.labels(repository.name).inc()

    def reloaded(self, policy: Policy) -> None:
        """Continue with the repositories of `policy`; those that it no longer has are removed."""
        for name in self._names - _names(policy):
            for metric in (self._repository_seconds, self._failures, self._up):
                with contextlib.suppress(KeyError):
                    metric.remove(name)
        self._names = _names(policy)
        self._count()
        self._tallies.clear()
        self._reloads.labels("in-force").inc()
        self._current.set(1)

    def not_reloaded(self) -> None:
        """Note that the policy in the files cannot be served."""
        self._reloads.labels("refused").inc()
        self._current.set(0)

    def shared(self, result: str) -> None:
        """Note the result for a page that gateways share."""
        self._shared.labels(result).inc()

    def answered(self, path: str, answer: Answer) -> None:
        """Note an answer to a client."""
        first = path.partition("/")[2].partition("/")[0]
        kind = first if first in _KINDS else "other"
        state = answer.headers.get(b"x-repoprio-state", b"")
        named = answer.headers.get(b"x-repoprio-owner", b"")
        named = named if kind == "files" else answer.headers.get(b"x-repoprio-unavailable", named)
        key = (kind, answer.status, state, named, answer.is_whole)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally(tuple(self._counters(*key)))
        tally.answers += 1
        self._seconds.observe(kind, answer.seconds)

    def _counters(self, kind: str, status: int, state: bytes, named: bytes, is_whole: bool) -> Iterator[Counter]:
        """The counters for an answer; `named` are its owners, or the repositories that were unavailable."""
        yield self._answers.labels(kind, str(status))
        if kind == "files" and named.decode() in self._names:
            result = "refused" if status >= 400 else "sent" if is_whole else "cut-off"
            yield self._files.labels(named.decode(), result)
        if state and kind == "simple":
            for name in named.decode().split(", ") if named else (_NO_REPOSITORY,):
                # A repository that the policy no longer has would get its series back.
                if name in self._names or not named:
                    yield self._projects.labels(name, state.decode())


class _Tally:
    """The number of answers that are not counted yet, and their counters."""

    def __init__(self, counters: tuple[Counter, ...]) -> None:
        self.answers = 0
        self.counters = counters


class _Seconds:
    """A histogram of the seconds until an answer was sent, by kind; that of the library takes much longer to update."""

    def __init__(self) -> None:
        # By kind: the number of answers between each bound and the one before, and the sum of all seconds.
        self._by_kind: dict[str, tuple[list[int], list[float]]] = {}

    def observe(self, kind: str, seconds: float) -> None:
        """Note an answer."""
        if kind not in self._by_kind:
            self._by_kind[kind] = ([0] * len(_BOUNDS), [0.0])
        numbers, total = self._by_kind[kind]
        numbers[bisect_left(_BOUNDS, seconds)] += 1
        total[0] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The numbers for the library."""
        family = HistogramMetricFamily("repoprio_answer_seconds", "Seconds until an answer was sent.", labels=["kind"])
        for kind, (numbers, (total,)) in self._by_kind.items():
            buckets = zip(map(floatToGoString, _BOUNDS), accumulate(numbers), strict=True)
            family.add_metric([kind], list(buckets), total)
        yield family


def _names(policy: Policy) -> frozenset[str]:
    return frozenset(repository.name for repository in policy.repositories)


def _is_failure(status: int) -> bool:
    return status in REFUSED_LOGIN or status == 429 or status >= 500
