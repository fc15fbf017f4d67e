"""The test support itself: files, servers, faults, environments and cases."""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import json
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import pytest

from support.cases import Case, CaseError, load_cases, parse_cases, realize
from support.env_store import EnvStore, build_wheel
from support.faults import MAX_HANG
from support.files import BuiltFile, FileSpec, build, parse
from support.pages import JSON_TYPE
from support.pips import Outcome, PipEnv
from support.repository import (
    DirectoryRepository,
    Fault,
    FlatDirectory,
    Layout,
    RepositoryServer,
)
from support.tables import TableError

if TYPE_CHECKING:
    # Importing the plugin here would come before pytest may rewrite its assertions.
    from support.fixtures import EnvFactory, RepositoryFactory

pytest_plugins = ["support.fixtures"]

NEW_PIP = "26.3"
OLD_PIP = "24.0"
LAYOUTS: tuple[Layout, ...] = ("json", "html")


@dataclass(frozen=True)
class Answer:
    """What an HTTP client sees."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8")


def get(url: str, **headers: str) -> Answer:
    """Fetch a URL without following redirects."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", parts.path, headers=headers)
        with connection.getresponse() as response:
            names = {key.lower(): value for key, value in response.getheaders()}
            return Answer(response.status, names, response.read())
    finally:
        connection.close()


@pytest.fixture
def server() -> Iterator[RepositoryServer]:
    """A JSON repository with acme 1.0 on it."""
    with RepositoryServer("corp") as running:
        running.add("acme", "1.0")
        yield running


def page(server: RepositoryServer, project: str = "acme") -> Answer:
    """Fetch a project's page as JSON."""
    return get(f"{server.page_url}{project}/", Accept=JSON_TYPE)


def faulty(server: RepositoryServer, **table: object) -> Answer:
    """Fetch acme's page after setting the answer that the table describes."""
    server.answer("acme", Fault.parse(table))
    return page(server)


# Files


@pytest.mark.parametrize(
    ("item", "spec"),
    [
        ("1.0", FileSpec("1.0")),
        ("1.0 sdist", FileSpec("1.0", sdist=True)),
        ("1.0 yanked", FileSpec("1.0", yanked=True)),
        ({"version": "2", "yanked": "bad"}, FileSpec("2", yanked="bad")),
        ({"version": "2", "requires-python": ">=4"}, FileSpec("2", requires_python=">=4")),
        ({"version": "2", "filename": "a.whl"}, FileSpec("2", raw_name="a.whl")),
        (
            {"version": "2", "sdist": True, "build-requires": ["dep"], "requires": ["x"]},
            FileSpec("2", sdist=True, build_requires=("dep",), requires=("x",)),
        ),
    ],
)
def test_file_items_are_parsed(item: object, spec: FileSpec) -> None:
    """Both spellings of a file say what they seem to say."""
    assert parse(item) == spec


@pytest.mark.parametrize(
    "item",
    [
        "",
        "1.0 yankd",
        {},
        {"version": 1},
        {"version": "1", "yank": True},
        {"version": "1", "yanked": 1},
        {"version": "1", "sdist": "yes"},
        {"version": "1", "requires": "dep"},
        {"version": "1", "build-requires": ["dep"]},
        7,
    ],
)
def test_wrong_file_items_are_rejected(item: object) -> None:
    """A misspelt file is an error, never a file that differs from what was meant."""
    with pytest.raises(TableError):
        parse(item)


@pytest.mark.parametrize("item", ["1.0", "1.0 sdist"])
def test_files_are_the_same_every_time(item: str) -> None:
    """Building twice gives the same bytes, so hashes may be compared over processes."""
    first, second = build("acme", parse(item)), build("acme", parse(item))
    assert first == second


def test_a_wheel_is_complete() -> None:
    """A wheel has a module that names its origin, and metadata with its extras."""
    spec = FileSpec("1.0", requires=('dep; extra == "more"',), requires_python=">=3.8")
    built = build("Acme.Tools", spec, "corp")
    archive = zipfile.ZipFile(io.BytesIO(built.content))
    metadata = archive.read("acme_tools-1.0.dist-info/METADATA")
    assert built.filename == "acme_tools-1.0-py3-none-any.whl"
    assert b"ORIGIN = 'corp'" in archive.read("acme_tools.py")
    assert metadata == built.metadata
    assert b"Provides-Extra: more\n" in metadata
    assert b"Requires-Python: >=3.8\n" in metadata
    assert len(archive.read("acme_tools-1.0.dist-info/RECORD").splitlines()) == 4


def test_a_wheel_lists_every_tag() -> None:
    """A compressed tag is spelt out in the wheel, and a build number is no tag."""
    built = build("acme", FileSpec("1.0", tag="7-py2.py3-none-any"))
    archive = zipfile.ZipFile(io.BytesIO(built.content))
    lines = archive.read("acme-1.0.dist-info/WHEEL").decode().splitlines()
    assert lines[3:] == ["Tag: py2-none-any", "Tag: py3-none-any", "Build: 7"]


def test_an_sdist_is_complete() -> None:
    """An sdist names its in-tree backend and only the build requirements it was given."""
    built = build("acme", FileSpec("1.0", sdist=True, build_requires=('dep; extra=="x"',)))
    with tarfile.open(fileobj=io.BytesIO(built.content)) as archive:
        names = archive.getnames()
        project = archive.extractfile("acme-1.0/pyproject.toml")
        assert project is not None
        text = project.read().decode()
    assert built.filename == "acme-1.0.tar.gz"
    assert built.metadata is None
    assert {"acme-1.0/PKG-INFO", "acme-1.0/backend.py", "acme-1.0/acme.py"} < set(names)
    assert 'requires = ["dep; extra==\\"x\\""]' in text


@pytest.mark.parametrize(
    ("spec", "filename"),
    [
        (FileSpec("1.0", name="evil"), "evil-1.0-py3-none-any.whl"),
        (FileSpec("1.0", raw_name="odd.whl"), "odd.whl"),
        (FileSpec("1.0", raw_name="odd-1.tar.gz"), "odd-1.tar.gz"),
        (FileSpec("1.0", tag="cp39-cp39-win32"), "acme-1.0-cp39-cp39-win32.whl"),
        (FileSpec("1.0+local"), "acme-1.0+local-py3-none-any.whl"),
    ],
)
def test_file_names_can_be_chosen(spec: FileSpec, filename: str) -> None:
    """A file may carry another project's name, another tag, or any name at all."""
    assert build("acme", spec).filename == filename


# Servers


def test_a_json_page_says_what_is_known() -> None:
    """The JSON page carries hash, yank, Python and metadata of each file."""
    with RepositoryServer("corp") as server:
        (built,) = server.add("Acme_Tools", {"version": "1", "yanked": "no", "requires-python": ">3"})
        seen = page(server, "acme-tools")
        (file,) = json.loads(seen.body)["files"]
    assert seen.headers["content-type"] == JSON_TYPE
    assert json.loads(seen.body)["name"] == "acme-tools"
    assert file["hashes"] == {"sha256": built.sha256}
    assert (file["yanked"], file["requires-python"]) == ("no", ">3")
    assert file["core-metadata"] == {"sha256": built.metadata_sha256}


def test_an_html_page_says_what_is_known() -> None:
    """The HTML page carries the same facts in attributes, escaped."""
    with RepositoryServer("corp", layout="html") as server:
        (built,) = server.add("acme", {"version": "1", "yanked": True, "requires-python": ">3"})
        seen = page(server)
    assert seen.headers["content-type"].startswith("text/html")
    assert f"#sha256={built.sha256}" in seen.text
    assert 'data-yanked=""' in seen.text
    assert 'data-requires-python="&gt;3"' in seen.text
    assert f'data-core-metadata="sha256={built.metadata_sha256}"' in seen.text
    assert 'name="pypi:repository-version" content="1.0"' in seen.text


@pytest.mark.parametrize("accept", ["*/*", "text/html", f"{JSON_TYPE};q=0, text/html"])
def test_json_is_served_only_when_asked_for(server: RepositoryServer, accept: str) -> None:
    """A client that does not ask for JSON gets HTML from a JSON repository."""
    seen = get(f"{server.page_url}acme/", Accept=accept)
    assert seen.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_list_of_projects_is_served(layout: Layout) -> None:
    """The root of the index lists the normalized names in its layout."""
    with RepositoryServer("corp", layout=layout) as server:
        server.add("B.b", "1")
        server.add("a")
        seen = get(server.page_url, Accept=JSON_TYPE)
    assert ("json" in seen.headers["content-type"]) == (layout == "json")
    assert seen.text.index('"a') < seen.text.index('"b-b')


def test_files_and_their_metadata_are_served(server: RepositoryServer) -> None:
    """The URLs of a page lead to the file and, with a suffix, to its metadata."""
    (file,) = json.loads(page(server).body)["files"]
    (built,) = server.add("acme", "1.0")
    assert get(file["url"]).body == built.content
    assert get(file["url"] + ".metadata").body == built.metadata


def test_local_versions_survive_their_url(server: RepositoryServer) -> None:
    """A plus sign in a file name is escaped in the URL and found again."""
    (built,) = server.add("acme", "2.0+local")
    file = json.loads(page(server).body)["files"][-1]
    assert "%2B" in file["url"]
    assert get(file["url"]).body == built.content


def test_the_flat_page_lists_every_project(server: RepositoryServer) -> None:
    """The flat page links the files of all projects, and is counted as asked."""
    server.add("other", "2.0 sdist")
    assert not server.asked_flat()
    seen = get(server.flat_url)
    assert "acme-1.0-py3-none-any.whl#" in seen.text
    assert "other-2.0.tar.gz#" in seen.text
    assert server.asked_flat()


@pytest.mark.parametrize("path", ["simple/other/", "files/other-1.whl", "x", "simple/acme/x"])
def test_what_is_not_there_is_404(server: RepositoryServer, path: str) -> None:
    """An unknown project, file or path is not found."""
    assert get(server.root_url + path).status == 404


@pytest.mark.parametrize("spelling", ["ACME-tools/", "acme_tools/", "acme.tools/", "acme-tools"])
def test_other_spellings_are_redirected(server: RepositoryServer, spelling: str) -> None:
    """A name that is not normalized, or lacks its slash, leads to the proper page."""
    seen = get(server.page_url + spelling)
    assert (seen.status, seen.headers["location"]) == (301, "/simple/acme-tools/")
    assert server.asked("Acme-Tools")


def test_requests_are_recorded_in_order(server: RepositoryServer) -> None:
    """The server tells what it was asked, so that silence can be proved."""
    assert server.asked_pages() == set()
    get(server.page_url)
    page(server, "b")
    page(server)
    assert server.requests == ["/simple/", "/simple/b/", "/simple/acme/"]
    assert server.asked_pages() == {"acme", "b"}
    assert server.asked("A_cme") is False
    assert server.asked("ACME") is True


def test_requests_of_many_clients_are_all_recorded(server: RepositoryServer) -> None:
    """Clients that come at once are all answered and all counted."""
    threads = [threading.Thread(target=page, args=(server,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.requests == ["/simple/acme/"] * 20


def test_cache_control_is_sent_when_wanted() -> None:
    """Pages carry the header that the repository was given, and none without."""
    with RepositoryServer("corp", cache_control="max-age=600") as server:
        server.add("acme")
        assert page(server).headers["cache-control"] == "max-age=600"


def test_servers_stop_at_once_and_leave_no_thread() -> None:
    """Closing waits for no answer that hangs, may be done twice, and leaves nothing behind."""
    before = set(threading.enumerate())
    servers = [RepositoryServer(f"r{number}") for number in range(10)]
    servers[0].answer_all(Fault(hang=MAX_HANG))
    client = threading.Thread(target=lambda: get(servers[0].page_url))
    client.start()
    while not servers[0].requests:
        time.sleep(0.001)
    for server in servers:
        server.close()
        server.close()
    client.join()
    assert set(threading.enumerate()) == before
    ((_, begun, ended),) = servers[0].spans
    assert ended - begun < MAX_HANG


# Faults


@pytest.mark.parametrize("status", [200, 401, 403, 404, 410, 429, 500, 503, 599])
def test_fault_status(server: RepositoryServer, status: int) -> None:
    """A status comes with a short body of its own, not with the page."""
    seen = faulty(server, status=status)
    assert (seen.status, seen.text) == (status, f"status {status}\n")


def test_fault_status_with_body(server: RepositoryServer) -> None:
    """A status can have a chosen body and type."""
    seen = faulty(server, status=502, body="<p>no</p>", content_type="text/html")
    assert (seen.status, seen.text) == (502, "<p>no</p>")
    assert seen.headers["content-type"] == "text/html"


def test_fault_redirect(server: RepositoryServer) -> None:
    """A redirect leads where it says, with 302 unless told."""
    seen = faulty(server, redirect="/simple/b/")
    assert (seen.status, seen.headers["location"]) == (302, "/simple/b/")
    assert faulty(server, redirect="http://127.0.0.1:1/", status=308).status == 308


def test_fault_loop(server: RepositoryServer) -> None:
    """A loop redirects a page to itself."""
    seen = faulty(server, loop=True)
    assert seen.status == 302
    assert urljoin(server.page_url, seen.headers["location"]) == f"{server.page_url}acme/"


def test_fault_reset(server: RepositoryServer) -> None:
    """A reset ends the connection before a single byte, and only for the page it is set for."""
    with pytest.raises(ConnectionResetError):
        faulty(server, reset=True)
    assert page(server, "other").status == 404


def test_fault_reset_body(server: RepositoryServer) -> None:
    """A reset in the body comes after the headers and before the end."""
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        faulty(server, reset_body=True)


def test_fault_truncate(server: RepositoryServer) -> None:
    """A truncated answer promises the whole page and brings half of it."""
    whole = len(page(server).body)
    with pytest.raises(http.client.IncompleteRead) as caught:
        faulty(server, truncate=True)
    assert len(caught.value.partial) == whole // 2
    assert caught.value.expected == whole - whole // 2


def test_fault_hang(server: RepositoryServer) -> None:
    """A hang delays the normal page."""
    assert faulty(server, hang=0.2).status == 200
    ((_, begun, ended),) = server.spans
    assert ended - begun >= 0.2


@pytest.mark.parametrize("content_type", ["text/plain", "application/pdf"])
def test_fault_content_type(server: RepositoryServer, content_type: str) -> None:
    """A wrong type comes with the normal body."""
    normal = page(server).body
    seen = faulty(server, content_type=content_type)
    assert (seen.headers["content-type"], seen.body) == (content_type, normal)


def test_fault_no_content_type(server: RepositoryServer) -> None:
    """An empty type means that there is none."""
    assert "content-type" not in faulty(server, content_type="").headers


def test_fault_body(server: RepositoryServer) -> None:
    """A literal body is sent as it is."""
    seen = faulty(server, body="{", content_type=JSON_TYPE)
    assert (seen.status, seen.text, seen.headers["content-type"]) == (200, "{", JSON_TYPE)


def test_fault_json(server: RepositoryServer) -> None:
    """A literal document is sent as JSON of the simple API."""
    seen = faulty(server, json={"files": "none"})
    assert json.loads(seen.body) == {"files": "none"}
    assert seen.headers["content-type"] == JSON_TYPE


@pytest.mark.parametrize("layout", LAYOUTS)
def test_fault_api_version(layout: Layout) -> None:
    """The normal page can claim another version of the API."""
    with RepositoryServer("corp", layout=layout) as server:
        server.add("acme", "1.0")
        seen = faulty(server, api_version="2.0")
    assert '"2.0"' in seen.text
    assert "acme-1.0" in seen.text


def test_fault_name(server: RepositoryServer) -> None:
    """The normal page can claim to be another project's."""
    document = json.loads(faulty(server, name="other").body)
    assert (document["name"], len(document["files"])) == ("other", 1)


def test_fault_gzip_garbage(server: RepositoryServer) -> None:
    """A body can claim a compression that it does not have."""
    seen = faulty(server, gzip_garbage=True)
    assert seen.headers["content-encoding"] == "gzip"
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(seen.body)


def test_fault_empty_page(server: RepositoryServer) -> None:
    """An empty page is valid and lists nothing."""
    seen = faulty(server, empty_page=True)
    assert json.loads(seen.body)["files"] == []
    assert "acme-1.0" in get(server.flat_url).text


def test_fault_login_page(server: RepositoryServer) -> None:
    """A login page is HTML with a form and the status of a success."""
    seen = faulty(server, login_page=True)
    assert (seen.status, "<form" in seen.text) == (200, True)
    assert seen.headers["content-type"].startswith("text/html")


def test_fault_basic_auth(server: RepositoryServer) -> None:
    """A guarded page is 401 without the credentials and normal with them."""
    server.answer("acme", Fault(basic_auth="me:secret"))
    good = "Basic " + base64.b64encode(b"me:secret").decode()
    bad = "Basic " + base64.b64encode(b"me:guess").decode()
    url = f"{server.page_url}acme/"
    assert get(url).status == 401
    assert "www-authenticate" in get(url).headers
    assert get(url, Authorization=bad).status == 401
    assert get(url, Authorization=good).status == 200


def test_a_guard_on_everything_guards_the_files(server: RepositoryServer) -> None:
    """Credentials for the whole repository are wanted for its files and flat page too."""
    url = json.loads(page(server).body)["files"][0]["url"]
    server.answer_all(Fault(basic_auth="me:secret"))
    assert [get(it).status for it in (url, server.flat_url, server.page_url)] == [401] * 3


def test_answers_for_everything_spare_the_files(server: RepositoryServer) -> None:
    """An answer for all goes for every page, known or not, unless it has its own."""
    url = json.loads(page(server).body)["files"][0]["url"]
    server.answer_all(Fault(status=503))
    server.answer("acme", Fault(status=500))
    server.list_answer(Fault(status=403))
    assert page(server).status == 500
    assert page(server, "other").status == 503
    assert get(server.flat_url).status == 503
    assert get(server.page_url).status == 403
    assert get(url).status == 200


def test_an_answer_makes_a_missing_page(server: RepositoryServer) -> None:
    """A fault of the page needs no files, but a mere delay makes no page."""
    server.answer_all(Fault(empty_page=True))
    assert json.loads(page(server, "other").body)["files"] == []
    server.answer_all(Fault(hang=0.01))
    assert page(server, "other").status == 404


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"stauts": 500},
        {"status": "500"},
        {"status": True},
        {"reset": 1},
        {"hang": 31},
        {"hang": "1"},
        {"basic_auth": "me"},
        {"redirect": "/", "body": "x"},
        {"loop": True, "reset": True},
        "503",
    ],
)
def test_wrong_faults_are_rejected(table: object) -> None:
    """A misspelt or contradictory fault is an error."""
    with pytest.raises(TableError):
        Fault.parse(table)


def test_faults_are_filled() -> None:
    """Placeholders are replaced in every text that may name another repository."""
    fault = Fault(redirect="{x}", json={"files": [{"url": "{x}"}]})
    filled = fault.filled(lambda text: text.replace("{x}", "there"))
    assert filled == Fault(redirect="there", json={"files": [{"url": "there"}]})


# Environments


@pytest.fixture(params=[NEW_PIP, OLD_PIP])
def stock(request: pytest.FixtureRequest, pip_env: EnvFactory) -> PipEnv:
    """An environment with a plain pip."""
    return pip_env(request.param, stock=True)


def chosen(outcome: Outcome) -> dict[str, str]:
    """Return the versions of a successful outcome."""
    assert outcome.code == 0, outcome.stderr
    return {name: choice.version for name, choice in outcome.choices.items()}


def test_the_environment_has_the_pip_it_names(stock: PipEnv) -> None:
    """`run` starts the version that was asked for."""
    assert stock.run("--version").stdout.split()[1] == stock.pip_version


@pytest.mark.parametrize("layout", LAYOUTS)
def test_stock_pip_installs_from_a_server(
    stock: PipEnv, repository: RepositoryFactory, layout: Layout, tmp_path: Path
) -> None:
    """A plain pip installs a wheel with a dependency, and builds an sdist, from the server."""
    corp = repository("corp", layout=layout)
    corp.add("acme", {"version": "1.0", "requires": ["dep[x]"]}, "2.0 yanked")
    corp.add("dep", {"version": "1", "sdist": True, "requires": ["more; extra == 'x'"]})
    corp.add("more", "3", {"version": "4", "requires-python": "<3"})
    target = tmp_path / "target"
    done = stock.run("install", "--index-url", corp.page_url, "--target", str(target), "acme")
    assert done.code == 0, done.stderr
    assert {path.name for path in target.glob("*.py")} == {"acme.py", "dep.py", "more.py"}
    assert "ORIGIN = 'corp'" in (target / "dep.py").read_text()
    assert "__version__ = '3'" in (target / "more.py").read_text()
    assert corp.asked_pages() == {"acme", "dep", "more"}
    assert "/files/acme-1.0-py3-none-any.whl.metadata" in corp.requests


def test_stock_pip_reads_every_other_repository(stock: PipEnv, repository: RepositoryFactory, tmp_path: Path) -> None:
    """The flat page, the folder and the directory repository all serve a plain pip."""
    corp = repository("corp")
    corp.add("acme", "1.0")
    folder = FlatDirectory(tmp_path / "flat", "flat")
    folder.add("acme", "2.0 sdist")
    directory = DirectoryRepository(tmp_path / "index", "index")
    directory.add("Acme", "3.0")
    links = ["--no-index", "--find-links", corp.flat_url]
    assert chosen(stock.choices("acme", options=links)) == {"acme": "1.0"}
    links += ["--find-links", folder.path]
    assert chosen(stock.choices("acme", options=links)) == {"acme": "2.0"}
    index = ["--index-url", directory.page_url]
    outcome = stock.choices("acme", options=index)
    assert chosen(outcome) == {"acme": "3.0"}
    assert outcome.choices["acme"].url.startswith(directory.root_url)


def test_build_requirements_are_looked_up(stock: PipEnv, repository: RepositoryFactory) -> None:
    """An sdist with a build requirement makes pip ask for it; one without asks nothing."""
    corp = repository("corp")
    corp.add("acme", {"version": "1", "sdist": True, "build-requires": ["tool"]}, "0.1 sdist")
    corp.add("tool", "1")
    index = ["--index-url", corp.page_url]
    assert chosen(stock.choices("acme<1", options=index)) == {"acme": "0.1"}
    assert not corp.asked("tool")
    assert chosen(stock.choices("acme", options=index)) == {"acme": "1"}
    assert corp.asked("tool")


def test_a_failure_has_no_choices(stock: PipEnv, repository: RepositoryFactory) -> None:
    """When pip fails the outcome is empty and keeps the error."""
    outcome = stock.choices("acme", options=["--index-url", repository("corp").page_url])
    assert (outcome.choices, outcome.code) == ({}, 1)
    assert "acme" in outcome.stderr


def test_the_machine_does_not_shine_through(
    pip_env: EnvFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing of the caller's configuration reaches pip, and a caller can override all."""
    # First of all, because making it does use the configuration of the machine.
    env = pip_env(NEW_PIP, stock=True)
    for name in ("PIP_INDEX_URL", "PYTHONPATH", "REPOPRIO_CONFIG", "https_proxy", "NO_COLOR"):
        monkeypatch.setenv(name, "leak")
    plain = env.environment()
    assert "leak" not in plain.values()
    assert Path(plain["HOME"]).is_relative_to(tmp_path)
    assert not any(Path(plain["HOME"]).iterdir())
    assert plain["PIP_RETRIES"] == "0"
    assert env.environment(tmp_path / "p.toml")["REPOPRIO_CONFIG"] == str(tmp_path / "p.toml")
    assert env.environment(None, {"PIP_RETRIES": "3"})["PIP_RETRIES"] == "3"
    listed = env.run("config", "list").stdout.splitlines()
    assert [line.partition("=")[0] for line in listed] == [
        ":env:.config-file",
        ":env:.default-timeout",
        ":env:.disable-pip-version-check",
        ":env:.retries",
    ]


def test_input_reaches_pip_and_is_empty_otherwise(pip_env: EnvFactory) -> None:
    """Standard input is what the caller gives, or nothing to wait for."""
    env = pip_env(NEW_PIP, stock=True)
    assert env.module("base64", "-e", "-", input="hello").stdout == "aGVsbG8=\n"
    assert env.module("base64", "-e", "-").stdout == ""


def test_fresh_environments_are_private(
    fresh_env: EnvFactory, pip_env: EnvFactory, repository: RepositoryFactory
) -> None:
    """What is installed into a fresh environment is seen by no other."""
    corp = repository("corp")
    corp.add("acme", "1.0")
    first, second = fresh_env(NEW_PIP, stock=True), fresh_env(NEW_PIP, stock=True)
    done = first.run("install", "--index-url", corp.page_url, "acme")
    assert done.code == 0, done.stderr
    assert "acme" in first.run("freeze").stdout
    assert (first.site_packages / "acme.py").exists()
    for other in (second, pip_env(NEW_PIP, stock=True)):
        assert other.run("freeze").stdout == ""


def unpacked(built: BuiltFile, folder: Path) -> Path:
    """Unpack an sdist and return its top folder."""
    with tarfile.open(fileobj=io.BytesIO(built.content)) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file is not None
            path = folder / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.read())
    return folder / built.filename.removesuffix(".tar.gz")


def test_a_checkout_is_built_and_left_alone(tmp_path: Path) -> None:
    """Building a wheel does not change the checkout, even if the backend writes files."""
    checkout = unpacked(build("acme", FileSpec("1.0", sdist=True)), tmp_path)
    before = sorted(checkout.rglob("*"))
    wheel = build_wheel(checkout, tmp_path / "dest")
    assert wheel.name == "acme-1.0-py3-none-any.whl"
    assert sorted(checkout.rglob("*")) == before


def test_a_shared_environment_holds_the_wheel_of_the_checkout(tmp_path: Path) -> None:
    """The wheel is built and installed once, and is there in a private copy too."""
    checkout = unpacked(build("repoprio", FileSpec("7.0", sdist=True)), tmp_path)
    store = EnvStore(tmp_path / "store")
    wheel = store.wheel(checkout)
    env = store.env(NEW_PIP, wheel)
    written = env.python.lstat().st_mtime_ns
    assert store.wheel(tmp_path / "unused") == wheel
    assert store.env(NEW_PIP, wheel).python.lstat().st_mtime_ns == written
    for each in (env, store.copy(env, tmp_path / "copy")):
        assert each.tool().code == 0
        assert "repoprio==7.0" in each.run("list", "--format=freeze").stdout


# Cases

CASE = """
[[case]]
id = "owner-keeps-its-name"
why = "a name belongs to the first repository that has it"
request = ["Acme[x]>=1", "{corp}x"]
options = ["--extra-index-url", "{public}", "--trusted-host", "{public.host}"]
constraints = ["dep<2"]
env = {WHERE = "{corp}"}
policy = '''
[repositories.corp]
url = "{corp}"
token = "${corp}"
'''
[case.repositories.corp]
kind = "simple"
layout = "html"
files.acme = ["1.0", {version = "1.1", yanked = true}]
answers.acme = {redirect = "{public}acme/"}
answers."/" = {status = 403}
[case.repositories.public]
answers."*" = {status = 503}
[case.repositories.links]
kind = "flat"
files.acme = ["3.0"]
[case.repositories.folder]
kind = "flat-directory"
files.acme = ["4.0 sdist"]
[case.repositories.index]
kind = "directory"
files.acme = ["5.0"]
[case.repositories.gone]
kind = "missing-directory"
[case.expect]
outcome = "served"
repository = "corp"
version = "1.0"
asked = ["corp"]
not-asked = ["public"]
also = {Dep = "public"}
says = ["{corp} was asked"]
"""


LEAST = ("[[case]]", 'id = "least"', 'why = "it is enough"', 'policy = ""')


def minimal(extra: str = "", expect: str = "") -> str:
    """Return the smallest case, with lines added to it and to its expectation."""
    request = "" if extra.startswith("request") else 'request = ["acme"]'
    return "\n".join([*LEAST, request, extra, "[case.expect]", 'outcome = "absent"', expect])


def one(text: str) -> Case:
    """Return the only case of a document."""
    (case,) = parse_cases(text, "test.toml")
    return case


def test_a_case_is_read() -> None:
    """Every key of the format arrives in the case."""
    case = one(CASE)
    assert case.request[0] == "Acme[x]>=1"
    assert case.expect.project == "acme"
    assert case.expect.also == {"dep": "public"}
    assert case.repositories["corp"].files["acme"][1] == FileSpec("1.1", yanked=True)
    assert case.repositories["corp"].answers["/"] == Fault(status=403)
    assert case.repositories["public"].layout == "json"


def test_a_minimal_case_has_defaults() -> None:
    """What a case leaves out has the documented default."""
    case = one(minimal())
    assert (case.options, case.constraints, case.pips, dict(case.env)) == ((), (), (), {})
    assert case.through == ("core", "pip")
    assert case.expect.repository is None


@pytest.mark.parametrize(
    "text",
    [
        minimal("reqest = []"),
        minimal("request = []"),
        minimal('request = "acme"'),
        minimal('request = ["./dir"]'),
        minimal('through = ["pop"]'),
        minimal("through = []"),
        minimal('options = ["{nobody}"]'),
        minimal("env = {X = 1}"),
        minimal("repositories.corp = {kind = 'ftp'}"),
        minimal("repositories.corp = {layout = 'xml'}"),
        minimal("repositories.corp = {files = {acme = '1.0'}}"),
        minimal("repositories.corp = {files = {acme = ['1.0 new']}}"),
        minimal("repositories.corp = {answers = {acme = {stat = 1}}}"),
        minimal("repositories.corp = {kind = 'directory', answers = {acme = {status = 1}}}"),
        minimal("repositories.corp = {kind = 'flat', answers = {acme = {status = 500}}}"),
        minimal("repositories.corp = {kind = 'missing-directory', files = {acme = ['1']}}"),
        minimal("repositories.Corp = {}"),
        minimal(expect="outcom = 'served'"),
        minimal(expect="asked = ['nobody']"),
        minimal(expect="repository = 'nobody'"),
        minimal("repositories.d = {kind = 'directory'}", "not-asked = ['d']"),
        minimal("repositories.d = {}", "asked = ['d']\nnot-asked = ['d']"),
        minimal("through = ['core']", "says = ['x']"),
        minimal().replace('id = "least"', ""),
        minimal().replace('id = "least"', 'id = "Two words"'),
        minimal().replace('"it is enough"', '" "'),
        minimal().replace('policy = ""', ""),
        minimal().replace('"absent"', '"gone"'),
        minimal().replace("[case.expect]", "[case.expects]"),
        "[case]",
        "[[cases]]",
        "= 1",
    ],
)
def test_wrong_cases_are_rejected(text: str) -> None:
    """A case that is not in the format is an error that names its file."""
    with pytest.raises(CaseError, match=r"test\.toml"):
        one(text)


def test_ids_are_unique_over_files(tmp_path: Path) -> None:
    """Two files may not hold the same id, and a runner gets the cases it takes."""
    (tmp_path / "a.toml").write_text(minimal("through = ['pip']"))
    assert len(load_cases(tmp_path)) == 1
    assert load_cases(tmp_path, runner="core") == ()
    (tmp_path / "b.toml").write_text(minimal())
    with pytest.raises(CaseError, match="least"):
        load_cases(tmp_path)


def test_a_case_becomes_real(tmp_path: Path) -> None:
    """The repositories of a case run, and its texts name them."""
    with realize(one(CASE), tmp_path) as real:
        urls, corp = real.urls, real.repositories["corp"]
        public = real.repositories["public"]
        assert isinstance(corp, RepositoryServer)
        assert isinstance(public, RepositoryServer)
        assert urls["corp"] == corp.page_url
        assert urls["links"].endswith("/links.html")
        assert urls["folder"] == str(real.repositories["folder"].root_url)[len("file://") : -1]
        assert urls["gone"].startswith("file://")
        assert real.request == ("Acme[x]>=1", f"{corp.page_url}x")
        assert real.options == ("--extra-index-url", public.page_url, "--trusted-host", public.host)
        assert real.env == {"WHERE": corp.page_url}
        assert real.says == (f"{corp.page_url} was asked",)
        assert f'url = "{corp.page_url}"' in real.policy_text
        assert 'token = "${corp}"' in real.policy_text
        assert real.policy.read_text() == real.policy_text
        assert real.constraints_file is not None
        assert real.constraints_file.read_text() == "dep<2\n"
        assert real.pip_options[-2:] == ("--constraint", str(real.constraints_file))
        assert page(corp).headers["location"] == f"{public.page_url}acme/"
        assert get(corp.page_url).status == 403
        assert page(public).status == 503
        root = corp.root_url
    with pytest.raises(ConnectionRefusedError):
        get(root)


def test_a_realized_case_records_who_was_asked(tmp_path: Path) -> None:
    """Servers tell what they were asked; folders cannot; a URL names its repository."""
    with realize(one(CASE), tmp_path) as real:
        corp, links = real.repositories["corp"], real.repositories["links"]
        assert isinstance(corp, RepositoryServer)
        assert isinstance(links, RepositoryServer)
        page(corp)
        assert real.asked("corp", "ACME") is True
        assert real.asked("public", "acme") is False
        assert real.asked("links", "acme") is False
        get(links.flat_url)
        assert real.asked("links", "acme") is True
        assert real.asked("index", "acme") is None
        for name, repository in real.repositories.items():
            assert real.repository_of(f"{repository.root_url}x.whl") == name
        assert real.repository_of("https://elsewhere.invalid/x.whl") is None


def test_stock_pip_takes_a_realized_case(tmp_path: Path, pip_env: EnvFactory) -> None:
    """Each kind of repository in a case serves a plain pip from where the case says."""
    options = {
        "links": ("--no-index", "--find-links"),
        "folder": ("--no-index", "--find-links"),
        "index": ("--index-url",),
    }
    env = pip_env(NEW_PIP, stock=True)
    with realize(one(CASE), tmp_path) as real:
        for name, before in options.items():
            outcome = env.choices("acme", options=(*before, real.urls[name]))
            assert outcome.code == 0, outcome.stderr
            assert real.repository_of(outcome.choices["acme"].url) == name


def test_built_files_know_their_metadata_hash() -> None:
    """Only a wheel has metadata to serve, so only a wheel has a hash of it."""
    assert build("acme", FileSpec("1")).metadata_sha256 is not None
    assert BuiltFile("a.tar.gz", b"", "", FileSpec("1")).metadata_sha256 is None
