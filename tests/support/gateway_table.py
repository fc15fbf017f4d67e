"""Makes docs/compatibility/gateway.md from the rows of the gateway's fault matrix.

python tests/support/gateway_table.py > docs/compatibility/gateway.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import gateway_matrix as matrix
from support.wire import WireFault

HEAD = """# The gateway's fault matrix

Each row below is tested: {count} cases, and one law in all of them. **No answer holds a file from below the name's
owner, and nobody below the owner is asked for the name.** Three repositories are behind the gateway: corp (priority
10), team (50), which owns the name unless a row says otherwise, and public (90), which has it in version 99.0.

`python -m pytest tests/gateway -k matrix` runs a part of it, each row at least once; with `-m ''` it runs all.
`python -m benchmarks.soak --minutes 30` has random ones of these faults come and go under load.

This page is made from `tests/cases`, by `python tests/support/gateway_table.py`."""

PAGES = """## A. A repository does something else instead of answering ({count})

Each fault at corp, team and public, while team's page was never fetched, is fresh, ended a moment ago, or is older than
`stale-if-error`.

| where | never fetched | fresh | ended | too old |
|---|---|---|---|---|
| corp, above the owner | 503 | the page | 503 | 503 |
| team, the owner | 503 | the page | 503, or the last page, marked | 503 |
| public, below the owner | the page | the page | the page | the page |

The last page stands in for the faults that are marked below. A fault that is a valid page without a file of the project
makes the repository the owner: 200 and no files. A 404 of corp means that it lacks the project; one of team, which
has served it, gives 410."""

FILES = """## B. A file does not come as its page states it ({count})

Each fault at each of the three repositories, which owns the name then, for a file and for its metadata, with a page
that is there and one that is not. "refused" is 502; "breaks off" means that the last part is never sent."""

CONTENTS = """## C. What a page holds ({count})

Each from a repository that answers in JSON, and from one that answers in HTML, where the form can say it."""

REQUESTS = """## D. What a client asks for ({count})

Byte by byte, of a real gateway. Nothing that the client says comes back; no repository learns of what is no name."""

CLIENTS = """## E. Real clients ({count})

{clients} through the gateway, while the owner has one of these faults: each of them stops. pip with the plugin has all
faults of block A ([its own page](faults.md))."""

STATES = """## F. The gateway's own state ({count})"""


def page() -> str:
    """The page."""
    blocks = (matrix.pages(), matrix.files(), matrix.contents(), matrix.REQUESTS, matrix.clients(), matrix.STATES)
    counts = [len(block) for block in blocks]
    return "\n\n".join(
        [
            HEAD.format(count=sum(counts)),
            PAGES.format(count=counts[0]),
            _table(("fault", "what it does", "the owner's last page may stand in"), _pages()),
            FILES.format(count=counts[1]),
            _table(("fault", "what it does", "file", "metadata"), _files()),
            CONTENTS.format(count=counts[2]),
            _table(("content", "what it is", "result"), _contents()),
            REQUESTS.format(count=counts[3]),
            _table(("request", "what it is", "answer"), _requests()),
            CLIENTS.format(count=counts[4], clients=", ".join(matrix.CLIENTS)),
            ", ".join(f"`{name}`" for name in matrix.WORST),
            STATES.format(count=counts[5]),
            _table(("what happens", "what clients get"), ((row.why, row.result) for row in matrix.STATES)),
        ]
    )


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _pages() -> Iterator[tuple[str, ...]]:
    for fault in matrix.PAGES:
        yield fault.id, fault.why, _meaning(fault)


def _meaning(fault: WireFault) -> str:
    if fault is matrix.ABSENT:
        return "no: it lacks the project"
    if fault.how == "dns":
        return "only tried with a page that was never fetched"
    if fault.outcome == "no-match":
        return "no: it owns the name, and has no file of it"
    return "yes" if fault.id in matrix.DOWN else "no"


def _files() -> Iterator[tuple[str, ...]]:
    for fault in matrix.FILES:
        yield fault.id, fault.why, "refused" if fault.outcome == "refused" else "breaks off", "refused"


def _contents() -> Iterator[tuple[str, ...]]:
    for row in matrix.CONTENTS:
        forms = [form for form in matrix.FORMS if row.only in (None, form)]
        refused = [form for form in forms if form in row.refused]
        kept = "listed; the gateway never fetches it" if row.direct else "listed" if row.kept else "left out"
        kept = kept if row.files or "<a " in row.html else "relayed as text, or left out"
        if refused == forms:
            yield row.id, row.why, "503"
        else:
            yield row.id, row.why, f"503 in {' and '.join(map(str.upper, refused))}; else {kept}" if refused else kept


def _requests() -> Iterator[tuple[str, ...]]:
    for row in matrix.REQUESTS:
        yield row.id, row.why, " or ".join(map(str, row.status))


if __name__ == "__main__":
    sys.stdout.write(page() + "\n")
