"""The access log: one line of JSON for each answer. Of a client's input it contains only valid names."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from logging.handlers import WatchedFileHandler

from repoprio.output import say
from repoprio.serve import requests
from repoprio.serve.app import Receive, Scope, Send
from repoprio.serve.telemetry.application import Answer, Application, noted

_NAMED = (requests.Project, requests.FileOf, requests.Explain)


class AccessLog:
    """Lines for `file` ("-": stdout), which may be moved away meanwhile; raises `OSError` if it cannot be opened."""

    def __init__(self, file: str) -> None:
        is_stdout = file == "-"
        handler = logging.StreamHandler(sys.stdout) if is_stdout else WatchedFileHandler(file, encoding="utf-8")
        self._handler: logging.Handler = handler
        # Else logging would print a traceback for each line.
        setattr(handler, "handleError", self._failed)  # noqa: B010 - mypy takes no assignment to a method
        self._has_failed = False

    def write(self, line: str) -> None:
        """Write one line; a full disk is reported once, and does not affect answers."""
        self._handler.handle(logging.LogRecord("access", logging.INFO, "", 0, line, None, None))

    def _failed(self, _: logging.LogRecord) -> None:
        if not self._has_failed:
            self._has_failed = True
            say("repoprio: the access log cannot be written; answers go on without it    [access-log]")


class Logged:
    """An application whose answers are written to an access log."""

    def __init__(self, app: Application, log: AccessLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live from the server's start to its end."""
        await noted(self._app, scope, receive, send, lambda answer: self._log.write(_line(scope, answer)))


def _line(scope: Scope, answer: Answer) -> str:
    target = requests.target(scope["raw_path"].decode("latin-1"))
    document = {
        "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "client": (scope.get("client") or ("",))[0],
        "method": scope["method"] if scope["method"] in requests.METHODS else "other",
        "kind": type(target).__name__.lower(),
        "project": target.name if isinstance(target, _NAMED) else None,
        "status": answer.status,
        "state": answer.headers.get(b"x-repoprio-state", b"").decode() or None,
        "owner": answer.headers.get(b"x-repoprio-owner", b"").decode() or None,
        "seconds": round(answer.seconds, 6),
    }
    return json.dumps(document)
