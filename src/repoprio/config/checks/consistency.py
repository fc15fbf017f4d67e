"""Errors that lie between several settings of a policy, each with the dotted key to report. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from repoprio.policy.model import HIGHEST, LOWEST, Format, Pin, Repository
from repoprio.urls import place

Problem = tuple[str, str]
RANGE = f"{HIGHEST} to {LOWEST}; {HIGHEST} is the highest"


def between(repositories: Sequence[Repository], pins: Sequence[Pin], keys: Container[str]) -> Iterator[Problem]:
    """All errors; `keys` are the dotted keys that some file sets."""
    if not repositories:
        yield "repositories", "there is none: add one, with repositories.NAME.url"
    yield from _priorities(repositories, keys)
    for repository in repositories:
        yield from _blindness(repository)
        yield from _offline(repository)
        yield from _min_age(repository)
    yield from _places(repositories)
    yield from _renamed(repositories)
    yield from _pins(pins)


def _priorities(repositories: Sequence[Repository], keys: Container[str]) -> Iterator[Problem]:
    enabled = [repository for repository in repositories if repository.enabled]
    for repository in enabled if len(enabled) > 1 else []:
        key = f"repositories.{repository.name}.priority"
        if key not in keys:
            yield key, f"is missing: with two repositories or more, each one needs a priority ({RANGE})"


def _blindness(repository: Repository) -> Iterator[Problem]:
    included = repository.namespaces + repository.include
    if included and set(included) <= set(repository.exclude):
        yield (
            f"repositories.{repository.name}.exclude",
            "excludes everything that namespaces and include allow: nothing is left",
        )


def _offline(repository: Repository) -> Iterator[Problem]:
    if repository.offline and repository.format is not Format.FLAT:
        yield (
            f"repositories.{repository.name}.offline",
            'is for flat repositories: --no-index rules out all others (is format = "flat" missing?)',
        )


def _min_age(repository: Repository) -> Iterator[Problem]:
    if repository.min_age is not None and repository.format is Format.FLAT:
        yield (
            f"repositories.{repository.name}.min-age",
            "is not for flat repositories: their files have no upload times",
        )


def _places(repositories: Sequence[Repository]) -> Iterator[Problem]:
    """An error for two repositories at one place: a URL would not say which one is meant."""
    seen: dict[tuple[str, str], str] = {}
    for repository in repositories:
        own = [location.url for location in repository.locations if location.url and not location.unset]
        for url in {place(u): u for u in [*own, *repository.aliases] if u}:
            key = (url, repository.format.value)
            if key in seen:
                problem = f"has the same URL as repositories.{seen[key]}: remove one of them"
                yield f"repositories.{repository.name}", problem
            seen.setdefault(key, repository.name)


def _renamed(repositories: Sequence[Repository]) -> Iterator[Problem]:
    """An error for a former name that means another repository, too."""
    seen = {repository.name: repository.name for repository in repositories}
    for repository in repositories:
        for name in dict.fromkeys(repository.renamed_from):
            if name in seen:
                problem = f"has {name!r}, which means repositories.{seen[name]}: remove it here or there"
                yield f"repositories.{repository.name}.renamed-from", problem
            seen.setdefault(name, repository.name)


def _pins(pins: Sequence[Pin]) -> Iterator[Problem]:
    """An error for two pins that set the same thing for one pattern: each name of it would be refused."""
    seen: dict[tuple[str, str], str] = {}
    for pin in pins:
        sets = {
            "block or repositories": pin.block is not None or bool(pin.repositories),
            "versions": pin.versions is not None,
            "mode": pin.mode is not None,
            "min-age": pin.min_age is not None,
        }
        for pattern in dict.fromkeys(pin.projects):
            for aspect in (aspect for aspect, is_set in sets.items() if is_set):
                other = seen.setdefault((pattern.text, aspect), pin.name)
                if other != pin.name:
                    problem = f"sets {aspect} for {pattern.text}, and so does pins.{other}: set it in only one of them"
                    yield f"pins.{pin.name}", problem
