"""Finds pip's candidates fast: pip's own evaluator judges one file of each kind, and equal files get the same result.

A pure-Python project has thousands of wheels that differ only in their version.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pip._internal.models.candidate import InstallationCandidate
from pip._vendor.packaging.specifiers import SpecifierSet

from repoprio.pip_adapter import compat, policy_reading
from repoprio.pip_adapter.garbage import uncollected
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.index.quick_links import is_same, slots_of
from repoprio.pip_adapter.registry import Registry
from repoprio.simple_api.model import File

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import CandidateEvaluator, LinkEvaluator, PackageFinder
    from repoprio.pip_adapter.protocols.links import Hashes, Link, Version


# A wheel without a build number, or an sdist, whose version has only one spelling: nothing else in it matters to pip.
_VERSION = r"[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?"
_PLAIN_VERSION = re.compile(_VERSION, re.ASCII)
_PLAIN_WHEEL = re.compile(rf"[A-Za-z0-9_.]+-{_VERSION}-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+\.whl", re.ASCII)
# Of .zip files pip looks at the whole path.
_SDIST = ".tar.gz"
_PLAIN_SDIST = re.compile(rf"[A-Za-z0-9_.-]+-{_VERSION}\.tar\.gz", re.ASCII)
# The attributes of pip's evaluators that affect the result (22.0 to 26.3); all are the same for a whole page.
_SETTINGS = frozenset(
    ("project_name", "_canonical_name", "_formats", "_target_python", "_allow_yanked", "_ignore_requires_python")
)
# If this one is set, the result depends on the time of each file.
_UPLOADED = "_uploaded_prior_to"
_SLOTS = slots_of(InstallationCandidate)


def candidates(
    finder: PackageFinder, evaluator: LinkEvaluator, page: PipPage, files: Sequence[File]
) -> list[InstallationCandidate]:
    """The candidates among `files` of `page`, in the order of pip's `finder`."""
    # pip sorts links with an egg fragment to the end.
    if _may_judge(evaluator) and not any("egg=" in file.url for file in files):
        with uncollected():
            return list(_judged(finder, evaluator, page, files))
    # Skip wheels for other platforms, most files of a large page; only a verbose pip would log them.
    plausible = files if compat.says_what_it_skips() else filter(compat.tags(evaluator).may_take, files)
    return list(finder.evaluate_links(evaluator, [page.link(file) for file in plausible]))


def _may_judge(evaluator: LinkEvaluator) -> bool:
    """Whether pip treats files of one kind equally, and logs no reasons for single files."""
    settings = vars(evaluator)
    knows_all = settings.keys() - {_UPLOADED} <= _SETTINGS and settings.get(_UPLOADED) is None
    return knows_all and _is_as_pips() and not compat.says_what_it_skips()


def _judged(
    finder: PackageFinder, evaluator: LinkEvaluator, page: PipPage, files: Iterable[File]
) -> Iterator[InstallationCandidate]:
    name, may_take = evaluator.project_name, compat.tags(evaluator).may_take
    seen: set[str] = set()
    accepted_kinds: set[tuple[object, ...]] = set()
    for file in files:
        begin, text, rest = _pieces(file.filename)
        kind = begin, rest, file.requires_python, file.yanked is None
        version = _plain_version(text) if kind in accepted_kinds else None
        if version is None and not may_take(file):
            continue
        link = page.link(file)
        if link.url in seen:
            continue
        seen.add(link.url)
        if version is not None:
            yield quick_candidate(name, version, link)
        elif candidate := finder.get_install_candidate(evaluator, link):
            if _is_plain(file.filename) and candidate.version == compat.version_of(text):
                accepted_kinds.add(kind)
            yield candidate


def _pieces(filename: str) -> tuple[str, str, str]:
    """The parts of a wheel's or an sdist's name: before the version, the version, and after it."""
    if filename.endswith(_SDIST):
        begin, _, text = filename[: -len(_SDIST)].rpartition("-")
        return begin, text, _SDIST
    begin, _, others = filename.partition("-")
    text, _, rest = others.partition("-")
    return begin, text, rest


def _is_plain(filename: str) -> bool:
    return (_PLAIN_SDIST if filename.endswith(_SDIST) else _PLAIN_WHEEL).fullmatch(filename) is not None


def _plain_version(text: str) -> Version | None:
    return compat.version_of(text) if _PLAIN_VERSION.fullmatch(text) else None


def quick_candidate(name: str, version: Version | None, link: Link | None) -> InstallationCandidate:
    """A candidate of pip for a version that is parsed already."""
    candidate = InstallationCandidate.__new__(InstallationCandidate)
    fill = object.__setattr__
    fill(candidate, "name", name)
    fill(candidate, "version", version)
    fill(candidate, "link", link)
    if "locked" in _SLOTS:
        # Since pip 26.2.
        fill(candidate, "locked", False)
    if "_compare_key" in _SLOTS:
        # Up to pip 24.0.
        fill(candidate, "_compare_key", (name, version, link))
        fill(candidate, "_defining_class", InstallationCandidate)
    return candidate


@functools.cache
def _is_as_pips() -> bool:
    """Whether this pip was tested, and candidates made here equal its own in every slot."""
    if policy_reading.news():
        return False
    version = "1.0.post1"
    try:
        ours = quick_candidate("acme", compat.version_of(version), None)
        return is_same(InstallationCandidate, InstallationCandidate("acme", version, None), ours)
    except AttributeError:
        return False


_PREFERENCES = ("prefer_binary", "allow_all_prereleases", "release_control")
_EVALUATORS: Registry[dict[tuple[int, ...], Any]] = Registry()
_PREFERENCES_HELD = ("_prefer_binary", "_allow_all_prereleases", "_release_control")
# The attributes of pip's evaluator of candidates that affect its ranking; all but the hashes belong to the finder.
_RANKING = frozenset(
    (*_PREFERENCES_HELD, "_project_name", "_supported_tags", "_wheel_tag_preferences", "_specifier", "_hashes")
)


def evaluator_of(
    finder: PackageFinder, name: str, specifier: SpecifierSet | None, hashes: Hashes | None
) -> CandidateEvaluator:
    """What `make_candidate_evaluator` makes: that ranks all tags of this Python each time, here it is done once."""
    preferences: Any = getattr(finder, "_candidate_prefs", None)
    # Booleans, and an object that each evaluator holds.
    key = tuple(id(getattr(preferences, preference, None)) for preference in _PREFERENCES)
    known = _EVALUATORS.get_or_make(finder, dict)
    if key not in known:
        known[key] = finder.make_candidate_evaluator(name)
    evaluator: Any = copy.copy(known[key])
    if {"_project_name", "_specifier", "_hashes"} - vars(evaluator).keys():
        return finder.make_candidate_evaluator(name, specifier=specifier, hashes=hashes)
    evaluator._project_name, evaluator._hashes = name, hashes
    evaluator._specifier = SpecifierSet() if specifier is None else specifier
    if not hashes and vars(evaluator).keys() <= _RANKING and _is_as_pips():
        evaluator._sort_key = _Ranking(evaluator._sort_key)
    result: CandidateEvaluator = evaluator
    return result


class _Ranking:
    """Pip's sort key of candidates: asked for once for each kind of wheel, since only versions differ in a kind."""

    def __init__(self, sort_key: Callable[[InstallationCandidate], tuple[Any, ...]]) -> None:
        self._sort_key = sort_key
        # For each kind the key of one wheel, before its version and after it.
        self._known: dict[tuple[str, bool], tuple[tuple[Any, ...], tuple[Any, ...]]] = {}

    def __call__(self, candidate: InstallationCandidate) -> tuple[Any, ...]:
        """The key by which pip sorts a candidate, if nobody asked for hashes."""
        link, version = candidate.link, candidate.version
        filename = link.filename
        kind = filename.split("-", 2)[-1], link.is_yanked
        known = self._known.get(kind)
        if known is not None and _PLAIN_WHEEL.fullmatch(filename):
            return (*known[0], version, *known[1])
        key = self._sort_key(candidate)
        places = [place for place, part in enumerate(key) if part is version]
        if len(places) == 1 and _PLAIN_WHEEL.fullmatch(filename):
            self._known[kind] = key[: places[0]], key[places[0] + 1 :]
        return key
