"""Renders an explanation as one sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from repoprio.explain.explanation import Explanation, Line
from repoprio.lookup.project import Code, Outcome
from repoprio.wording import join_words

_MOST_VERSIONS = 8
# The settings that route a name to its owner.
_ROUTING = frozenset({"repositories", "owns", "namespaces"})


def versions(known: Sequence[str] | None, most: int = _MOST_VERSIONS, *, including: str | None = None) -> str:
    """The newest versions, and `including`; "nothing" if there are none, "not asked" if they are unknown."""
    if not known:
        return "not asked" if known is None else "nothing"
    named, rest = list(known[:most]), known[most:]
    if including is not None and including in rest:
        named += [including] if including == rest[0] else ["...", including]
    named += ["..."] if rest and named[-1] != known[-1] else []
    return ", ".join(named) + (f" ({len(known)} in all)" if rest else "")


def sentence(e: Explanation) -> str:
    """The answer in one sentence: what would be installed for the requirement, and why."""
    return _SENTENCES[e.code](e)


def _owned(e: Explanation) -> str:
    how = "which own it together" if len(e.owners) > 1 else _why_owner(e)
    supplier = f"; this file is {e.chosen.repository}'s" if e.chosen and len(e.owners) > 1 else ""
    return f"{_chosen(e)} comes from {join_words([r.name for r in e.owners])}, {how}{supplier}."


def _why_owner(e: Explanation) -> str:
    if e.rules and e.rules[0].setting in _ROUTING:
        return f"to which {e.rules[0].key} routes it ({e.rules[0].file})"
    return f"the highest-priority repository that has {e.project}"


def _fits(e: Explanation) -> str:
    owners = join_words([r.name for r in e.owners])
    return f"{_chosen(e)} comes from {owners}, the highest-priority repository with a version that fits."


def _merged(e: Explanation) -> str:
    supplier = e.chosen.repository if e.chosen else "the repository with the newest version"
    among = join_words([r.name for r in e.owners])
    by = f" ({e.pin.place})" if e.pin else ""
    return f"{_chosen(e)} comes from {supplier}: version priority rules among {among}{by}."


def _chosen(e: Explanation) -> str:
    return f"{e.project} {e.chosen.version}" if e.chosen else e.project


def has_versions(line: Line) -> str:
    """The versions that the owner has; it may have none, since a page without files is enough to own a name."""
    return versions(line.versions) if line.versions != () else "no file of it"


def _no_match(e: Explanation) -> str:
    has = "; ".join(f"{line.repository} has {has_versions(line)}" for line in owner_lines(e))
    wanted = f"no version of {e.project} fits {e.wanted}" if e.specifier else f"no file of {e.project} fits here"
    return f"{wanted}: {has}."


def _too_young(e: Explanation) -> str:
    owners = join_words(e.owners)
    wanted = f"no version of {e.project} that fits {e.wanted}" if e.specifier else f"no file of {e.project}"
    return f"{wanted} is old enough yet at {owners}: {''.join(waiting(e)[:1])}."


def server_says(line: Line) -> str:
    """What the server says about its own refusal; "" if it says nothing."""
    if line.problem is None:
        return ""
    return ": ".join(text for text in (line.problem.title, line.problem.detail) if text)


def waiting(e: Explanation) -> list[str]:
    """The versions that are too young, the newest first, each with the reason; at most four."""
    held = [f"{rejected.version}: {rejected.reason}" for rejected in e.telling if rejected.held]
    return list(dict.fromkeys(held))[:4]


def _absent(e: Explanation) -> str:
    asked = f"asked: {join_words(e.asked)}" if e.asked else "no repository could be asked for it"
    return f"no repository has {e.project}; {asked}."


def _owned_absent(e: Explanation) -> str:
    return f"{e.project} belongs to {join_words(e.owners)}, which does not have it."


def _unavailable(e: Explanation) -> str:
    return (
        f"{e.project}{required_by(e)}: "
        + "; ".join(f"{line.repository} is unavailable: {_why_silent(line)}" for line in e.faulty)
        + "."
    )


def _blocked(e: Explanation) -> str:
    return f"{e.project} is blocked: {e.block} ({e.rules[0].place})."


def _ambiguous(e: Explanation) -> str:
    return f"{e.project}: {join_words(e.rules)} match it equally well, and both set {e.conflict}."


def _direct_url(e: Explanation) -> str:
    verdict = "asks for a direct URL itself" if e.outcome is Outcome.SERVED else "names a direct URL, which is refused"
    return f"{e.project} {verdict}: no repository is asked ({e.rules[0].place})."


def _ruled_out(e: Explanation) -> str:
    if not e.owners:
        return f"{maybe_owned(e)} So {withheld(e)} not asked."
    states = join_words([f"{line.repository} is ruled out ({line.reason})" for line in owner_lines(e)])
    return f"{e.project} belongs to {join_words(e.owners)} by {e.rules[0].key} ({e.rules[0].file}), and {states}."


def _remembered(e: Explanation) -> str:
    return f"{join_words(e.owners)} served {e.project} before, and does not have it now."


def _memory(e: Explanation) -> str:
    assert e.unknown
    why = f"{e.unknown.place} cannot be read: {e.unknown.reason}"
    return f"{e.project}{required_by(e)}: nobody knows who served it before: {why}."


def maybe_owned(e: Explanation) -> str:
    """That ``--no-index`` rules out repositories that may own the name, as a sentence."""
    lowest = max(line.repository.priority for line in e.withheld)
    above = [line.repository for line in e.silenced if line.repository.priority < lowest]
    return f"{e.project}{required_by(e)}: --no-index rules out {join_words(above)}, which may own it."


def withheld(e: Explanation) -> str:
    """The flat repositories that may not serve the name, with "was" or "were" for the end of a sentence."""
    names = [line.repository for line in e.withheld]
    return f"{join_words(names)} {'was' if len(names) == 1 else 'were'}"


_SENTENCES = {
    Code.OWNED: _owned,
    Code.FITS: _fits,
    Code.MERGED: _merged,
    Code.NO_MATCH: _no_match,
    Code.TOO_YOUNG: _too_young,
    Code.ABSENT: _absent,
    Code.OWNED_ABSENT: _owned_absent,
    Code.UNAVAILABLE: _unavailable,
    Code.BLOCKED: _blocked,
    Code.AMBIGUOUS: _ambiguous,
    Code.OWNER_RULED_OUT: _ruled_out,
    Code.REMEMBERED: _remembered,
    Code.OWNERSHIP_MEMORY: _memory,
    Code.DIRECT_URL: _direct_url,
}


def owner_lines(e: Explanation) -> list[Line]:
    """The lines of the owners."""
    return [e.line(owner) for owner in e.owners]


def _why_silent(line: Line) -> str:
    """Why a repository is unavailable, including its mirrors."""
    mirrors = "".join(f"; its mirror {tried.url}: {tried.reason}" for tried in line.failures)
    return f"{line.reason}{mirrors}"


def required_by(e: Explanation) -> str:
    """What requires the project, in parentheses; "" if the user asked for it."""
    return f" (required by {e.required_by})" if e.required_by else ""
