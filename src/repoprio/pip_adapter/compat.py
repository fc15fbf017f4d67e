"""Differences between versions of pip, and pip's own libraries, in one place."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pip
from pip._internal.cli import cmdoptions
from pip._internal.models import link
from pip._internal.utils.packaging import check_requires_python
from pip._vendor.packaging.specifiers import InvalidSpecifier, SpecifierSet
from pip._vendor.packaging.version import Version

from repoprio.config import build
from repoprio.environments.child_script import PARENTS_NO_INDEX
from repoprio.names import normalize
from repoprio.pip_adapter.registry import Registry
from repoprio.simple_api.filenames import is_distribution, is_wheel, wheel_tags
from repoprio.simple_api.hrefs import ALGORITHMS, hash_in, with_hash
from repoprio.simple_api.model import File
from repoprio.simple_api.screening import Tags

try:
    from pip._internal.metadata import get_metadata_distribution
except ImportError:  # before pip 22.3, which asks for no metadata file
    get_metadata_distribution = None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from optparse import Values

    from repoprio.pip_adapter.protocols.commands import InstallCommand
    from repoprio.pip_adapter.protocols.finder import (
        BestCandidateResult,
        LinkCollector,
        LinkEvaluator,
        PackageFinder,
        TargetPython,
    )
    from repoprio.pip_adapter.protocols.links import InstallationCandidate, Link
    from repoprio.pip_adapter.protocols.network import PipSession
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement, RequirementPreparer

if sys.version_info >= (3, 11):
    pass
else:
    pass

# They differ from version to version.
_LINK_PARAMETERS = frozenset(inspect.signature(link.Link.__init__).parameters)
_KNOWN_ALGORITHMS = frozenset(ALGORITHMS)
# The level of pip's -v.
_VERBOSE = 15


# Cached: a page has each version many times, and its candidates have it again.
@functools.lru_cache(maxsize=2**14)
def version_of(text: str) -> Version | None:
    """`text` as pip's own `Version`; None if it is not a version (PEP 440)."""
    try:
        return Version(text)
    except ValueError:
        # Not a version, or one with a number that is too long for Python.
        return None


def is_version(text: str) -> bool:
    """Whether pip's own `Version` accepts `text` (PEP 440)."""
    return version_of(text) is not None


def is_specifier(text: str) -> bool:
    """Whether pip's own `SpecifierSet` accepts `text` (PEP 440)."""
    return build.is_specifier(text, SpecifierSet)


def link_to(file: File) -> Link:
    """Pip's link to a file of a page, with all attributes that this pip has."""
    facts: dict[str, Any] = {
        "comes_from": file.listed_on,
        "requires_python": file.requires_python,
        "yanked_reason": file.yanked,
    }
    if "hashes" in _LINK_PARAMETERS:
        facts["hashes"] = file.hashes or None
    if "upload_time" in _LINK_PARAMETERS:
        facts["upload_time"] = file.upload_time
    # pip 22.3 to 23.1 ignore `core-metadata` (PEP 714), and their legacy resolver cannot install by such metadata.
    if "metadata_file_data" in _LINK_PARAMETERS and file.core_metadata is not None:
        facts["metadata_file_data"] = link.MetadataFile(metadata_hashes(file))
    made: Link = link.Link(url_of(file), **facts)
    return made


def metadata_hashes(file: File) -> dict[str, str] | None:
    """The hashes of a metadata file that pip knows; None if there are none."""
    stated = file.core_metadata or {}
    if stated.keys() <= _KNOWN_ALGORITHMS:
        return dict(stated) or None
    return {kind: digest for kind, digest in stated.items() if kind in ALGORITHMS} or None


def url_of(file: File) -> str:
    """The URL of pip's link to `file`: before pip 22.2, the hash that JSON states must be part of it."""
    if "hashes" in _LINK_PARAMETERS:
        return file.url
    stated = next(((kind, file.hashes[kind]) for kind in ALGORITHMS if kind in file.hashes), None)
    if stated is None or hash_in(file.url):
        return file.url
    return with_hash(file.url, *stated)


def knows_json() -> bool:
    """Whether this pip reads project pages in JSON (PEP 691): since 22.2."""
    from pip._internal.index import collector

    return hasattr(collector, "IndexContent")


def knows_python() -> bool:
    """Whether this pip has ``--python``, to work on another environment: since 22.3."""
    return bool(Version(pip.__version__) >= Version("22.3"))


_NO_INDEX: Registry[bool] = Registry()


def says_no_index(options: Values) -> bool:
    """Whether the user said ``--no-index``; in a child pip this is about the parent's user, not about pip's options."""
    return PARENTS_NO_INDEX == "1" if PARENTS_NO_INDEX is not None else bool(options.no_index)


def note_no_index(collector: LinkCollector, value: bool) -> None:
    """Note for a `LinkCollector` whether the user said ``--no-index``."""
    _NO_INDEX.put(collector, value)


def no_index(finder: PackageFinder) -> bool:
    """Whether the user said ``--no-index``: on the command line, in the environment or in pip's files."""
    return bool(_NO_INDEX.get(finder._link_collector))


def newest_first(versions: frozenset[str]) -> tuple[str, ...]:
    """Version texts in the order of PEP 440, the newest first."""
    return tuple(str(version) for version in sorted(map(Version, versions), reverse=True))


class PipVersions:
    """Functions for versions, with pip's own `packaging`."""

    is_version = staticmethod(is_version)
    newest_first = staticmethod(newest_first)


VERSIONS = PipVersions()


def in_turn(results: list[BestCandidateResult]) -> BestCandidateResult:
    """A `BestCandidateResult` made of several; pip's resolver tries the candidates of one after those of the other."""
    if len(results) == 1:
        return results[0]
    # The resolver tries the last one first.
    applicable = [candidate for result in reversed(results) for candidate in _applicable(result)]
    best = next((result.best_candidate for result in results if result.best_candidate is not None), None)
    make: Callable[..., BestCandidateResult] = type(results[0])
    return make(applicable, applicable, best)


def _applicable(result: Any) -> list[InstallationCandidate]:
    # A field since pip 25.1.
    return list(result.applicable_candidates if hasattr(result, "applicable_candidates") else result.iter_applicable())


def as_tried(result: Any, specifier: Any) -> Iterator[Any]:
    """The candidates of a `BestCandidateResult` in the order in which pip's resolver tries them (its factory)."""
    applicable = _applicable(result)
    takes_yanked = is_pinned(specifier) and all(candidate.link.is_yanked for candidate in applicable)
    return (candidate for candidate in reversed(applicable) if takes_yanked or not candidate.link.is_yanked)


def prefers_installed(provider: Any, name: str) -> bool:
    """Whether pip's resolver keeps an installed version that fits, even if there are newer ones (its provider)."""
    is_asked_for = any(key.partition("[")[0] == name for key in provider._user_requested)
    return provider._upgrade_strategy != "eager" and not (
        provider._upgrade_strategy == "only-if-needed" and is_asked_for
    )


def uses_metadata(factory: Any, link: Any) -> bool:
    """Whether pip fetches the metadata file of a wheel (PEP 658), if there is one, instead of the wheel."""
    if "metadata_file_data" not in _LINK_PARAMETERS:
        return False
    folder = factory.preparer.download_dir
    is_there = folder is not None and os.path.exists(os.path.join(folder, link.filename))
    return link.is_wheel and not link.is_file and not factory.preparer.require_hashes and not is_there


def distribution_of(metadata: bytes, file: str, name: str) -> Any:
    """Pip's distribution for a wheel, from the content of its metadata file."""
    assert get_metadata_distribution is not None, "there is no such file for a pip that knows none"
    return get_metadata_distribution(metadata, file, name)


def is_pinned(specifier: SpecifierSet | None) -> bool:
    """Whether the specifier names one version, so that pip may take a yanked file (PEP 592)."""
    return any(
        part.operator == "===" or (part.operator == "==" and not part.version.endswith(".*"))
        for part in specifier or ()
    )


def exactly(version: object) -> SpecifierSet:
    """The specifier of one version."""
    return SpecifierSet(f"=={version}")


def settle_prereleases(options: Values) -> None:
    """Convert --pre to the form that finders read; since pip 26.0 each command does so when it starts."""
    settle = getattr(cmdoptions, "check_release_control_exclusive", None)
    if settle is not None:
        settle(options)


def preparer(
    install: InstallCommand,
    *,
    options: Values,
    session: PipSession,
    finder: PackageFinder,
    folder: object,
    tracker: object,
) -> RequirementPreparer:
    """The `RequirementPreparer` of pip's command `install`; `tracker` is where its builds would be tracked."""
    parameters = inspect.signature(install.make_requirement_preparer).parameters
    # `req_tracker` until 22.0; `allow_editables` since 26.2.
    kinds = {"req_tracker": tracker, "build_tracker": tracker, "allow_editables": False}
    varying = {name: value for name, value in kinds.items() if name in parameters}
    return install.make_requirement_preparer(
        temp_build_dir=folder, options=options, session=session, finder=finder, use_user_site=False, **varying
    )


def constraint_problem(ireq: InstallRequirement) -> str:
    """What is wrong with a constraint, "" if it is valid."""
    from pip._internal.req.req_install import check_invalid_constraint_type

    with warnings.catch_warnings():
        # pip also raises it as an error.
        warnings.simplefilter("ignore")
        return str(check_invalid_constraint_type(ireq))


def same_project(first: str, second: str) -> bool:
    """Whether two names mean the same project."""
    return normalize(first) == normalize(second)


def digests(link: Link) -> dict[str, str]:
    """The hashes of a link, in lower case, by algorithm; before pip 23 a link has one at most."""
    stated = getattr(link, "_hashes", None) or ({link.hash_name: link.hash} if link.hash_name else {})
    return {str(kind): str(value).lower() for kind, value in stated.items()}


def is_for_platform(evaluator: LinkEvaluator, file: str) -> bool:
    """Whether a file is an sdist, or a wheel for a platform of the target of pip's link `evaluator`."""
    if not is_wheel(file):
        return is_distribution(file)
    platforms = wheel_tags(file).rpartition("-")[2].split(".")
    return not _platforms(evaluator._target_python).isdisjoint(platforms)


@functools.lru_cache(maxsize=4)
def _platforms(target: TargetPython) -> frozenset[str]:
    return frozenset(str(tag.platform) for tag in _tags(target))


def tags(evaluator: LinkEvaluator) -> Tags:
    """The wheel tags that the target of pip's link `evaluator` supports."""
    return _known_tags(evaluator._target_python)


@functools.lru_cache(maxsize=4)
def _known_tags(target: TargetPython) -> Tags:
    return Tags(map(str, _tags(target)))


def _tags(target: Any) -> list[Any]:
    # Named get_tags up to 23.0.
    return list(target.get_unsorted_tags() if hasattr(target, "get_unsorted_tags") else target.get_tags())


def says_what_it_skips() -> bool:
    """Whether pip logs the links that it skips: with -v, or in a --log."""
    return logging.getLogger("pip._internal.index.package_finder").isEnabledFor(_VERBOSE)


def is_for_python(evaluator: LinkEvaluator, link: Link) -> bool:
    """Whether the Requires-Python of `link` allows the target of pip's link `evaluator`; an invalid one does."""
    version: tuple[int, ...] = evaluator._target_python.py_version_info
    return bool(evaluator._ignore_requires_python) or _lets_in(link.requires_python, version)


def runs_on_python(factory: Any, dist: Any) -> bool:
    """Whether the Requires-Python in the metadata of `dist` (a page may omit it) allows pip's target."""
    # `dist.requires_python` would warn about an invalid specifier, as pip does itself.
    version: tuple[int, ...] = factory._python_candidate.version.release
    return bool(factory._ignore_requires_python) or _lets_in(dist.metadata.get("Requires-Python"), version)


@functools.lru_cache(maxsize=1024)
def _lets_in(requires_python: str | None, version: tuple[int, ...]) -> bool:
    # Cached: it is slow, and most files of a page state the same.
    try:
        return bool(check_requires_python(requires_python, version))
    except InvalidSpecifier:
        return True
