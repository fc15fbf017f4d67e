"""Explanations as sentences, refusals and tables. Pure: it returns text and prints nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from repoprio.explanation import Explanation, Line
from repoprio.lookup import Code, Outcome
from repoprio.policy import Repository
from repoprio.render.table import plain

_MOST_VERSIONS = 8


def listed(words: Sequence[object], joint: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    texts = [str(word) for word in words]
    return f" {joint} ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def versions(found: Sequence[str] | None) -> str:
    """The newest versions; "nothing" where there is none, "not asked" where nobody looked."""
    if found is None:
        return "not asked"
    more = f", ... ({len(found)} in all)" if len(found) > _MOST_VERSIONS else ""
    return ", ".join(found[:_MOST_VERSIONS]) + more if found else "nothing"


def sentence(e: Explanation) -> str:
    """The one sentence that answers: what becomes of the requirement, and why."""
    return _SENTENCES[e.code](e)


def _owned(e: Explanation) -> str:
    how = "which own it together" if len(e.owners) > 1 else _why_owner(e)
    supplier = f"; this file is {e.chosen.repository}'s" if e.chosen and len(e.owners) > 1 else ""
    return f"{_taken(e)} comes from {listed([r.name for r in e.owners])}, {how}{supplier}."


def _why_owner(e: Explanation) -> str:
    if e.rules and e.rules[0].key.startswith(("pins.", "repositories.")):
        return f"to which {e.rules[0]} routes it"
    return f"the highest-priority repository that has {e.project}"


def _fits(e: Explanation) -> str:
    owners = listed([r.name for r in e.owners])
    return f"{_taken(e)} comes from {owners}, the highest-priority repository with a version that fits."


def _merged(e: Explanation) -> str:
    supplier = e.chosen.repository if e.chosen else "?"
    among = listed([r.name for r in e.owners])
    return f"{_taken(e)} comes from {supplier}: version priority rules among {among} ({e.pin})."


def _taken(e: Explanation) -> str:
    return f"{e.project} {e.chosen.version}" if e.chosen else e.project


def _has(line: Line) -> str:
    """What a repository that owns a name has of it; a page without files is enough to own it."""
    return versions(line.versions) if line.versions != () else "no file of it"


def _no_match(e: Explanation) -> str:
    has = "; ".join(f"{line.repository} has {_has(line)}" for line in _owner_lines(e))
    return f"no version of {e.project} fits {e.requirement}: {has}."


def _absent(e: Explanation) -> str:
    asked = f"asked: {listed(e.asked)}" if e.asked else "no repository could be asked for it"
    return f"no repository has {e.project}; {asked}."


def _owned_absent(e: Explanation) -> str:
    return f"{e.project} belongs to {listed(e.owners)}, which does not have it."


def _unavailable(e: Explanation) -> str:
    return "; ".join(f"{line.repository} is unavailable: {line.reason}" for line in e.faulty) + "."


def _blocked(e: Explanation) -> str:
    return f"{e.project} is blocked: {e.block} ({e.rules[0]})."


def _ambiguous(e: Explanation) -> str:
    return f"{e.project}: {listed(e.rules)} match it equally well, and both set {e.conflict}."


def _direct_url(e: Explanation) -> str:
    verdict = "asks for a direct URL itself" if e.outcome is Outcome.SERVED else "names a direct URL, which is refused"
    return f"{e.project} {verdict}: no repository is asked ({e.rules[0]})."


def _ruled_out(e: Explanation) -> str:
    states = listed([f"{line.repository} is ruled out ({line.reason})" for line in _owner_lines(e)])
    return f"{e.project} belongs to {listed(e.owners)} ({e.rules[0]}), and {states}."


_SENTENCES = {
    Code.OWNED: _owned,
    Code.FITS: _fits,
    Code.MERGED: _merged,
    Code.NO_MATCH: _no_match,
    Code.ABSENT: _absent,
    Code.OWNED_ABSENT: _owned_absent,
    Code.UNAVAILABLE: _unavailable,
    Code.BLOCKED: _blocked,
    Code.AMBIGUOUS: _ambiguous,
    Code.OWNER_RULED_OUT: _ruled_out,
    Code.DIRECT_URL: _direct_url,
}


def _owner_lines(e: Explanation) -> list[Line]:
    return [e.line(owner) for owner in e.owners]


def refusal(e: Explanation, help_text: str | None = None) -> str:
    """The message of a refusal, in the form that all of repoprio's messages have."""
    lead, *details = _REFUSALS[e.code](e)
    options = "--no-index " if _by_no_index(e) else ""
    why = f"repoprio explain {options}{shlex.quote(e.requirement)}"
    return message(lead, details, e.code.value, why=why, help_text=help_text)


def _by_no_index(e: Explanation) -> bool:
    return any("--no-index" in line.reason for line in e.lines)


def message(
    lead: str, details: Sequence[str], code: str, *, why: str | None = None, help_text: str | None = None
) -> str:
    """``repoprio: …``, indented details, then where to look on, and the stable code."""
    tail = [part for part in (f"why: {why}" if why else "", f"help: {help_text}" if help_text else "") if part]
    lines = [f"repoprio: {plain(lead)}", *(f"  {plain(detail)}" for detail in details if detail)]
    return "\n".join([*lines, f"  {'    '.join([*tail, f'[{code}]'])}"])


def _by(e: Explanation) -> str:
    return f" (required by {e.required_by})" if e.required_by else ""


def _refuse_no_match(e: Explanation) -> list[str]:
    owners = listed(e.owners)
    has = "; ".join(f"{line.repository} has {_has(line)}" for line in _owner_lines(e))
    lone = _has(e.line(e.owners[0])) if len(e.owners) == 1 else ""
    belongs = (
        f"{e.project} belongs to {owners}, which has {lone}." if lone else f"{e.project} belongs to {owners}: {has}."
    )
    reasons = [f"{rejected.file}: {rejected.reason}" for rejected in e.rejected[:4]]
    more = f" ({len(e.rejected)} files in all)" if len(e.rejected) > len(reasons) else ""
    below = " Lower-priority repositories were not asked."
    return [
        f"{e.requirement}{_by(e)}: no version fits.",
        belongs + (below if any(line.status == "not-asked" for line in e.lines) else ""),
        f"rejected: {'; '.join(reasons)}{more}" if reasons else "",
        f"rule: {e.narrowed}" if e.narrowed else "",
        f"hint: {_no_match_hint(e)}",
    ]


def _no_match_hint(e: Explanation) -> str:
    names = listed([owner.name for owner in e.owners], "or")
    if e.narrowed:
        return "the pin leaves versions out: change it, or ask for another version"
    if all(line.versions == () for line in _owner_lines(e)):
        return f"publish {e.project} to {names}, whose page for it owns the name even while it lists no file"
    return f"ask for a version that {names} has, or publish one that fits there"


def _refuse_absent(e: Explanation) -> list[str]:
    asked = f"asked: {listed(e.asked)}." if e.asked else "no repository could be asked for it."
    ruled_out = [f"{line.repository} ({line.reason})" for line in e.lines if not line.asked]
    return [
        f"No matching distribution found for {e.requirement}{_by(e)}: no repository has {e.project}.",
        asked,
        f"not asked: {listed(ruled_out)}." if ruled_out else "",
        "hint: drop --no-index, if you can"
        if _by_no_index(e)
        else "hint: check the spelling; or publish it, or add the repository that has it to the policy",
    ]


def _refuse_owned_absent(e: Explanation) -> list[str]:
    owner = e.owners[0].name if e.owners else ""
    return [
        _owned_absent(e),
        f"wanted: {e.requirement}{_by(e)}. No other repository was asked.",
        f"rule: {e.rules[0]}",
        f"hint: check the spelling; not yet published? Publish it to {owner} first",
    ]


def _refuse_unavailable(e: Explanation) -> list[str]:
    asked = [line.asked for line in e.faulty if line.asked]
    below = [line.repository for line in e.lines if line.status == "not-asked"]
    names = listed([line.repository.name for line in e.faulty])
    return [
        f"{e.project}{_by(e)}: {_unavailable(e)}",
        f"asked: {', '.join(asked)}" if asked else "",
        f"{names} may own {e.project}, so {listed(below)} {'was' if len(below) == 1 else 'were'} not asked."
        if below
        else "",
        f"hint: {_unavailable_hint(e)}",
    ]


def _unavailable_hint(e: Explanation) -> str:
    reasons = " ".join(line.reason for line in e.faulty)
    if "canary" in reasons:
        return "a login may be missing, or the policy's url or canary be wrong"
    if "is not there" in reasons:
        return "create it, or take it out of the policy (enabled = false)"
    if "is not set" in reasons:
        return "set the variable, or ask who keeps the policy what its value is"
    if any(status in reasons for status in ("401", "403", "407")):
        return "check the login: a token may be missing or have expired"
    if "certificate" in reasons or "TLS" in reasons:
        return "have its certificate renewed, or tell pip whom to trust (--cert, PIP_CERT)"
    if any(bound in reasons for bound in ("took more than", "weighs more than")):
        return "page-timeout and page-size-limit in the policy are the bounds"
    if any(sign in reasons for sign in ("form", "content type", "no HTML")):
        return "something else answers in its place: check the policy's url, and the login"
    if any(line.reason in ("404", "410") for line in e.faulty):
        return "its absent in the policy leaves this status out; a list there replaces [404]"
    if "redirect" in reasons:
        names = listed([line.repository.name for line in e.faulty])
        return f"whoever keeps the policy can say under repositories.{names}.redirects what it means"
    return "try again once it answers; namespaces for it would keep its outages to its own names"


def _refuse_blocked(e: Explanation) -> list[str]:
    return [f"{e.project} is blocked: {e.block} ({e.rules[0]}).", f"asked for{_by(e)}: {e.requirement}"]


def _refuse_ambiguous(e: Explanation) -> list[str]:
    return [_ambiguous(e), "hint: make one pattern more specific, or drop one of the two"]


def _refuse_ruled_out(e: Explanation) -> list[str]:
    return [
        f"{e.project}{_by(e)} belongs to {listed(e.owners)}, which may not be asked for it.",
        *(f"{line.repository}: {line.reason}" for line in _owner_lines(e)),
        "No other repository was asked.",
        f"rule: {e.rules[0]}",
        "hint: drop --no-index, if you can"
        if _by_no_index(e)
        else "hint: enable it for this name, or route the name elsewhere",
    ]


_REFUSALS = {
    Code.NO_MATCH: _refuse_no_match,
    Code.ABSENT: _refuse_absent,
    Code.OWNED_ABSENT: _refuse_owned_absent,
    Code.UNAVAILABLE: _refuse_unavailable,
    Code.BLOCKED: _refuse_blocked,
    Code.AMBIGUOUS: _refuse_ambiguous,
    Code.OWNER_RULED_OUT: _refuse_ruled_out,
}


def screen(e: Explanation) -> str:
    """What ``repoprio explain`` shows: the sentence, the repositories by tier, the rules."""
    rows = [("", "PRIORITY", "REPOSITORY", "HAS", "RESULT")]
    for line in e.lines:
        mark = ">" if line.status == "served" else ""
        result = line.status + (f": {line.reason}" if line.reason else "")
        has = "-" if line.status == "unavailable" else versions(line.versions)
        rows.append((mark, str(line.repository.priority), line.repository.name, has, result))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    table = [
        f"  {row[0]:{widths[0]}} {row[1]:>{widths[1]}}  {row[2]:{widths[2]}}  {row[3]:{widths[3]}}  {row[4]}".rstrip()
        for row in rows
    ]
    shown = [*table, ""] if e.lines else []
    return "\n".join(plain(line) for line in [sentence(e), "", *shown, *_facts(e)])


def _facts(e: Explanation) -> list[str]:
    facts = [("file", e.chosen.file)] if e.chosen else []
    facts += [("rejected", f"{rejected.file}: {rejected.reason}") for rejected in e.rejected[:4]]
    if len(e.rejected) > 4:
        facts.append(("", f"... {len(e.rejected)} files in all"))
    facts += [("rule" if not number else "", str(rule)) for number, rule in enumerate(e.rules)]
    if e.version_priority:
        alone = e.version_priority
        facts.append(("pip alone", f"would take {alone.version} from {alone.repository}"))
    elif e.outcome is Outcome.SERVED and any(line.status == "not-asked" for line in e.lines):
        facts.append(("pip alone", "not checked: it would tell the others the name. --shadowed checks"))
    return [f"  {name:9} {plain(value)}" for name, value in facts]


def skipped_warning(repository: Repository, project: str, reason: str) -> str:
    """The warning that an unavailable repository counted as absent."""
    return plain(
        f"repoprio: {project}: {repository} is unavailable ({reason}) and counts as absent "
        f"(repositories.{repository.name}.skip-if-unavailable)."
    )
