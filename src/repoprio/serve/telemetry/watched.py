"""Counts answers, and tells the numbers."""

from __future__ import annotations

from repoprio.serve.answers.notes import Answer, Asked
from repoprio.serve.app import Receive, Scope, Send
from repoprio.serve.telemetry.application import Application
from repoprio.serve.telemetry.metrics import MEDIA_TYPE, Metrics

_PATH = "/metrics"
_TOLD = ("GET", "HEAD")


class Watched:
    """An application of which ``/metrics`` tells the numbers; `note` counts an answer."""

    def __init__(self, app: Application, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live from the server's start to its end."""
        if scope["type"] == "http" and scope["raw_path"] == _PATH.encode() and scope["method"] in _TOLD:
            await self._tell(scope, send)
        else:
            await self._app(scope, receive, send)

    def note(self, asked: Asked, answer: Answer) -> None:
        """Count an answer; to tell the numbers does not change them."""
        if asked.path != _PATH or asked.method not in _TOLD:
            self._metrics.answered(asked.path, answer.status, answer.seconds, answer.headers, is_whole=answer.is_whole)

    async def _tell(self, scope: Scope, send: Send) -> None:
        text = self._metrics.text()
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(text)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text if scope["method"] == "GET" else b""})
