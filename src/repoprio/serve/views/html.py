"""The gateway's pages for people: a search field, and explanations. No script; all text is escaped. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from html import escape

from repoprio.explain.explanation import Explanation, Line
from repoprio.explain.refusal_remedies import refusal_remedy
from repoprio.lookup.project import Outcome
from repoprio.redaction import printable, truncate
from repoprio.render.explain_text import result
from repoprio.render.messages import sentence, versions

MEDIA_TYPE = "text/html; charset=utf-8"
_MOST_VERSIONS = 10
_LONGEST = 2000
_STYLE = """
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --good: #56d364; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 46rem; padding: 1rem; overflow-wrap: anywhere; }
form { display: flex; gap: .5rem; }
input { flex: 1; min-width: 0; font: inherit; padding: .4rem .6rem; }
button { font: inherit; padding: .4rem .8rem; }
h1 { font-size: 1.5rem; margin: 1.5rem 0 .5rem; }
.served { color: var(--good); }
.refused { color: var(--bad); }
ol { list-style: none; margin: 1rem 0; padding: 0; }
li { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .5rem .8rem; }
li.served { border-left: .3rem solid var(--good); color: inherit; }
li.unavailable { border-left: .3rem solid var(--bad); }
li p { margin: 0; }
dt { font-weight: bold; margin-top: .5rem; }
dd { margin: 0; }
footer { border-top: 1px solid var(--line); font-size: .875rem; margin-top: 1.5rem; padding-top: .5rem; }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# The one style sheet, the form to this site, and nothing else.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
Hide = Callable[[str], str]


def search(said: str, action: str) -> bytes:
    """The page with the search field, which leads to `action`; `said` is a text that is no name, if any."""
    note = f'<p class="refused">{_text(truncate(said, 100))} is not the name of a project.</p>\n' if said else ""
    return _page("repoprio", action, f"<h1>Where does a project come from?</h1>\n{note}")


def explained(e: Explanation, at: str, seconds: float, hide: Hide) -> bytes:
    """The explanation of a name, asked `at` this time; clients may have pages `seconds` older; `hide` hides secrets."""

    def shown(text: str) -> str:
        return _text(truncate(hide(text), _LONGEST))

    state = "served" if e.outcome is Outcome.SERVED else "refused"
    lines = "\n".join(_line(line, shown) for line in e.lines)
    facts = "\n".join(f"<dt>{label}</dt><dd>{shown(text)}</dd>" for label, text in _facts(e))
    body = f"""<h1>{shown(e.project)}</h1>
<p class="{state}">{shown(sentence(e))}</p>
<ol>
{lines}
</ol>
<dl>
{facts}
</dl>
<footer>Asked {_text(at)}. Clients may have a page that is up to {seconds:.3g} s older. \
<a href="?format=json">The same as JSON</a></footer>
"""
    return _page(f"{e.project} - repoprio", "./", body)


def _line(line: Line, shown: Hide) -> str:
    """One repository: its name and priority, what it answered, the versions that it has."""
    has = f"<p>has {shown(versions(line.versions, _MOST_VERSIONS))}</p>" if line.versions else ""
    asked = f"<p>asked: {shown(line.asked)}</p>" if line.asked else "<p>not asked</p>"
    return (
        f'<li class="{_text(line.status.value)}"><p><b>{shown(line.repository.name)}</b> '
        f"(priority {line.repository.priority}): {shown(result(line))}</p>{has}{asked}</li>"
    )


def _facts(e: Explanation) -> Iterator[tuple[str, str]]:
    if e.telling:
        first, count = e.telling[0], len(e.telling)
        yield "left out", f"{first.version or first.file}: {first.reason} ({count} file{'' if count == 1 else 's'})"
    for rule in dict.fromkeys([*e.rules, *(line.rule for line in e.lines if line.rule)]):
        yield "rule", f"{rule.key} = {rule.value} ({rule.file})" if rule.value else f"{rule.key} ({rule.file})"
    for line in e.lines:
        for tried in line.failures:
            yield "mirror", f"{line.repository.name}: {tried.url}: {tried.reason}"
    if remedy := refusal_remedy(e):
        yield "hint", remedy.text
    if e.help and e.outcome is not Outcome.SERVED:
        yield "help", e.help
    yield "code", e.code.value


def _text(text: str) -> str:
    """A text that may come from anywhere, for HTML."""
    return escape(printable(text))


def _page(title: str, action: str, body: str) -> bytes:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<form action="{action}" method="get" role="search">
<input type="search" name="name" aria-label="Name of a project" placeholder="Name of a project" required>
<button>Explain</button>
</form>
<main>
{body}</main>
</body>
</html>
""".encode("utf-8", "replace")
