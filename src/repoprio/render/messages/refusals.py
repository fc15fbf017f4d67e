"""Renders an explanation as a refusal. Pure."""

from __future__ import annotations

from repoprio import shell
from repoprio.explain.explanation import Explanation, LineStatus
from repoprio.explain.refusal_remedies import refusal_remedy
from repoprio.lookup.project import Code
from repoprio.render.messages.model import Message, message
from repoprio.render.messages.sentences import (
    has_versions,
    maybe_owned,
    owner_lines,
    required_by,
    sentence,
    server_says,
    waiting,
    withheld,
)
from repoprio.wording import join_words


def refusal(e: Explanation) -> Message:
    """The message of a refusal, in the form of all messages of repoprio."""
    lead, *details = _REFUSALS[e.code](e)
    if remedy := refusal_remedy(e):
        details.append(f"hint: {remedy.text}")
    return message(lead, details, e.code.value, why=why(e), help_text=e.help)


def why(e: Explanation) -> str:
    """The command that explains more."""
    options = ["--no-index"] if e.silenced else []
    # With the constraint, since that is what was looked up.
    asked = f"{e.project}{e.specifier}" if e.constraint else e.requirement
    return shell.repoprio("explain", *options, asked, python=e.python)


def _refuse_no_match(e: Explanation) -> list[str]:
    owners = join_words(e.owners)
    has = "; ".join(f"{line.repository} has {has_versions(line)}" for line in owner_lines(e))
    lone = has_versions(e.line(e.owners[0])) if len(e.owners) == 1 else ""
    belongs = (
        f"{e.project} belongs to {owners}, which has {lone}." if lone else f"{e.project} belongs to {owners}: {has}."
    )
    # The first line already says that the versions do not fit.
    reasons = [f"{rejected.file}: {rejected.reason}" for rejected in e.telling[:4]]
    more = f" ({len(e.telling)} files in all)" if len(e.telling) > len(reasons) else ""
    asked = [line.asked for line in owner_lines(e) if line.asked and not line.versions]
    below = " Lower-priority repositories were not asked."
    return [
        f"{e.wanted}{required_by(e)}: no version fits.",
        belongs + (below if any(line.status is LineStatus.NOT_ASKED for line in e.lines) else ""),
        f"rejected: {'; '.join(reasons)}{more}" if reasons else "",
        f"asked: {', '.join(asked)}" if asked else "",
        f"rule: {e.narrowed}" if e.narrowed else "",
    ]


def _refuse_too_young(e: Explanation) -> list[str]:
    owners = join_words(e.owners)
    below = " Lower-priority repositories were not asked."
    return [
        f"{e.wanted}{required_by(e)}: no version that fits is old enough yet.",
        f"{e.project} belongs to {owners}." + (below if any(x.status is LineStatus.NOT_ASKED for x in e.lines) else ""),
        *waiting(e),
    ]


def _refuse_absent(e: Explanation) -> list[str]:
    asked = f"asked: {join_words(e.asked)}." if e.asked else "no repository could be asked for it."
    ruled_out = [f"{line.repository} ({line.reason})" for line in e.lines if not line.asked]
    return [
        f"No matching distribution found for {e.wanted}{required_by(e)}: no repository has {e.project}.",
        asked,
        f"not asked: {join_words(ruled_out)}." if ruled_out else "",
    ]


def _refuse_owned_absent(e: Explanation) -> list[str]:
    return [
        sentence(e),
        f"wanted: {e.wanted}{required_by(e)}. No other repository was asked.",
        f"rule: {e.rules[0]}",
    ]


def _refuse_unavailable(e: Explanation) -> list[str]:
    asked = [line.asked for line in e.faulty if line.asked]
    below = [line.repository for line in e.lines if line.status is LineStatus.NOT_ASKED]
    names = join_words([line.repository.name for line in e.faulty])
    targets = (e.line(line.redirected_into) for line in e.faulty if line.redirected_into)
    return [
        sentence(e),
        f"asked: {', '.join(asked)}" if asked else "",
        f"{names} may own {e.project}, so {join_words(below)} {'was' if len(below) == 1 else 'were'} not asked."
        if below
        else "",
        *(f"{line.repository.name} says: {words}" for line in e.faulty if (words := server_says(line))),
        *(f"rule: {rule}" for rule in e.rules if rule.setting in ("url", "canary")),
        *(f"rule: {line.rule}" for line in targets if line.rule),
    ]


def _refuse_blocked(e: Explanation) -> list[str]:
    return [sentence(e), f"asked for{required_by(e)}: {e.wanted}"]


def _refuse_ambiguous(e: Explanation) -> list[str]:
    return [sentence(e)]


def _refuse_ruled_out(e: Explanation) -> list[str]:
    if not e.owners:
        return [
            maybe_owned(e),
            f"{withheld(e)} not asked: a lower repository may not serve what a higher one may own.",
        ]
    return [
        f"{e.project}{required_by(e)} belongs to {join_words(e.owners)}, which may not be asked for it.",
        *(f"{line.repository}: {line.reason}" for line in owner_lines(e)),
        "No other repository was asked.",
        f"rule: {e.rules[0]}",
    ]


def _refuse_remembered(e: Explanation) -> list[str]:
    return [
        sentence(e),
        "A name stays with its owner: no lower-priority repository was asked.",
        *(f"rule: {rule}" for rule in e.rules if rule.setting == "ownership"),
    ]


def _refuse_memory(e: Explanation) -> list[str]:
    below = [line.repository for line in e.lines if line.status is LineStatus.NOT_ASKED]
    asked = f"{join_words(below)} {'was' if len(below) == 1 else 'were'} not asked"
    return [sentence(e), f"A name stays with its owner, so {asked}.", *(f"rule: {rule}" for rule in e.rules[:1])]


_REFUSALS = {
    Code.NO_MATCH: _refuse_no_match,
    Code.TOO_YOUNG: _refuse_too_young,
    Code.ABSENT: _refuse_absent,
    Code.OWNED_ABSENT: _refuse_owned_absent,
    Code.UNAVAILABLE: _refuse_unavailable,
    Code.BLOCKED: _refuse_blocked,
    Code.AMBIGUOUS: _refuse_ambiguous,
    Code.OWNER_RULED_OUT: _refuse_ruled_out,
    Code.REMEMBERED: _refuse_remembered,
    Code.OWNERSHIP_MEMORY: _refuse_memory,
}
