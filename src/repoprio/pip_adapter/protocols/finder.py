"""Pip's finder, and what it judges links and candidates with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from repoprio.pip_adapter.protocols.links import Hashes, InstallationCandidate, Link, SpecifierSet
from repoprio.pip_adapter.protocols.network import PipSession


class BestCandidateResult(Protocol):
    """What a look-up came to; the applicable candidates are a method's until pip 25.1, then a field."""

    best_candidate: InstallationCandidate | None


class SearchScope(Protocol):
    """Where a finder looks."""

    index_urls: list[str]
    find_links: list[str]


class TargetPython(Protocol):
    """The Python that is installed for; pip 23.1 and later also have `get_unsorted_tags`, which costs less."""

    py_version_info: tuple[int, ...]

    def __hash__(self) -> int:
        """By identity: each one is asked once."""


class LinkEvaluator(Protocol):
    """Judges links to files of one project; its verdict is a boolean until pip 22.2, then an enum."""

    project_name: str
    _target_python: TargetPython
    _ignore_requires_python: bool

    def evaluate_link(self, link: Link) -> tuple[object, str | None]:
        """Its verdict, and a version or a reason."""


class CandidateEvaluator(Protocol):
    """Holds candidates against one requirement."""

    def get_applicable_candidates(self, candidates: list[InstallationCandidate]) -> list[InstallationCandidate]:
        """Those that fit, the best one last."""

    def compute_best_candidate(self, candidates: list[InstallationCandidate]) -> BestCandidateResult:
        """The best one."""


class LinkCollector(Protocol):
    """Fetches pages for a finder."""

    session: PipSession


class PackageFinder(Protocol):
    """Looks up projects; pip 26.0 and later keep in `_locked_links` what a pylock.toml names."""

    _link_collector: LinkCollector

    @property
    def search_scope(self) -> SearchScope:
        """Where it looks."""

    def find_best_candidate(
        self, project_name: str, specifier: SpecifierSet | None = None, hashes: Hashes | None = None
    ) -> BestCandidateResult:
        """What fits best."""

    def make_link_evaluator(self, project_name: str) -> LinkEvaluator:
        """What judges links."""

    def make_candidate_evaluator(
        self, project_name: str, specifier: SpecifierSet | None = None, hashes: Hashes | None = None
    ) -> CandidateEvaluator:
        """What judges candidates."""

    def find_all_candidates(self, project_name: str) -> list[InstallationCandidate]:
        """Whatever there is."""

    def evaluate_links(self, link_evaluator: LinkEvaluator, links: Iterable[Link]) -> list[InstallationCandidate]:
        """The candidates among links."""

    def get_install_candidate(self, link_evaluator: LinkEvaluator, link: Link) -> InstallationCandidate | None:
        """The candidate of a link."""
