"""Lengths of time as a policy writes them: in words, or as ISO 8601 has them. Pure."""

from __future__ import annotations

import re
from datetime import timedelta

# Months and years are not all of one length, so they have no place here.
_UNIT = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}
_IN_WORDS = re.compile(rf"([0-9]{{1,9}}) ?({'|'.join(_UNIT)})s?", re.ASCII)
_ISO = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,9})W|(?:([0-9]{1,9})D)?(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?)",
    re.ASCII,
)
LONGEST = timedelta(days=3650)


class TooLong(ValueError):
    """A duration of more than `LONGEST`."""


def parse_duration(text: str) -> timedelta:
    """The duration that `text` spells: "7 days", "P7D", "PT12H"; `ValueError` for all else, `TooLong` among it."""
    if words := _IN_WORDS.fullmatch(text):
        seconds = int(words[1]) * _UNIT[words[2]]
    elif iso := _ISO.fullmatch(text):
        seconds = sum(
            int(number or 0) * _UNIT[unit]
            for number, unit in zip(iso.groups(), ("week", "day", "hour", "minute", "second"), strict=True)
        )
    else:
        raise ValueError("not a duration")
    if seconds > LONGEST.total_seconds():
        raise TooLong("too long")
    return timedelta(seconds=seconds)


def spell_duration(duration: timedelta) -> str:
    """A duration in words, which `parse_duration` reads back: "7 days", "36 hours"."""
    seconds = int(duration.total_seconds())
    unit = next(unit for unit in ("day", "hour", "minute", "second") if seconds % _UNIT[unit] == 0)
    count = seconds // _UNIT[unit]
    return _spelled(count, unit)


def spell_roughly(duration: timedelta) -> str:
    """A duration in two units, to the minute: "2 days 3 hours", "less than a minute"."""
    seconds, parts = round(duration.total_seconds() / 60) * 60, list[str]()
    for unit in ("day", "hour", "minute"):
        count, seconds = divmod(seconds, _UNIT[unit])
        if count or parts:
            parts.append(_spelled(count, unit) if count else "")
    return " ".join(part for part in parts[:2] if part) or "less than a minute"


def _spelled(count: int, unit: str) -> str:
    """``1 day``, ``1200 days``: without a thousands separator, so that it can be parsed again."""
    return f"{count} {unit}{'' if count == 1 else 's'}"
