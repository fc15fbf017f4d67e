"""Counts answers, and serves the metrics at ``/metrics``."""

from __future__ import annotations

from repoprio.serve.answers.notes import Answer, ClientRequest
from repoprio.serve.app import Receive, Scope, Send
from repoprio.serve.requests import METHODS
from repoprio.serve.telemetry.application import Application
from repoprio.serve.telemetry.metrics import MEDIA_TYPE, Metrics

_PATH = "/metrics"


class Watched:
    """Another application, with its metrics at ``/metrics``; `note` counts an answer."""

    def __init__(self, app: Application, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; or run from the server's start to its end."""
        if scope["type"] == "http" and scope["raw_path"] == _PATH.encode() and scope["method"] in METHODS:
            await self._send_metrics(scope, send)
        else:
            await self._app(scope, receive, send)

    def note(self, request: ClientRequest, answer: Answer) -> None:
        """Count an answer, unless it is the metrics themselves."""
        if request.path != _PATH or request.method not in METHODS:
            self._metrics.answered(request.path, answer)

    async def _send_metrics(self, scope: Scope, send: Send) -> None:
        text = self._metrics.text()
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(text)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text if scope["method"] == "GET" else b""})
