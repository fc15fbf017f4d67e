"""Stock pip, uv and repoprio beside each other, on repositories with latency on loopback.

Run it in a checkout, with a Python that has the extra `dev`: python -m benchmarks.network
It makes its own environments, projects and repositories; docs/explanation/performance.md tells what the rows mean.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import pages

from . import ahead, load, tables
from .clients import PROJECT, Clients, make_tools
from .measuring import Outcome, measure
from .rows import AHEAD, ROWS, Row
from .tables import Line

OTHERS = {
    "ahead": "what was fetched ahead in vain, on three graphs with conflicts",
    "page": "CPU from a page of 5,000 files to pip's candidates",
    "server": "what the server alone can carry: 8 x 50 connections",
}


def main() -> int:
    """Print a table for each row, and one of all goals; 1 if something failed, or repoprio chose otherwise than pip."""
    options = _parser().parse_args()
    if options.list:
        for name, title in ({row.name: row.title for row in ROWS} | OTHERS).items():
            print(f"{name:<20}{title}")
        return 0
    wanted = options.row or [row.name for row in ROWS] + list(OTHERS)
    if "server" in wanted:
        print("\nserver: this server, asked by no client but one of ours\n")
        for latency in (0, 50):
            print(f"- {load.report(latency)}")
    if wanted == ["server"]:
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(options.work or scratch).absolute()
        work.mkdir(parents=True, exist_ok=True)
        return _measure(options, wanted, work)


def _measure(options: argparse.Namespace, wanted: Sequence[str], work: Path) -> int:
    tools = make_tools(work, options.pip, options.project.absolute(), options.uv)
    busy = f"{os.getloadavg()[0]:.1f} processes ready to run on {os.cpu_count()} processors before it began"
    print(f"\n{tools.versions()}; medians of {options.runs} interleaved runs; {busy}", flush=True)
    clients = Clients(tools, work)
    lines: list[Line] = []
    outcomes = []

    def run(row: Row, runs: int) -> Outcome:
        outcome = measure(row, clients, runs, serves_json=not options.html)
        print(tables.of_row(outcome), flush=True)
        outcomes.append(outcome)
        return outcome

    for row in ROWS:
        if row.name in wanted:
            lines += tables.goals_of(run(row, options.runs))
    if "ahead" in wanted:
        lines += ahead.in_vain([run(row, 1) for row in AHEAD])
    if "page" in wanted:
        lines += _pages(tools.guarded, options.runs)
    print(f"\n{tables.of_goals(lines)}")
    return int(any(one.differs or any(result.failure for result in one.results) for one in outcomes))


def _pages(python: Path, runs: int) -> list[Line]:
    found = pages.compare_all(python, max(runs, 11))
    return [Line("page", f"CPU, of pip: {title}", pages.GOALS[kind], ratio) for title, kind, ratio in found]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.network", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [row.name for row in ROWS] + list(OTHERS)
    parser.add_argument("--list", action="store_true", help="the rows, and nothing else")
    parser.add_argument("--row", action="append", choices=names, metavar="NAME", help="only this row; may be repeated")
    parser.add_argument("--runs", type=int, default=5, help="how often each client runs (%(default)s)")
    parser.add_argument("--pip", default="", metavar="VERSION", help="the version of pip (the newest)")
    parser.add_argument("--uv", metavar="PATH", help="uv (that beside this Python, or on PATH)")
    parser.add_argument("--project", type=Path, default=PROJECT, metavar="DIR", help="repoprio's checkout (this one)")
    parser.add_argument("--work", metavar="DIR", help="keep the environments there, for the next time")
    parser.add_argument("--html", action="store_true", help="serve pages in HTML alone")
    return parser


if __name__ == "__main__":
    sys.exit(main())
