"""What each repository of the policy says of a name that nobody has, and of names that everybody has."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace

from repoprio.explain.checkup import WELL_KNOWN_PROJECTS, ProbeResult
from repoprio.lookup.events import RepositoryResult
from repoprio.names import normalize
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.inspect.context import pip_context
from repoprio.policy.model import Repository


def probe(names: tuple[str, ...] = (), *, thorough: bool = False) -> list[ProbeResult]:
    """Ask each enabled repository, or those of `names`, for a random name, which tells it nothing.

    `thorough` asks each of its mirrors as well, and all of them for two names that everybody has. In the order
    of their priorities. Raises `InspectionError`, and `InvalidPolicy` for a faulty policy.
    """
    with pip_context() as pip:
        wanted = [r for r in pip.guard.policy.enabled() if not names or r.name in names]
        if not thorough:
            return [_trial(pip.guard, repository, thorough=False) for repository in wanted]
        return [trial for repository in wanted for trial in _trials(pip.guard, repository)]


def _trials(guard: PolicyFinder, repository: Repository) -> Iterator[ProbeResult]:
    """One trial for each URL: the repository as if that were its only one."""
    for location in repository.locations:
        # Asked as if nothing were known of it: that a list is whole, or that being silent counts for nothing.
        alone = replace(repository, locations=(location,), skip_if_unavailable=False)
        yield _trial(guard, alone, thorough=True)


def _trial(guard: PolicyFinder, repository: Repository, *, thorough: bool) -> ProbeResult:
    begun = time.monotonic()
    unknown = guard.inquire(repository, normalize(f"repoprio-{secrets.token_hex(8)}"))
    seconds = time.monotonic() - begun
    # Whoever is down, or sends the asker away, is not asked again.
    goes_on = thorough and not unknown.lasting
    known = tuple(guard.inquire(repository, normalize(name)) for name in WELL_KNOWN_PROJECTS) if goes_on else ()
    # Its page came already, if the random name was to be believed absent.
    canary = [guard.inquire(repository, repository.canary)] if repository.canary and goes_on else []
    return ProbeResult(
        repository,
        repository.locations[0].shown,
        seconds,
        unknown,
        known,
        api=_api([unknown, *known, *canary]),
        is_pypi=repository.is_at(compat.default_index()),
    )


def _api(found: list[RepositoryResult[PipPage]]) -> str | None:
    pages = [finding.page for finding in found if finding.page]
    return next((page.api for page in pages if page.api), None)
