"""Exports the policy for pipenv (2026.10): the sources of a Pipfile. Pure.

pipenv asks only the first source for a name without an `index` in the Pipfile, dependencies included. So it never falls
back to another source, and it does not find what the first source does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repoprio import toml
from repoprio.export import CannotExport, Exported, Gap, common
from repoprio.policy.model import Format, Policy, Repository
from repoprio.wording import join_words

_IT = "pipenv"


def export(policy: Policy) -> Exported:
    """The sources of a Pipfile; raises `CannotExport`."""
    asked = common.asked_of(policy)
    if not asked:
        raise CannotExport("repositories: pipenv asks PyPI if a Pipfile has no source")
    explicit = [repository for repository in policy.enabled() if repository.explicit]
    sources = [_source(repository) for repository in (*asked, *explicit)]
    gaps = [*common.general_gaps(policy, _IT), *_gaps(policy, asked)]
    return Exported({"source": sources}, tuple(gaps), _caution(asked), common.exact_routes(policy))


def _source(repository: Repository) -> dict[str, Any]:
    if repository.format is Format.FLAT:
        raise CannotExport(f"repositories.{repository.name}.format: pipenv has no flat sources")
    return {"name": repository.name, "url": common.url_of(repository, _IT), "verify_ssl": True}


def _caution(asked: Sequence[Repository]) -> str:
    if len(asked) < 2:
        return ""
    first, others = asked[0].name, join_words([repository.name for repository in asked[1:]], "or")
    return (
        f"pipenv cannot enforce this policy: it asks only {first} for every name without an index in the Pipfile, and "
        f"for all dependencies. It does not find what only {others} has; a name with an index comes from there, even "
        f"if another repository owns it."
    )


def _gaps(policy: Policy, asked: Sequence[Repository]) -> Iterator[Gap]:
    for repository in policy.repositories:
        key, name = f"repositories.{repository.name}", repository.name
        for setting in ("namespaces", "owns"):
            for pattern in getattr(repository, setting) if repository is not asked[0] else ():
                means = f'{pattern.text} comes from {asked[0].name}, unless the Pipfile says index = "{name}" for it'
                yield Gap(f"{key}.{setting}", means)
        if not repository.enabled:
            continue
        for setting in ("namespaces", "include", "exclude"):
            if getattr(repository, setting):
                yield Gap(f"{key}.{setting}", f"pipenv takes any name from {name}")
        login = "netrc, or ${VARIABLES} in the URL of the Pipfile"
        yield from common.repository_gaps(repository, _IT, login)
    for pin in policy.pins:
        yield from common.pin_gaps(pin, _IT)
        yield from common.route_gaps(pin, _IT, "the Pipfile names it with index = NAME")


# How pipenv differs under any policy.
_IN_GENERAL = (
    "PIPENV_PYPI_MIRROR replaces PyPI. With install_search_all_sources all sources are equal.",
    "An existing Pipfile.lock keeps its files, even a stranger's: repoprio audit Pipfile.lock checks them.",
)


def text(exported: Exported) -> str:
    """The sources as TOML, and what they leave out as comments."""
    lines = common.head("For a Pipfile", exported, _IN_GENERAL)
    for source in exported.document["source"]:
        lines += ["", "[[source]]", *common.pairs(source)]
    if exported.routes:
        lines += ["", "# For those of these names that the Pipfile has:", "# [packages]"]
        for name, source in exported.routes.items():
            lines.append(f'# {toml.key(name)} = {{ version = "*", index = {toml.value(source)} }}')
    return "\n".join(lines) + "\n"


def differences(exported: Exported, document: Mapping[str, Any]) -> list[str]:
    """How a Pipfile differs from the export, one line for each key; logins are hidden."""
    settings = document.get("pipenv")
    searches_all = isinstance(settings, dict) and settings.get("install_search_all_sources")
    lines = ["pipenv.install_search_all_sources is set, and makes all sources equal"] if searches_all else []
    return lines + common.source_differences(exported, document, {})
