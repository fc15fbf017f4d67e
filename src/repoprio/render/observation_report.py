"""The report on the logs of many machines: text, JSON, and the TOML to paste into the policy. Pure."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from repoprio import toml
from repoprio.explain.observation_report import Changes, Report, Side
from repoprio.lookup.project import Code
from repoprio.redaction import printable
from repoprio.render.table import Column, Paint, Row, table, unpainted

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
# Changes to another file.
_OTHER_FILE = frozenset({Code.OWNED, Code.FITS, Code.MERGED})
# What ends once the name may come from where pip took it.
_CLOSED = frozenset({Code.OWNED, Code.FITS, Code.NO_MATCH, Code.OWNED_ABSENT})
# What no TOML settles.
_TO_DO = {
    Code.UNAVAILABLE: "a repository gave no usable answer: repoprio repos --check",
    Code.ABSENT: "no repository of the policy has it: add the one that has",
    Code.BLOCKED: "a pin blocks it",
    Code.AMBIGUOUS: "two pins disagree on it: make one pattern more specific",
    Code.OWNER_RULED_OUT: "its owner may not be asked for it: enable it, or route the name elsewhere",
    Code.UNLISTED: "pip was told of an index that the policy does not list",
    Code.DIRECT_URL: 'a dependency names a URL: depend on the project, or direct-urls = "allow"',
    Code.PYLOCK: "its owner does not list that file of a pylock.toml: lock again under the policy",
}


class Damage(NamedTuple):
    """A line of a log that is no record; `line` counts from 1."""

    log: str
    line: int
    problem: str


class Read(NamedTuple):
    """What was read: how many logs, how many lines were no records, and the first of these."""

    logs: int
    damaged: int
    first: Sequence[Damage]


def screen(report: Report, read: Read, width: int, paint: Paint = unpainted, *, whole: bool = False) -> str:
    """The report as text: a line that sums up, a table, and the TOML; 20 rows unless `whole`, which names hosts too."""
    lines = textwrap.wrap(_summary(report, read), width)
    ranked = report.ranked()
    shown = ranked if whole else ranked[:_SHOWN]
    if shown:
        rows = [Row(_cells(one), "" if one.kind.code in _OTHER_FILE else "warning") for one in shown]
        lines += ["", *table(_COLUMNS, rows, width, paint)]
    if len(shown) < len(ranked):
        lines.append(f"  ... and {len(ranked) - len(shown)} more: -v shows all of them, and the hosts.")
    if whole:
        lines += ["", *(line for one in shown for line in _hosts(one))]
    lines += _to_do(ranked)
    if text := policy_toml(report):
        lines += ["", "To add to the policy (read the comments first):", ""]
        lines += [f"  {line}".rstrip() for line in text.splitlines()]
    if read.damaged:
        lines += ["", f"{_count(read.damaged, 'line')} could not be read:"]
        lines += [f"  {printable(one.log)}:{one.line}: {one.problem}" for one in read.first]
    return "\n".join(lines)


def _summary(report: Report, read: Read) -> str:
    logs = _count(read.logs, "log")
    again = f" ({_count(report.duplicates, 'line')} more came twice)" if report.duplicates else ""
    if not report.records:
        return f"{logs}: the policy would change nothing. A host without a change writes no log."
    projects = _count(len(report.projects), "project")
    choices, hosts = _count(report.records, "choice"), _count(len(report.hosts), "host")
    when = f"{str(report.first)[:10]} to {str(report.last)[:10]}"
    return f"{logs}, {when}: the policy would change {choices} of {projects} on {hosts}{again}."


def _cells(one: Changes) -> Sequence[str]:
    kind = one.kind
    policy = f"{_versions(one.policy_versions)}  {kind.policy.repository}" if one.policy_versions else "refused"
    taken = f"{_versions(one.pip_versions)}  {_side(kind.pip)}"
    return f"{len(one.hosts):,}", f"{one.choices:,}", kind.project, taken, policy, kind.code.value


def _versions(counts: Counter[str]) -> str:
    """The version that was chosen most often, and how many others there are."""
    ((version, _),) = counts.most_common(1)
    return f"{version} (+{len(counts) - 1})" if len(counts) > 1 else version


def _side(side: Side) -> str:
    return side.repository or side.site or "a folder"


def _hosts(one: Changes) -> Iterator[str]:
    names = sorted(one.hosts)
    more = f", ... ({len(names):,} in all)" if len(names) > _HOSTS_NAMED else ""
    yield printable(f"{one.kind.project} [{one.kind.code.value}]: {', '.join(names[:_HOSTS_NAMED])}{more}")


def _to_do(ranked: Sequence[Changes]) -> list[str]:
    """What to do about changes that no TOML settles, a line for each code."""
    names: dict[Code, dict[str, None]] = {}
    for one in ranked:
        names.setdefault(one.kind.code, {})[one.kind.project] = None
    lines = [f"{code.value}: {text} ({_first(names[code])})" for code, text in _TO_DO.items() if code in names]
    return ["", *lines] if lines else []


def _first(names: Iterable[str]) -> str:
    texts = list(names)
    return ", ".join(texts[:_SHOWN]) + (", ..." if len(texts) > _SHOWN else "")


def policy_toml(report: Report) -> str:
    """Pins for the policy, as TOML: what is safe as it is; what would open a name, and needs a person, as comments."""
    moved = [one for one in report.ranked() if one.kind.pip != one.kind.policy]
    # What flexible mode took from below the owner does not belong there for good.
    owned = _by([one for one in moved if one.kind.code is Code.OWNED], lambda one: one.kind.policy.repository)
    opened = _by([one for one in moved if one.kind.code in _CLOSED], lambda one: one.kind.pip.repository)
    parts = [_keep(name, changes) for name, changes in owned.items()]
    parts += [_open(name, changes) for name, changes in opened.items()]
    parts += [_list(site, len(hosts)) for site, hosts in sorted(report.unlisted.items())]
    return "\n".join(parts)


def _by(changes: Iterable[Changes], key: Callable[[Changes], str | None]) -> Mapping[str, list[Changes]]:
    """`changes` by a repository of the policy, which `key` tells; those of none are left out.

    A project stands at one repository alone, the one on most hosts: two pins for it would refuse it.
    """
    found: dict[str, list[Changes]] = {}
    at: dict[str, str] = {}
    for one in changes:
        name = key(one)
        if name and at.setdefault(one.kind.project, name) == name:
            found.setdefault(name, []).append(one)
    return found


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
        f"Only for names of which you know that they are to come from {repository}: whoever publishes there decides",
        "what you install. Delete the others, and those that the pins above have.",
        f"[pins.report-open-{repository}]",
        *_projects(changes),
        f"repositories = [{toml.value(repository)}]",
    ]
    return "".join(f"# {line}\n" for line in lines)


def _projects(changes: Sequence[Changes]) -> Iterator[str]:
    """The names, each with what is known of it."""
    yield "projects = ["
    hosts: dict[str, set[str]] = {}
    taken: dict[str, str] = {}
    for one in changes:
        hosts.setdefault(one.kind.project, set()).update(one.hosts)
        policy = f"{_versions(one.policy_versions)} under the policy" if one.policy_versions else one.kind.code.value
        taken.setdefault(one.kind.project, f"{_versions(one.pip_versions)} from {_side(one.kind.pip)}, {policy}")
    for name, where in hosts.items():
        yield f"    {toml.value(name)},  # {_count(len(where), 'host')}: {printable(taken[name])}"
    yield "]"


def _list(site: str, hosts: int) -> str:
    lines = [
        f"pip was told of an index there on {_count(hosts, 'host')}. If you trust it, add it with its whole URL:",
        "[repositories.NAME]",
        f"url = {toml.value(site)}",
        "priority = 500",
    ]
    return "".join(f"# {line}\n" for line in lines)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


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
            "changes": [_table(one) for one in report.ranked()],
            "unlisted": {site: len(hosts) for site, hosts in sorted(report.unlisted.items())},
            "damaged": {"lines": read.damaged, "first": [one._asdict() for one in read.first]},
            "toml": policy_toml(report) or None,
        },
        indent=2,
    )


def _table(one: Changes) -> dict[str, Any]:
    kind = one.kind
    return {
        "project": kind.project,
        "code": kind.code.value,
        "hosts": len(one.hosts),
        "host_names": sorted(one.hosts)[:_HOSTS_NAMED],
        "choices": one.choices,
        "pip": {**kind.pip._asdict(), "versions": _counted(one.pip_versions)},
        "policy": {"repository": kind.policy.repository, "versions": _counted(one.policy_versions)},
        "first": one.first,
        "last": one.last,
    }


def _counted(versions: Counter[str]) -> dict[str, int]:
    """The versions, those that were chosen most often first."""
    return dict(versions.most_common())
