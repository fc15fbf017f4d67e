"""Remembers results that pip's resolver computes repeatedly, while it resolves."""

from __future__ import annotations

import contextlib
import dis
import importlib.metadata
import inspect
import io
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from types import CodeType
from typing import Any

from pip._internal import metadata
from pip._internal.cache import SimpleWheelCache
from pip._internal.operations import prepare
from pip._vendor.resolvelib import resolvers

from repoprio.names import normalize
from repoprio.pip_adapter import compat, policy_reading

# What `PipProvider.get_preference` reads in pip 25.1 to 26.3, where a preference depends only on the criterion and on
# whether its project was promoted after conflicts. Older ones count levels too, and look at what caused conflicts.
_READ_FOR_PREFERENCE = frozenset(
    ("next", "iter", "StopIteration", "isinstance", "ExplicitRequirement", "get_candidate_lookup", "zip", "any", "bool")
) | {"math", "inf", "get", "_user_requested", "_conflict_promoted", "specifier", "operator", "version"}
# What it is also given, which changes from round to round.
_STATE = frozenset(("resolutions", "candidates", "backtrack_causes"))


@contextlib.contextmanager
def remembering() -> Iterator[Distributions]:
    """A context in which pip reads each metadata file once, and no tags without a built wheel.

    It checks each pin and works out each preference once.
    """
    distributions, resolution = Distributions(), _resolution_class()
    is_satisfying, prefer = resolution._is_current_pin_satisfying, resolution._get_preference
    resolution._is_current_pin_satisfying = _remembering_pins(is_satisfying)
    if _prefers_by_criterion():
        resolution._get_preference = _remembering_preferences(prefer)
    find_built = SimpleWheelCache.get
    SimpleWheelCache.get = _finding_built(find_built)
    make = getattr(prepare, "get_metadata_distribution", None)
    if make is not None:
        prepare.get_metadata_distribution = distributions.of
    try:
        yield distributions
    finally:
        resolution._is_current_pin_satisfying = is_satisfying
        resolution._get_preference = prefer
        SimpleWheelCache.get = find_built
        if make is not None:
            prepare.get_metadata_distribution = make


def _finding_built(original: Callable[..., Any]) -> Callable[..., Any]:
    """The link to a wheel that pip has built from `link`, else `link`; pip 26 makes a set of all tags first."""

    def get(self: Any, link: Any, package_name: str | None, supported_tags: Any) -> Any:
        if package_name and not self._get_candidates(link, normalize(package_name)):
            return link
        return original(self, link, package_name, supported_tags)

    return get


def _resolution_class() -> Any:
    # Resolvelib 1.1, of pip 25.1, made a package of this module.
    return getattr(resolvers, "Resolution", None) or resolvers.resolution.Resolution


def _remembering_pins(original: Callable[[Any, str, Any], bool]) -> Callable[[Any, str, Any], bool]:
    """Resolvelib asks this in each round of each project; pins and criteria are replaced, and never changed."""
    known: dict[str, tuple[Any, Any, bool]] = {}

    def _is_current_pin_satisfying(self: Any, name: str, criterion: Any) -> bool:
        pin = self._states[-1].mapping.get(name)
        last = known.get(name)
        if last is None or last[0] is not pin or last[1] is not criterion:
            last = known[name] = pin, criterion, original(self, name, criterion)
        return last[2]

    return _is_current_pin_satisfying


@cache
def _prefers_by_criterion() -> bool:
    # Imported late: pip loads its resolver only for commands that need one.
    from pip._internal.resolution.resolvelib.provider import PipProvider

    return reads_only_criteria(PipProvider.get_preference) and policy_reading.news() is None


def reads_only_criteria(get_preference: Callable[..., Any]) -> bool:
    """Whether `get_preference` reads nothing but what `_remembering_preferences` compares, or what stays the same."""
    return _READ_FOR_PREFERENCE.issuperset(_names_in(get_preference.__code__))


def _names_in(code: CodeType) -> Iterator[str]:
    """The names that `code` looks up, and the arguments in `_STATE` that it uses; with the code inside it."""
    yield from code.co_names
    for instruction in dis.get_instructions(code):
        # Since Python 3.13 one instruction may have two names.
        named = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
        yield from _STATE.intersection(named)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _remembering_preferences(original: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Resolvelib asks for the preference of each project that has no pin, in each round."""
    known: dict[str, tuple[Any, bool, Any]] = {}

    def _get_preference(self: Any, name: str) -> Any:
        criterion = self.state.criteria[name]
        is_promoted = name in getattr(self._p, "_conflict_promoted", ())
        last = known.get(name)
        if last is None or last[0] is not criterion or last[1] is not is_promoted:
            last = known[name] = criterion, is_promoted, original(self, name)
        return last[2]

    return _get_preference


class Distributions:
    """Pip's distributions of metadata files, one for each content."""

    def __init__(self) -> None:
        self._made: dict[tuple[bytes, str, str], Any] = {}

    def of(self, metadata_contents: bytes, filename: str, canonical_name: str) -> Any:
        """The distribution that pip makes; its own ones read and parse their file for each look at it."""
        key = metadata_contents, filename, canonical_name
        if key not in self._made:
            kind = _importlib_distribution()
            made = kind(_Metadata(metadata_contents), None, None) if kind else compat.distribution_of(*key)
            self._made[key] = made
        return self._made[key]


@cache
def _importlib_distribution() -> Any:
    """Pip's class around a distribution of `importlib.metadata`; None if it uses pkg_resources."""
    backend: Any = getattr(metadata, "select_backend", lambda: None)()
    if getattr(backend, "NAME", "") != "importlib":
        return None
    kind: Any = backend.Distribution
    return kind if list(inspect.signature(kind).parameters)[1:] == ["info_location", "installed_location"] else None


class _Metadata(importlib.metadata.Distribution):
    """A distribution of which nothing is known but its metadata."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read_text(self, filename: object) -> str | None:
        """The metadata, read as from a file."""
        if str(filename) != "METADATA":
            return None
        return io.TextIOWrapper(io.BytesIO(self._content), encoding="utf-8").read()

    def locate_file(self, path: object) -> Any:
        """There is no file."""
        raise NotImplementedError("only the metadata is known")

    @cached_property
    def metadata(self) -> Any:
        """The parsed metadata."""
        return super().metadata
