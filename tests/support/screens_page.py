"""Makes docs/reference/screens.md from the golden screens.

python tests/support/screens_page.py > docs/reference/screens.md
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.cases import Case, load_cases
from support.paths import SCREENS

HEAD = """# What explain shows, situation by situation

Each screen is what `repoprio explain` printed below its first line, which names the environment, in a terminal of 80
columns, from real repositories on loopback, whose hosts are replaced. The tests hold it against this, letter by
letter; `tests/golden/screens` has each one in 120 columns and as JSON too. The pages on
[repositories](../how-to/repositories.md), [compare](../how-to/compare.md) and [audit](../how-to/audit.md) show what
these commands print.
"""


def page() -> str:
    """The page."""
    return "\n".join([HEAD, *(_section(case) for case in load_cases(SCREENS / "situations.toml"))])


def _section(case: Case) -> str:
    screen = (SCREENS / f"{case.id}.80.txt").read_text(encoding="utf-8").rstrip()
    constraints = ["-c constraints.txt"] if case.constraints else []
    options = [option.replace("{east}", "https://east.my.example/simple/") for option in case.options]
    words = " ".join([*options, *constraints, *(f"'{r}'" if "<" in r or ">" in r else r for r in case.request)])
    return f"## {case.id}\n\n{case.why}\n\n```console\n$ repoprio explain {words}\n{screen}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(page())
