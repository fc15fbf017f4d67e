"""What was measured, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .measuring import Outcome, Result
from .rows import PIP, UV, Goal, Measure

KINDS = {"page": "pages", "absent": "absent", "unchanged": "unchanged", "list": "lists", "metadata": "metadata"}
_HEAD = ("client", "wall s", "range", "CPU s", "of pip", "of uv", *KINDS.values(), "others", "connections", "at once")


class Line(NamedTuple):
    """A goal and what was reached."""

    row: str
    what: str
    goal: float | None
    figure: float | None
    floor: str = ""

    @property
    def verdict(self) -> str:
        """Whether the goal was reached."""
        if self.figure is None:
            return "not measured"
        return "" if self.goal is None else "reached" if self.figure <= self.goal else "missed"


def of_row(outcome: Outcome) -> str:
    """One line for each client."""
    row = outcome.row
    floor = f"floor {row.floor(outcome.levels):.2f} s: {_turns(outcome)}"
    table = _table(_HEAD, (_client(outcome, result) for result in outcome.results))
    failures = (f"\n{result.client} FAILED: {result.failure}\n" for result in outcome.results if result.failure)
    differs = "\nrepoprio CHOSE OTHERWISE than pip\n" if outcome.differs else ""
    return f"\n{row.name}: {row.title}\n{floor}\n\n{table}{''.join(failures)}{differs}"


def goals_of(outcome: Outcome) -> list[Line]:
    """One line for each goal of a row."""
    floor = f"{outcome.row.floor(outcome.levels):.2f} s"
    return [
        Line(outcome.row.name, _against(goal), goal.at_most, outcome.reached(goal), floor) for goal in outcome.row.goals
    ]


def of_goals(lines: Iterable[Line]) -> str:
    """All goals."""
    head = ("row", "measured", "goal", "reached", "", "floor")
    return _table(
        head,
        ((line.row, line.what, _ratio(line.goal), _ratio(line.figure), line.verdict, line.floor) for line in lines),
    )


def _turns(outcome: Outcome) -> str:
    for_each, once = outcome.row.turns
    parts = [f"{for_each} round trips for each of {outcome.levels} levels"] if for_each else []
    parts += [f"{once} round trips"] if once else []
    parts += ["one handshake"] if outcome.row.handshake else []
    return " and ".join(parts)


def _against(goal: Goal) -> str:
    if goal.against is None:
        return "wall, of the sum of its latencies"
    return f"{goal.measure.value}, of {goal.against}"


def _client(outcome: Outcome, result: Result) -> Sequence[str]:
    if not result.runs:
        return (result.client, "failed", *[""] * (len(_HEAD) - 2))
    counts = result.counts
    walls = [run.wall for run in result.runs]
    others = sum(count for kind, count in counts.items() if kind not in KINDS)
    return (
        result.client,
        f"{result.wall:.2f}",
        f"{min(walls):.2f}-{max(walls):.2f}",
        f"{result.cpu:.2f}",
        *(_ratio(outcome.ratio(result.client, other, Measure.WALL)) for other in (PIP, UV)),
        *(str(counts[kind]) for kind in KINDS),
        str(others),
        str(result.traffic.connections),
        str(result.traffic.most_at_once),
    )


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, *lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    written = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([written[0], rule, *written[1:]]) + "\n"
