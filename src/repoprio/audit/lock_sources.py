"""Compares the repositories that a lock names with the policy: those it asks, and those of its packages. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from repoprio.audit.findings import Finding, Severity, Shared
from repoprio.audit.locks.model import Index
from repoprio.audit.locks.reading import place_of
from repoprio.audit.subjects import Subject, finding_on
from repoprio.audit.verdicts import rule_of
from repoprio.lookup.project import Decision
from repoprio.policy.model import Policy, Repository, Unlisted
from repoprio.wording import join_words

# Codes that already say that the files are from elsewhere, and codes that say that nothing proves where they are from.
_FOREIGN = frozenset({"not-the-owners", "not-the-owners-file", "hijack"})
_UNPROVEN = frozenset({"no-hash", "owner-states-no-hash"})
_LOCK_AGAIN = "lock again while the policy is in force"


def repository_at(policy: Policy, url: str) -> Repository | None:
    """The repository of the policy at `url`; None if there is none there, or if `url` is not a URL."""
    try:
        return next((repository for repository in policy.repositories if repository.is_at(url)), None)
    except ValueError:
        return None


def judge_index(policy: Policy, index: Index, repository: Repository | None, file: str) -> Iterator[Finding]:
    """The findings on `index`, which the lock `file` names; `repository` is None if the policy does not list it."""
    shown = place_of(index.url)
    if repository is None:
        yield unlisted(policy, shown, named_in=file, file=file, line=index.line, remove="lock again without it")
    if not index.is_verified:
        message = f"verify_ssl is false for {shown}: any server that answers for it is accepted, with any certificate."
        remedy = "remove verify_ssl and lock again; if it has a certificate of your own authority, trust that instead"
        yield Finding("trusted-host", message, remedy, file=file, line=index.line, detail=shown)


def unlisted(policy: Policy, shown: str, *, named_in: str, file: str, line: int | None, remove: str) -> Finding:
    """The finding that `named_in` names a repository that is not in the policy; `remove` says how to get rid of it."""
    rule = policy.rule("unlisted", f'"{policy.unlisted.value}"')
    stated = None if policy.unlisted is Unlisted.REFUSE else Severity.NOTE
    remedy = f"{remove}, or {policy.addition('the repository')}"
    message = f"{named_in} names {shown}, which is not in the policy ({rule})."
    return Finding("unlisted", message, remedy, rule=rule, file=file, line=line, detail=shown, stated=stated)


def with_source(
    policy: Policy, decision: Decision[Any], subject: Subject, findings: Sequence[Finding], named: Repository | None
) -> list[Finding]:
    """`findings` on a package of a lock, and what follows from `named`, the repository that the lock names for it.

    `named` is None if the lock names none, or one that is not in the policy: that is another finding.
    """
    owners = [result.repository for result in decision.offers]
    if named is None or not owners or named in owners:
        return list(findings)
    if any(f.code in _FOREIGN for f in findings):
        source = f" The lock says that it comes from {named}."
        return [replace(f, message=f.message + source) if f.code in _FOREIGN else f for f in findings]
    owner_names = join_words(owners)
    message = f"{subject} {subject.verb} from {named}, but {subject.project} belongs to {owner_names}"
    more: dict[str, Any] = {"repository": owners[0], "rule": rule_of(policy, decision, owners[0])}
    if any(f.code in _UNPROVEN for f in findings):
        message += ", and no hash proves that its files are the owner's."
        remedy = f"{_LOCK_AGAIN}; do not install from this lock"
        return [*findings, finding_on(subject, "other-source", message, remedy, stated=Severity.ERROR, **more)]
    message += "; its files are the owner's, by their hashes."
    cause = f"the lock names {named} for what belongs to {owner_names}"
    shared = Shared(cause, _LOCK_AGAIN, "have the owner's files, by their hashes")
    return [*findings, finding_on(subject, "other-source", message, _LOCK_AGAIN, shared=shared, **more)]
