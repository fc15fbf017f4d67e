"""Explanations of requirements, from the decision and the candidates of an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoprio.explain.explaining import explain, privacy
from repoprio.explain.explanation import Explanation, Private
from repoprio.lookup.events import RepositoryState
from repoprio.lookup.project import Decision, Outcome
from repoprio.pip_adapter import hint_target
from repoprio.pip_adapter.finder.candidates import CandidateSet
from repoprio.pip_adapter.index.links import PipPage
from repoprio.policy.model import Policy

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Hashes, SpecifierSet


def is_comparable(decision: Decision[PipPage]) -> bool:
    """Whether `decision` knows what plain pip would choose from: no repository is unavailable or kept from the name."""
    return privacy(decision) is None and not decision.of(RepositoryState.UNAVAILABLE)


def explanation(
    policy: Policy,
    decision: Decision[PipPage],
    requirement: str,
    owned: CandidateSet,
    by_version: CandidateSet | None,
    *,
    specifier: SpecifierSet | None,
    hashes: Hashes | None,
    constraint: str,
    required_by: str | None,
    private: Private | None,
) -> Explanation:
    """The explanation of `requirement`; `owned` are the owner's candidates.

    `by_version`: the candidates from which plain pip would choose, None to leave its choice out.
    """
    best = owned.best(specifier, hashes) if decision.outcome is Outcome.SERVED else None
    newest = by_version.best(specifier, hashes) if by_version else None
    serving = decision.of(RepositoryState.SERVES)
    return explain(
        policy,
        decision,
        requirement,
        {result.repository.name: result.page.versions for result in serving if result.page},
        specifier=str(specifier or ""),
        constraint=constraint,
        chosen=owned.chosen(best) if best else None,
        waits=best is None and owned.best(specifier, hashes, of_any_age=True) is not None,
        rejected=owned.rejected(specifier, hashes),
        required_by=required_by,
        version_priority=by_version.chosen(newest) if by_version and newest else None,
        private=private,
        python=hint_target.python(),
    )
