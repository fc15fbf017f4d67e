"""``repoprio report``: the logs of many machines in observe mode, summed up."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator

from repoprio.cli import terminal
from repoprio.errors import RepoprioError
from repoprio.explain.observation_report import NoRecord, Report
from repoprio.render import observation_report as rendered
from repoprio.render.observation_report import Damage, Read
from repoprio.render.table import painted, unpainted
from repoprio.storage import logs

_NAMED = 10
_EACH = 10_000


class NoLog(RepoprioError):
    """A log that cannot be read."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What report takes."""
    parser.description = (
        'Sum up the logs (REPOPRIO_LOG) of many machines with mode = "observe": which names the policy would change, '
        "on how many hosts, and the TOML to add to the policy. Asks no repository."
    )
    logs_ = "a log, or - for standard input; one that is compressed with gzip is recognized"
    parser.add_argument("logs", nargs="+", metavar="FILE", help=logs_)
    parser.add_argument("-v", "--verbose", action="store_true", help="show all changes, and the hosts of each")
    terminal.add_report(parser)


def command(options: argparse.Namespace) -> int:
    """Print the report; 1 if the policy would change something, or not all of the logs could be read."""
    report, damage, damaged = Report(), list[Damage](), 0
    with terminal.progress() as show:
        for log in options.logs:
            for line in _read(report, log, show):
                damaged += 1
                if len(damage) < _NAMED:
                    damage.append(line)
    read = Read(len(options.logs), damaged, damage)
    if options.format == "json":
        print(rendered.document(report, read))
    else:
        paint = painted if terminal.shows_color(sys.stdout, options.color) else unpainted
        print(rendered.screen(report, read, terminal.columns(sys.stdout), paint, whole=options.verbose))
    return 1 if report.records or damaged else 0


def _read(report: Report, log: str, show: Callable[[str], None]) -> Iterator[Damage]:
    """Add a log to the report; yields its lines that are no records."""
    number = 0
    try:
        for number, line in enumerate(logs.lines(log), 1):
            if number % _EACH == 0:
                show(f"{log}: {number:,} lines")
            if problem := _add(report, line, log):
                yield Damage(log, number, problem)
    except logs.CutOff:
        yield Damage(log, number + 1, "the log is cut off here")
    except OSError as error:
        raise NoLog(f"{log} cannot be read: {error.strerror}.    [usage]") from None


def _add(report: Report, line: bytes | None, log: str) -> str | None:
    """Add one line; what is wrong with it, or None. An empty one is nothing."""
    if line is None:
        return f"longer than {logs.LONGEST_LINE // 1024} KiB"
    try:
        if line.strip():
            report.add(json.loads(line), log)
    except NoRecord as error:
        return str(error)
    except (ValueError, RecursionError):
        return "not JSON"
    return None
