"""Pip's resolvers, and resolvelib."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Protocol

from repoprio.pip_adapter.protocols.finder import PackageFinder
from repoprio.pip_adapter.protocols.links import Hashes, Link, SpecifierSet
from repoprio.pip_adapter.protocols.requirements import InstallRequirement, RequirementSet


class Constraint(Protocol):
    """All constraints on one project, merged."""

    specifier: SpecifierSet
    hashes: Hashes


class ResolverCandidate(Protocol):
    """A node of resolvelib's graph; a candidate with extras is a separate node of the same project."""

    @property
    def name(self) -> str:
        """The name of the project, with extras."""

    @property
    def project_name(self) -> str:
        """The name of the project."""

    @property
    def version(self) -> object:
        """The version."""

    @property
    def is_installed(self) -> bool:
        """Whether it is installed already, and stays."""

    @property
    def source_link(self) -> Link | None:
        """The file; None if it is installed already."""

    def get_install_requirement(self) -> InstallRequirement | None:
        """The requirement to install it; None if there is nothing to install."""


class ResolverRequirement(Protocol):
    """An edge of resolvelib's graph."""

    @property
    def name(self) -> str:
        """The name of the project, with extras."""

    @property
    def project_name(self) -> str:
        """The name of the project."""

    def get_candidate_lookup(self) -> tuple[ResolverCandidate | None, InstallRequirement | None]:
        """A candidate that the requirement names itself, or the requirement to look up."""


# Requirements with their parents; None is the user.
Causes = Sequence[tuple[ResolverRequirement, "ResolverCandidate | None"]]


class ResolutionImpossible(Protocol):
    """Resolvelib's error: requirements conflict."""

    causes: Causes


class Criterion(Protocol):
    """The requirements of one node, collected during the resolution."""

    information: Iterable[tuple[ResolverRequirement, ResolverCandidate | None]]


class Graph(Protocol):
    """The graph of a resolution, with edges from parent to child; None is the user."""

    def __iter__(self) -> Iterator[str | None]:
        """The keys of the nodes."""

    def iter_parents(self, key: str) -> Iterator[str | None]:
        """The parents of a node."""


class ResolutionResult(Protocol):
    """Resolvelib's result."""

    mapping: Mapping[str, ResolverCandidate]
    criteria: Mapping[str, Criterion]
    graph: Graph


class Factory(Protocol):
    """Makes the candidates and requirements of a resolution."""

    _finder: PackageFinder
    _link_candidate_cache: MutableMapping[Link, object]
    _make_install_req_from_spec: Callable[[str, InstallRequirement], InstallRequirement]

    def get_installation_error(self, e: Any, constraints: Mapping[str, Constraint]) -> Exception:
        """Pip's error for a failed resolution."""


class Provider(Protocol):
    """Answers resolvelib's questions."""

    _factory: Factory
    _constraints: Mapping[str, Constraint]

    def find_matches(
        self, identifier: str, requirements: object, incompatibilities: Mapping[str, Iterable[ResolverCandidate]]
    ) -> Iterable[ResolverCandidate]:
        """The candidates for a node, in the order in which they are tried."""

    def is_satisfied_by(self, requirement: ResolverRequirement, candidate: ResolverCandidate) -> bool:
        """Whether a candidate fits a requirement."""

    def get_dependencies(self, candidate: ResolverCandidate) -> Iterable[ResolverRequirement]:
        """The dependencies of a candidate."""


class Resolver(Protocol):
    """Pip's resolver on resolvelib; the legacy one has neither `factory` nor `_result`, but a `finder`."""

    factory: Factory
    _result: ResolutionResult

    def resolve(self, root_reqs: list[InstallRequirement], check_supported_wheels: bool) -> RequirementSet:
        """The result of the resolution."""


class CollectedRootRequirements(Protocol):
    """The requirements with which a resolution begins."""

    constraints: Mapping[str, Constraint]


class LegacyResolver(Protocol):
    """Pip's resolver before resolvelib."""

    finder: PackageFinder
