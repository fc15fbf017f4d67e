"""Makes the explanation of a requirement from its decision and its candidates. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from repoprio.explain.explanation import Chosen, Explanation, Line, LineStatus, Private, Rejected, Tried
from repoprio.lookup.events import RepositoryResult, RepositoryState
from repoprio.lookup.project import Code, Decision, Outcome
from repoprio.lookup.reasons import Cause
from repoprio.policy.model import CALLERS_PRIORITY, LOWEST, Mode, Policy, Repository, Rule
from repoprio.policy.patterns import best_match
from repoprio.policy.routing import Blocked, Conflict, Route, RuledOut, exclusion_rule
from repoprio.urls import explanation_url
from repoprio.wording import join_words


def explain(
    policy: Policy,
    decision: Decision[Any],
    requirement: str,
    versions: Mapping[str, tuple[str, ...]],
    *,
    specifier: str = "",
    constraint: str = "",
    chosen: Chosen | None = None,
    waits: bool = False,
    leaves_choice: bool = False,
    rejected: tuple[Rejected, ...] = (),
    required_by: str | None = None,
    version_priority: Chosen | None = None,
    private: Private | None = None,
    python: str = "",
    store: str = "",
) -> Explanation:
    """The explanation of a requirement; `versions` has the versions of each repository that serves the name.

    `waits`: nothing is chosen, only because every file that would be chosen is too young (`min-age`).
    `leaves_choice`: nothing is chosen, since the client of an index chooses among the owner's files.
    """
    return replace(
        _decided(policy, decision, requirement, versions, chosen, waits=waits, leaves_choice=leaves_choice),
        rejected=rejected,
        specifier=specifier,
        constraint=constraint,
        required_by=required_by,
        version_priority=version_priority,
        private=private,
        python=python,
        store=store,
    )


def _decided(
    policy: Policy,
    decision: Decision[Any],
    requirement: str,
    versions: Mapping[str, tuple[str, ...]],
    chosen: Chosen | None,
    *,
    waits: bool,
    leaves_choice: bool,
) -> Explanation:
    """What the decision alone says about the requirement, of which `chosen` is what was chosen."""
    outcome, code = decision.outcome, decision.code
    fits = chosen is not None or leaves_choice
    if outcome is Outcome.SERVED and not fits:
        outcome, code = Outcome.NO_MATCH, Code.TOO_YOUNG if waits else Code.NO_MATCH
    route = decision.route
    owners = _owners(decision)
    return Explanation(
        requirement,
        decision.name,
        outcome,
        code,
        tuple(_line(policy, decision, result, versions, chosen, fits=fits) for result in decision.results),
        owners,
        _rules(policy, decision, owners),
        chosen=chosen,
        block=route.text if isinstance(route, Blocked) else None,
        conflict=route.sets.value if isinstance(route, Conflict) else None,
        pin=_pin(route),
        narrowed=route.versions[1] if isinstance(route, Route) and route.versions else None,
        help=policy.help,
        maintainer=policy.maintainer,
        gateway=policy.deciding_gateway,
        is_observed=policy.mode is Mode.OBSERVE,
        unknown=decision.unknown,
    )


def privacy(decision: Decision[Any]) -> Private | None:
    """The repositories that plain pip would ask for a name and the policy does not, with the reason; None if none.

    Plain pip would not ask explicit repositories, nor a repository for names that its `include` leaves out.
    """
    route = decision.route
    if isinstance(route, Blocked):
        return Private(route.rule.key, ())
    if not isinstance(route, Route):
        return None
    kept_from = _ruled_out(decision, RuledOut.NOT_ROUTED)
    if route.rules and kept_from:
        rule = route.rules[0]
        return Private(f"pins.{rule.pin}" if rule.pin else rule.setting, kept_from)
    top = min((offer.repository.priority for offer in decision.offers), default=LOWEST)
    kept_from = tuple(
        r
        for r in _ruled_out(decision, RuledOut.EXCLUDED)
        if r.priority >= top and best_match(r.exclude, decision.name) is not None
    )
    return Private("exclude", kept_from) if kept_from else None


def _ruled_out(decision: Decision[Any], why: RuledOut) -> tuple[Repository, ...]:
    return tuple(f.repository for f in decision.results if f.ruled_out is why and not f.repository.explicit)


def _owners(decision: Decision[Any]) -> tuple[Repository, ...]:
    if decision.offers:
        return tuple(result.repository for result in decision.offers)
    if decision.remembered:
        return (decision.remembered,)
    return decision.route.owners if isinstance(decision.route, Route) else ()


def _rules(policy: Policy, decision: Decision[Any], owners: tuple[Repository, ...]) -> tuple[Rule, ...]:
    route = decision.route
    if isinstance(route, Blocked):
        return (route.rule,)
    if isinstance(route, Conflict):
        return route.rules
    remembered = (policy.rule("ownership", f'"{policy.ownership}"'),) if policy.ownership else ()
    if decision.unknown:
        return (*remembered, *route.rules)
    if decision.remembered:
        return (*remembered, *route.rules, route.mode_rule, *_priorities(policy, owners))
    silent = tuple(f.repository for f in decision.of(RepositoryState.UNAVAILABLE) if not f.skipped)
    if decision.outcome is Outcome.UNAVAILABLE:
        rules = [
            _unavailable_rule(policy, result)
            for result in decision.of(RepositoryState.UNAVAILABLE)
            if not result.skipped
        ]
        return (*route.rules, *rules, *_redirect_rules(policy, decision), *_priorities(policy, silent))
    narrowed = (route.versions[1],) if route.versions else ()
    return (*route.rules, route.mode_rule, *narrowed, *_priorities(policy, owners))


def _unavailable_rule(policy: Policy, result: RepositoryResult[Any]) -> Rule:
    """The setting to look at first if a repository is unavailable."""
    repository = result.repository
    key, value = "url", repository.locations[0].shown
    if result.cause is Cause.CANARY and repository.canary:
        key, value = "canary", repository.canary
    return policy.rule(f"repositories.{repository.name}.{key}", f'"{value}"')


def _redirect_rules(policy: Policy, decision: Decision[Any]) -> list[Rule]:
    """For unavailable repositories that redirect into another one: the settings that keep the name from that one."""
    targets = {
        result.redirected_into.name for result in decision.results if result.redirected_into and not result.skipped
    }
    rules = (_line_rule(policy, decision, result) for result in decision.results if result.repository.name in targets)
    return [rule for rule in rules if rule]


def _priorities(policy: Policy, repositories: tuple[Repository, ...]) -> tuple[Rule, ...]:
    return tuple(_priority(policy, repository) for repository in repositories)


def _priority(policy: Policy, repository: Repository) -> Rule:
    if repository.priority == CALLERS_PRIORITY:
        return policy.rule("unlisted", f'"{policy.unlisted.value}"')
    return policy.rule(f"repositories.{repository.name}.priority", str(repository.priority))


def _line_rule(policy: Policy, decision: Decision[Any], result: RepositoryResult[Any]) -> Rule | None:
    """The setting that rules a repository out, or makes it count as absent; without the rules of the route."""
    repository = result.repository
    key, value = "", ""
    if result.ruled_out is RuledOut.EXCLUDED:
        key, value = exclusion_rule(repository, decision.name)
    elif result.ruled_out is RuledOut.DISABLED:
        key, value = "enabled", "false"
    elif result.ruled_out is RuledOut.NOT_ROUTED and repository.explicit and not decision.route_rules:
        key, value = "explicit", "true"
    elif result.ruled_out is RuledOut.BELOW_NO_INDEX:
        return _priority(policy, repository)
    elif result.skipped:
        key, value = "skip-if-unavailable", "true"
    return policy.rule(f"repositories.{repository.name}.{key}", value) if key else None


def _pin(route: Route | Blocked | Conflict) -> Rule | None:
    """The pin that chose the repositories or blocks the name; else one that set versions or the mode."""
    if isinstance(route, Blocked):
        return route.rule
    if isinstance(route, Conflict):
        return route.rules[0]
    spoken = [*route.rules, *([route.versions[1]] if route.versions else []), route.mode_rule]
    return next((rule for rule in spoken if rule.pin), None)


_RULED_OUT = {
    RuledOut.NOT_ROUTED: (LineStatus.NOT_ROUTED, "the name is routed elsewhere"),
    RuledOut.DISABLED: (LineStatus.DISABLED, "enabled = false"),
    RuledOut.EXCLUDED: (LineStatus.EXCLUDED, "its {key} rules the name out"),
    RuledOut.NO_INDEX: (LineStatus.EXCLUDED, "--no-index leaves flat repositories only"),
    RuledOut.BELOW_NO_INDEX: (LineStatus.EXCLUDED, "below {above}, which --no-index rules out"),
    RuledOut.CALLER: (LineStatus.NOT_ROUTED, "{name} itself never comes from a place that the policy does not list"),
}


def _line(
    policy: Policy,
    decision: Decision[Any],
    result: RepositoryResult[Any],
    versions: Mapping[str, tuple[str, ...]],
    chosen: Chosen | None,
    *,
    fits: bool,
) -> Line:
    repository = result.repository
    status, reason = _status(decision, result, fits=fits)
    if status is LineStatus.SERVED and chosen and chosen.repository == repository.name:
        reason += f"; takes {chosen.version}"
    has = versions.get(repository.name, ()) if result.state is RepositoryState.SERVES else None
    if result.state is RepositoryState.ABSENT or result.skipped:
        has = ()
    return Line(
        repository,
        repository.locations[0].shown,
        status,
        has,
        reason,
        asked=result.asked.shown if result.asked else None,
        code=result.ruled_out or result.cause,
        http_status=result.http_status,
        rule=_line_rule(policy, decision, result),
        mirror=result.mirror.shown if result.mirror else None,
        failures=tuple(Tried(failure.location.shown, failure.reason) for failure in result.failures),
        redirected_into=result.redirected_into,
        problem=result.problem,
        explained_at=_explained_at(policy, decision, repository),
    )


def _explained_at(policy: Policy, decision: Decision[Any], repository: Repository) -> str | None:
    """Where the gateway explains the name, if `repository` is the policy's gateway."""
    if policy.gateway is None or not policy.is_gateway(repository.locations[0].url):
        return None
    return explanation_url(policy.gateway, decision.name)


def _silenced_above(decision: Decision[Any], result: RepositoryResult[Any]) -> str:
    """The names of the higher-priority repositories that --no-index rules out."""
    silenced = [f.repository for f in decision.results if f.ruled_out is RuledOut.NO_INDEX]
    return join_words([r.name for r in silenced if r.priority < result.repository.priority])


_NOT_ASKED = {
    Outcome.SERVED: "cannot supply {name}: it is below the owner",
    Outcome.NO_MATCH: "cannot supply {name}: it is below the owner",
    Outcome.UNAVAILABLE: "below one that may own {name}",
    Outcome.BLOCKED: "the policy decides without asking",
    Outcome.ABSENT: "",
}


def _status(decision: Decision[Any], result: RepositoryResult[Any], *, fits: bool) -> tuple[LineStatus, str]:
    """The status of the repository's line, and the reason in words."""
    name = decision.name
    if result.ruled_out:
        status, reason = _RULED_OUT[result.ruled_out]
        key, above = exclusion_rule(result.repository, name)[0], _silenced_above(decision, result)
        reason = reason.format(key=key, above=above, name=name)
        if result.ruled_out is RuledOut.NOT_ROUTED and result.repository.explicit and not decision.route_rules:
            reason = "only for names that are routed to it"
        return status, reason
    if result.state is RepositoryState.SERVES:
        if result.passed_over:
            return LineStatus.PASSED_OVER, "none of its files fits"
        own = any(owner.repository.name == result.repository.name for owner in decision.owners)
        verb = "own" if len(decision.owners) > 1 and not own else "owns"
        has = "has a version that fits" if decision.code is Code.FITS else f"{verb} {name}"
        if own:
            return LineStatus.SERVED, has if fits else f"owns {name}; none of its files fits"
        if not decision.owners:
            return LineStatus.SHADOWED, f"it has {name}, but a tier answers as a whole"
        return LineStatus.SHADOWED, f"{', '.join(owner.repository.name for owner in decision.owners)} {has}"
    if result.state is RepositoryState.NOT_ASKED:
        if decision.remembered:
            return LineStatus.NOT_ASKED, f"below {decision.remembered.name}, which served {name} before"
        if decision.unknown:
            return LineStatus.NOT_ASKED, f"a higher-priority repository may have served {name} before"
        return LineStatus.NOT_ASKED, _NOT_ASKED[decision.outcome].format(name=name)
    skipped = "; skip-if-unavailable: counts as absent" if result.skipped else ""
    status = LineStatus.ABSENT if result.state is RepositoryState.ABSENT else LineStatus.UNAVAILABLE
    return status, result.reason + skipped
