"""Pip's resolvers and resolvelib."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Protocol

from repoprio.pip_adapter.protocols.finder import PackageFinder
from repoprio.pip_adapter.protocols.links import Hashes, Link, SpecifierSet
from repoprio.pip_adapter.protocols.requirements import InstallRequirement, RequirementSet


class Constraint(Protocol):
    """What all constraints say of one project."""

    specifier: SpecifierSet
    hashes: Hashes


class ResolverCandidate(Protocol):
    """A node of resolvelib's graph; one with extras stands beside its base, and has the same project."""

    @property
    def name(self) -> str:
        """The project, with its extras."""

    @property
    def project_name(self) -> str:
        """The project."""

    @property
    def version(self) -> object:
        """Its version."""

    @property
    def is_installed(self) -> bool:
        """Whether it stays as it is."""

    @property
    def source_link(self) -> Link | None:
        """Its file; None for what is installed."""

    def get_install_requirement(self) -> InstallRequirement | None:
        """What is to be installed for it."""


class ResolverRequirement(Protocol):
    """An edge of resolvelib's graph."""

    @property
    def name(self) -> str:
        """The project, with its extras."""

    @property
    def project_name(self) -> str:
        """The project."""

    def get_candidate_lookup(self) -> tuple[ResolverCandidate | None, InstallRequirement | None]:
        """A candidate that is named, or what to look up."""


# Who wants what, None for the user.
Causes = Sequence[tuple[ResolverRequirement, "ResolverCandidate | None"]]


class ResolutionImpossible(Protocol):
    """Resolvelib's error."""

    causes: Causes


class Criterion(Protocol):
    """What was wanted of one node while the graph grew."""

    information: Iterable[tuple[ResolverRequirement, ResolverCandidate | None]]


class Graph(Protocol):
    """Edges from parent to child; None is the user."""

    def __iter__(self) -> Iterator[str | None]:
        """Its nodes."""

    def iter_parents(self, key: str) -> Iterator[str | None]:
        """Who wants a node."""


class ResolutionResult(Protocol):
    """What resolvelib came to."""

    mapping: Mapping[str, ResolverCandidate]
    criteria: Mapping[str, Criterion]
    graph: Graph


class Factory(Protocol):
    """Makes the candidates and requirements of a resolution."""

    _finder: PackageFinder
    _link_candidate_cache: MutableMapping[Link, object]
    _make_install_req_from_spec: Callable[[str, InstallRequirement], InstallRequirement]

    def get_installation_error(self, e: Any, constraints: Mapping[str, Constraint]) -> Exception:
        """Why there is no resolution."""


class Provider(Protocol):
    """What resolvelib asks."""

    _factory: Factory
    _constraints: Mapping[str, Constraint]

    def find_matches(
        self, identifier: str, requirements: object, incompatibilities: Mapping[str, Iterable[ResolverCandidate]]
    ) -> Iterable[ResolverCandidate]:
        """The candidates of a node."""

    def is_satisfied_by(self, requirement: ResolverRequirement, candidate: ResolverCandidate) -> bool:
        """Whether a candidate is what is wanted."""

    def get_dependencies(self, candidate: ResolverCandidate) -> Iterable[ResolverRequirement]:
        """What a candidate wants."""


class Resolver(Protocol):
    """Pip's resolver on resolvelib; the legacy one has neither `factory` nor `_result`, but a `finder`."""

    factory: Factory
    _result: ResolutionResult

    def resolve(self, root_reqs: list[InstallRequirement], check_supported_wheels: bool) -> RequirementSet:
        """What is to be installed."""


class CollectedRootRequirements(Protocol):
    """What a resolution begins with."""

    constraints: Mapping[str, Constraint]


class LegacyResolver(Protocol):
    """Pip's resolver before resolvelib."""

    finder: PackageFinder
