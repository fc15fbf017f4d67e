"""Compares the hashes of locked files with those that the owners list. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from repoprio.audit.findings import Finding
from repoprio.audit.subjects import ListedFile, Offer, Subject, finding_on
from repoprio.audit.verdicts import rule_of, shadowed
from repoprio.lookup.project import Decision
from repoprio.policy.model import Policy, Repository, Rule
from repoprio.redaction import redact_name, truncate
from repoprio.wording import join_words

# An attacker can make two files with the same md5 or sha1, so such a hash identifies no file.
_WEAK = frozenset({"md5", "sha1"})


class LockedFile(NamedTuple):
    """One file of a lock: `name` is None if the lock states only hashes; `hashes` by algorithm; `line` from 1."""

    name: str | None
    hashes: Mapping[str, str]
    line: int | None


def hashless(findings: Sequence[Finding], files: Mapping[str, int]) -> list[Finding]:
    """`findings`, with one finding in place of all ``no-hash`` findings on the same file.

    `files` are the locks without any hash: by name, with the number of their packages.
    """
    by_file: dict[str, list[Finding]] = {}
    for item in findings:
        if item.code == "no-hash" and item.file in files:
            by_file.setdefault(item.file or "", []).append(item)
    repeated = {file: items for file, items in by_file.items() if len(items) > 1}
    firsts = {id(items[0]): _hashless(file, files[file]) for file, items in repeated.items()}
    dropped = {id(item) for items in repeated.values() for item in items[1:]}
    return [firsts.get(id(item), item) for item in findings if id(item) not in dropped]


def _hashless(file: str, packages: int) -> Finding:
    message = f"none of its {packages} packages has a hash: pinned versions were checked against the policy, "
    message += "but no files."
    return Finding("no-hash", message, "lock again while the policy is in force, with sha256 hashes", file=file)


class _Owners(NamedTuple):
    """Who owns a name: the repositories, the rule that says so, their files, and the files of lower repositories."""

    repositories: tuple[Repository, ...]
    rule: Rule
    files: tuple[ListedFile, ...]
    lower: tuple[tuple[Repository, ListedFile], ...]


def judge_files(
    policy: Policy, decision: Decision[Any], subject: Subject, locked: Sequence[LockedFile], offer: Offer
) -> list[Finding]:
    """The findings on the files of a locked package: each is compared, by its hashes, with what the owner lists."""
    repositories = tuple(f.repository for f in decision.offers)
    listed = (file for r in repositories for file in offer.files.get(r.name, ()))
    lower = ((f.repository, file) for f in shadowed(decision) for file in offer.files.get(f.repository.name, ()))
    owners = _Owners(
        repositories,
        rule_of(policy, decision, repositories[0]),
        tuple(file for file in listed if subject.version is None or offer.is_same(file.version, subject.version)),
        tuple(lower),
    )
    judged = (_judge_file(subject, owners, file) for file in locked)
    return [item for item in judged if item is not None]


def _judge_file(subject: Subject, owners: _Owners, locked: LockedFile) -> Finding | None:
    named = [file for file in owners.files if locked.name in (None, file.name)]
    code, message, remedy = _compared(subject, locked, named, join_words(owners.repositories))
    if code is None:
        return None
    others = [str(r) for r, file in owners.lower if locked.name in (None, file.name) and agree(locked, file) is True]
    if code == "not-the-owners-file" and others:
        message = (
            f"{message[:-1]}; only {join_words(list(dict.fromkeys(others)))} lists it: dependency confusion in a lock?"
        )
        code = "hijack"
    at = subject if locked.line is None else replace(subject, line=locked.line)
    owner = owners.repositories[0]
    return finding_on(at, code, message, remedy, repository=owner, rule=owners.rule, detail=_shown(locked))


def _compared(
    subject: Subject, locked: LockedFile, named: Sequence[ListedFile], owners: str
) -> tuple[str | None, str, str]:
    """The code, message and remedy for a locked file; the code is None if the file is the owner's."""
    shown, again = _shown(locked), "lock again while the policy is in force"
    strong = {kind for kind in locked.hashes if kind not in _WEAK}
    verdicts = [agree(locked, file) for file in named]
    if strong and True in verdicts:
        return None, "", ""
    if not named or (strong and None not in verdicts):
        message = f"{subject} is locked as a file that is not its owner's: {owners} lists no {_missing(locked, named)}."
        return "not-the-owners-file", message, f"{again}; do not install from this lock"
    if not strong:
        why = f"only {join_words(sorted(map(redact_name, locked.hashes)))}" if locked.hashes else "no hash"
        message = f"{subject}: {shown} has {why}, so it cannot be compared with what {owners} lists."
        return "no-hash", message, f"{again}, with sha256 hashes"
    missing = sorted({redact_name(kind) for kind in locked.hashes for file in named if kind not in file.hashes})
    message = f"{subject}: {shown} cannot be identified: {owners} does not list its {join_words(missing)}."
    return "owner-states-no-hash", message, f"lock with the hashes that {owners} lists, or add these hashes there"


def agree(locked: LockedFile, file: ListedFile) -> bool | None:
    """Whether `file` states every hash of `locked`; False if one differs, None if one is not stated."""
    stated = {kind: file.hashes.get(kind) for kind in locked.hashes}
    if any(value is not None and value.lower() != locked.hashes[kind].lower() for kind, value in stated.items()):
        return False
    return None if None in stated.values() or not stated else True


def _missing(file: LockedFile, named: Sequence[ListedFile]) -> str:
    """What the owner does not list, as a message says it."""
    if file.name is None:
        return f"file with {_digest(file)}" if file.hashes else "its file"
    return f"{redact_name(file.name)} with this hash" if named else redact_name(file.name)


def _shown(file: LockedFile) -> str:
    if file.name:
        return redact_name(file.name)
    return f"the file with {_digest(file)}" if file.hashes else "its file"


def _digest(file: LockedFile) -> str:
    kind, value = next(iter(file.hashes.items()))
    return f"{redact_name(kind)}:{truncate(value, 16)}"
