"""Finds names that several repositories list, and says what the policy does with each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from repoprio.audit.findings import Finding, Severity
from repoprio.names import NormalizedName
from repoprio.policy.model import Mode, Policy, Repository, Rule, tiers
from repoprio.policy.patterns import Pattern
from repoprio.policy.routing import Blocked, Conflict, Route, RuledOut, exclusion_rule, route
from repoprio.wording import join_words

Lists = Mapping[str, frozenset[NormalizedName]]
# Two repositories with more common names than this, or with most of one list in common, are a mirror and its original.
MANY = 1000
_MOST = 0.9
_FEW = 50
_WILDCARDS = frozenset("*?")


class _PairFindings(NamedTuple):
    """What two repositories share: `findings` on the pair, and the `names` that need a finding each."""

    findings: tuple[Finding, ...]
    names: Iterable[NormalizedName]


def collisions(policy: Policy, lists: Lists, against: str | None = None) -> list[Finding]:
    """A finding for each name that two repositories of `lists` share, and for each pair of mirror and original.

    The keys of `lists` are names of repositories. With `against`, only pairs with that repository are compared.
    """
    known = [r for tier in tiers(policy.repositories) for r in tier if r.name in lists]
    pairs = [pair for pair in combinations(known, 2) if against is None or against in {r.name for r in pair}]
    shared = [_pair_findings(policy, first, second, lists) for first, second in pairs]
    names = sorted({name for pair in shared for name in pair.names})
    findings = [_collision(policy, name, [r for r in known if name in lists[r.name]]) for name in names]
    return [*(finding for pair in shared for finding in pair.findings), *findings]


def _collision(policy: Policy, name: NormalizedName, listing: Sequence[Repository]) -> Finding:
    routing = route(policy, name)
    listed_by = f"{name} is listed by {join_words(listing)}"
    if not isinstance(routing, Route):
        rule = _rule(routing)
        message = f"{listed_by}; none of it can be installed ({rule.place})."
        return Finding("protected", message, "nothing", name, rule=rule, detail=_names(listing))
    asked = [r for r in listing if r in routing.repositories]
    if len(asked) < 2:
        return _protected(policy, routing, listed_by, listing, asked)
    top = tiers(asked)[0]
    if routing.mode is Mode.MERGE or len(top) > 1:
        return _merged(policy, routing, listed_by, asked if routing.mode is Mode.MERGE else list(top), listing)
    return _shadowed(policy, routing, listed_by, top[0], listing)


def _protected(
    policy: Policy, route: Route, listed_by: str, listing: Sequence[Repository], asked: Sequence[Repository]
) -> Finding:
    rule = route.rules[0] if route.rules else _exclusion(policy, route, listing)
    owner = asked[0] if asked else None
    suppliers = f"only {owner}" if owner else "none of these"
    message = f"{listed_by}; the policy lets {suppliers} supply it ({rule.place})."
    return Finding("protected", message, "nothing", route.name, repository=owner, rule=rule, detail=_names(listing))


def _exclusion(policy: Policy, route: Route, listing: Sequence[Repository]) -> Rule:
    """The first rule that rules out one of `listing`, for a name that is not routed."""
    out = next(r for r in listing if r.name in route.ruled_out)
    why = route.ruled_out[out.name]
    if why is not RuledOut.EXCLUDED:
        key, value = ("enabled", "false") if why is RuledOut.DISABLED else ("explicit", "true")
        return policy.rule(f"repositories.{out.name}.{key}", value)
    return policy.rule(f"repositories.{out.name}.{exclusion_rule(out, route.name)[0]}")


def _merged(
    policy: Policy, route: Route, listed_by: str, sharing: Sequence[Repository], listing: Sequence[Repository]
) -> Finding:
    owner = sharing[0]
    merges = route.mode is Mode.MERGE
    rule = route.mode_rule if merges else policy.rule(f"repositories.{owner.name}.priority", str(owner.priority))
    reason = "a pin merges them" if merges else "they share one tier"
    message = f"{listed_by}; {join_words([r.name for r in sharing])} own it together ({reason}), so the newest wins."
    names = join_words([r.name for r in sharing], "or")
    remedy = policy.change(f'choose its owner: add "{route.name}" to owns of {names}')
    return Finding("merged", message, remedy, route.name, repository=owner, rule=rule, detail=_names(listing))


def _shadowed(
    policy: Policy, route: Route, listed_by: str, owner: Repository, listing: Sequence[Repository]
) -> Finding:
    rule = policy.rule(f"repositories.{owner.name}.priority", str(owner.priority))
    flexible = "; if none of its files fits, flexible mode asks the others" if route.mode is Mode.FLEXIBLE else ""
    message = f"{listed_by}; {owner} owns it only by its priority{flexible}. "
    message += "Other installers would take the newest version."
    remedy = f"{policy.change(_owns(owner, [route.name]), verb='set ')}: then it comes from {owner.name} or not at all"
    return Finding("shadowed", message, remedy, route.name, repository=owner, rule=rule, detail=_names(listing))


def _pair_findings(policy: Policy, first: Repository, second: Repository, lists: Lists) -> _PairFindings:
    """What `first` and `second` share; the priority of `first` is not lower."""
    common = lists[first.name] & lists[second.name]
    smaller = min(len(lists[first.name]), len(lists[second.name]))
    if not _is_mirror(len(common), smaller):
        return _PairFindings((), common)
    is_open = _is_open(policy, first, second)
    names = list(filter(is_open, common)) if is_open else common
    if _is_mirror(len(names), smaller):
        return _PairFindings((_mirror(policy, first, second, len(names), lists),), ())
    kept = len(common) - len(names)
    message = f"{first} and {second} both list {kept} names that the policy routes or keeps from one of them."
    protected = Finding("protected", message, "nothing", repository=first, detail=f"{first.name} {second.name}")
    return _PairFindings((protected,), names)


def _is_mirror(count: int, smaller: int) -> bool:
    return count > MANY or (count >= _FEW and count > _MOST * smaller)


def _mirror(policy: Policy, first: Repository, second: Repository, count: int, lists: Lists) -> Finding:
    is_tie = first.priority == second.priority
    rule = policy.rule(f"repositories.{first.name}.priority", str(first.priority))
    copy = min(first, second, key=lambda r: len(lists[r.name]))
    part = f"{100 * count // len(lists[copy.name])} % of what {copy.name} has"
    tie = "they share one tier, so the newest of each wins"
    end = tie if is_tie else f"{first.name} owns them only by its priority"
    message = f"{first} and {second} both list {count} names, {part}: is one a mirror of the other? {end}."
    remedy = (
        f'set repositories.{first.name}.namespaces = ["YOUR-PREFIX-*"] to say which names are its own; if {first.name} '
        f"already passes on what {second.name} has, set repositories.{second.name}.enabled = false instead"
    )
    severity = Severity.ERROR if is_tie else None
    detail = f"{first.name} {second.name}"
    return Finding("mirror", message, remedy, repository=first, rule=rule, detail=detail, stated=severity)


def _is_open(policy: Policy, first: Repository, second: Repository) -> Callable[[NormalizedName], bool] | None:
    """A function that says whether a name may come from both repositories; None if every name may.

    A name may not if it is routed, or if one of the two excludes it. A name that is routed to both counts as routed.
    The function is fast enough for a million names.
    """
    # An explicit repository supplies only names that are routed to it; namespaces are routes.
    if any(r.explicit or r.namespaces for r in (first, second)):
        return lambda _: False
    routing = [p for pin in policy.pins if pin.repositories or pin.block is not None for p in pin.projects]
    routing += [p for r in policy.repositories for p in (*r.namespaces, *r.owns)]
    closing = [*routing, *first.exclude, *second.exclude]
    includes = [_any_of(r.include) for r in (first, second) if r.include]
    if not closing and not includes:
        return None
    is_closed = _any_of(closing)
    return lambda name: not is_closed(name) and all(is_included(name) for is_included in includes)


def _any_of(patterns: Sequence[Pattern]) -> Callable[[NormalizedName], bool]:
    """A function that says whether one of `patterns` matches; it is fast for exact names, prefixes and suffixes."""
    texts = [p.text for p in patterns]
    exact = frozenset(text for text in texts if not set(text) & _WILDCARDS)
    prefixes = tuple(text[:-1] for text in texts if text.endswith("*") and not set(text[:-1]) & _WILDCARDS)
    suffixes = tuple(text[1:] for text in texts if text.startswith("*") and not set(text[1:]) & _WILDCARDS)
    quick = exact | {f"{text}*" for text in prefixes} | {f"*{text}" for text in suffixes}
    others = [p for p in patterns if p.text not in quick]
    return lambda name: (
        name in exact or name.startswith(prefixes) or name.endswith(suffixes) or any(p.matches(name) for p in others)
    )


def _names(listing: Sequence[Repository]) -> str:
    return " ".join(sorted(r.name for r in listing))


def _rule(routing: Blocked | Conflict) -> Rule:
    return routing.rule if isinstance(routing, Blocked) else routing.rules[0]


def _owns(owner: Repository, names: Sequence[str]) -> str:
    """The setting that gives `names` to `owner`. It repeats the patterns that `owns` has: a list replaces a list."""
    patterns = dict.fromkeys([*(p.text for p in owner.owns), *names])
    return f"repositories.{owner.name}.owns = [{', '.join(f'{chr(34)}{p}{chr(34)}' for p in patterns)}]"


def remedy(policy: Policy, findings: Sequence[Finding]) -> str:
    """Settings that give each shadowed name to its owner for good, as TOML or for a pip.conf; "" if there is none.

    They repeat the patterns that `owns` has, because a list replaces a list. Names that share one tier are left out:
    only a person can say who owns them.
    """
    names: dict[str, list[str]] = {}
    for finding in findings:
        if finding.code == "shadowed" and finding.repository and finding.project:
            names.setdefault(finding.repository.name, []).append(finding.project)
    tables = []
    for repository in policy.repositories:
        if repository.name in names:
            patterns = dict.fromkeys([*(p.text for p in repository.owns), *names[repository.name]])
            tables.append(_table(policy, repository, list(patterns)))
    return "\n".join(tables)


def _table(policy: Policy, repository: Repository, patterns: Sequence[str]) -> str:
    """The `owns` of a repository in the form of the file that sets its URL."""
    if not policy.rule(f"repositories.{repository.name}.url").file.endswith(".toml"):
        lines = "".join(f"    {text}\n" for text in patterns)
        return f"[repoprio]\nrepositories.{repository.name}.owns =\n{lines}"
    lines = "".join(f'    "{text}",\n' for text in patterns)
    return f"[repositories.{repository.name}]\nowns = [\n{lines}]\n"
