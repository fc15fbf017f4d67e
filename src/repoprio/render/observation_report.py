"""Renders the report on the logs of many machines: text, JSON, and TOML to paste into the policy. Pure."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from repoprio import toml
from repoprio.explain.observation_report import Changes, Report, Source
from repoprio.lookup.project import Code
from repoprio.redaction import printable
from repoprio.render.table import Column, Paint, Row, table, unpainted
from repoprio.wording import count_of

SCHEMA = 1
_SHOWN = 20
_HOSTS_NAMED = 20
_COLUMNS = (
    Column("HOSTS", right=True),
    Column("CHOICES", right=True),
    Column("PROJECT"),
    Column("PIP TOOK"),
    Column("POLICY"),
    Column("CODE"),
)
# Codes of changes to another file.
_OTHER_FILE = frozenset({Code.OWNED, Code.FITS, Code.MERGED})
# Codes of changes that end if the name may come from where pip took it.
_CLOSED = frozenset({Code.OWNED, Code.FITS, Code.NO_MATCH, Code.OWNED_ABSENT})
# What to do about changes that no TOML settles.
_TO_DO = {
    Code.UNAVAILABLE: "a repository gave no usable answer: repoprio repos --check",
    Code.OWNERSHIP_MEMORY: "the ownership memory cannot be read: correct ownership in the policy",
    Code.REMEMBERED: "its owner does not have it any more: publish it there, or repoprio ownership release",
    Code.ABSENT: "no repository of the policy has it: add the one that has it",
    Code.BLOCKED: "a pin blocks it",
    Code.AMBIGUOUS: "two pins disagree on it: make one pattern more specific",
    Code.OWNER_RULED_OUT: "its owner may not be asked for it: enable it, or route the name elsewhere",
    Code.UNLISTED: "pip was given an index that the policy does not list",
    Code.DIRECT_URL: 'a dependency names a URL: depend on the project, or direct-urls = "allow"',
    Code.PYLOCK: "its owner does not list that file of a pylock.toml: lock again under the policy",
}


class Damage(NamedTuple):
    """A line of a log that is not a record; `line` counts from 1."""

    log: str
    line: int
    problem: str


class Read(NamedTuple):
    """What was read: the number of logs, the number of lines that are not records, and the first of these lines."""

    logs: int
    damaged: int
    first: Sequence[Damage]


def screen(report: Report, read: Read, width: int, paint: Paint = unpainted, *, whole: bool = False) -> str:
    """The report as text: a summary, a table of 20 rows, and the TOML; `whole` has all rows, and names the hosts."""
    lines = textwrap.wrap(_summary(report, read), width)
    ranked = report.ranked()
    shown = ranked if whole else ranked[:_SHOWN]
    if shown:
        rows = [Row(_cells(changes), "" if changes.kind.code in _OTHER_FILE else "warning") for changes in shown]
        lines += ["", *table(_COLUMNS, rows, width, paint)]
    if len(shown) < len(ranked):
        lines.append(f"  ... and {len(ranked) - len(shown)} more: -v shows all of them, and the hosts.")
    if whole:
        lines += ["", *(line for changes in shown for line in _hosts(changes))]
    lines += _to_do(ranked)
    if text := policy_toml(report):
        lines += ["", "To add to the policy (read the comments first):", ""]
        lines += [f"  {line}".rstrip() for line in text.splitlines()]
    if read.damaged:
        lines += ["", f"{count_of(read.damaged, 'line')} could not be read:"]
        lines += [f"  {printable(damage.log)}:{damage.line}: {damage.problem}" for damage in read.first]
    return "\n".join(lines)


def _summary(report: Report, read: Read) -> str:
    logs = count_of(read.logs, "log")
    again = f" ({count_of(report.duplicates, 'line')} more came twice)" if report.duplicates else ""
    if not report.records:
        return f"{logs}: the policy would change nothing. A host without a change writes no log."
    projects = count_of(len(report.projects), "project")
    choices, hosts = count_of(report.records, "choice"), count_of(len(report.hosts), "host")
    when = f"{str(report.first)[:10]} to {str(report.last)[:10]}"
    return f"{logs}, {when}: the policy would change {choices} of {projects} on {hosts}{again}."


def _cells(changes: Changes) -> Sequence[str]:
    kind = changes.kind
    policy = f"{_versions(changes.policy_versions)}  {kind.policy.repository}" if changes.policy_versions else "refused"
    pip = f"{_versions(changes.pip_versions)}  {_place(kind.pip)}"
    return f"{len(changes.hosts):,}", f"{changes.choices:,}", kind.project, pip, policy, kind.code.value


def _versions(counts: Counter[str]) -> str:
    """The version that was chosen most often, and how many others there are."""
    ((version, _),) = counts.most_common(1)
    return f"{version} (+{len(counts) - 1})" if len(counts) > 1 else version


def _place(source: Source) -> str:
    return source.repository or source.site or "a folder"


def _hosts(changes: Changes) -> Iterator[str]:
    names = sorted(changes.hosts)
    more = f", ... ({len(names):,} in all)" if len(names) > _HOSTS_NAMED else ""
    yield printable(f"{changes.kind.project} [{changes.kind.code.value}]: {', '.join(names[:_HOSTS_NAMED])}{more}")


def _to_do(ranked: Sequence[Changes]) -> list[str]:
    """What to do about changes that no TOML settles, one line for each code."""
    names: dict[Code, dict[str, None]] = {}
    for changes in ranked:
        names.setdefault(changes.kind.code, {})[changes.kind.project] = None
    lines = [f"{code.value}: {text} ({_first(names[code])})" for code, text in _TO_DO.items() if code in names]
    return ["", *lines] if lines else []


def _first(names: Iterable[str]) -> str:
    texts = list(names)
    return ", ".join(texts[:_SHOWN]) + (", ..." if len(texts) > _SHOWN else "")


def policy_toml(report: Report) -> str:
    """Pins for the policy, as TOML; those that would open a name are comments, because a person has to decide."""
    moved = [changes for changes in report.ranked() if changes.kind.pip != changes.kind.policy]
    # A name that flexible mode took from below the owner need not stay there.
    owned = _by([c for c in moved if c.kind.code is Code.OWNED], lambda c: c.kind.policy.repository)
    opened = _by([c for c in moved if c.kind.code in _CLOSED], lambda c: c.kind.pip.repository)
    parts = [_keep(name, changes) for name, changes in owned.items()]
    parts += [_open(name, changes) for name, changes in opened.items()]
    parts += [_list(site, len(hosts)) for site, hosts in sorted(report.unlisted.items())]
    return "\n".join(parts)


def _by(ranked: Iterable[Changes], key: Callable[[Changes], str | None]) -> Mapping[str, list[Changes]]:
    """The changes by the repository of the policy that `key` returns; those without one are left out.

    A project is listed only at the repository on the most hosts: with two pins for it, the policy would refuse it.
    """
    by_repository: dict[str, list[Changes]] = {}
    repository_of: dict[str, str] = {}
    for changes in ranked:
        name = key(changes)
        if name and repository_of.setdefault(changes.kind.project, name) == name:
            by_repository.setdefault(name, []).append(changes)
    return by_repository


def _keep(repository: str, changes: Sequence[Changes]) -> str:
    lines = [
        f"# Names that {repository} owns, and that pip takes from elsewhere today. With this they come from",
        f"# {repository} or not at all. Move a name that should come from elsewhere to a pin below.",
        f"[pins.report-{repository}]",
        *_projects(changes),
        f"repositories = [{toml.value(repository)}]",
    ]
    return "\n".join(lines) + "\n"


def _open(repository: str, changes: Sequence[Changes]) -> str:
    lines = [
        f"Only for names that should come from {repository}: its publishers then decide what you install.",
        "Delete all others, and those that the pins above have.",
        f"[pins.report-open-{repository}]",
        *_projects(changes),
        f"repositories = [{toml.value(repository)}]",
    ]
    return "".join(f"# {line}\n" for line in lines)


def _projects(several: Sequence[Changes]) -> Iterator[str]:
    """The list of the projects, each with its hosts and versions in a comment."""
    yield "projects = ["
    hosts: dict[str, set[str]] = {}
    choices: dict[str, str] = {}
    for changes in several:
        kind, versions = changes.kind, changes.policy_versions
        hosts.setdefault(kind.project, set()).update(changes.hosts)
        policy = f"{_versions(versions)} under the policy" if versions else kind.code.value
        choices.setdefault(kind.project, f"{_versions(changes.pip_versions)} from {_place(kind.pip)}, {policy}")
    for name, names in hosts.items():
        yield f"    {toml.value(name)},  # {count_of(len(names), 'host')}: {printable(choices[name])}"
    yield "]"


def _list(site: str, hosts: int) -> str:
    lines = [
        f"pip was given an index there on {count_of(hosts, 'host')}. If you trust it, add it with its full URL:",
        "[repositories.NAME]",
        f"url = {toml.value(site)}",
        "priority = 500",
    ]
    return "".join(f"# {line}\n" for line in lines)


def document(report: Report, read: Read) -> str:
    """The document that ``repoprio report --format json`` prints. Keys are added, never changed."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "logs": read.logs,
            "records": report.records,
            "duplicates": report.duplicates,
            "hosts": len(report.hosts),
            "first": report.first,
            "last": report.last,
            "changes": [_table(changes) for changes in report.ranked()],
            "unlisted": {site: len(hosts) for site, hosts in sorted(report.unlisted.items())},
            "damaged": {"lines": read.damaged, "first": [damage._asdict() for damage in read.first]},
            "toml": policy_toml(report) or None,
        },
        indent=2,
    )


def _table(changes: Changes) -> dict[str, Any]:
    kind = changes.kind
    return {
        "project": kind.project,
        "code": kind.code.value,
        "hosts": len(changes.hosts),
        "host_names": sorted(changes.hosts)[:_HOSTS_NAMED],
        "choices": changes.choices,
        "pip": {**kind.pip._asdict(), "versions": _counted(changes.pip_versions)},
        "policy": {"repository": kind.policy.repository, "versions": _counted(changes.policy_versions)},
        "first": changes.first,
        "last": changes.last,
    }


def _counted(versions: Counter[str]) -> dict[str, int]:
    """The versions with their counts, those that were chosen most often first."""
    return dict(versions.most_common())
