"""A terminal's text with its colours as an SVG, on a light or a dark background.

Nothing in it is loaded from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, NamedTuple

_CODE: Final = re.compile(r"\x1b\[(\d*)m")
_ADVANCE, _LINE, _MARGIN, _SIZE = 8.4, 19, 16, 14
_FONTS: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


class Ground(NamedTuple):
    """The colours of a terminal: its own two, and those that codes 1 (bold), 2 (dim), 31, 32 and 33 stand for."""

    back: str
    text: str
    codes: dict[str, str]


# Each colour has a contrast of at least 4.5 with its ground (WCAG 2, AA).
GROUNDS: Final = {
    "light": Ground("#f6f8fa", "#1f2328", {"2": "#59636e", "31": "#c0202e", "32": "#116329", "33": "#7d4e00"}),
    "dark": Ground("#161b22", "#e6edf3", {"2": "#9198a1", "31": "#ff7b72", "32": "#56d364", "33": "#e3b341"}),
}


def drawn(lines: Sequence[str], title: str, ground: Ground) -> str:
    """The picture of these lines in a terminal that is wide enough; `title` is its text for screen readers."""
    columns = max(len(_CODE.sub("", line)) for line in lines)
    width, height = round(columns * _ADVANCE + 2 * _MARGIN), len(lines) * _LINE + 2 * _MARGIN
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' role="img" aria-label="{escape(title)}">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{ground.back}"/>',
        f'<g font-family="{escape(_FONTS)}" font-size="{_SIZE}" fill="{ground.text}" xml:space="preserve">',
    ]
    for number, line in enumerate(lines):
        y = _MARGIN + number * _LINE + _SIZE
        for column, text, code in _runs(line):
            fill = f' fill="{ground.codes[code]}"' if code in ground.codes else ""
            weight = ' font-weight="bold"' if code == "1" else ""
            # The length is given, so that columns stand below each other in whatever font there is.
            length = f'textLength="{round(len(text) * _ADVANCE, 1)}"'
            x = round(_MARGIN + column * _ADVANCE, 1)
            parts.append(f'<text x="{x}" y="{y}" {length}{fill}{weight}>{escape(text)}</text>')
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _runs(line: str) -> Iterator[tuple[int, str, str]]:
    """The words of a line: where each begins, and its colour."""
    column, code = 0, ""
    for number, part in enumerate(_CODE.split(line)):
        if number % 2:
            code = part
            continue
        yield from ((column + word.start(), word[0], code) for word in re.finditer(r"\S+(?: \S+)*", part))
        column += len(part)
