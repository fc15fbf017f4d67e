"""Records of who served which name: read from a document, shown in explanations and findings. Pure."""

from __future__ import annotations

import json

import pytest

from repoprio.audit import verdicts
from repoprio.audit.subjects import Offer, Subject
from repoprio.explain.explaining import explain
from repoprio.lookup.drivers import drive
from repoprio.lookup.events import StatusReceived
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.ownership import Dormant, Record, as_document, digest, dormant, from_document, holders_by_name
from repoprio.lookup.project import Decision, ProjectLookup, Unknown
from repoprio.names import normalize
from repoprio.render.messages import refusals
from support.policy_files import TWO, parsed_policy

RECORD = Record(normalize("acme"), "corp", "https://corp.example/simple/")
PLACE = "/var/lib/gateway.sqlite"
POLICY = parsed_policy(f'ownership = "{PLACE}"\n{TWO}')


def decide(remembered: tuple[str, ...] | Unknown) -> Decision[str]:
    """The decision on acme, which corp does not have."""
    lookup = ProjectLookup(RunMemory[str](POLICY), RECORD.project, remembered=remembered)
    return drive(lookup, lambda _: StatusReceived(404), lambda _: True)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"schema": 1},
        {"schema": 2, "records": []},
        {"schema": 1, "records": [1]},
        {"schema": 1, "records": [{**RECORD._asdict(), "project": "a b"}]},
        {"schema": 1, "records": [{**RECORD._asdict(), "project": None}]},
        {"schema": 1, "records": [{**RECORD._asdict(), "repository": ["corp"]}]},
        {"schema": 1, "records": [{**RECORD._asdict(), "url": 5}]},
        {"schema": 1, "records": [{**RECORD._asdict(), "repository": ""}]},
    ],
)
def test_invalid_documents(document: object) -> None:
    """A document that is not complete does not count at all."""
    with pytest.raises(ValueError, match=r"it is not a document|one of its records"):
        from_document(document)
    assert from_document(json.loads(json.dumps(as_document([RECORD])))) == (RECORD,)


def test_a_record_that_was_changed_is_noticed() -> None:
    """Its digest covers all its parts."""
    changed = (RECORD._replace(project=normalize("x")), RECORD._replace(repository="x"), RECORD._replace(url="x"))
    assert len({digest(RECORD), *map(digest, changed)}) == 4


def test_records_count_by_name_and_by_url() -> None:
    """A repository that was renamed keeps its names; one that left the policy keeps none."""
    records = [
        RECORD,
        RECORD._replace(project=normalize("tool"), repository="old"),
        RECORD._replace(repository="gone", url=""),
    ]
    assert holders_by_name(POLICY, [*records, records[0]._replace(repository="pypi")]) == {
        "acme": {"corp", "pypi"},
        "tool": {"corp"},
    }


def test_the_setting_is_the_rule_of_the_refusal() -> None:
    """The setting is named whether the records close a name or cannot be read; a gateway's own store is no setting."""
    message = refusals.refusal(explain(POLICY, decide(("corp",)), "acme", {}))
    assert f'rule: ownership = "{PLACE}"' in str(message)
    message = refusals.refusal(explain(parsed_policy(TWO), decide(("corp",)), "acme", {}))
    assert "rule: ownership" not in str(message)


def test_the_hint_to_release_names_the_place_of_the_records() -> None:
    """With the key `ownership` these are the gateway's, so the hint of pip sends its reader there."""
    release = "repoprio ownership release acme"
    message = refusals.refusal(explain(POLICY, decide(("corp",)), "acme", {}))
    assert f"if others may have the name now, where the gateway runs: {release}" in str(message)
    message = refusals.refusal(explain(parsed_policy(TWO), decide(("corp",)), "acme", {}))
    assert f"if others may have the name now: {release}" in str(message)


def test_an_unreadable_memory_is_reported() -> None:
    """The refusal names the place, the reason, who was not asked, and the setting; the audit does not guess."""
    decision = decide(Unknown(PLACE, "there is no such file"))
    explanation = explain(POLICY, decision, "acme", {})
    text = str(refusals.refusal(explanation))
    assert f"acme: nobody knows who served it before: {PLACE} cannot be read: there is no such file." in text
    assert "A name stays with its owner, so pypi (priority 90) was not asked." in text
    assert f'rule: ownership = "{PLACE}"' in text
    assert "make it readable again, or correct ownership in the policy" in text
    assert "[ownership-memory]" in text
    assert explanation.lines[1].reason == "a higher-priority repository may have served acme before"
    subject = Subject("acme", "99.0", "is installed", pip="pip", place="METADATA")
    (finding,) = verdicts.judge(POLICY, decision, subject, Offer({}, {}, lambda: None))
    assert (finding.code, finding.rule and finding.rule.key) == ("unavailable", "ownership")
    assert (
        f"repoprio cannot judge acme 99.0: nobody knows who served names before: {PLACE} cannot be read"
        in finding.message
    )
    more = parsed_policy(f'ownership = "{PLACE}"\n{TWO}[repositories.z]\nurl = "https://z.example/"\npriority = 95\n')
    lookup = ProjectLookup(RunMemory[str](more), RECORD.project, remembered=Unknown(PLACE, "503"))
    found = drive(lookup, lambda _: StatusReceived(404), lambda _: True)
    assert "pypi (priority 90) and z (priority 95) were not asked" in str(
        refusals.refusal(explain(more, found, "acme", {}))
    )


def test_repositories_that_nobody_is_any_more() -> None:
    """Names of repositories that left the policy are dormant, at all URLs; a name or URL of the policy still holds."""
    gone = [
        Record(normalize(name), "old", f"https://{site}.example/")
        for name, site in (("a", "x"), ("b", "x"), ("c", "y"))
    ]
    at_its_url = Record(normalize("d"), "renamed", POLICY.repositories[0].locations[0].url)
    names = tuple(record.project for record in gone)
    assert dormant(POLICY, [RECORD, *gone, at_its_url]) == {"old": Dormant(names, is_all=True)}
    held = at_its_url._replace(repository="old")
    assert dormant(POLICY, [held, *gone]) == {"old": Dormant(names, is_all=False)}
