"""Two resolutions side by side, pip alone and under the policy: where they differ, how badly, how to mend it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from repoprio.policy import Policy, Repository, Rule


class Verdict(str, enum.Enum):
    """What becomes of one project; `mark` stands before its line."""

    SAME = "same"
    TAKEOVER = "takeover"
    OTHER_FILE = "other-file"
    OTHER_VERSION = "other-version"
    OTHER_REPOSITORY = "other-repository"
    ONLY_PIP_ALONE = "only-pip-alone"
    ONLY_POLICY = "only-policy"
    ONLY_ONE_NEEDS = "only-one-needs"
    NOT_KNOWN = "not-known"

    @property
    def mark(self) -> str:
        """One character: what to look at first, without colour."""
        return _MARKS[self]


_MARKS = {
    Verdict.SAME: " ",
    Verdict.TAKEOVER: "!",
    Verdict.OTHER_FILE: "!",
    Verdict.OTHER_VERSION: "~",
    Verdict.OTHER_REPOSITORY: "=",
    Verdict.ONLY_PIP_ALONE: "x",
    Verdict.ONLY_POLICY: "x",
    Verdict.ONLY_ONE_NEEDS: "+",
    Verdict.NOT_KNOWN: "?",
}


class Twin(str, enum.Enum):
    """Whether the repository that pip alone takes a project from lists the very file that the policy chose.

    OTHER: a file of that name with another sha256. NAMESAKE: one of that name, and no sha256 to tell.
    """

    MISSING = "missing"
    OTHER = "other"
    NAMESAKE = "namesake"
    SAME = "same"


@dataclass(frozen=True)
class Pick:
    """The file that one side would install.

    `repository` is None for a direct URL, `version` None where nothing but a build would tell it. `is_source`:
    its dependencies are not known, for to ask it would be to run it. `needed_by` are the projects that
    require it, none for what only the user asked for.
    """

    version: str | None
    repository: Repository | None
    file: str
    is_source: bool = False
    needed_by: tuple[str, ...] = ()
    narrowed: Rule | None = None

    @property
    def place(self) -> str:
        """Whom it comes from, in a word."""
        return self.repository.name if self.repository else "URL"

    def is_same_file(self, other: Pick) -> bool:
        """Whether both are one file of one place."""
        return (self.place, self.file) == (other.place, other.file)


@dataclass(frozen=True)
class Failure:
    """Why one side has nothing to install for a project that it needs; `owners` are those that could mend it.

    `why` is what fits in a table; `needed_by` as for `Pick`.
    """

    code: str
    reason: str
    why: str = ""
    owners: tuple[Repository, ...] = ()
    needed_by: tuple[str, ...] = ()

    @property
    def is_an_answer(self) -> bool:
        """Whether this side surely has nothing, rather than that nobody can tell."""
        return self.code in _ANSWERS


_ANSWERS = frozenset({"no-match", "absent", "owned-absent", "direct-url", "requires-python"})
Side = Pick | Failure | None


@dataclass(frozen=True)
class Disclosure:
    """Who is asked for which further names, and which stay private: the name and the policy's word for why.

    `asked` is by repository, those that tell nobody (on disk, flat) left out.
    """

    asked: Mapping[str, tuple[str, ...]]
    private: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Pair:
    """One project on both sides; None where a side does not need it.

    `doubt` says which repository gave no answer, so that pip alone might choose otherwise.
    """

    project: str
    alone: Side
    policy: Side
    twin: Twin = Twin.MISSING
    doubt: str | None = None
    requirement: str | None = None


@dataclass(frozen=True)
class Judged:
    """A pair and what it comes to: `why` for a table, `reason` a sentence, `fix` how to mend it, if it needs to be."""

    pair: Pair
    verdict: Verdict
    code: str
    why: str
    reason: str
    fix: str | None = None


@dataclass(frozen=True)
class Comparison:
    """All projects, the worst first, and what it took to find out."""

    projects: tuple[Judged, ...]
    disclosure: Disclosure = field(default_factory=lambda: Disclosure({}))

    @property
    def differs(self) -> bool:
        """Whether anything is not the same, or not known."""
        return any(one.verdict is not Verdict.SAME for one in self.projects)

    def count(self, verdict: Verdict) -> int:
        """How many projects it came to `verdict` for."""
        return sum(one.verdict is verdict for one in self.projects)


def compare(policy: Policy, pairs: tuple[Pair, ...], disclosure: Disclosure) -> Comparison:
    """Judge all pairs; they are sorted by verdict, then by name."""
    known = {pair.project: pair for pair in pairs}
    judged = [_mended(policy, _judge(pair, known)) for pair in pairs]
    order = list(Verdict)
    judged.sort(key=lambda one: (one.verdict is Verdict.SAME, order.index(one.verdict), one.pair.project))
    return Comparison(tuple(judged), disclosure)


def _judge(pair: Pair, known: Mapping[str, Pair]) -> Judged:
    alone, policy = pair.alone, pair.policy
    if isinstance(alone, Pick) and isinstance(policy, Pick):
        return _doubted(_of_picks(pair, alone, policy))
    if isinstance(alone, Pick) and isinstance(policy, Failure) and policy.is_an_answer:
        return Judged(pair, Verdict.ONLY_PIP_ALONE, policy.code, policy.why or policy.reason, policy.reason)
    if isinstance(policy, Pick) and isinstance(alone, Failure) and alone.is_an_answer:
        return _doubted(Judged(pair, Verdict.ONLY_POLICY, alone.code, alone.why or alone.reason, alone.reason))
    failure = next((side for side in (policy, alone) if isinstance(side, Failure)), None)
    if failure:
        return Judged(pair, Verdict.NOT_KNOWN, failure.code, failure.why or failure.reason, failure.reason)
    return _needed_once(pair, known)


def _doubted(judged: Judged) -> Judged:
    """What pip alone would take is not known while a repository that it would ask does not answer."""
    doubt = judged.pair.doubt
    if doubt is None or judged.verdict in (Verdict.TAKEOVER, Verdict.OTHER_FILE):
        return judged
    reason = f"what pip alone would take of {judged.pair.project} is not known: {doubt}."
    return replace(judged, verdict=Verdict.NOT_KNOWN, code="unavailable", why=doubt, reason=reason)


def _of_picks(pair: Pair, alone: Pick, policy: Pick) -> Judged:
    if alone.is_same_file(policy):
        return _same(pair, policy)
    judged = _of_one_place(pair, alone, policy) if alone.place == policy.place else _of_two(pair, alone, policy)
    if not alone.is_source and not policy.is_source:
        return judged
    unknown = "its dependencies are not known, for it is no wheel"
    return replace(judged, why=f"{judged.why}; dependencies not known", reason=f"{judged.reason[:-1]}; {unknown}.")


def _same(pair: Pair, pick: Pick) -> Judged:
    reason = f"both take {_shown(pair, pick)} from {_place(pick)}."
    if not pick.is_source:
        return Judged(pair, Verdict.SAME, "same-file", "same file", reason)
    reason = (
        f"both take {pick.file}, whose dependencies are not known: it is no wheel, and to ask it would be to run it."
    )
    return Judged(pair, Verdict.NOT_KNOWN, "dependencies-not-known", "dependencies not known", reason)


def _of_one_place(pair: Pair, alone: Pick, policy: Pick) -> Judged:
    both = f"pip alone takes {_shown(pair, alone)}, with the policy it is {_shown(pair, policy)}"
    if alone.version == policy.version and alone.repository:
        reason = f"{both}: the files are {alone.file} and {policy.file}, both of {alone.place}."
        return Judged(pair, Verdict.OTHER_FILE, "another-file", f"another file of {alone.place}", reason)
    if policy.narrowed:
        reason = f"{both}: {policy.narrowed} narrows what may be taken."
        return Judged(pair, Verdict.OTHER_VERSION, "narrowed", f"{policy.narrowed.key} narrows it", reason)
    reason = f"{both}; both come from {_place(alone)}, and other projects ask for other versions."
    return Judged(pair, Verdict.OTHER_VERSION, "other-requirements", "other projects ask for other versions", reason)


def _of_two(pair: Pair, alone: Pick, policy: Pick) -> Judged:
    """Two places: whether they have one project tells the file that the policy chose."""
    takes = f"pip alone takes {_shown(pair, alone)} from {_place(alone)}; with the policy {_place(policy)}"
    takes += f" supplies {_shown(pair, policy)}"
    same_version = alone.version == policy.version
    if pair.twin in (Twin.SAME, Twin.NAMESAKE):
        return _of_one_project(pair, alone, policy, takes)
    if pair.twin is Twin.OTHER:
        verdict = Verdict.OTHER_FILE if same_version else Verdict.TAKEOVER
        reason = f"{takes}. {alone.place} has another {policy.file} (sha256): probably another publisher's project."
        return Judged(pair, verdict, "hashes-differ", f"{alone.place} has another {policy.file} (sha256)", reason)
    if not _is_lower(alone, policy):
        verdict = Verdict.OTHER_REPOSITORY if same_version else Verdict.OTHER_VERSION
        return Judged(pair, verdict, "higher-priority", f"{alone.place} is not below {policy.place}", f"{takes}.")
    verdict = Verdict.OTHER_FILE if same_version else Verdict.TAKEOVER
    reason = f"{takes}. {alone.place} does not list {policy.file}: probably another publisher's project."
    return Judged(pair, verdict, "another-project", _owned(pair, alone, policy), reason)


def _of_one_project(pair: Pair, alone: Pick, policy: Pick, takes: str) -> Judged:
    sure = pair.twin is Twin.SAME
    code = "same-project" if sure else "hash-not-known"
    proof = "the same file (sha256)" if sure else "a file of that name, and no sha256 tells whether it is the same"
    reason = f"{takes}. {alone.place} lists {policy.file} too, {proof}."
    if alone.version != policy.version:
        why = _owned(pair, alone, policy)
        return Judged(pair, Verdict.OTHER_VERSION, code, why if sure else f"{why}; same project? (no sha256)", reason)
    if alone.file == policy.file:
        why = "same file (sha256)" if sure else "same file? (no sha256)"
        return Judged(pair, Verdict.OTHER_REPOSITORY, "same-file" if sure else code, why, reason)
    return Judged(pair, Verdict.OTHER_REPOSITORY, code, f"another file; {alone.place} lists both", reason)


def _needed_once(pair: Pair, known: Mapping[str, Pair]) -> Judged:
    by_alone = pair.policy is None
    pick = pair.alone if by_alone else pair.policy
    assert isinstance(pick, Pick)
    side, code = ("without the policy", "pip-alone") if by_alone else ("with the policy", "policy")
    by = ", ".join(pick.needed_by) or "nobody"
    if veiled := _veil(pair.project, known, by_alone=by_alone, seen=set()):
        reason = f"{pair.project} is needed {side}, by {by}; whether on the other side too is not known: {veiled}."
        return Judged(pair, Verdict.NOT_KNOWN, "dependencies-not-known", veiled, reason)
    reason = f"{pair.project} is needed only {side}, by {by}."
    return Judged(pair, Verdict.ONLY_ONE_NEEDS, f"needed-by-{code}", f"needed only {side}, by {by}", reason)


def _veil(project: str, known: Mapping[str, Pair], *, by_alone: bool, seen: set[str]) -> str | None:
    """Why the other side might need `project` after all: one of its dependents is a closed book there."""
    seen.add(project)
    pair = known[project]
    here = pair.alone if by_alone else pair.policy
    for parent in here.needed_by if isinstance(here, Pick) else ():
        if parent not in known or parent in seen:
            continue
        there = known[parent].policy if by_alone else known[parent].alone
        if isinstance(there, Failure) or (there is not None and there.is_source):
            return f"the dependencies of {parent} are not known"
        if there is None and (found := _veil(parent, known, by_alone=by_alone, seen=seen)):
            return found
    return None


def _is_lower(alone: Pick, policy: Pick) -> bool:
    """Whether pip alone looks below the owner; a URL that only metadata names lies below all."""
    if alone.repository is None or policy.repository is None:
        return alone.repository is None
    return alone.repository.priority > policy.repository.priority


def _owned(pair: Pair, alone: Pick, policy: Pick) -> str:
    if policy.repository is None:
        return f"you asked for {policy.file}"
    return f"{policy.place} owns {pair.project}" if _is_lower(alone, policy) else f"{policy.place} has it first"


def _shown(pair: Pair, pick: Pick) -> str:
    return f"{pair.project} {pick.version}" if pick.version else f"{pair.project} (version not known)"


def _place(pick: Pick) -> str:
    return str(pick.repository) if pick.repository else "the URL that was asked for"


def _mended(policy: Policy, judged: Judged) -> Judged:
    return replace(judged, fix=_FIXES[judged.verdict](policy, judged))


def _no_fix(_policy: Policy, _judged: Judged) -> None:
    return None


def _keep(policy: Policy, judged: Judged) -> str | None:
    """A name that the policy protects may be kept from the others as well."""
    owner = judged.pair.policy.repository if isinstance(judged.pair.policy, Pick) else None
    if owner is None or owner.is_addition:
        return None
    key = "namespaces" if owner.namespaces else "owns"
    had = getattr(owner, key)
    what = f'add "{judged.pair.project}" to' if had else "set"
    value = "" if had else f' = ["{judged.pair.project}"]'
    others = judged.pair.alone.place if isinstance(judged.pair.alone, Pick) else "others"
    whom = f"keeps the name from {others} altogether"
    return f"stopped; {what} {_key(policy, owner, key)}{value}, which {whom}{_file(policy, owner, key)}"


def _catch_up(policy: Policy, judged: Judged) -> str | None:
    alone, chosen = judged.pair.alone, judged.pair.policy
    assert isinstance(alone, Pick)
    assert isinstance(chosen, Pick)
    if judged.code == "narrowed" and chosen.narrowed:
        return f"change {chosen.narrowed}, if {alone.version} is wanted"
    owner = chosen.repository
    if owner is None or not _is_lower(alone, chosen):
        return None
    keys = f"{_key(policy, owner, 'explicit')} = true" if not owner.explicit else ""
    return _publish(policy, judged, owner, f"{judged.pair.project} {alone.version}", keys)


def _offer(policy: Policy, judged: Judged) -> str | None:
    failure, alone = judged.pair.policy, judged.pair.alone
    assert isinstance(failure, Failure)
    assert isinstance(alone, Pick)
    if failure.code == "direct-url":
        return f"ask for that very file yourself, if you want it: {judged.pair.project} @ URL"
    owner = failure.owners[0] if failure.owners else None
    return _publish(policy, judged, owner, f"{judged.pair.project} {alone.version}") if owner else None


def _publish(policy: Policy, judged: Judged, owner: Repository, what: str, first: str = "") -> str:
    exclude = f'{_key(policy, owner, "exclude")} = ["{judged.pair.project}"]'
    exclude = f'add "{judged.pair.project}" to {_key(policy, owner, "exclude")}' if owner.exclude else exclude
    ways = f"{first} or {exclude}" if first else exclude
    return f"publish {what} to {owner.name}; or, if {owner.name} is not to serve it, {ways} (opens the name)" + _file(
        policy, owner, "exclude"
    )


def _tell(_policy: Policy, judged: Judged) -> str | None:
    failure = next((s for s in (judged.pair.policy, judged.pair.alone) if isinstance(s, Failure)), None)
    if judged.code == "unavailable" and failure is None:
        return "try again once all repositories answer"
    if failure is None:
        return "a wheel of it would tell its dependencies without running anything"
    return _HINTS.get(failure.code)


_HINTS = {
    "unavailable": "try again once it answers; nothing lower was asked",
    "absent": "check the spelling; or publish it, or add the repository that has it to the policy",
    "owned-absent": "check the spelling; not yet published? Publish it to its owner first",
    "no-match": "ask for a version that there is, or publish one that fits",
    "conflict": "loosen one of these requirements",
    "blocked": "do without it, or change the pin",
    "unnamed": "name it: NAME @ URL",
}


def _compare_files(_policy: Policy, judged: Judged) -> str | None:
    if judged.code != "hash-not-known":
        return None
    return "compare the two files; repositories whose pages state sha256 would tell"


_FIXES = {
    Verdict.SAME: _no_fix,
    Verdict.TAKEOVER: _keep,
    Verdict.OTHER_FILE: _keep,
    Verdict.OTHER_VERSION: _catch_up,
    Verdict.OTHER_REPOSITORY: _compare_files,
    Verdict.ONLY_PIP_ALONE: _offer,
    Verdict.ONLY_POLICY: _no_fix,
    Verdict.ONLY_ONE_NEEDS: _no_fix,
    Verdict.NOT_KNOWN: _tell,
}


def _key(_policy: Policy, repository: Repository, key: str) -> str:
    return f"repositories.{repository.name}.{key}"


def _file(policy: Policy, repository: Repository, key: str) -> str:
    """Where the key stands, or would: beside the repository's URL."""
    found = policy.origins.get(f"repositories.{repository.name}.{key}")
    found = found or policy.origins.get(f"repositories.{repository.name}.url")
    return f" ({found})" if found else ""
