"""The pure parts of the gateway: paths and headers, pages, problems, freshness, ownership."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from repoprio.explain.explanation import Explanation, Tried
from repoprio.lookup import ownership
from repoprio.lookup.cooldown import Clocks
from repoprio.lookup.drivers import drive
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    NotFound,
    PageFound,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.memory import CanaryVerdict, KnownNames, RunMemory
from repoprio.lookup.ownership import Record
from repoprio.lookup.project import Code, Decision, Outcome, ProjectLookup
from repoprio.lookup.reasons import Cause
from repoprio.names import normalize
from repoprio.policy.model import Files, Format, Location, Mode, Pin, Policy, Redirects, Repository
from repoprio.policy.patterns import Pattern
from repoprio.serve import freshness, limits, problems, requests
from repoprio.serve.freshness import Timing
from repoprio.serve.pages import relayed, union, writer
from repoprio.serve.pages.offers import Offer, OfferedFile, offer
from repoprio.serve.pages.versions import PackagingVersions
from repoprio.serve.requests import Elsewhere, Explain, FileOf, Health, Media, Nothing, Project, ProjectList, Search
from repoprio.serve.views import html
from repoprio.serve.views.explanations import ClientAnswer, Explained, explanation
from repoprio.simple_api.model import File, ProjectPage, Status
from repoprio.urls import site

ACME = normalize("acme")
VERSIONS = PackagingVersions()
ABSENT: FetchResult[ProjectPage] = StatusReceived(404)


def repository(name: str, priority: int, **keys: Any) -> Repository:
    """A repository on a separate site."""
    return Repository(name, (Location.of(f"https://{name}.example/simple/"),), priority, **keys)


CORP, TEAM, PUBLIC = repository("corp", 10), repository("team", 50), repository("public", 90)
POLICY = Policy((CORP, TEAM, PUBLIC))


def wheel(version: str, site: str = "corp", **keys: Any) -> File:
    """A wheel of acme at the site of a repository."""
    name = f"acme-{version}-py3-none-any.whl"
    return File(name, f"https://{site}.example/files/{name}", {"sha256": "ab"}, **keys)


def page(*files: File, **keys: Any) -> PageFound[ProjectPage]:
    """An answer with these files."""
    return PageFound(ProjectPage(ACME, "https://corp.example/simple/acme/", files, frozenset(), **keys), len(files))


def decide(policy: Policy, /, *remembered: str, **answers: FetchResult[ProjectPage]) -> Decision[ProjectPage]:
    """The decision for these answers, by the names of repositories; the others do not have the project."""

    def fetch(ask: FetchRequest) -> FetchResult[ProjectPage]:
        return answers.get(ask.repository.name, ABSENT)

    lookup = ProjectLookup(RunMemory[ProjectPage](policy), ACME, remembered=remembered)
    return drive(lookup, fetch, lambda _: True)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/simple/acme/", Project(ACME)),
        ("/simple/acme", Elsewhere("acme/")),
        ("/simple/Ac.Me", Elsewhere("ac-me/")),
        ("/simple/Ac__Me/", Elsewhere("../ac-me/")),
        ("/simple/ac%6De/", Elsewhere("../acme/")),
        ("/simple/", ProjectList()),
        ("/simple", Elsewhere("simple/")),
        ("/files/acme/ab/acme-1.0%2B1.whl", FileOf(ACME, "acme/ab/acme-1.0%2B1.whl")),
        ("/files/acme/ab/acme-1.0+1.whl", FileOf(ACME, "acme/ab/acme-1.0%2B1.whl")),
        ("/", Search(is_below=False)),
        ("/explain", Elsewhere("explain/")),
        ("/explain/", Search(is_below=True)),
        ("/explain/acme", Explain(ACME)),
        ("/explain/Acme", Elsewhere("acme")),
        ("/explain/acme/", Elsewhere("../acme")),
        ("/explain/-a", Nothing()),
        ("/health/live", Health(of_all=False)),
        ("/health/ready", Health(of_all=True)),
        *((f"/files/{rest}", Nothing()) for rest in ("", "acme", "acme/ab", "Acme/ab/x", "../ab/x", "acme/ab/x/y")),
        *((path, Nothing()) for path in ("", "/other/", "simple/acme/", "//simple/acme/")),
        *((f"/simple/{name}/", Nothing()) for name in ("..", "%2e%2e", "a%2fb", "a%0d%0ab", "a b", "-a", "a" * 201)),
        *((f"/simple/{rest}", Nothing()) for rest in ("acme//", "acme/x", "acme/../corp/", "%00", "\xe9")),
    ],
)
def test_a_path_is_one_project_or_none(path: str, found: requests.Target) -> None:
    """Another spelling of a name is redirected; a path that is not a name is not found, however it is written."""
    assert requests.target(path) == found


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", Media.HTML),
        ("*/*", Media.HTML),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Media.HTML),
        ("application/vnd.pypi.simple.v1+json", Media.JSON),
        ("application/vnd.pypi.simple.latest+json, text/html;q=0.5", Media.JSON),
        ("application/vnd.pypi.simple.v1+json;q=0.2, application/vnd.pypi.simple.v1+html", Media.HTML_V1),
        ("application/*", Media.JSON),
        ("application/vnd.pypi.simple.v1+json;q=0, */*;q=0.1", Media.HTML),
        ("text/html;q=x", None),
        ("text/html;q=7", None),
        ("image/png", None),
        (",", Media.HTML),
    ],
)
def test_the_client_chooses_the_form_of_a_page(accept: str, media: Media | None) -> None:
    """As in PEP 691: by quality, HTML if all are equal, and none if none is acceptable."""
    assert requests.media(accept) is media


def test_encodings_and_tags() -> None:
    """Gzip is used if the client accepts it; a tag matches whether or not it is weak."""
    assert requests.takes_gzip("gzip, deflate")
    assert requests.takes_gzip("*")
    assert not requests.takes_gzip("")
    assert not requests.takes_gzip("gzip;q=0, *")
    assert requests.has_already('W/"a", "b"', '"a"')
    assert requests.has_already("*", '"a"')
    assert requests.byte_range(" bytes=0-99") == "bytes=0-99"
    assert requests.byte_range("bytes=-5") == "bytes=-5"
    assert requests.byte_range("bytes=5-", '"tag"') == requests.byte_range("bytes=5-", is_fixed=False) == "bytes=5-"
    assert requests.byte_range("bytes=5-", '"tag"', is_fixed=False) is None
    assert [requests.byte_range(text) for text in ("", "bytes=-", "bytes=0-1,5-6", "lines=1-2")] == [None] * 4
    assert not requests.has_already('"ab"', '"a"')


def test_all_that_a_page_says_is_relayed_in_json() -> None:
    """Hashes, Requires-Python, yanks, metadata, sizes, times, provenance, versions and status are relayed."""
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, timezone(timedelta(hours=2)))
    full = wheel(
        "1.0",
        requires_python=">=3.8",
        yanked="bad",
        core_metadata={"sha256": "cd"},
        size=7,
        upload_time=moment,
        provenance="../p/1",
        listed_on="https://corp.example/simple/acme/",
    )
    found = decide(POLICY, corp=page(full, stated_versions=("1.0", "0.9", "junk"), status=Status("archived", "old")))
    document = json.loads(writer.write(offer(POLICY, found, VERSIONS), Media.JSON, lambda offered: offered.file.url))
    assert document == {
        "meta": {"api-version": "1.4"},
        "name": "acme",
        "versions": ["1.0", "0.9"],
        "project-status": {"status": "archived", "reason": "old"},
        "files": [
            {
                "filename": full.filename,
                "url": full.url,
                "hashes": {"sha256": "ab"},
                "requires-python": ">=3.8",
                "yanked": "bad",
                "core-metadata": {"sha256": "cd"},
                "size": 7,
                "upload-time": "2026-01-02T01:04:05.678000Z",
                "provenance": "https://corp.example/simple/p/1",
            }
        ],
    }


def test_what_a_page_does_not_say_is_not_made_up() -> None:
    """Without sizes it is API 1.0; a yank without a reason, and metadata without a hash, are `true`."""
    plain = wheel("1.0", yanked="", core_metadata={})
    found = offer(POLICY, decide(POLICY, corp=page(plain, status=Status("active"))), VERSIONS)
    document = json.loads(writer.write(found, Media.JSON, lambda offered: offered.file.url))
    assert document["meta"] == {"api-version": "1.0"}
    assert document["project-status"] == {"status": "active"}
    (entry,) = document["files"]
    assert entry == {
        "filename": plain.filename,
        "url": plain.url,
        "hashes": {"sha256": "ab"},
        "yanked": True,
        "core-metadata": True,
    }
    html = writer.write(found, Media.HTML, lambda offered: offered.file.url).decode()
    assert 'data-yanked="" data-core-metadata="true" data-dist-info-metadata="true"' in html
    assert 'name="pypi:project-status" content="active"' in html
    assert "project-status-reason" not in html
    bare = offer(POLICY, decide(POLICY, corp=page(wheel("1.0"))), VERSIONS)
    document = json.loads(writer.write(bare, Media.JSON, lambda offered: offered.file.url))
    assert set(document) == {"meta", "name", "versions", "files"}
    assert set(document["files"][0]) == {"filename", "url", "hashes", "yanked"}
    assert document["files"][0]["yanked"] is False


def test_html_has_all_that_it_can_and_no_script_gets_in() -> None:
    """Attributes are escaped, whatever a repository writes into them; the link has the preferred hash."""
    hostile = '"><script>alert(1)</script>'
    file = wheel("1.0", requires_python=">=3.8", yanked=hostile, provenance=hostile, listed_on="https://corp.example/")
    unhashed = wheel("2.0")._replace(hashes={"odd": "1"}, provenance="http://[::1")
    hashed = wheel("3.0")._replace(hashes={"md5": "1", "sha512": "2"}, core_metadata={"sha512": "3"})
    found = decide(POLICY, corp=page(file, unhashed, hashed, status=Status("archived", hostile)))
    html = writer.write(offer(POLICY, found, VERSIONS), Media.HTML, lambda offered: offered.file.url).decode()
    assert "<script" not in html
    assert html.count("data-provenance") == 1
    assert 'data-requires-python="&gt;=3.8"' in html
    assert f'href="{file.url}#sha256=ab"' in html
    assert f'href="{unhashed.url}"' in html
    assert f'href="{hashed.url}#sha512=2" data-core-metadata="sha512=3"' in html
    fragment = Offer(ACME, (OfferedFile(file, CORP),), (), None)
    assert b"#sha256=zz" in writer.write(fragment, Media.HTML, lambda _: "../x#sha256=zz")


def test_a_tier_is_offered_as_one() -> None:
    """If two repositories have a file name, it comes from the first; other files of a version come from both."""
    policy = Policy((CORP, replace(TEAM, priority=10), PUBLIC))
    archived = Status("archived")
    found = offer(
        policy,
        decide(
            policy,
            corp=page(wheel("1.0"), status=Status("active")),
            team=page(wheel("1.0", "team"), wheel("2.0", "team"), status=archived),
            public=page(wheel("9.0", "public")),
        ),
        VERSIONS,
    )
    assert [(one.file.filename[5:8], one.repository.name) for one in found.files] == [("1.0", "corp"), ("2.0", "team")]
    assert found.versions == ("2.0", "1.0")
    assert found.status is archived


def test_under_merge_a_version_comes_from_the_higher_priority() -> None:
    """All files of the version do, however it is spelled; the pin's versions narrow all repositories."""
    pins = (Pin("m", (Pattern("acme"),), mode=Mode.MERGE), Pin("v", (Pattern("acme"),), versions="<3"))
    sdist = File("acme-1.0.0.tar.gz", "https://public.example/files/acme-1.0.0.tar.gz", {})
    policy = Policy((CORP, PUBLIC), pins)
    found = offer(
        policy,
        decide(
            policy,
            corp=page(wheel("1.0"), stated_versions=("1.0", "4.0")),
            public=page(sdist, wheel("2.0", "public"), wheel("3.0", "public")),
        ),
        VERSIONS,
    )
    assert [one.file.filename for one in found.files] == [wheel("1.0").filename, wheel("2.0").filename]
    assert found.versions == ("2.0", "1.0")


def test_files_that_are_too_young_are_not_offered() -> None:
    """The earlier of two clocks counts; an sdist waits for each wheel of its version.

    A version without files is left out.
    """
    now = datetime(2026, 11, 20, tzinfo=timezone.utc)
    policy = Policy((replace(CORP, min_age=timedelta(days=7)), PUBLIC))
    young, old = now - timedelta(days=6), now - timedelta(days=8)
    early = File("acme-2.0.tar.gz", "https://corp.example/acme-2.0.tar.gz", {}, upload_time=old)
    ripe = File("acme-1.0.tar.gz", "https://corp.example/acme-1.0.tar.gz", {}, upload_time=old)
    files = (wheel("1.0", upload_time=old), ripe, wheel("2.0", upload_time=young), early, wheel("3.0"))
    clocks = Clocks(now + timedelta(days=30), now)
    stated = ("1.0", "2.0", "3.0")
    found = offer(policy, decide(policy, corp=page(*files, clocks=clocks, stated_versions=stated)), VERSIONS)
    assert [one.file.filename for one in found.files] == [files[0].filename, ripe.filename]
    assert found.versions == ("1.0",)
    unknown = offer(policy, decide(policy, corp=page(*files)), VERSIONS)
    assert unknown.files == ()


def test_an_sdist_waits_for_the_wheel_of_another_in_its_tier() -> None:
    """An sdist waits if any repository of its tier has a young wheel of its version; else it is offered."""
    now = datetime(2026, 11, 20, tzinfo=timezone.utc)
    week, old = timedelta(days=7), now - timedelta(days=8)
    policy = Policy((replace(CORP, min_age=week), replace(PUBLIC, priority=CORP.priority, min_age=week)))
    sdist = File("acme-2.0.tar.gz", "https://public.example/acme-2.0.tar.gz", {}, upload_time=old)
    for uploaded, offered in ((now - timedelta(days=6), ()), (old, (wheel("2.0").filename, sdist.filename))):
        pages = {
            "corp": page(wheel("2.0", upload_time=uploaded), clocks=Clocks(now)),
            "public": page(sdist, clocks=Clocks(now)),
        }
        found = offer(policy, decide(policy, **pages), VERSIONS)
        assert tuple(one.file.filename for one in found.files) == offered


def test_a_client_prefers_documents_or_pages() -> None:
    """By its Accept header, or by the query; a query that is too long asks for nothing."""
    assert requests.wants_json("application/json", "")
    assert requests.wants_json("text/html", "format=json")
    assert not requests.wants_json("text/html,*/*;q=0.8", "")
    assert requests.field("name=+Acme+&x=1", "name") == "Acme"
    assert requests.field(f"name=acme&x={'a' * 3000}", "name") == ""


def test_an_explanation_leaves_the_choice_to_the_client() -> None:
    """It has versions, rules and what waits; the page for people has the same, as text that cannot run."""
    now = datetime(2026, 11, 20, tzinfo=timezone.utc)
    policy = Policy((CORP, replace(PUBLIC, min_age=timedelta(days=7))), help="ask <us>")
    found = explanation(policy, decide(policy, corp=page(wheel("1.0"), wheel("2.0"))), VERSIONS, shadowed=True)
    assert (found.outcome, found.chosen, found.rejected) == (Outcome.SERVED, None, ())
    young = page(wheel("3.0", upload_time=now), wheel("1.0"), clocks=Clocks(now))
    waiting = explanation(policy, decide(policy, public=young), VERSIONS)
    assert (waiting.code, len(waiting.rejected)) == (Code.TOO_YOUNG, 2)
    both = page(wheel("3.0", upload_time=now), wheel("1.0", upload_time=now - timedelta(days=8)), clocks=Clocks(now))
    ripe = explanation(policy, decide(policy, public=both), VERSIONS)
    assert (ripe.outcome, [one.version for one in ripe.rejected]) == (Outcome.SERVED, ["3.0"])
    seen = shown(waiting, ClientAnswer(200, ("public",)))
    assert "Help: ask &lt;us&gt;" in seen
    assert "(2 files)" in seen
    assert "(1 file)" in shown(ripe, ClientAnswer(200, ("public",)))
    assert "owns acme" in shown(found, ClientAnswer(200, ("corp",)))


NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def shown(e: Explanation, answer: ClientAnswer, timings: Mapping[tuple[str, str], Timing] | None = None) -> str:
    """The page of an explanation for people."""
    return html.explained(Explained(e, NOON, timings or {}, answer), 60, str).decode()


def test_a_refusal_for_people_has_a_way_out() -> None:
    """It has the URLs that gave no usable answer, and the repositories that were not asked."""
    decision = decide(POLICY, corp=DOWN)
    found = explanation(POLICY, decision, VERSIONS)
    first = replace(found.lines[0], failures=(Tried("https://mirror.example/", "500"),))
    seen = shown(replace(found, lines=(first, *found.lines[1:])), ClientAnswer(503, title="A repository is down"))
    assert "<dt>Tried</dt><dd>https://mirror.example/: 500</dd>" in seen
    assert "503, a repository is down" in seen
    assert '<span class="state">not asked</span>' in seen
    assert "<h2>What to do</h2>" in seen
    assert problems.of_decision(POLICY, decision).unavailable == ("corp",)


def test_the_search_field_says_what_is_no_name() -> None:
    """An invalid name is shown again, escaped."""
    assert b"&lt;b&gt; is not the name of a project" in html.no_name("<b>")
    assert b"is not the name" not in html.no_name("")


def test_why_there_is_no_explanation_is_a_page_too() -> None:
    """It has everything in the problem document, escaped."""
    seen = html.failed("acme", problems.unsound_memory("<gone>"), str).decode()
    assert "The ownership memory is unavailable." in seen
    assert "&lt;gone&gt;" in seen


def test_the_first_page_shows_the_repositories_in_their_order() -> None:
    """They are grouped by tier, with the names that each may serve; disabled ones are left out."""
    own = repository("own", 5, namespaces=(Pattern("acme-*"), Pattern("ledger")))
    torch = repository("torch", 90, explicit=True)
    text = html.start(Policy((PUBLIC, torch, own, repository("off", 1, enabled=False))), str).decode()
    assert re.findall("<h3>(.*?)</h3>|Priority ([0-9]+)", text) == [
        ("", "5"),
        ("own", ""),
        ("", "90"),
        ("public", ""),
        ("torch", ""),
    ]
    assert "<dt>namespaces</dt><dd>acme-* ledger</dd>" in text
    assert text.count("only names that are routed to it") == 1


def test_each_answer_of_a_repository_has_its_time() -> None:
    """It is the time of the named URL's answer; an answer that was known from an earlier lookup is marked as such."""
    decision = decide(POLICY, corp=DOWN)
    found = explanation(POLICY, decision, VERSIONS)
    evidence = freshness.Evidence(0)
    evidence.note(
        FetchRequest(CORP, ResourceKind.PAGE, ACME, Location.of(str(found.lines[0].asked))), Timing(NOON, 0.0384)
    )
    answer = ClientAnswer(503, title="x")
    assert "<dt>Answered</dt><dd>38 ms after 12:00:00 UTC" in shown(found, answer, evidence.timings)
    assert "<dt>Answered</dt><dd>in an earlier lookup" in shown(found, answer)
    policy = Policy((replace(CORP, exclude=(Pattern("acme"),)), PUBLIC))
    blind = explanation(policy, decide(policy, public=StatusReceived(503)), VERSIONS)
    seen = shown(blind, ClientAnswer(503, title="x"))
    assert "<dt>Rule</dt><dd>repositories.corp.exclude" in seen
    assert "<p>503</p>" not in seen, "it stands beside its time"


def test_a_page_that_is_kept_has_its_age() -> None:
    """It is the page that clients get, while it counts or as a stale one."""
    found = explanation(POLICY, decide(POLICY, corp=page(wheel("1.0"))), VERSIONS)
    told = replace(found, lines=(replace(found.lines[0], versions=("1.1", "1.0")), *found.lines[1:]))
    kept = shown(told, ClientAnswer(200, ("corp", "team"), age=12.3, left=47.7))
    assert "<dt>Has</dt><dd>1.1, 1.0</dd>" in kept
    assert "200, the page of corp and team: 12 s old, good for 48 s more" in kept
    assert "200, the page of corp: 312 s old, marked as stale" in shown(found, ClientAnswer(200, ("corp",), age=312))


def test_the_union_of_lists_holds_what_each_repository_may_serve() -> None:
    """Names that no pattern matches come from all open repositories; the others from those to which they are routed."""
    pins = (
        Pin("b", (Pattern("bad"),), block="no"),
        Pin("p", (Pattern("torch*"),), repositories=("explicit",)),
        Pin("q", (Pattern("?"),), repositories=("public",)),
    )
    own = repository("own", 5, namespaces=(Pattern("acme-*"),))
    corp = replace(CORP, exclude=(Pattern("*-internal"),))
    policy = Policy((own, corp, PUBLIC, repository("explicit", 95, explicit=True)), pins)
    lists = {
        "own": frozenset(map(normalize, ["acme-x", "beta"])),
        "corp": frozenset(map(normalize, ["alpha", "alpha-internal", "bad", "repoprio", "x"])),
        "public": frozenset(map(normalize, ["acme-y", "alpha", "requests", "torch", "y"])),
        "explicit": frozenset(map(normalize, ["torch", "torchvision", "other"])),
    }
    assert union.union(policy, lists) == ["acme-x", "alpha", "repoprio", "requests", "torch", "torchvision", "y"]
    assert union.union(policy, {}) == []


@pytest.mark.parametrize("count", [0, 1, 5000, 5001])
def test_a_list_is_written_in_parts(count: int) -> None:
    """The parts form one JSON or HTML document, however many names there are."""
    names = [normalize(f"p{number}") for number in range(count)]
    document = json.loads(b"".join(union.write(names, Media.JSON)))
    assert [project["name"] for project in document["projects"]] == names
    html = b"".join(union.write(names, Media.HTML)).decode()
    assert html.count("<a href=") == count
    assert html.endswith("</html>\n")


def test_files_are_relayed_if_clients_cannot_fetch_them() -> None:
    """Files are relayed by the policy, or because they need a login; never from a site that only a page names."""
    proxied = replace(CORP, files=Files.PROXY, redirects={site("https://cdn.example"): Redirects.FOLLOW})
    (here,) = CORP.locations
    guarded = replace(CORP, locations=(replace(here, user="bot", password="pw"),))
    unset = replace(proxied, locations=(here, Location("${V}", "", unset=("V",))))
    own, cdn, other = wheel("1.0"), wheel("1.0", "cdn"), wheel("1.0", "other")
    odd = own._replace(url="https://[")
    for repository, expected in (
        (CORP, [False] * 4),
        (guarded, [True, False, False, False]),
        (proxied, [True, True, False, False]),
        (unset, [True, True, False, False]),
    ):
        assert [relayed.is_relayed(OfferedFile(file, repository)) for file in (own, cdn, other, odd)] == expected


@pytest.mark.parametrize(
    ("place", "kind", "file", "is_own"),
    [
        ("file:///srv/w", Format.FLAT, "file:///srv/w/acme-1.0.tar.gz", True),
        ("file:///srv/w/", Format.SIMPLE, "file:///srv/w/acme/acme-1.0.tar.gz", True),
        ("file:///srv/w", Format.FLAT, "file:///srv/wheels/acme-1.0.tar.gz", False),
        ("file:///srv/w", Format.FLAT, "file:///srv/w/../acme-1.0.tar.gz", False),
        ("file:///srv/w", Format.FLAT, "file:///srv/w/%2e%2e/acme-1.0.tar.gz", False),
        ("file:///srv/w/links.html", Format.FLAT, "file:///srv/w/acme-1.0.tar.gz", True),
        ("file:///srv/w/acme-1.0.tar.gz", Format.FLAT, "file:///srv/w/acme-1.0.tar.gz", True),
        ("file:///srv/w/acme-1.0.tar.gz", Format.FLAT, "file:///srv/w/acme-2.0.tar.gz", False),
        ("file:///", Format.FLAT, "file:///acme-1.0.tar.gz", True),
        ("https://corp.example/", Format.FLAT, "file:///srv/acme-1.0.tar.gz", False),
    ],
)
def test_files_of_a_folder_are_relayed_from_below_it(place: str, kind: Format, file: str, is_own: bool) -> None:
    """Any form of the path works; clients do not have the folder."""
    repository = replace(CORP, locations=(Location.of(place),), format=kind)
    offered = OfferedFile(wheel("1.0")._replace(url=file), repository)
    assert relayed.is_relayed(offered) is is_own


def test_a_relayed_file_has_a_path_that_changes_with_its_content() -> None:
    """The path has the file's hash, or that of its URL; metadata is next to it; links to other sites stay unchanged."""
    proxied = replace(CORP, files=Files.PROXY)
    hashed = wheel("1.0", core_metadata={"sha256": "cd"}, size=7)
    unhashed = wheel("2.0")._replace(hashes={"md5": "1"}, url=wheel("2.0").url + "#md5=1")
    odd = wheel("3.0")._replace(hashes={"sha256": "../x"})
    files = tuple(OfferedFile(file, proxied) for file in (hashed, unhashed, odd))
    found = relayed.sources(Offer(ACME, (*files, OfferedFile(wheel("4.0", "other"), proxied)), (), None))
    first = f"acme/ab/{hashed.filename}"
    assert list(found)[:2] == [first, f"{first}.metadata"]
    assert found[first] == relayed.Source(proxied, hashed.url, {"sha256": "ab"}, 7)
    assert found[f"{first}.metadata"] == relayed.Source(proxied, f"{hashed.url}.metadata", {"sha256": "cd"})
    assert [path.split("/")[1].isalnum() and len(path.split("/")[1]) for path in list(found)[2:]] == [64, 64]
    assert found[list(found)[2]].url == wheel("2.0").url
    href = relayed.hrefs(ACME, "../../files/")
    assert href(files[0]) == f"../../files/{first}"
    assert href(OfferedFile(unhashed, CORP)) == wheel("2.0").url


DOWN = FetchFailed("the connection was refused", Cause.CONNECTION, lasting=True)


@pytest.mark.parametrize(
    ("status", "code", "policy", "answers"),
    [
        (404, Code.ABSENT, POLICY, {}),
        (503, Code.UNAVAILABLE, POLICY, {"team": DOWN}),
        (503, Code.ABSENT, Policy((replace(CORP, skip_if_unavailable=True), PUBLIC)), {"corp": DOWN}),
        (410, Code.ABSENT, Policy((replace(CORP, exclude=(Pattern("acme"),)),)), {}),
        (410, Code.OWNED_ABSENT, Policy((replace(CORP, owns=(Pattern("acme"),)), PUBLIC)), {}),
        (410, Code.OWNER_RULED_OUT, Policy((replace(CORP, owns=(Pattern("acme"),), enabled=False), PUBLIC)), {}),
        (410, Code.BLOCKED, Policy((CORP,), (Pin("b", (Pattern("acme"),), block="no"),)), {}),
        (
            410,
            Code.AMBIGUOUS,
            Policy((CORP,), tuple(Pin(name, (Pattern("acme"),), block="no") for name in ("a", "b"))),
            {},
        ),
    ],
)
def test_only_absence_everywhere_is_404(
    status: int, code: Code, policy: Policy, answers: dict[str, FetchResult[ProjectPage]]
) -> None:
    """A 404 lets a client's next index answer, so everything else is 410 (final) or 503 (later)."""
    problem = problems.of_decision(policy, decide(policy, **answers))
    assert (problem.status, problem.code) == (status, code.value)
    document = json.loads(problem.body)
    assert (document["status"], document["project"]) == (status, "acme")
    assert document["title"]
    assert "acme" in document["detail"]
    assert {entry["name"] for entry in document["repositories"]} == {r.name for r in policy.repositories}


def test_other_problems_say_what_to_do() -> None:
    """Each problem has its status and its code."""
    others = [problems.unknown_path(), problems.wrong_method(), problems.no_media(), problems.broken()]
    others += [problems.unsound_memory("gone"), problems.no_file(), problems.bad_file(CORP, "gone")]
    others.append(problems.no_list(CORP, "it answers 404"))
    assert [problem.status for problem in others] == [404, 405, 406, 503, 503, 404, 502, 502]
    assert len({problem.code for problem in others}) == len(others)
    assert "gone" in json.loads(problems.unsound_memory("gone").body)["detail"]


@pytest.mark.parametrize(
    ("stands_in", "owners", "answers"),
    [
        (True, ("corp",), {"corp": DOWN}),
        (True, ("corp",), {"corp": FetchFailed("no answer in time", Cause.TIME)}),
        (True, ("team",), {"team": StatusReceived(503)}),
        (True, ("public",), {"public": StatusReceived(429)}),
        # A higher-priority repository may own the name by now.
        (False, ("team",), {"corp": DOWN}),
        (False, ("public",), {"team": StatusReceived(500)}),
        # It says something else than before.
        *((False, ("corp",), {"corp": StatusReceived(status)}) for status in (401, 403, 407, 410, 451)),
        *(
            (False, ("corp",), {"corp": FetchFailed("?", cause)})
            for cause in (Cause.TLS, Cause.REDIRECT, Cause.NOT_A_PAGE, Cause.CUT_SHORT, Cause.BROKEN, Cause.LOGIN)
        ),
        (False, ("corp",), {"corp": ABSENT}),
        (False, ("corp",), {"corp": page(wheel("1.0"))}),
        (False, ("corp",), {"corp": NotFound(in_empty_root=True)}),
    ],
)
def test_only_an_owner_that_is_down_gets_a_stale_page(
    stands_in: bool, owners: tuple[str, ...], answers: dict[str, FetchResult[ProjectPage]]
) -> None:
    """Its last page may be served while it is down, and while every other repository is certain."""
    assert freshness.may_stand_in(decide(POLICY, **answers), owners) is stands_in


def test_a_login_that_a_mirror_refuses_counts() -> None:
    """The answer of a mirror counts: an owner whose login is refused is not just down."""
    locations = (*CORP.locations, Location.of("https://mirror.example/simple/"))
    policy = Policy((replace(CORP, locations=locations), PUBLIC))

    def fetch(ask: FetchRequest) -> FetchResult[ProjectPage]:
        return DOWN if "corp.example" in ask.location.url else StatusReceived(403)

    decision = drive(ProjectLookup(RunMemory[ProjectPage](policy), ACME), fetch, lambda _: True)
    assert decision.outcome is Outcome.UNAVAILABLE
    assert not freshness.may_stand_in(decision, ("corp",))


def test_what_was_skipped_makes_no_page_last() -> None:
    """A repository that counts as absent while it is down may own the name at any time."""
    policy = Policy((replace(CORP, skip_if_unavailable=True), PUBLIC))
    served = {"public": page(wheel("9.0"))}
    assert not freshness.is_certain(decide(policy, corp=DOWN, **served))
    assert freshness.is_certain(decide(policy, **served))
    assert not freshness.may_stand_in(decide(policy, corp=DOWN, public=DOWN), ("public",))


def test_a_lookup_is_as_old_as_its_oldest_answer() -> None:
    """A canary and a list from another lookup count from when that lookup began."""
    now = 100.0
    memory = freshness.SharedMemory[ProjectPage](POLICY, lambda: now)
    first = freshness.Evidence(now)
    view = memory.view(first)
    assert view.canaries.get("corp") is None
    kept = view.canaries.keep("corp", CanaryVerdict(None))
    now = 120.0
    second, third = freshness.Evidence(now), freshness.Evidence(now)
    assert memory.view(second).canaries.get("corp") is kept
    memory.view(third).lists.keep("corp", KnownNames(None))
    assert (first.born, second.born, third.born) == (100.0, 100.0, 120.0)
    now = 131.0
    assert memory.view(freshness.Evidence(now)).canaries.get("corp") is None


def test_a_name_stays_with_the_one_that_served_it() -> None:
    """If it disappears there, no lower repository is asked.

    A higher one that serves it owns it, and pins come first.
    """
    public = {"public": page(wheel("99.0", "public"))}
    gone = decide(POLICY, "team", **public)
    assert (gone.outcome, gone.code, gone.remembered) == (Outcome.BLOCKED, Code.REMEMBERED, TEAM)
    document = json.loads(problems.of_decision(POLICY, gone).body)
    assert document["status"] == 410
    assert "repoprio ownership release acme" in document["detail"]
    assert [entry["status"] for entry in document["repositories"]] == ["absent", "absent", "not-asked"]
    assert decide(POLICY, "team", corp=page(wheel("1.0")), **public).owners[0].repository is CORP
    assert decide(POLICY, "team", "corp", **public).remembered is CORP
    assert decide(POLICY, "public").code is Code.REMEMBERED
    assert decide(POLICY, "elsewhere", **public).outcome is Outcome.SERVED
    assert decide(Policy((replace(TEAM, enabled=False), PUBLIC)), "team", **public).code is Code.REMEMBERED


@pytest.mark.parametrize(
    "policy",
    [
        Policy((TEAM, PUBLIC), (Pin("p", (Pattern("acme"),), repositories=("public",)),)),
        Policy((TEAM, PUBLIC), (Pin("p", (Pattern("acme"),), mode=Mode.MERGE),)),
        Policy((TEAM, replace(PUBLIC, owns=(Pattern("acme"),)))),
        Policy((replace(TEAM, exclude=(Pattern("acme"),)), PUBLIC)),
        Policy((replace(TEAM, explicit=True), PUBLIC)),
    ],
)
def test_pins_and_routes_come_before_what_is_remembered(policy: Policy) -> None:
    """A policy that routes a name elsewhere overrides the records."""
    assert decide(policy, "team", public=page(wheel("99.0", "public"))).outcome is Outcome.SERVED


def test_a_record_is_made_if_a_lower_repository_could_serve() -> None:
    """Only with a file, above another repository, and not under merge; it replaces records of lower repositories."""
    corp, team = (Record(ACME, name, f"https://{name}.example/simple/") for name in ("corp", "team"))
    assert ownership.records_of(decide(POLICY, corp=page(wheel("1.0")))) == (corp,)
    assert ownership.records_of(decide(POLICY, corp=page())) == ()
    assert ownership.records_of(decide(POLICY, public=page(wheel("1.0")))) == ()
    assert ownership.records_of(decide(POLICY)) == ()
    blocked = Policy((CORP,), (Pin("b", (Pattern("acme"),), block="no"),))
    assert ownership.records_of(decide(blocked)) == ()
    merged = Policy((CORP, PUBLIC), (Pin("p", (Pattern("acme"),), mode=Mode.MERGE),))
    assert ownership.records_of(decide(merged, corp=page(wheel("1.0")))) == ()
    assert ownership.superseded(POLICY, (corp, team), (corp,)) == (team,)
    assert ownership.superseded(POLICY, (corp,), (team,)) == ()
    assert ownership.superseded(POLICY, (corp,), ()) == ()


def test_a_record_means_a_repository_by_its_name_or_by_its_url() -> None:
    """A renamed repository is the same one; one that left the policy closes nothing."""
    renamed = Record(ACME, "old-corp", "https://corp.example/simple")
    gone = Record(ACME, "gone", "https://gone.example/simple/")
    odd = Record(ACME, "odd", "https://[")
    assert ownership.holder(POLICY, renamed) is CORP
    assert ownership.holders(POLICY, (renamed, gone, odd)) == {"corp"}
    both = (renamed, gone)
    assert ownership.matching(both, (Pattern("ac*"),), "gone") == (gone,)
    assert ownership.matching(both, (Pattern("other"),), None) == ()
    assert ownership.matching(both, (Pattern("acme"),), None) == both


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("https://corp.example/simple", "https://corp.example/simple/"),
        ("https://corp.example/${AREA}/simple/", "https://corp.example/${AREA}/simple/"),
        ("https://u:p@corp.example/${AREA}/?t=1", "https://corp.example/${AREA}/?****"),
        ("https://mirror.example/old/simple/", "https://mirror.example/${AREA}/simple/"),
        ("https://mirror.example/old/", "https://mirror.example/****"),
        ("https://[", "****"),
    ],
)
def test_of_a_record_only_what_the_policy_writes_is_shown(recorded: str, shown: str) -> None:
    """What stands in the place of a variable may be a token, of today or of earlier; another URL may have one, too."""
    mirror = Location("https://mirror.example/${AREA}/simple/", "https://mirror.example/new/simple/")
    policy = Policy((replace(CORP, locations=(*CORP.locations, mirror)), PUBLIC))
    record = Record(ACME, "corp", recorded)
    assert [found.url for found in ownership.without_secrets(policy, [record])] == [shown]
    hidden = [found.url for found in ownership.without_secrets(None, [record])]
    assert "old" not in hidden[0]


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (Policy((CORP, PUBLIC), mode=Mode.FLEXIBLE), 'mode = "flexible" (default)'),
        (Policy((CORP, PUBLIC), mode=Mode.OBSERVE), "lets pip choose"),
        (Policy((CORP,), (Pin("f", (Pattern("acme"),), mode=Mode.FLEXIBLE),)), "pins.f.mode"),
    ],
)
def test_a_policy_that_an_index_cannot_obey_is_refused(policy: Policy, says: str) -> None:
    """Each reason is named before anything is served."""
    with pytest.raises(limits.CannotServe) as refused:
        limits.check(policy)
    assert says in str(refused.value)
    assert refused.value.status == 2


def test_a_strict_policy_is_served() -> None:
    """Repositories may be folders, and pins may merge."""
    pins = (Pin("v", (Pattern("acme"),), versions="<3"), Pin("m", (Pattern("acme"),), mode=Mode.MERGE))
    limits.check(Policy(pins=pins, repositories=(CORP, replace(PUBLIC, locations=(Location.of("file:///srv/x"),)))))


def test_long_paths_are_not_kept() -> None:
    """The meaning of paths is cached; a client cannot fill memory with long ones."""
    before = requests._known_target.cache_info().currsize
    assert requests.target(f"/simple/{'a' * 300}/") == requests.Nothing()
    assert requests._known_target.cache_info().currsize == before
    assert requests.target("/simple/acme/") is requests.target("/simple/acme/")
