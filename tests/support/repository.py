"""Repositories for tests: a site of its own on loopback, or folders on disk.

Everything a `RepositoryServer` says goes through pytest-httpserver, the faults included:
werkzeug sends a Content-Length that does not fit the body when asked to, and tells its
request handler about a broken connection, which is where `faults.Listener` resets it.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, Lock
from types import TracebackType
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from werkzeug import Request, Response

from . import pages
from .faults import Fault, Listener, answer, not_found, page_response
from .files import BuiltFile, FileSpec, build, fold, parse
from .pages import Page

__all__ = [
    "DirectoryRepository",
    "Fault",
    "FileLike",
    "FlatDirectory",
    "Layout",
    "MissingDirectory",
    "Repository",
    "RepositoryServer",
    "most_at_once",
]

Layout: TypeAlias = Literal["json", "html"]
FileLike: TypeAlias = "FileSpec | str | dict[str, object]"

_LOOPBACK = "127.0.0.1"
_NO_FAULT = Fault()


class Shelf:
    """The files of one repository, by project."""

    def __init__(self, label: str) -> None:
        """Keep the files of the repository called `label`."""
        self.label = label
        self._projects: dict[str, dict[str, BuiltFile]] = {}

    def add(self, project: str, *files: FileLike) -> list[BuiltFile]:
        """Build the files, put them on the project's page and return them."""
        built = [build(project, _spec(item), self.label) for item in files]
        self.put(project, *built)
        return built

    def put(self, project: str, *files: BuiltFile) -> None:
        """Put files that are built already on the project's page, in place of those with the same names."""
        self._projects.setdefault(fold(project), {}).update({file.filename: file for file in files})

    def remove(self, project: str) -> None:
        """Remove a project."""
        del self._projects[fold(project)]

    @property
    def projects(self) -> list[str]:
        """The normalized names of the projects, sorted."""
        return sorted(self._projects)

    def files(self, project: str) -> list[BuiltFile]:
        """Return the files of a project, in the order they were added."""
        return list(self._projects.get(fold(project), {}).values())

    def all_files(self) -> dict[str, BuiltFile]:
        """Return every file by its name."""
        shelves = self._projects.values()
        return {name: file for shelf in shelves for name, file in shelf.items()}


class RepositoryServer:
    """A repository that serves both a simple index and a flat page of links."""

    def __init__(
        self,
        label: str,
        *,
        layout: Layout = "json",
        cache_control: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Start serving at once, over https with `tls`; `cache_control` is sent along with every normal page."""
        self.label = label
        self.layout = layout
        self._cache_control = cache_control
        self._shelf = Shelf(label)
        self._lock = Lock()
        self._released = Event()
        self._requests: list[str] = []
        # How many requests are being answered; the most there were; and each one's path, begin and end.
        self._held = 0
        self.most_held = 0
        self.spans: list[tuple[str, float, float]] = []
        # How many seconds each page claims to have lain in a cache.
        self.age: str | None = None
        # All other answers, by path.
        self.extra: dict[str, bytes] = {}
        self._answers: dict[str, Fault] = {}
        self._all: Fault | None = None
        self._list: Fault | None = None
        self.http = Listener(_LOOPBACK, 0, threaded=True, ssl_context=tls)
        self.http.expect_request(re.compile("")).respond_with_handler(self._respond)
        self.http.start()
        self.root_url = f"{'https' if tls else 'http'}://{_LOOPBACK}:{self.http.port}/"

    def __enter__(self) -> RepositoryServer:  # noqa: PYI034 - typing.Self is not in Python 3.10
        """Return the running server."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the server."""
        self.close()

    @property
    def page_url(self) -> str:
        """The base of the project pages, as an index URL names it."""
        return f"{self.root_url}simple/"

    @property
    def flat_url(self) -> str:
        """The page that lists all files, as find-links names it."""
        return f"{self.root_url}links.html"

    @property
    def host(self) -> str:
        """The host and port, as in a URL."""
        return urlsplit(self.root_url).netloc

    @property
    def requests(self) -> list[str]:
        """The paths asked for up to now, in order."""
        with self._lock:
            return list(self._requests)

    def add(self, project: str, *files: FileLike) -> list[BuiltFile]:
        """Add files to a project; none makes a project with an empty page."""
        with self._lock:
            return self._shelf.add(project, *files)

    @property
    def projects(self) -> list[str]:
        """The normalized names of the projects, sorted."""
        return self._shelf.projects

    def files(self, project: str) -> list[BuiltFile]:
        """The files of a project, in the order they were added."""
        return self._shelf.files(project)

    def put(self, project: str, *files: BuiltFile) -> None:
        """Put files that are built already on a project's page, in place of those with the same names."""
        with self._lock:
            self._shelf.put(project, *files)

    def remove(self, project: str) -> None:
        """Remove a project: its page, and its files."""
        with self._lock:
            self._shelf.remove(project)

    def clear(self) -> None:
        """Remove all projects, and forget all requests."""
        with self._lock:
            self._shelf = Shelf(self.label)
            self._requests.clear()

    def answer(self, project: str, fault: Fault) -> None:
        """Give this answer instead of the project's page."""
        self._answers[fold(project)] = fault

    def answer_all(self, fault: Fault) -> None:
        """Give this answer for every page that has none of its own.

        That includes the list of projects and the flat page. Files are served as usual,
        except that credentials which guard everything guard the files as well.
        """
        self._all = fault

    def list_answer(self, fault: Fault) -> None:
        """Give this answer instead of the list of projects."""
        self._list = fault

    def asked_pages(self) -> set[str]:
        """Return the normalized names of the projects whose page was asked for."""
        parts = [path.strip("/").split("/") for path in self.requests]
        return {fold(part[1]) for part in parts if len(part) > 1 and part[0] == "simple"}

    def asked(self, project: str) -> bool:
        """Whether anybody asked for the project's page, in any spelling."""
        return fold(project) in self.asked_pages()

    def asked_flat(self) -> bool:
        """Whether anybody asked for the flat page."""
        return urlsplit(self.flat_url).path in self.requests

    def close(self) -> None:
        """Stop serving and raise what went wrong inside the server, if anything."""
        if self.http.is_running():
            self._released.set()
            self.http.stop()
            self.http.check_handler_errors()

    def _respond(self, request: Request) -> Response:
        begun = time.monotonic()
        with self._lock:
            self._requests.append(request.path)
            self._held += 1
            self.most_held = max(self.most_held, self._held)
        try:
            return self._response(request)
        finally:
            with self._lock:
                self._held -= 1
                self.spans.append((request.path, begun, time.monotonic()))

    def _response(self, request: Request) -> Response:
        if request.path in self.extra:
            return Response(self.extra[request.path], 200, mimetype="application/octet-stream")
        area, _, rest = request.path.removeprefix("/").partition("/")
        if area == "simple":
            return self._simple(rest, request)
        if request.path == urlsplit(self.flat_url).path:
            return self._answer(self._all, request, self._flat)
        guard = Fault(basic_auth=self._all.basic_auth) if self._all else None
        return self._answer(guard, request, lambda _: self._file(area, rest))

    def _answer(self, fault: Fault | None, request: Request, render: Callable[[Fault], Response]) -> Response:
        return answer(fault or _NO_FAULT, request, render, self._released)

    def _simple(self, rest: str, request: Request) -> Response:
        project, _, tail = rest.partition("/")
        if tail:
            return not_found()
        proper = f"/simple/{fold(project)}/" if project else "/simple/"
        if request.path != proper:
            return Response("", 301, {"Location": proper})
        if project:
            fault = self._answers.get(project, self._all)
            return self._answer(fault, request, lambda it: self._project(project, it, request))
        return self._answer(self._list or self._all, request, lambda _: self._projects(request))

    def _project(self, project: str, fault: Fault, request: Request) -> Response:
        if project not in self._shelf.projects and not fault.makes_page:
            return not_found()
        files = [] if fault.empty_page else self._shelf.files(project)
        wants_json = self._wants_json(request)
        make = pages.project_json if wants_json else pages.project_html
        # Both kinds of link exist in practice, so each layout uses one.
        base = f"{self.root_url}files/" if wants_json else "../../files/"
        version = fault.api_version or pages.API_VERSION
        return self._page(make(fault.name or project, files, base, version))

    def _projects(self, request: Request) -> Response:
        make = pages.list_json if self._wants_json(request) else pages.list_html
        return self._page(make(self._shelf.projects))

    def _flat(self, fault: Fault) -> Response:
        files = [] if fault.empty_page else list(self._shelf.all_files().values())
        version = fault.api_version or pages.API_VERSION
        return self._page(pages.project_html(self.label, files, "files/", version))

    def _wants_json(self, request: Request) -> bool:
        # A wildcard does not ask for JSON: a browser sends one too.
        asked = [kind for kind, quality in request.accept_mimetypes if quality > 0]
        return self.layout == "json" and pages.JSON_TYPE in asked

    def _page(self, page: Page) -> Response:
        response = page_response(page)
        response.headers["Vary"] = "Accept"
        if self._cache_control is not None:
            response.headers["Cache-Control"] = self._cache_control
        if self.age is not None:
            response.headers["Age"] = self.age
        return response

    def _file(self, area: str, name: str) -> Response:
        files = self._shelf.all_files()
        content = _content(files, name) if area == "files" else None
        if content is None:
            return not_found()
        return Response(content, 200, mimetype="application/octet-stream")


def most_at_once(servers: Iterable[RepositoryServer]) -> int:
    """How many requests these servers had at the same time, at most, all of them together."""
    spans = [(begin, end) for server in servers for _, begin, end in server.spans]
    return max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)


class DirectoryRepository:
    """A simple repository on disk: `<root>/<project>/index.html`, files beside it."""

    def __init__(self, root: Path, label: str) -> None:
        """Make the folder and an empty list of projects."""
        self.root = root
        self.label = label
        self._shelf = Shelf(label)
        root.mkdir(parents=True, exist_ok=True)
        self._write_list()

    @property
    def root_url(self) -> str:
        """The URL that everything in the repository begins with."""
        return _folder_url(self.root)

    @property
    def page_url(self) -> str:
        """The base of the project pages, a `file:` URL."""
        return self.root_url

    def add(self, project: str, *files: FileLike) -> list[BuiltFile]:
        """Write files into the project's folder and bring its page up to date."""
        built = self._shelf.add(project, *files)
        folder = self.root / fold(project)
        folder.mkdir(exist_ok=True)
        _write(folder, built)
        for file in built:
            if file.metadata is not None:
                (folder / f"{file.filename}.metadata").write_bytes(file.metadata)
        page = pages.project_html(fold(project), self._shelf.files(project), "")
        (folder / "index.html").write_text(page.body, encoding="utf-8")
        self._write_list()
        return built

    def _write_list(self) -> None:
        page = pages.list_html(self._shelf.projects)
        (self.root / "index.html").write_text(page.body, encoding="utf-8")


class FlatDirectory:
    """A folder of files, as find-links takes it."""

    def __init__(self, root: Path, label: str) -> None:
        """Make the folder."""
        self.root = root
        self.label = label
        self._shelf = Shelf(label)
        root.mkdir(parents=True, exist_ok=True)

    @property
    def root_url(self) -> str:
        """The URL that every file in the folder begins with."""
        return _folder_url(self.root)

    @property
    def path(self) -> str:
        """The folder, as find-links names it."""
        return str(self.root)

    def add(self, project: str, *files: FileLike) -> list[BuiltFile]:
        """Write files into the folder."""
        built = self._shelf.add(project, *files)
        _write(self.root, built)
        return built


class MissingDirectory:
    """A place on disk where no repository is."""

    def __init__(self, root: Path, label: str) -> None:
        """Take the place, which must not exist."""
        if root.exists():
            raise FileExistsError(root)
        self.root = root
        self.label = label

    @property
    def root_url(self) -> str:
        """The URL that such a repository would have."""
        return _folder_url(self.root)


Repository: TypeAlias = "RepositoryServer | DirectoryRepository | FlatDirectory | MissingDirectory"


def _spec(item: FileLike) -> FileSpec:
    return item if isinstance(item, FileSpec) else parse(item)


def _content(files: dict[str, BuiltFile], name: str) -> bytes | None:
    if name in files:
        return files[name].content
    owner = files.get(name.removesuffix(".metadata"))
    return owner.metadata if owner and name.endswith(".metadata") else None


def _write(folder: Path, files: list[BuiltFile]) -> None:
    for file in files:
        (folder / file.filename).write_bytes(file.content)


def _folder_url(folder: Path) -> str:
    return f"{folder.resolve().as_uri()}/"
