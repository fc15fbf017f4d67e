"""Reading pages of the simple repository API, and which files may be candidates; without pip."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

import pytest
from packaging.version import InvalidVersion, Version

from repoprio.lookup.events import FetchFailed, NotFound, PageFound, ProjectListFound
from repoprio.lookup.reasons import Cause
from repoprio.names import normalize
from repoprio.simple_api import html_page, json_page, project_list, reader
from repoprio.simple_api.filenames import projects_of, projects_of_all, version_in
from repoprio.simple_api.model import File, ProjectPage, Status
from repoprio.simple_api.response import Response, UnusableResponse
from support.screening import rejection

JSON, HTML = "application/vnd.pypi.simple.v1+json", "text/html"
URL = "https://corp.example/simple/acme/"
ACME = normalize("acme")
DIGEST = "ab" * 32


class Versions:
    """The versions of `packaging`, which the tests require."""

    @staticmethod
    def is_version(text: str, /) -> bool:
        """Whether `packaging` accepts it."""
        try:
            Version(text)
        except InvalidVersion:
            return False
        return True

    @staticmethod
    def newest_first(texts: frozenset[str], /) -> tuple[str, ...]:
        """The versions in the order of `packaging`."""
        return tuple(sorted(texts, key=Version, reverse=True))


VERSIONS = Versions()


def page(
    body: str | bytes, content_type: str = HTML, url: str = URL, *, is_delimited: bool = True
) -> PageFound[ProjectPage]:
    """The reader's result for a page of acme."""
    raw = body.encode() if isinstance(body, str) else body
    return reader.read_project_page(ACME, Response(url, raw, content_type, is_delimited), VERSIONS)


def json_page_of(*files: dict[str, Any], **more: Any) -> str:
    """A page of acme in JSON; each file is a separate archive unless it says otherwise."""
    whole = [{"url": f"acme-{n}.zip", "filename": f"acme-{n}.zip", "hashes": {}} | file for n, file in enumerate(files)]
    return json.dumps({"meta": {"api-version": "1.4"}, "name": "acme", "files": whole, **more})


def html_page_of(body: str, head: str = "") -> str:
    """A page in HTML."""
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"


def refused(body: str | bytes, content_type: str = HTML, **how: Any) -> UnusableResponse:
    """Why a page is unusable."""
    with pytest.raises(UnusableResponse) as raised:
        page(body, content_type, **how)
    return raised.value


def test_json_says_all_there_is() -> None:
    """Each key of PEP 691, 700, 714, 740 and 792 becomes a field."""
    text = json_page_of(
        {
            "url": "acme-1.0-py3-none-any.whl",
            "hashes": {"sha256": DIGEST},
            "requires-python": ">=3.8",
            "yanked": "bad",
            "core-metadata": {"sha256": "cd"},
            "size": 7,
            "upload-time": "2025-01-02T03:04:05.678901Z",
            "provenance": "https://corp.example/p",
        },
        versions=["1.0"],
        **{"project-status": {"status": "archived", "reason": "old"}},
    )
    result = page(text, JSON)
    (file,) = result.page.files
    moment = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
    assert file == File(
        "acme-1.0-py3-none-any.whl",
        f"{URL}acme-1.0-py3-none-any.whl",
        {"sha256": DIGEST},
        ">=3.8",
        "bad",
        {"sha256": "cd"},
        7,
        moment,
        "https://corp.example/p",
        URL,
    )
    assert (result.files, result.empty) == (1, False)
    assert result.page.api == "JSON 1.4"
    assert result.page.stated_versions == ("1.0",)
    assert result.page.status == Status("archived", "old")
    assert result.page.versions(VERSIONS) == ("1.0",)


def test_html_says_all_there_is() -> None:
    """HTML gives the same fields, as far as it can express them."""
    link = (
        f'<a href="acme-1.0.zip#sha256={DIGEST}" data-requires-python="&gt;=3.8" data-yanked="bad"'
        ' data-core-metadata="sha256=cd" data-provenance="https://corp.example/p">x</a>'
    )
    head = '<meta name="pypi:repository-version" content="1.4"><meta name="pypi:project-status" content="quarantined">'
    head += '<meta name="pypi:project-status-reason" content="malware">'
    result = page(html_page_of(link, head))
    assert result.page.files == (
        File(
            "acme-1.0.zip",
            f"{URL}acme-1.0.zip#sha256={DIGEST}",
            {"sha256": DIGEST},
            ">=3.8",
            "bad",
            {"sha256": "cd"},
            provenance="https://corp.example/p",
            listed_on=URL,
        ),
    )
    assert result.page.api == "HTML 1.4"
    assert result.page.status == Status("quarantined", "malware")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-02T03:04:05Z", datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone.utc)),
        ("2025-01-02T03:04:05.1Z", datetime(2025, 1, 2, 3, 4, 5, 100000, tzinfo=timezone.utc)),
        ("2025-01-02T03:04:05.1234567Z", datetime(2025, 1, 2, 3, 4, 5, 123456, tzinfo=timezone.utc)),
        ("2025-01-02T03:04:05+0200", datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=timezone.utc)),
    ],
)
def test_times_are_read_on_every_python(text: str, moment: datetime) -> None:
    """Times are read with any number of digits, and any form of the offset (PEP 700)."""
    assert page(json_page_of({"upload-time": text}), JSON).page.files[0].upload_time == moment
    assert json_page.moment_spelled_out(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("soon", "", "2025-01-02T03:04:05", "2025-13-02T03:04:05Z", "2025-01-02-03:04", 7),
        # Python cannot tell them in UTC.
        *("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+00:01"),
    ],
)
def test_an_invalid_time_breaks_a_page(text: object) -> None:
    """An unreadable time makes the page invalid: the age of the file would be unknown."""
    assert refused(json_page_of({"upload-time": text}), JSON).cause is Cause.BROKEN


def test_odd_values_say_nothing() -> None:
    """A value of a wrong type that decides nothing is ignored."""
    odd = {"size": True, "provenance": 7, "yanked": [], "core-metadata": 0}
    text = json_page_of(odd, {"size": -1}, versions=[1], **{"project-status": {"status": 7}})
    result = page(text, JSON).page
    assert [(file.size, file.provenance, file.yanked, file.core_metadata) for file in result.files] == [(None,) * 4] * 2
    assert (result.stated_versions, result.status) == (None, None)
    assert page(json_page_of(**{"project-status": {"status": "x", "reason": 7}}), JSON).page.status == Status("x")
    assert page(json_page_of(meta={"api-version": "1.x\x1b"}), JSON).page.api == "JSON 1"


@pytest.mark.parametrize(
    ("body", "content_type", "said", "cause"),
    [
        ("{", JSON, "broken JSON", Cause.BROKEN),
        ("[" * 100_000, JSON, "broken JSON", Cause.BROKEN),
        ('{"files": 7}', JSON, "an unexpected shape", Cause.BROKEN),
        ('{"files": ["x"]}', JSON, "an unexpected shape", Cause.BROKEN),
        ("[]", JSON, "an unexpected shape", Cause.BROKEN),
        (json_page_of(meta={"api-version": "2.0"}), JSON, "another API version", Cause.API_VERSION),
        (json_page_of(meta=7), JSON, "another API version", Cause.API_VERSION),
        (json_page_of(meta={"api-version": 1}), JSON, "another API version", Cause.API_VERSION),
        (json_page_of(name="other"), JSON, "another project", Cause.OTHER_PROJECT),
        (json_page_of({"url": "http://["}), JSON, "broken (ValueError)", Cause.BROKEN),
        ("", HTML, "not HTML", Cause.NOT_A_PAGE),
        (html_page_of("<a href='http://['>"), HTML, "broken (ValueError)", Cause.BROKEN),
        (html_page_of("<a href='acme-1.zip#egg=!'>"), HTML, "broken (ValueError)", Cause.BROKEN),
        (html_page_of("", '<meta name="pypi:repository-version">'), HTML, "another API version", Cause.API_VERSION),
        (html_page_of("<form>"), HTML, "a form", Cause.LOGIN),
        ("x", "text/plain", "content type text/plain", Cause.NOT_A_PAGE),
        ("x", "", "not stated", Cause.NOT_A_PAGE),
        (b"\xff", HTML, "not in its stated encoding", Cause.BROKEN),
        ("x", f"{HTML}; charset=punycode", "an encoding that is not allowed", Cause.BROKEN),
        (b"{\xe4", f"{JSON}; charset=latin-1", "broken JSON", Cause.BROKEN),
        (b'{"files": [], "x": "\xe4"}', f"{JSON}; charset=latin-1", "broken JSON", Cause.BROKEN),
    ],
)
def test_no_page(body: str | bytes, content_type: str, said: str, cause: Cause) -> None:
    """A response that is no valid page of the project is unusable, with a reason; it is never an empty page."""
    error = refused(body, content_type)
    assert said in str(error)
    assert error.cause is cause
    assert error.asks is (cause is Cause.LOGIN)


def test_html_that_pythons_parser_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """If html.parser gives up, like that of Python 3.13 at a broken declaration, the page is unusable."""

    def give_up(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(HTMLParser, "feed", give_up)
    error = refused("<html><![-", HTML)
    assert "broken HTML" in str(error)
    assert error.cause is Cause.BROKEN


@pytest.mark.parametrize("endless", ["<a " + "x=y " * 200_000, "<a " + 'x=">" ' * 200_000, "<!-- " + "x" * 600_000])
def test_html_with_a_tag_without_end(endless: str) -> None:
    """A tag with millions of attributes, which packs well, would take gigabytes and a minute."""
    page = '<!DOCTYPE html><html><body><a href="acme-1.0.tar.gz">acme-1.0.tar.gz</a>'
    assert "broken HTML" in str(refused(page + endless, HTML))
    assert "broken HTML" in str(refused(page + endless + "><!-- --></body></html>", HTML))


@pytest.mark.parametrize("attribute", ['x="" ', "x=y ", "x "])
def test_html_with_a_tag_of_very_many_attributes(attribute: str) -> None:
    """Each costs a few hundred bytes for a moment, so the tag is refused before they are read; one below is a link."""
    refused(html_page_of(f'<a href="acme-1.0.tar.gz" {attribute * (2**15 // len(attribute))}>x</a>'), HTML)
    assert page(html_page_of(f'<a href="acme-1.0.tar.gz" {attribute * (2**14 // len(attribute))}>x</a>')).files == 1


@pytest.mark.parametrize("quote", ['"', ""])
def test_of_a_link_only_what_is_used_is_kept(quote: str) -> None:
    """Other attributes, of which a page may have millions, take no memory while the page is read."""
    more = " ".join(f"{name}={quote}1{quote}" for name in ("class", "data-x", "data-yanked"))
    parsed = html_page.Page(html_page_of(f'<a href="acme-1.0.tar.gz" {more}>x</a>'))
    assert parsed.links == [{"href": "acme-1.0.tar.gz", "data-yanked": "1"}]


@pytest.mark.parametrize("before", [2**16 - n for n in (3, 20, 60, 90, 110, 130)])
def test_html_is_read_alike_wherever_its_parts_end(before: int) -> None:
    """A link, a comment or a quoted value with brackets that comes in two parts is read as one."""
    begin = "<!DOCTYPE html><html><body>"
    links = (
        """<a href='acme-1.0.tar.gz' data-yanked="<a > b>">acme</a>"""
        """<!-- <a href="acme-2.0.tar.gz"> --><a href=acme-3.0.tar.gz>"""
    )
    parsed = html_page.Page(begin + " " * (before - len(begin)) + links + "</body></html>")
    assert [file.filename for file in parsed.files("https://corp.example/simple/acme/")] == [
        "acme-1.0.tar.gz",
        "acme-3.0.tar.gz",
    ]
    assert parsed.files("https://corp.example/simple/acme/")[0].yanked == "<a > b>"
    assert parsed.has_end


def test_html_that_was_cut_short() -> None:
    """Without a stated length, a page must have its end."""
    whole = html_page_of("<a href='acme-1.zip'>x</a><br />")
    assert page(whole, is_delimited=False).files == 1
    assert refused(whole[:-7], is_delimited=False).cause is Cause.CUT_SHORT
    assert page(whole[:-7]).files == 1


def test_too_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of files per page is many times that of the largest pages of PyPI."""
    monkeypatch.setattr(json_page, "MAX_FILES", 1)
    monkeypatch.setattr(reader, "MAX_FILES", 1)
    assert refused(json_page_of({}, {}), JSON).cause is Cause.SIZE
    assert refused(html_page_of("<a><a>")).cause is Cause.SIZE


def test_json_in_another_encoding() -> None:
    """JSON is read as UTF-8, and must also be valid in the encoding that the server states."""
    text = json_page_of({"yanked": "für alle"})
    assert (
        page(json.dumps(json.loads(text), ensure_ascii=False), f"{JSON}; charset=latin-1").page.files[0].yanked
        == "für alle"
    )
    assert page(text.encode("utf-16"), f"{JSON}; charset=utf-16").files == 1


@pytest.mark.parametrize(
    ("body", "empty"),
    [
        (html_page_of(""), True),
        (html_page_of("<a>x</a><a href=''>y</a>"), True),
        ("<html><body>", False),
        (html_page_of("<a href='other-1.zip'>x</a>"), False),
        (html_page_of("<script>go()</script>"), False),
        (html_page_of("", "<meta http-equiv='Refresh' content='0; url=/login'>"), False),
        (html_page_of("<a href='acme-1.zip'>x</a>"), False),
    ],
)
def test_an_empty_page_is_whole_and_has_nothing(body: str, empty: bool) -> None:
    """Only a complete page without links, which leads nowhere else, can be the answer for an unknown name."""
    assert page(body).empty is empty


def test_empty_json() -> None:
    """In JSON, a page is not empty if it lists files, even if all of them are dropped."""
    assert page(json_page_of(), JSON).empty
    result = page(json_page_of({"url": "other-1.zip"}), JSON)
    assert (result.files, result.empty) == (0, False)


@pytest.mark.parametrize(
    ("url", "page_url", "why"),
    [
        ("https://files.example/acme-1.zip", URL, None),
        ("https://[::1]/acme-1.zip", URL, None),
        ("file:///srv/acme-1.zip", URL, "a file: link on a page that came over HTTP"),
        ("http://files.example/acme-1.zip", URL, "an http: file without a hash on an https: page"),
        ("http://files.example/acme-1.zip#sha256=XY", URL, "an http: file without a hash on an https: page"),
        ("http://files.example/acme-1.zip#sha256=ab", URL, None),
        ("http://corp.example/acme-1.zip#sha256=ab", URL, "an http: file of the https: page's own host"),
        ("http://files.example/acme-1.zip", "http://corp.example/simple/acme/", None),
        ("https://ada:pw@files.example/acme-1.zip", URL, "a link that contains credentials"),
        ("file:///srv/acme-1.zip", "file:///srv/index.html", None),
        ("http://[/acme-1.zip", URL, "not a URL"),
        ("https://files.example/a%2Facme-1.zip", URL, "a file name with separators or control characters"),
        (f"https://files.example/acme-{'9' * 640}.zip", URL, "a number that is too long for any version"),
        (f"https://files.example/acme-1.{'x' * 640}.zip", URL, "a file of another project"),
        ("https://files.example/acme-1.exe", URL, "neither a wheel nor an sdist"),
        ("https://files.example/other-1.zip", URL, "a file of another project"),
        ("https://files.example/acme-1-py3-none.whl", URL, "not named as a wheel is"),
        ("https://files.example/other-1-py3-none-any.whl", URL, "a file of another project"),
    ],
)
def test_which_files_may_be_candidates(url: str, page_url: str, why: str | None) -> None:
    """Dropped: files of other projects, on this machine, with a login, or impossible to verify."""
    name = url.rpartition("/")[2].partition("#")[0].replace("%2F", "/")
    hashes = {"sha256": url.partition("#sha256=")[2]} if "#" in url else {}
    assert rejection(ACME, File(name, url, hashes), page_url, VERSIONS) == why


@pytest.mark.parametrize(
    ("filename", "owned"),
    [("acme-1.zip", True), ("acme-1.whl", False), ("acme-extra-1.zip", False), (f"acme-{'9' * 700}.zip", True)],
)
def test_a_flat_place_owns_the_names_of_dropped_files(filename: str, owned: bool) -> None:
    """A dropped file of the name, here with a login in its link, still keeps the name from lower repositories."""
    result = reader.files_of(ACME, (File(filename, f"https://me@files.example/{filename}", {}),), URL, VERSIONS)
    assert isinstance(result, PageFound) is owned
    if isinstance(result, PageFound):
        assert (result.files, len(result.page.dropped)) == (0, 1)


def test_flat_pages() -> None:
    """A flat page is HTML, has its end and lists at least one file; the files of a name are picked from it.

    Those of other projects are not among the rejected ones; a wheel of the name that is named wrongly is.
    """
    body = html_page_of("<a href='acme-1.zip'>x</a><a href='other-2.zip'>y</a>").encode()
    files = reader.read_flat_page(Response(URL, body, HTML, is_delimited=False))
    assert [file.filename for file in files] == ["acme-1.zip", "other-2.zip"]
    result = reader.files_of(normalize("other"), files, URL, VERSIONS)
    assert isinstance(result, PageFound)
    assert (result.files, result.page.api, result.page.claimed_versions) == (1, None, frozenset({"2"}))
    assert result.page.dropped == ()
    wrong = (*files, File("other-3.whl", "https://files.example/other-3.whl", {}))
    with_wrong = reader.files_of(normalize("other"), wrong, URL, VERSIONS)
    assert isinstance(with_wrong, PageFound)
    assert with_wrong.page.dropped == (("other-3.whl", "not named as a wheel is"),)
    assert reader.files_of(normalize("third"), files, URL, VERSIONS) == NotFound()
    alone = reader.file_at("https://files.example/acme%2D1.zip#md5=ab")
    assert (alone.filename, alone.hashes, alone.listed_on) == ("acme-1.zip", {"md5": "ab"}, None)
    for bad, cause, content_type in (
        (b"x", Cause.NOT_A_PAGE, JSON),
        (b"x", Cause.NOT_A_PAGE, ""),
        (body + b"<input>", Cause.LOGIN, HTML),
        (b"<a href='acme-1.zip'>", Cause.CUT_SHORT, HTML),
        (html_page_of("<a href='/help'>").encode(), Cause.NOT_A_PAGE, HTML),
    ):
        with pytest.raises(UnusableResponse) as raised:
            reader.read_flat_page(Response(URL, bad, content_type, is_delimited=False))
        assert raised.value.cause is cause


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ("", f"{URL}acme-1.zip"),
        ("<base href='/f/'>", ":///f/acme-1.zip"),
        (
            "<base target='x'><base href='https://files.example/a/'><base href='/f/'>",
            "https://files.example/a/acme-1.zip",
        ),
    ],
)
def test_the_base_of_links(head: str, url: str) -> None:
    """The first base with a URL counts; one without a complete URL is ignored, as in pip."""
    body = html_page_of("<a href='acme-1.zip'>x</a>", head).encode()
    assert [file.url for file in reader.parse(Response(URL, body, HTML)).files] == [url]


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("acme_tools-1.0-py3-none-any.whl", ["acme-tools"]),
        ("acme_tools-1.0.whl", []),
        ("acme-tools-1.0.tar.gz", ["acme-tools"]),
        ("acme-1-2.zip", ["acme", "acme-1"]),
        ("acme-1.exe", []),
    ],
)
def test_the_project_of_a_file(file: str, names: list[str]) -> None:
    """A file name gives its project, that of an old sdist perhaps two, and a version for each."""
    assert projects_of(file, VERSIONS.is_version) == names
    assert projects_of_all([file, "other-1.zip"], VERSIONS.is_version) == {*names, "other"}
    assert all(version_in(file, normalize(name), VERSIONS.is_version) for name in names)
    assert version_in(file, normalize("third"), VERSIONS.is_version) is None


@pytest.mark.parametrize(("part", "project"), [("-1", "acme"), ("-x", "other"), ("-", "acme-x"), ("-.", "acme-x")])
def test_a_file_name_as_long_as_a_page_is_read_soon(part: str, project: str) -> None:
    """The time does not grow with the square of its dashes: this one took several seconds."""
    file = f"acme{part * 10_000}x.tar.gz"
    begun = time.monotonic()
    assert version_in(file, normalize(project), VERSIONS.is_version) is None
    assert time.monotonic() - begun < 1


def listed(body: str | bytes, content_type: str) -> ProjectListFound | FetchFailed:
    """The reader's result for a project list."""
    raw = body.encode() if isinstance(body, str) else body
    return project_list.read_project_list(Response("https://corp.example/simple/", raw, content_type))


@pytest.mark.parametrize(
    ("body", "content_type", "names"),
    [
        ('{"projects": [{"name": "Acme"}]}', JSON, {"acme"}),
        ('{"projects": [{"name": "Acme", "more": {}}]}', JSON, {"acme"}),
        ("<html><body><a href='/simple/acme/'>Acme</a></body></html>", HTML, {"acme"}),
        ("<html><p><a href='/simple/a%63me/' class>Acme</a></p></html>", HTML, {"acme"}),
        ('{"projects": []}', JSON, None),
        ('{"meta": {"api-version": "1.0"}, "projects": []}', JSON, set()),
        ("<html><body></body></html>", HTML, None),
        ('{"projects": [7]}', JSON, None),
        ('{"projects": [{"name": "../x"}]}', JSON, None),
        ('{"meta": {"api-version": "2.0"}, "projects": [{"name": "Acme"}]}', JSON, None),
        ("<html><p><a href='/'>home</a></html>", HTML, None),
        ("<html><p><a href='/acme/'>Acme</a>", HTML, None),
        ("<html><![-", HTML, None),
        ('<html><meta name="pypi:repository-version"><a href="acme">acme</a></html>', HTML, None),
        ("acme", "text/plain", None),
    ],
)
def test_project_lists(body: str, content_type: str, names: set[str] | None) -> None:
    """A project list is either complete and valid, or an error."""
    answer = listed(body, content_type)
    assert (set(answer.names) if isinstance(answer, ProjectListFound) else None) == names


def test_no_third_party_is_needed() -> None:
    """The package imports neither pip nor `packaging`, which child pips may lack."""
    modules = "filenames hrefs html_page json_page model project_list reader response screening"
    code = "".join(f"import repoprio.simple_api.{module}\n" for module in modules.split())
    code += "import sys; print(sorted({name.partition('.')[0] for name in sys.modules} & {'pip', 'packaging'}))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False, env=_path())
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def _path() -> dict[str, str]:
    import repoprio

    return {"PYTHONPATH": str(repoprio.__path__[0]).rpartition("/")[0]}
