"""Asks each repository of the policy for a random name, which no repository has, and for well-known names."""

from __future__ import annotations

import contextlib
import functools
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from repoprio.explain.checkup import WELL_KNOWN_PROJECTS, ProbeResult
from repoprio.fetch.deciding_thread import TimeLimit
from repoprio.fetch.lookups_ahead import Ahead
from repoprio.lookup.events import RepositoryResult
from repoprio.names import NormalizedName, normalize
from repoprio.pip_adapter import policy_reading
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.inspect.context import pip_context
from repoprio.policy.model import Repository
from repoprio.urls import site

Inquire = Callable[[Repository, NormalizedName], RepositoryResult[PipPage]]


def probe(names: tuple[str, ...] = (), *, thorough: bool = False) -> list[ProbeResult]:
    """The answers of all enabled repositories, or those of `names`, to a random name; by priority.

    A random name discloses nothing. With `thorough`, mirrors are asked too, and all of them for two well-known names.
    Raises `InspectionError`, and `InvalidPolicy` for an invalid policy.
    """
    with pip_context() as pip:
        repositories = [r for r in pip.guard.policy.enabled() if not names or r.name in names]
        if thorough:
            repositories = [single for repository in repositories for single in _with_one_url(repository)]
        return _trials(pip.guard, repositories, thorough=thorough)


def _with_one_url(repository: Repository) -> Iterator[Repository]:
    """One copy of the repository for each of its URLs, with only that URL."""
    for location in repository.locations:
        # Without settings that would hide an answer: a complete list, or skip-if-unavailable.
        yield replace(repository, locations=(location,), skip_if_unavailable=False)


def _trials(guard: PolicyFinder, repositories: Sequence[Repository], *, thorough: bool) -> list[ProbeResult]:
    """One trial for each repository. One that was made ahead without a sound answer is repeated in its turn."""
    with contextlib.suppress(LookupRefused):
        guard.refresh_search_scope()
    ahead = guard.memory()[1].ahead
    # The name is chosen once, so that a repeated trial asks for the same page.
    wanted = [(repository, normalize(f"repoprio-{secrets.token_hex(8)}")) for repository in repositories]
    # This thread makes the first one itself.
    jobs = _trials_ahead(guard, ahead, wanted[1:], thorough=thorough) if guard.policy.fetch_ahead else []
    results = []
    for number, trial in enumerate(wanted):
        early = jobs[number - 1].wait(ahead, guard.policy.page_timeout) if number and jobs else None
        results.append(early or _trial(guard.inquire, *trial, thorough=thorough))
    return results


class _TrialAhead:
    """A trial in a worker; `result` stays None if the deciding thread has to make the trial itself."""

    def __init__(self, trial: Callable[[], ProbeResult]) -> None:
        self._trial = trial
        self.is_done = False
        self.result: ProbeResult | None = None

    def run(self) -> None:
        """Make the trial."""
        # After any error the deciding thread repeats the trial, and reports the error.
        with contextlib.suppress(Exception):
            self.result = self._trial()
        self.is_done = True

    def wait(self, ahead: Ahead[PipPage], seconds: float) -> ProbeResult | None:
        """Wait for the result; None if there is none, or it takes longer than `seconds`."""
        ahead.wait_for(lambda: self.is_done, TimeLimit(seconds, time.monotonic))
        return self.result


def _trials_ahead(
    guard: PolicyFinder, ahead: Ahead[PipPage], wanted: Sequence[tuple[Repository, NormalizedName]], *, thorough: bool
) -> list[_TrialAhead]:
    inquire = functools.partial(guard.inquire, fetch=ahead.fetch_in_worker)
    jobs = [_TrialAhead(functools.partial(_trial, inquire, *trial, thorough=thorough)) for trial in wanted]
    for (repository, _), job in zip(wanted, jobs, strict=True):
        ahead.run(site(repository.locations[0].url), job.run)
    return jobs


def _trial(inquire: Inquire, repository: Repository, random_name: NormalizedName, *, thorough: bool) -> ProbeResult:
    begun = time.monotonic()
    unknown = inquire(repository, random_name)
    seconds = time.monotonic() - begun
    # Do not ask again if it is down, or redirects elsewhere.
    goes_on = thorough and not unknown.lasting
    known = tuple(inquire(repository, normalize(name)) for name in WELL_KNOWN_PROJECTS) if goes_on else ()
    # The canary's page is in the cache already if the random name was absent.
    canary = [inquire(repository, repository.canary)] if repository.canary and goes_on else []
    return ProbeResult(
        repository,
        repository.locations[0].shown,
        seconds,
        unknown,
        known,
        api=_api([unknown, *known, *canary]),
        has_upload_times=_upload_times([unknown, *known, *canary]),
        is_pypi=repository.is_at(policy_reading.default_index()),
    )


def _upload_times(answers: list[RepositoryResult[PipPage]]) -> bool | None:
    """Whether any file has an upload time; None if there is no file."""
    files = [file for answer in answers if answer.page for file in answer.page.files]
    return any(file.upload_time for file in files) if files else None


def _api(answers: list[RepositoryResult[PipPage]]) -> str | None:
    pages = [result.page for result in answers if result.page]
    return next((page.api for page in pages if page.api), None)
