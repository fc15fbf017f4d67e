"""The type of an ASGI application, and a wrapper that notes what its clients got."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from repoprio.serve.answers.notes import Answer, ClientRequest, Note
from repoprio.serve.app import Message, Receive, Scope, Send

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Noted:
    """Another application; each of its answers is noted, even if it fails."""

    def __init__(self, app: Application, notes: Sequence[Note]) -> None:
        self._app = app
        self._notes = notes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; or run from the server's start to its end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, is_whole, begun = 0, False, time.monotonic()
        headers: Mapping[bytes, bytes] = {}

        async def watch(message: Message) -> None:
            nonlocal status, headers, is_whole
            if message["type"] == "http.response.start":
                status, headers = message["status"], dict(message["headers"])
            await send(message)
            is_whole = message["type"] == "http.response.body" and not message.get("more_body")

        try:
            await self._app(scope, receive, watch)
        finally:
            client: str = (scope.get("client") or ("",))[0]
            request = ClientRequest(client, scope["method"], scope["raw_path"].decode("latin-1"))
            answer = Answer(status, headers, time.monotonic() - begun, is_whole)
            for note in self._notes:
                note(request, answer)
