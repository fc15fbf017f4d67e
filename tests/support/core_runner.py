"""Runs a decision case through the core alone: no network, no pip, the case itself answers all requests."""

from __future__ import annotations

import asyncio
import enum
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import PurePosixPath
from threading import Lock
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename
from packaging.version import InvalidVersion, Version

from repoprio.config.build import Parsers
from repoprio.config.build import is_specifier as judge
from repoprio.config.load import read_text
from repoprio.explain.explaining import explain
from repoprio.explain.explanation import Chosen, Explanation
from repoprio.fetch.deciding_thread import NO_LIMIT
from repoprio.fetch.lookups_ahead import Ahead
from repoprio.fetch.page_cache import PageCache
from repoprio.lookup.cooldown import AgedFile, Clocks, Held, held, held_back, wait_for
from repoprio.lookup.drivers import Fits, adrive, drive
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    NotFound,
    PageFound,
    ProjectListFound,
    RedirectReceived,
    RepositoryResult,
    RepositoryState,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.ownership import holders_by_name
from repoprio.lookup.project import Decision, ProjectLookup, Unknown
from repoprio.names import NormalizedName, normalize
from repoprio.policy.model import Policy
from repoprio.policy.routing import Route
from repoprio.simple_api.filenames import version_in
from repoprio.simple_api.json_page import moment_spelled_out

from .cases import ALL, LIST, RECORDS, Case, RepositoryCase, filler, records
from .clocks import offset, upload_time
from .faults import Fault
from .files import FileSpec, build

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_INDEX: Final = "https://default.example/simple"
POLICY_FILE: Final = "policy.toml"
_ROOT: Final = "/srv"
_OPTIONS: Final = frozenset({"--pre", "--no-index"})
_PAGES: Final = ("text/html", "application/vnd.pypi.simple.v1")


@dataclass(frozen=True)
class File:
    """A file on a page, with the facts on which the choice among candidates depends."""

    name: str
    version: str
    spec: FileSpec

    @property
    def rank(self) -> tuple[Version, int]:
        """The order of candidates: by version, then by tag."""
        return Version(self.version), _tag_rank(self.name)


Page: TypeAlias = tuple[File, ...]


@dataclass(frozen=True)
class Result:
    """The result of one requirement."""

    explanation: Explanation
    repositories: tuple[str, ...]

    @property
    def version(self) -> str | None:
        """The version that would be installed."""
        return self.explanation.chosen.version if self.explanation.chosen else None


class How(enum.Enum):
    """The driver that runs the lookups."""

    IN_TURN = "in-turn"
    SIDE_BY_SIDE = "side-by-side"
    ASYNC = "async"


@dataclass
class CoreRun:
    """One run over a case, which answers its requests and notes them.

    `how`: SIDE_BY_SIDE looks all names up ahead, in threads, while they are decided in turn.
    """

    case: Case
    how: How = How.IN_TURN
    asked: set[tuple[str, str]] = field(default_factory=set)
    policy: Policy = field(init=False)
    results: dict[str, Result] = field(default_factory=dict)
    _fetch_beside: Callable[[FetchRequest], FetchResult[Page]] | None = None
    decisions: list[Decision[Page]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the policy, with URLs in the place of its placeholders."""
        self._urls = {name: _url(it) for name, it in self.case.repositories.items()}
        hosts = {n: f"{n}.example" for n, it in self.case.repositories.items() if it.is_served}
        self._fill = filler({**self._urls, RECORDS: f"{_ROOT}/{RECORDS}"}, hosts)
        environ = {key: self._fill(value) for key, value in self.case.env.items()}
        tools = Parsers(tomllib.loads, is_specifier, default_index=lambda: DEFAULT_INDEX)
        self.policy = read_text(self._fill(self.case.policy), POLICY_FILE, environ, tools)

    def go(self) -> Result:
        """Look up everything that is asked for and return what came of the expected project."""
        unknown = set(self.case.options) - _OPTIONS
        assert not unknown, f"the core knows no option {unknown}: such a case goes through pip"
        wanted = [Requirement(self._fill(text)) for text in self.case.request]
        constraints = [Requirement(self._fill(text)) for text in self.case.constraints]
        memory = RunMemory[Page](self.policy)
        merged: dict[NormalizedName, SpecifierSet] = {}
        for one in wanted:
            name = normalize(one.name)
            merged[name] = merged.get(name, SpecifierSet()) & one.specifier
        for one in constraints:
            if (name := normalize(one.name)) in merged:
                merged[name] &= one.specifier
        if self.how is How.SIDE_BY_SIDE:
            self._look_up_ahead(merged)
        for name, specifier in merged.items():
            self.results[name] = self._look_up(memory, name, specifier)
        return self.results[self.case.expect.project]

    def was_asked(self, repository: str, project: str) -> bool:
        """Whether the repository was asked for the project; a flat one is asked for all at once."""
        flat = self.case.repositories[repository].kind == "flat"
        return (repository, "" if flat else project) in self.asked

    def _look_up(self, memory: RunMemory[Page], name: NormalizedName, specifier: SpecifierSet) -> Result:
        lookup, fits = self._lookup(memory, name, specifier)
        if self.how is How.ASYNC:
            decision = asyncio.run(adrive(lookup, self._fetch_all, fits))
        else:
            decision = drive(lookup, self._fetch_beside or self._fetch, fits)
        self.decisions.append(decision)
        offers = _unrivalled(decision)
        chosen = self._best(lookup, offers, specifier, in_time=True)
        explanation = explain(
            self.policy,
            decision,
            f"{name}{specifier}",
            {f.repository.name: tuple(x.version for x in f.page or ()) for f in decision.results},
            specifier=str(specifier),
            chosen=Chosen(chosen[0], chosen[1].version, chosen[1].name) if chosen else None,
            waits=chosen is None and self._best(lookup, offers, specifier) is not None,
        )
        return Result(explanation, _concerned(decision, explanation))

    def _lookup(
        self, run: RunMemory[Page], name: NormalizedName, specifier: SpecifierSet
    ) -> tuple[ProjectLookup[Page], Fits[Page]]:
        no_index, past = "--no-index" in self.case.options, self._past_owners(name)
        lookup = ProjectLookup(run, name, no_index=no_index, remembered=past)
        return lookup, lambda offers: self._best(lookup, offers, specifier) is not None

    def _past_owners(self, name: NormalizedName) -> Collection[str] | Unknown:
        """The earlier owners of the name, as far as the policy gives access to records."""
        if self.policy.ownership is None:
            return ()
        if not self.case.remembered:
            return Unknown(self.policy.ownership, "there is no such file")
        return holders_by_name(self.policy, records(self.case, self._urls)).get(name, ())

    def _look_up_ahead(self, wanted: Mapping[NormalizedName, SpecifierSet]) -> None:
        """Drive all names in threads; requests from now on run concurrently."""
        ahead = Ahead[Page](PageCache(), self._fetch, lambda _: True)
        for name, specifier in wanted.items():
            ahead.look_up(self._lookup(RunMemory(self.policy, Lock()), name, specifier)[0])
        self._fetch_beside = lambda ask: ahead.fetch(ask, self._fetch, NO_LIMIT, FetchFailed("late"))

    async def _fetch_all(self, asks: Sequence[FetchRequest]) -> list[FetchResult[Page]]:
        return await asyncio.gather(*map(self._fetch_later, asks))

    async def _fetch_later(self, ask: FetchRequest) -> FetchResult[Page]:
        await asyncio.sleep(0)
        return self._fetch(ask)

    def _best(
        self,
        lookup: ProjectLookup[Page],
        offers: tuple[RepositoryResult[Page], ...],
        specifier: SpecifierSet,
        *,
        in_time: bool = False,
    ) -> tuple[str, File] | None:
        """What pip would take: the newest that fits, yanked files only if requested; `in_time`: old enough."""
        route = lookup.route
        versions = route.versions if isinstance(route, Route) else None
        narrow = SpecifierSet(versions[0] if versions else "")
        named: dict[str, tuple[str, File]] = {}
        for offer in offers:
            for file in offer.page or ():
                named.setdefault(file.name, (offer.repository.name, file))
        usable = [
            (owner, file)
            for owner, file in named.values()
            if narrow.contains(file.version, prereleases=True) and _is_compatible(file)
        ]
        usable = self._old_enough(lookup, usable) if in_time else usable
        before = True if "--pre" in self.case.options else None
        fitting = set(specifier.filter([file.version for _, file in usable], prereleases=before))
        found = [(owner, file) for owner, file in usable if file.version in fitting]
        standing = [(owner, file) for owner, file in found if not file.spec.yanked]
        if not standing and any(one.operator in ("==", "===") for one in specifier):
            standing = found
        return max(standing, key=lambda item: item[1].rank, default=None)

    def _old_enough(self, lookup: ProjectLookup[Page], files: list[tuple[str, File]]) -> list[tuple[str, File]]:
        aged = [
            AgedFile(Version(file.version), file.name, self._held(lookup, owner, file), bool(file.spec.yanked))
            for owner, file in files
        ]
        return [file for file, why in zip(files, held_back(aged), strict=True) if why is None]

    def _held(self, lookup: ProjectLookup[Page], owner: str, file: File) -> Held | None:
        case, now = self.case.repositories[owner], datetime.now(timezone.utc)
        repository = next(r for r in self.policy.repositories if r.name == owner)
        wait = wait_for(self.policy, lookup.route, repository)
        if wait is None:
            return None
        knows = case.kind == "simple" and case.layout == "json" and file.spec.uploaded
        uploaded = moment_spelled_out(upload_time(file.spec.uploaded)) if knows and file.spec.uploaded else None
        skew = offset(case.clock)
        server = None if skew is None else now + skew + timedelta(seconds=int(case.age or 0))
        return held(wait, uploaded, Clocks(now, server).now)

    def _fetch(self, ask: FetchRequest) -> FetchResult[Page]:
        url = ask.location.url
        found = next((it for it in self.case.repositories.values() if _is_at(it, url)), None)
        if found is None:
            return FetchFailed("its host name is unknown", lasting=True)
        if not found.is_served:
            return self._on_disk(found, ask)
        return self._over_http(found, ask)

    def _on_disk(self, repository: RepositoryCase, ask: FetchRequest) -> FetchResult[Page]:
        if repository.kind == "missing-directory":
            return FetchFailed("it does not exist", lasting=True)
        if ask.kind is ResourceKind.LIST:
            return FetchFailed("a folder has no complete project list")
        if repository.kind == "flat-directory":
            return _flat_offer(repository, ask.name)
        if not any(repository.files):
            return NotFound(in_empty_root=True)
        held = _project(repository, PurePosixPath(urlsplit(ask.location.url).path).name)
        return NotFound() if held is None else _served(held, ask.name)

    def _over_http(self, repository: RepositoryCase, ask: FetchRequest) -> FetchResult[Page]:
        area, project = _asked_path(ask.location.url)
        self.asked.add((repository.name, project))
        if area not in ("simple", "links.html"):
            return StatusReceived(404)
        is_list = area == "simple" and not project
        fault = repository.answers.get(LIST if is_list else project or ALL)
        fault = fault or repository.answers.get(ALL)
        fault = (fault or Fault()).filled(self._fill)
        special = _special(fault, ask)
        if special is not None:
            return special
        if is_list:
            return ProjectListFound(frozenset(map(normalize, repository.files)))
        if area == "links.html":
            return _flat_offer(repository, ask.name)
        held = _project(repository, project)
        if held is None and not fault.makes_page:
            return StatusReceived(404)
        return _served(() if fault.empty_page else held or (), ask.name)


def _unrivalled(decision: Decision[Page]) -> tuple[RepositoryResult[Page], ...]:
    """The owners' findings; under merge without the versions that a higher-priority owner has."""
    if not decision.is_merged:
        return decision.owners
    first: dict[Version, int] = {}
    for owner in decision.owners:
        for file in filter(_is_compatible, owner.page or ()):
            first.setdefault(Version(file.version), owner.repository.priority)

    def left(owner: RepositoryResult[Page]) -> Page:
        own = owner.repository.priority
        return tuple(file for file in owner.page or () if own <= first.get(Version(file.version), own))

    return tuple(replace(owner, page=left(owner)) for owner in decision.owners)


def is_specifier(text: str) -> bool:
    """Whether `packaging` takes `text` for a version specifier."""
    return judge(text, SpecifierSet)


def is_version(text: str) -> bool:
    """Whether `text` is a version."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _url(repository: RepositoryCase) -> str:
    # Plain HTTP as on loopback, so that a site can be written the same way for both runners.
    root = f"http://{repository.name}.example/"
    paths = {"simple": f"{root}simple/", "flat": f"{root}links.html"}
    folder = f"{_ROOT}/{repository.name}"
    on_disk = folder if repository.kind == "flat-directory" else f"file://{folder}/"
    return paths.get(repository.kind, on_disk)


def _is_at(repository: RepositoryCase, url: str) -> bool:
    parts = urlsplit(url)
    if repository.is_served:
        return parts.hostname == f"{repository.name}.example"
    return f"{parts.path}/".startswith(f"{_ROOT}/{repository.name}/")


def _asked_path(url: str) -> tuple[str, str]:
    """The area of a server's site and the project in it."""
    segments = [unquote(part) for part in urlsplit(url).path.split("/") if part]
    area = segments[0] if segments else ""
    return area, normalize(segments[1]) if len(segments) > 1 else ""


def _special(fault: Fault, ask: FetchRequest) -> FetchResult[Page] | None:
    """The answer if a fault replaces the normal one: what an adapter would make of it."""
    location = ask.location
    if fault.basic_auth is not None and f"{location.user}:{location.password}" != fault.basic_auth:
        return StatusReceived(401)
    if fault.loop or fault.redirect is not None:
        return RedirectReceived(_absolute(location.url, fault.redirect or location.url))
    if fault.status is not None:
        return StatusReceived(fault.status)
    broken: Mapping[str, bool] = {
        "no answer in time": bool(fault.hang),
        "the connection was reset": fault.reset,
        "the answer broke off": fault.reset_body or fault.truncate or fault.gzip_garbage,
        "no project page": fault.login_page or fault.body is not None or fault.json is not None,
        "not a page's content type": not _is_page_type(fault.content_type),
        "the page of another project": normalize(fault.name or ask.name) != ask.name,
        "another API version": (fault.api_version or "1.0").split(".")[0] != "1",
    }
    lasting = bool(fault.hang) or fault.reset
    reasons = (FetchFailed(why, lasting=lasting) for why, holds in broken.items() if holds)
    return next(reasons, None)


def _absolute(base: str, target: str) -> str:
    """The redirect's target; a text that is not a URL stays unchanged, for the core to judge."""
    try:
        return urljoin(base, target)
    except ValueError:
        return target


def _is_page_type(content_type: str | None) -> bool:
    return content_type is None or content_type.startswith(_PAGES)


def _project(repository: RepositoryCase, project: str) -> tuple[FileSpec, ...] | None:
    held = {normalize(name): specs for name, specs in repository.files.items()}
    return held.get(normalize(project))


def _served(specs: tuple[FileSpec, ...], name: NormalizedName) -> PageFound[Page]:
    page = _page({(name, spec) for spec in specs}, name)
    return PageFound(page, len(page), empty=not specs)


def _flat_offer(repository: RepositoryCase, name: NormalizedName) -> FetchResult[Page]:
    listed = {(project, spec) for project, specs in repository.files.items() for spec in specs}
    page = _page(listed, name)
    return PageFound(page, len(page)) if page else NotFound(in_empty_root=not listed)


def _page(listed: set[tuple[str, FileSpec]], name: NormalizedName) -> Page:
    names = ((build(project, spec).filename, spec) for project, spec in listed)
    files = ((file, version_in(file, name, is_version), spec) for file, spec in names)
    return tuple(File(file, version, spec) for file, version, spec in files if version)


def _tag_rank(file: str) -> int:
    """How well the file fits this interpreter: an sdist least, -1 if not at all."""
    if not file.endswith(".whl"):
        return 0
    tags = parse_wheel_filename(file)[3]
    known = list(sys_tags())
    return next((len(known) - n for n, tag in enumerate(known) if tag in tags), -1)


def _is_compatible(file: File) -> bool:
    python = ".".join(map(str, sys.version_info[:3]))
    allowed = SpecifierSet(file.spec.requires_python or "").contains(python)
    return allowed and _tag_rank(file.name) >= 0


def _concerned(decision: Decision[Any], explanation: Explanation) -> tuple[str, ...]:
    """The repositories that may be responsible for the result: the supplier, the faulty, the owners."""
    if explanation.chosen:
        return (explanation.chosen.repository,)
    by_outcome: dict[str, Callable[[], list[str]]] = {
        "unavailable": lambda: [line.repository.name for line in explanation.faulty],
        "no-match": lambda: [f.repository.name for f in decision.of(RepositoryState.SERVES)],
    }
    owners = by_outcome.get(explanation.outcome.value)
    return tuple(owners() if owners else [owner.name for owner in explanation.owners])
