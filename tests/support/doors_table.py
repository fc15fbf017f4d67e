"""Makes the table of docs/compatibility/pips.md from the results of tests/pip/test_doors.py.

python doors_table.py RESULTS > FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HEAD = """\
# Pips, Pythons and doors

What `tests/pip/test_doors.py` found, over all pips and Pythons that it was run with: for each door of each pip the
number of Pythons on which it obeyed. In each case `acme` is in a repository above (1.0) and in one below (99.0);
through every door comes 1.0, and the one below is never asked for the name. `-`: that pip has no such door. pips
before 23.1.2 do not run on Python 3.12 and later.

This file is made by

    REPOPRIO_DOORS=results REPOPRIO_TEST_PYTHONS=python3.10:python3.12:python3.13 \\
        python -m pytest -n 2 tests/pip/test_doors.py -m "full or not full"
    python tests/support/doors_table.py results > docs/compatibility/pips.md

"""


def table(results: Path) -> str:
    """The results as Markdown."""
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    pythons = sorted({python for python, _, _, _ in rows}, key=_numbers)
    pips = sorted({pip for _, pip, _, _ in rows}, key=_numbers)
    doors = list(dict.fromkeys(door for _, _, door, _ in rows))
    lines = [f"Pythons: {', '.join(pythons)}.", "", f"| door | {' | '.join(pips)} |", f"|---|{'---|' * len(pips)}"]
    lines += [f"| {door} | {' | '.join(_cell(rows, pip, door) for pip in pips)} |" for door in sorted(doors)]
    return HEAD + "\n".join(lines) + "\n"


def _cell(rows: list[list[str]], pip: str, door: str) -> str:
    found = {python: result for python, p, d, result in rows if (p, d) == (pip, door)}
    failed = [python for python, result in found.items() if result != "ok"]
    return f"FAILED on {', '.join(failed)}" if failed else str(len(found)) if found else "-"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


if __name__ == "__main__":
    sys.stdout.write(table(Path(sys.argv[1])))
