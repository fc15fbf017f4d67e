"""Aligned tables for a terminal of any width, in colour if the caller passes a painter. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from repoprio.dataclass import dataclass
from repoprio.redaction import printable

# From text and style to coloured text; colour never carries meaning alone.
Paint = Callable[[str, str], str]

_GAP = "  "
_INDENT = "  "
# Columns are never narrower than this.
_LEAST = 14
_CODES = {"good": "32", "bad": "31", "warning": "33", "quiet": "2", "strong": "1"}


def unpainted(text: str, _: str) -> str:
    """`text` as it is."""
    return text


def painted(text: str, style: str) -> str:
    """`text` in the style's colour, with ANSI escape sequences."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style else text


@dataclass(frozen=True)
class Column:
    """A column: `right` aligns it right; `wraps` allows it to be narrower than its longest text."""

    title: str
    right: bool = False
    wraps: bool = False


@dataclass(frozen=True)
class Row:
    """One row; `style` is the style of all its cells."""

    cells: Sequence[str]
    style: str = ""


def table(columns: Sequence[Column], rows: Sequence[Row], width: int, paint: Paint = unpainted) -> list[str]:
    """The lines of a table in `width` columns; a word that is too long, such as a URL, sticks out on the right."""
    cells = [[printable(cell) for cell in row.cells] for row in rows]
    natural = [max([len(column.title), *(len(row[i]) for row in cells)]) for i, column in enumerate(columns)]
    widths = _fitted(columns, natural, width - len(_INDENT) - len(_GAP) * (len(columns) - 1))
    if widths is None:
        return [line for row, texts in zip(rows, cells, strict=True) for line in _stacked(columns, texts, row, paint)]
    titles = _laid_out(columns, [[column.title] for column in columns], widths)
    lines = [paint(line, "quiet") for line in titles]
    for row, texts in zip(rows, cells, strict=True):
        wrapped = [_wrap(text, room) for text, room in zip(texts, widths, strict=True)]
        lines += [paint(line, row.style) for line in _laid_out(columns, wrapped, widths)]
    return lines


def _fitted(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int] | None:
    """The widths of the columns; None if they do not fit even when narrow."""
    wrapping = [i for i, column in enumerate(columns) if column.wraps]
    left = room - sum(width for i, width in enumerate(natural) if i not in wrapping)
    widths = list(natural)
    # The narrowest first: the room that it does not need goes to the others.
    for position, i in enumerate(sorted(wrapping, key=lambda i: natural[i])):
        widths[i] = min(natural[i], left // (len(wrapping) - position))
        if widths[i] < min(natural[i], _LEAST):
            return None
        left -= widths[i]
    return widths


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]


def _laid_out(columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    lines = []
    for number in range(max(len(cell) for cell in cells)):
        texts = [cell[number] if number < len(cell) else "" for cell in cells]
        padded = [
            f"{text:>{width}}" if column.right else f"{text:{width}}"
            for column, text, width in zip(columns, texts, widths, strict=True)
        ]
        lines.append(f"{_INDENT}{_GAP.join(padded)}".rstrip())
    return lines


def _stacked(columns: Sequence[Column], texts: Sequence[str], row: Row, paint: Paint) -> list[str]:
    """One row if the columns do not fit: short texts on one line, long ones below it."""
    short = _GAP.join(text for column, text in zip(columns, texts, strict=True) if text and not column.wraps)
    long = [
        f"{_INDENT}  {column.title.lower()}: {text}"
        for column, text in zip(columns, texts, strict=True)
        if text and column.wraps
    ]
    return [paint(line, row.style) for line in [f"{_INDENT}{short}", *long]]
