"""The result of a resolution by pip: which files it chose, and the final bounds of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from pip._internal.utils.hashes import Hashes
from pip._vendor.packaging.specifiers import SpecifierSet

from repoprio.names import NormalizedName, normalize
from repoprio.pip_adapter.compat import is_version
from repoprio.pip_adapter.registry import Registry
from repoprio.pip_adapter.requirements import Wanted, narrowed
from repoprio.simple_api.filenames import version_in
from repoprio.urls import filename

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import InstallationCandidate, Link
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement, RequirementSet
    from repoprio.pip_adapter.protocols.resolver import (
        Constraint,
        Factory,
        ResolutionResult,
        Resolver,
        ResolverRequirement,
    )


class PipChoice(NamedTuple):
    """One file that pip chose, as objects of pip.

    `ireq` is its InstallRequirement, `link` the chosen file (never a cached wheel made from it); `specifier` and
    `hashes` are those of all requirements and constraints, merged.
    """

    project: NormalizedName
    version: str
    link: Link
    ireq: InstallRequirement
    specifier: SpecifierSet | None
    hashes: Hashes | None

    @property
    def is_direct(self) -> bool:
        """Whether a requirement named the URL, so that pip had no choice."""
        return self.ireq.original_link is not None


# For each factory of the resolver: the constraints by name.
_CONSTRAINTS: Registry[Mapping[str, Constraint]] = Registry()


def note_constraints(factory: Factory, constraints: Mapping[str, Constraint]) -> None:
    """Note the constraints of a resolution with `factory`."""
    _CONSTRAINTS.put(factory, constraints)


def resolver_choices(
    resolver: Resolver, requirement_set: RequirementSet, returned: Mapping[str, tuple[InstallationCandidate, Wanted]]
) -> Iterator[PipChoice]:
    """The choices of a resolver whose result is `requirement_set`.

    For the legacy resolver, `returned` has the candidates that its finder returned, by name. A distribution that is
    installed already, and stays, is no choice.
    """
    if hasattr(resolver, "factory"):
        return _result_choices(resolver)
    return _legacy_choices(requirement_set, returned)


def _result_choices(resolver: Resolver) -> Iterator[PipChoice]:
    result = resolver._result
    wanted = _wanted(result, _CONSTRAINTS.get(resolver.factory) or {})
    for candidate in result.mapping.values():
        ireq, link = candidate.get_install_requirement(), candidate.source_link
        # A candidate with extras comes in addition to its base, which has the requirement.
        if ireq is not None and link is not None and not candidate.is_installed:
            project = normalize(candidate.project_name)
            specifier, hashes = wanted.get(project, (SpecifierSet(), Hashes()))
            yield PipChoice(project, str(candidate.version), link, ireq, specifier, hashes)


def _wanted(result: ResolutionResult, constraints: Mapping[str, Constraint]) -> dict[NormalizedName, Wanted]:
    """The specifier and hashes of each project at the end of a resolution, merged as pip's factory does."""
    merged: dict[NormalizedName, Wanted] = {
        normalize(name): (constraint.specifier, constraint.hashes) for name, constraint in constraints.items()
    }
    for _, _, requirement in live_requirements(result):
        _, ireq = requirement.get_candidate_lookup()
        if ireq is not None and ireq.req is not None:
            project = normalize(requirement.project_name)
            merged[project] = narrowed(merged.get(project, (SpecifierSet(), Hashes())), [ireq])
    return merged


def live_requirements(result: ResolutionResult) -> Iterator[tuple[str | None, str, ResolverRequirement]]:
    """The requirements of the final choices, as parent, child and requirement.

    The criteria of resolvelib also have requirements of parents that it dropped; these are left out.
    """
    nodes: dict[int, str | None] = {id(candidate): key for key, candidate in result.mapping.items()}
    nodes[id(None)] = None
    for key, criterion in result.criteria.items():
        for requirement, parent in criterion.information:
            if id(parent) in nodes:
                yield nodes[id(parent)], key, requirement


def _legacy_choices(
    requirement_set: RequirementSet, returned: Mapping[str, tuple[InstallationCandidate, Wanted]]
) -> Iterator[PipChoice]:
    for ireq in requirement_set.all_requirements:
        if ireq.link is None:
            continue
        if ireq.original_link is not None:
            link = ireq.original_link
            project = normalize(ireq.name or "")
            yield PipChoice(project, version_in(filename(link.url), project, is_version) or "", link, ireq, None, None)
        elif ireq.name is not None and ireq.name in returned:
            candidate, (specifier, hashes) = returned[ireq.name]
            yield PipChoice(normalize(ireq.name), str(candidate.version), candidate.link, ireq, specifier, hashes)
