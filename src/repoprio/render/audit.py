"""What an audit found, as text and as JSON. Pure."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repoprio.audit.findings import Audit, Finding, Severity
from repoprio.policy.model import by_keeper
from repoprio.redaction import printable
from repoprio.render.table import Paint, unpainted

SCHEMA = 1
SHOWN = 20
# From so many on, names that nobody has are told together.
_MANY = 4
_STYLES = {Severity.ERROR: "bad", Severity.WARNING: "warning", Severity.NOTE: "quiet"}
_INDENT = " " * 11
_GOOD = {
    "environment": "what the policy would install",
    "files": "what the policy would install",
    "collisions": "listed by one repository each",
}


def screen(audit: Audit, width: int, paint: Paint = unpainted, *, whole: bool = False) -> str:
    """One line that sums up, then the findings, the worst first: of collisions `SHOWN`, unless `whole`."""
    findings = audit.findings
    shown = findings if whole or audit.subject != "collisions" else findings[:SHOWN]
    lines = [*(_relied(audit, width) if audit.is_elsewhere else []), summary(audit)]
    for finding in _summed_up(shown) if audit.subject == "environment" and not whole else shown:
        lines += ["", *_finding(finding, width, paint)]
    if len(shown) < len(findings):
        lines += ["", f"... and {len(findings) - len(shown)} more: -v shows all of them."]
    if audit.remedy and (whole or audit.remedy.count("\n") <= SHOWN):
        have = by_keeper(audit.keeper, "have in its table of the policy")
        lines += ["", f"To give each of these names to its owner permanently, {have}:", ""]
        lines += [f"  {line}".rstrip() for line in audit.remedy.splitlines()]
    if findings and audit.caution:
        lines += [
            "",
            *textwrap.wrap(printable(audit.caution), width, break_long_words=False, break_on_hyphens=False),
        ]
    if findings and audit.help:
        lines += ["", f"help: {printable(audit.help)}"]
    return "\n".join(lines)


def _summed_up(findings: Sequence[Finding]) -> Iterator[Finding]:
    """`findings`, with all names that nobody has in one where there are many: they all need the same."""
    unknown = [finding for finding in findings if finding.code == "unknown"]
    if len(unknown) < _MANY:
        yield from findings
        return
    for finding in findings:
        if finding is unknown[0]:
            names = ", ".join(
                f"{item.project} {item.version}" if item.version else str(item.project) for item in unknown
            )
            message = f"no repository of the policy has these {len(unknown)}: {names}. -v shows each separately."
            yield Finding(finding.code, message, finding.remedy)
        elif finding.code != "unknown":
            yield finding


def _relied(audit: Audit, width: int) -> list[str]:
    """The folders that what follows is about."""
    line = f"read: {', '.join(audit.read)}"
    return textwrap.wrap(
        printable(line), width, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False
    )


def summary(audit: Audit) -> str:
    """How many findings of which severity, in how many things."""
    things = _count(audit.checked, audit.unit)
    if not audit.findings and not audit.checked:
        return f"No findings: {things}, so nothing was checked against the policy."
    if not audit.findings:
        good = _GOOD[audit.subject]
        return f"No findings: {things} {'is' if audit.checked == 1 else 'are'} {good}."
    counts = [_count(number, severity.value) for severity, number in audit.counts.items() if number]
    return f"{_count(len(audit.findings), 'finding')} in {things}: {', '.join(counts)}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _finding(finding: Finding, width: int, paint: Paint) -> list[str]:
    word = finding.severity.value
    where = f"{finding.file}:{finding.line}: " if finding.line else f"{finding.file}: " if finding.file else ""
    message = _wrapped(f"{where}{finding.message}    [{finding.code}]", width)
    lines = [f"  {paint(word, _STYLES[finding.severity])}{' ' * (9 - len(word))}{message[0]}"]
    lines += [f"{_INDENT}{line}" for line in message[1:]]
    # The sentence names the rule where that is what it is about.
    details = [f"rule: {finding.rule}"] if finding.rule and str(finding.rule) not in finding.message else []
    for text in [*details, f"fix: {finding.remedy}{':' if finding.command else ''}"]:
        first, *rest = _wrapped(text, width - 2)
        lines += [f"{_INDENT}{first}", *(f"{_INDENT}  {line}" for line in rest)]
    # To be copied, so on a line of its own however long it is.
    return lines + ([f"{_INDENT}  {printable(finding.command)}"] if finding.command else [])


def _wrapped(text: str, width: int) -> list[str]:
    room = max(width - len(_INDENT), 20)
    return textwrap.wrap(printable(text), room, break_long_words=False, break_on_hyphens=False) or [""]


def document(audit: Audit, environment: Mapping[str, Any] | None = None) -> str:
    """The document that ``repoprio audit --format json`` prints. Keys are added, never changed.

    `environment` is the one that was audited, if it was one.
    """
    return json.dumps(
        {
            "schema": SCHEMA,
            "subject": audit.subject,
            "environment": dict(environment) if environment else None,
            "read": list(audit.read),
            "checked": audit.checked,
            "findings": [_table(finding) for finding in audit.findings],
            "summary": {
                "findings": len(audit.findings),
                **{severity.value: number for severity, number in audit.counts.items()},
                "codes": dict(sorted(Counter(finding.code for finding in audit.findings).items())),
            },
            "remedy": audit.remedy or None,
        },
        indent=2,
    )


def _table(finding: Finding) -> dict[str, Any]:
    rule, repository = finding.rule, finding.repository
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "project": finding.project,
        "version": finding.version,
        "repository": repository.name if repository else None,
        "priority": repository.priority if repository else None,
        "message": finding.message,
        "fix": finding.full_remedy,
        "command": finding.command,
        "rule": {"key": rule.key, "value": rule.value, "origin": rule.file} if rule else None,
        "file": finding.file,
        "line": finding.line,
    }
