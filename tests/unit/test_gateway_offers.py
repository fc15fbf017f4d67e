"""The pages that the gateway writes: their files, their formats, and where clients get a file. Pure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from packaging.version import Version

from repoprio.lookup.cooldown import Clocks
from repoprio.names import normalize
from repoprio.policy.model import Files, Format, Location, Mode, Pin, Policy, Redirects
from repoprio.policy.patterns import Pattern
from repoprio.serve.pages import offers, relayed, union, writer
from repoprio.serve.pages.offers import Offer, OfferedFile, offer
from repoprio.serve.requests import Media
from repoprio.simple_api.model import File, Status
from repoprio.urls import site
from support.gateway_parts import (
    ACME,
    CORP,
    POLICY,
    PUBLIC,
    TEAM,
    VERSIONS,
    decide,
    page,
    repository,
    wheel,
)


def written(offer: Offer, media: Media = Media.JSON) -> bytes:
    """The page of an offer whose files clients get from where they are."""
    return writer.write(offer, media, [offered.file.url for offered in offer.files])


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
    decision = decide(POLICY, corp=page(full, stated_versions=("1.0", "0.9", "junk"), status=Status("archived", "old")))
    document = json.loads(written(offer(POLICY, decision, VERSIONS)))
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
    offered = offer(POLICY, decide(POLICY, corp=page(plain, status=Status("active"))), VERSIONS)
    document = json.loads(written(offered))
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
    html = written(offered, Media.HTML).decode()
    assert 'data-yanked="" data-core-metadata="true" data-dist-info-metadata="true"' in html
    assert 'name="pypi:project-status" content="active"' in html
    assert "project-status-reason" not in html
    bare = offer(POLICY, decide(POLICY, corp=page(wheel("1.0"))), VERSIONS)
    document = json.loads(written(bare))
    assert set(document) == {"meta", "name", "versions", "files"}
    assert set(document["files"][0]) == {"filename", "url", "hashes", "yanked"}
    assert document["files"][0]["yanked"] is False


def test_half_a_surrogate_pair_is_relayed() -> None:
    """JSON may have one, which UTF-8 has not; the rest of the page is as usual."""
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    plain, odd = wheel("1.0", upload_time=moment), wheel("2.0", upload_time=moment, yanked="\ud800")
    one, other = (offer(POLICY, decide(POLICY, corp=page(file)), VERSIONS) for file in (plain, odd))
    assert json.loads(written(other))["files"][0]["yanked"] == "\ud800"
    times = [json.loads(written(found))["files"][0]["upload-time"] for found in (one, other)]
    assert times == ["2026-01-02T03:04:05Z"] * 2


def test_html_has_all_that_it_can_and_no_script_gets_in() -> None:
    """Attributes are escaped; the link has the preferred hash."""
    hostile = '"><script>alert(1)</script>'
    file = wheel("1.0", requires_python=">=3.8", yanked=hostile, provenance=hostile, listed_on="https://corp.example/")
    unhashed = wheel("2.0")._replace(hashes={"odd": "1"}, provenance="http://[::1")
    hashed = wheel("3.0")._replace(hashes={"md5": "1", "sha512": "2"}, core_metadata={"sha512": "3"})
    decision = decide(POLICY, corp=page(file, unhashed, hashed, status=Status("archived", hostile)))
    html = written(offer(POLICY, decision, VERSIONS), Media.HTML).decode()
    assert "<script" not in html
    assert html.count("data-provenance") == 1
    assert 'data-requires-python="&gt;=3.8"' in html
    assert f'href="{file.url}#sha256=ab"' in html
    assert f'href="{unhashed.url}"' in html
    assert f'href="{hashed.url}#sha512=2" data-core-metadata="sha512=3"' in html
    fragment = Offer(ACME, (OfferedFile(file, CORP),), (), None)
    assert b"#sha256=zz" in writer.write(fragment, Media.HTML, ["../x#sha256=zz"])


def test_all_files_of_one_owner_are_offered_as_if_each_was_judged() -> None:
    """The short way for pages without a rule for their files gives what the long way gives."""
    twice = wheel("1.0")._replace(url="https://corp.example/other/acme-1.0-py3-none-any.whl")
    sdist = File("acme-1.0.0.tar.gz", "https://corp.example/acme-1.0.0.tar.gz", {})
    listed = page(wheel("10.0"), wheel("1.0"), sdist, twice, stated_versions=("1.0", "3.0", "3", "junk"))
    decision = decide(POLICY, corp=listed)
    short, long = offer(POLICY, decision, VERSIONS), offers._selection(POLICY, decision, VERSIONS, None)
    assert [one.file.url for one in short.files] == [one.file.url for one in long.files]
    assert [Version(text) for text in short.versions] == [Version(text) for text in long.versions]
    assert len(short.files) == 3
    assert short.status == long.status


def test_a_tier_is_offered_as_one() -> None:
    """If two repositories have a file name, it comes from the first; other files of a version come from both."""
    policy = Policy((CORP, replace(TEAM, priority=10), PUBLIC))
    archived = Status("archived")
    offered = offer(
        policy,
        decide(
            policy,
            corp=page(wheel("1.0"), status=Status("active")),
            team=page(wheel("1.0", "team"), wheel("2.0", "team"), status=archived),
            public=page(wheel("9.0", "public")),
        ),
        VERSIONS,
    )
    assert [(one.file.filename[5:8], one.repository.name) for one in offered.files] == [
        ("1.0", "corp"),
        ("2.0", "team"),
    ]
    assert offered.versions == ("2.0", "1.0")
    assert offered.status is archived


def test_under_merge_a_version_comes_from_the_higher_priority() -> None:
    """All files of the version do, however it is spelled; the pin's versions narrow all repositories."""
    pins = (Pin("m", (Pattern("acme"),), mode=Mode.MERGE), Pin("v", (Pattern("acme"),), versions="<3"))
    sdist = File("acme-1.0.0.tar.gz", "https://public.example/files/acme-1.0.0.tar.gz", {})
    policy = Policy((CORP, PUBLIC), pins)
    offered = offer(
        policy,
        decide(
            policy,
            corp=page(wheel("1.0"), stated_versions=("1.0", "4.0")),
            public=page(sdist, wheel("2.0", "public"), wheel("3.0", "public")),
        ),
        VERSIONS,
    )
    assert [one.file.filename for one in offered.files] == [wheel("1.0").filename, wheel("2.0").filename]
    assert offered.versions == ("2.0", "1.0")


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
    offered = offer(policy, decide(policy, corp=page(*files, clocks=clocks, stated_versions=stated)), VERSIONS)
    assert [one.file.filename for one in offered.files] == [files[0].filename, ripe.filename]
    assert offered.versions == ("1.0",)
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
    for owner, expected in (
        (CORP, [False] * 4),
        (guarded, [True, False, False, False]),
        (proxied, [True, True, False, False]),
        (unset, [True, True, False, False]),
    ):
        assert [relayed.is_relayed(OfferedFile(file, owner)) for file in (own, cdn, other, odd)] == expected


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
    others = OfferedFile(wheel("4.0", "other"), proxied), OfferedFile(unhashed, CORP)
    urls, found = relayed.links(Offer(ACME, (*files, *others), (), None), "../../files/")
    first = f"acme/ab/{hashed.filename}"
    assert list(found)[:2] == [first, f"{first}.metadata"]
    assert found[first] == relayed.Source(proxied, hashed.url, {"sha256": "ab"}, 7)
    assert found[f"{first}.metadata"] == relayed.Source(proxied, f"{hashed.url}.metadata", {"sha256": "cd"})
    assert [path.split("/")[1].isalnum() and len(path.split("/")[1]) for path in list(found)[2:]] == [64, 64]
    assert found[list(found)[2]].url == wheel("2.0").url
    assert (urls[0], urls[4]) == (f"../../files/{first}", wheel("2.0").url)
