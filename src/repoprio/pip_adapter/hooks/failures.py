"""Adds the owner and the rule to pip's error that nothing fits, if the policy is involved.

Loaded while pip itself is being imported, like `wrappers`, so nothing of pip is imported at the top.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from repoprio.explain.explanation import Explanation
from repoprio.lookup.project import Outcome
from repoprio.pip_adapter.finder.registry import guard_of
from repoprio.render.messages import refusals, sentences
from repoprio.render.messages.model import message

if TYPE_CHECKING:
    from optparse import Values

    from repoprio.pip_adapter.errors import LookupRefused
    from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
    from repoprio.pip_adapter.protocols.commands import IndexCommand
    from repoprio.pip_adapter.protocols.finder import PackageFinder
    from repoprio.pip_adapter.protocols.resolver import (
        Causes,
        Constraint,
        Factory,
        ResolutionImpossible,
        ResolverCandidate,
        ResolverRequirement,
    )

T = TypeVar("T")


def get_installation_error(original: Callable[..., Exception]) -> Callable[..., Exception]:
    """Wraps pip's error that nothing fits: adds the owner and the rule, if the policy is involved."""

    @functools.wraps(original)
    def get_installation_error(
        self: Factory, e: ResolutionImpossible, constraints: Mapping[str, Constraint]
    ) -> Exception:
        error = original(self, e, constraints)
        guard = guard_of(self._finder)
        if guard is None or type(error).__name__ == "UnsupportedPythonVersion":
            return error
        for requirement, parent in e.causes:
            if refusal := _nothing_fits(guard, requirement, parent, constraints):
                return refusal
        return _with_owners(guard, error, e.causes)

    return get_installation_error


def refusal_of(explanation: Explanation) -> LookupRefused | None:
    """The refusal for a requirement that no candidate fits; None if one does."""
    from repoprio.pip_adapter.errors import LookupRefused

    if explanation.outcome is Outcome.SERVED:
        return None
    return LookupRefused(refusals.refusal(explanation), explanation)


def _nothing_fits(
    guard: PolicyFinder,
    requirement: ResolverRequirement,
    parent: ResolverCandidate | None,
    constraints: Mapping[str, Constraint],
) -> LookupRefused | None:
    _, ireq = requirement.get_candidate_lookup()
    if ireq is None or ireq.req is None:
        return None
    specifier, hashes = ireq.req.specifier, ireq.hashes(trust_internet=False)
    constraint = constraints.get(requirement.project_name)
    if constraint is not None:
        specifier, hashes = specifier & constraint.specifier, hashes & constraint.hashes
    by = f"{parent.name} {parent.version}" if parent is not None else None
    shown = str(ireq.req).partition(";")[0].strip()
    left = str(constraint.specifier) if constraint is not None else ""
    explanation = guard.explanation(
        requirement.project_name, specifier, requirement=shown, required_by=by, hashes=hashes, constraint=left
    )
    return refusal_of(explanation)


def _with_owners(guard: PolicyFinder, error: Exception, causes: Causes) -> Exception:
    """Pip's own error for a conflict, with the owners whose versions it could choose from."""
    from repoprio.pip_adapter.errors import LookupRefused

    names = dict.fromkeys(requirement.project_name for requirement, _ in causes)
    explanations = [guard.explanation(name) for name in names if name != "<Python from Requires-Python>"]
    lines = [sentences.sentence(explanation) for explanation in explanations if explanation.owners]
    return (
        LookupRefused(message("these requirements conflict.", [*lines, f"pip: {error}"], "conflict"))
        if lines
        else error
    )


def get_available_package_versions(original: Callable[..., T]) -> Callable[..., T]:
    """Wraps ``pip index versions``, for the case that nothing fits."""

    @functools.wraps(original)
    def get_available_package_versions(self: IndexCommand, options: Values, args: list[str]) -> T:
        from pip._internal.exceptions import DistributionNotFound

        finders: list[PackageFinder] = []
        build = self._build_package_finder

        def build_and_note(*args: object, **kwargs: object) -> PackageFinder:
            finders.append(build(*args, **kwargs))
            return finders[-1]

        self._build_package_finder = build_and_note
        try:
            return original(self, options, args)
        except DistributionNotFound:
            guard = guard_of(finders[-1]) if finders else None
            refusal = guard and refusal_of(guard.explanation(args[0]))
            if not refusal:
                raise
            raise refusal from None

    return get_available_package_versions
