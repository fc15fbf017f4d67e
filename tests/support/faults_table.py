"""Makes docs/compatibility/faults.md from what the fault matrix noted.

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

Each fault below was given by a repository that owns a name, or may own it, in three positions (at the top, in the
middle, beside another one of the same priority), with a cold and with a warm cache, to pip 26.3 through a real session.
Below it stood a repository with the same name in a higher version, elsewhere a site with it as well. In none of the
{count} cases was a file from below or elsewhere a candidate, nor was anybody there asked for it.

"refused" is exit status 1 with a message that names the repository, the cause and a way out. "nothing fits" means that
the page counts: the repository owns the name, and has no file of it.

To do it again: `REPOPRIO_FAULTS=results.jsonl python -m pytest -n 2 -m '' tests/adapter/test_fault_matrix.py
-k=no_fault`, then `python tests/support/faults_table.py results.jsonl`. `python benchmarks/faults.py --full` does the
same to others: of 70 faults, cold or warm, stock pip 26.3 handed over the public package in 54, uv 0.13.8 in 5 (all
of them redirects, which it follows), a pip with repoprio in none.

What is not here is what a repository says itself: a 404, a redirect to the very page of the name in another repository
of the policy, and what the keys `absent`, `redirects` and `skip-if-unavailable` say besides. These mean "absent".

| fault | what it does | what comes of it | cases |
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
    """What came of one fault, told once where it is the same everywhere."""
    told = dict.fromkeys(_told(outcome, said) for _, _, outcome, said in sorted(found))
    return "; ".join(told)


def _told(outcome: str, said: str) -> str:
    cause = re.search(r"corp \(priority 10\) is unavailable: ([^\n]*)\.\n", said)
    reason = re.sub(r"127\.0\.0\.1:\d+", "HOST", re.sub(r"/[^ ;]*/policy", "policy", cause[1])) if cause else ""
    shown = _SHOWN.get(outcome, outcome)
    return f"{shown}: {reason}" if reason else shown


if __name__ == "__main__":
    sys.stdout.write(table(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()) + "\n")
