"""The access log: one line of JSON for each answer. Of a client's input it contains only valid names."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from functools import lru_cache
from logging.handlers import WatchedFileHandler

from repoprio.output import say
from repoprio.serve import requests
from repoprio.serve.answers.notes import Answer, ClientRequest

_NAMED = (requests.Project, requests.FileOf, requests.Explain)


class AccessLog:
    """Lines for `file` ("-": stdout), which may be moved away meanwhile; raises `OSError` if it cannot be opened."""

    def __init__(self, file: str) -> None:
        is_stdout = file == "-"
        handler = logging.StreamHandler(sys.stdout) if is_stdout else WatchedFileHandler(file, encoding="utf-8")
        self._handler: logging.Handler = handler
        # Otherwise logging would print a traceback for each line.
        setattr(handler, "handleError", self._failed)  # noqa: B010 - mypy takes no assignment to a method
        self._has_failed = False
        # One record for all lines: no other handler sees it.
        self._record = logging.LogRecord("access", logging.INFO, "", 0, "", None, None)

    def write(self, line: str) -> None:
        """Write one line; that it cannot be written is reported once, and does not affect answers."""
        self._record.msg = line
        try:
            self._handler.handle(self._record)
        except OSError:
            # The folder is gone as well: a file that was moved away is opened anew outside of what logging guards.
            self._failed(self._record)

    def _failed(self, _: logging.LogRecord) -> None:
        if not self._has_failed:
            self._has_failed = True
            say("repoprio: the access log cannot be written; answers continue without it    [access-log]")

    def note(self, request: ClientRequest, answer: Answer) -> None:
        """Write the line of an answer."""
        target = requests.target(request.path)
        fixed = _fixed(
            method=request.method if request.method in requests.METHODS else "other",
            kind=type(target).__name__.lower(),
            project=target.name if isinstance(target, _NAMED) else None,
            status=answer.status,
            state=answer.headers.get(b"x-repoprio-state", b"").decode() or None,
            owner=answer.headers.get(b"x-repoprio-owner", b"").decode() or None,
        )
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        # As `json` writes it.
        seconds = repr(round(answer.seconds, 6))
        self.write(f'{{"time": "{now}", "client": {_quoted(request.client)}, {fixed}, "seconds": {seconds}}}')


@lru_cache(maxsize=1024)
def _fixed(**facts: str | int | None) -> str:
    """The part of a line that many lines have."""
    return json.dumps(facts)[1:-1]


@lru_cache(maxsize=1024)
def _quoted(client: str) -> str:
    return json.dumps(client)
