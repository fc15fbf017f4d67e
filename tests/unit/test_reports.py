"""Audits as text, JSON and SARIF; and the codes of findings."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from repoprio.audit.findings import KINDS, Audit, Finding, Shared, worst_first
from repoprio.render import audit as rendered
from repoprio.render import sarif
from repoprio.render.table import painted
from support.policy_files import parsed_policy
from support.sarif import check_sarif


def test_every_code_is_described() -> None:
    """Each code has a title without a full stop and help in sentences; codes are lower case."""
    for code, kind in KINDS.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert not kind.title.endswith(".")
        assert kind.help.endswith((".", "?"))


def audit(*findings: Finding, **keys: Any) -> Audit:
    """An audit of 42 distributions."""
    return replace(Audit("environment", "distribution", 42, worst_first(findings)), **keys)


FOUND = Finding(
    "not-the-owners",
    "acme 99.0 is installed, but \x1b[31macme belongs to corp.",
    "pip install --force-reinstall 'acme==1.1'",
    "acme",
    "99.0",
    parsed_policy().repositories[0],
    parsed_policy().rule("repositories.corp.priority", "10"),
    place="site-packages/acme-99.0.dist-info/METADATA",
)
NOTE = Finding(
    "direct-url", "x came from a URL (repositories.corp.priority = 10 (policy.toml)).", "nothing", "x", rule=FOUND.rule
)


def test_the_screen_begins_with_a_summary() -> None:
    """A summary line, then the findings, worst first, with code, rule and fix; no control characters."""
    text = rendered.screen(audit(NOTE, FOUND, help="go/pip"), 80)
    assert text.startswith("2 findings in 42 distributions: 1 error, 1 note\n\n  error    acme 99.0 is installed")
    assert "\x1b" not in text
    assert text.count("rule: ") == 1
    assert text.endswith("\n\nhelp: go/pip")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert rendered.screen(audit(), 80) == "No findings: 42 distributions are what the policy would install."
    assert rendered.screen(audit(checked=0), 80).endswith("0 distributions, so nothing was checked against the policy.")
    assert rendered.screen(audit(checked=1), 80) == "No findings: 1 distribution is what the policy would install."
    assert "\x1b[31merror\x1b[0m    acme" in rendered.screen(audit(FOUND), 80, painted)
    located = [replace(FOUND, file="r.txt", line=3), replace(FOUND, file="pylock.toml")]
    assert "r.txt:3: acme" in rendered.screen(audit(*located), 200)
    assert "pylock.toml: acme" in rendered.screen(audit(*located), 200)


def test_many_findings_of_one_cause_are_grouped() -> None:
    """Four or more become one, with at most six names and one remedy; -v and JSON list each; in a lock, per file."""
    down = [
        Finding("unavailable", "repoprio cannot judge it.", "r", f"p{n}", "1.0", shared=Shared("corp is down", "all"))
        for n in range(67)
    ]
    other = replace(down[0], project="q", shared=Shared("team is down", "other"))
    lost = [replace(one, code="unknown", shared=Shared("", "add the repositories")) for one in down[:4]]
    both = audit(*down, other, *lost)
    text = " ".join(rendered.screen(both, 80).split())
    assert "corp is down. 67 distributions could not be judged: p0 1.0, p1 1.0, p2 1.0, p3 1.0, p4 1.0, p5 1.0," in text
    assert "p5 1.0, ... and 61 more. -v shows each separately. [unavailable] fix: all" in text
    assert "no repository of the policy has these 4: p0 1.0, p1 1.0, p2 1.0, p3 1.0. -v shows each separately." in text
    assert "fix: add the repositories" in text
    assert text.count("[unavailable]") == 2
    assert rendered.screen(both, 80, whole=True).count("[unavailable]") == 68
    assert len(json.loads(rendered.document(both))["findings"]) == 72
    locked = [replace(one, file=f"{number % 2}.toml", line=number) for number, one in enumerate([*down[:9], *lost])]
    text = rendered.screen(audit(*locked, subject="files", unit="package"), 80)
    assert (text.count("[unavailable]"), text.count("[unknown]")) == (2, 4)
    assert "1.toml: corp is down. 4 packages could not be judged" in text


def test_many_collisions_are_cut_short() -> None:
    """The first 20 are shown, and the remedy if it is short; -v, JSON and SARIF have all."""
    found = [replace(FOUND, code="shadowed", project=f"p{n}") for n in range(30)]
    many_of_them = audit(*found, subject="collisions", unit="name", remedy="[a]\n" * 30)
    short, whole = rendered.screen(many_of_them, 80), rendered.screen(many_of_them, 80, whole=True)
    assert short.count("[shadowed]") == 20
    assert "... and 10 more: -v shows all of them." in short
    assert ("[a]" in short, whole.count("[a]"), whole.count("[shadowed]")) == (False, 30, 30)
    assert "  [a]" in rendered.screen(replace(many_of_them, remedy="[a]\n"), 80)
    assert len(json.loads(rendered.document(many_of_them))["findings"]) == 30
    assert len(json.loads(sarif.document(many_of_them, "1.0"))["runs"][0]["results"]) == 30
    none = rendered.screen(audit(subject="collisions", unit="name", checked=1000), 80)
    assert none == "No findings: 1,000 names are listed by one repository each."


def test_exit_status_and_counts() -> None:
    """Notes alone do not make the exit status 1."""
    assert (audit(NOTE).fails, audit(FOUND, NOTE).fails, audit().fails) == (False, True, False)
    document = json.loads(rendered.document(audit(FOUND, NOTE)))
    assert document["schema"] == 1
    assert document["checked"] == 42
    codes = {"direct-url": 1, "not-the-owners": 1}
    assert document["summary"] == {"findings": 2, "error": 1, "warning": 0, "note": 1, "codes": codes}
    assert set(document["findings"][0]) == {
        *("code", "severity", "project", "version", "repository", "priority", "message", "fix", "command"),
        *("rule", "file", "line"),
    }
    assert document["findings"][0]["rule"] == {
        "key": "repositories.corp.priority",
        "value": "10",
        "origin": "policy.toml",
    }
    assert document["findings"][1]["repository"] is None


def test_sarif_is_valid_and_stable() -> None:
    """It fits the schema; fingerprints do not change with lines and words, and differ from one another."""
    found = [FOUND, FOUND, replace(FOUND, file="a b/pylock.toml", line=9), NOTE]
    run = check_sarif(sarif.document(audit(*found), "1.0"))
    levels = [(r["ruleId"], r["level"]) for r in run["results"]]
    assert levels == [*[("not-the-owners", "error")] * 3, ("direct-url", "note")]
    assert "\x1b" not in json.dumps(run["results"])
    assert "\\u001b" not in json.dumps(run["results"])
    assert run["automationDetails"]["id"] == "repoprio/environment/"
    moved = replace(FOUND, line=4, message="said better", remedy="other")
    assert sarif.fingerprint(moved) == sarif.fingerprint(FOUND)
    assert sarif.fingerprint(replace(FOUND, version="98.0")) != sarif.fingerprint(FOUND)


@pytest.mark.parametrize(
    ("finding", "artifact"),
    [
        (FOUND, {"uri": "site-packages/acme-99.0.dist-info/METADATA", "uriBaseId": "%SRCROOT%"}),
        (replace(FOUND, file="./a b/r.txt"), {"uri": "a%20b/r.txt", "uriBaseId": "%SRCROOT%"}),
        (replace(FOUND, file="/srv/r.txt"), {"uri": "file:///srv/r.txt"}),
        (replace(FOUND, file="C:\\work\\r.txt"), {"uri": "file:///C:/work/r.txt"}),
        (replace(FOUND, file="sub\\r.txt"), {"uri": "sub/r.txt", "uriBaseId": "%SRCROOT%"}),
        (replace(FOUND, place=None, project=None), {"uri": "repoprio.toml", "uriBaseId": "%SRCROOT%"}),
    ],
)
def test_sarif_places(finding: Finding, artifact: dict[str, str]) -> None:
    """A path is a URI, relative if it was given so; each finding has one, since pages need it."""
    (result,) = check_sarif(sarif.document(audit(finding), "1.0"))["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"] == artifact
    assert ("logicalLocations" in location) == (finding.project is not None)


def test_a_caution_comes_before_the_remedies() -> None:
    """A warning about the remedies is printed once, before them."""
    told = rendered.screen(audit(FOUND, caution="It only observes.", help="go/pip"), 80)
    assert told.endswith("\n\nIt only observes.\n\nhelp: go/pip")
    assert "observes" not in rendered.screen(audit(caution="It only observes."), 80)


def test_another_environment_says_what_was_read() -> None:
    """An audit of another environment first names the folders that it read; one of its own does not."""
    assert rendered.screen(audit(read=("/srv/packages",), is_elsewhere=True), 80).startswith("read: /srv/packages")
    assert "read:" not in rendered.screen(audit(read=("/srv/packages",)), 80)


def test_names_that_nobody_has_are_grouped() -> None:
    """Many unknown names are one group with all names, so that others stay visible; `-v` and JSON list each."""
    shared = Shared("", "add all")
    many = [
        Finding("unknown", f"p{n} 1.{n} is installed", "add it", f"p{n}", f"1.{n}", shared=shared) for n in range(4)
    ]
    bare = replace(many[0], project="bare", version=None)
    told = audit(FOUND, bare, *many)
    text = rendered.screen(told, 200)
    assert text.count("[unknown]") == 1
    assert "no repository of the policy has these 5: bare, p0 1.0, p1 1.1, p2 1.2, p3 1.3. -v shows each" in text
    assert "acme belongs to corp" in text
    assert rendered.screen(told, 200, whole=True).count("[unknown]") == 5
    assert rendered.screen(audit(*many[:3]), 200).count("[unknown]") == 3
    assert [f["code"] for f in json.loads(rendered.document(told))["findings"]].count("unknown") == 5
