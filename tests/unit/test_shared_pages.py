"""Pages that gateways share, as pure data: signed, bounded, and separate for each policy."""

from __future__ import annotations

import gzip
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from repoprio.lookup import ownership
from repoprio.names import normalize
from repoprio.policy.model import Files, Location, Mode, Pin, Policy, Redirects, Repository
from repoprio.policy.patterns import Pattern
from repoprio.serve.pages.forms import Draft, forms, takes_gzip
from repoprio.serve.pages.relayed import Source
from repoprio.serve.requests import Media
from repoprio.serve.sharing import envelope
from repoprio.serve.sharing.envelope import Damaged, Label, SharedPage, seal, unseal
from repoprio.serve.sharing.fingerprint import fingerprint
from repoprio.urls import site

KEY = b"secret"
LABEL = Label("space", "acme", "epoch")


def repository(name: str, priority: int) -> Repository:
    """A repository on a separate site."""
    return Repository(name, (Location.of(f"https://{name}.example/simple/"),), priority)


CORP, TEAM, PUBLIC = repository("corp", 10), repository("team", 10), repository("public", 90)
POLICY = Policy((CORP, TEAM, PUBLIC))
SOURCE = Source(CORP, "https://corp.example/files/acme-1.0.tar.gz", {"sha256": "ab"}, 7)
LARGE = b"<a>" * 1000
_LISTED = b'{"sizes": [0, 0], "packed": [false, false], "sources": []}\n'
PAGE = SharedPage(
    ("corp",), frozenset({"corp"}), 5, forms({Media.JSON: b"{}", Media.HTML: LARGE}), {"acme/ab/x": SOURCE}
)


def test_a_page_comes_back_as_it_was_sealed() -> None:
    """All forms with their ETags, small ones unchanged and large ones compressed, and the sources of files."""
    found = unseal(KEY, LABEL, seal(KEY, LABEL, PAGE), POLICY.repositories)
    assert found == PAGE
    assert found.forms[Media.JSON, True].content == b"{}"
    assert gzip.decompress(found.forms[Media.HTML_V1, True].content) == LARGE
    assert len(seal(KEY, LABEL, PAGE)) < len(LARGE)


@pytest.mark.parametrize("label", [LABEL._replace(space="x"), LABEL._replace(name="x"), LABEL._replace(epoch="x")])
def test_a_value_counts_only_for_what_it_is_about(label: Label) -> None:
    """Its signature covers policy, project and epoch."""
    with pytest.raises(Damaged, match="signature"):
        unseal(KEY, label, seal(KEY, LABEL, PAGE), POLICY.repositories)


def test_no_byte_of_a_value_can_be_changed() -> None:
    """A value that is cut off, or written without the key, does not count either."""
    value = seal(KEY, LABEL, PAGE)
    broken = [value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :] for at in range(0, len(value), 7)]
    for wrong in (*broken, value[:-1], value + b"x", b"", seal(b"other", LABEL, PAGE)):
        with pytest.raises(Damaged):
            unseal(KEY, LABEL, wrong, POLICY.repositories)


@pytest.mark.parametrize(
    "source",
    [
        replace(SOURCE, url="https://public.example/files/acme-1.0.tar.gz"),
        replace(SOURCE, repository=PUBLIC, url="https://public.example/x"),
        replace(SOURCE, repository=repository("stranger", 1)),
    ],
)
def test_the_gateway_is_sent_to_no_site_but_the_owners(source: Source) -> None:
    """A value with a valid signature cannot do that either."""
    with pytest.raises(Damaged):
        unseal(KEY, LABEL, seal(KEY, LABEL, replace(PAGE, sources={"x": source})), POLICY.repositories)


def test_what_unpacks_to_too_much_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes may unpack to gigabytes; a compressed value that is cut off does not count either."""
    monkeypatch.setattr(envelope, "_MOST_UNPACKED", 100)
    with pytest.raises(Damaged, match="ValueError"):
        unseal(KEY, LABEL, seal(KEY, LABEL, PAGE), POLICY.repositories)


@pytest.mark.parametrize("content", [b"", b"[]\n", b"{}\n", b"[" * 100_000, _LISTED])
def test_a_signed_value_of_another_shape_is_damaged(content: bytes) -> None:
    """A gateway with a defect could write such a value."""
    value = envelope._FORMAT + envelope._mark(KEY, LABEL, content) + content
    with pytest.raises(Damaged):
        unseal(KEY, LABEL, value, POLICY.repositories)


def test_what_decides_is_in_the_fingerprint() -> None:
    """It covers each setting that a page may depend on, logins and patterns too; not what only people read."""
    login = replace(CORP, locations=(replace(CORP.locations[0], user="u", password="p"),))
    others = [
        Policy((CORP, PUBLIC, TEAM)),
        Policy((login, TEAM, PUBLIC)),
        Policy((replace(CORP, owns=(Pattern("acme"),)), TEAM, PUBLIC)),
        Policy((replace(CORP, absent=frozenset({404, 403})), TEAM, PUBLIC)),
        Policy((replace(CORP, redirects={site("https://x.example/"): Redirects.FOLLOW}), TEAM, PUBLIC)),
        Policy((replace(CORP, min_age=timedelta(days=1)), TEAM, PUBLIC)),
        Policy((replace(CORP, files=Files.PROXY), TEAM, PUBLIC)),
        replace(POLICY, pins=(Pin("a", (Pattern("acme"),), mode=Mode.MERGE),)),
        replace(POLICY, absence_ttl=5.0),
    ]
    known = {fingerprint(KEY, policy, "1.0", None) for policy in (POLICY, *others)}
    known |= {fingerprint(KEY, POLICY, "1.1", None), fingerprint(KEY, POLICY, "1.0", "https://x.example/")}
    assert len(known) == len(others) + 3
    assert fingerprint(b"other", POLICY, "1.0", None) not in known
    same = replace(POLICY, help="ask us", origins={"mode": "/etc/x"}, secrets=frozenset({"p"}))
    assert fingerprint(KEY, same, "1.0", None) == fingerprint(KEY, POLICY, "1.0", None)


def test_the_fingerprint_is_the_same_in_each_process() -> None:
    """Sets are ordered differently in each process."""
    program = (
        "from repoprio.policy.model import *; from repoprio.serve.sharing.fingerprint import fingerprint\n"
        "r = Repository('corp', (Location.of('https://corp.example/'),), 1, absent=frozenset(range(400, 420)),\n"
        "    redirects={'b': Redirects.FOLLOW, 'a': Redirects.ABSENT}, aliases=('x', 'y'))\n"
        "print(fingerprint(b'k', Policy((r,)), frozenset('abcdefgh'), ['x']))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout


def test_who_may_own_a_name() -> None:
    """A whole tier or a routed part of it, and none below the one that keeps the name; under merge, all."""
    acme = normalize("acme")
    assert ownership.may_own(POLICY, acme, ["corp", "team"], ["corp"])
    assert ownership.may_own(POLICY, acme, ["corp"], ["public"])
    assert ownership.may_own(POLICY, acme, ["public"], ["public"])
    assert ownership.may_own(POLICY, acme, ["public"], [])
    assert not ownership.may_own(POLICY, acme, ["public"], ["team"])
    assert not ownership.may_own(POLICY, acme, ["corp", "public"], [])
    assert not ownership.may_own(POLICY, acme, ["stranger"], [])
    assert not ownership.may_own(POLICY, acme, [], [])
    pattern = (Pattern("acme"),)
    blocked = replace(POLICY, pins=(Pin("a", pattern, block="no"),))
    assert not ownership.may_own(blocked, acme, ["corp"], [])
    merged = replace(POLICY, pins=(Pin("a", pattern, mode=Mode.MERGE),))
    assert ownership.may_own(merged, acme, ["corp", "public"], ["corp"])


def test_the_forms_of_a_draft_are_made_once_and_when_they_are_asked_for() -> None:
    """Both types of HTML are one content; a page whose JSON is that of the last one has the forms of that."""
    written: list[Media] = []

    def write(media: Media) -> bytes:
        written.append(media)
        return media.value.encode() + LARGE

    draft = Draft(write)
    first = draft.body((Media.HTML_V1, True))
    assert written == [Media.HTML]
    assert gzip.decompress(first.content) == Media.HTML.value.encode() + LARGE
    made = draft.forms()
    assert written == [Media.HTML, Media.JSON]
    assert made[Media.HTML_V1, True] == first
    assert made[Media.HTML, True].content is first.content
    assert len({body.etag for body in made.values()}) == 6
    assert all(body.is_packed is takes_gzip(form) for form, body in made.items())
    assert Draft(write).forms(made) is made
    assert Draft(lambda media: b"{}").forms(made)[Media.JSON, True] == Draft(lambda media: b"{}").body(
        (Media.JSON, False)
    )
