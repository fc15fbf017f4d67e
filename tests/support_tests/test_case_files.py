"""Decision cases: read strictly from TOML, and made real as repositories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cases import Case, CaseError, load_cases, parse_cases, realize
from support.files import FileSpec
from support.fixtures import EnvFactory
from support.http_client import get, page
from support.repository import Fault, RepositoryServer

NEW_PIP = "26.3"


@pytest.fixture
def server() -> Iterator[RepositoryServer]:
    """A JSON repository with acme 1.0 on it."""
    with RepositoryServer("corp") as running:
        running.add("acme", "1.0")
        yield running


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


def only_case(text: str) -> Case:
    """Return the only case of a document."""
    (case,) = parse_cases(text, "test.toml")
    return case


def test_a_case_is_read() -> None:
    """Every key of the format arrives in the case."""
    case = only_case(CASE)
    assert case.request[0] == "Acme[x]>=1"
    assert case.expect.project == "acme"
    assert case.expect.also == {"dep": "public"}
    assert case.repositories["corp"].files["acme"][1] == FileSpec("1.1", yanked=True)
    assert case.repositories["corp"].answers["/"] == Fault(status=403)
    assert case.repositories["public"].layout == "json"


def test_a_minimal_case_has_defaults() -> None:
    """What a case leaves out has the documented default."""
    case = only_case(minimal())
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
        only_case(text)


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
    with realize(only_case(CASE), tmp_path) as real:
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
    """Servers record their requests; folders cannot; a URL leads to its repository."""
    with realize(only_case(CASE), tmp_path) as real:
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
    with realize(only_case(CASE), tmp_path) as real:
        for name, before in options.items():
            outcome = env.choices("acme", options=(*before, real.urls[name]))
            assert outcome.code == 0, outcome.stderr
            assert real.repository_of(outcome.choices["acme"].url) == name
