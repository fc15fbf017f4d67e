"""Renders a comparison of two resolutions as a screen and as JSON, and notices before names are disclosed. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from repoprio.explain.comparison import ComparedProject, Comparison, Disclosure, ResolvedFile, SideResult, Verdict
from repoprio.policy.model import Policy, Repository
from repoprio.redaction import printable
from repoprio.render.explain_json import SCHEMA, about
from repoprio.render.table import Column, Paint, Row, table, unpainted
from repoprio.simple_api.filenames import is_wheel
from repoprio.wording import count_of, join_words

_COLUMNS = (
    Column(""),
    Column("PROJECT"),
    Column("PIP ALONE"),
    Column(""),
    Column("WITH POLICY"),
    Column(""),
    Column("WHY", wraps=True),
)
# The words for one, and for more than one.
_WORDS = {
    Verdict.SAME: ("same", "same"),
    Verdict.TAKEOVER: ("takeover stopped", "takeovers stopped"),
    Verdict.OTHER_FILE: ("other file of one version", "other files of one version"),
    Verdict.OTHER_VERSION: ("other version", "other versions"),
    Verdict.OTHER_REPOSITORY: ("other repository", "other repositories"),
    Verdict.ONLY_PIP_ALONE: ("only without policy", "only without policy"),
    Verdict.ONLY_POLICY: ("only with policy", "only with policy"),
    Verdict.ONLY_ONE_NEEDS: ("needed on one side only", "needed on one side only"),
    Verdict.NOT_KNOWN: ("not known", "not known"),
    Verdict.NOT_COMPARED: ("not compared", "not compared"),
}
_STYLES = {
    Verdict.SAME: "quiet",
    Verdict.TAKEOVER: "bad",
    Verdict.OTHER_FILE: "bad",
    Verdict.OTHER_VERSION: "warning",
    Verdict.ONLY_PIP_ALONE: "warning",
    Verdict.ONLY_POLICY: "warning",
    Verdict.NOT_KNOWN: "warning",
}


def before(disclosure: Disclosure, policy: Policy) -> str:
    """The notice before plain pip is run: which repository is asked for which names, and which names stay private."""
    names = {r.name: str(r) for r in policy.repositories}
    asks = [
        f"{names.get(repository, repository)} learns {count_of(len(asked_for), 'name')} "
        f"that an installation would not ask it for: {', '.join(asked_for)}"
        for repository, asked_for in disclosure.asked.items()
    ]
    learned = "; ".join(asks) or "no repository learns a name that an installation would not ask it for"
    more = "If more names turn out to be needed, they are listed here before anyone is asked."
    return printable(f"repoprio: comparing with pip alone: {learned}. {more}{_private(disclosure)}")


def further(name: str, repositories: Sequence[Repository], required_by: str | None) -> str:
    """The notice before one more name is disclosed: a dependency of a version that the policy would not choose."""
    by = f" (required by {required_by})" if required_by else ""
    verb = "is" if len(repositories) == 1 else "are"
    return printable(f"repoprio: {join_words(repositories)} {verb} also asked for {name}{by}")


def not_private(name: str, private: Sequence[str]) -> str:
    """The error if --disclose names a project that is not private; `private` are the names that are."""
    known = f"the private names are: {', '.join(private)}" if private else "there are none"
    return printable(f"--disclose {name}: this is not a private name here; {known}    [usage]")


def step(is_alone: bool, count: int, name: str) -> str:
    """The progress: which side it is, how many projects were looked up there, and which one is next."""
    side = "pip alone" if is_alone else "with the policy"
    return f"{side}: {count_of(count, 'project')}, {name}"


def _private(disclosure: Disclosure) -> str:
    """The names that stay private, grouped by the policy's reason."""
    if not disclosure.private:
        return ""
    words: dict[str, list[str]] = {}
    for name, word in disclosure.private:
        words.setdefault(word, []).append(name)
    groups = "; ".join(f"{', '.join(names)}: {word}" for word, names in words.items())
    verb = "stays" if len(disclosure.private) == 1 else "stay"
    return f" {len(disclosure.private)} {verb} private ({groups})."


def screen(comparison: Comparison, *, width: int, paint: Paint = unpainted, verbose: bool = False) -> str:
    """The screen of ``repoprio compare``; `verbose` also lists projects that are the same."""
    shown = [project for project in comparison.projects if verbose or project.verdict is not Verdict.SAME]
    rows = [Row(_cells(project), _STYLES.get(project.verdict, "")) for project in shown]
    parts = [
        _wrapped(_header(comparison), width),
        table(_COLUMNS, rows, width, paint) if rows else [],
        _wrapped(_summary(comparison), width),
    ]
    text = "\n\n".join("\n".join(part) for part in parts if part)
    return "\n".join([text, *_fixes(shown, width), *_offer(comparison, width)])


def _header(comparison: Comparison) -> str:
    asked_for = comparison.disclosure.asked.items()
    counts = [f"{repository} was asked for {count_of(len(names), 'name')}" for repository, names in asked_for]
    more = "more than an installation asks for"
    asked = f"{join_words(counts)} {more}" if counts else "No repository was asked for additional names"
    return f"Nothing is built or installed. {asked}.{_private(comparison.disclosure)}"


def _offer(comparison: Comparison, width: int) -> list[str]:
    """How to compare private names too, if there are any."""
    names = [
        project.pair.project
        for project in comparison.projects
        if project.pair.private and isinstance(project.pair.policy, ResolvedFile)
    ]
    if not names:
        return []
    offer = f"private: --disclose {names[0]} asks the others for that name too, and compares it"
    return _wrapped(offer, width, "", "  ")


def _cells(project: ComparedProject) -> tuple[str, ...]:
    alone = ("private", "") if project.verdict is Verdict.NOT_COMPARED else _cell(project.pair.alone)
    return (project.verdict.mark, project.pair.project, *alone, *_cell(project.pair.policy), project.why)


def _cell(side: SideResult) -> tuple[str, str]:
    if not isinstance(side, ResolvedFile):
        return "-", ""
    if not side.is_unread:
        return side.version or "?", side.place
    kind = "unread" if is_wheel(side.file) else "sdist" if side.repository else "source"
    return (f"{side.version} {kind}" if side.version else kind), side.place


def _summary(comparison: Comparison) -> str:
    verdicts = (Verdict.SAME, *(verdict for verdict in Verdict if verdict is not Verdict.SAME))
    counts = ((verdict, comparison.count(verdict)) for verdict in verdicts)
    parts = [f"{n} {_WORDS[verdict][n > 1]}{_mark(verdict)}" for verdict, n in counts if n]
    return f"{count_of(len(comparison.projects), 'project')}: {', '.join(parts) or 'nothing to compare'}"


def _mark(verdict: Verdict) -> str:
    return f" ({verdict.mark})" if verdict is not Verdict.SAME else ""


def _fixes(shown: Sequence[ComparedProject], width: int) -> list[str]:
    lines: list[str] = []
    for project in shown:
        if project.remedy:
            lead = "     " if lines else "fix: "
            lines += _wrapped(f"{project.pair.project}: {project.remedy}", width, lead, "       ")
    return lines


def _wrapped(text: str, width: int, lead: str = "", indent: str = "") -> list[str]:
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent=lead,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def document(comparison: Comparison, environment: Mapping[str, Any] | None = None) -> str:
    """The document that ``repoprio compare --format json`` prints; `environment` is the one that was compared."""
    document: Mapping[str, Any] = {
        "schema": SCHEMA,
        **about(environment),
        "asked": {repository: list(names) for repository, names in comparison.disclosure.asked.items()},
        "private": [name for name, _ in comparison.disclosure.private],
        "projects": [_project(project) for project in comparison.projects],
        "summary": {verdict.value: comparison.count(verdict) for verdict in Verdict},
    }
    return json.dumps(document, indent=2)


def _project(project: ComparedProject) -> dict[str, Any]:
    return {
        "project": project.pair.project,
        "requirement": project.pair.requirement,
        "verdict": project.verdict.value,
        "code": project.code,
        "pip_alone": _unknown(project) if project.verdict is Verdict.NOT_COMPARED else _side(project.pair.alone),
        "policy": _side(project.pair.policy),
        "reason": project.reason,
        "fix": project.remedy,
    }


def _side(side: SideResult) -> dict[str, Any] | None:
    """One side; its code is null for a wheel, else it says why there is nothing to install, or what is unknown."""
    if side is None:
        return None
    if isinstance(side, ResolvedFile):
        return {
            "version": side.version,
            "repository": side.repository.name if side.repository else None,
            "file": side.file,
            "code": "dependencies-not-known" if side.is_unread else None,
            "reason": None,
            "needed_by": list(side.needed_by),
        }
    return _nothing(side.code.value, side.reason, side.needed_by)


def _unknown(project: ComparedProject) -> dict[str, Any]:
    """The side of plain pip for a private name: unknown, since only the owner was asked."""
    needed_by = project.pair.alone.needed_by if project.pair.alone else ()
    return _nothing(project.code, project.reason, needed_by)


def _nothing(code: str, reason: str, needed_by: Sequence[str]) -> dict[str, Any]:
    empty = dict.fromkeys(("version", "repository", "file"))
    return {**empty, "code": code, "reason": reason, "needed_by": list(needed_by)}
