"""Renders what a policy in observe mode would change: a line for people, JSON records for programs. Pure."""

from __future__ import annotations

import json
from typing import Any

from repoprio.explain.observation import Change, ObservationSummary
from repoprio.redaction import printable, truncate
from repoprio.wording import count_of

SCHEMA = 1
_MOST_NAMES = 8
# Texts of repositories can have any length; a record must stay short enough for one atomic write.
_LONGEST = 200


def record(change: Change, *, time: str, host: str | None, command: str | None, is_build: bool) -> str:
    """One change as a line of JSON, without the line end; `time` is in UTC (ISO 8601), `host` is this machine's name.

    It has no paths, no credentials, and of URLs only the sites.
    """
    choice, chosen = change.choice, change.chosen
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "time": time,
        "host": _short(host) if host else None,
        "project": _short(choice.project),
        "requirement": _short(choice.requirement),
        "code": change.code.value,
        "pip": {
            "version": _short(choice.version),
            "repository": choice.file.repository,
            "site": _short(choice.site) if choice.site else None,
        },
        "policy": {
            "version": _short(chosen.version) if chosen else None,
            "repository": chosen.repository if chosen else None,
        },
        "command": command,
        "build": is_build,
    }
    if change.unlisted:
        record["unlisted"] = [_short(site) for site in change.unlisted[:_MOST_NAMES]]
    return json.dumps(record)


def _short(text: str) -> str:
    return truncate(text, _LONGEST)


def line(tally: ObservationSummary, log: str | None = None) -> str:
    """The summary line of one command; `log` is the file that has the changes."""
    what = f"would change {tally.changes or 'none'} of {count_of(tally.choices, 'choice')}"
    names = ", ".join(tally.changed[:_MOST_NAMES]) + (", ..." if len(tally.changed) > _MOST_NAMES else "")
    unknown = f"{tally.unknown} could not be looked up" if tally.unknown else ""
    where = f"log: {log}" if log and tally.changes and not tally.log_fault else ""
    text = f"repoprio: observe: the policy {what}" + (f": {names}" if names else "")
    return printable("; ".join(part for part in (text, unknown, *tally.remarks, where) if part))


def log_warning(fault: str) -> str:
    """The warning that the changes could not be written."""
    return printable(f"repoprio: observe: the log {fault}; pip goes on    [log]")
