"""Renders an audit as text and as JSON. Pure."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repoprio.audit.findings import Audit, Finding, Severity, Shared
from repoprio.policy.model import by_maintainer
from repoprio.redaction import printable
from repoprio.render.table import Paint, unpainted
from repoprio.wording import count_of

SCHEMA = 1
SHOWN = 20
# From this number on, findings with one cause become one; and the number of names that it then lists.
_MANY = 4
_NAMED = 6
_STYLES = {Severity.ERROR: "bad", Severity.WARNING: "warning", Severity.NOTE: "quiet"}
_INDENT = " " * 11
_GOOD = {
    "environment": "what the policy would install",
    "files": "what the policy would install",
    "collisions": "listed by one repository each",
}


def screen(audit: Audit, width: int, paint: Paint = unpainted, *, whole: bool = False) -> str:
    """A summary line, then the findings, the worst first; at most `SHOWN` collisions, unless `whole`."""
    findings = audit.findings
    shown = findings if whole or audit.subject != "collisions" else findings[:SHOWN]
    lines = [*(_relied(audit, width) if audit.is_elsewhere else []), summary(audit)]
    for finding in shown if whole else _summed_up(shown, audit):
        lines += ["", *_finding(finding, width, paint)]
    if len(shown) < len(findings):
        lines += ["", f"... and {len(findings) - len(shown)} more: -v shows all of them."]
    if audit.remedy and (whole or audit.remedy.count("\n") <= SHOWN):
        have = by_maintainer(audit.maintainer, "add to its table of the policy")
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


def _summed_up(findings: Sequence[Finding], audit: Audit) -> Iterator[Finding]:
    """`findings`, with many of one cause as one: names that no repository has, and names not judged for an outage."""
    # In a lock, each name that no repository has is shown with its line.
    shared = [f for f in findings if f.shared and (f.shared.cause or audit.subject == "environment")]
    groups: dict[tuple[str | None, ...], list[Finding]] = {}
    for finding in shared:
        groups.setdefault(_group(finding), []).append(finding)
    for finding in findings:
        group = groups.get(_group(finding), [])
        if finding.shared is None or len(group) < _MANY:
            yield finding
        elif finding is group[0]:
            yield _as_one(group, finding.shared, audit)


def _group(finding: Finding) -> tuple[str | None, ...]:
    """A key that is equal for findings that may be shown as one."""
    return finding.code, finding.file, finding.shared.cause if finding.shared else None


def _as_one(group: Sequence[Finding], shared: Shared, audit: Audit) -> Finding:
    first, number = group[0], len(group)
    names = [f"{item.project} {item.version}" if item.version else str(item.project) for item in group]
    if shared.cause:
        more = f", ... and {number - _NAMED} more" if number > _NAMED else ""
        message = f"{shared.cause}. {count_of(number, audit.unit)} {shared.effect}: {', '.join(names[:_NAMED])}{more}"
    else:
        message = f"no repository of the policy has these {number}: {', '.join(names)}"
    rule = first.rule if len({item.rule for item in group}) == 1 else None
    return Finding(first.code, f"{message}. -v shows each separately.", shared.remedy, rule=rule, file=first.file)


def _relied(audit: Audit, width: int) -> list[str]:
    """The folders that were read, as wrapped lines."""
    line = f"read: {', '.join(audit.read)}"
    return textwrap.wrap(
        printable(line), width, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False
    )


def summary(audit: Audit) -> str:
    """The number of findings by severity, and of things that were checked, as a line."""
    subjects = count_of(audit.checked, audit.unit)
    if not audit.findings and not audit.checked:
        return f"No findings: {subjects}, so nothing was checked against the policy."
    if not audit.findings:
        good = _GOOD[audit.subject]
        return f"No findings: {subjects} {'is' if audit.checked == 1 else 'are'} {good}."
    counts = [count_of(number, severity.value) for severity, number in audit.counts.items() if number]
    return f"{count_of(len(audit.findings), 'finding')} in {subjects}: {', '.join(counts)}"


def _finding(finding: Finding, width: int, paint: Paint) -> list[str]:
    word = finding.severity.value
    where = f"{finding.file}:{finding.line}: " if finding.line else f"{finding.file}: " if finding.file else ""
    message = _wrapped(f"{where}{finding.message}    [{finding.code}]", width)
    lines = [f"  {paint(word, _STYLES[finding.severity])}{' ' * (9 - len(word))}{message[0]}"]
    lines += [f"{_INDENT}{line}" for line in message[1:]]
    # The sentence may name the rule already.
    details = [f"rule: {finding.rule}"] if finding.rule and str(finding.rule) not in finding.message else []
    for text in [*details, f"fix: {finding.remedy}{':' if finding.command else ''}"]:
        first, *rest = _wrapped(text, width - 2)
        lines += [f"{_INDENT}{first}", *(f"{_INDENT}  {line}" for line in rest)]
    # For copying: on a line of its own, even if it is long.
    return lines + ([f"{_INDENT}  {printable(finding.command)}"] if finding.command else [])


def _wrapped(text: str, width: int) -> list[str]:
    room = max(width - len(_INDENT), 20)
    return textwrap.wrap(printable(text), room, break_long_words=False, break_on_hyphens=False) or [""]


def document(audit: Audit, environment: Mapping[str, Any] | None = None) -> str:
    """The document that ``repoprio audit --format json`` prints. Keys are added, never changed.

    `environment` is the one that was audited, None for a lock.
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
