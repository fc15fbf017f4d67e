"""Names that several repositories list, and what the policy makes of each. Pure."""

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
# With more names in common than this, or most of one's list, two repositories are a mirror and its original.
MANY = 1000
_MOST = 0.9
_FEW = 50
_WILDCARDS = frozenset("*?")


class Shared(NamedTuple):
    """What two repositories share: what there is to say of the pair, and the names to tell one by one."""

    findings: tuple[Finding, ...]
    names: Iterable[NormalizedName]


def collisions(policy: Policy, lists: Lists, against: str | None = None) -> list[Finding]:
    """A finding for each name that two repositories of `lists` name, and for each pair that is mirror and original.

    `lists` are by the repository's name. With `against`, pairs with that repository alone.
    """
    known = [r for tier in tiers(policy.repositories) for r in tier if r.name in lists]
    pairs = [pair for pair in combinations(known, 2) if against is None or against in {r.name for r in pair}]
    shared = [_shared(policy, one, other, lists) for one, other in pairs]
    names = sorted({name for pair in shared for name in pair.names})
    findings = [_collision(policy, name, [r for r in known if name in lists[r.name]]) for name in names]
    return [*(finding for pair in shared for finding in pair.findings), *findings]


def _collision(policy: Policy, name: NormalizedName, listing: Sequence[Repository]) -> Finding:
    routing = route(policy, name)
    who = f"{name} is listed by {join_words(listing)}"
    if not isinstance(routing, Route):
        rule = _rule(routing)
        message = f"{who}; none of it can be installed ({rule.place})."
        return Finding("protected", message, "nothing", name, rule=rule, detail=_names(listing))
    asked = [r for r in listing if r in routing.repositories]
    if len(asked) < 2:
        return _protected(policy, routing, who, listing, asked)
    top = tiers(asked)[0]
    if routing.mode is Mode.MERGE or len(top) > 1:
        return _merged(policy, routing, who, asked if routing.mode is Mode.MERGE else list(top), listing)
    return _shadowed(policy, routing, who, top[0], listing)


def _protected(
    policy: Policy, route: Route, who: str, listing: Sequence[Repository], asked: Sequence[Repository]
) -> Finding:
    rule = route.rules[0] if route.rules else _blind(policy, route, listing)
    owner = asked[0] if asked else None
    message = f"{who}; the policy lets {f'{owner} alone' if owner else 'none of these'} supply it ({rule.place})."
    return Finding("protected", message, "nothing", route.name, repository=owner, rule=rule, detail=_names(listing))


def _blind(policy: Policy, route: Route, listing: Sequence[Repository]) -> Rule:
    """The first rule that takes one of `listing` out for a name that nothing routes."""
    out = next(r for r in listing if r.name in route.ruled_out)
    why = route.ruled_out[out.name]
    if why is not RuledOut.EXCLUDED:
        key, value = ("enabled", "false") if why is RuledOut.DISABLED else ("explicit", "true")
        return policy.rule(f"repositories.{out.name}.{key}", value)
    return policy.rule(f"repositories.{out.name}.{exclusion_rule(out, route.name)[0]}")


def _merged(
    policy: Policy, route: Route, who: str, sharing: Sequence[Repository], listing: Sequence[Repository]
) -> Finding:
    owner = sharing[0]
    merges = route.mode is Mode.MERGE
    rule = route.mode_rule if merges else policy.rule(f"repositories.{owner.name}.priority", str(owner.priority))
    how = "a pin merges them" if merges else "they share one tier"
    message = f"{who}; {join_words([r.name for r in sharing])} own it together ({how}), so the newest version wins."
    names = join_words([r.name for r in sharing], "or")
    remedy = policy.change(f'choose its owner: add "{route.name}" to owns of {names}')
    return Finding("merged", message, remedy, route.name, repository=owner, rule=rule, detail=_names(listing))


def _shadowed(policy: Policy, route: Route, who: str, owner: Repository, listing: Sequence[Repository]) -> Finding:
    rule = policy.rule(f"repositories.{owner.name}.priority", str(owner.priority))
    flexible = "; if none of its files fits, flexible mode asks the others" if route.mode is Mode.FLEXIBLE else ""
    message = f"{who}; {owner} owns it only by its priority{flexible}. Other installers would take the newest version."
    remedy = f"{policy.change(_owns(owner, [route.name]), verb='set ')}: then it comes from {owner.name} or not at all"
    return Finding("shadowed", message, remedy, route.name, repository=owner, rule=rule, detail=_names(listing))


def _shared(policy: Policy, one: Repository, other: Repository, lists: Lists) -> Shared:
    """What a pair shares, of which `one` has the higher priority, or the same."""
    common = lists[one.name] & lists[other.name]
    smaller = min(len(lists[one.name]), len(lists[other.name]))
    if not _is_flood(len(common), smaller):
        return Shared((), common)
    is_open = _is_open(policy, one, other)
    names = list(filter(is_open, common)) if is_open else common
    if _is_flood(len(names), smaller):
        return Shared((_mirror(policy, one, other, len(names), lists),), ())
    kept = len(common) - len(names)
    message = f"{one} and {other} both list {kept} names that the policy routes or keeps from one of them."
    return Shared((Finding("protected", message, "nothing", repository=one, detail=f"{one.name} {other.name}"),), names)


def _is_flood(count: int, smaller: int) -> bool:
    return count > MANY or (count >= _FEW and count > _MOST * smaller)


def _mirror(policy: Policy, one: Repository, other: Repository, count: int, lists: Lists) -> Finding:
    ties = one.priority == other.priority
    rule = policy.rule(f"repositories.{one.name}.priority", str(one.priority))
    copy = min(one, other, key=lambda r: len(lists[r.name]))
    part = f"{100 * count // len(lists[copy.name])} % of what {copy.name} has"
    end = "they share one tier, so the newest of each wins" if ties else f"{one.name} owns them only by its priority"
    message = f"{one} and {other} both list {count} names, {part}: is one a mirror of the other? {end}."
    remedy = (
        f'set repositories.{one.name}.namespaces = ["YOUR-PREFIX-*"] to say which names are its own; if {one.name} '
        f"already passes on what {other.name} has, set repositories.{other.name}.enabled = false instead"
    )
    severity = Severity.ERROR if ties else None
    return Finding(
        "mirror", message, remedy, repository=one, rule=rule, detail=f"{one.name} {other.name}", stated=severity
    )


def _is_open(policy: Policy, one: Repository, other: Repository) -> Callable[[NormalizedName], bool] | None:
    """Whether a name that both list may come from both: nothing routes it, none is blind to it; None where all may.

    Quick, for a million names; what a pin or `owns` routes to both counts as routed.
    """
    # An explicit one has what is routed to it, one with namespaces what these route.
    if any(r.explicit or r.namespaces for r in (one, other)):
        return lambda _: False
    routing = [p for pin in policy.pins if pin.repositories or pin.block is not None for p in pin.projects]
    routing += [p for r in policy.repositories for p in (*r.namespaces, *r.owns)]
    closing = [*routing, *one.exclude, *other.exclude]
    seen = [_any_of(r.include) for r in (one, other) if r.include]
    if not closing and not seen:
        return None
    closed = _any_of(closing)
    return lambda name: not closed(name) and all(sees(name) for sees in seen)


def _any_of(patterns: Sequence[Pattern]) -> Callable[[NormalizedName], bool]:
    """Whether any of `patterns` matches: exact names, beginnings and ends, which most are, by quicker means."""
    texts = [p.text for p in patterns]
    exact = frozenset(text for text in texts if not set(text) & _WILDCARDS)
    begins = tuple(text[:-1] for text in texts if text.endswith("*") and not set(text[:-1]) & _WILDCARDS)
    ends = tuple(text[1:] for text in texts if text.startswith("*") and not set(text[1:]) & _WILDCARDS)
    quick = exact | {f"{text}*" for text in begins} | {f"*{text}" for text in ends}
    others = [p for p in patterns if p.text not in quick]
    return lambda name: (
        name in exact or name.startswith(begins) or name.endswith(ends) or any(p.matches(name) for p in others)
    )


def _names(listing: Sequence[Repository]) -> str:
    return " ".join(sorted(r.name for r in listing))


def _rule(routing: Blocked | Conflict) -> Rule:
    return routing.rule if isinstance(routing, Blocked) else routing.rules[0]


def _owns(owner: Repository, names: Sequence[str]) -> str:
    """The setting that gives `names` to `owner`; a list in the policy replaces a list, so what it has stays in it."""
    patterns = dict.fromkeys([*(p.text for p in owner.owns), *names])
    return f"repositories.{owner.name}.owns = [{', '.join(f'{chr(34)}{p}{chr(34)}' for p in patterns)}]"


def remedy(policy: Policy, findings: Sequence[Finding]) -> str:
    """What gives each shadowed name to its owner for good, as TOML or for a pip.conf; "" where there is none.

    A list replaces a list, so what `owns` has already stays in it. Whose a name of one tier is nobody can guess.
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
