"""Judges how two resolutions differ, and how badly. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from repoprio.explain.comparison import ComparedProject, Failure, FileMatch, ProjectPair, ResolvedFile, Verdict


def judge(pairs: Iterable[ProjectPair]) -> list[ComparedProject]:
    """The verdict on each pair, without a remedy yet; the worst first, then by name; equal pairs last."""
    known = {pair.project: pair for pair in pairs}
    judged = [_judge(pair, known) for pair in known.values()]
    order = list(Verdict)
    return sorted(judged, key=lambda compared: (order.index(compared.verdict), compared.pair.project))


def _judge(pair: ProjectPair, known: Mapping[str, ProjectPair]) -> ComparedProject:
    judged = _compared(pair, known)
    return _compared_with_owner_alone(judged, pair.private) if pair.private else judged


def _compared_with_owner_alone(judged: ComparedProject, private_reason: str) -> ComparedProject:
    """The verdict for a private name: only the owner's files were compared, so "same" becomes unknown."""
    why, name = f"private ({private_reason})", judged.pair.project
    if judged.verdict is Verdict.SAME:
        kept = f"the policy keeps the name from others ({private_reason}), which may have other versions"
        reason = f"{name} is not compared: {kept}."
        return replace(judged, verdict=Verdict.NOT_COMPARED, code="private", why=f"not compared: {why}", reason=reason)
    only = f"{name} is {why}: only its owner was asked for it."
    if judged.code == "dependencies-not-known" and judged.pair.is_on_both_sides:
        return replace(judged, why=f"{judged.why}; not compared: {why}", reason=f"{judged.reason} {only}")
    if isinstance(judged.pair.alone, Failure) and isinstance(judged.pair.policy, ResolvedFile):
        return replace(judged, verdict=Verdict.NOT_KNOWN, code="private", why=f"not compared: {why}", reason=only)
    return replace(judged, reason=f"{judged.reason} {only}")


def _compared(pair: ProjectPair, known: Mapping[str, ProjectPair]) -> ComparedProject:
    alone, policy = pair.alone, pair.policy
    if isinstance(alone, ResolvedFile) and isinstance(policy, ResolvedFile):
        return _with_unanswered(_judge_files(pair, alone, policy))
    if isinstance(alone, ResolvedFile) and isinstance(policy, Failure) and policy.is_an_answer:
        return _only_alone(pair, alone, policy)
    if isinstance(policy, ResolvedFile) and isinstance(alone, Failure) and alone.is_an_answer:
        return _with_unanswered(
            ComparedProject(pair, Verdict.ONLY_POLICY, alone.code.value, alone.why or alone.reason, alone.reason)
        )
    for failure in (policy, alone):
        if isinstance(failure, Failure):
            return ComparedProject(
                pair, Verdict.NOT_KNOWN, failure.code.value, failure.why or failure.reason, failure.reason
            )
    return _needed_once(pair, known)


def _only_alone(pair: ProjectPair, alone: ResolvedFile, failure: Failure) -> ComparedProject:
    """The verdict if nothing fits under the policy, but plain pip finds a file: it may be another project."""
    why, reason = failure.why or failure.reason, failure.reason
    if pair.is_probably_foreign:
        place = alone.place
        why = f"{why}; another project?"
        reason += f" {place} lists none of the same files: probably another publisher's project."
    return ComparedProject(pair, Verdict.ONLY_PIP_ALONE, failure.code.value, why, reason)


def _with_unanswered(judged: ComparedProject) -> ComparedProject:
    """The verdict if a repository did not answer: what plain pip would take is unknown."""
    unanswered = judged.pair.unanswered
    if unanswered is None or judged.verdict in (Verdict.TAKEOVER, Verdict.OTHER_FILE):
        return judged
    reason = f"what pip alone would take of {judged.pair.project} is not known: {unanswered}."
    return replace(judged, verdict=Verdict.NOT_KNOWN, code="unavailable", why=unanswered, reason=reason)


def _judge_files(pair: ProjectPair, alone: ResolvedFile, policy: ResolvedFile) -> ComparedProject:
    if alone.is_same_file(policy):
        return _same(pair, policy)
    judged = (
        _judge_one_place(pair, alone, policy) if alone.place == policy.place else _judge_two_places(pair, alone, policy)
    )
    if not alone.is_unread and not policy.is_unread:
        return judged
    why = f"{judged.why}; dependencies not known"
    return replace(judged, why=why, reason=f"{judged.reason} The dependencies of unread files are not known.")


def _same(pair: ProjectPair, file: ResolvedFile) -> ComparedProject:
    reason = f"both take {_shown(pair, file)} from {_place(file)}."
    if not file.is_unread:
        return ComparedProject(pair, Verdict.SAME, "same-file", "same file", reason)
    reason = f"the dependencies of {file.file} are not known: it is not a wheel, and only running its code would tell."
    return ComparedProject(pair, Verdict.NOT_KNOWN, "dependencies-not-known", "dependencies not known", reason)


def _judge_one_place(pair: ProjectPair, alone: ResolvedFile, policy: ResolvedFile) -> ComparedProject:
    both = f"pip alone takes {_shown(pair, alone)}, with the policy it is {_shown(pair, policy)}"
    if alone.version == policy.version and alone.repository:
        reason = f"{both}: the files are {alone.file} and {policy.file}, both of {alone.place}."
        return ComparedProject(pair, Verdict.OTHER_FILE, "another-file", f"another file of {alone.place}", reason)
    if policy.narrowed:
        reason = f"{both}: {policy.narrowed} narrows what may be taken."
        return ComparedProject(pair, Verdict.OTHER_VERSION, "narrowed", f"{policy.narrowed.key} narrows it", reason)
    reason = f"{both}; both come from {_place(alone)}, and other projects ask for other versions."
    return ComparedProject(
        pair, Verdict.OTHER_VERSION, "other-requirements", "other projects ask for other versions", reason
    )


def _judge_two_places(pair: ProjectPair, alone: ResolvedFile, policy: ResolvedFile) -> ComparedProject:
    """The verdict if the files come from two places: the policy's file shows whether both have the same project."""
    takes = f"pip alone takes {_shown(pair, alone)} from {_place(alone)}; with the policy {_place(policy)}"
    takes += f" supplies {_shown(pair, policy)}"
    same_version = alone.version == policy.version
    if pair.match in (FileMatch.SAME, FileMatch.NAMESAKE):
        return _judge_one_project(pair, alone, policy, takes)
    if pair.match is FileMatch.OTHER:
        verdict = Verdict.OTHER_FILE if same_version else Verdict.TAKEOVER
        reason = f"{takes}. {alone.place} has another {policy.file} (sha256): probably another publisher's project."
        return ComparedProject(
            pair, verdict, "hashes-differ", f"{alone.place} has another {policy.file} (sha256)", reason
        )
    if not _is_lower(alone, policy):
        verdict = Verdict.OTHER_REPOSITORY if same_version else Verdict.OTHER_VERSION
        return ComparedProject(
            pair, verdict, "higher-priority", f"{alone.place} is not below {policy.place}", f"{takes}."
        )
    verdict = Verdict.OTHER_FILE if same_version else Verdict.TAKEOVER
    reason = f"{takes}. {alone.place} does not list {policy.file}: probably another publisher's project."
    return ComparedProject(pair, verdict, "another-project", _owned(pair, alone, policy), reason)


def _judge_one_project(pair: ProjectPair, alone: ResolvedFile, policy: ResolvedFile, takes: str) -> ComparedProject:
    is_sure = pair.match is FileMatch.SAME
    code = "same-project" if is_sure else "hash-not-known"
    proof = "the same file (sha256)" if is_sure else "a file of that name, and no sha256 tells whether it is the same"
    reason = f"{takes}. {alone.place} lists {policy.file} too, {proof}."
    if alone.version != policy.version:
        why = _owned(pair, alone, policy)
        return ComparedProject(
            pair, Verdict.OTHER_VERSION, code, why if is_sure else f"{why}; same project? (no sha256)", reason
        )
    if alone.file == policy.file:
        why = "same file (sha256)" if is_sure else "same file? (no sha256)"
        return ComparedProject(pair, Verdict.OTHER_REPOSITORY, "same-file" if is_sure else code, why, reason)
    return ComparedProject(pair, Verdict.OTHER_REPOSITORY, code, f"another file; {alone.place} lists both", reason)


def _needed_once(pair: ProjectPair, known: Mapping[str, ProjectPair]) -> ComparedProject:
    only_alone = pair.policy is None
    file = pair.alone if only_alone else pair.policy
    assert isinstance(file, ResolvedFile)
    side, code = ("without the policy", "pip-alone") if only_alone else ("with the policy", "policy")
    by = ", ".join(file.needed_by) or "nobody"
    if unknown := _unknown_dependents(pair.project, known, only_alone=only_alone, seen=set()):
        reason = f"{pair.project} is needed {side}, by {by}; whether on the other side too is not known: {unknown}."
        return ComparedProject(pair, Verdict.NOT_KNOWN, "dependencies-not-known", unknown, reason)
    reason = f"{pair.project} is needed only {side}, by {by}."
    return ComparedProject(pair, Verdict.ONLY_ONE_NEEDS, f"needed-by-{code}", f"needed only {side}, by {by}", reason)


def _unknown_dependents(
    project: str, known: Mapping[str, ProjectPair], *, only_alone: bool, seen: set[str]
) -> str | None:
    """Why the other side might need `project` after all: one of its dependents has unknown dependencies there."""
    seen.add(project)
    pair = known[project]
    here = pair.alone if only_alone else pair.policy
    for parent in here.needed_by if isinstance(here, ResolvedFile) else ():
        if parent not in known or parent in seen:
            continue
        there = known[parent].policy if only_alone else known[parent].alone
        if isinstance(there, Failure) or (there is not None and there.is_unread):
            return f"the dependencies of {parent} are not known"
        if there is None and (unknown := _unknown_dependents(parent, known, only_alone=only_alone, seen=seen)):
            return unknown
    return None


def _is_lower(alone: ResolvedFile, policy: ResolvedFile) -> bool:
    """Whether plain pip takes the file from below the owner; a URL that only metadata names counts as lowest."""
    if alone.repository is None or policy.repository is None:
        return alone.repository is None
    return alone.repository.priority > policy.repository.priority


def _owned(pair: ProjectPair, alone: ResolvedFile, policy: ResolvedFile) -> str:
    if policy.repository is None:
        return f"you asked for {policy.file}"
    return f"{policy.place} owns {pair.project}" if _is_lower(alone, policy) else f"{policy.place} has it first"


def _shown(pair: ProjectPair, file: ResolvedFile) -> str:
    return f"{pair.project} {file.version}" if file.version else f"{pair.project} (version not known)"


def _place(file: ResolvedFile) -> str:
    return str(file.repository) if file.repository else "a direct URL"
