"""Decides the result of one repository for one name, without I/O: its list, its page, its canary. Pure."""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import replace
from typing import Generic

from repoprio.lookup.events import (
    Failure,
    FetchFailed,
    FetchRequest,
    FetchResult,
    NotFound,
    Page,
    PageFound,
    ProjectListFound,
    RedirectReceived,
    RepositoryResult,
    RepositoryState,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.memory import CanaryVerdict, KnownNames, Memory
from repoprio.lookup.reasons import REFUSED_LOGIN, Cause, status_cause
from repoprio.lookup.redirects import RedirectVerdict, next_hop
from repoprio.names import NormalizedName
from repoprio.policy.model import Format, Location, Repository
from repoprio.urls import has_path_of, is_page_of, site


class RepositoryLookup(Generic[Page]):
    """The lookup of one name at one repository: its project list, its page, its mirrors, its canary.

    `ask` is the next request. Once it is None, the lookup has ended with `result`.
    """

    result: RepositoryResult[Page]

    def __init__(
        self,
        memory: Memory[Page],
        repository: Repository,
        name: NormalizedName,
        known: tuple[Repository, ...],
        asked: Collection[str],
    ) -> None:
        """Look `name` up at `repository`; `known` are all repositories, `asked` names those asked for `name`."""
        self._memory = memory
        self._known = known
        self._asked = asked
        self._repository = repository
        self._name = name
        self.ask: FetchRequest | None = None
        # For its page, a mirror's or the canary's.
        self._was_busy = False
        self._steps = self._walk()
        self._advance(None)

    def receive(self, answer: FetchResult[Page]) -> None:
        """Take the answer to `ask`; then `ask` is the next request, or it is None and `result` is set."""
        self._advance(answer)

    def _advance(self, answer: FetchResult[Page] | None) -> None:
        try:
            self.ask = self._steps.send(answer)
        except StopIteration as end:
            self.ask, self.result = None, end.value

    def _walk(self) -> Generator[FetchRequest, FetchResult[Page] | None, RepositoryResult[Page]]:
        repository = self._repository
        result = self._remembered() or (yield from self._fail_over())
        if result.state is RepositoryState.ABSENT and repository.canary:
            result = yield from self._believe(result)
        # While the gateway is busy, it is not the repository that is unavailable.
        may_skip = repository.skip_if_unavailable and not result.login_refused and not self._was_busy
        if result.state is RepositoryState.UNAVAILABLE and may_skip:
            result = replace(result, skipped=True)
        return result

    def _remembered(self) -> RepositoryResult[Page] | None:
        """The result if the repository was down for another name: it is not asked again; else None."""
        down = self._memory.outages.get(self._repository.name)
        if down is None or down.asked_for == self._name:
            return down
        return replace(down, reason=f"{down.reason} (for {down.asked_for}, and not asked again)", asked=None)

    def _fail_over(self) -> Generator[FetchRequest, FetchResult[Page] | None, RepositoryResult[Page]]:
        """The result of the repository, or of the first of its mirrors with a usable answer.

        A page of a mirror counts; its "absent" does not, since a mirror may lag behind.
        """
        repository = self._repository
        if has_complete_list(repository):
            listed = yield from self._listing()
            if listed is not None and self._name not in listed:
                return self._result(
                    RepositoryState.ABSENT, "its project list, which is complete, does not name it", Cause.NOT_LISTED
                )
        failed: list[RepositoryResult[Page]] = []
        for location in repository.locations:
            result = yield from self._page(location, self._name, ResourceKind.PAGE)
            if result.state is RepositoryState.SERVES or (not failed and result.state is RepositoryState.ABSENT):
                return replace(result, mirror=location, failures=_failures(repository, failed)) if failed else result
            failed.append(result)
        # If a mirror refuses the login, the repository does: `skip-if-unavailable` must not hide that.
        refused = any(result.login_refused for result in failed)
        result = replace(failed[0], login_refused=refused, failures=_failures(repository, failed)[1:])
        # If an outage counts as absent, ask for every page: the next one may answer, or with 401.
        if all(result.lasting for result in failed) and not repository.skip_if_unavailable:
            result = replace(result, asked_for=self._name)
            self._memory.outages.keep(repository.name, result)
        return result

    def _page(
        self, location: Location, name: NormalizedName, kind: ResourceKind
    ) -> Generator[FetchRequest, FetchResult[Page] | None, RepositoryResult[Page]]:
        """The result of one location for one page; each redirect is judged before it is followed."""
        if location.unset:
            variables = ", ".join(f"${{{variable}}}" for variable in location.unset)
            return self._result(RepositoryState.UNAVAILABLE, f"{variables} is not set", Cause.UNSET, location)
        flat = self._repository.format is Format.FLAT
        kind = ResourceKind.FILES if flat else kind
        start = location if flat else location.page(name)
        # A flat page lists all names, so a redirect of it cannot lead to another repository's page of this name.
        page_name = None if flat else name
        at = start
        hops = 0
        answer = yield FetchRequest(self._repository, kind, name, at, hops)
        while isinstance(answer, RedirectReceived):
            to = next_hop(self._known, self._repository, location, page_name, answer.url, hops=hops, asked=self._asked)
            if isinstance(to, RedirectVerdict):
                assert to.state is not None
                return replace(self._result(to.state, to.reason, to.cause, at), redirected_into=to.into)
            at, hops = to, hops + 1
            answer = yield FetchRequest(self._repository, kind, name, at, hops)
        return self._judge(answer, at, start, name)

    def _judge(
        self, answer: FetchResult[Page] | None, at: Location, start: Location, name: NormalizedName
    ) -> RepositoryResult[Page]:
        repository = self._repository
        flat = repository.format is Format.FLAT
        if isinstance(answer, NotFound):
            if flat and not (site(start.url).is_own(site(at.url)) and has_path_of(at.url, start.url)):
                # Only the repository itself can say that it has no file of a name.
                problem = f"no file of it, but it was redirected to {at.shown}"
                return self._result(RepositoryState.UNAVAILABLE, problem, Cause.REDIRECT, at)
            if answer.in_empty_root and not repository.empty_root_is_absent:
                has = "no distribution file" if flat else "no project"
                problem = f"its folder has {has} in it at all"
                return replace(self._result(RepositoryState.UNAVAILABLE, problem, Cause.EMPTY_ROOT, at), lasting=True)
            if flat:
                return self._result(RepositoryState.ABSENT, "no file of it", Cause.NO_FILE, at)
            return self._result(RepositoryState.ABSENT, "no folder of it", Cause.NO_FOLDER, at)
        if isinstance(answer, FetchFailed):
            self._was_busy |= answer.cause is Cause.BUSY
            result = self._result(RepositoryState.UNAVAILABLE, answer.reason, answer.cause, at)
            return replace(result, lasting=answer.lasting, login_refused=answer.asks)
        moved = None if flat else _moved(at, start, name)
        if isinstance(answer, StatusReceived):
            # Only the repository itself can say that it has no such project.
            foreign = not site(start.url).is_own(site(at.url))
            return self._judge_status(answer, at, f"from another site, {site(at.url)}" if foreign else moved)
        assert isinstance(answer, PageFound)
        if moved:
            return self._result(RepositoryState.UNAVAILABLE, moved, Cause.REDIRECT, at)
        if answer.empty and repository.empty_page_is_absent and not flat:
            return self._result(RepositoryState.ABSENT, "an empty page", Cause.EMPTY_PAGE, at)
        return RepositoryResult(repository, RepositoryState.SERVES, page=answer.page, files=answer.files, asked=at)

    def _judge_status(self, answer: StatusReceived, at: Location, moved: str | None) -> RepositoryResult[Page]:
        repository = self._repository
        if answer.code in repository.absent and repository.format is Format.SIMPLE:
            if moved is None:
                return self._result(RepositoryState.ABSENT, str(answer.code), Cause.STATUS, at, answer.code)
            return self._result(RepositoryState.UNAVAILABLE, f"{answer.code}, but {moved}", Cause.REDIRECT, at)
        return replace(
            self._result(RepositoryState.UNAVAILABLE, f"{answer.code}{answer.detail}", status_cause(answer.code), at),
            http_status=answer.code,
            login_refused=answer.code in REFUSED_LOGIN,
            problem=answer.problem,
        )

    def _believe(
        self, absent: RepositoryResult[Page]
    ) -> Generator[FetchRequest, FetchResult[Page] | None, RepositoryResult[Page]]:
        """`absent` if the repository serves its canary, else a result that says it is unavailable."""
        repository, canary = self._repository, self._repository.canary
        assert canary is not None
        verdict = self._memory.canaries.get(repository.name)
        if verdict is None:
            canary_result = yield from self._page(repository.locations[0], canary, ResourceKind.CANARY)
            if canary_result.state is RepositoryState.UNAVAILABLE:
                problem = f"its canary {canary} got no usable answer: {canary_result.reason}"
                return replace(canary_result, reason=problem, cause=Cause.CANARY, http_status=None)
            served = canary_result.state is RepositoryState.SERVES and canary_result.files > 0
            hidden = None if served else self._hidden(canary, canary_result)
            verdict = self._memory.canaries.keep(repository.name, CanaryVerdict(hidden))
        return verdict.hidden or absent

    def _hidden(self, canary: NormalizedName, canary_result: RepositoryResult[Page]) -> RepositoryResult[Page]:
        """The result for a server that answers 404 for its canary: it hides what it has, as with a 401."""
        problem = f"it does not serve its canary {canary} ({canary_result.reason or 'no files'})"
        result = self._result(RepositoryState.UNAVAILABLE, problem, Cause.CANARY, canary_result.asked)
        return replace(result, login_refused=True)

    def _listing(self) -> Generator[FetchRequest, FetchResult[Page] | None, frozenset[NormalizedName] | None]:
        """The names on the project list, or None if it is incomplete, invalid or missing."""
        repository, location = self._repository, self._repository.locations[0]
        known = self._memory.lists.get(repository.name)
        if known is None:
            if location.unset:
                return None
            answer = yield list_request(repository, self._name)
            names = answer.names if isinstance(answer, ProjectListFound) else None
            known = self._memory.lists.keep(repository.name, KnownNames(names))
        return known.names

    def _result(
        self,
        state: RepositoryState,
        reason: str,
        cause: Cause,
        asked: Location | None = None,
        http_status: int | None = None,
    ) -> RepositoryResult[Page]:
        return RepositoryResult(self._repository, state, reason, cause, http_status, asked=asked)


def has_complete_list(repository: Repository) -> bool:
    """Whether the policy says that the project list of a repository names all that it serves."""
    return repository.complete_listing and repository.format is Format.SIMPLE


def list_request(repository: Repository, name: NormalizedName) -> FetchRequest:
    """The request for the project list of a repository; it does not disclose the name."""
    return FetchRequest(repository, ResourceKind.LIST, name, repository.locations[0])


def _failures(repository: Repository, failed: list[RepositoryResult[Page]]) -> tuple[Failure, ...]:
    """What each location answered that was tried without success; a mirror's "absent" is among these."""
    return tuple(
        Failure(location, result.reason) for location, result in zip(repository.locations, failed, strict=False)
    )


def _moved(at: Location, start: Location, name: NormalizedName) -> str | None:
    """What is wrong with the end of a chain of redirects; None if it is still `name`'s page."""
    if at is start or is_page_of(at.url, name):
        return None
    return f"it was redirected to {at.shown}, which is not the page of {name}"
