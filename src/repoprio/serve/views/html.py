"""Renders the gateway's pages for people: a search field and explanations. No scripts; all text is escaped. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from itertools import groupby

from repoprio.explain.explanation import Explanation, Line, LineStatus
from repoprio.explain.refusal_remedies import refusal_remedy
from repoprio.lookup.project import Outcome
from repoprio.policy.model import Policy, Repository, Rule
from repoprio.redaction import printable, truncate
from repoprio.render.messages.sentences import sentence, versions
from repoprio.serve.freshness import Timing
from repoprio.serve.problems import Problem
from repoprio.serve.views.explanations import ClientAnswer, Explained
from repoprio.serve.views.style import SHEET
from repoprio.wording import count_of, join_words

MEDIA_TYPE = "text/html; charset=utf-8"
_MOST_VERSIONS = 10
_LONGEST = 2000
Hide = Callable[[str], str]
Facts = Iterable[tuple[str, str]]
_QUESTION = "<h1>Where does a project come from?</h1>"
_ORDER = "<h2>Repositories, highest priority first</h2>"


def start(policy: Policy, hide: Hide) -> bytes:
    """The page at the root: the search field, and the repositories in their order."""
    shown = _shown(hide)
    cards = [(r.priority, _card(shown, r.name, _configured(r))) for r in policy.enabled()]
    body = f"""{_QUESTION}
<p>Each project belongs to the highest-priority repository that has it; no lower one is asked for it.</p>
{_ORDER}
{_tiers(cards)}
<footer>Clients use <a href="simple/">simple/</a> as their only index.</footer>
"""
    return _page("repoprio", "explain/", "./", body)


def _configured(repository: Repository) -> Facts:
    """The URL of a repository, and the names that it may serve."""
    yield "URL", repository.locations[0].shown
    patterns = {
        "namespaces": repository.namespaces,
        "owns": repository.owns,
        "include": repository.include,
        "exclude": repository.exclude,
    }
    yield from ((key, " ".join(pattern.text for pattern in known)) for key, known in patterns.items() if known)
    if repository.explicit:
        yield "explicit", "only names that are routed to it"


def no_name(text: str) -> bytes:
    """The page with the search field alone; `text` was entered and is no project name, "" if the field was empty."""
    note = f'<div class="verdict"><p>{_text(truncate(text, 100))} is not the name of a project.</p></div>\n'
    return _page("repoprio", "./", "../", f"{_QUESTION}\n{note if text else ''}")


def explained(result: Explained, seconds: float, hide: Hide) -> bytes:
    """The explanation of a name; clients may have pages `seconds` older; `hide` hides secrets."""
    e, shown = result.explanation, _shown(hide)
    state = "served" if e.outcome is Outcome.SERVED else "refused"
    cards = [(line.repository.priority, _line(line, result.timing_of(line), shown)) for line in e.lines]
    body = f"""<h1>{shown(e.project)}</h1>
<div class="verdict {state}"><p>{shown(sentence(e))}</p>{_facts(_more(e, result.answer), shown)}</div>
{_hints(e, shown)}{_ORDER}
{_tiers(cards)}
<h2>Rules that decided</h2>
{_rules(e.rules, shown)}
<footer>As of {result.at:%Y-%m-%d %H:%M:%S} UTC. Clients may have a page that is up to {seconds:.3g} s older. \
<a href="?format=json">The same as JSON</a></footer>
"""
    return _page(f"{e.project} - repoprio", "./", "../", body)


def failed(project: str, problem: Problem, hide: Hide) -> bytes:
    """The page that says why there is no explanation."""
    shown = _shown(hide)
    verdict = f"<p>{shown(problem.title)}.</p>{_facts([('Code', problem.code)], shown)}"
    body = f"""<h1>{shown(project)}</h1>
<div class="verdict">{verdict}</div>
<h2>What happened</h2>
<div class="hint"><p>{shown(problem.detail)}</p></div>
"""
    return _page(f"{project} - repoprio", "./", "../", body)


def _more(e: Explanation, answer: ClientAnswer) -> Facts:
    """The facts below the sentence: what clients get, the files that are left out, the code."""
    yield "Clients get", _got(answer)
    if e.telling:
        first, files = e.telling[0], count_of(len(e.telling), "file")
        yield "Left out", f"{first.version or first.file}: {first.reason} ({files})"
    yield "Code", e.code.value


def _got(answer: ClientAnswer) -> str:
    if answer.title:
        return f"{answer.status}, {answer.title[0].lower()}{answer.title[1:]}"
    page = f"{answer.status}, the page of {join_words(answer.owners)}"
    if answer.age is None:
        return page
    until = "marked as stale" if answer.left is None else f"good for {answer.left:.0f} s more"
    return f"{page}: {answer.age:.0f} s old, {until}"


def _hints(e: Explanation, shown: Hide) -> str:
    """The remedy, if something was refused."""
    remedy = refusal_remedy(e)
    help_ = f"Help: {e.help}" if e.help and e.outcome is not Outcome.SERVED else None
    texts = [text for text in (remedy and remedy.text, help_) if text]
    return f'<h2>What to do</h2>\n<div class="hint">{_paragraphs(texts, shown)}</div>\n' if texts else ""


def _line(line: Line, timing: Timing | None, shown: Hide) -> str:
    """One repository: what it answered, when, and the versions that it has."""
    look = line.status.value if line.status in _TOOK_PART else "quiet"
    state = line.status.value.replace("-", " ")
    # The status is next to its time.
    text = "" if line.reason == str(line.http_status) else line.reason
    return _card(shown, line.repository.name, _answered(line, timing), look=look, state=state, text=text)


# The other repositories did not matter for the decision.
_TOOK_PART = {LineStatus.SERVED, LineStatus.SHADOWED, LineStatus.PASSED_OVER, LineStatus.ABSENT, LineStatus.UNAVAILABLE}


def _answered(line: Line, timing: Timing | None) -> Facts:
    if line.versions:
        yield "Has", versions(line.versions, _MOST_VERSIONS)
    if line.asked:
        yield "Asked", line.asked
        status = f"{line.http_status}, " if line.http_status else ""
        when = f"{timing.seconds * 1000:.0f} ms after {timing.at:%H:%M:%S} UTC" if timing else "in an earlier lookup"
        yield "Answered", f"{status}{when}"
    yield from (("Tried", f"{tried.url}: {tried.reason}") for tried in line.failures)
    if line.rule:
        yield "Rule", str(line.rule)


def _card(shown: Hide, name: str, facts: Facts, *, look: str = "", state: str = "", text: str = "") -> str:
    """One repository in its tier."""
    label = f' <span class="state">{shown(state)}</span>' if state else ""
    paragraphs = _paragraphs([text] if text else [], shown)
    head = f'<div class="head"><h3>{shown(name)}</h3>{label}</div>'
    return f'<div class="repository {look}">{head}{paragraphs}{_facts(facts, shown)}</div>'


def _tiers(cards: Iterable[tuple[int, str]]) -> str:
    """The repositories by their priorities."""
    tiers = groupby(cards, lambda card: card[0])
    items = (
        f'<li><p class="tier">Priority {priority}</p><div>{"".join(card for _, card in tier)}</div></li>'
        for priority, tier in tiers
    )
    return f'<ol class="tiers">\n{"".join(items)}\n</ol>'


def _facts(facts: Facts, shown: Hide) -> str:
    items = "".join(f"<dt>{label}</dt><dd>{shown(text)}</dd>" for label, text in facts)
    return f"<dl>{items}</dl>" if items else ""


def _rules(rules: Iterable[Rule], shown: Hide) -> str:
    """Each rule with the file that sets it."""
    items = (f"<li><code>{shown(_setting(rule))}</code> <span>{shown(rule.file)}</span></li>" for rule in rules)
    return f'<ul class="rules">{"".join(items)}</ul>'


def _setting(rule: Rule) -> str:
    return f"{rule.key} = {rule.value}" if rule.value else rule.key


def _paragraphs(texts: Iterable[str], shown: Hide) -> str:
    return "".join(f"<p>{shown(text)}</p>" for text in texts)


def _shown(hide: Hide) -> Hide:
    """A text without secrets, of limited length, escaped for HTML."""
    return lambda text: _text(truncate(hide(text), _LONGEST))


def _text(text: str) -> str:
    """An untrusted text, escaped for HTML."""
    return escape(printable(text))


def _page(title: str, action: str, home: str, body: str) -> bytes:
    """A whole page; `action` and `home` are where the search and the start are from here."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(title)}</title>
<style>{SHEET}</style>
</head>
<body>
<header>
<a href="{home}">repoprio</a>
<form action="{action}" method="get" role="search">
<input type="search" name="name" aria-label="Name of a project" placeholder="Name of a project" required>
<button>Explain</button>
</form>
</header>
<main>
{body}</main>
</body>
</html>
""".encode("utf-8", "replace")
