"""The parts of pip that repoprio uses, as far as it uses them: pip has no types for others.

For type checkers alone: import it under `TYPE_CHECKING`. A member stands here only if pip 22.0.2 to 26.3 all have it;
`tests/pip/test_protocols.py` asks real pips. What only some pips have is asked for by `hasattr` or `getattr`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from http.cookiejar import CookieJar
from optparse import Values
from typing import Any, Protocol

# packaging, as pip brings it along


class Version(Protocol):
    """A version (PEP 440)."""

    def __lt__(self, other: Version, /) -> bool:
        """Whether it is older."""


class Specifier(Protocol):
    """One part of a specifier: `>=1`."""

    @property
    def operator(self) -> str:
        """`>=`."""

    @property
    def version(self) -> str:
        """`1`, or `1.*`."""


class SpecifierSet(Protocol):
    """Bounds that hold together: `>=1,<2`."""

    def contains(self, item: str, prereleases: bool | None = None) -> bool:
        """Whether a version lies within them."""

    def __and__(self, other: SpecifierSet, /) -> SpecifierSet:
        """Both bounds."""

    def __iter__(self) -> Iterator[Specifier]:
        """Its parts."""


class Requirement(Protocol):
    """A requirement (PEP 508)."""

    specifier: SpecifierSet


# What an index offers


class Hashes(Protocol):
    """The hashes that a file may have, any of them; without any it is false."""

    _allowed: Mapping[str, Sequence[str]]

    def __and__(self, other: Hashes, /) -> Hashes:
        """Those that both allow."""


class Link(Protocol):
    """A URL with what its page says of it. pip 22.0 to 22.3 have no `_hashes`, but one hash in the URL."""

    comes_from: str | None
    requires_python: str | None
    yanked_reason: str | None

    @property
    def url(self) -> str:
        """All of it."""

    @property
    def filename(self) -> str:
        """The last part of its path."""

    @property
    def file_path(self) -> str:
        """Where a file on disk is."""

    @property
    def hash_name(self) -> str | None:
        """The kind of its hash."""

    @property
    def hash(self) -> str | None:
        """Its hash."""

    @property
    def has_hash(self) -> bool:
        """Whether any hash is stated."""

    @property
    def is_file(self) -> bool:
        """Whether it is on disk."""

    @property
    def is_vcs(self) -> bool:
        """Whether it is a checkout's."""

    @property
    def is_wheel(self) -> bool:
        """Whether its name is a wheel's."""

    @property
    def is_yanked(self) -> bool:
        """Whether the file was yanked (PEP 592)."""

    def is_existing_dir(self) -> bool:
        """Whether it is a folder."""

    def is_hash_allowed(self, hashes: Hashes | None) -> bool:
        """Whether it states one of `hashes`."""


class InstallationCandidate(Protocol):
    """A version of a project, and its file."""

    name: str
    version: Version
    link: Link


class BestCandidateResult(Protocol):
    """What a look-up came to; the applicable candidates are a method's until pip 25.1, then a field."""

    best_candidate: InstallationCandidate | None


# The finder


class SearchScope(Protocol):
    """Where a finder looks."""

    index_urls: list[str]
    find_links: list[str]


class TargetPython(Protocol):
    """The Python that is installed for; pip 23.1 and later also have `get_unsorted_tags`, which costs less."""

    py_version_info: tuple[int, ...]

    def __hash__(self) -> int:
        """By identity: each one is asked once."""


class LinkEvaluator(Protocol):
    """Judges links to files of one project; its verdict is a boolean until pip 22.2, then an enum."""

    project_name: str
    _target_python: TargetPython
    _ignore_requires_python: bool

    def evaluate_link(self, link: Link) -> tuple[object, str | None]:
        """Its verdict, and a version or a reason."""


class CandidateEvaluator(Protocol):
    """Holds candidates against one requirement."""

    def get_applicable_candidates(self, candidates: list[InstallationCandidate]) -> list[InstallationCandidate]:
        """Those that fit, the best one last."""

    def compute_best_candidate(self, candidates: list[InstallationCandidate]) -> BestCandidateResult:
        """The best one."""


class LinkCollector(Protocol):
    """Fetches pages for a finder."""

    session: PipSession


class PackageFinder(Protocol):
    """Looks up projects; pip 26.0 and later keep in `_locked_links` what a pylock.toml names."""

    _link_collector: LinkCollector

    @property
    def search_scope(self) -> SearchScope:
        """Where it looks."""

    def find_best_candidate(
        self, project_name: str, specifier: SpecifierSet | None = None, hashes: Hashes | None = None
    ) -> BestCandidateResult:
        """What fits best."""

    def make_link_evaluator(self, project_name: str) -> LinkEvaluator:
        """What judges links."""

    def make_candidate_evaluator(
        self, project_name: str, specifier: SpecifierSet | None = None, hashes: Hashes | None = None
    ) -> CandidateEvaluator:
        """What judges candidates."""

    def find_all_candidates(self, project_name: str) -> list[InstallationCandidate]:
        """Whatever there is."""

    def evaluate_links(self, link_evaluator: LinkEvaluator, links: Iterable[Link]) -> list[InstallationCandidate]:
        """The candidates among links."""

    def get_install_candidate(self, link_evaluator: LinkEvaluator, link: Link) -> InstallationCandidate | None:
        """The candidate of a link."""


# The network


class HttpHeaders(Protocol):
    """Headers, in whatever case they are asked for."""

    def get(self, name: str, default: str, /) -> str:
        """The value of one."""

    def pop(self, name: str, default: None, /) -> str | None:
        """Take one out."""

    def __delitem__(self, name: str, /) -> None:
        """Take one out that is there."""


class HttpRequest(Protocol):
    """A request of requests."""

    url: str
    headers: HttpHeaders

    def prepare_auth(self, auth: tuple[str, str]) -> None:
        """Have it carry this login."""


class RawBody(Protocol):
    """An answer of urllib3."""

    def stream(self, amt: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """The body in parts."""

    def close(self) -> None:
        """Drop the connection."""


class HttpResponse(Protocol):
    """An answer of requests."""

    status_code: int
    url: str
    headers: HttpHeaders
    raw: RawBody
    request: HttpRequest
    _content: bytes | bool | None
    _content_consumed: bool

    def close(self) -> None:
        """Let the connection go."""


class SessionAuth(Protocol):
    """`MultiDomainBasicAuth`: logins, by host and port; since pip 23.1 `use_keyring` says whether keyring is asked."""

    prompting: bool
    index_urls: list[str] | None
    passwords: dict[str, tuple[str, str]]

    def _get_new_credentials(
        self, original_url: str, *, allow_netrc: bool = True, allow_keyring: bool = False
    ) -> tuple[str | None, str | None]:
        """A login that netrc or keyring knows."""


class PipSession(Protocol):
    """The session of requests that pip fetches everything with."""

    auth: SessionAuth
    cookies: CookieJar
    max_redirects: int

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        allow_redirects: bool,
        stream: bool,
        hooks: Mapping[str, Sequence[Callable[..., None]]],
    ) -> HttpResponse:
        """The answer to a request."""

    def get_adapter(self, url: str) -> object:
        """What sends requests for `url`."""

    def is_secure_origin(self, location: Link) -> bool:
        """Whether it is https, this machine or a trusted host."""


# Requirements


class InstallRequirement(Protocol):
    """What is to be installed."""

    name: str | None
    req: Requirement | None
    link: Link | None
    original_link: Link | None
    comes_from: object
    constraint: bool
    editable: bool
    isolated: bool
    markers: object
    user_supplied: bool
    hash_options: dict[str, list[str]]
    local_file_path: str | None

    def match_markers(self) -> bool:
        """Whether its marker holds here."""

    @property
    def specifier(self) -> SpecifierSet:
        """The bounds of `req`."""

    @property
    def is_wheel(self) -> bool:
        """Whether its file is a wheel."""

    def hashes(self, *, trust_internet: bool) -> Hashes:
        """Those that its file may have."""


class RequirementsFileParser(Protocol):
    """Reads a requirements file, and those that it names."""

    _session: PipSession


class ParsedLine(Protocol):
    """A line of a requirements file."""

    lineno: int
    constraint: bool


class Distribution(Protocol):
    """The metadata of a file, or of what is installed."""

    @property
    def raw_name(self) -> str:
        """As the metadata spells it."""

    @property
    def version(self) -> object:
        """Its version."""

    def iter_dependencies(self, extras: Sequence[str] = ()) -> Iterable[object]:
        """What it requires."""

    def iter_provided_extras(self) -> Iterable[str]:
        """Its extras."""


class UninstallPathSet(Protocol):
    """What an uninstallation takes away: `_paths`, or `paths` in older pips."""

    # Asks the user.
    _allowed_to_proceed: Callable[[bool], bool]


# The resolver


class Constraint(Protocol):
    """What all constraints say of one project."""

    specifier: SpecifierSet
    hashes: Hashes


class ResolverCandidate(Protocol):
    """A node of resolvelib's graph; one with extras stands beside its base, and has the same project."""

    @property
    def name(self) -> str:
        """The project, with its extras."""

    @property
    def project_name(self) -> str:
        """The project."""

    @property
    def version(self) -> object:
        """Its version."""

    @property
    def is_installed(self) -> bool:
        """Whether it stays as it is."""

    @property
    def source_link(self) -> Link | None:
        """Its file; None for what is installed."""

    def get_install_requirement(self) -> InstallRequirement | None:
        """What is to be installed for it."""


class ResolverRequirement(Protocol):
    """An edge of resolvelib's graph."""

    @property
    def name(self) -> str:
        """The project, with its extras."""

    @property
    def project_name(self) -> str:
        """The project."""

    def get_candidate_lookup(self) -> tuple[ResolverCandidate | None, InstallRequirement | None]:
        """A candidate that is named, or what to look up."""


# Who wants what, None for the user.
Causes = Sequence[tuple[ResolverRequirement, "ResolverCandidate | None"]]


class ResolutionImpossible(Protocol):
    """Resolvelib's error."""

    causes: Causes


class Criterion(Protocol):
    """What was wanted of one node while the graph grew."""

    information: Iterable[tuple[ResolverRequirement, ResolverCandidate | None]]


class Graph(Protocol):
    """Who wants whom; None is the user."""

    def __iter__(self) -> Iterator[str | None]:
        """Its nodes."""

    def iter_parents(self, key: str) -> Iterator[str | None]:
        """Who wants a node."""


class ResolutionResult(Protocol):
    """What resolvelib came to."""

    mapping: Mapping[str, ResolverCandidate]
    criteria: Mapping[str, Criterion]
    graph: Graph


class Factory(Protocol):
    """Makes the candidates and requirements of a resolution."""

    _finder: PackageFinder
    _link_candidate_cache: MutableMapping[Link, object]
    _make_install_req_from_spec: Callable[[str, InstallRequirement], InstallRequirement]

    def get_installation_error(self, e: Any, constraints: Mapping[str, Constraint]) -> Exception:
        """Why there is no resolution."""


class Provider(Protocol):
    """What resolvelib asks."""

    _factory: Factory
    _constraints: Mapping[str, Constraint]

    def find_matches(
        self, identifier: str, requirements: object, incompatibilities: Mapping[str, Iterable[ResolverCandidate]]
    ) -> Iterable[ResolverCandidate]:
        """The candidates of a node."""

    def is_satisfied_by(self, requirement: ResolverRequirement, candidate: ResolverCandidate) -> bool:
        """Whether a candidate is what is wanted."""

    def get_dependencies(self, candidate: ResolverCandidate) -> Iterable[ResolverRequirement]:
        """What a candidate wants."""


class RequirementSet(Protocol):
    """What a resolution came to, to be installed."""

    @property
    def all_requirements(self) -> list[InstallRequirement]:
        """All of it."""


class Resolver(Protocol):
    """Pip's resolver on resolvelib; the legacy one has neither `factory` nor `_result`, but a `finder`."""

    factory: Factory
    _result: ResolutionResult

    def resolve(self, root_reqs: list[InstallRequirement], check_supported_wheels: bool) -> RequirementSet:
        """What is to be installed."""


class CollectedRootRequirements(Protocol):
    """What a resolution begins with."""

    constraints: Mapping[str, Constraint]


class LegacyResolver(Protocol):
    """Pip's resolver before resolvelib."""

    finder: PackageFinder


class RequirementPreparer(Protocol):
    """Fetches files and their metadata."""

    finder: PackageFinder
    require_hashes: bool
    use_lazy_wheel: bool

    def prepare_linked_requirement(self, req: InstallRequirement, parallel_builds: bool) -> Distribution:
        """The metadata of a file."""


class Command(Protocol):
    """One of pip's commands."""

    name: str


class IndexCommand(Protocol):
    """``pip index``."""

    _build_package_finder: Callable[..., PackageFinder]


class InstallCommand(Protocol):
    """``pip install``."""

    def parse_args(self, args: list[str]) -> tuple[Values, list[str]]:
        """The options, and what else is given."""

    def main_context(self) -> AbstractContextManager[None]:
        """While it runs."""

    def get_default_session(self, options: Values) -> PipSession:
        """The one session of the command."""

    def _build_session(self, options: Values) -> Any:
        """A session that is closed in the end."""

    def _build_package_finder(
        self,
        options: Values,
        session: PipSession,
        target_python: TargetPython | None = None,
        ignore_requires_python: bool | None = None,
    ) -> PackageFinder:
        """A finder."""

    def get_requirements(
        self, args: list[str], options: Values, finder: PackageFinder, session: PipSession
    ) -> list[InstallRequirement]:
        """What arguments, files and constraints say."""

    def make_resolver(
        self,
        *,
        preparer: object,
        finder: PackageFinder,
        options: Values,
        ignore_installed: bool,
        ignore_requires_python: bool,
    ) -> Resolver:
        """A resolver."""

    # Its parameters differ from pip to pip.
    make_requirement_preparer: Callable[..., RequirementPreparer]
