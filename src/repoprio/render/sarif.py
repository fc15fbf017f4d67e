"""Renders an audit as SARIF 2.1.0, which code-scanning pages read. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any
from urllib.parse import quote

from repoprio.audit.findings import KINDS, Audit, Finding, Severity
from repoprio.redaction import printable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# The file to which collisions are attached: a fixed name, so that no path of the machine is uploaded.
POLICY = "repoprio.toml"
# Code-scanning pages sort security alerts by this number, 0 to 10.
_SEVERITY = {Severity.ERROR: "8.0", Severity.WARNING: "5.0", Severity.NOTE: "2.0"}


def document(audit: Audit, version: str) -> str:
    """The log that ``repoprio audit --format sarif`` prints; `version` is repoprio's own."""
    codes = list(KINDS)
    run = {
        "tool": {
            "driver": {
                "name": "repoprio",
                "version": version,
                "semanticVersion": version,
                "rules": [_rule(code) for code in codes],
            }
        },
        # Separate audits of different subjects, so that one does not close the alerts of another.
        "automationDetails": {"id": f"repoprio/{audit.subject}/"},
        "columnKind": "unicodeCodePoints",
        "results": _results(audit, codes),
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, Any]:
    kind = KINDS[code]
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in code.split("-")),
        "shortDescription": {"text": kind.title},
        "fullDescription": {"text": kind.help},
        "help": {"text": kind.help, "markdown": f"**{kind.title}.** {kind.help}"},
        "defaultConfiguration": {"level": kind.severity.value},
        "properties": {
            "tags": ["security", "supply-chain"],
            "precision": "high",
            "security-severity": _SEVERITY[kind.severity],
        },
    }


def _results(audit: Audit, codes: list[str]) -> list[dict[str, Any]]:
    seen: Counter[str] = Counter()
    results = []
    for finding in audit.findings:
        print_ = fingerprint(finding)
        seen[print_] += 1
        results.append(_result(finding, codes.index(finding.code), f"{print_}:{seen[print_]}"))
    return results


def _result(finding: Finding, index: int, print_: str) -> dict[str, Any]:
    rule, repository = finding.rule, finding.repository
    stated = {
        "project": finding.project,
        "version": finding.version,
        "repository": repository.name if repository else None,
        "rule": str(rule) if rule else None,
    }
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity.value,
        "message": {"text": printable(f"{finding.message} Fix: {finding.full_remedy}")},
        "locations": [_location(finding)],
        "partialFingerprints": {"primaryLocationLineHash": print_},
        "properties": {key: printable(value) for key, value in stated.items() if value},
    }


def fingerprint(finding: Finding) -> str:
    """A hash that identifies a finding from run to run, even if its line or message changes."""
    parts = (finding.code, finding.project, finding.version, finding.file, finding.detail)
    return hashlib.sha256("\0".join(part or "" for part in parts).encode("utf-8", "replace")).hexdigest()[:16]


def _location(finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": _artifact(finding.file or finding.place or POLICY),
            "region": {"startLine": finding.line or 1},
        }
    }
    if finding.project:
        location["logicalLocations"] = [{"name": printable(finding.project), "kind": "package"}]
    return location


def _artifact(path: str) -> dict[str, str]:
    """The path as a URI, relative if it was given so: code-scanning pages resolve it from the checkout's root."""
    slashed = path.replace("\\", "/")
    if slashed.startswith("/"):
        return {"uri": f"file://{quote(slashed)}"}
    if slashed[1:3] == ":/":
        return {"uri": f"file:///{quote(slashed, safe='/:')}"}
    return {"uri": quote(slashed.removeprefix("./")), "uriBaseId": "%SRCROOT%"}
