"""Reads what a server says about its own refusal: problem documents (RFC 9457). Pure."""

from __future__ import annotations

import json

from repoprio.lookup.events import ServerProblem
from repoprio.redaction import printable, redact_words, truncate
from repoprio.simple_api.response import Response

_MEDIA_TYPE = "application/problem+json"
_LONGEST_DOCUMENT = 64 * 1024
_LONGEST_TITLE, _LONGEST_DETAIL = 200, 600


def problem_in(response: Response) -> ServerProblem | None:
    """The problem in the body of `response`, with any status; None if there is none, or it is unreadable."""
    is_problem = response.content_type.partition(";")[0].strip().lower() == _MEDIA_TYPE
    if not is_problem or len(response.body) > _LONGEST_DOCUMENT:
        return None
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    title = _short(document.get("title"), _LONGEST_TITLE)
    detail = _short(document.get("detail"), _LONGEST_DETAIL)
    return ServerProblem(title, detail) if title or detail else None


def _short(text: object, length: int) -> str:
    """One line of at most `length` characters, without logins; "" if `text` is none."""
    return truncate(printable(redact_words(" ".join(text.split()))), length) if isinstance(text, str) else ""
