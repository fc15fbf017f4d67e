"""Decision cases: what a policy, a request and some repositories must lead to.

A case is data, in a TOML file. This module reads it strictly and makes it real. In its
texts `{corp}` stands for the URL of the repository keyed `corp` (for a flat directory: its
path), and `{corp.host}` for the host and port of one that is served.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast

from repoprio.lookup.ownership import Record
from repoprio.names import normalize
from repoprio.serve.stores.sqlite_store import SqliteStore

from .clocks import http_date
from .faults import Fault
from .files import FileSpec, fold, parse
from .repository import (
    DirectoryRepository,
    FlatDirectory,
    Layout,
    MissingDirectory,
    Repository,
    RepositoryServer,
)
from .tables import Reader, TableError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Kind: TypeAlias = Literal["simple", "flat", "flat-directory", "directory", "missing-directory"]
Runner: TypeAlias = Literal["core", "pip"]

KINDS: Final = ("simple", "flat", "flat-directory", "directory", "missing-directory")
LAYOUTS: Final = ("json", "html")
OUTCOMES: Final = ("served", "no-match", "absent", "unavailable", "blocked")
RUNNERS: Final = ("core", "pip")

ALL: Final = "*"
# The placeholder of the file with what is remembered.
RECORDS: Final = "records"
LIST: Final = "/"
_ANSWERING: Final = ("simple", "flat")
_PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z][a-z0-9_-]*)(\.host)?\}")
_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:$|[\[(<>=!~;@,\s])")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_KEY = re.compile(r"[a-z][a-z0-9_-]*")


class CaseError(ValueError):
    """A file of cases is invalid."""


@dataclass(frozen=True)
class RepositoryCase:
    """A repository of a case: its content and its faults."""

    name: str
    kind: Kind = "simple"
    layout: Layout = "json"
    files: Mapping[str, tuple[FileSpec, ...]] = field(default_factory=dict)
    answers: Mapping[str, Fault] = field(default_factory=dict)
    # What its Date and Age state: "3 days behind", or a literal text (`clocks`).
    clock: str = "0 seconds ahead"
    age: str | None = None

    @property
    def is_served(self) -> bool:
        """Whether the repository is reached by HTTP, and so records its requests."""
        return self.kind in _ANSWERING


@dataclass(frozen=True)
class Expect:
    """The expected result of a case."""

    outcome: str
    project: str
    code: str | None = None
    repository: str | None = None
    version: str | None = None
    asked: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One decision, as stated in the file."""

    id: str
    why: str
    request: tuple[str, ...]
    policy: str
    expect: Expect
    options: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    through: tuple[Runner, ...] = ("core", "pip")
    pips: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    repositories: Mapping[str, RepositoryCase] = field(default_factory=dict)
    # Which repository served a name before, by project; the policy has it as `ownership = "{records}"`.
    remembered: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Realized:
    """A case whose repositories exist, with every placeholder filled in."""

    case: Case
    repositories: Mapping[str, Repository]
    urls: Mapping[str, str]
    request: tuple[str, ...]
    options: tuple[str, ...]
    constraints: tuple[str, ...]
    env: Mapping[str, str]
    says: tuple[str, ...]
    policy_text: str
    policy: Path
    constraints_file: Path | None

    @property
    def pip_options(self) -> tuple[str, ...]:
        """The options for pip, with the constraints file among them."""
        if self.constraints_file is None:
            return self.options
        return (*self.options, "--constraint", str(self.constraints_file))

    def asked(self, repository: str, project: str) -> bool | None:
        """Whether the repository was asked for the project; None if that is not known.

        A flat page is asked for every project at once.
        """
        found = self.repositories[repository]
        if not isinstance(found, RepositoryServer):
            return None
        if self.case.repositories[repository].kind == "flat":
            return found.asked_flat()
        return found.asked(project)

    def repository_of(self, url: str) -> str | None:
        """Return the name of the repository that a file's URL lies in."""
        owners = (name for name, it in self.repositories.items() if url.startswith(it.root_url))
        return next(owners, None)


def load_cases(*places: Path, runner: Runner | None = None) -> tuple[Case, ...]:
    """Return the cases of files and folders, all or those that `runner` takes."""
    cases = [case for path in _files(places) for case in _load(path)]
    _reject_duplicates(cases)
    return tuple(case for case in cases if runner is None or runner in case.through)


def parse_cases(text: str, source: str = "") -> tuple[Case, ...]:
    """Return the cases of a TOML document."""
    try:
        document = Reader(tomllib.loads(text), source)
        tables = document.take("case", [])
        document.finish()
        if not isinstance(tables, list):
            raise document.fail("case must be an array of tables")
        cases = tuple(_case(table, f"{source}, case {n}", source) for n, table in _numbered(tables))
    except (TableError, tomllib.TOMLDecodeError) as error:
        raise CaseError(f"{source}: {error}") from error
    _reject_duplicates(cases)
    return cases


@contextmanager
def realize(case: Case, tmp_path: Path) -> Iterator[Realized]:
    """Start or write the repositories of a case and fill in its placeholders."""
    with ExitStack() as stack:
        made = {
            name: _make(repository, tmp_path / "repositories", stack) for name, repository in case.repositories.items()
        }
        urls = {name: _url(case.repositories[name], it) for name, it in made.items()}
        hosts = {name: it.host for name, it in made.items() if isinstance(it, RepositoryServer)}
        memory = tmp_path / "records.sqlite"
        if case.remembered:
            SqliteStore(str(memory)).begin(records(case, urls))
        fill = filler({**urls, RECORDS: memory.as_posix()}, hosts)
        for name, repository in case.repositories.items():
            _stock(repository, made[name], fill)
            _set_answers(repository, made[name], fill)
        yield _realized(case, tmp_path, made, urls, fill)


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(place.glob("*.toml"))
        else:
            yield place


def _load(path: Path) -> tuple[Case, ...]:
    return parse_cases(path.read_text(encoding="utf-8"), path.name)


def _numbered(tables: list[Any]) -> Iterator[tuple[object, Any]]:
    for number, table in enumerate(tables, 1):
        yield (table.get("id", number) if isinstance(table, dict) else number), table


def _reject_duplicates(cases: Iterable[Case]) -> None:
    seen: dict[str, str] = {}
    for case in cases:
        if case.id in seen:
            raise CaseError(f"{case.source}: id {case.id!r} is taken already in {seen[case.id]}")
        seen[case.id] = case.source


def _case(table: object, where: str, source: str) -> Case:
    reader = Reader(table, where)
    request = _request(reader)
    case = Case(
        id=_matching(reader, "id", _ID),
        why=reader.need_text("why"),
        request=request,
        policy=_policy(reader),
        expect=_expect(reader.take("expect"), f"{where}, expect", request),
        options=reader.texts("options"),
        constraints=reader.texts("constraints"),
        through=_through(reader),
        pips=reader.texts("pips"),
        env=reader.text_table("env"),
        repositories=_repositories(reader),
        remembered=reader.text_table("remembered"),
        source=source,
    )
    reader.finish()
    _check(case, reader)
    return case


def _request(reader: Reader) -> tuple[str, ...]:
    request = reader.texts("request")
    if not request:
        raise reader.fail("request is required")
    return request


def _policy(reader: Reader) -> str:
    policy = reader.text("policy")
    if policy is None:
        raise reader.fail("policy is required")
    return policy


def _matching(reader: Reader, key: str, pattern: re.Pattern[str]) -> str:
    value = reader.need_text(key)
    if not pattern.fullmatch(value):
        raise reader.fail(f"{key} {value!r} must match {pattern.pattern}")
    return value


def _through(reader: Reader) -> tuple[Runner, ...]:
    through = reader.texts("through", RUNNERS)
    if not through or not set(through) <= set(RUNNERS) or len(set(through)) < len(through):
        raise reader.fail(f"through must name some of {', '.join(RUNNERS)}, not {through!r}")
    return cast("tuple[Runner, ...]", through)


def _expect(table: object, where: str, request: tuple[str, ...]) -> Expect:
    reader = Reader(table, where)
    expect = Expect(
        outcome=reader.choice("outcome", OUTCOMES),
        project=_project(reader, request),
        code=reader.text("code"),
        repository=reader.text("repository"),
        version=reader.text("version"),
        asked=reader.texts("asked"),
        not_asked=reader.texts("not-asked"),
        also={fold(key): value for key, value in reader.text_table("also").items()},
        says=reader.texts("says"),
    )
    reader.finish()
    return expect


def _project(reader: Reader, request: tuple[str, ...]) -> str:
    explicit = reader.text("project")
    found = None if explicit else _NAME.match(request[0])
    if not explicit and not found:
        raise reader.fail(f"project is required: {request[0]!r} begins with no name")
    return fold(explicit or (found[1] if found else ""))


def _repositories(reader: Reader) -> dict[str, RepositoryCase]:
    tables = reader.items("repositories")
    return {name: _repository(name, table, f"{reader.where}, repository {name}") for name, table in tables.items()}


def _repository(name: str, table: object, where: str) -> RepositoryCase:
    reader = Reader(table, where)
    if not _KEY.fullmatch(name):
        raise reader.fail(f"the name must match {_KEY.pattern}")
    repository = RepositoryCase(
        name=name,
        kind=cast("Kind", reader.choice("kind", KINDS, "simple")),
        layout=cast("Layout", reader.choice("layout", LAYOUTS, "json")),
        files={project: _specs(reader, it) for project, it in reader.items("files").items()},
        answers={key: Fault.parse(table) for key, table in reader.items("answers").items()},
        clock=reader.text("clock") or RepositoryCase.clock,
        age=reader.text("age"),
    )
    reader.finish()
    _check_repository(repository, reader)
    return repository


def _specs(reader: Reader, items: object) -> tuple[FileSpec, ...]:
    if not isinstance(items, list):
        raise reader.fail(f"files of a project must be a list, not {items!r}")
    return tuple(parse(item) for item in items)


def _check_repository(repository: RepositoryCase, reader: Reader) -> None:
    if repository.answers and not repository.is_served:
        raise reader.fail(f"a {repository.kind} gives no answers")
    if repository.kind == "flat" and set(repository.answers) - {ALL}:
        raise reader.fail(f"a flat page has only the answer {ALL!r}")
    if repository.files and repository.kind == "missing-directory":
        raise reader.fail("a missing-directory has no files")


def _check(case: Case, reader: Reader) -> None:
    expect = case.expect
    named = {*expect.asked, *expect.not_asked, *expect.also.values()}
    named |= {expect.repository} if expect.repository else set()
    if named - set(case.repositories):
        raise reader.fail(f"unknown repository {sorted(named - set(case.repositories))}")
    if set(expect.asked) & set(expect.not_asked):
        raise reader.fail("a repository is both in asked and in not-asked")
    for name in (*expect.asked, *expect.not_asked):
        if not case.repositories[name].is_served:
            raise reader.fail(f"nobody can tell what {name} was asked: it is no server")
    if (expect.also or expect.says) and "pip" not in case.through:
        raise reader.fail("also and says are for cases that go through pip")
    _check_placeholders(case, reader)


def _check_placeholders(case: Case, reader: Reader) -> None:
    """Find misspelt placeholders now, when the error can still name the case."""
    served = {name for name, repository in case.repositories.items() if repository.is_served}
    fill = filler(dict.fromkeys((*case.repositories, RECORDS), ""), dict.fromkeys(served, ""))
    try:
        for text in (case.policy, *case.request, *case.options, *case.constraints):
            fill(text)
        for text in (*case.env.values(), *case.expect.says):
            fill(text)
        for repository in case.repositories.values():
            for fault in repository.answers.values():
                fault.filled(fill)
            for spec in (spec for specs in repository.files.values() for spec in specs):
                list(map(fill, spec.requires))
    except CaseError as error:
        raise reader.fail(str(error)) from error


def records(case: Case, urls: Mapping[str, str]) -> list[Record]:
    """The records of a case, with the URLs of its repositories.

    Records of others belong to repositories outside the policy.
    """
    return [
        Record(normalize(project), name, urls.get(name, "https://gone.example/simple/"))
        for project, name in case.remembered.items()
    ]


def filler(urls: Mapping[str, str], hosts: Mapping[str, str]) -> Callable[[str], str]:
    """Return what fills in placeholders, from the URLs and hosts of repositories."""

    def value(match: re.Match[str]) -> str:
        values = hosts if match[2] else urls
        if match[1] not in values:
            raise CaseError(f"unknown placeholder {match[0]}")
        return values[match[1]]

    return lambda text: _PLACEHOLDER.sub(value, text)


def _make(case: RepositoryCase, folder: Path, stack: ExitStack) -> Repository:
    root = folder / case.name
    if case.kind == "missing-directory":
        return MissingDirectory(root, case.name)
    made: RepositoryServer | DirectoryRepository | FlatDirectory
    if case.kind == "directory":
        made = DirectoryRepository(root, case.name)
    elif case.kind == "flat-directory":
        made = FlatDirectory(root, case.name)
    else:
        made = stack.enter_context(RepositoryServer(case.name, layout=case.layout))
        made.age = case.age
        if case.clock != RepositoryCase.clock:
            made.http.date = http_date(case.clock)
    return made


def _stock(case: RepositoryCase, made: Repository, fill: Callable[[str], str]) -> None:
    """Add the files, whose requirements may name other repositories' URLs."""
    if isinstance(made, MissingDirectory):
        return
    for project, specs in case.files.items():
        filled = (replace(it, requires=tuple(map(fill, it.requires))) for it in specs)
        made.add(project, *filled)


def _url(case: RepositoryCase, made: Repository) -> str:
    if isinstance(made, RepositoryServer):
        return made.flat_url if case.kind == "flat" else made.page_url
    return made.path if isinstance(made, FlatDirectory) else made.root_url


def _set_answers(case: RepositoryCase, made: Repository, fill: Callable[[str], str]) -> None:
    if not isinstance(made, RepositoryServer):
        return
    for key, fault in case.answers.items():
        if key == ALL:
            made.answer_all(fault.filled(fill))
        elif key == LIST:
            made.list_answer(fault.filled(fill))
        else:
            made.answer(key, fault.filled(fill))


def _realized(
    case: Case,
    tmp_path: Path,
    made: Mapping[str, Repository],
    urls: Mapping[str, str],
    fill: Callable[[str], str],
) -> Realized:
    constraints = tuple(map(fill, case.constraints))
    policy_text = fill(case.policy)
    return Realized(
        case=case,
        repositories=made,
        urls=urls,
        request=tuple(map(fill, case.request)),
        options=tuple(map(fill, case.options)),
        constraints=constraints,
        env={key: fill(value) for key, value in case.env.items()},
        says=tuple(map(fill, case.expect.says)),
        policy_text=policy_text,
        policy=_written(tmp_path / "policy.toml", policy_text),
        constraints_file=_constraints_file(tmp_path / "constraints.txt", constraints),
    )


def _constraints_file(path: Path, lines: tuple[str, ...]) -> Path | None:
    return _written(path, "".join(f"{line}\n" for line in lines)) if lines else None


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
