"""Wraps the application with metrics."""

from __future__ import annotations

from repoprio.serve.app import Receive, Scope, Send
from repoprio.serve.telemetry.application import Answer, Application, noted
from repoprio.serve.telemetry.metrics import MEDIA_TYPE, Metrics


class Watched:
    """An application whose answers are counted; ``/metrics`` has the numbers."""

    def __init__(self, app: Application, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live from the server's start to its end."""
        is_http = scope["type"] == "http"
        if is_http and scope["raw_path"] == b"/metrics" and scope["method"] in ("GET", "HEAD"):
            await self._tell(scope, send)
            return
        await noted(self._app, scope, receive, send, lambda answer: self._count(scope, answer))

    def _count(self, scope: Scope, answer: Answer) -> None:
        path = scope["raw_path"].decode("latin-1")
        self._metrics.answered(path, answer.status, answer.seconds, answer.headers, is_whole=answer.is_whole)

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
