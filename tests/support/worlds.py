"""Worlds of repositories in which a resolver must choose, and a solver that knows only the contract.

The solver says whether what pip installs is admissible, and whether anything is. It shares no code with repoprio.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from .files import FileSpec, build

# By project: the chosen version, and the repository that supplies it.
Choice = tuple[str, str]
Choices = Mapping[str, Choice]


@dataclass(frozen=True)
class World:
    """What each repository has: its priority, and the files of each project: version, then what that requires."""

    mode: str
    priorities: Mapping[str, int]
    files: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]
    request: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    sdists: frozenset[tuple[str, str, str]] = field(default=frozenset())

    def policy(self, folder: Path) -> str:
        """The policy, for repositories in `folder`; each lies in a flat one."""
        pin = '[pins.all]\nprojects = ["*"]\nmode = "merge"\n' if self.mode == "merge" else ""
        top = f'mode = "{"strict" if self.mode == "merge" else self.mode}"\n'
        tables = (
            f'[repositories.{name}]\nurl = "{(folder / name).as_posix()}"\nformat = "flat"\npriority = {priority}\n'
            for name, priority in self.priorities.items()
        )
        return "\n".join([top, *tables, pin])

    def write(self, folder: Path) -> Path:
        """Write all files below `folder`, and the policy, whose path it returns."""
        for repository in self.priorities:
            place = folder / repository
            place.mkdir(parents=True)
            projects = {**self.files.get(repository, {}), f"only-in-{repository}": {"1": ()}}
            for project, versions in projects.items():
                for version, requires in versions.items():
                    is_sdist = (repository, project, version) in self.sdists
                    file = build(project, FileSpec(version, requires=requires, sdist=is_sdist), repository)
                    (place / file.filename).write_bytes(file.content)
        (folder / "constraints.txt").write_text("\n".join(self.constraints))
        policy = folder / "policy.toml"
        policy.write_text(self.policy(folder))
        return policy

    def tiers(self, project: str) -> list[list[str]]:
        """The repositories that serve a project by tiers, the highest-priority one first; under merge one tier."""
        serving = [name for name in self.priorities if self.files.get(name, {}).get(project)]
        if self.mode == "merge":
            return [sorted(serving, key=lambda name: self.priorities[name])] if serving else []
        found = sorted({self.priorities[name] for name in serving})
        return [[name for name in serving if self.priorities[name] == priority] for priority in found]

    def requires(self, project: str, choice: Choice, extras: frozenset[str]) -> list[Requirement]:
        """What a file requires, for these of its extras."""
        version, repository = choice
        texts = self.files[repository][project][version]
        found = [Requirement(text) for text in texts]
        asked = [{"extra": extra} for extra in ("", *extras)]
        return [one for one in found if one.marker is None or any(one.marker.evaluate(extra) for extra in asked)]


@dataclass
class Wanted:
    """What is required of one project: the bounds, and the extras."""

    bounds: list[SpecifierSet] = field(default_factory=list)
    extras: frozenset[str] = frozenset()

    def lets_in(self, version: str) -> bool:
        """Whether the version is within all bounds."""
        return all(bound.contains(version) for bound in self.bounds)


def wanted(world: World, choices: Choices, without: frozenset[str] = frozenset()) -> dict[str, Wanted]:
    """What is required of each project that the request reaches through `choices`, except those of `without`."""
    bounds_of = {Requirement(text).name: Requirement(text).specifier for text in world.constraints}
    found: dict[str, Wanted] = {}
    extras: dict[str, frozenset[str]] = {}
    while True:
        before = {name: one.extras for name, one in found.items()}
        found = {}
        wants = [Requirement(text) for text in world.request]
        for name in before:
            if name in choices and name not in without:
                wants += world.requires(name, choices[name], extras.get(name, frozenset()))
        for one in wants:
            entry = found.setdefault(one.name, Wanted([bounds_of.get(one.name, SpecifierSet())]))
            entry.bounds.append(one.specifier)
            entry.extras |= one.extras
        extras = {name: entry.extras for name, entry in found.items()}
        if extras == before:
            return found


def faults(world: World, choices: Choices) -> list[str]:
    """Everything that is wrong with the choices under the contract; empty if they are admissible."""
    all_wanted = wanted(world, choices)
    found = [f"{name} is not chosen" for name in all_wanted if name not in choices]
    found += [f"nobody wants {name}" for name in choices if name not in all_wanted]
    if found:
        return found
    found += [f"{name} {c[0]} is out of bounds" for name, c in choices.items() if not all_wanted[name].lets_in(c[0])]
    for name, (version, repository) in choices.items():
        tiers = world.tiers(name)
        if world.mode == "merge":
            first = next(r for r in tiers[0] if version in world.files[r][name])
            if world.priorities[first] != world.priorities[repository]:
                found.append(f"{name} {version} is {first}'s, too")
        elif world.mode == "strict" and repository not in tiers[0]:
            found.append(f"{name} belongs to {tiers[0]}")
    return found + (_unneeded(world, choices) if world.mode == "flexible" else [])


def _unneeded(world: World, choices: Choices) -> list[str]:
    lower = {name for name, (_, repository) in choices.items() if repository not in world.tiers(name)[0]}
    needed: set[str] = set()
    while True:
        reached = wanted(world, choices, frozenset(lower - needed))
        more = {n for n in lower - needed if n in reached and _higher(world, n, choices[n], reached[n]) is None}
        if not more:
            break
        needed |= more
    return [f"{name} {choices[name]} is not needed" for name in sorted(lower - needed)]


def _higher(world: World, name: str, choice: Choice, wants: Wanted) -> str | None:
    """A file of a higher tier that fits, None if there is none."""
    for tier in world.tiers(name):
        if choice[1] in tier:
            return None
        for repository in tier:
            for version in world.files[repository][name]:
                if wants.lets_in(version):
                    return f"{version} of {repository}"
    return None


def solutions(world: World, choices: Choices | None = None) -> Iterator[dict[str, Choice]]:
    """All admissible ways to install the request."""
    chosen = dict(choices or {})
    all_wanted = wanted(world, chosen)
    if any(name in all_wanted and not all_wanted[name].lets_in(c[0]) for name, c in chosen.items()):
        return
    name = next((name for name in all_wanted if name not in chosen), None)
    if name is None:
        if not faults(world, chosen):
            yield chosen
        return
    for tier in world.tiers(name)[: 1 if world.mode == "strict" else None]:
        for repository in tier:
            for version in world.files[repository][name]:
                if all_wanted[name].lets_in(version):
                    yield from solutions(world, {**chosen, name: (version, repository)})


_NOTE = re.compile(r"(\w+): *(\w+) (\S+)(?: needs (.+))?$")


def parse(mode: str, request: str, *lines: str, constraints: tuple[str, ...] = ()) -> World:
    """A world of two tiers in short: ``hi: dog 2 needs eel<2, gnu`` is one file of the repository `hi`."""
    files: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {"hi": {}, "lo": {}}
    for line in lines:
        match = _NOTE.match(line)
        assert match, line
        repository, project, version, requires = match.groups()
        files[repository].setdefault(project, {})[version] = tuple((requires or "").split(", ")) if requires else ()
    return World(mode, {"hi": 10, "lo": 90}, files, tuple(request.split()), constraints)
