"""Explains a name as far as an index can: which file a client takes is not known. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from repoprio.dataclass import dataclass
from repoprio.explain.explaining import explain, privacy
from repoprio.explain.explanation import Explanation, Line, Rejected
from repoprio.lookup.cooldown import held, wait_for
from repoprio.lookup.project import Decision
from repoprio.lookup.reasons import Rejection
from repoprio.policy.model import Policy
from repoprio.serve.freshness import Timing
from repoprio.serve.pages.offers import Versions, offer
from repoprio.simple_api.filenames import version_in
from repoprio.simple_api.model import ProjectPage


class ClientAnswer(NamedTuple):
    """What a client gets for a name now: the page of `owners`, or a problem with a `title`.

    A page that is kept has an `age` in seconds; it counts for `left` seconds more, or is stale (None).
    """

    status: int
    owners: tuple[str, ...] = ()
    title: str = ""
    age: float | None = None
    left: float | None = None


@dataclass(frozen=True)
class Explained:
    """The explanation of a name as of a moment, in UTC; `timings` are by repository and URL."""

    explanation: Explanation
    at: datetime
    timings: Mapping[tuple[str, str], Timing]
    answer: ClientAnswer

    def timing_of(self, line: Line) -> Timing | None:
        """When the answer on a repository's line came; None if it was known before."""
        return self.timings.get((line.repository.name, line.asked or ""))


def explanation(
    policy: Policy, decision: Decision[ProjectPage], versions: Versions, *, shadowed: bool = False, store: str = ""
) -> Explanation:
    """The explanation of `decision`; with `shadowed`, the repositories below the owner were asked too.

    `store` is the ownership memory, without a login.
    """
    offered = offer(policy, decision, versions)
    waiting = tuple(_waiting(policy, decision, versions))
    has = {r.repository.name: r.page.versions(versions) for r in decision.results if r.page}
    return explain(
        policy,
        decision,
        decision.name,
        has,
        leaves_choice=bool(offered.files),
        waits=bool(waiting) and not offered.files,
        rejected=waiting,
        private=privacy(decision) if shadowed else None,
        store=store,
    )


def _waiting(policy: Policy, decision: Decision[ProjectPage], versions: Versions) -> Iterator[Rejected]:
    """The owners' files that are too young (`min-age`)."""
    for owner in decision.owners:
        wait = wait_for(policy, decision.route, owner.repository)
        if wait is None or owner.page is None:
            continue
        now = owner.page.clocks.now if owner.page.clocks else None
        for file in owner.page.files:
            if young := held(wait, file.upload_time, now):
                kind = Rejection.TOO_YOUNG if young.upload_time else Rejection.NO_UPLOAD_TIME
                version = version_in(file.filename, decision.name, versions.is_version)
                yield Rejected(file.filename, version, young.reason, kind, held=young)
