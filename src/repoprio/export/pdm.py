"""Exports the policy for PDM (2.29): sources of a project, some of which own names. Pure.

A name that matches `include_packages` of sources comes only from these, dependencies included: so `owns`, `namespaces`
and routes are obeyed. Any other name comes from the first source with a file that fits; a source that does not answer
counts as one without files (unearth's `_collect_links_from_index`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from repoprio.export import CannotExport, Exported, Gap, common
from repoprio.names import normalize
from repoprio.policy.model import PYPI, Format, Policy, Repository, tiers
from repoprio.policy.patterns import Pattern
from repoprio.wording import join_words

_IT = "PDM"
_WILDCARDS = "*?"


class _Route(NamedTuple):
    """The names of the sources that a pattern is routed to; with none, matching projects may not be installed."""

    key: str
    pattern: Pattern
    sources: frozenset[str]


def export(policy: Policy) -> Exported:
    """The settings of ``[tool.pdm]`` in a project's pyproject.toml; raises `CannotExport`."""
    enabled = policy.enabled()
    if not enabled:
        raise CannotExport("repositories: PDM asks PyPI if no source has its name")
    asked = common.asked_of(policy)
    routes = list(_routes(policy))
    named = {repository.name: repository.name for repository in enabled}
    if PYPI not in named:
        # PDM puts PyPI before all others, unless one of them has its name.
        named[(asked or enabled)[-1].name] = PYPI
    sources = [_source(repository, named[repository.name], routes) for repository in enabled]
    document = {"resolution": {"respect-source-order": True}, "source": sources}
    gaps = [*common.general_gaps(policy, _IT), *_gaps(policy, asked, named), *_overlaps(routes)]
    return Exported(document, tuple(gaps), _caution(asked))


def _routes(policy: Policy) -> Iterator[_Route]:
    enabled = {repository.name for repository in policy.enabled()}
    for repository in policy.repositories:
        for setting in ("namespaces", "owns"):
            for pattern in getattr(repository, setting):
                key = f"repositories.{repository.name}.{setting}"
                yield _Route(key, pattern, frozenset({repository.name} & enabled))
    for pin in policy.pins:
        if pin.block is not None or pin.repositories:
            sources = frozenset() if pin.block is not None else frozenset({*pin.repositories} & enabled)
            key = f"pins.{pin.name}.{'repositories' if pin.block is None else 'block'}"
            yield from (_Route(key, pattern, sources) for pattern in pin.projects)


def _source(repository: Repository, name: str, routes: Sequence[_Route]) -> dict[str, Any]:
    source: dict[str, Any] = {"name": name, "url": common.url_of(repository, _IT), "verify_ssl": True}
    if repository.format is Format.FLAT:
        source["type"] = "find_links"
    included = [route.pattern.text for route in routes if repository.name in route.sources]
    # A pattern that is routed to no source is excluded everywhere.
    excluded = [pattern.text for pattern in repository.exclude]
    excluded += [route.pattern.text for route in routes if not route.sources]
    if repository.explicit or repository.namespaces:
        excluded = ["*"]
    source |= {"include_packages": list(dict.fromkeys(included))} if included else {}
    source |= {"exclude_packages": list(dict.fromkeys(excluded))} if excluded else {}
    return source


def _caution(asked: Sequence[Repository]) -> str:
    if len(asked) < 2:
        return ""
    return (
        f"PDM cannot enforce this policy for names that include_packages does not reserve: it takes them from "
        f"{asked[-1].name} as soon as no file of the sources before it fits, or one of them does not answer. A "
        f"stranger's version can be installed."
    )


def _gaps(policy: Policy, asked: Sequence[Repository], named: Mapping[str, str]) -> Iterator[Gap]:
    for first, *others in tiers(asked):
        if others:
            names = join_words([repository.name for repository in others])
            yield Gap(f"repositories.{first.name}.priority", f"PDM merges no tier: {first.name} goes before {names}")
    for repository in policy.enabled():
        key, name = f"repositories.{repository.name}", repository.name
        if repository.include:
            yield Gap(f"{key}.include", f"PDM reserves names or takes any: it takes any from {name}")
        if repository.exclude and (repository.owns or repository.namespaces):
            yield Gap(f"{key}.exclude", "in PDM, what a source owns wins over what it excludes")
        login = f"pdm config pypi.{named[name]}.username and pypi.{named[name]}.password"
        yield from common.repository_gaps(repository, _IT, login)
    for pin in policy.pins:
        yield from (gap for gap in common.pin_gaps(pin, _IT) if not gap.key.endswith(".block"))


def _overlaps(routes: Sequence[_Route]) -> Iterator[Gap]:
    """The gaps for patterns that may match the same name but route to different sources: PDM uses all of these."""
    for first, second in combinations(routes, 2):
        if first.sources != second.sources and _may_overlap(first.pattern, second.pattern):
            more = f"{second.pattern.text} ({second.key})"
            yield Gap(first.key, f"in PDM {first.pattern.text} and {more} apply together: no pattern is more specific")


def _may_overlap(first: Pattern, second: Pattern) -> bool:
    """Whether a name may match both patterns."""
    if first.specificity.exact or second.specificity.exact:
        exact, pattern = (first, second) if first.specificity.exact else (second, first)
        return pattern.matches(normalize(exact.text))
    prefixes = _prefix(first), _prefix(second)
    return prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])


def _prefix(pattern: Pattern) -> str:
    """The text of a pattern before its first wildcard."""
    return min((pattern.text.partition(wildcard)[0] for wildcard in _WILDCARDS), key=len)


# How PDM differs under any policy.
_IN_GENERAL = (
    "pdm config adds sources too (pypi.NAME.url): set pypi.ignore_stored_index to true.",
    "An existing pdm.lock keeps its files, even a stranger's: repoprio audit pdm.lock checks them.",
)


def text(exported: Exported) -> str:
    """The settings as TOML, and what they leave out as comments."""
    lines = common.head("For the pyproject.toml of a project that uses PDM", exported, _IN_GENERAL)
    lines += ["", "[tool.pdm.resolution]", *common.pairs(exported.document["resolution"])]
    for source in exported.document["source"]:
        lines += ["", "[[tool.pdm.source]]", *common.pairs(source)]
    return "\n".join(lines) + "\n"


def differences(exported: Exported, document: Mapping[str, Any]) -> list[str]:
    """How ``[tool.pdm]`` of a pyproject.toml differs from the export, one line for each key; logins are hidden."""
    resolution = document.get("resolution")
    order = resolution.get("respect-source-order") if isinstance(resolution, dict) else None
    lines = [] if order is True else ["resolution.respect-source-order is not true, and the policy says true"]
    return lines + common.source_differences(exported, document, {"type": "index", "verify_ssl": True})
