"""Remedies for the differences of a comparison: which key of the policy, in which file, or another step. Pure."""

from __future__ import annotations

from typing import NamedTuple

from repoprio.explain.comparison import ComparedProject, FailureCode, ResolvedFile, Verdict
from repoprio.names import normalize
from repoprio.policy.model import Policy, Repository, Rule
from repoprio.policy.routing import Route, RuledOut, exclusion_rule, route


def comparison_remedy(policy: Policy, judged: ComparedProject) -> str | None:
    """What to do about `judged`, as text after the project's name; None if nothing needs to be done, or can be."""
    if judged.verdict in (Verdict.TAKEOVER, Verdict.OTHER_FILE):
        return _keep_private(policy, judged)
    if judged.verdict is Verdict.OTHER_VERSION:
        return _catch_up(policy, judged)
    if judged.verdict is Verdict.ONLY_PIP_ALONE:
        return _offer(policy, judged)
    if judged.verdict is Verdict.NOT_KNOWN:
        return _find_out(policy, judged)
    if judged.code == "hash-not-known":
        return "compare the two files; with sha256 on its pages this would be known"
    return None


def _keep_private(policy: Policy, judged: ComparedProject) -> str | None:
    """How to keep a protected name private from the other repositories too; None if nothing is left to do."""
    owner, rival = _repository(judged.pair.policy), _repository(judged.pair.alone)
    if owner is None or rival is None or owner == rival or owner.is_addition:
        return None
    if keeping := _keeping(policy, judged.pair.project, rival):
        return f"already prevented; {keeping.key} also keeps it from {rival.name} ({keeping.file})"
    if any(r.priority == owner.priority and r.name != owner.name for r in policy.enabled()):
        # If one repository of a tier owns the name, the others can no longer serve it: repoprio cannot choose one.
        change = policy.change(f'choose its owner: add "{judged.pair.project}" to owns of one')
        return f"already prevented; to keep the name from {rival.name} too, {change}"
    key = "namespaces" if owner.namespaces else "owns"
    where, has = _setting(policy, owner, key), bool(getattr(owner, key))
    name = judged.pair.project
    setting = f'{where.key} = ["{name}"]'
    adding = f'add "{name}" to {where.key}'
    step = f", {policy.change(adding)}" if has else f": {policy.change(setting, verb='set ')}"
    return f"already prevented; to keep the name from {rival.name} too{step}{where.file}"


def _keeping(policy: Policy, project: str, rival: Repository) -> Rule | None:
    """The rule that keeps the name from `rival`, which was asked only because of --disclose; None if there is none."""
    name = normalize(project)
    routing = route(policy, name)
    if not isinstance(routing, Route):
        return None
    why = routing.ruled_out.get(rival.name)
    if why is RuledOut.EXCLUDED:
        return policy.rule(f"repositories.{rival.name}.{exclusion_rule(rival, name)[0]}")
    return routing.rules[0] if why is RuledOut.NOT_ROUTED and routing.rules else None


def _catch_up(policy: Policy, judged: ComparedProject) -> str | None:
    alone, chosen = judged.pair.alone, judged.pair.policy
    assert isinstance(alone, ResolvedFile)
    assert isinstance(chosen, ResolvedFile)
    if judged.code == "narrowed" and chosen.narrowed and chosen.narrowed.setting == "min-age":
        return _not_wait(policy, judged.pair.project)
    if judged.code == "narrowed":
        return f"{policy.change(f'change {chosen.narrowed}')}, if {alone.version} is wanted"
    owner, rival = chosen.repository, alone.repository
    if owner is None or rival is None or rival.priority <= owner.priority:
        return None
    return _publish(policy, judged.pair.project, alone.version, owner, may_be_explicit=not owner.explicit)


def _offer(policy: Policy, judged: ComparedProject) -> str | None:
    failure, alone = judged.failure, judged.pair.alone
    assert failure
    assert isinstance(alone, ResolvedFile)
    if failure.code is FailureCode.DIRECT_URL:
        return f"if you want this file, request it yourself: {judged.pair.project} @ URL"
    if not failure.owners:
        return None
    if judged.pair.is_probably_foreign:
        owner, place = failure.owners[0].name, alone.place
        empty = f'; if {owner} answers an empty page for every name, set absent = [404, "empty-page"] for it'
        more = empty if failure.lists_nothing else ""
        return f"do not use the one from {place}: ask for a version that {owner} has, or publish your own there{more}"
    if failure.code is FailureCode.TOO_YOUNG:
        return _not_wait(policy, judged.pair.project)
    return _publish(policy, judged.pair.project, alone.version, failure.owners[0], may_be_explicit=False)


def _not_wait(policy: Policy, name: str) -> str:
    pin = policy.change(f'set min-age = "0 days" in a pin for {name}')
    return f"wait until it is old enough; if it cannot wait, {pin}"


def _publish(policy: Policy, name: str, version: str | None, owner: Repository, *, may_be_explicit: bool) -> str:
    """The remedy: the owner publishes what is missing, or no longer owns the name."""
    where = _setting(policy, owner, "exclude")
    exclude = f'add "{name}" to {where.key}' if owner.exclude else f'{where.key} = ["{name}"]'
    explicit = f"{_setting(policy, owner, 'explicit').key} = true or " if may_be_explicit else ""
    newer = f"{name} {version}" if version else name
    verb = "" if owner.exclude and not explicit else "set "
    opening = policy.change(f"{explicit}{exclude}{where.file}", verb=verb)
    return f"publish {newer} to {owner.name}; or, to open the name to others, {opening}"


def _find_out(policy: Policy, judged: ComparedProject) -> str | None:
    code = judged.failure.code.value if judged.failure else judged.code
    if code == "absent":
        return f"check the spelling; or publish it, or {policy.addition('the repository that has it')}"
    if code in _CHANGES:
        first, change = _CHANGES[code]
        return first + policy.change(change)
    if judged.failure or code in _HINTS:
        return _HINTS.get(code)
    return (
        "with a wheel, its dependencies would be known without running code" if judged.pair.is_on_both_sides else None
    )


# The first step, and then the change of the policy.
_CHANGES = {
    "blocked": ("do without it, or ", "change the pin"),
    "ambiguous-pins": ("", "make one of the pins more specific"),
}
_HINTS = {
    "unavailable": "try again once it answers",
    "owned-absent": "check the spelling; not yet published? Publish it to its owner first",
    "too-young": "wait until it is old enough, or ask for an older version",
    "no-match": "ask for a version that exists, or publish one that fits",
    "conflict": "loosen one of these requirements",
    "unsupported": "ask for a file that fits this Python and platform",
    "unnamed": "name it: NAME @ URL",
    "hashes": "find out which is wrong, the file or the hash",
    "unreadable": "check whether its repository has the complete file",
}


class _Setting(NamedTuple):
    """A dotted key of a repository, and its file; for a key that is not set, the file that sets the URL."""

    key: str
    file: str


def _setting(policy: Policy, repository: Repository, key: str) -> _Setting:
    table = f"repositories.{repository.name}"
    file = policy.origins.get(f"{table}.{key}") or policy.origins.get(f"{table}.url")
    return _Setting(f"{table}.{key}", f" ({file})" if file else "")


def _repository(side: object) -> Repository | None:
    return side.repository if isinstance(side, ResolvedFile) else None
