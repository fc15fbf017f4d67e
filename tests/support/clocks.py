"""Points in time as cases write them: relative to now, or literally."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

_RELATIVE = re.compile(r"([0-9]+) (second|minute|hour|day|week)s? (ago|ahead|behind)(?: at ([+-][0-9]{2}:[0-9]{2}))?")


def offset(text: str) -> timedelta | None:
    """How far "3 days ago", "3 days behind" or "2 hours ahead" is from now; None for a literal text."""
    found = _RELATIVE.fullmatch(text)
    if not found:
        return None
    length = timedelta(**{f"{found[2]}s": int(found[1])})
    return length if found[3] == "ahead" else -length


def upload_time(text: str) -> str:
    """The upload time on a page; "2 days ago at +05:30" is in that zone, and a literal text is used as it is."""
    length = offset(text)
    if length is None:
        return text
    found = _RELATIVE.fullmatch(text)
    moment = datetime.now(timezone.utc) + length
    if found and found[4]:
        moment = moment.astimezone(datetime.fromisoformat(f"2020-01-01T00:00:00{found[4]}").tzinfo)
    return moment.isoformat()


def http_date(text: str) -> str | None:
    """The Date of a server; None if "" says that there is none."""
    length = offset(text)
    if length is None:
        return text or None
    return format_datetime(datetime.now(timezone.utc) + length, usegmt=True)
