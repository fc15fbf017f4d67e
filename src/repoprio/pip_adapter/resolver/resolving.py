"""Wrappers around pip's resolvers, for observe mode, flexible mode, and fetching ahead.

This module is loaded while pip is being imported, so it imports nothing of pip at the top.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from repoprio.names import normalize
from repoprio.pip_adapter import garbage
from repoprio.pip_adapter.command import current, enforced
from repoprio.pip_adapter.finder.registry import guard_of, source_of
from repoprio.pip_adapter.observe.registry import observer_of
from repoprio.policy.model import Mode
from repoprio.policy.routing import Route, route
from repoprio.render.messages.model import message

if TYPE_CHECKING:
    from repoprio.pip_adapter.finder.placeholder import PlaceholderDistribution
    from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
    from repoprio.pip_adapter.protocols.requirements import (
        Distribution,
        InstallRequirement,
        RequirementPreparer,
        RequirementSet,
    )
    from repoprio.pip_adapter.protocols.resolver import ResolutionResult, Resolver, ResolverRequirement
    from repoprio.pip_adapter.resolver.flexible import Doubting


def observation() -> ModuleType:
    """The module `observer`; it is loaded together with the policy, because pip forbids imports once it installs."""
    from repoprio.pip_adapter.observe import observer

    return observer


def resolve(original: Callable[..., RequirementSet]) -> Callable[..., RequirementSet]:
    """Wraps `resolve`: notes the requested projects, and compares the result with a policy that only observes."""

    @functools.wraps(original)
    def resolve(self: Resolver, root_reqs: list[InstallRequirement], *args: object, **kwargs: object) -> RequirementSet:
        current().note_asked(root_reqs)
        result = original(self, root_reqs, *args, **kwargs)
        # The legacy resolver has no factory.
        finder = self.factory._finder if hasattr(self, "factory") else getattr(self, "finder")  # noqa: B009
        if guard := guard_of(finder):
            guard.confirm()
        observer = observer_of(finder)
        if observer is not None:
            observation().resolved(observer, self, result)
        return result

    return resolve


def resolver_of_resolvelib(original: Any) -> Any:
    """A subclass of resolvelib's resolver: in flexible mode it resolves again until all choices are justified.

    pip's own work before and after, such as reports and downloads, is done only once.
    """

    class JustifyingResolver(original):  # type: ignore[misc]  # pip has no types
        """Resolvelib's resolver, with the rule of flexible mode if the policy has it."""

        def resolve(self, requirements: Iterable[ResolverRequirement], max_rounds: int = 100) -> ResolutionResult:
            """The result of resolvelib's resolver."""
            finder = self.provider._factory._finder
            if source_of(finder) is None:
                result: ResolutionResult = super().resolve(requirements, max_rounds=max_rounds)
                return result
            from repoprio.pip_adapter.resolver import scouting

            wanted = list(requirements)
            with garbage.seldom_collected(), scouting.going_ahead(finder, self.provider, wanted):
                return self._resolve(guard_of(finder), wanted, max_rounds)

        def _resolve(
            self, guard: PolicyFinder | None, wanted: list[ResolverRequirement], max_rounds: int
        ) -> ResolutionResult:
            if guard is None or not guard.policy.is_flexible:
                result: ResolutionResult = super().resolve(wanted, max_rounds=max_rounds)
                return result
            from repoprio.pip_adapter.resolver import flexible

            def run(provider: Doubting) -> ResolutionResult:
                result: ResolutionResult = original(provider, self.reporter).resolve(wanted, max_rounds=max_rounds)
                return result

            return flexible.resolve(guard, self.provider, wanted, run)

    return JustifyingResolver


def wait_until_needed(
    original: Callable[..., Distribution],
) -> Callable[..., Distribution | PlaceholderDistribution]:
    """Wraps the preparation of a file, which runs the code of an sdist: in flexible mode one of a lower tier waits.

    It gets a placeholder until its choice is justified.
    """

    @functools.wraps(original)
    def prepare(
        self: RequirementPreparer, req: InstallRequirement, *args: object, **kwargs: object
    ) -> Distribution | PlaceholderDistribution:
        policy = enforced()
        guard = guard_of(self.finder) if policy is not None and policy.is_flexible else None
        search = guard.search if guard is not None else None
        placeholder = search.stand_in(req, guard.tiers) if guard is not None and search is not None else None
        return placeholder or original(self, req, *args, **kwargs)

    return prepare


def refuse_flexible(guard: PolicyFinder | None, req: InstallRequirement) -> None:
    """Raise `LookupRefused`, because the legacy resolver does not show whether a lower choice is needed."""
    if guard is None or not guard.policy.is_flexible or not req.name:
        return
    routing = route(guard.policy, normalize(req.name))
    if isinstance(routing, Route) and routing.mode is Mode.FLEXIBLE:
        from repoprio.pip_adapter.errors import LookupRefused

        lead = f"{req.name}: flexible mode does not work with pip's legacy resolver."
        hint = "hint: leave out --use-deprecated=legacy-resolver, or set strict mode"
        details = [f"rule: {routing.mode_rule}", hint]
        raise LookupRefused(message(lead, details, "flexible-legacy", help_text=guard.policy.help))
