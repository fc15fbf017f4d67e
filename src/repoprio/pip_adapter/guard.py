"""One pip finder under a policy: its lookups, its candidates, and what there is to say about them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from pip._internal.exceptions import InstallationError
from pip._vendor.packaging.specifiers import SpecifierSet

from repoprio.explanation import Chosen, Explanation, Rejected, explain
from repoprio.lookup import Code, Decision, Finding, Lookup, Outcome, Run, State, drive
from repoprio.names import NormalizedName, normalize, version_in
from repoprio.pip_adapter import callers
from repoprio.pip_adapter.compat import is_pinned, is_version
from repoprio.pip_adapter.pages import Pages, PipPage
from repoprio.policy import CALLERS_PRIORITY, Mode, Policy
from repoprio.render import text
from repoprio.routing import Route
from repoprio.urls import filename, with_credentials


class Refused(InstallationError):  # type: ignore[misc]  # pip has no types
    """A lookup that the policy refuses; pip shows its text and exits with status 1."""


def warn(line: str) -> None:
    """One line on stderr, beside pip's own."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


class Guard:
    """What stands between one `PackageFinder` and the repositories."""

    def __init__(self, finder: Any, policy: Policy) -> None:
        self.policy = policy
        self._finder = finder
        self._scope: Any = None
        self._callers = callers.Callers()
        self._decisions: dict[tuple[NormalizedName, str, bool], Decision[PipPage]] = {}
        self._candidates: dict[tuple[NormalizedName, str], list[Any]] = {}

    def candidates(self, project_name: str, specifier: Any = None) -> list[Any]:
        """The owner's candidates for `project_name`, worst first among equals; `Refused` if it may not be.

        `specifier` is the requirement as merged so far; only flexible mode looks at it.
        """
        name = normalize(project_name)
        decision = self.decide(name, specifier)
        if decision.outcome in (Outcome.UNAVAILABLE, Outcome.BLOCKED):
            self._refuse(self.explanation(project_name, specifier))
        return list(self._of(decision.owners or tuple(f for f in decision.findings if f.passed_over), name))

    def decide(self, name: NormalizedName, specifier: Any = None, *, below_owner: bool = False) -> Decision[PipPage]:
        """The decision on `name`; each one is made once, and only flexible ones know the specifier."""
        self._take_callers()
        run, pages = self._memory()
        lookup = Lookup(
            run,
            name,
            no_index=bool(getattr(self._finder.search_scope, "no_index", False)),
            callers=tuple(self._callers.admitted),
            below_owner=below_owner,
        )
        key = (name, str(specifier or "") if lookup.mode is Mode.FLEXIBLE else "", below_owner)
        if key not in self._decisions:
            decision = drive(lookup, pages.fetch, lambda owners: self._fits(owners, name, specifier))
            for finding in decision.findings:
                if finding.skipped:
                    warn(text.skipped_warning(finding.repository, name, finding.reason))
            self._decisions[key] = decision
        return self._decisions[key]

    def explanation(
        self,
        project_name: str,
        specifier: Any = None,
        *,
        requirement: str | None = None,
        required_by: str | None = None,
        hashes: Any = None,
        shadowed: bool = False,
    ) -> Explanation:
        """All there is to say of a requirement, from the same lookup and weighing as an installation."""
        name = normalize(project_name)
        decision = self.decide(name, specifier, below_owner=shadowed)
        offers = decision.owners or tuple(f for f in decision.findings if f.passed_over)
        candidates = self._of(offers, name)
        best = self._best(candidates, name, specifier, hashes) if decision.outcome is Outcome.SERVED else None
        serving = decision.of(State.SERVES)
        return explain(
            self.policy,
            decision,
            requirement or f"{project_name}{specifier or ''}",
            {f.repository.name: f.page.versions for f in serving if f.page},
            specifier=str(specifier or ""),
            chosen=self._chosen(best, offers) if best else None,
            rejected=self._rejected(offers, candidates, name, newer_than=best),
            required_by=required_by,
            version_priority=self._alone(serving, name, specifier, hashes) if shadowed else None,
        )

    def lists(self, name: NormalizedName, file: str, hashes: dict[str, str]) -> bool:
        """Whether the owner of `name` lists `file` with one of these hashes."""
        for candidate in self.candidates(name):
            known = getattr(candidate.link, "_hashes", {}) or {}
            same = any(known.get(kind) == value for kind, value in hashes.items())
            if filename(candidate.link.url) == file and same:
                return True
        return False

    def _memory(self) -> tuple[Run[PipPage], Pages]:
        """What this run remembers; it lives with pip's session, whose retries and logins shaped it."""
        session = self._finder._link_collector.session
        memory = getattr(session, "_repoprio_memory", None)
        if memory is None:
            memory = (Run[PipPage](self.policy), Pages(session, self.policy, self._callers.logins))
            session._repoprio_memory = memory
        session.auth.index_urls = self._index_urls()
        return memory

    def _index_urls(self) -> list[str]:
        """The policy's URLs with their logins, from which pip takes those for files of the same site."""
        found = []
        for repository in self.policy.enabled():
            for location in repository.locations:
                login = self._callers.logins.get(repository.name)
                user, password = (location.user, location.password) if location.user is not None else (None, "")
                if user is None and login:
                    user, password = login.user, login.password
                found.append(location.url if user is None else with_credentials(location.url, user, password))
        return found

    def _take_callers(self) -> None:
        """Hold pip's search scope against the policy, again whenever a requirements file replaced it."""
        scope = self._finder.search_scope
        state = (scope, tuple(scope.index_urls), tuple(scope.find_links))
        if state == self._scope:
            return
        self._callers = callers.match(self.policy, scope)
        self._scope = state
        self._decisions.clear()
        if self._callers.refused:
            raise Refused(_unlisted(self._callers.refused, self.policy))

    def announce(self) -> None:
        """Say which policy rules, and what it makes of the repositories that callers named."""
        warn(text.policy_line(self.policy))
        self._take_callers()
        for url, repository in self._callers.listed:
            warn(f"repoprio: {url} is {repository}: the policy's order holds")
        for url in self._callers.ignored:
            warn(f'repoprio: {url} is not in the policy and is ignored (unlisted = "ignore")')
        for repository in self._callers.admitted:
            place = f"as {repository.name}, below all that the policy names"
            warn(f"repoprio: {repository.locations[0].shown} is asked last (priority {CALLERS_PRIORITY}, {place})")

    def _of(self, offers: Sequence[Finding[PipPage]], name: NormalizedName) -> list[Any]:
        """Pip's candidates among these offers, filtered by its own rules and the pin's `versions`.

        The same file name twice counts once: the repository that the policy names first. pip prefers
        the last of equals, so the first-named repository stands last.
        """
        evaluator = self._finder.make_link_evaluator(name)
        seen: set[str] = set()
        groups = []
        for finding in offers:
            links = [link for link in finding.page.links if filename(link.url) not in seen] if finding.page else []
            seen |= {filename(link.url) for link in links}
            groups.append(self._finder.evaluate_links(evaluator, links))
        found = [candidate for group in reversed(groups) for candidate in group]
        narrow = self._versions(name)
        return [c for c in found if narrow is None or narrow.contains(str(c.version), prereleases=True)]

    def _versions(self, name: NormalizedName) -> SpecifierSet | None:
        route = Lookup(Run[PipPage](self.policy), name).route
        return SpecifierSet(route.versions[0]) if isinstance(route, Route) and route.versions else None

    def _fits(self, offers: Sequence[Finding[PipPage]], name: NormalizedName, specifier: Any) -> bool:
        return self._best(self._of(offers, name), name, specifier, None) is not None

    def _best(self, candidates: list[Any], name: NormalizedName, specifier: Any, hashes: Any) -> Any:
        """The candidate that pip's resolver would try first, or None.

        As in its factory: the last of the applicable ones; yanked ones only if all are and one
        version is asked for (PEP 592).
        """
        evaluator = self._finder.make_candidate_evaluator(name, specifier=specifier, hashes=hashes)
        applicable = evaluator.get_applicable_candidates(candidates)
        standing = [c for c in applicable if not c.link.is_yanked]
        if not standing and is_pinned(specifier):
            standing = applicable
        return standing[-1] if standing else None

    def _chosen(self, best: Any, offers: Sequence[Finding[PipPage]]) -> Chosen:
        supplier = next(f for f in offers if f.page and best.link in f.page.links)
        return Chosen(supplier.repository.name, str(best.version), filename(best.link.url))

    def _rejected(
        self, offers: Sequence[Finding[PipPage]], candidates: list[Any], name: NormalizedName, newer_than: Any
    ) -> tuple[Rejected, ...]:
        """The files of these offers that are no candidates, and why; pip's own words where it has any."""
        evaluator = self._finder.make_link_evaluator(name)
        taken = {candidate.link for candidate in candidates}
        found = []
        for page in (finding.page for finding in offers if finding.page):
            for link in (link for link in page.links if link not in taken):
                kind, detail = evaluator.evaluate_link(link)
                is_candidate = getattr(kind, "name", kind) in ("candidate", True)
                reason = "versions of a pin leave it out, or the same file is another's" if is_candidate else detail
                found.append(Rejected(filename(link.url), version_in(filename(link.url), name, is_version), reason))
            found += [Rejected(file, None, why) for file, why in page.dropped]
        for candidate in candidates:
            if candidate.link.is_yanked and candidate is not newer_than:
                why = f"yanked: {candidate.link.yanked_reason or 'no reason given'}"
                found.append(Rejected(filename(candidate.link.url), str(candidate.version), why))
        return tuple(found)

    def _alone(
        self, serving: list[Finding[PipPage]], name: NormalizedName, specifier: Any, hashes: Any
    ) -> Chosen | None:
        """What pip alone would take from all that were asked: the newest version, wherever it is."""
        evaluator = self._finder.make_link_evaluator(name)
        links = [link for finding in serving if finding.page for link in finding.page.links]
        best = self._best(self._finder.evaluate_links(evaluator, links), name, specifier, hashes)
        return self._chosen(best, serving) if best else None

    def _refuse(self, explanation: Explanation) -> None:
        raise Refused(text.refusal(explanation, self.policy.help))

    def nothing_fits(self, explanation: Explanation) -> Refused | None:
        """The refusal for a requirement that no candidate fits; None where one does."""
        if explanation.outcome is Outcome.SERVED:
            return None
        return Refused(text.refusal(explanation, self.policy.help))


def _unlisted(refused: list[tuple[str, str]], policy: Policy) -> str:
    """The refusal of repositories that the policy does not list, with a way to list the first one."""
    named = [f"{url} is not in the policy (named by {origin})" for url, origin in refused]
    return text.message(
        named[0] + ".",
        [
            *(f"{other}." for other in named[1:]),
            f"rule: {policy.rule('unlisted', chr(34) + policy.unlisted.value + chr(34))}",
            "hint: drop it, or add it to the policy:",
            "      [repositories.NAME]",
            f'      url = "{refused[0][0]}"',
        ],
        Code.UNLISTED.value,
        help_text=policy.help,
    )


def is_child() -> bool:
    """Whether this pip was started by a guarded one, which has spoken for both."""
    return bool(os.environ.get(callers.CHILD))
