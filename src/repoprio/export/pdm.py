"""The policy in PDM's words (2.29): sources of a project, some of which own names. Pure.

A name that matches `include_packages` of a source comes from such sources alone, for all that is resolved: so `owns`,
`namespaces` and routes hold. Any other name comes from the first source that has a file that fits; a source that does
not answer has none (unearth's `_collect_links_from_index`).
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
    """The sources that a pattern is routed to, by name; none: it may not be installed."""

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
    # What is routed to nobody is excluded everywhere.
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
        f"PDM cannot hold this policy for names that include_packages does not reserve: it takes them from "
        f"{asked[-1].name} as soon as no file of the sources before it fits, or one of them does not answer. A "
        f"stranger's version can be installed."
    )


def _gaps(policy: Policy, asked: Sequence[Repository], named: Mapping[str, str]) -> Iterator[Gap]:
    for first, *others in tiers(asked):
        if others:
            names = join_words([one.name for one in others])
            yield Gap(f"repositories.{first.name}.priority", f"PDM merges no tier: {first.name} goes before {names}")
    for repository in policy.enabled():
        key, name = f"repositories.{repository.name}", repository.name
        if repository.include:
            yield Gap(f"{key}.include", f"PDM reserves names or takes any: it takes any from {name}")
        if repository.exclude and (repository.owns or repository.namespaces):
            yield Gap(f"{key}.exclude", "in PDM what a source owns wins over what it excludes")
        login = f"pdm config pypi.{named[name]}.username and pypi.{named[name]}.password"
        yield from common.repository_gaps(repository, _IT, login)
    for pin in policy.pins:
        yield from (gap for gap in common.pin_gaps(pin, _IT) if not gap.key.endswith(".block"))


def _overlaps(routes: Sequence[_Route]) -> Iterator[Gap]:
    """Patterns that one name may match, and that lead to different sources: PDM takes all of these."""
    for one, other in combinations(routes, 2):
        if one.sources != other.sources and _may_meet(one.pattern, other.pattern):
            more = f"{other.pattern.text} ({other.key})"
            yield Gap(one.key, f"in PDM {one.pattern.text} and {more} hold together: no pattern is more specific")


def _may_meet(one: Pattern, other: Pattern) -> bool:
    """Whether one name may match both patterns."""
    begins = [_begin(one), _begin(other)]
    if one.specificity.exact or other.specificity.exact:
        exact, pattern = (one, other) if one.specificity.exact else (other, one)
        return pattern.matches(normalize(exact.text))
    return begins[0].startswith(begins[1]) or begins[1].startswith(begins[0])


def _begin(pattern: Pattern) -> str:
    """The text of a pattern before its first wildcard."""
    return min((pattern.text.partition(wildcard)[0] for wildcard in _WILDCARDS), key=len)


# How PDM differs whatever the policy says.
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


def differences(exported: Exported, found: Mapping[str, Any]) -> list[str]:
    """What ``[tool.pdm]`` of a pyproject.toml says otherwise, one line for each key; logins are hidden."""
    resolution = found.get("resolution")
    order = resolution.get("respect-source-order") if isinstance(resolution, dict) else None
    told = [] if order is True else ["resolution.respect-source-order is not true, and the policy says true"]
    return told + common.source_differences(exported, found, {"type": "index", "verify_ssl": True})
