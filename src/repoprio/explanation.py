"""A decision and what a requirement found in it, as one tree of data: what every renderer renders. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repoprio.answers import Finding, State
from repoprio.lookup import Code, Decision, Outcome
from repoprio.policy import Policy, Repository, Rule
from repoprio.routing import Blocked, Conflict, Route, RuledOut


@dataclass(frozen=True)
class Chosen:
    """The file that would be installed; `repository` is the name of the one that lists it."""

    repository: str
    version: str
    file: str


@dataclass(frozen=True)
class Rejected:
    """A file that the owner lists and that is no candidate, and why."""

    file: str
    version: str | None
    reason: str


@dataclass(frozen=True)
class Line:
    """One repository's line: `versions` is None where it was not asked, `asked` the URL asked last."""

    repository: Repository
    url: str
    status: str
    versions: tuple[str, ...] | None
    reason: str
    asked: str | None = None


@dataclass(frozen=True)
class Explanation:
    """Everything that is to say about one requirement.

    `lines` are the repositories, highest priority first. `owners` are those that own the name, or
    to which it is routed. `rules` decided; the first one is the one to name. `required_by` is who
    needs it, None for the user. `version_priority` is what pip alone would take, where that is known.
    """

    requirement: str
    project: str
    outcome: Outcome
    code: Code
    lines: tuple[Line, ...]
    owners: tuple[Repository, ...]
    rules: tuple[Rule, ...]
    chosen: Chosen | None = None
    rejected: tuple[Rejected, ...] = ()
    block: str | None = None
    conflict: str | None = None
    pin: Rule | None = None
    narrowed: Rule | None = None
    specifier: str = ""
    required_by: str | None = None
    version_priority: Chosen | None = None

    @property
    def faulty(self) -> tuple[Line, ...]:
        """The repositories that refused the lookup by being unavailable."""
        return tuple(line for line in self.lines if line.status == State.UNAVAILABLE.value)

    @property
    def asked(self) -> tuple[Repository, ...]:
        """The repositories that were asked."""
        return tuple(line.repository for line in self.lines if line.asked)

    def line(self, repository: Repository) -> Line:
        """The line of `repository`."""
        return next(line for line in self.lines if line.repository.name == repository.name)


def explain(
    policy: Policy,
    decision: Decision[Any],
    requirement: str,
    versions: Mapping[str, tuple[str, ...]],
    *,
    specifier: str = "",
    chosen: Chosen | None = None,
    rejected: tuple[Rejected, ...] = (),
    required_by: str | None = None,
    version_priority: Chosen | None = None,
) -> Explanation:
    """Bring together a decision and what was weighed; `versions` is by repository, for those that serve."""
    outcome, code = decision.outcome, decision.code
    if outcome is Outcome.SERVED and chosen is None:
        outcome, code = Outcome.NO_MATCH, Code.NO_MATCH
    route = decision.route
    owners = _owners(decision)
    return Explanation(
        requirement,
        decision.name,
        outcome,
        code,
        tuple(_line(decision, finding, versions, outcome) for finding in decision.findings),
        owners,
        _rules(policy, route, owners),
        chosen=chosen,
        rejected=rejected,
        block=route.text if isinstance(route, Blocked) else None,
        conflict=route.sets if isinstance(route, Conflict) else None,
        pin=_pin(route),
        narrowed=route.versions[1] if isinstance(route, Route) and route.versions else None,
        specifier=specifier,
        required_by=required_by,
        version_priority=version_priority,
    )


def _owners(decision: Decision[Any]) -> tuple[Repository, ...]:
    if decision.offers:
        return tuple(finding.repository for finding in decision.offers)
    return decision.route.owners if isinstance(decision.route, Route) else ()


def _rules(policy: Policy, route: Route | Blocked | Conflict, owners: tuple[Repository, ...]) -> tuple[Rule, ...]:
    if isinstance(route, Blocked):
        return (route.rule,)
    if isinstance(route, Conflict):
        return route.rules
    priorities = (policy.rule(f"repositories.{r.name}.priority", str(r.priority)) for r in owners)
    narrowed = (route.versions[1],) if route.versions else ()
    return (*route.rules, route.mode_rule, *narrowed, *priorities)


def _pin(route: Route | Blocked | Conflict) -> Rule | None:
    """The pin that chose the repositories, or blocked; else one that set versions or the mode."""
    if isinstance(route, Blocked):
        return route.rule
    if isinstance(route, Conflict):
        return route.rules[0]
    spoken = [*route.rules, *([route.versions[1]] if route.versions else []), route.mode_rule]
    return next((rule for rule in spoken if rule.key.startswith("pins.")), None)


_RULED_OUT = {
    RuledOut.NOT_ROUTED: ("not-routed", "the name is routed elsewhere"),
    RuledOut.DISABLED: ("disabled", "enabled = false"),
    RuledOut.EXCLUDED: ("excluded", "include, exclude or namespaces leave the name out"),
    RuledOut.NO_INDEX: ("excluded", "--no-index leaves flat repositories only"),
}


def _line(
    decision: Decision[Any], finding: Finding[Any], versions: Mapping[str, tuple[str, ...]], outcome: Outcome
) -> Line:
    repository = finding.repository
    status, reason = _status(decision, finding, outcome)
    has = versions.get(repository.name, ()) if finding.state is State.SERVES else None
    if finding.state is State.ABSENT or finding.skipped:
        has = ()
    asked = finding.asked.shown if finding.asked else None
    return Line(repository, repository.locations[0].shown, status, has, reason, asked)


_NOT_ASKED = {
    Outcome.SERVED: "below the owner",
    Outcome.NO_MATCH: "below the owner",
    Outcome.UNAVAILABLE: "below one that is unavailable",
    Outcome.BLOCKED: "the policy decides alone",
    Outcome.ABSENT: "",
}


def _status(decision: Decision[Any], finding: Finding[Any], outcome: Outcome) -> tuple[str, str]:
    """The line's status and reason, in the contract's words."""
    name = decision.name
    if finding.ruled_out:
        status, reason = _RULED_OUT[finding.ruled_out]
        if finding.ruled_out is RuledOut.NOT_ROUTED and finding.repository.explicit and not decision.route_rules:
            reason = "explicit: only for names that are routed to it"
        return status, reason
    if finding.state is State.SERVES:
        if finding.passed_over:
            return "passed-over", "nothing of it fits"
        own = any(owner.repository.name == finding.repository.name for owner in decision.owners)
        has = "has a version that fits" if decision.code is Code.FITS else f"owns {name}"
        mirror = f"; from its mirror {finding.mirror.shown}" if finding.mirror else ""
        if own:
            return "served", (has if outcome is Outcome.SERVED else f"owns {name}; nothing of it fits") + mirror
        return "shadowed", f"a higher-priority repository {has}{mirror}"
    if finding.state is State.NOT_ASKED:
        return "not-asked", _NOT_ASKED[decision.outcome]
    skipped = "; skip-if-unavailable: counts as absent" if finding.skipped else ""
    return finding.state.value, finding.reason + skipped
