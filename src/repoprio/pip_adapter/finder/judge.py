"""Which files are candidates to pip: its own evaluator judges one file of each kind, and the others are like it.

A pure project has thousands of wheels that differ in their version alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pip._internal.models.candidate import InstallationCandidate

from repoprio.pip_adapter import compat
from repoprio.pip_adapter.garbage import uncollected
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.index.quick_links import is_same, slots_of
from repoprio.simple_api.model import File

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import LinkEvaluator, PackageFinder
    from repoprio.pip_adapter.protocols.links import Link, Version


# A wheel without a build number, and of a version that has one spelling: nothing in it could displease pip.
_VERSION = r"[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?"
_PLAIN_VERSION = re.compile(_VERSION, re.ASCII)
_PLAIN_WHEEL = re.compile(rf"[A-Za-z0-9_.]+-{_VERSION}-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+\.whl", re.ASCII)
# What pip's evaluators go by (22.0 to 26.3), and we with them: all of it is one for a whole page but the last.
_SETTINGS = frozenset(
    ("project_name", "_canonical_name", "_formats", "_target_python", "_allow_yanked", "_ignore_requires_python")
)
_UPLOADED = "_uploaded_prior_to"
_SLOTS = slots_of(InstallationCandidate)


def candidates(
    finder: PackageFinder, evaluator: LinkEvaluator, page: PipPage, files: Sequence[File]
) -> list[InstallationCandidate]:
    """The candidates among `files` of `page`, in the order in which pip's `finder` has them."""
    # pip puts links with an egg behind all others.
    if _may_judge(evaluator) and not any("egg=" in file.url for file in files):
        with uncollected():
            return list(_judged(finder, evaluator, page, files))
    # Most files of a large page are wheels for others: pip would only say so, and only where it says all.
    wanted = files if compat.says_what_it_skips() else filter(compat.tags(evaluator).may_take, files)
    return list(finder.evaluate_links(evaluator, [page.link(file) for file in wanted]))


def _may_judge(evaluator: LinkEvaluator) -> bool:
    """Whether files of a kind are alike to pip, and it says of none why it takes it or not."""
    settings = vars(evaluator)
    knows_all = settings.keys() - {_UPLOADED} <= _SETTINGS and settings.get(_UPLOADED) is None
    return knows_all and _is_as_pips() and not compat.says_what_it_skips()


def _judged(
    finder: PackageFinder, evaluator: LinkEvaluator, page: PipPage, files: Iterable[File]
) -> Iterator[InstallationCandidate]:
    name, may_take = evaluator.project_name, compat.tags(evaluator).may_take
    seen: set[str] = set()
    taken: set[tuple[object, ...]] = set()
    for file in files:
        # A wheel has its version between its first two dashes.
        kind: tuple[object, ...] = ()
        version = None
        parts = file.filename.split("-", 2)
        if len(parts) == 3:
            kind = (parts[0], parts[2], file.requires_python, file.yanked is None)
            version = _plain_version(parts[1]) if kind in taken else None
        if version is None and not may_take(file):
            continue
        link = page.link(file)
        if link.url in seen:
            continue
        seen.add(link.url)
        if version is not None:
            yield quick_candidate(name, version, link)
        elif candidate := finder.get_install_candidate(evaluator, link):
            if _PLAIN_WHEEL.fullmatch(file.filename):
                taken.add(kind)
            yield candidate


def _plain_version(text: str) -> Version | None:
    return compat.version_of(text) if _PLAIN_VERSION.fullmatch(text) else None


def quick_candidate(name: str, version: Version | None, link: Link | None) -> InstallationCandidate:
    """Pip's candidate of a version that is parsed already."""
    made = InstallationCandidate.__new__(InstallationCandidate)
    fill = object.__setattr__
    fill(made, "name", name)
    fill(made, "version", version)
    fill(made, "link", link)
    if "locked" in _SLOTS:
        # Since pip 26.2.
        fill(made, "locked", False)
    if "_compare_key" in _SLOTS:
        # Up to pip 24.0.
        fill(made, "_compare_key", (name, version, link))
        fill(made, "_defining_class", InstallationCandidate)
    return made


@functools.cache
def _is_as_pips() -> bool:
    """Whether this pip is one of those that were tested, and candidates made here are its own, to the last slot."""
    if compat.news():
        return False
    version = "1.0.post1"
    try:
        ours = quick_candidate("acme", compat.version_of(version), None)
        return is_same(InstallationCandidate, InstallationCandidate("acme", version, None), ours)
    except AttributeError:
        return False
