"""Flexible mode in pip's resolver: resolves again until every choice from a lower tier is needed.

`repoprio.lookup.justification` has the rule. This module runs pip's resolver (resolvelib) and translates its result
into the terms of the rule. Each round differs from the one before: a project is capped, a tier is opened, or a project
is doubted.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from repoprio import shell
from repoprio.environments.child_script import IS_CHILD
from repoprio.lookup.justification import Bounds, Graph, Want
from repoprio.names import NormalizedName, is_project_name, normalize
from repoprio.pip_adapter import hint_target
from repoprio.pip_adapter.errors import LookupRefused, warn
from repoprio.pip_adapter.finder.placeholder import PlaceholderDistribution
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.policy.routing import Route
from repoprio.redaction import printable
from repoprio.render.messages.model import message
from repoprio.wording import join_words

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.resolver import (
        Provider,
        ResolutionResult,
        ResolverCandidate,
        ResolverRequirement,
    )


# After `policy_finder`, which only a guarded process may load.
from pip._vendor.packaging.specifiers import SpecifierSet  # isort: skip
from pip._vendor.resolvelib import ResolutionImpossible  # isort: skip

# Runs a resolution with a provider.
Run = Callable[["Doubting"], "ResolutionResult"]
Node: TypeAlias = "ResolverCandidate | Anything"
# Each round caps, opens, doubts or settles something, or permits a build. After this many rounds there is no way.
MOST_ROUNDS = 500


class Anything:
    """A candidate that fits every bound of a doubted project, so that the resolver collects all these bounds."""

    is_installed = is_editable = False
    source_link = None
    version = "of any version"

    def __init__(self, identifier: str) -> None:
        self.name = identifier
        self.project_name = _project(identifier)

    def format_for_error(self) -> str:
        """The name of the candidate in pip's messages."""
        return f"{self.name} {self.version}"


class Doubting:
    """Pip's provider, with `Anything` as the last candidate of each doubted project.

    `stuck` are the projects that had no candidate at some point, the latest last.
    """

    def __init__(self, provider: Provider, doubted: Iterable[NormalizedName]) -> None:
        self._provider = provider
        self._doubted = frozenset(doubted)
        self._anything: dict[str, Anything] = {}
        self.stuck: dict[NormalizedName, None] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def find_matches(
        self, identifier: str, requirements: object, incompatibilities: Mapping[str, Iterable[ResolverCandidate]]
    ) -> Sequence[Node] | Callable[[], Iterable[Node]]:
        """Pip's candidates, then `Anything` if the project is doubted."""
        matches = self._provider.find_matches(
            identifier=identifier, requirements=requirements, incompatibilities=incompatibilities
        )
        known = matches if isinstance(matches, Sequence) else list(matches)
        anything = self._anything.setdefault(identifier, Anything(identifier))
        if not known:
            self.stuck.pop(anything.project_name, None)
            self.stuck[anything.project_name] = None
        is_tried = any(isinstance(candidate, Anything) for candidate in incompatibilities[identifier])
        if anything.project_name not in self._doubted or is_tried:
            return known
        return lambda: itertools.chain(known, (anything,))

    def is_satisfied_by(self, requirement: ResolverRequirement, candidate: Node) -> bool:
        """Whether the candidate fits the requirement."""
        return isinstance(candidate, Anything) or bool(self._provider.is_satisfied_by(requirement, candidate))

    def get_dependencies(self, candidate: Node) -> Iterable[ResolverRequirement]:
        """The dependencies of the candidate; those of `Anything` are not known."""
        return () if isinstance(candidate, Anything) else self._provider.get_dependencies(candidate)


def resolve(
    guard: PolicyFinder, provider: Provider, roots: Sequence[ResolverRequirement], run: Run
) -> ResolutionResult:
    """The result of `run`, which resolves `roots`, once every choice in it is justified.

    Raises the error of `run` if there is no solution; `LookupRefused` if there may be one that was not found.
    """
    with guard.searching():
        return _Rounds(guard, provider, roots).run(run)


class _Rounds:
    """The rounds of one search; `provider` is pip's."""

    def __init__(self, guard: PolicyFinder, provider: Provider, roots: Sequence[ResolverRequirement]) -> None:
        assert guard.search is not None
        self._guard = guard
        self._search = guard.search
        self._reach = guard.search.reach
        self._provider = provider
        self._roots = roots
        self._constraints = {normalize(key): str(limit.specifier) for key, limit in provider._constraints.items()}
        self._dropped: dict[NormalizedName, str] = {}

    def run(self, run: Run) -> ResolutionResult:
        failed = None
        for _ in range(MOST_ROUNDS):
            self._guard.forget_best()
            provider = Doubting(self._provider, self._reach.doubted)
            try:
                result = run(provider)
            except ResolutionImpossible as error:
                failed = failed or error
                if self._reach.fail([*_projects(error), *reversed(provider.stuck)]):
                    continue
                break
            unknown = sorted({c.project_name for c in result.mapping.values() if isinstance(c, Anything)})
            if unknown:
                if not self._reach.learn(self._lower_tiers(unknown, self._graph(result).bounds())):
                    break
            elif self._is_justified(result) and not self._permits(result):
                return result
        if failed is None or self._reach.caps:
            raise self._undecided(failed) from failed
        raise failed

    def _lower_tiers(
        self, names: Iterable[NormalizedName], bounds: Mapping[NormalizedName, Bounds]
    ) -> dict[NormalizedName, int | None]:
        """For each name the first tier below its own that fits the bounds; None if its own tier fits, or none does."""
        tops = {name: self._guard.tiers.top(name) for name in names}
        tiers = {name: None if top is None else self._tier(name, bounds.get(name, ())) for name, top in tops.items()}
        return {name: None if tier == tops[name] else tier for name, tier in tiers.items()}

    def _is_justified(self, result: ResolutionResult) -> bool:
        """Whether every choice from a lower tier is needed; one that is not is capped."""
        lower = self._lower(result)
        unneeded = self._graph(result).unjustified(
            lower, lambda name, bounds: self._higher(name, bounds, self._priority(name, lower[name]))
        )
        for name, tier in itertools.islice(unneeded.items(), 1):
            # Cap one at a time: the next round's result may need the others.
            self._reach.cap(name, tier)
            tiers = self._guard.tiers
            suppliers = tiers.suppliers(name, self._priority(name, lower[name]))
            self._dropped[name] = f"{name} {lower[name].version} of {suppliers}"
            self._report(f"{self._dropped[name]} is not needed: {tiers.suppliers(name, tier)} has a version that fits.")
        return not unneeded

    def _permits(self, result: ResolutionResult) -> bool:
        """Permit the build of sdists among the lower choices, which are needed; returns whether there are new ones."""
        new = []
        for candidate in self._lower(result).values():
            link, dist = candidate.source_link, getattr(candidate, "dist", None)
            if link is not None and isinstance(dist, PlaceholderDistribution) and self._search.permit(link):
                new.append((candidate, link))
        for candidate, link in new:
            # Then the factory makes a new candidate, with its metadata.
            self._provider._factory._link_candidate_cache.pop(link, None)
            self._report(f"{candidate.name} {candidate.version} is needed from a lower repository and is built now.")
        return bool(new)

    @staticmethod
    def _report(reason: str) -> None:
        """Print why pip resolves again, unless pip is quiet."""
        if not IS_CHILD and logging.getLogger("pip").isEnabledFor(logging.INFO):
            warn(f"repoprio: flexible mode: {printable(reason)} pip resolves again.")

    def _lower(self, result: ResolutionResult) -> dict[NormalizedName, ResolverCandidate]:
        """The candidates of lower tiers, by their projects."""
        tiers = self._guard.tiers
        return {name: c for name, c in _files(result) if c.source_link and tiers.is_lower(name, c.source_link)}

    def _graph(self, result: ResolutionResult) -> Graph:
        """The requirements of the user, and of the final choices by their metadata.

        The criteria of the result also have requirements of dropped choices, and before pip 24.2 may lack some.
        """
        wants = [_want(None, root) for root in self._roots]
        for key, candidate in result.mapping.items():
            known = () if isinstance(candidate, Anything) else self._provider.get_dependencies(candidate)
            wants += [_want(key, requirement) for requirement in known]
        return Graph(wants, self._constraints)

    def _priority(self, name: NormalizedName, candidate: ResolverCandidate) -> int:
        assert candidate.source_link is not None
        tier = self._guard.tiers.of_link(name, candidate.source_link)
        assert tier is not None
        return tier

    def _higher(self, name: NormalizedName, bounds: Bounds, chosen: int) -> int | None:
        tier = self._tier(name, bounds, chosen)
        return None if tier == chosen else tier

    def _tier(self, name: NormalizedName, bounds: Bounds, last: int | None = None) -> int | None:
        """The priority of the highest tier with a file of `name` that fits `bounds`; None if there is none.

        `last` is the priority of the lowest tier that is asked.
        """
        owners = self._guard.decide(name, SpecifierSet(",".join(bounds)), last=last).owners
        return owners[0].repository.priority if owners else None

    def _undecided(self, failed: Exception | None) -> LookupRefused:
        routes = (self._guard.decide(name).route for name in self._dropped)
        rules = dict.fromkeys(f"rule: {route.mode_rule}" for route in routes if isinstance(route, Route))
        error = self._provider._factory.get_installation_error(failed, self._provider._constraints) if failed else ""
        # The first line of pip's own report names the conflict.
        report = error.message.lead if isinstance(error, LookupRefused) else str(error).partition("\n")[0]
        names = join_words(list(self._dropped))
        details = [
            *(
                f"{choice} would fit, but nothing that would be installed needs it."
                for choice in self._dropped.values()
            ),
            f"without: {report}" if report else "",
            *rules,
            "hint: decide it yourself: ask for the version that you want, or route the name with a pin",
        ]
        lead = (
            f"flexible mode found no way to install what you asked for without taking {names} from lower-priority "
            "repositories."
        )
        why = shell.repoprio("explain", next(iter(self._dropped), ""), python=hint_target.python())
        help_text = self._guard.policy.help
        return LookupRefused(message(lead, details, "flexible-undecided", why=why, help_text=help_text))


def _files(result: ResolutionResult) -> Iterator[tuple[NormalizedName, ResolverCandidate]]:
    """The candidates that are files of repositories, each once and with its project."""
    for candidate in result.mapping.values():
        if candidate.source_link is not None and candidate.name == candidate.project_name:
            ireq = candidate.get_install_requirement()
            if ireq is not None and ireq.original_link is None:
                yield normalize(candidate.project_name), candidate


def _want(parent: str | None, requirement: ResolverRequirement) -> Want:
    _, ireq = requirement.get_candidate_lookup()
    bound = str(ireq.req.specifier) if ireq is not None and ireq.req is not None else ""
    return Want(parent, requirement.name, _project(requirement.name), bound)


def _projects(error: ResolutionImpossible) -> list[NormalizedName]:
    """The projects that prevent a resolution: those of conflicting requirements, and of their parents."""
    names = (party.name for cause in error.causes for party in cause if party is not None)
    return [_project(name) for name in names if is_project_name(name.partition("[")[0])]


def _project(identifier: str) -> NormalizedName:
    """The project of an identifier of the resolver: that of `x[e]` is `x`."""
    return normalize(identifier.partition("[")[0])
