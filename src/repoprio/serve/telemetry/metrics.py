"""Numbers for Prometheus. Labels are names of the policy and fixed words: clients cannot make new ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from repoprio.lookup.events import FetchFailed, FetchResult, StatusReceived
from repoprio.lookup.reasons import REFUSED_LOGIN
from repoprio.policy.model import Policy, Repository
from repoprio.simple_api.model import ProjectPage

MEDIA_TYPE: str = CONTENT_TYPE_LATEST
_KINDS = frozenset({"simple", "files", "explain", "health", "metrics"})


class Metrics:
    """Counts the answers of a gateway under `policy`, and those of its repositories."""

    def __init__(self, policy: Policy) -> None:
        self._registry = CollectorRegistry()
        self._names = _names(policy)
        self._answers = Counter("repoprio_answers", "Answers to clients.", ["kind", "status"], registry=self._registry)
        seconds = "Seconds until an answer was sent."
        self._seconds = Histogram("repoprio_answer_seconds", seconds, ["kind"], registry=self._registry)
        what = (
            "Answers about projects by state (fresh, stale, or why it was refused), and by owner or faulty repository."
        )
        self._projects = Counter("repoprio_projects", what, ["repository", "state"], registry=self._registry)
        files = "Files through the gateway by repository: sent, refused, cut-off."
        self._files = Counter("repoprio_files", files, ["repository", "result"], registry=self._registry)
        asked = "Seconds until a repository answered, or was given up."
        self._asked = Histogram("repoprio_repository_seconds", asked, ["repository"], registry=self._registry)
        failed = "Requests to which a repository gave no usable answer."
        self._failed = Counter("repoprio_repository_failures", failed, ["repository"], registry=self._registry)
        shared = "Pages shared with other gateways: used, given, damaged, oversized, failed."
        self._shared = Counter("repoprio_shared_pages", shared, ["result"], registry=self._registry)
        up = "Whether the last answer of a repository was usable."
        self._up = Gauge("repoprio_repository_up", up, ["repository"], registry=self._registry)
        reloads = "Policies that were reloaded, or refused."
        self._reloads = Counter("repoprio_policy_reloads", reloads, ["result"], registry=self._registry)
        current = "Whether the policy in force is the one of the files, as of the last reload."
        self._current = Gauge("repoprio_policy_current", current, registry=self._registry)
        self._current.set(1)
        # By what an answer was like: what it adds one to, and what notes its seconds. To look these up takes longer
        # than to count.
        self._parts: dict[tuple[str, int, bytes, bytes, bool], tuple[Histogram, tuple[Counter, ...]]] = {}

    def text(self) -> bytes:
        """All numbers, as Prometheus reads them."""
        content: bytes = generate_latest(self._registry)
        return content

    def asked(self, repository: Repository, seconds: float, answer: FetchResult[ProjectPage]) -> None:
        """Note what a repository answered, and after how many seconds."""
        if repository.name not in self._names:
            # The policy was replaced meanwhile.
            return
        failed = isinstance(answer, FetchFailed) or (isinstance(answer, StatusReceived) and _is_failure(answer.code))
        self._asked.labels(repository.name).observe(seconds)
        self._up.labels(repository.name).set(not failed)
        if failed:
            self._failed.labels(repository.name).inc()

    def reloaded(self, policy: Policy) -> None:
        """Continue with the repositories of `policy`; those that it no longer has are removed."""
        for name in self._names - _names(policy):
            for metric in (self._asked, self._failed, self._up):
                with contextlib.suppress(KeyError):
                    metric.remove(name)
        self._names = _names(policy)
        self._parts.clear()
        self._reloads.labels("in-force").inc()
        self._current.set(1)

    def not_reloaded(self) -> None:
        """Note that the policy in the files cannot be served."""
        self._reloads.labels("refused").inc()
        self._current.set(0)

    def shared(self, what: str) -> None:
        """Note the result for a page that gateways share."""
        self._shared.labels(what).inc()

    def answered(
        self, path: str, status: int, seconds: float, headers: Mapping[bytes, bytes], *, is_whole: bool = True
    ) -> None:
        """Note an answer to a client."""
        first = path.partition("/")[2].partition("/")[0]
        kind = first if first in _KINDS else "other"
        state = headers.get(b"x-repoprio-state", b"")
        named = headers.get(b"x-repoprio-owner", b"")
        named = named if kind == "files" else headers.get(b"x-repoprio-unavailable", named)
        key = (kind, status, state, named, is_whole)
        if key not in self._parts:
            self._parts[key] = (self._seconds.labels(kind), tuple(self._counters(*key)))
        histogram, counters = self._parts[key]
        histogram.observe(seconds)
        for counter in counters:
            counter.inc()

    def _counters(self, kind: str, status: int, state: bytes, named: bytes, is_whole: bool) -> Iterator[Counter]:
        """What an answer adds one to; `named` are its owners, or those that were unavailable."""
        yield self._answers.labels(kind, str(status))
        if kind == "files" and named.decode() in self._names:
            result = "refused" if status >= 400 else "sent" if is_whole else "cut-off"
            yield self._files.labels(named.decode(), result)
        if state and kind == "simple":
            for name in named.decode().split(", "):
                yield self._projects.labels(name if name in self._names else "", state.decode())


def _names(policy: Policy) -> frozenset[str]:
    return frozenset(repository.name for repository in policy.repositories)


def _is_failure(status: int) -> bool:
    return status in REFUSED_LOGIN or status == 429 or status >= 500
