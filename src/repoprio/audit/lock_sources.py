"""The repositories that a lock names, held against the policy: those it has asked, and those of its packages. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from repoprio.audit.findings import Finding, Severity, Shared
from repoprio.audit.locks.model import Index
from repoprio.audit.locks.reading import place_of
from repoprio.audit.verdicts import Subject, finding, rule_of
from repoprio.lookup.project import Decision
from repoprio.policy.model import Policy, Repository, Unlisted
from repoprio.wording import join_words

# What says already that the files are from elsewhere; and what says that nothing proves from where.
_FOREIGN = frozenset({"not-the-owners", "not-the-owners-file", "hijack"})
_UNPROVEN = frozenset({"no-hash", "owner-states-no-hash"})
_AGAIN = "lock again while the policy is in force"


def repository_at(policy: Policy, url: str) -> Repository | None:
    """The repository of the policy that `url` means; None where it means none, or is no URL."""
    try:
        return next((repository for repository in policy.repositories if repository.is_at(url)), None)
    except ValueError:
        return None


def judge_index(policy: Policy, index: Index, repository: Repository | None, file: str) -> Iterator[Finding]:
    """The findings on a repository that the lock `file` names; `repository` is the policy's, if it lists it."""
    shown = place_of(index.url)
    if repository is None:
        yield unlisted(policy, shown, named_in=file, file=file, line=index.line, remove="lock again without it")
    if not index.is_verified:
        message = f"verify_ssl is false for {shown}: any server that answers for it is accepted, with any certificate."
        remedy = "remove verify_ssl and lock again; if it has a certificate of your own authority, trust that instead"
        yield Finding("trusted-host", message, remedy, file=file, line=index.line, detail=shown)


def unlisted(policy: Policy, shown: str, *, named_in: str, file: str, line: int | None, remove: str) -> Finding:
    """That `named_in` names a repository that is not in the policy; to `remove` it is one way out."""
    rule = policy.rule("unlisted", f'"{policy.unlisted.value}"')
    stated = None if policy.unlisted is Unlisted.REFUSE else Severity.NOTE
    remedy = f"{remove}, or {policy.change('add the repository to the policy')}"
    message = f"{named_in} names {shown}, which is not in the policy ({rule})."
    return Finding("unlisted", message, remedy, rule=rule, file=file, line=line, detail=shown, stated=stated)


def with_source(
    policy: Policy, decision: Decision[Any], subject: Subject, found: Sequence[Finding], named: Repository | None
) -> list[Finding]:
    """`found` on a package of a lock, and what follows from the repository that is `named` for it.

    `named` is None where that is not in the policy, which is a finding of its own.
    """
    owners = [finding.repository for finding in decision.offers]
    if named is None or not owners or named in owners:
        return list(found)
    if any(one.code in _FOREIGN for one in found):
        word = f" The lock says that it comes from {named}."
        return [replace(one, message=one.message + word) if one.code in _FOREIGN else one for one in found]
    whose = join_words(owners)
    message = f"{subject} {subject.verb} from {named}, but {subject.project} belongs to {whose}"
    rule = rule_of(policy, decision, owners[0])
    if any(one.code in _UNPROVEN for one in found):
        message += ", and no hash proves that its files are the owner's."
        remedy = f"{_AGAIN}; do not install from this lock"
        stated = Severity.ERROR
        unproven = finding(subject, "other-source", message, remedy, repository=owners[0], rule=rule, stated=stated)
        return [*found, unproven]
    message += "; its files are the owner's, by their hashes."
    cause = f"the lock names {named} for what belongs to {whose}"
    shared = Shared(cause, _AGAIN, "have the owner's files, by their hashes")
    return [*found, finding(subject, "other-source", message, _AGAIN, repository=owners[0], rule=rule, shared=shared)]
