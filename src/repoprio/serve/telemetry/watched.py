"""The application as its administrators watch it."""

from __future__ import annotations

import time

from repoprio.serve.app import App, Message, Receive, Scope, Send
from repoprio.serve.telemetry.metrics import MEDIA_TYPE, Metrics


class Watched:
    """An application whose answers are counted; ``/metrics`` has the numbers."""

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live from the server's start to its end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["raw_path"] == b"/metrics" and scope["method"] in ("GET", "HEAD"):
            await self._tell(scope, send)
            return
        begun, status, headers = time.monotonic(), 0, {}

        async def watch(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], dict(message["headers"])
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            # 0: the client was gone before.
            path = scope["raw_path"].decode("latin-1")
            self._metrics.answered(path, status, time.monotonic() - begun, headers)

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
