"""``mode = "observe"``: pip chooses as usual, and repoprio reports what the policy would change.

Nothing here may make pip fail or change what it does: the policy's lookups come after a resolution, have
a finder and a session of their own, and end after a time limit.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import tempfile
import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from repoprio.config.pip.indexes import Origin
from repoprio.environments.child_script import IS_CHILD
from repoprio.explain.explanation import Chosen
from repoprio.explain.observation import Change, Choice, File, ObservationSummary, change
from repoprio.lookup.project import Code, Outcome
from repoprio.names import is_project_name, normalize
from repoprio.pip_adapter import compat, policy_reading
from repoprio.pip_adapter.command import CHILD_REPORT, LOG, current
from repoprio.pip_adapter.errors import LookupRefused, warn
from repoprio.pip_adapter.finder.callers import direct_urls, search_scope
from repoprio.pip_adapter.finder.callers.search_scope import ScopeMatch
from repoprio.pip_adapter.finder.listeners import Silence
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.log_muting import muted
from repoprio.pip_adapter.observe import resolution
from repoprio.pip_adapter.observe.resolution import PipChoice
from repoprio.pip_adapter.observe.shadow_session import finder_beside, session_beside
from repoprio.pip_adapter.requirements import Wanted
from repoprio.policy.model import Policy, Pylock, Repository
from repoprio.render import observation as render
from repoprio.render.policy import summary
from repoprio.storage import jsonlines
from repoprio.urls import filename, is_fuse, is_within, place, site

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import PackageFinder
    from repoprio.pip_adapter.protocols.links import InstallationCandidate, Link
    from repoprio.pip_adapter.protocols.network import PipSession
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement, RequirementSet
    from repoprio.pip_adapter.protocols.resolver import Resolver


# The reports of child pips are never longer.
_SEEN_LIMIT = 2**22
_LONGEST_NAME = 200


def resolved(observer: Observer, resolver: Resolver, requirement_set: RequirementSet) -> None:
    """Compare the result of a resolution with the policy, log the changes, and count them for the final line."""
    try:
        observer.observe(resolver, requirement_set)
    except Exception as error:  # noqa: BLE001 - if repoprio fails in any way, pip goes on
        _note(ObservationSummary(unknown=1, remarks=(f"a resolution could not be checked ({type(error).__name__})",)))


class Observer:
    """Observes one `PackageFinder` for a policy in observe mode."""

    def __init__(self, finder: PackageFinder, policy: Policy) -> None:
        self._finder_of_pip = weakref.ref(finder)
        self._policy = policy
        self._noted: dict[str, Origin] = {}
        self._legacy_candidates: dict[str, tuple[InstallationCandidate, Wanted]] = {}
        self._session: PipSession | None = None
        self._spent = 0.0

    @property
    def _finder(self) -> PackageFinder:
        finder = self._finder_of_pip()
        assert finder is not None, "it lives as long as pip's finder does"
        return finder

    def note(self, origin: Origin, named: Iterable[str]) -> None:
        """Note which line of a requirements file named these indexes."""
        self._noted.update(dict.fromkeys(named, origin))

    def note_found(self, req: InstallRequirement, candidate: InstallationCandidate | None) -> None:
        """Note the legacy resolver's candidate for `req`; the resolver itself keeps only the file."""
        with suppress(Exception):
            if candidate is not None and req.name is not None:
                self._legacy_candidates[req.name] = (candidate, (req.specifier, req.hashes(trust_internet=False)))

    def announce(self) -> None:
        """Print the line about the policy, and that it only observes."""
        if line := policy_reading.news():
            warn(line)
        warn(f"repoprio: {summary(self._policy)}")
        if any(is_fuse(url) for url in self._finder.search_scope.index_urls):
            warn("repoprio: observe: pip's index is the fuse, where it finds nothing (repoprio disable --fuse)")

    def observe(self, resolver: Resolver, requirement_set: RequirementSet) -> None:
        """Compare the choices of `resolver` with the policy, log the changes, and count them."""
        with muted():
            scope = search_scope.match(self._policy, self._finder.search_scope, self._noted)
            choices = list(resolution.resolver_choices(resolver, requirement_set, self._legacy_candidates))
            judge = _Judge(self._shadow(), self._finder, self._policy, scope)
            results = [self._judged(judge, pip) for pip in choices if not pip.is_direct or judge.is_refused(pip)]
        changes = [result for result in results if isinstance(result, Change)]
        names = tuple(change.choice.project for change in changes)
        unknown = sum(result is _UNKNOWN for result in results)
        remarks = tuple(f"{index.url} is not in the policy (named by {index.origin})" for index in scope.refused)
        _note(ObservationSummary(len(results), len(changes), names, unknown, remarks, _logged(changes)))

    def _shadow(self) -> _Shadow:
        """A finder under the policy with the present settings of pip's finder, and one session for all of them."""
        if self._session is None:
            self._session = session_beside(self._finder._link_collector.session)
        finder = finder_beside(self._finder, self._session)
        return _Shadow(finder, PolicyFinder(finder, self._policy, Silence(), self._noted))

    def _judged(self, judge: _Judge, pip_choice: PipChoice) -> Change | _Unknown | None:
        """The `Change`, None if there is none, or `_Unknown`.

        `page-timeout` also limits all lookups of a command together: a policy that is only tried must not
        delay pip.
        """
        begun = time.monotonic()
        if self._spent > self._policy.page_timeout:
            return _UNKNOWN
        try:
            return judge.change(pip_choice)
        except Exception:  # noqa: BLE001 - in case of any error, pip goes on
            return _UNKNOWN
        finally:
            self._spent += time.monotonic() - begun


class _Unknown:
    """It is unknown what the policy would change."""


_UNKNOWN = _Unknown()


class _Shadow(NamedTuple):
    """A finder next to pip's, and its `PolicyFinder`, which refers to it weakly."""

    finder: PackageFinder
    guard: PolicyFinder

    def look_up(self, pip_choice: PipChoice) -> tuple[Code, Chosen | None, list[InstallationCandidate]]:
        """How the lookup for `pip_choice` ends, the file that it would choose, and all candidates of the owner."""
        decision = self.guard.decide(pip_choice.project, pip_choice.specifier)
        if decision.outcome is not Outcome.SERVED:
            return decision.code, None, []
        weighed = self.guard.weigh(decision)
        best = weighed.best(pip_choice.specifier, pip_choice.hashes)
        if best is None:
            waits = weighed.best(pip_choice.specifier, pip_choice.hashes, of_any_age=True) is not None
            return Code.TOO_YOUNG if waits else Code.NO_MATCH, None, []
        return decision.code, weighed.chosen(best), weighed.candidates(pip_choice.hashes)


class _Judge:
    """Compares the choices of one resolution with the policy."""

    def __init__(self, shadow: _Shadow, finder: PackageFinder, policy: Policy, callers: ScopeMatch) -> None:
        self._shadow = shadow
        self._finder = finder
        self._policy = policy
        self._callers = callers
        self._repositories = (*policy.repositories, *callers.admitted)

    def is_refused(self, pip_choice: PipChoice) -> bool:
        """Whether the policy refuses the direct URL of `pip_choice`."""
        return direct_urls.is_refused(self._policy, pip_choice.ireq)

    def change(self, pip_choice: PipChoice) -> Change | None:
        """What the policy would change about `pip_choice`, or None."""
        choice = self._choice(pip_choice)
        if self._callers.refused:
            sites = dict.fromkeys(_site(index.url) or "file:" for index in self._callers.refused)
            return Change(choice, Code.UNLISTED, unlisted=tuple(sites))
        if pip_choice.is_direct:
            return Change(choice, Code.DIRECT_URL)
        locked = getattr(self._finder, "_locked_links", {}).get(pip_choice.project)
        if locked is not None:
            return self._of_locked(choice, pip_choice, locked)
        code, chosen, candidates = self._shadow.look_up(pip_choice)
        links = (candidate.link for candidate in candidates)
        listed = next((self._file(link) for link in links if filename(link.url) == choice.file.name), None)
        return change(choice, code, chosen, listed)

    def _of_locked(self, choice: Choice, pip_choice: PipChoice, locked: Link) -> Change | None:
        if self._policy.pylock is Pylock.ALLOW:
            return None
        decision = self._shadow.guard.decide(pip_choice.project, pip_choice.specifier)
        if decision.outcome in (Outcome.UNAVAILABLE, Outcome.BLOCKED):
            return Change(choice, decision.code)
        try:
            self._shadow.guard.verify_locked(pip_choice.project, locked, pip_choice.hashes)
        except LookupRefused as refused:
            return Change(choice, refused.explanation.code if refused.explanation else Code.PYLOCK)
        return None

    def _choice(self, pip_choice: PipChoice) -> Choice:
        requirement = f"{pip_choice.project}{pip_choice.specifier or ''}"
        is_newest = pip_choice.is_direct or self._is_newest(pip_choice)
        return Choice(
            pip_choice.project,
            requirement,
            pip_choice.version,
            self._file(pip_choice.link),
            _site(_page(pip_choice.link)),
            is_newest,
        )

    def _is_newest(self, pip_choice: PipChoice) -> bool:
        """Whether pip chose the candidate that it would try first; it has all pages by now, and asks no server."""
        best = self._finder.find_best_candidate(
            pip_choice.project, pip_choice.specifier, pip_choice.hashes
        ).best_candidate
        return best is None or str(best.version) == pip_choice.version

    def _file(self, link: Link) -> File:
        repository = self._repository(_page(link))
        return File(filename(link.url), compat.digests(link), place(link.url), repository.name if repository else None)

    def _repository(self, page: str) -> Repository | None:
        """The repository of `page`; if one lies within another, the inner one."""
        bases = [
            (len(base), repository)
            for repository in self._repositories
            for base in (*(location.url for location in repository.locations), *repository.aliases)
            if _is_within(page, base)
        ]
        return max(bases, key=lambda base: base[0], default=(0, None))[1]


def _page(link: Link) -> str:
    """The URL of the page that lists `link`, else its own."""
    return link.comes_from if isinstance(link.comes_from, str) else str(link.url)


def _is_within(url: str, base: str) -> bool:
    try:
        return is_within(url, base)
    except ValueError:
        return False


def _site(url: str) -> str | None:
    """Scheme, host and port of `url`; None if it has no host."""
    try:
        parts = site(url)
    except ValueError:
        return None
    return str(parts) if parts.scheme in ("http", "https") and parts.host else None


def _note(tally: ObservationSummary) -> None:
    current().seen = current().seen.plus(tally)


def _logged(changes: list[Change]) -> str:
    """Write the changes to the log; returns what is wrong with the log, or ""."""
    file = os.environ.get(LOG)
    if not file or not changes:
        return ""
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    host, command, is_build = _host(), current().command or None, current().is_build
    lines = [render.record(item, time=now, host=host, command=command, is_build=is_build) for item in changes]
    return _appended(file, lines)


def _host() -> str | None:
    """The name of this machine, or of the container; None if it has none."""
    try:
        return socket.gethostname() or None
    except (OSError, ValueError):
        return None


def _appended(file: str, lines: list[str]) -> str:
    try:
        jsonlines.append(file, lines)
    except (OSError, ValueError) as error:
        return f"{file} cannot be written: {getattr(error, 'strerror', None) or error} ({LOG})"
    return ""


def expect_children() -> None:
    """Make child pips report their results in a file; only the first pip prints for the user."""
    if IS_CHILD or current().seen_file:
        return
    with suppress(OSError):
        descriptor, current().seen_file = tempfile.mkstemp(prefix="repoprio-")
        os.close(descriptor)
        os.environ[CHILD_REPORT] = current().seen_file


def report() -> None:
    """Print one line at the end of a command: what the policy would change, including choices of child pips."""
    with suppress(Exception):
        if IS_CHILD:
            _write_child_report()
            return
        for tally in _read_child_reports():
            _note(tally)
        _print(current().seen)


def _write_child_report() -> None:
    if file := os.environ.get(CHILD_REPORT):
        seen = current().seen
        numbers = [seen.choices, seen.changes, seen.changed, seen.unknown, bool(seen.log_fault)]
        _appended(file, [json.dumps(numbers)])


def _read_child_reports() -> Iterator[ObservationSummary]:
    """The reports of child pips, strictly checked: the code of builds can write anything into them."""
    if not current().seen_file:
        return
    with open(current().seen_file, encoding="utf-8", errors="replace") as opened:
        lines = opened.read(_SEEN_LIMIT).splitlines()
    os.unlink(current().seen_file)
    for line in lines:
        with suppress(ValueError, TypeError, OverflowError, RecursionError):
            choices, changes, changed, unknown, is_faulty = json.loads(line)
            names = tuple(normalize(name) for name in changed if is_project_name(name) and len(name) < _LONGEST_NAME)
            fault = f"{os.environ.get(LOG)} cannot be written by a pip that a build started" if is_faulty else ""
            yield ObservationSummary(int(choices), int(changes), names, int(unknown), log_fault=fault)


def _print(tally: ObservationSummary) -> None:
    """Print the summary to stderr, unless pip is quiet."""
    logger = logging.getLogger("pip")
    if tally.log_fault and logger.isEnabledFor(logging.WARNING):
        warn(render.log_warning(tally.log_fault))
    if (tally.choices or tally.remarks) and logger.isEnabledFor(logging.INFO):
        warn(render.line(tally, os.environ.get(LOG)))
