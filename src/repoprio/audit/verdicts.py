"""What is installed or locked, held against the decision on its name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple

from repoprio import shell
from repoprio.audit.findings import Finding, Severity, Shared
from repoprio.dataclass import dataclass
from repoprio.lookup import events
from repoprio.lookup.cooldown import Held
from repoprio.lookup.events import RepositoryState
from repoprio.lookup.project import Code, Decision, Outcome
from repoprio.policy.model import LOWEST, DirectUrls, Policy, Repository, Rule
from repoprio.policy.routing import Blocked, Conflict, Route, RuledOut
from repoprio.wording import join_words

_MOST = 8


@dataclass(frozen=True)
class Subject:
    """What is held against the policy: a distribution, or a package of a lock.

    `verb` says what became of it ("is installed"). `pip` is the guarded pip that a remedy runs: "" if no pip can help,
    None for a lock. `is_elsewhere`: it is of another Python, of which nobody knows what that one can take.
    """

    project: str
    version: str | None
    verb: str
    pip: str | None = None
    file: str | None = None
    line: int | None = None
    place: str | None = None
    is_elsewhere: bool = False

    def __str__(self) -> str:
        return f"{self.project} {self.version}" if self.version else self.project


class Listed(NamedTuple):
    """One file that a repository lists: `version` as PEP 440 spells it, None where its name tells none."""

    name: str
    version: str | None
    hashes: Mapping[str, str]
    yanked: str | None = None


@dataclass(frozen=True)
class Offer:
    """What repositories have of one name, by the repository's name; `fits` is what pip would take of it now, if any.

    Versions with the same `key` are the same (PEP 440: 1.0 is 1.0.0, and not 1.0+local).
    """

    files: Mapping[str, tuple[Listed, ...]] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fits: Callable[[], str | None] = lambda: None
    key: Callable[[str], str] = str

    def is_same(self, one: str | None, other: str | None) -> bool:
        """Whether two versions are the same; None is none."""
        return one is not None and other is not None and self.key(one) == self.key(other)


def judge(
    policy: Policy,
    decision: Decision[Any],
    subject: Subject,
    offer: Offer,
    *,
    is_pinned_out: bool = False,
    waiting: Held | None = None,
) -> list[Finding]:
    """What the decision on its name makes of `subject`; `is_pinned_out`: a pin's `versions` leave it out.

    `waiting`: why all of its files that fit have to wait.
    """
    if decision.outcome is Outcome.UNAVAILABLE or _skipped(decision):
        return [_unavailable(policy, decision, subject)]
    if not decision.offers:
        return [_unsupplied(policy, decision, subject)]
    findings = _held(policy, decision, subject, offer) if subject.version else []
    route = decision.route
    if is_pinned_out and isinstance(route, Route) and route.versions:
        wanted, rule = route.versions
        message = f"{subject} {subject.verb}, but the policy wants {subject.project} {wanted} ({rule.place})."
        remedy, command = _again(subject, offer)
        findings.append(finding(subject, "pin-versions", message, remedy, rule=rule, command=command))
    if waiting:
        findings.append(_too_young(subject, offer, waiting))
    return findings


def _too_young(subject: Subject, offer: Offer, why: Held) -> Finding:
    more: dict[str, Any] = {"repository": why.wait.repository, "rule": why.wait.rule}
    if why.upload_time is None:
        message = f"{subject} {subject.verb}, and nobody knows whether it is old enough: {why.reason}."
        return finding(subject, "no-upload-time", message, "check that you trust this version", **more)
    message = f"{subject} {subject.verb}, but is too young: {why.reason}."
    again, command = _again(subject, offer)
    remedy = f'{again}; or set min-age = "0 days" in a pin for {subject.project}, if it cannot wait'
    return finding(subject, "too-young", message, remedy, command=command, **more)


def _unsupplied(policy: Policy, decision: Decision[Any], subject: Subject) -> Finding:
    """The finding where no repository may, can or does supply the name."""
    route = decision.route
    verb = f"{subject} {subject.verb}"
    if isinstance(route, Blocked):
        message = f"{verb}, but {subject.project} is blocked: {route.text} ({route.rule.place})."
        drop, command = _drop(subject)
        return finding(subject, "blocked", message, drop, rule=route.rule, command=command)
    if isinstance(route, Conflict):
        rules = join_words(route.rules)
        message = f"{verb}, but {rules} match {subject.project} equally well, and both set {route.sets.value}."
        remedy = policy.change("make one pattern more specific, or drop one of the two")
        return finding(subject, "ambiguous-pins", message, remedy, rule=route.rules[0])
    rule = route.rules[0] if route.rules else None
    owner = route.owners[0] if route.owners else None
    owners = join_words(route.owners)
    by = rule.place if rule else ""
    if decision.code is Code.OWNER_RULED_OUT and owner is None:
        silenced = [f.repository for f in decision.results if f.ruled_out is RuledOut.NO_INDEX]
        message = f"{verb}, but --no-index rules out {join_words(silenced)}, which may own {subject.project}."
        return finding(subject, "owner-ruled-out", message, "audit again without --no-index (unset PIP_NO_INDEX)")
    if decision.code is Code.OWNER_RULED_OUT:
        message = f"{verb}, but {subject.project} belongs to {owners}, which may not be asked for it ({by})."
        remedy = policy.change("enable the owner for this name, or route the name elsewhere")
        return finding(subject, "owner-ruled-out", message, remedy, repository=owner, rule=rule)
    if decision.code is Code.OWNED_ABSENT:
        message = f"{verb}, but {subject.project} belongs to {owners}, which does not have it ({by}): "
        message += "it came from elsewhere."
        drop, command = _drop(subject)
        remedy = (
            f"check what {subject} may have done; publish {subject.project} to {owners} if it is yours, else {drop}"
        )
        return finding(subject, "owned-absent", message, remedy, repository=owner, rule=rule, command=command)
    asked = [f.repository for f in decision.results if f.asked]
    message = f"{verb}, and no repository of the policy has {subject.project}"
    message += (
        f": {join_words(asked)} {'were' if len(asked) > 1 else 'was'} asked." if asked else "; none could be asked."
    )
    remedy = f"{policy.change('add the repository that it came from to the policy')}, if you want to keep it"
    change = policy.change("add the repositories that they came from to the policy")
    return finding(subject, "unknown", message, remedy, shared=Shared("", f"{change}, if you want to keep them"))


def _skipped(decision: Decision[Any]) -> list[events.RepositoryResult[Any]]:
    """Those that `skip-if-unavailable` made count as absent, above the owner: they may own what is there."""
    lowest = decision.offers[0].repository.priority if decision.offers else LOWEST
    return [f for f in decision.results if f.skipped and f.repository.priority <= lowest]


def _unavailable(policy: Policy, decision: Decision[Any], subject: Subject) -> Finding:
    faulty = _skipped(decision) or decision.of(RepositoryState.UNAVAILABLE)
    reasons = "; ".join(f"{f.repository} is unavailable: {f.reason}" for f in faulty)
    message = f"repoprio cannot judge {subject}: {reasons}."
    names = join_words([f.repository.name for f in faulty])
    remedy = f"audit again when {names} answers; {shell.repoprio('explain', subject.project)} shows more"
    owner, shared = faulty[0].repository, Shared(_outage(faulty, decision.name), remedy)
    rule = rule_of(policy, decision, owner)
    return finding(subject, "unavailable", message, remedy, repository=owner, rule=rule, shared=shared)


def _outage(faulty: Sequence[events.RepositoryResult[Any]], name: str) -> str:
    """Why nobody knows, in the same words for every name that was not asked for because of it."""
    # Of the others, the reason itself says for which name the repository was down.
    told = [(f, f" (for {name}, and not asked again)" if f.asked_for == name else "") for f in faulty]
    return "; ".join(f"{f.repository} is unavailable: {f.reason}{also}" for f, also in told)


def _held(policy: Policy, decision: Decision[Any], subject: Subject, offer: Offer) -> list[Finding]:
    """The version itself, held against what those have that own the name, or were passed over (flexible)."""
    passed = [f.repository for f in decision.results if f.passed_over]
    owners = [f.repository for f in decision.offers if f.repository not in passed]
    if any(_has(offer, r, subject) for r in passed):
        owners = passed
    elif passed and any(_has(offer, r, subject) for r in owners):
        return [*_passed_over(policy, decision, subject, passed, owners), *_yanked(policy, subject, offer, owners)]
    owners = owners or passed
    if any(_has(offer, r, subject) for r in owners):
        return _yanked(policy, subject, offer, owners)
    return [_foreign(policy, decision, subject, offer, owners)]


def _has(offer: Offer, repository: Repository, subject: Subject) -> bool:
    return any(offer.is_same(version, subject.version) for version in offer.versions.get(repository.name, ()))


def _foreign(
    policy: Policy, decision: Decision[Any], subject: Subject, offer: Offer, owners: Sequence[Repository]
) -> Finding:
    has = " and ".join(some(offer.versions.get(r.name, ())) for r in owners)
    message = f"{subject} {subject.verb}, but {subject.project} belongs to {join_words(owners)}, which has {has}"
    lower = [f.repository for f in shadowed(decision) if _has(offer, f.repository, subject)]
    code = "hijack" if lower else "not-the-owners"
    if lower:
        message += f"; only {join_words(lower)} has {subject.version}: a hijack that already happened?"
    else:
        message += ": it came from elsewhere."
    names = join_words([r.name for r in owners], "or")
    remedy, command = _again(subject, offer)
    first = f"first check what {subject} may have done (if it is yours, publish it to {names} instead)"
    if not any(offer.versions.get(r.name) for r in owners):
        # A page without files: its own word, or the answer that it has for every name.
        first = f'if {names} answers every name like this, set absent = [404, "empty-page"] for it. Otherwise {first}'
    rule = rule_of(policy, decision, owners[0])
    return finding(subject, code, message, f"{first}; then {remedy}", repository=owners[0], rule=rule, command=command)


def shadowed(decision: Decision[Any]) -> list[events.RepositoryResult[Any]]:
    """What serves the name below those that own it; empty where nobody there was asked."""
    offers = {f.repository.name for f in decision.offers}
    return [f for f in decision.of(RepositoryState.SERVES) if f.repository.name not in offers and not f.passed_over]


def _passed_over(
    policy: Policy,
    decision: Decision[Any],
    subject: Subject,
    passed: Sequence[Repository],
    owners: Sequence[Repository],
) -> list[Finding]:
    message = (
        f"{subject} {subject.verb}, and is {join_words(owners)}'s: {join_words(passed)} has {subject.project} as well, "
        "in other versions, and flexible mode skips it for a requirement that it cannot meet."
    )
    remedy = (
        f"check what requires this version; publish it to {join_words([r.name for r in passed], 'or')} if it is yours"
    )
    rule = decision.route.mode_rule if isinstance(decision.route, Route) else None
    rule = rule or rule_of(policy, decision, owners[0])
    return [finding(subject, "passed-over", message, remedy, repository=owners[0], rule=rule)]


def _yanked(policy: Policy, subject: Subject, offer: Offer, owners: Sequence[Repository]) -> list[Finding]:
    theirs = [(r, file) for r in owners for file in offer.files.get(r.name, ())]
    of_version = [(r, file) for r, file in theirs if offer.is_same(file.version, subject.version)]
    if not of_version or any(file.yanked is None for _, file in of_version):
        return []
    owner = of_version[0][0]
    reason = next((file.yanked for _, file in of_version if file.yanked), "no reason given")
    message = f"{subject} {subject.verb}, and {owner} has yanked it: {reason}."
    rule = policy.rule(f"repositories.{owner.name}.priority", str(owner.priority))
    remedy, command = _again(subject, offer)
    return [finding(subject, "yanked", message, remedy, repository=owner, rule=rule, command=command)]


def direct(
    policy: Policy,
    subject: Subject,
    origin: str,
    *,
    routed: Route | Blocked | Conflict | None,
    owner: Repository | None = None,
) -> Finding:
    """The finding on what came from no repository, but from `origin`: an error where its name is `routed`.

    `owner` lists the very file, by the hashes that hold for it; None where nothing proves that anybody does.
    """
    is_lock = subject.pip is None
    message = f"{subject} {subject.verb} from {origin}, not from a repository"
    if not is_lock:
        # direct_url.json is a file of the distribution, and a wheel may carry one.
        message = (
            f"{subject} {subject.verb}, and its own metadata says that it came from {origin}, not from a repository"
        )
    if routed is not None and owner is None:
        return unproven(subject, "direct-url", message, routed)
    rule = policy.rule("direct-urls", f'"{policy.direct_urls.value}"')
    if owner is not None:
        message += f"; {subject.project} belongs to {owner}, which lists exactly this file"
    if policy.direct_urls is not DirectUrls.REFUSE:
        remedy = "nothing, if you asked for it"
        return finding(subject, "direct-url", f"{message}.", remedy, repository=owner, rule=rule)
    remedy, command = ("lock it by its name", None) if is_lock else _named(subject)
    more = {"repository": owner, "rule": rule, "stated": Severity.ERROR, "command": command}
    return finding(subject, "direct-url", f"{message}.", remedy, **more)


def unproven(subject: Subject, code: str, message: str, routed: Route | Blocked | Conflict) -> Finding:
    """The error on what nothing proves to come from the repository to which the policy routes its name."""
    more: dict[str, Any] = {"stated": Severity.ERROR}
    remedy, more["command"] = ("lock it by its name", None) if subject.pip is None else _named(subject)
    if isinstance(routed, Route):
        more["repository"], more["rule"] = routed.owners[0], routed.rules[0]
        why = f"{routed.name} belongs to {join_words(routed.owners)}, and nothing proves that this came from there"
    elif isinstance(routed, Blocked):
        more["rule"] = routed.rule
        why = f"{routed.name} is blocked: {routed.text}"
        remedy, more["command"] = _drop(subject)
    else:
        more["rule"] = routed.rules[0]
        why = f"two pins disagree on {routed.name}, so it cannot be installed"
    return finding(subject, code, f"{message.removesuffix('.')}. But {why}.", remedy, **more)


def _named(subject: Subject) -> tuple[str, str | None]:
    """How to get it from its owner."""
    return "install it by its name", _reinstall(subject, None)


def rule_of(policy: Policy, decision: Decision[Any], owner: Repository) -> Rule:
    """The rule that made `owner` the owner: what routed the name, else its priority."""
    routed = decision.route_rules
    return routed[0] if routed else policy.rule(f"repositories.{owner.name}.priority", str(owner.priority))


def finding(subject: Subject, code: str, message: str, remedy: str, **more: Any) -> Finding:
    """A finding on `subject`; `more` are further fields."""
    return Finding(
        code,
        message,
        remedy,
        subject.project,
        subject.version,
        file=subject.file,
        line=subject.line,
        place=subject.place,
        **more,
    )


def _again(subject: Subject, offer: Offer) -> tuple[str, str | None]:
    """How to get what the policy would give, and the command that does it."""
    if subject.pip is None:
        return "lock it again while the policy is in force", None
    if subject.is_elsewhere:
        return _named(subject)
    fits = offer.fits()
    if fits is None:
        return _drop(subject)
    return f"install {subject.project} {fits} instead", _reinstall(subject, fits)


def _reinstall(subject: Subject, version: str | None) -> str | None:
    """By a pip that the policy guards wherever it installs, and nothing else along with it."""
    wanted = f"{subject.project}=={version}" if version else subject.project
    return _by_pip(subject, "install", "--force-reinstall", "--no-deps", wanted)


def _drop(subject: Subject) -> tuple[str, str | None]:
    if subject.pip is None:
        return f"remove {subject.project} from the lock", None
    return f"uninstall {subject.project}", _by_pip(subject, "uninstall", subject.project)


def _by_pip(subject: Subject, *words: str) -> str | None:
    """A command of the pip that the remedy runs; a name or a version may be any text, and is quoted."""
    return f"{subject.pip} {shell.command(*words)}" if subject.pip else None


def some(versions: Sequence[str]) -> str:
    """The newest of `versions`, which stand newest first."""
    more = f", ... ({len(versions)} in all)" if len(versions) > _MOST else ""
    return ", ".join(versions[:_MOST]) + more if versions else "no file of it"
