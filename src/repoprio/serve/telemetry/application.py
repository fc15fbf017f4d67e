"""The type of an ASGI application, and a wrapper that notes what its clients got."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from repoprio.serve.app import Message, Receive, Scope, Send

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Answer(NamedTuple):
    """What a client got: the status (0: it was gone before), the headers, and the seconds until the end.

    `is_whole`: nothing of it was held back.
    """

    status: int
    headers: Mapping[bytes, bytes]
    seconds: float
    is_whole: bool


async def noted(app: Application, scope: Scope, receive: Receive, send: Send, note: Callable[[Answer], None]) -> None:
    """Have `app` answer, and `note` each answer to a request of HTTP, also one that fails."""
    if scope["type"] != "http":
        await app(scope, receive, send)
        return
    begun, status, headers, is_whole = time.monotonic(), 0, {}, False

    async def watch(message: Message) -> None:
        nonlocal status, headers, is_whole
        if message["type"] == "http.response.start":
            status, headers = message["status"], dict(message["headers"])
        await send(message)
        is_whole = message["type"] == "http.response.body" and not message.get("more_body")

    try:
        await app(scope, receive, watch)
    finally:
        note(Answer(status, headers, time.monotonic() - begun, is_whole))
