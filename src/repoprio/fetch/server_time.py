"""Reads a server's clock from the headers of its answers (RFC 9110, 6.6.1; RFC 9111, 5.1)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Protocol


class Headers(Protocol):
    """The headers of an answer."""

    def get(self, name: str, default: str, /) -> str:
        """The value of a header, or `default`."""


def time_of(headers: Headers) -> datetime | None:
    """When an answer left its last cache: `Date` plus `Age`; None if it has no valid date."""
    age = headers.get("Age", "")
    seconds = int(age) if age.isascii() and age.isdigit() and len(age) <= 10 else 0
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
        # Recipients must accept the format of asctime too (RFC 9110, 5.6.7). It names no zone; all formats are in UTC.
        date = date.replace(tzinfo=timezone.utc) if date.tzinfo is None else date.astimezone(timezone.utc)
        return date + timedelta(seconds=seconds)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
