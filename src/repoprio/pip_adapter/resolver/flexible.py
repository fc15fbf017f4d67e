"""Flexible mode in pip's resolver: resolve, then justify, and again until all that comes from below is needed.

`repoprio.lookup.justification` has the rule. Here pip's resolver (resolvelib) is run, what it comes to is put in
the rule's terms, and the next round differs from the last: a project is capped, a tier is opened, or a
project is doubted.
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
from repoprio.render import messages
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

# A resolution with the provider that it is given.
Run = Callable[["Doubting"], "ResolutionResult"]
Node: TypeAlias = "ResolverCandidate | Anything"
# Each round caps, opens, doubts or settles something, or lets something be built; more of them mean that nothing goes.
MOST_ROUNDS = 500


class Anything:
    """A candidate that every bound of a doubted project lets in, so that the resolver comes to know all of them."""

    is_installed = is_editable = False
    source_link = None
    version = "of any version"

    def __init__(self, identifier: str) -> None:
        self.name = identifier
        self.project_name = _project(identifier)

    def format_for_error(self) -> str:
        """As pip would name it."""
        return f"{self.name} {self.version}"


class Doubting:
    """Pip's provider, to which `Anything` is the last candidate of each doubted project.

    `stuck` are the projects that had no candidate at some time, the latest last.
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
        """Pip's candidates, and then anything."""
        found = self._provider.find_matches(
            identifier=identifier, requirements=requirements, incompatibilities=incompatibilities
        )
        known = found if isinstance(found, Sequence) else list(found)
        anything = self._anything.setdefault(identifier, Anything(identifier))
        if not known:
            self.stuck.pop(anything.project_name, None)
            self.stuck[anything.project_name] = None
        is_tried = any(isinstance(candidate, Anything) for candidate in incompatibilities[identifier])
        if anything.project_name not in self._doubted or is_tried:
            return known
        return lambda: itertools.chain(known, (anything,))

    def is_satisfied_by(self, requirement: ResolverRequirement, candidate: Node) -> bool:
        """Whether the candidate is what the requirement wants."""
        return isinstance(candidate, Anything) or bool(self._provider.is_satisfied_by(requirement, candidate))

    def get_dependencies(self, candidate: Node) -> Iterable[ResolverRequirement]:
        """What the candidate wants; nobody knows what anything would."""
        return () if isinstance(candidate, Anything) else self._provider.get_dependencies(candidate)


def resolve(
    guard: PolicyFinder, provider: Provider, roots: Sequence[ResolverRequirement], run: Run
) -> ResolutionResult:
    """What `run`, a resolution of `roots` with the provider that it is given, comes to once all of it is justified.

    Raises what it raises where there is no way; `LookupRefused` where there may be one that was not found.
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
        self._constraints = {normalize(key): str(found.specifier) for key, found in provider._constraints.items()}
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
        """For each of the names the tier below its own that alone fits the bounds; None where its own does, or none."""
        tops = {name: self._guard.tiers.top(name) for name in names}
        tiers = {name: None if top is None else self._tier(name, bounds.get(name, ())) for name, top in tops.items()}
        return {name: None if tier == tops[name] else tier for name, tier in tiers.items()}

    def _is_justified(self, result: ResolutionResult) -> bool:
        """Whether all that comes from below is needed; what is not is capped."""
        lower = self._lower(result)
        unneeded = self._graph(result).unjustified(
            lower, lambda name, bounds: self._higher(name, bounds, self._priority(name, lower[name]))
        )
        for name, tier in itertools.islice(unneeded.items(), 1):
            # One at a time: what the next round comes to may need the others.
            self._reach.cap(name, tier)
            tiers = self._guard.tiers
            where = tiers.suppliers(name, self._priority(name, lower[name]))
            self._dropped[name] = f"{name} {lower[name].version} of {where}"
            self._say(f"{self._dropped[name]} is not needed in the end: {tiers.suppliers(name, tier)} has what fits.")
        return not unneeded

    def _permits(self, result: ResolutionResult) -> bool:
        """Let the sdists among the lower choices, which are needed, be built; whether there are any."""
        new = []
        for candidate in self._lower(result).values():
            link, dist = candidate.source_link, getattr(candidate, "dist", None)
            if link is not None and isinstance(dist, PlaceholderDistribution) and self._search.permit(link):
                new.append((candidate, link))
        for candidate, link in new:
            # The factory makes another one, with its metadata.
            self._provider._factory._link_candidate_cache.pop(link, None)
            self._say(f"{candidate.name} {candidate.version} is needed from a lower repository and is built now.")
        return bool(new)

    @staticmethod
    def _say(what: str) -> None:
        if not IS_CHILD and logging.getLogger("pip").isEnabledFor(logging.INFO):
            warn(f"repoprio: flexible mode: {printable(what)} pip resolves again.")

    def _lower(self, result: ResolutionResult) -> dict[NormalizedName, ResolverCandidate]:
        """The candidates of lower tiers, by their projects."""
        tiers = self._guard.tiers
        return {name: c for name, c in _files(result) if c.source_link and tiers.is_lower(name, c.source_link)}

    def _graph(self, result: ResolutionResult) -> Graph:
        """What is wanted by the user, and by what was chosen in the end, told by its metadata.

        The result's own criteria also have what was wanted by what was dropped, and before pip 24.2 may lack some.
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
        """The highest tier with a file of `name` within the bounds; `last` is the lowest that is asked."""
        owners = self._guard.decide(name, SpecifierSet(",".join(bounds)), last=last).owners
        return owners[0].repository.priority if owners else None

    def _undecided(self, failed: Exception | None) -> LookupRefused:
        routes = (self._guard.decide(name).route for name in self._dropped)
        rules = dict.fromkeys(f"rule: {found.mode_rule}" for found in routes if isinstance(found, Route))
        found = self._provider._factory.get_installation_error(failed, self._provider._constraints) if failed else ""
        # The first line of pip's own report tells the conflict.
        report = found.message.lead if isinstance(found, LookupRefused) else str(found).partition("\n")[0]
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
            f"flexible mode found no way to install what is asked for without taking {names} from lower-priority "
            "repositories."
        )
        why = shell.repoprio("explain", next(iter(self._dropped), ""), python=hint_target.python())
        help_text = self._guard.policy.help
        return LookupRefused(messages.message(lead, details, "flexible-undecided", why=why, help_text=help_text))


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
    """The projects in the way of a resolution: those of requirements that conflict, and of who has them."""
    found = (one.name for cause in error.causes for one in cause if one is not None)
    return [_project(name) for name in found if is_project_name(name.partition("[")[0])]


def _project(identifier: str) -> NormalizedName:
    """The project of a node: that of `x[e]` is `x`."""
    return normalize(identifier.partition("[")[0])
