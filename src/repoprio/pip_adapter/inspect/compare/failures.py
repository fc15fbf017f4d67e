"""Finds the projects because of which pip's resolver gave up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from repoprio.explain.comparison import Failure, FailureCode
from repoprio.names import NormalizedName, normalize
from repoprio.pip_adapter.inspect.compare.preparer import name_of
from repoprio.pip_adapter.inspect.compare.sides import Side
from repoprio.pip_adapter.requirements import narrowed

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement
    from repoprio.pip_adapter.protocols.resolver import Causes, ResolverCandidate, ResolverRequirement


_PYTHON = "<Python from Requires-Python>"
Failures = dict[NormalizedName, Failure]


def blame(
    error: Exception, side: Side, constraints: Sequence[InstallRequirement], direct: Mapping[str, NormalizedName]
) -> Failures:
    """The failed projects behind a `PipError`; empty if pip does not say.

    A requirement that fits nothing counts before requirements that conflict. `direct` has the projects
    that are requested by URL, by file name.
    """
    causes = getattr(error.__cause__, "causes", ())
    lone: Failures = {}
    for requirement, parent in causes:
        lone.update(_lone(side, requirement, parent, constraints))
    return lone or (_conflict(causes) if causes else _file_failures(error, direct))


def _lone(
    side: Side,
    requirement: ResolverRequirement,
    parent: ResolverCandidate | None,
    constraints: Sequence[InstallRequirement],
) -> Failures:
    """The failure of a requirement that fits nothing, regardless of the others."""
    if requirement.name == _PYTHON:
        return _python_failures(requirement, parent) if parent is not None else {}
    _, ireq = requirement.get_candidate_lookup()
    if ireq is None or ireq.req is None:
        return {}
    name = normalize(requirement.project_name)
    bounds = (constraint for constraint in constraints if name_of(constraint) == name and constraint.req is not None)
    specifier, hashes = narrowed((ireq.req.specifier, ireq.hashes(trust_internet=False)), bounds)
    failure = side.why_not(name, specifier, hashes)
    return {name: failure} if failure else {}


def _python_failures(requirement: ResolverRequirement, parent: ResolverCandidate) -> Failures:
    # Only a requirement of a Python has a specifier of its own.
    bounds = getattr(requirement, "specifier", "")
    reason = f"{parent.project_name} {parent.version} needs Python {bounds}"
    return {normalize(parent.project_name): Failure(FailureCode.REQUIRES_PYTHON, f"{reason}.", reason)}


def _conflict(causes: Causes) -> Failures:
    names = dict.fromkeys(normalize(requirement.project_name) for requirement, _ in causes)
    if len(causes) == 1:
        # Something fits, and pip has looked at it and passed it over.
        (name,) = names
        return {
            name: Failure(
                FailureCode.UNREADABLE, f"no file of {name} has metadata that pip accepts.", "its metadata is bad"
            )
        }
    wants = [f"{_requirer(parent)} {_wanted(requirement)}" for requirement, parent in causes]
    listed = "; ".join(dict.fromkeys(wants))
    return {name: Failure(FailureCode.CONFLICT, f"these conflict: {listed}.", f"conflict: {listed}") for name in names}


def _requirer(parent: ResolverCandidate | None) -> str:
    return f"{parent.name} {parent.version} wants" if parent else "you want"


def _wanted(requirement: ResolverRequirement) -> str:
    _, ireq = requirement.get_candidate_lookup()
    if ireq is None or ireq.req is None:
        return str(requirement.name)
    return str(ireq.req).partition(";")[0].strip()


def _file_failures(error: Exception, direct: Mapping[str, NormalizedName]) -> Failures:
    """What pip reports about an error with a single file: the requirement, or only the file's name."""
    if type(error).__name__ == "UnsupportedWheel":
        names = (name for file, name in direct.items() if file in str(error))
        return {name: Failure(FailureCode.UNSUPPORTED, f"{name} is a wheel for another platform.") for name in names}
    req: InstallRequirement | None = getattr(error, "ireq", None) or getattr(error, "req", None)
    name = name_of(req) if req is not None and hasattr(req, "link") else None
    return {name: Failure(FailureCode.UNREADABLE, f"pip cannot take {name} ({type(error).__name__}).")} if name else {}
