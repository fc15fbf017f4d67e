"""Pip's finder, with its evaluators of links and candidates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from repoprio.pip_adapter.protocols.links import Hashes, InstallationCandidate, Link, SpecifierSet
from repoprio.pip_adapter.protocols.network import PipSession


class BestCandidateResult(Protocol):
    """The result of a lookup; the applicable candidates are returned by a method until pip 25.1, then a field."""

    best_candidate: InstallationCandidate | None


class SearchScope(Protocol):
    """The places in which a finder searches."""

    index_urls: list[str]
    find_links: list[str]


class TargetPython(Protocol):
    """The Python to install for; pip 23.1 and later also have `get_unsorted_tags`, which is faster."""

    py_version_info: tuple[int, ...]

    def __hash__(self) -> int:
        """A hash by identity, so that results can be cached for each object."""


class LinkEvaluator(Protocol):
    """Evaluates links to files of one project; the result is a boolean until pip 22.2, then an enum."""

    project_name: str
    _target_python: TargetPython
    _ignore_requires_python: bool

    def evaluate_link(self, link: Link) -> tuple[object, str | None]:
        """The result, and a version or a reason."""


class CandidateEvaluator(Protocol):
    """Compares candidates with one requirement."""

    def get_applicable_candidates(self, candidates: list[InstallationCandidate]) -> list[InstallationCandidate]:
        """The candidates that fit, the best one last."""

    def compute_best_candidate(self, candidates: list[InstallationCandidate]) -> BestCandidateResult:
        """The best candidate and all applicable ones."""


class LinkCollector(Protocol):
    """Fetches pages for a finder."""

    session: PipSession


class PackageFinder(Protocol):
    """Looks up projects; in pip 26.0 and later, `_locked_links` has the files that a pylock.toml names."""

    _link_collector: LinkCollector

    @property
    def search_scope(self) -> SearchScope:
        """The places in which it searches."""

    def find_best_candidate(
        self, project_name: str, specifier: SpecifierSet | None = None, hashes: Hashes | None = None
    ) -> BestCandidateResult:
        """The best candidate for a requirement."""

    def make_link_evaluator(self, project_name: str) -> LinkEvaluator:
        """A new evaluator for links."""

    def make_candidate_evaluator(
        self, project_name: str, specifier: SpecifierSet | None = None, hashes: Hashes | None = None
    ) -> CandidateEvaluator:
        """A new evaluator for candidates."""

    def find_all_candidates(self, project_name: str) -> list[InstallationCandidate]:
        """All candidates for a project."""

    def evaluate_links(self, link_evaluator: LinkEvaluator, links: Iterable[Link]) -> list[InstallationCandidate]:
        """The candidates for those of `links` that are accepted."""

    def get_install_candidate(self, link_evaluator: LinkEvaluator, link: Link) -> InstallationCandidate | None:
        """The candidate for a link; None if it is rejected."""
