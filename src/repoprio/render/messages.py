"""Renders explanations as sentences and refusals. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from repoprio import shell
from repoprio.dataclass import dataclass
from repoprio.explain.explanation import Explanation, Line, LineStatus
from repoprio.explain.refusal_remedies import refusal_remedy
from repoprio.lookup.cooldown import Clocks
from repoprio.lookup.project import Code, Outcome
from repoprio.policy.model import Repository
from repoprio.redaction import printable
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
    return f"{_taken(e)} comes from {join_words([r.name for r in e.owners])}, {how}{supplier}."


def _why_owner(e: Explanation) -> str:
    if e.rules and e.rules[0].setting in _ROUTING:
        return f"to which {e.rules[0].key} routes it ({e.rules[0].file})"
    return f"the highest-priority repository that has {e.project}"


def _fits(e: Explanation) -> str:
    owners = join_words([r.name for r in e.owners])
    return f"{_taken(e)} comes from {owners}, the highest-priority repository with a version that fits."


def _merged(e: Explanation) -> str:
    supplier = e.chosen.repository if e.chosen else "the repository with the newest version"
    among = join_words([r.name for r in e.owners])
    by = f" ({e.pin.place})" if e.pin else ""
    return f"{_taken(e)} comes from {supplier}: version priority rules among {among}{by}."


def _taken(e: Explanation) -> str:
    return f"{e.project} {e.chosen.version}" if e.chosen else e.project


def _has(line: Line) -> str:
    """The versions that the owner has; it may have none, since a page without files is enough to own a name."""
    return versions(line.versions) if line.versions != () else "no file of it"


def _no_match(e: Explanation) -> str:
    has = "; ".join(f"{line.repository} has {_has(line)}" for line in _owner_lines(e))
    wanted = f"no version of {e.project} fits {e.wanted}" if e.specifier else f"no file of {e.project} fits here"
    return f"{wanted}: {has}."


def _too_young(e: Explanation) -> str:
    owners = join_words(e.owners)
    wanted = f"no version of {e.project} that fits {e.wanted}" if e.specifier else f"no file of {e.project}"
    return f"{wanted} is old enough yet at {owners}: {''.join(_held(e)[:1])}."


def _held(e: Explanation) -> list[str]:
    """What has to wait, the newest first, and for how long."""
    held = [f"{rejected.version}: {rejected.reason}" for rejected in e.telling if rejected.held]
    return list(dict.fromkeys(held))[:4]


def _absent(e: Explanation) -> str:
    asked = f"asked: {join_words(e.asked)}" if e.asked else "no repository could be asked for it"
    return f"no repository has {e.project}; {asked}."


def _owned_absent(e: Explanation) -> str:
    return f"{e.project} belongs to {join_words(e.owners)}, which does not have it."


def _unavailable(e: Explanation) -> str:
    return (
        f"{e.project}{_by(e)}: "
        + "; ".join(f"{line.repository} is unavailable: {silence(line)}" for line in e.faulty)
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
        return f"{_maybe_owned(e)} So {_withheld(e)} not asked."
    states = join_words([f"{line.repository} is ruled out ({line.reason})" for line in _owner_lines(e)])
    return f"{e.project} belongs to {join_words(e.owners)} by {e.rules[0].key} ({e.rules[0].file}), and {states}."


def _remembered(e: Explanation) -> str:
    return f"{join_words(e.owners)} served {e.project} before, and does not have it now."


def _maybe_owned(e: Explanation) -> str:
    lowest = max(line.repository.priority for line in e.withheld)
    above = [line.repository for line in e.silenced if line.repository.priority < lowest]
    return f"{e.project}{_by(e)}: --no-index rules out {join_words(above)}, which may own it."


def _withheld(e: Explanation) -> str:
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
    Code.DIRECT_URL: _direct_url,
}


def _owner_lines(e: Explanation) -> list[Line]:
    return [e.line(owner) for owner in e.owners]


@dataclass(frozen=True)
class Message:
    """A refusal: `lead` says what happened, `details` are the lines below it, `code` is the stable word at the end.

    `why` is the command that explains more, `help` the policy's own text on where to get help.
    """

    lead: str
    details: tuple[str, ...]
    code: str
    why: str | None = None
    help: str | None = None

    @property
    def body(self) -> str:
        """The whole text, without the leading ``repoprio:``."""
        ways = [
            part for part in (f"why: {self.why}" if self.why else "", f"help: {self.help}" if self.help else "") if part
        ]
        lines = [self.lead, *(f"  {detail}" for detail in self.details)]
        return "\n".join([*lines, f"  {'    '.join([*ways, f'[{self.code}]'])}"])

    def __str__(self) -> str:
        return f"repoprio: {self.body}"


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


def silence(line: Line) -> str:
    """Why a repository is unavailable, including its mirrors."""
    mirrors = "".join(f"; its mirror {tried.url}: {tried.reason}" for tried in line.failures)
    return f"{line.reason}{mirrors}"


def message(
    lead: str, details: Sequence[str], code: str, *, why: str | None = None, help_text: str | None = None
) -> Message:
    """The message with its texts made safe to print; empty details are left out."""
    return Message(printable(lead), tuple(printable(detail) for detail in details if detail), code, why, help_text)


def _by(e: Explanation) -> str:
    return f" (required by {e.required_by})" if e.required_by else ""


def _refuse_no_match(e: Explanation) -> list[str]:
    owners = join_words(e.owners)
    has = "; ".join(f"{line.repository} has {_has(line)}" for line in _owner_lines(e))
    lone = _has(e.line(e.owners[0])) if len(e.owners) == 1 else ""
    belongs = (
        f"{e.project} belongs to {owners}, which has {lone}." if lone else f"{e.project} belongs to {owners}: {has}."
    )
    # The first line already says that the versions do not fit.
    reasons = [f"{rejected.file}: {rejected.reason}" for rejected in e.telling[:4]]
    more = f" ({len(e.telling)} files in all)" if len(e.telling) > len(reasons) else ""
    asked = [line.asked for line in _owner_lines(e) if line.asked and not line.versions]
    below = " Lower-priority repositories were not asked."
    return [
        f"{e.wanted}{_by(e)}: no version fits.",
        belongs + (below if any(line.status is LineStatus.NOT_ASKED for line in e.lines) else ""),
        f"rejected: {'; '.join(reasons)}{more}" if reasons else "",
        f"asked: {', '.join(asked)}" if asked else "",
        f"rule: {e.narrowed}" if e.narrowed else "",
    ]


def _refuse_too_young(e: Explanation) -> list[str]:
    owners = join_words(e.owners)
    below = " Lower-priority repositories were not asked."
    return [
        f"{e.wanted}{_by(e)}: no version that fits is old enough yet.",
        f"{e.project} belongs to {owners}." + (below if any(x.status is LineStatus.NOT_ASKED for x in e.lines) else ""),
        *_held(e),
    ]


def _refuse_absent(e: Explanation) -> list[str]:
    asked = f"asked: {join_words(e.asked)}." if e.asked else "no repository could be asked for it."
    ruled_out = [f"{line.repository} ({line.reason})" for line in e.lines if not line.asked]
    return [
        f"No matching distribution found for {e.wanted}{_by(e)}: no repository has {e.project}.",
        asked,
        f"not asked: {join_words(ruled_out)}." if ruled_out else "",
    ]


def _refuse_owned_absent(e: Explanation) -> list[str]:
    return [
        _owned_absent(e),
        f"wanted: {e.wanted}{_by(e)}. No other repository was asked.",
        f"rule: {e.rules[0]}",
    ]


def _refuse_unavailable(e: Explanation) -> list[str]:
    asked = [line.asked for line in e.faulty if line.asked]
    below = [line.repository for line in e.lines if line.status is LineStatus.NOT_ASKED]
    names = join_words([line.repository.name for line in e.faulty])
    targets = (e.line(line.redirected_into) for line in e.faulty if line.redirected_into)
    return [
        _unavailable(e),
        f"asked: {', '.join(asked)}" if asked else "",
        f"{names} may own {e.project}, so {join_words(below)} {'was' if len(below) == 1 else 'were'} not asked."
        if below
        else "",
        *(f"rule: {rule}" for rule in e.rules if rule.setting in ("url", "canary")),
        *(f"rule: {line.rule}" for line in targets if line.rule),
    ]


def _refuse_blocked(e: Explanation) -> list[str]:
    return [_blocked(e), f"asked for{_by(e)}: {e.wanted}"]


def _refuse_ambiguous(e: Explanation) -> list[str]:
    return [_ambiguous(e)]


def _refuse_ruled_out(e: Explanation) -> list[str]:
    if not e.owners:
        return [
            _maybe_owned(e),
            f"{_withheld(e)} not asked: a lower repository may not serve what a higher one may own.",
        ]
    return [
        f"{e.project}{_by(e)} belongs to {join_words(e.owners)}, which may not be asked for it.",
        *(f"{line.repository}: {line.reason}" for line in _owner_lines(e)),
        "No other repository was asked.",
        f"rule: {e.rules[0]}",
    ]


def _refuse_remembered(e: Explanation) -> list[str]:
    return [_remembered(e), "A name stays with its owner: no lower-priority repository was asked."]


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
}


def foreign_login(
    url: str, repository: Repository, variable: str, origin: str | None, help_text: str | None
) -> Message:
    """The refusal of a URL that has the only login for a repository; `variable` is the prefix of its variables."""
    return message(
        f"{url} contains a login for {repository}, and there is no other login.",
        [
            f"named by: {origin}" if origin else "",
            "A file, page or package cannot supply a login for a repository of the policy, so it is not asked.",
            f"hint: set {variable}_USERNAME and {variable}_PASSWORD, and remove the login from the URL",
        ],
        "credentials",
        help_text=help_text,
    )


def redirect_loop(file: str, url: str, owners: Sequence[Repository], most: int, help_text: str | None) -> Message:
    """The refusal of a file that is redirected more than `most` times; `owners` own its project, if known."""
    of = f" of {join_words(owners)}" if owners else ""
    operated = join_words([owner.name for owner in owners]) if owners else "that server"
    return message(
        f"{file}{of} is redirected more than {most} times.",
        [f"asked: {url}", f"hint: report this to the operator of {operated}"],
        "redirects",
        help_text=help_text,
    )


def clocks_warning(repository: Repository, clocks: Clocks) -> str:
    """The warning that a server and this machine disagree about what time it is."""
    server = f"{clocks.server:%Y-%m-%d %H:%M}" if clocks.server else "?"
    return printable(
        f"repoprio: {repository} says that it is {server} UTC, and this machine that it is "
        f"{clocks.machine:%Y-%m-%d %H:%M} UTC: min-age goes by the earlier."
    )


def skipped_warning(repository: Repository, project: str, reason: str) -> str:
    """The warning that an unavailable repository counted as absent."""
    return printable(
        f"repoprio: {project}: {repository} is unavailable ({reason}) and counts as absent "
        f"(repositories.{repository.name}.skip-if-unavailable)."
    )
