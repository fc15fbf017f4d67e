"""Renders the steps of ``repoprio setup-image`` as text, from its JSON document. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_INDENT = "         "
_WORDS = {
    "done": "done",
    "unchanged": "as is",
    "skipped": "-",
    "failed": "FAIL",
    "restored": "restored",
    "removed": "removed",
    "changed-since": "LEFT",
    "in-use": "LEFT",
}
_REASONS = {
    "changed-since": "somebody changed it later, so it was not restored",
    "in-use": "it has other files, so it was not removed",
}


def lines(steps: Iterable[Mapping[str, Any]], journal: str) -> Iterator[str]:
    """The steps, line by line; `journal` is the file that records them."""
    is_left = False
    for step in steps:
        reason = step["reason"] or _REASONS.get(step["outcome"], "")
        kind = f"{step['step']:6}  " if step["step"] != "undo" else ""
        word = _WORDS[step["outcome"]]
        yield f"  {word:{8 if step['step'] == 'undo' else 6}} {kind}{step['place']}{f': {reason}' if reason else ''}"
        yield from (f"{_INDENT}note: {note}" for note in step["notes"])
        if step["remedy"]:
            yield f"{_INDENT}fix: {step['remedy']}"
        is_left = is_left or step["outcome"] == "changed-since"
    if is_left:
        yield f"{_INDENT}fix: remove the lines of repoprio from it by hand, then remove {journal}"
