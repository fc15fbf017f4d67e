"""Renders the screen of ``repoprio repos``: the repositories by tier, with the results of checks. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from repoprio.explain.checkup import WELL_KNOWN_PROJECTS, ProbeResult, Report
from repoprio.lookup.events import RepositoryState
from repoprio.policy.durations import spell_duration
from repoprio.policy.model import Pin, Policy, Redirects, Repository, tiers
from repoprio.policy.patterns import Pattern
from repoprio.redaction import printable
from repoprio.render.explain_json import about
from repoprio.render.table import Paint, unpainted

SCHEMA = 1
_LABEL = 9


def screen(policy: Policy, reports: Sequence[Report], width: int, paint: Paint = unpainted) -> str:
    """The repositories by tier in `width` columns; those that were tried, with the result."""
    return "\n".join(
        [_head(policy), *(line for report in reports for line in _repository_lines(policy, report, width, paint))]
    )


def _head(policy: Policy) -> str:
    enabled = policy.enabled()
    count, levels = len(enabled), len(tiers(enabled))
    disabled = len(policy.repositories) - count
    also = f", {disabled} disabled" if disabled else ""
    head = (
        f"{count} {_plural('repository', 'repositories', count)} in {levels} {_plural('tier', 'tiers', levels)}{also}"
    )
    return f'{head}; mode = "{policy.mode.value}" ({policy.rule("mode").file}).'


def _plural(singular: str, many: str, count: int) -> str:
    return singular if count == 1 else many


def _repository_lines(policy: Policy, report: Report, width: int, paint: Paint) -> Iterable[str]:
    repository = report.repository
    style = "bad" if report.is_silent else "quiet" if not repository.enabled else "good" if report.trials else "strong"
    yield ""
    yield paint(f"{repository.priority:>5}  {printable(repository.name)}", style)
    for label, text in _facts(policy, report):
        yield from _fact(label, text, width)


def _fact(label: str, text: str, width: int) -> list[str]:
    indent = f"       {'':{_LABEL}}"
    room = max(width - len(indent), 20)
    lines = textwrap.wrap(printable(text), room, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"       {label:{_LABEL}}{lines[0]}", *(indent + line for line in lines[1:])]


def _facts(policy: Policy, report: Report) -> Iterable[tuple[str, str]]:
    repository = report.repository
    yield "url", repository.locations[0].shown
    for location in repository.locations[1:]:
        yield "mirror", location.shown
    offline = " (offline: under --no-index it stands for those above it)" if repository.offline else ""
    yield "format", f"{repository.format.value}{offline}"
    yield "names", names(policy, repository)
    if peculiar := _peculiar(repository):
        yield "absent", peculiar
    for number, (file, keys) in enumerate(_origins(report).items()):
        yield ("" if number else "set in"), f"{file}: {', '.join(keys)}"
    for number, trial in enumerate(report.trials):
        yield ("mirror" if number else "check"), check(trial, with_url=number > 0)
    for remark in report.remarks:
        yield "note", f"{remark.text} [{remark.code}]"
        if remark.setting:
            yield "set", f"in [repositories.{repository.name}]: {remark.setting}"


def _peculiar(repository: Repository) -> str:
    """The answers that mean "no such project", if they differ from the default, a 404."""
    answers = [str(code) for code in sorted(repository.absent)]
    answers += ["an empty page"] if repository.empty_page_is_absent else []
    answers += ["an empty folder"] if repository.empty_root_is_absent else []
    parts = [] if answers == ["404"] else [" or ".join(answers) or "no status"]
    parts += [f"a redirect to {site}" for site, meaning in repository.redirects.items() if meaning is Redirects.ABSENT]
    parts += ["every name that its project list lacks (listing)"] if repository.complete_listing else []
    parts += [f"believed once it served {repository.canary} (canary)"] if repository.canary else []
    parts += ["an outage too (skip-if-unavailable)"] if repository.skip_if_unavailable else []
    return "; ".join(parts)


def names(policy: Policy, repository: Repository) -> str:
    """The names that a repository may serve, in words."""
    if not repository.enabled:
        return "none: enabled = false"
    parts = []
    if repository.explicit:
        parts.append("only those that a pin or owns routes to it (explicit)")
    if repository.namespaces:
        parts.append(f"{_patterns(repository.namespaces)} only, and no other repository serves them (namespaces)")
    if repository.owns:
        parts.append(f"{_patterns(repository.owns)} only from here (owns)")
    if repository.include:
        parts.append(f"only {_patterns(repository.include)} (include)")
    if repository.exclude:
        parts.append(f"not {_patterns(repository.exclude)} (exclude)")
    pinned = [f"{_patterns(pin.projects)} routed to it (pins.{pin.name})" for pin in _pins_to(policy, repository)]
    is_confined = repository.explicit or repository.namespaces or repository.include
    away = [] if is_confined else list(_elsewhere(policy, repository))
    if not parts:
        but = f", except {', '.join(away)}" if away else ""
        parts, away = [f"all that no repository above it has{but}"], []
    return "; ".join([*parts, *(f"not {name}" for name in away), *pinned])


def _pins_to(policy: Policy, repository: Repository) -> list[Pin]:
    return [pin for pin in policy.pins if repository.name in pin.repositories]


def _elsewhere(policy: Policy, repository: Repository) -> Iterable[str]:
    """The names that the policy gives to other repositories, or to none, so that this one cannot serve them."""
    mine = [pattern for pin in _pins_to(policy, repository) for pattern in pin.projects]
    own = {pattern.text for pattern in (*repository.owns, *repository.exclude)}
    for other in (rival for rival in policy.repositories if rival is not repository):
        for key in ("namespaces", "owns"):
            claimed = (p for p in getattr(other, key) if p.text not in own and not any(m.covers(p) for m in mine))
            if patterns := tuple(claimed):
                yield f"{_patterns(patterns)} ({key} of {other.name})"
    for pin in policy.pins:
        is_blocked = pin.block is not None
        if is_blocked or (pin.repositories and repository.name not in pin.repositories):
            yield f"{_patterns(pin.projects)} ({f'blocked by pins.{pin.name}' if is_blocked else f'pins.{pin.name}'})"


def _patterns(patterns: tuple[Pattern, ...]) -> str:
    return ", ".join(pattern.text for pattern in patterns)


def _origins(report: Report) -> dict[str, list[str]]:
    """The keys of the rules that set the repository's place, by file."""
    keys_of: dict[str, list[str]] = {}
    for rule in report.rules:
        keys_of.setdefault(rule.file, []).append(rule.setting)
    return keys_of


def check(trial: ProbeResult, *, with_url: bool = False) -> str:
    """The answers of a repository, in one line."""
    where = f"{trial.url} " if with_url else ""
    if trial.is_silent:
        return f"{where}no usable answer in {_time(trial)}: {trial.unknown.reason}"
    times = ", without upload times" if trial.has_upload_times is False else ""
    api = f"; pages in {trial.api}{times}" if trial.api else ""
    return f"{where}answered in {_time(trial)}: {_unknown_name_text(trial)}{api}{_known_names_text(trial)}"


def _time(trial: ProbeResult) -> str:
    return f"{trial.seconds:.1f} s" if trial.seconds >= 1 else f"{round(trial.seconds * 1000)} ms"


def _unknown_name_text(trial: ProbeResult) -> str:
    if trial.has_all_names:
        files = "a page with files" if trial.unknown.files else "a page without files"
        return f"asked for a name that nobody has: {files}"
    return f"asked for a name that nobody has: {trial.unknown.reason}"


def _known_names_text(trial: ProbeResult) -> str:
    names = [
        name
        for name, result in zip(WELL_KNOWN_PROJECTS, trial.known, strict=False)
        if result.state is RepositoryState.SERVES
    ]
    if trial.is_pypi:
        return "; it is PyPI"
    if trial.looks_like_pypi:
        return f"; it has {' and '.join(names)}: a mirror of PyPI"
    return f"; it has {names[0]}" if names and not trial.has_all_names else ""


def document(
    policy: Policy, reports: Sequence[Report], *, checked: bool, environment: Mapping[str, Any] | None = None
) -> str:
    """The same as JSON; its key `check` is null for a repository that was not tried."""
    document = {
        "schema": SCHEMA,
        **about(environment),
        "mode": policy.mode.value,
        "checked": checked,
        "repositories": [_repository(report) for report in reports],
    }
    return json.dumps(document, indent=2)


def _repository(report: Report) -> dict[str, Any]:
    repository = report.repository
    return {
        "name": repository.name,
        "priority": repository.priority,
        "url": repository.locations[0].shown,
        "mirrors": [location.shown for location in repository.locations[1:]],
        "format": repository.format.value,
        "enabled": repository.enabled,
        "explicit": repository.explicit,
        "offline": repository.offline,
        **{key: [p.text for p in getattr(repository, key)] for key in ("namespaces", "owns", "include", "exclude")},
        "absent": _absences(repository),
        "canary": repository.canary,
        "skip_if_unavailable": repository.skip_if_unavailable,
        "complete_listing": repository.complete_listing,
        "min_age": spell_duration(repository.min_age) if repository.min_age else None,
        "redirects": {str(site): meaning.value for site, meaning in repository.redirects.items()},
        "origins": {rule.key: rule.file for rule in report.rules},
        "check": _trial(report.trials[0]) if report.trials else None,
        "mirror_checks": [{"url": trial.url, **_trial(trial)} for trial in report.trials[1:]],
        "remarks": [remark._asdict() for remark in report.remarks],
    }


def _absences(repository: Repository) -> list[int | str]:
    words = {"empty-page": repository.empty_page_is_absent, "empty-root": repository.empty_root_is_absent}
    return [*sorted(repository.absent), *(word for word, is_absent in words.items() if is_absent)]


def _trial(trial: ProbeResult) -> dict[str, Any]:
    return {
        "status": trial.unknown.state.value,
        "reachable": not trial.is_silent,
        "seconds": round(trial.seconds, 3),
        "reason": trial.unknown.reason,
        "code": trial.unknown.cause.value if trial.unknown.cause else None,
        "asked": trial.unknown.asked.shown if trial.unknown.asked else None,
        "api": trial.api,
        "upload_times": trial.has_upload_times,
        "known": {name: result.state.value for name, result in zip(WELL_KNOWN_PROJECTS, trial.known, strict=False)},
        "is_pypi": trial.is_pypi,
    }
