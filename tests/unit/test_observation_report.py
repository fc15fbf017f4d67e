"""The logs of many machines, summed up: the pure parts."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from repoprio.explain.observation_report import NoRecord, Report
from repoprio.render import observation_report as rendered
from repoprio.render.observation_report import Damage, Read
from support.policy_files import parsed_policy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ONE = Read(1, 0, ())
RECORD: dict[str, Any] = {
    "schema": 1,
    "time": "2026-11-21T06:24:49.123Z",
    "host": "build-1",
    "project": "acme",
    "requirement": "acme>=1",
    "code": "owned",
    "pip": {"version": "99.0", "repository": "pypi", "site": "https://pypi.example"},
    "policy": {"version": "1.1", "repository": "corp"},
    "command": "install",
    "build": False,
}


def summed(*changes: dict[str, Any], log: str = "a.jsonl") -> Report:
    """The report on a record for each of these changes to one."""
    report = Report()
    for number, change in enumerate(changes):
        report.add({**RECORD, "time": f"2026-11-{number + 1:02}T06:24:49Z", **change}, log)
    return report


def test_hosts_and_choices_are_counted() -> None:
    """Each kind of change has a row, those on most hosts first; a record that occurs twice counts once."""
    jinja: dict[str, Any] = {"project": "Jinja2", "pip": {"version": "3.1.6", "repository": "pypi"}}
    jinja["policy"] = {"version": "3.1.4", "repository": "corp"}
    report = summed({}, *({**jinja, "host": f"build-{n}"} for n in range(3)), {**jinja, "host": None})
    report.add({**RECORD, "time": "2026-11-01T06:24:49Z"}, "copy.jsonl")
    report.add({**jinja, **{k: v for k, v in RECORD.items() if k not in jinja}, "host": "build-9"}, "x")
    assert (report.records, report.duplicates, len(report.hosts)) == (6, 1, 5)
    assert report.projects == ["acme", "jinja2"]
    assert (report.first, report.last) == ("2026-11-01T06:24:49Z", "2026-11-21T06:24:49.123Z")
    assert rendered.screen(report, Read(3, 0, ()), 80).splitlines()[:6] == [
        "3 logs, 2026-11-01 to 2026-11-21: the policy would change 6 choices of 2",
        "projects on 5 hosts (1 line more came twice).",
        "",
        "  HOSTS  CHOICES  PROJECT  PIP TOOK     POLICY       CODE",
        "      5        5  jinja2   3.1.6  pypi  3.1.4  corp  owned",
        "      1        1  acme     99.0  pypi   1.1  corp    owned",
    ]
    named = rendered.screen(report, ONE, 80, whole=True)
    assert "jinja2 [owned]: a.jsonl, build-0, build-1, build-2, build-9" in named
    assert [one["host_names"] for one in json.loads(rendered.document(report, ONE))["changes"]][1] == ["build-1"]


def test_nothing_to_report() -> None:
    """Without records there is one line, and the lines that could not be read."""
    said = "1 log: the policy would change nothing. A host without a change writes no log."
    assert rendered.screen(Report(), ONE, 80) == said
    read = Read(1, 3, [Damage("a\x1b.jsonl", 4, "not JSON")])
    assert rendered.screen(Report(), read, 80) == f"{said}\n\n3 lines could not be read:\n  a?.jsonl:4: not JSON"
    document = json.loads(rendered.document(Report(), read))
    assert (document["toml"], document["first"], document["damaged"]["lines"]) == (None, None, 3)


def test_many_rows_and_versions() -> None:
    """At most 20 rows unless all are requested; of several versions, the one that was chosen most often."""
    report = summed(*({"project": f"p{n}", "code": "unavailable"} for n in range(25)))
    said = rendered.screen(report, ONE, 80)
    assert "  ... and 5 more: -v shows all of them, and the hosts." in said
    assert "unavailable: a repository gave no usable answer: repoprio repos --check (p0, p1, " in said
    assert ", ...)" in said
    versions = [{"pip": {"version": v, "repository": None, "site": None}} for v in ("1", "2", "2")]
    assert "2 (+1)  a folder  1.1  corp" in rendered.screen(summed(*versions), ONE, 80)
    hosts = summed(*({"host": f"h{n:02}"} for n in range(22)))
    assert "h19, ... (22 in all)" in rendered.screen(hosts, ONE, 80, whole=True)


def other(name: str, code: str, pip: str | None = "pypi", policy: str | None = None, **more: Any) -> dict[str, Any]:
    """A change of a project."""
    there = {"version": "2" if policy else None, "repository": policy}
    here = {"version": "1\n[pins.x]\u2028", "repository": pip, "site": "https://x"}
    return {"project": name, "code": code, "pip": here, "policy": there} | more


def test_the_toml_is_safe_to_paste() -> None:
    """As printed it opens no name; with its comments removed it is a valid policy, whose pins do not conflict."""
    report = summed(
        other("acme", "owned", policy="corp"),
        other("acme", "owned", policy="team"),
        other("same", "owned", pip="corp", policy="corp"),
        other("newer", "fits", policy="team"),
        other("gone", "owned-absent"),
        other("none", "no-match", pip="unlisted:1"),
        other("mixed", "merged", policy="corp"),
        other("odd", "unlisted", pip=None, unlisted=["https://evil.example"]),
        other("acme", "owned", policy="corp", pip="team"),
    )
    text = rendered.policy_toml(report)
    corp = '[repositories.{}]\nurl = "https://{}.example/"\npriority = {}\n'
    base = "".join(corp.format(name, name, n) for n, name in enumerate(("corp", "team", "pypi"), 1))
    policy = parsed_policy(base + text)
    assert [(pin.name, [p.text for p in pin.projects], pin.repositories) for pin in policy.pins] == [
        ("report-corp", ["acme"], ("corp",)),
    ]
    # A person takes the comments away, and the names that the pin above has.
    bare = "\n".join(
        line.removeprefix("# ") for line in text.splitlines() if line[:4] in ("# [p", "#   ", "# ]", "# pr", "# re")
    )
    opened = tomllib.loads(bare)["pins"]
    assert {name: pin["projects"] for name, pin in opened.items()} == {
        "report-open-pypi": ["acme", "gone", "newer"],
    }
    assert '# url = "https://evil.example"' in text
    assert "pins" in json.loads(rendered.document(report, ONE))["toml"]


WRONG: list[tuple[Any, str]] = [
    ([], "not an object"),
    ({}, "not a record of schema 1"),
    ({**RECORD, "schema": True}, "not a record of schema 1"),
    ({**RECORD, "schema": 2}, "not a record of schema 1"),
    ({**RECORD, "project": "a b"}, "project is not a project name"),
    ({**RECORD, "project": 1}, "project is not a short text"),
    ({**RECORD, "project": "a" * 301}, "project is not a short text"),
    ({**RECORD, "code": "odd"}, "code is not known"),
    ({**RECORD, "time": "today"}, "time is not a time in UTC"),
    ({**RECORD, "pip": None}, "pip or policy is not an object"),
    ({**RECORD, "policy": []}, "pip or policy is not an object"),
    ({**RECORD, "pip": {}}, "version is not a short text"),
    ({**RECORD, "host": ""}, "host is not a short text"),
    ({**RECORD, "unlisted": "x"}, "unlisted is not a short list of sites"),
    ({**RECORD, "unlisted": ["x"] * 9}, "unlisted is not a short list of sites"),
    ({**RECORD, "unlisted": [1]}, "unlisted is not a short list of sites"),
]


@pytest.mark.parametrize(("document", "problem"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_what_is_no_record(document: Any, problem: str) -> None:
    """Another shape is no record, and adds nothing."""
    report = Report()
    with pytest.raises(NoRecord, match=f"^{problem}$"):
        report.add(document, "a.jsonl")
    assert not report.changes
