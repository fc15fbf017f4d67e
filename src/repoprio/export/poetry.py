"""Exports the policy for Poetry (2.5): sources of a project; in Poetry, no source can own a name. Pure.

Poetry merges its primary sources, and asks the supplemental ones in turn if no file of the sources before fits the
requirement (`RepositoryPool.find_packages`). To Poetry, a 401 or 403 means that the name is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repoprio import toml
from repoprio.export import CannotExport, Exported, Gap, common
from repoprio.policy.model import PYPI, Format, Policy, Repository, tiers
from repoprio.wording import join_words

_IT = "Poetry"


def export(policy: Policy) -> Exported:
    """The settings of ``[tool.poetry]`` in a project's pyproject.toml; raises `CannotExport`."""
    asked = common.asked_of(policy)
    if not asked:
        raise CannotExport("repositories: Poetry asks PyPI if no source is left to ask")
    explicit = [repository for repository in policy.enabled() if repository.explicit]
    first = asked[0].priority
    sources = [_source(r, "primary" if r.priority == first else "supplemental") for r in asked]
    sources += [_source(repository, "explicit") for repository in explicit]
    gaps = [*common.general_gaps(policy, _IT), *_gaps(policy, asked)]
    names = {repository.name: source_name(repository) for repository in policy.enabled()}
    routes = {name: names[repository] for name, repository in common.exact_routes(policy).items()}
    return Exported({"source": sources}, tuple(gaps), _caution(asked), routes)


def _source(repository: Repository, priority: str) -> dict[str, Any]:
    if repository.format is Format.FLAT:
        means = f"Poetry has no flat sources, and without {repository.name} others would serve its names"
        raise CannotExport(f"repositories.{repository.name}.format: {means}")
    if repository.locations[0].shown == PYPI:
        # Poetry knows the URL of PyPI, and allows no other URL under that name.
        return {"name": "PyPI", "priority": priority}
    return {"name": source_name(repository), "url": common.url_of(repository, _IT), "priority": priority}


def source_name(repository: Repository) -> str:
    """The name of the source for `repository`; Poetry reserves the name of PyPI."""
    if repository.locations[0].shown == PYPI:
        return "PyPI"
    return f"{PYPI}-source" if repository.name == PYPI else repository.name


def _caution(asked: Sequence[Repository]) -> str:
    if len(asked) < 2:
        return ""
    last = asked[-1].name
    return (
        f"Poetry cannot enforce this policy: it takes a name from {last} as soon as no file of the sources before it "
        f"fits, or one of them answers 401 or 403. A stranger's version can be installed."
    )


def _gaps(policy: Policy, asked: Sequence[Repository]) -> Iterator[Gap]:
    for first, *others in tiers(asked)[1:]:
        if others:
            names = join_words([repository.name for repository in others])
            means = f"Poetry merges only the first tier: {first.name} goes before {names}"
            yield Gap(f"repositories.{first.name}.priority", means)
    for repository in policy.repositories:
        yield from _repository_gaps(repository, asked)
    for pin in policy.pins:
        yield from common.pin_gaps(pin, _IT)
        yield from common.route_gaps(pin, _IT, "the project itself requires it with source = NAME")


def _repository_gaps(repository: Repository, asked: Sequence[Repository]) -> Iterator[Gap]:
    key, name = f"repositories.{repository.name}", repository.name
    others = join_words([other.name for other in asked if other is not repository], "or")
    for setting in ("namespaces", "owns"):
        for pattern in getattr(repository, setting) if others else ():
            route = f' without source = "{name}" in the project' if pattern.specificity.exact else ""
            yield Gap(f"{key}.{setting}", f"Poetry cannot reserve {pattern.text}{route}: it may come from {others}")
    if not repository.enabled:
        return
    if repository.namespaces or repository.include:
        setting = "namespaces" if repository.namespaces else "include"
        yield Gap(f"{key}.{setting}", f"Poetry takes any name from {name}")
    for pattern in repository.exclude:
        yield Gap(f"{key}.exclude", f"{pattern.text} may come from {name} in Poetry")
    variable = f"POETRY_HTTP_BASIC_{source_name(repository).upper().replace('-', '_')}"
    yield from common.repository_gaps(repository, _IT, f"set {variable}_USERNAME and {variable}_PASSWORD")


# How Poetry differs under any policy.
_IN_GENERAL = (
    "An existing poetry.lock keeps its files, even a stranger's: repoprio audit poetry.lock checks them.",
    "It refuses nothing that is added: by poetry source add, or name @ URL.",
)


def text(exported: Exported) -> str:
    """The settings as TOML, and what they leave out as comments."""
    lines = common.head("For the pyproject.toml of a project that uses Poetry", exported, _IN_GENERAL)
    for source in exported.document["source"]:
        lines += ["", "[[tool.poetry.source]]", *common.pairs(source)]
    if exported.routes:
        lines += ["", "# For those of these names that the project itself requires:", "# [tool.poetry.dependencies]"]
        lines += [f"# {name} = {{ source = {toml.value(source)} }}" for name, source in exported.routes.items()]
    return "\n".join(lines) + "\n"


def differences(exported: Exported, document: Mapping[str, Any]) -> list[str]:
    """How ``[tool.poetry]`` of a pyproject.toml differs from the export, one line for each key; logins are hidden."""
    return common.source_differences(exported, document, {"priority": "primary"})
