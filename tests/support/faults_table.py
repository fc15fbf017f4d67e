"""Makes docs/compatibility/faults.md from the results of the fault matrix.

REPOPRIO_FAULTS=results.jsonl python -m pytest -n 2 -m '' tests/adapter/test_fault_matrix.py -k no_fault
python tests/support/faults_table.py results.jsonl > docs/compatibility/faults.md
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

HEAD = """# What a broken repository can do

Each fault below was tested with pip 26.3 and a real session. The faulty repository owns the name, or may own it. It was
tested in three positions (highest priority, between two others, same priority as another one), with a cold and a warm
cache. A lower-priority repository and another site had the same name in a higher version. In none of the {count} cases
was a file from there a candidate, and in none was the name requested there.

"refused" means exit status 1 with a message that names the repository, the cause and a remedy. "nothing fits" means
that the page is valid: the repository owns the name, and has no file of it.

To repeat the test: `REPOPRIO_FAULTS=results.jsonl python -m pytest -n 2 -m '' tests/adapter/test_fault_matrix.py
-k=no_fault`, then `python tests/support/faults_table.py results.jsonl`. `python benchmarks/faults.py --full` compares
installers: with 70 faults, cold or warm, stock pip 26.3 installed the public package in 54, uv 0.13.8 in 5 (all of
them redirects, which it follows), pip with repoprio in none.

The table leaves out answers that mean "absent": a 404, a redirect to the page of the name in another repository of the
policy, and what the keys `absent`, `redirects` and `skip-if-unavailable` add.

| fault | what it does | result | cases |
|---|---|---|--:|"""
_SHOWN = {"unavailable": "refused", "no-match": "nothing fits", "served": "the tied member's own"}


def table(lines: Iterable[str]) -> str:
    """The page, from the lines of results."""
    faults: dict[tuple[str, str], list[list[str]]] = {}
    for line in lines:
        fault, why, *rest = json.loads(line)
        faults.setdefault((fault, why), []).append(rest)
    count = sum(map(len, faults.values()))
    rows = [f"| {fault} | {why} | {outcomes(found)} | {len(found)} |" for (fault, why), found in sorted(faults.items())]
    return "\n".join([HEAD.format(count=count), *rows])


def outcomes(found: list[list[str]]) -> str:
    """The results of one fault, each once."""
    told = dict.fromkeys(_shown(outcome, said) for _, _, outcome, said in sorted(found))
    return "; ".join(told)


def _shown(outcome: str, said: str) -> str:
    cause = re.search(r"corp \(priority 10\) is unavailable: ([^\n]*)\.\n", said)
    reason = re.sub(r"127\.0\.0\.1:\d+", "HOST", re.sub(r"/[^ ;]*/policy", "policy", cause[1])) if cause else ""
    shown = _SHOWN.get(outcome, outcome)
    return f"{shown}: {reason}" if reason else shown


if __name__ == "__main__":
    sys.stdout.write(table(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()) + "\n")
