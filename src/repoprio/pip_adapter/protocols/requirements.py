"""Pip's requirements, requirements files and distributions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from repoprio.pip_adapter.protocols.finder import PackageFinder
from repoprio.pip_adapter.protocols.links import Hashes, Link, Requirement, SpecifierSet
from repoprio.pip_adapter.protocols.network import PipSession


class InstallRequirement(Protocol):
    """A requirement to install."""

    name: str | None
    req: Requirement | None
    link: Link | None
    original_link: Link | None
    comes_from: object
    constraint: bool
    editable: bool
    isolated: bool
    markers: object
    user_supplied: bool
    hash_options: dict[str, list[str]]
    local_file_path: str | None

    def match_markers(self) -> bool:
        """Whether its marker matches this environment."""

    @property
    def specifier(self) -> SpecifierSet:
        """The specifier of `req`."""

    @property
    def is_wheel(self) -> bool:
        """Whether its file is a wheel."""

    def hashes(self, *, trust_internet: bool) -> Hashes:
        """The hashes that its file may have."""


class RequirementsFileParser(Protocol):
    """Reads a requirements file, and the files that it includes."""

    _session: PipSession


class ParsedLine(Protocol):
    """A line of a requirements file."""

    lineno: int
    constraint: bool


class Distribution(Protocol):
    """The metadata of a file, or of an installed distribution."""

    @property
    def raw_name(self) -> str:
        """The name as the metadata spells it."""

    @property
    def version(self) -> object:
        """The version."""

    def iter_dependencies(self, extras: Sequence[str] = ()) -> Iterable[object]:
        """The dependencies."""

    def iter_provided_extras(self) -> Iterable[str]:
        """The names of the extras."""


class UninstallPathSet(Protocol):
    """The files that an uninstallation removes: `_paths`, or `paths` in older pips."""

    # Asks the user for confirmation.
    _allowed_to_proceed: Callable[[bool], bool]


class RequirementSet(Protocol):
    """The result of a resolution."""

    @property
    def all_requirements(self) -> list[InstallRequirement]:
        """All requirements to install."""


class RequirementPreparer(Protocol):
    """Fetches files and their metadata."""

    finder: PackageFinder
    download_dir: str | None
    require_hashes: bool
    use_lazy_wheel: bool

    def prepare_linked_requirement(self, req: InstallRequirement, parallel_builds: bool) -> Distribution:
        """The metadata of the file of `req`."""
