"""Compares what is installed or locked with the decision on its name. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from repoprio import shell
from repoprio.audit.findings import Finding, Severity, Shared
from repoprio.audit.subjects import Offer, Subject, finding_on, install_again, install_by_name, uninstall
from repoprio.lookup import events
from repoprio.lookup.cooldown import Held
from repoprio.lookup.events import RepositoryState
from repoprio.lookup.project import Code, Decision, Outcome
from repoprio.policy.model import LOWEST, DirectUrls, Policy, Repository, Rule
from repoprio.policy.routing import Blocked, Conflict, Route, RuledOut
from repoprio.wording import join_words

_MOST_VERSIONS = 8


def judge(
    policy: Policy,
    decision: Decision[Any],
    subject: Subject,
    offer: Offer,
    *,
    is_pinned_out: bool = False,
    waiting: Held | None = None,
) -> list[Finding]:
    """The findings on `subject`, by the decision on its name.

    `is_pinned_out` is true if a pin's `versions` exclude its version; `waiting` says why every file of its version
    that fits is too young, None if one is old enough.
    """
    if decision.outcome is Outcome.UNAVAILABLE or _skipped(decision):
        return [_unavailable(policy, decision, subject)]
    if not decision.offers:
        return [_unsupplied(policy, decision, subject)]
    findings = _judge_version(policy, decision, subject, offer) if subject.version else []
    route = decision.route
    if is_pinned_out and isinstance(route, Route) and route.versions:
        wanted, rule = route.versions
        message = f"{subject} {subject.verb}, but the policy wants {subject.project} {wanted} ({rule.place})."
        remedy, command = install_again(subject, offer)
        findings.append(finding_on(subject, "pin-versions", message, remedy, rule=rule, command=command))
    if waiting:
        findings.append(_too_young(subject, offer, waiting))
    return findings


def _too_young(subject: Subject, offer: Offer, why: Held) -> Finding:
    more: dict[str, Any] = {"repository": why.wait.repository, "rule": why.wait.rule}
    if why.upload_time is None:
        message = f"{subject} {subject.verb}, and nobody knows whether it is old enough: {why.reason}."
        return finding_on(subject, "no-upload-time", message, "check that you trust this version", **more)
    message = f"{subject} {subject.verb}, but is too young: {why.reason}."
    again, command = install_again(subject, offer)
    remedy = f'{again}; or set min-age = "0 days" in a pin for {subject.project}, if it cannot wait'
    return finding_on(subject, "too-young", message, remedy, command=command, **more)


def _unsupplied(policy: Policy, decision: Decision[Any], subject: Subject) -> Finding:
    """The finding if no repository supplies the name: none may, none can, or none has it."""
    route = decision.route
    verb = f"{subject} {subject.verb}"
    if isinstance(route, Blocked):
        message = f"{verb}, but {subject.project} is blocked: {route.text} ({route.rule.place})."
        remedy, command = uninstall(subject)
        return finding_on(subject, "blocked", message, remedy, rule=route.rule, command=command)
    if isinstance(route, Conflict):
        rules = join_words(route.rules)
        message = f"{verb}, but {rules} match {subject.project} equally well, and both set {route.sets.value}."
        remedy = policy.change("make one pattern more specific, or drop one of the two")
        return finding_on(subject, "ambiguous-pins", message, remedy, rule=route.rules[0])
    rule = route.rules[0] if route.rules else None
    owner = route.owners[0] if route.owners else None
    owners = join_words(route.owners)
    place = rule.place if rule else ""
    if decision.code is Code.OWNER_RULED_OUT and owner is None:
        silenced = [f.repository for f in decision.results if f.ruled_out is RuledOut.NO_INDEX]
        message = f"{verb}, but --no-index rules out {join_words(silenced)}, which may own {subject.project}."
        return finding_on(subject, "owner-ruled-out", message, "audit again without --no-index (unset PIP_NO_INDEX)")
    if decision.code is Code.OWNER_RULED_OUT:
        message = f"{verb}, but {subject.project} belongs to {owners}, which may not be asked for it ({place})."
        remedy = policy.change("enable the owner for this name, or route the name elsewhere")
        return finding_on(subject, "owner-ruled-out", message, remedy, repository=owner, rule=rule)
    if decision.code is Code.OWNED_ABSENT:
        message = f"{verb}, but {subject.project} belongs to {owners}, which does not have it ({place}): "
        message += "it came from elsewhere."
        drop, command = uninstall(subject)
        remedy = f"check what {subject} may have done; publish {subject.project} to {owners} if it is yours, "
        remedy += f"else {drop}"
        return finding_on(subject, "owned-absent", message, remedy, repository=owner, rule=rule, command=command)
    asked = [f.repository for f in decision.results if f.asked]
    message = f"{verb}, and no repository of the policy has {subject.project}"
    were = "were" if len(asked) > 1 else "was"
    message += f": {join_words(asked)} {were} asked." if asked else "; none could be asked."
    remedy = f"{policy.addition('the repository that it came from')}, if you want to keep it"
    change = policy.addition("the repositories that they came from")
    return finding_on(subject, "unknown", message, remedy, shared=Shared("", f"{change}, if you want to keep them"))


def _skipped(decision: Decision[Any]) -> list[events.RepositoryResult[Any]]:
    """The results above the owner that only `skip-if-unavailable` counts as absent: these repositories may own it."""
    lowest = decision.offers[0].repository.priority if decision.offers else LOWEST
    return [f for f in decision.results if f.skipped and f.repository.priority <= lowest]


def _unavailable(policy: Policy, decision: Decision[Any], subject: Subject) -> Finding:
    if unknown := decision.unknown:
        why = f"nobody knows who served names before: {unknown.place} cannot be read: {unknown.reason}"
        rule = policy.rule("ownership", f'"{policy.ownership}"')
        message, remedy = f"repoprio cannot judge {subject}: {why}.", "audit again when it can be read"
        return finding_on(subject, "unavailable", message, remedy, rule=rule, shared=Shared(why, remedy))
    faulty = _skipped(decision) or decision.of(RepositoryState.UNAVAILABLE)
    reasons = "; ".join(f"{f.repository} is unavailable: {f.reason}" for f in faulty)
    message = f"repoprio cannot judge {subject}: {reasons}."
    names = join_words([f.repository.name for f in faulty])
    remedy = f"audit again when {names} answers; {shell.repoprio('explain', subject.project)} shows more"
    owner, shared = faulty[0].repository, Shared(_outage(faulty, decision.name), remedy)
    rule = rule_of(policy, decision, owner)
    return finding_on(subject, "unavailable", message, remedy, repository=owner, rule=rule, shared=shared)


def _outage(faulty: Sequence[events.RepositoryResult[Any]], name: str) -> str:
    """Why names cannot be judged; the same text for every name that was not asked for because of the same outage."""
    # For the other names, the reason itself says for which name the repository was down.
    suffixes = [(f, f" (for {name}, and not asked again)" if f.asked_for == name else "") for f in faulty]
    return "; ".join(f"{f.repository} is unavailable: {f.reason}{suffix}" for f, suffix in suffixes)


def _judge_version(policy: Policy, decision: Decision[Any], subject: Subject, offer: Offer) -> list[Finding]:
    """The findings on the version, compared with what the owners have, or those that flexible mode passed over."""
    passed = [f.repository for f in decision.results if f.passed_over]
    owners = [f.repository for f in decision.offers if f.repository not in passed]
    if any(_has(subject, offer, r) for r in passed):
        owners = passed
    elif passed and any(_has(subject, offer, r) for r in owners):
        return [*_passed_over(policy, decision, subject, passed, owners), *_yanked(policy, subject, offer, owners)]
    owners = owners or passed
    if any(_has(subject, offer, r) for r in owners):
        return _yanked(policy, subject, offer, owners)
    return [_foreign(policy, decision, subject, offer, owners)]


def _has(subject: Subject, offer: Offer, repository: Repository) -> bool:
    return any(offer.is_same(version, subject.version) for version in offer.versions.get(repository.name, ()))


def _foreign(
    policy: Policy, decision: Decision[Any], subject: Subject, offer: Offer, owners: Sequence[Repository]
) -> Finding:
    has = " and ".join(some(offer.versions.get(r.name, ())) for r in owners)
    message = f"{subject} {subject.verb}, but {subject.project} belongs to {join_words(owners)}, which has {has}"
    lower = [f.repository for f in shadowed(decision) if _has(subject, offer, f.repository)]
    code = "hijack" if lower else "not-the-owners"
    if lower:
        message += f"; only {join_words(lower)} has {subject.version}: a hijack that already happened?"
    else:
        message += ": it came from elsewhere."
    names = join_words([r.name for r in owners], "or")
    remedy, command = install_again(subject, offer)
    first = f"first check what {subject} may have done (if it is yours, publish it to {names} instead)"
    if not any(offer.versions.get(r.name) for r in owners):
        # The page has no files: the repository has none, or it answers like this for every name.
        first = f'if {names} answers every name like this, set absent = [404, "empty-page"] for it. Otherwise {first}'
    rule = rule_of(policy, decision, owners[0])
    return finding_on(
        subject, code, message, f"{first}; then {remedy}", repository=owners[0], rule=rule, command=command
    )


def shadowed(decision: Decision[Any]) -> list[events.RepositoryResult[Any]]:
    """The repositories below the owner that serve the name; empty if none of them was asked."""
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
    return [finding_on(subject, "passed-over", message, remedy, repository=owners[0], rule=rule)]


def _yanked(policy: Policy, subject: Subject, offer: Offer, owners: Sequence[Repository]) -> list[Finding]:
    listed = [(r, file) for r in owners for file in offer.files.get(r.name, ())]
    of_version = [(r, file) for r, file in listed if offer.is_same(file.version, subject.version)]
    if not of_version or any(file.yanked is None for _, file in of_version):
        return []
    owner = of_version[0][0]
    reason = next((file.yanked for _, file in of_version if file.yanked), "no reason given")
    message = f"{subject} {subject.verb}, and {owner} has yanked it: {reason}."
    rule = policy.rule(f"repositories.{owner.name}.priority", str(owner.priority))
    remedy, command = install_again(subject, offer)
    return [finding_on(subject, "yanked", message, remedy, repository=owner, rule=rule, command=command)]


def direct(
    policy: Policy,
    subject: Subject,
    origin: str,
    *,
    routed: Route | Blocked | Conflict | None,
    owner: Repository | None = None,
) -> Finding:
    """The finding on what came from `origin`, which is no repository: an error if its name is `routed`.

    `owner` is the repository that lists exactly this file, by its hashes; None if no repository is proved to.
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
        return finding_on(subject, "direct-url", f"{message}.", remedy, repository=owner, rule=rule)
    remedy, command = ("lock it by its name", None) if is_lock else install_by_name(subject)
    more = {"repository": owner, "rule": rule, "stated": Severity.ERROR, "command": command}
    return finding_on(subject, "direct-url", f"{message}.", remedy, **more)


def unproven(subject: Subject, code: str, message: str, routed: Route | Blocked | Conflict) -> Finding:
    """The error if the policy routes the name, and nothing proves that `subject` came from the owner."""
    more: dict[str, Any] = {"stated": Severity.ERROR}
    remedy, more["command"] = ("lock it by its name", None) if subject.pip is None else install_by_name(subject)
    if isinstance(routed, Route):
        more["repository"], more["rule"] = routed.owners[0], routed.rules[0]
        why = f"{routed.name} belongs to {join_words(routed.owners)}, and nothing proves that this came from there"
    elif isinstance(routed, Blocked):
        more["rule"] = routed.rule
        why = f"{routed.name} is blocked: {routed.text}"
        remedy, more["command"] = uninstall(subject)
    else:
        more["rule"] = routed.rules[0]
        why = f"two pins disagree on {routed.name}, so it cannot be installed"
    return finding_on(subject, code, f"{message.removesuffix('.')}. But {why}.", remedy, **more)


def rule_of(policy: Policy, decision: Decision[Any], owner: Repository) -> Rule:
    """The rule that made `owner` the owner: the one that routed the name, else its priority."""
    routed = decision.route_rules
    return routed[0] if routed else policy.rule(f"repositories.{owner.name}.priority", str(owner.priority))


def some(versions: Sequence[str]) -> str:
    """The newest of `versions`, which are sorted newest first, as a message lists them."""
    more = f", ... ({len(versions)} in all)" if len(versions) > _MOST_VERSIONS else ""
    return ", ".join(versions[:_MOST_VERSIONS]) + more if versions else "no file of it"
