"""Audits an environment or a lock, with the same lookups as in an installation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from repoprio import shell
from repoprio.audit import lock_sources, lock_verdicts, verdicts
from repoprio.audit.collisions import collisions, remedy
from repoprio.audit.findings import Audit, Finding, Severity, Shared, worst_first
from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.locks.model import Package
from repoprio.audit.subjects import Offer, Subject, finding_on
from repoprio.config.errors import did_you_mean
from repoprio.environments.distributions import Installed
from repoprio.errors import RepoprioError
from repoprio.lookup.cooldown import Held
from repoprio.lookup.drivers import drive_repository
from repoprio.lookup.events import RepositoryState
from repoprio.lookup.project import Decision
from repoprio.lookup.repository import RepositoryLookup
from repoprio.names import NormalizedName, is_project_name, normalize
from repoprio.output import redact_secrets
from repoprio.pip_adapter.compat import is_version
from repoprio.pip_adapter.finder.look_ahead import look_ahead
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.inspect import lock_files
from repoprio.pip_adapter.inspect.context import PipContext
from repoprio.pip_adapter.inspect.file_hashes import files_of, hashes_of
from repoprio.pip_adapter.inspect.project_lists import NoList, lists
from repoprio.pip_adapter.versions import canonical, comparable
from repoprio.policy.model import Mode, Policy, Repository, tiers
from repoprio.policy.routing import Blocked, Conflict, Route, asked_for, route, version_limit
from repoprio.redaction import redact_name
from repoprio.wording import join_words

# After `context`, which guards this process: only a guarded pip may be imported.
from pip._vendor.packaging.specifiers import SpecifierSet  # isort: skip

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Hashes

Tell = Callable[[str], None]

# With these findings, the files are judged too.
_BESIDE = frozenset({"yanked", "pin-versions", "passed-over", "too-young", "no-upload-time"})


_OBSERVED = (
    'The policy says mode = "observe" and enforces nothing: what you install now obeys the policy only once it is '
    '"strict".'
)


class WrongUse(RepoprioError):
    """The policy does not have this repository."""


class Auditor:
    """Audits distributions and packages of locks under the policy of `pip`.

    With `shadowed`, repositories below the owner are asked too. `command` is the pip for remedies; `is_elsewhere` is
    true if it belongs to another Python than the running one.
    """

    def __init__(
        self, pip: PipContext, tell: Tell, *, shadowed: bool = False, command: str = "pip", is_elsewhere: bool = False
    ) -> None:
        self._pip = pip
        self._policy = pip.guard.policy
        self._tell = tell
        self._shadowed = shadowed
        self._command = command
        self._is_elsewhere = is_elsewhere

    def environment(self, distributions: Sequence[Installed], *, is_own: bool = False) -> Audit:
        """The audit of the distributions; `is_own` is true for those of this process's environment."""
        findings: list[Finding] = []
        claims = [
            claim
            for distribution in distributions
            if distribution.origin is None
            for claim in distribution.claims
            if claim.version is not None
        ]
        self._fetch_ahead(_subject(claim.name, claim.version, "is installed") for claim in claims)
        for number, distribution in enumerate(distributions, 1):
            self._tell(f"{number}/{len(distributions)} {redact_name(distribution.name)}")
            findings += self._distribution(distribution)
        if is_own:
            findings = [finding for finding in findings if not _is_repoprio(finding)]
        return self._audit("environment", "distribution", len(distributions), findings)

    def _fetch_ahead(self, subjects: Iterable[Subject]) -> None:
        """Fetch ahead what the lookups of `subjects` need; that changes neither the findings nor their order."""
        names = dict.fromkeys(normalize(subject.project) for subject in subjects if is_project_name(subject.project))
        look_ahead(self._pip.guard, names, below_owner=self._shadowed)

    def _distribution(self, distribution: Installed) -> Iterator[Finding]:
        """The findings on one distribution, for each of its claims."""
        if distribution.broken:
            yield self._broken(distribution)
        for claim in distribution.claims:
            more = {"pip": self._command, "place": distribution.place, "is_elsewhere": self._is_elsewhere}
            subject = _subject(claim.name, claim.version, "is installed", **more)
            if distribution.origin is not None:
                yield from self._foreign(subject, distribution.origin)
            elif claim.version is not None:
                # If metadata are broken, a name that no repository has may not be a name.
                yield from (
                    finding
                    for finding in self._judged(subject)
                    if not (distribution.broken and finding.code == "unknown")
                )

    def _broken(self, distribution: Installed) -> Finding:
        """The finding on broken metadata: an error if the policy routes a name that it may have."""
        subject = _subject(
            distribution.name, distribution.version, "is installed", pip=self._command, place=distribution.place
        )
        message = f"{subject.project}: {distribution.broken}."
        routed = next((routing for claim in distribution.claims if (routing := self._routed(claim.name))), None)
        if routed is None:
            return finding_on(subject, "broken", message, "install it again, or remove its folder")
        return verdicts.unproven(subject, "broken", message, routed)

    def _routed(self, name: str) -> Route | Blocked | Conflict | None:
        """The routing of a name if the policy routes or blocks it; else None."""
        routing = route(self._policy, normalize(name)) if is_project_name(name) else None
        return None if isinstance(routing, Route) and not routing.is_routed else routing

    def _foreign(self, subject: Subject, origin: str) -> Iterator[Finding]:
        """The findings on a distribution from no repository; a wheel can claim that itself, so it excuses nothing."""
        if not is_project_name(subject.project) or self._routed(subject.project) or self._is_owned(subject.project):
            yield from (finding for finding in self._judged(subject) if finding.code != "unknown")
        yield verdicts.direct(self._policy, subject, origin, routed=self._routed(subject.project))

    def _is_owned(self, project: str) -> bool:
        """Whether a repository above the lowest tier may own a name; a single tier is asked too.

        The lowest of several tiers is not asked: no name of a project from elsewhere is disclosed there.
        """
        name = normalize(project)
        routing = route(self._policy, name)
        groups = tiers(routing.repositories) if isinstance(routing, Route) else []
        above = groups[: max(len(groups) - 1, 1)]
        return any(self._may_have(repository, name) for tier in above for repository in tier)

    def _may_have(self, repository: Repository, name: NormalizedName) -> bool:
        """Whether `repository` has the project, or gives no usable answer."""
        self._pip.guard.refresh_search_scope()
        memory, pages = self._pip.guard.memory()
        asked = asked_for(route(self._policy, name))
        lookup = RepositoryLookup(memory, repository, name, self._policy.repositories, asked)
        return drive_repository(lookup, pages.fetch).state is not RepositoryState.ABSENT

    def _judged(self, subject: Subject, hashes: Hashes | None = None) -> list[Finding]:
        """The findings on a name and its version; `hashes` are those that a lock allows."""
        if not is_project_name(subject.project):
            message = f"{subject.project!r} {subject.verb}, and is not a project name."
            return [finding_on(subject, "not-a-name", message, "check where it came from")]
        decision = self._decide(subject)
        is_pinned_out = self._is_pinned_out(decision, subject)
        offer, waiting = self._offer(decision, subject), self._waiting(decision, subject, hashes)
        return verdicts.judge(self._policy, decision, subject, offer, is_pinned_out=is_pinned_out, waiting=waiting)

    def _waiting(self, decision: Decision[PipPage], subject: Subject, hashes: Hashes | None) -> Held | None:
        """Why every file of this version that fits here is too young; None if one is old enough, or none fits."""
        if not self._policy.has_min_age or subject.version is None:
            return None
        return self._pip.guard.weigh(decision).waiting(subject.version, hashes)

    def _decide(self, subject: Subject) -> Decision[PipPage]:
        decision: Decision[PipPage] = self._pip.guard.decide(*self._wanted(subject), below_owner=self._shadowed)
        return decision

    def _wanted(self, subject: Subject) -> tuple[NormalizedName, SpecifierSet | None]:
        """The name to look up, and the specifier if flexible mode is in force for it."""
        name = normalize(subject.project)
        is_flexible = _mode(route(self._policy, name)) is Mode.FLEXIBLE
        is_bound = is_flexible and subject.version and is_version(subject.version)
        return name, SpecifierSet(f"=={subject.version}") if is_bound else None

    def _offer(self, decision: Decision[PipPage], subject: Subject, *, hashed: bool = False) -> Offer:
        """The files of the repositories that were asked; with `hashed`, files on disk without a hash are hashed."""
        pages = [result for result in decision.results if result.page]
        files = {f.repository.name: files_of(f, decision.name, subject.version if hashed else None) for f in pages}
        versions = {f.repository.name: f.page.versions for f in pages if f.page}
        return Offer(files, versions, lambda: self._fits(decision.name), comparable)

    def _fits(self, name: NormalizedName) -> str | None:
        chosen = self._pip.guard.explanation(name).chosen
        return chosen.version if chosen else None

    @staticmethod
    def _is_pinned_out(decision: Decision[PipPage], subject: Subject) -> bool:
        wanted = version_limit(decision.route)
        if wanted is None or subject.version is None or not is_version(subject.version):
            return False
        return not SpecifierSet(wanted).contains(subject.version, prereleases=True)

    def _direct(self, subject: Subject, source: str, hashes: Mapping[str, str]) -> Finding:
        """The finding on a locked file from no repository; only a routed name is looked up."""
        name = normalize(subject.project)
        routed = self._routed(subject.project)
        owner = None
        if hashes and isinstance(routed, Route) and routed.repositories:
            decision = self._pip.guard.decide(name)
            locked = LockedFile(None, hashes, None)
            owner = next(
                (
                    f.repository
                    for f in decision.owners
                    if any(lock_verdicts.agree(locked, x) for x in files_of(f, name))
                ),
                None,
            )
        return verdicts.direct(self._policy, subject, source, routed=routed, owner=owner)

    def files(self, packages: Sequence[Package], more: Sequence[Finding] = ()) -> Audit:
        """The audit of the packages of locks; `more` are findings from reading them."""
        findings = list(more)
        supplied = [package for package in packages if package.source is None or package.files]
        self._fetch_ahead(_subject(package.name, package.version, "is locked") for package in supplied)
        for number, package in enumerate(packages, 1):
            self._tell(f"{number}/{len(packages)} {package.name}")
            findings += self._package(package)
        return self._audit("files", "package", len(packages), lock_verdicts.hashless(findings, _hashless(packages)))

    def _package(self, package: Package) -> list[Finding]:
        subject = _subject(package.name, package.version, "is locked", file=package.file, line=package.line)
        findings = [_rivals(subject, package)] if package.rivals else []
        if package.source is not None:
            findings.append(self._direct(subject, package.source, package.hashes))
            if not package.files:
                return findings
        return [*findings, *self._supplied(subject, package)]

    def _supplied(self, subject: Subject, package: Package) -> list[Finding]:
        """The findings on what a repository would supply, and on the repository that the lock names for it."""
        findings = self._against_owner(subject, package)
        if package.index_url is None:
            return findings
        named = lock_files.repository_at(self._policy, package.index_url, package.file)
        return lock_sources.with_source(self._policy, self._decide(subject), subject, findings, named)

    def _against_owner(self, subject: Subject, package: Package) -> list[Finding]:
        """The findings on the version and the files of a package, compared with what the owner has."""
        findings = self._judged(subject, hashes_of(package.files))
        if any(finding.code not in _BESIDE for finding in findings):
            return findings
        if not package.is_pinned:
            names = f"{' and '.join(package.pins)}, not one version" if package.pins else "no single version"
            message = f"{subject.project} is not pinned: it names {names}."
            findings.append(finding_on(subject, "not-pinned", message, f"pin it: {subject.project}==VERSION"))
        decision = self._decide(subject)
        offer = self._offer(decision, subject, hashed=True)
        # A package without files allows any file of that version.
        locked = package.files or (LockedFile(None, {}, package.line),)
        return findings + lock_verdicts.judge_files(self._policy, decision, subject, locked, offer)

    def collisions(self, against: str | None) -> Audit:
        """The names that more than one repository lists; raises `WrongUse` for one that is not in the policy."""
        known = [repository.name for repository in self._policy.enabled()]
        if against is not None and against not in known:
            raise WrongUse(
                f"{against!r} is not an enabled repository of the policy{did_you_mean(against, known)}.    [usage]"
            )
        asked = lists(self._pip, self._tell)
        self._tell("comparing")
        missing = [_no_list(self._policy, reason) for reason in asked.missing]
        shared = collisions(self._policy, asked.names, against)
        checked = len(frozenset[NormalizedName]().union(*asked.names.values()))
        audit = self._audit("collisions", "name", checked, [*missing, *shared])
        return replace(audit, remedy=remedy(self._policy, shared))

    def _audit(self, subject: str, unit: str, checked: int, findings: Sequence[Finding]) -> Audit:
        redacted = [_redacted(finding) for finding in findings]
        caution = _OBSERVED if self._policy.mode is Mode.OBSERVE else None
        return Audit(
            subject,
            unit,
            checked,
            worst_first(redacted),
            help=self._policy.help,
            maintainer=self._policy.maintainer,
            caution=caution,
        )


def _redacted(finding: Finding) -> Finding:
    shared = Shared(*map(redact_secrets, finding.shared)) if finding.shared else None
    return replace(
        finding, message=redact_secrets(finding.message), remedy=redact_secrets(finding.remedy), shared=shared
    )


def _subject(name: str, version: str | None, verb: str, **more: Any) -> Subject:
    """The subject of an audit, with a name and a version that are safe to print."""
    return Subject(redact_name(name), redact_name(canonical(version)) if version else None, verb, **more)


def _hashless(packages: Sequence[Package]) -> dict[str, int]:
    """The locks in which no package has a hash, such as those of ``pip freeze``, with their numbers of packages."""
    counts = Counter(package.file for package in packages)
    hashed = {package.file for package in packages if package.files or package.hashes}
    return {file: number for file, number in counts.items() if file not in hashed}


def _rivals(subject: Subject, package: Package) -> Finding:
    message = f"{subject} {subject.verb} with {join_words(package.rivals)}: PEP 751 allows only one of them."
    return finding_on(subject, "two-sources", message, "lock again; do not install from this lock")


def _is_repoprio(finding: Finding) -> bool:
    """Whether the finding says that repoprio itself came from no repository, which its user knows already."""
    is_known = finding.code == "unknown" or (finding.code == "direct-url" and finding.severity is Severity.NOTE)
    return is_known and finding.project == "repoprio"


def _mode(routing: Route | Blocked | Conflict) -> Mode | None:
    return routing.mode if isinstance(routing, Route) else None


def _no_list(policy: Policy, missing: NoList) -> Finding:
    repository = missing.repository
    rule = policy.rule(f"repositories.{repository.name}.url")
    message = f"{repository} has no project list that can be compared: {missing.reason}."
    remedy = "check whether its URL, with a / at the end, answers with a list of all its projects (PEP 503, PEP 691)"
    if missing.is_down:
        remedy = f"audit again when {repository.name} answers"
    if missing.asks:
        remedy = f"check the login; {shell.repoprio('repos', '--check', repository.name)} shows more"
    return Finding("no-list", message, remedy, repository=repository, rule=rule, detail=repository.name)
