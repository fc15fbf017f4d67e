"""Renders the screen of ``repoprio explain``: a sentence, the tiers as a table, the rules, the remedy. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from repoprio.explain.explanation import Chosen, Explanation, Line, LineStatus, Rejected
from repoprio.explain.refusal_remedies import refusal_remedy
from repoprio.lookup.project import Outcome
from repoprio.lookup.reasons import Rejection
from repoprio.policy.model import Rule
from repoprio.redaction import printable
from repoprio.render.messages.sentences import sentence, server_says, versions
from repoprio.render.table import Column, Paint, Row, table, unpainted
from repoprio.wording import count_of, join_words

_COLUMNS = (
    Column(""),
    Column("PRIORITY", right=True),
    Column("REPOSITORY"),
    Column("HAS", wraps=True),
    Column("RESULT", wraps=True),
)
_LABEL = 11
_MOST_VERSIONS = 5
# A page may have ten thousand files, too many to read.
_MOST_FILES = 200
_STYLES = {
    LineStatus.SERVED: "good",
    LineStatus.UNAVAILABLE: "bad",
    LineStatus.SHADOWED: "warning",
    LineStatus.PASSED_OVER: "warning",
    LineStatus.ABSENT: "",
}
_SENTENCES = {Outcome.SERVED: "good"}
_OBSERVED = 'None of this is enforced (mode = "observe"): pip chooses as usual, and may take another.'


def screen(e: Explanation, width: int, paint: Paint = unpainted, *, verbose: bool = False) -> str:
    """One explanation in `width` columns; `verbose` lists each rejected file and each URL that was asked."""
    lead = [paint(line, _SENTENCES.get(e.outcome, "bad")) for line in _wrapped(sentence(e), width)]
    if e.is_observed:
        lead += [paint(line, "warning") for line in _wrapped(_OBSERVED, width)]
    rows = [_row(e, line) for line in e.lines]
    tiers = [*table(_COLUMNS, rows, width, paint), ""] if rows else []
    facts = [line for label, texts in _facts(e, width, verbose=verbose) for line in _fact(label, texts, width)]
    return "\n".join([*lead, "", *tiers, *facts])


def summary(explanations: Sequence[Explanation], width: int) -> str:
    """The number of requirements by outcome; those that cannot be installed are named."""
    counts = [(outcome, [e for e in explanations if e.outcome is outcome]) for outcome in Outcome]
    parts = [_counted(outcome, explained) for outcome, explained in counts if explained]
    line = f"{count_of(len(explanations), 'requirement')}: {'; '.join(parts) or 'nothing to explain'}."
    return "\n".join(_wrapped(line, width))


def _counted(outcome: Outcome, explanations: Sequence[Explanation]) -> str:
    named = (
        ""
        if outcome is Outcome.SERVED
        else f" ({', '.join(dict.fromkeys(printable(e.project) for e in explanations))})"
    )
    return f"{len(explanations)} {outcome.value}{named}"


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Lines of at most `width`; a longer word, such as a URL, is never broken, so that it can be copied."""
    room = max(width - len(indent), 20)
    return textwrap.wrap(printable(text), room, break_long_words=False, break_on_hyphens=False) or [""]


def _fact(label: str, text: str, width: int) -> list[str]:
    indent = f"  {'':{_LABEL}}"
    lines = _wrapped(text, width, indent)
    return [f"  {label:{_LABEL}}{lines[0]}", *(indent + line for line in lines[1:])]


def _row(e: Explanation, line: Line) -> Row:
    chosen = line.status is LineStatus.SERVED and e.outcome is Outcome.SERVED
    choices = (choice for choice in (e.chosen, e.version_priority) if choice)
    named = next((choice.version for choice in choices if choice.repository == line.repository.name), None)
    has = (
        "no answer"
        if line.status is LineStatus.UNAVAILABLE
        else versions(line.versions, _MOST_VERSIONS, including=named)
    )
    if line.versions == () and line.status in (LineStatus.SERVED, LineStatus.SHADOWED, LineStatus.PASSED_OVER):
        has = "no file"
    cells = (">" if chosen else "", str(line.repository.priority), line.repository.name, has, result(line))
    return Row(cells, _STYLES.get(line.status, "quiet"))


def result(line: Line) -> str:
    """The status of a repository, and why."""
    if line.status in (LineStatus.SERVED, LineStatus.NOT_ASKED):
        return line.reason
    return f"{line.status.value}: {line.reason}" if line.reason else line.status.value


def _facts(e: Explanation, width: int, *, verbose: bool) -> Iterable[tuple[str, str]]:
    if e.required_by:
        yield "wanted by", e.required_by
    if e.constraint:
        yield "constraint", e.constraint
    if e.chosen:
        yield "file", e.chosen.file
    yield from _rejected(e, verbose=verbose)
    yield from _mirrors(e)
    yield from _asked(e, verbose=verbose)
    words = ((line.repository.name, server_says(line)) for line in e.faulty)
    yield from _labelled("says", [f"{name}: {text}" for name, text in words if text])
    yield from _rules([*e.rules, *(line.rule for line in e.lines if line.rule)], width)
    if alone := _pip_alone(e):
        yield "pip alone", alone
    if remedy := refusal_remedy(e):
        yield "hint", remedy.text
    if e.help and e.outcome is not Outcome.SERVED:
        yield "help", e.help
    if e.outcome is not Outcome.SERVED:
        yield "code", e.code.value


def _rejected(e: Explanation, *, verbose: bool) -> Iterable[tuple[str, str]]:
    if verbose:
        yield from _labelled("rejected", _rejected_lines(e))
        return
    if e.telling:
        first, files = e.telling[0], count_of(len(e.telling), "file")
        kinds = Counter(rejected.kind.value for rejected in e.telling)
        counts = f": {', '.join(f'{number} {kind}' for kind, number in kinds.items())}" if len(kinds) > 1 else ""
        lists = "-v lists all" if len(e.rejected) <= _MOST_FILES else f"-v lists {_MOST_FILES}, --format json all"
        yield "rejected", f"{first.version or first.file}: {first.reason} ({files}{counts}; {lists})"


def _rejected_lines(e: Explanation) -> list[str]:
    """The rejected files, one per line; if there are very many, those with the most telling reasons."""
    files: Sequence[Rejected] = e.rejected
    if len(files) > _MOST_FILES:
        files = [*e.telling, *(file for file in files if file.kind is Rejection.SPECIFIER)][:_MOST_FILES]
    more = len(e.rejected) - len(files)
    rest = [f"... and {more} more files (--format json has all)"] if more else []
    return [*(f"{_file(rejected)}: {rejected.reason}" for rejected in files), *rest]


def _file(rejected: Rejected) -> str:
    return rejected.file or "(a link without a file name)"


def _mirrors(e: Explanation) -> Iterable[tuple[str, str]]:
    """For repositories with mirrors: the URLs without a usable answer, and the one that answered."""
    for line in e.lines:
        tried = [f"{failure.url}: {failure.reason}" for failure in line.failures]
        answered = [f"{line.mirror} answered instead"] if line.mirror else []
        yield from _labelled("mirrors", [f"{line.repository.name}: {text}" for text in [*tried, *answered]])


def _asked(e: Explanation, *, verbose: bool) -> Iterable[tuple[str, str]]:
    """The URLs that were asked: all of them, or only those that caused the failure."""
    trouble = [line for line in e.lines if _is_trouble(e, line)]
    lines = [line for line in e.lines if line.asked] if verbose else trouble
    yield from _labelled("asked", [f"{line.repository.name}: {line.asked}" for line in lines if line.asked])


def _is_trouble(e: Explanation, line: Line) -> bool:
    """Whether a repository's answer is the reason that there is nothing to install."""
    if line.status is LineStatus.UNAVAILABLE:
        return True
    return line.repository in e.owners and not line.versions and line.status in (LineStatus.SERVED, LineStatus.ABSENT)


def _rules(rules: Sequence[Rule], width: int) -> Iterable[tuple[str, str]]:
    """Each rule with its file, all files in one column; if a rule is too long for that, the file is below it."""
    rows = [(printable(f"{r.key} = {r.value}" if r.value else r.key), printable(r.file)) for r in rules]
    left = max(width - _LABEL - 2, 20) - 2
    sizes = sorted({len(text) for text, _ in rows}, reverse=True)
    room = next((n for n in sizes if all(n + len(file) <= left for text, file in rows if len(text) <= n)), 0)
    lines = ([f"{text:{room}}  {file}"] if len(text) <= room else [text, file] for text, file in rows)
    return _labelled("rule", [line for both in lines for line in both])


def _labelled(label: str, texts: Sequence[str]) -> Iterable[tuple[str, str]]:
    """The texts as facts; only the first one has the label."""
    return ((label if not number else "", text) for number, text in enumerate(texts))


def _pip_alone(e: Explanation) -> str:
    """The sentence about what pip would take without the policy, if that was looked up."""
    alone = e.version_priority
    if e.private:
        others = join_words([repository.name for repository in e.private.others])
        more = f"; --disclose {e.project} compares it, and discloses the name to {others}" if others else ""
        return f"not compared: private ({e.private.word}){more}"
    if alone is None:
        asks = e.outcome is Outcome.SERVED and any(line.status is LineStatus.NOT_ASKED for line in e.lines)
        below = join_words([line.repository.name for line in e.lines if line.status is LineStatus.NOT_ASKED])
        if asks:
            return f"not checked: {below} would learn the name; --shadowed checks it"
        silent = join_words([line.repository.name for line in e.faulty])
        return f"not known: {silent} gave no answer" if silent and e.outcome is Outcome.SERVED else ""
    return f"would take {_stranger(e, alone)}"


def _stranger(e: Explanation, alone: Chosen) -> str:
    pick = f"{alone.version} from {alone.repository}"
    if e.chosen == alone:
        return f"the same: {pick}"
    if e.chosen and e.chosen.file == alone.file:
        return f"{pick}, which has a file of the same name"
    return pick if alone.repository in {owner.name for owner in e.owners} else f"{pick}: another publisher's project?"
