"""Renders explanations as JSON. Keys are added, never changed; `schema` counts changes of meaning."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timezone
from typing import Any

from repoprio.explain.explanation import Chosen, Explanation, Line, Rejected
from repoprio.explain.refusal_remedies import refusal_remedy
from repoprio.lookup.cooldown import Held
from repoprio.lookup.project import Outcome
from repoprio.policy.model import Rule
from repoprio.render.messages.sentences import sentence

SCHEMA = 1


def document(explanations: Sequence[Explanation], environment: Mapping[str, Any] | None = None) -> str:
    """The document that ``repoprio explain --format json`` prints; `environment` is the one that was asked about."""
    projects = [_project(e) for e in explanations]
    return json.dumps({"schema": SCHEMA, **about(environment), "projects": projects}, indent=2)


def about(environment: Mapping[str, Any] | None) -> dict[str, Any]:
    """The keys of a document for its environment; empty if the command does not know it."""
    return {"environment": environment} if environment else {}


def _project(e: Explanation) -> dict[str, Any]:
    owner = next((r for r in e.owners if e.chosen and r.name == e.chosen.repository), None)
    owner = owner or (e.owners[0] if e.owners else None)
    if e.outcome is Outcome.UNAVAILABLE and e.faulty:
        owner = e.faulty[0].repository
    return {
        "requirement": e.requirement,
        "project": e.project,
        "outcome": e.outcome.value,
        "code": e.code.value,
        "repository": owner.name if owner else None,
        "priority": owner.priority if owner else None,
        "version": e.chosen.version if e.chosen else None,
        "file": e.chosen.file if e.chosen else None,
        "pin": {"name": e.pin.pin, "origin": e.pin.file} if e.pin else None,
        "reason": sentence(e),
        "rules": [_rule(rule) for rule in e.rules],
        "rejected": [_rejected(rejected) for rejected in e.rejected],
        "repositories": [_line(line) for line in e.lines],
        "version_priority": _chosen(e.version_priority),
        "not_compared": e.private.word if e.private else None,
        "required_by": e.required_by,
        "constraint": e.constraint or None,
        "observed": e.is_observed,
        "hint": remedy._asdict() if (remedy := refusal_remedy(e)) else None,
        "help": e.help,
    }


def _rejected(rejected: Rejected) -> dict[str, Any]:
    return {
        "file": rejected.file,
        "version": rejected.version,
        "kind": rejected.kind.value,
        "reason": rejected.reason,
        "min_age": _min_age(rejected.held) if rejected.held else None,
    }


def _min_age(held: Held) -> dict[str, Any]:
    """Why a file has to wait; times are in UTC."""
    since = held.available_from
    return {
        "repository": held.wait.repository.name,
        "uploaded": held.upload_time.astimezone(timezone.utc).isoformat() if held.upload_time else None,
        "waits_seconds": int(held.wait.duration.total_seconds()),
        "available_from": since.isoformat() if since else None,
        "wheel": held.wheel,
        "rule": _rule(held.wait.rule),
    }


def _rule(rule: Rule) -> dict[str, str]:
    return {"key": rule.key, "value": rule.value, "origin": rule.file}


def _line(line: Line) -> dict[str, Any]:
    return {
        "name": line.repository.name,
        "priority": line.repository.priority,
        "url": line.url,
        "status": line.status.value,
        "versions": None if line.versions is None else list(line.versions),
        "reason": line.reason,
        "code": line.code.value if line.code else None,
        "rule": _rule(line.rule) if line.rule else None,
        "mirror": line.mirror,
        "failures": [{"url": tried.url, "reason": tried.reason} for tried in line.failures],
        "asked": line.asked,
        "problem": {"title": line.problem.title, "detail": line.problem.detail} if line.problem else None,
        "explained_at": line.explained_at,
    }


def _chosen(chosen: Chosen | None) -> dict[str, str] | None:
    return {"repository": chosen.repository, "version": chosen.version} if chosen else None
