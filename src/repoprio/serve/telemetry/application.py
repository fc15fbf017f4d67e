"""What can be wrapped: an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from repoprio.serve.app import Receive, Scope, Send

Application = Callable[[Scope, Receive, Send], Awaitable[None]]
