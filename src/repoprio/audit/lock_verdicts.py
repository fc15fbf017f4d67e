"""The files of a lock, held by their hashes against what their owners list. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from repoprio.audit.findings import Finding
from repoprio.audit.verdicts import Listed, Offer, Subject, finding, rule_of, shadowed
from repoprio.lookup.project import Decision
from repoprio.policy.model import Policy, Repository, Rule
from repoprio.redaction import redact_name, truncate
from repoprio.wording import join_words

# Whoever can make two files of one md5 or sha1 can make a lock take either.
_WEAK = frozenset({"md5", "sha1"})


class LockedFile(NamedTuple):
    """One file of a lock; `name` is None where the lock tells its hash alone. `line` counts from 1."""

    name: str | None
    hashes: Mapping[str, str]
    line: int | None


def hashless(found: Sequence[Finding], files: Mapping[str, int]) -> list[Finding]:
    """`found`, where that nothing has a hash is told once of each of `files`, which are like that.

    They are by name, with how many packages each has.
    """
    told: dict[str, list[Finding]] = {}
    for one in found:
        if one.code == "no-hash" and one.file in files:
            told.setdefault(one.file or "", []).append(one)
    several = {file: some for file, some in told.items() if len(some) > 1}
    firsts = {id(some[0]): _hashless(some, files[file]) for file, some in several.items()}
    dropped = {id(one) for some in several.values() for one in some[1:]}
    return [firsts.get(id(one), one) for one in found if id(one) not in dropped]


def _hashless(some: Sequence[Finding], packages: int) -> Finding:
    said = f"none of its {packages} packages has a hash: pinned versions were checked against the policy, but"
    said += "no files."
    first = some[0]
    return Finding("no-hash", said, "lock again while the policy is in force, with sha256 hashes", file=first.file)


class _Owners(NamedTuple):
    """Who owns a name and why; the files that they list of it, and what lower ones list."""

    repositories: tuple[Repository, ...]
    rule: Rule
    files: tuple[Listed, ...]
    lower: tuple[tuple[Repository, Listed], ...]


def judge_files(
    policy: Policy, decision: Decision[Any], subject: Subject, locked: Sequence[LockedFile], offer: Offer
) -> list[Finding]:
    """Each file of a lock, held by its hash against the files that the owner lists."""
    repositories = tuple(f.repository for f in decision.offers)
    theirs = (file for r in repositories for file in offer.files.get(r.name, ()))
    lower = ((f.repository, file) for f in shadowed(decision) for file in offer.files.get(f.repository.name, ()))
    owners = _Owners(
        repositories,
        rule_of(policy, decision, repositories[0]),
        tuple(file for file in theirs if subject.version is None or offer.is_same(file.version, subject.version)),
        tuple(lower),
    )
    return [found for one in locked if (found := _judge_file(owners, subject, one)) is not None]


def _judge_file(owners: _Owners, subject: Subject, one: LockedFile) -> Finding | None:
    named = [file for file in owners.files if one.name in (None, file.name)]
    code, said, remedy = _compared(subject, one, named, join_words(owners.repositories))
    if code is None:
        return None
    others = [str(r) for r, file in owners.lower if one.name in (None, file.name) and agree(one, file) is True]
    if code == "not-the-owners-file" and others:
        said = f"{said[:-1]}; only {join_words(list(dict.fromkeys(others)))} lists it: dependency confusion in a lock?"
        code = "hijack"
    at = subject if one.line is None else replace(subject, line=one.line)
    owner = owners.repositories[0]
    return finding(at, code, said, remedy, repository=owner, rule=owners.rule, detail=_shown(one))


def _compared(subject: Subject, one: LockedFile, named: Sequence[Listed], owners: str) -> tuple[str | None, str, str]:
    """The code, None where the file is the owner's, and what to say and to do."""
    what, again = _shown(one), "lock again while the policy is in force"
    strong = {kind for kind in one.hashes if kind not in _WEAK}
    verdicts = [agree(one, file) for file in named]
    if strong and True in verdicts:
        return None, "", ""
    if not named or (strong and None not in verdicts):
        said = f"{subject} is locked as a file that is not its owner's: {owners} lists no {_missing(one, named)}."
        return "not-the-owners-file", said, f"{again}; do not install from this lock"
    if not strong:
        why = f"only {join_words(sorted(map(redact_name, one.hashes)))}" if one.hashes else "no hash"
        said = f"{subject}: {what} has {why}, so it cannot be compared with what {owners} lists."
        return "no-hash", said, f"{again}, with sha256 hashes"
    missing = sorted({redact_name(kind) for kind in one.hashes for file in named if kind not in file.hashes})
    said = f"{subject}: {what} cannot be identified: {owners} does not list its {join_words(missing)}."
    return "owner-states-no-hash", said, f"lock with the hashes that {owners} lists, or add these hashes there"


def agree(one: LockedFile, file: Listed) -> bool | None:
    """Whether each hash is the file's own; None where none differs and the file does not state them all."""
    stated = {kind: file.hashes.get(kind) for kind in one.hashes}
    if any(value is not None and value.lower() != one.hashes[kind].lower() for kind, value in stated.items()):
        return False
    return None if None in stated.values() or not stated else True


def _missing(one: LockedFile, named: Sequence[Listed]) -> str:
    """What the owner does not list."""
    if one.name is None:
        return f"file with {_digest(one)}" if one.hashes else "its file"
    return f"{redact_name(one.name)} with this hash" if named else redact_name(one.name)


def _shown(one: LockedFile) -> str:
    if one.name:
        return redact_name(one.name)
    return f"the file with {_digest(one)}" if one.hashes else "its file"


def _digest(one: LockedFile) -> str:
    kind, value = next(iter(one.hashes.items()))
    return f"{redact_name(kind)}:{truncate(value, 16)}"
