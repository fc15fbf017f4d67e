"""The application under the policy that is in force: a new policy takes its place between two requests."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Protocol

from repoprio.errors import RepoprioError
from repoprio.names import NormalizedName
from repoprio.policy.model import Policy
from repoprio.serve.app import App, Receive, Scope, Send
from repoprio.serve.client import Client
from repoprio.serve.gateway import Gateway
from repoprio.serve.kept_pages import Page

_LOG = logging.getLogger("repoprio.serve")
RELOAD = getattr(signal, "SIGHUP", None)


class Listener(Protocol):
    """Hears how each reload ended."""

    def in_force(self, policy: Policy) -> None:
        """`policy` is in force from now on."""

    def refused(self, reason: str) -> None:
        """The policy of the files cannot be served; the one before stays in force."""


class Generation:
    """The gateway under one policy. Its connections stay open until the last of its requests has ended."""

    def __init__(self, gateway: Gateway, client: Client) -> None:
        self.gateway = gateway
        self._app = App(gateway, client)
        self._client = client
        self._stack = AsyncExitStack()
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def open(self) -> None:
        """Open its connections."""
        await self._stack.enter_async_context(self._client.open())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self._requests += 1
        self._idle.clear()
        try:
            await self._app(scope, receive, send)
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    async def retire(self) -> None:
        """Close it once its requests have ended; it gets no new ones."""
        await self._idle.wait()
        await self.gateway.settle()
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._stack.aclose()


class Reloadable:
    """The application; `load` returns the policy of the files, `begin` makes a generation for a policy."""

    def __init__(
        self, policy: Policy, load: Callable[[], Policy], begin: Callable[[Policy], Generation], listener: Listener
    ) -> None:
        self._policy = policy
        self._load = load
        self._begin = begin
        self._listener = listener
        self._wanted = asyncio.Event()

    def reload(self, *_: object) -> None:
        """Reload the policy soon; several requests at the same time cause one reload."""
        self._wanted.set()

    def warm(self, name: NormalizedName) -> Page | None:
        """The page of `name` that counts now."""
        return self._now.gateway.warm(name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; or run from the server's start to its end."""
        if scope["type"] == "lifespan":
            await self._run(receive, send)
        else:
            await self._now(scope, receive, send)

    async def _run(self, receive: Receive, send: Send) -> None:
        await receive()
        self._now = self._begin(self._policy)
        self._retiring: dict[asyncio.Task[None], Generation] = {}
        await self._now.open()
        if RELOAD is not None:
            asyncio.get_running_loop().add_signal_handler(RELOAD, self.reload)
        reloads = asyncio.create_task(self._keep_reloading())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in (reloads, *self._retiring):
            task.cancel()
        for generation in (self._now, *self._retiring.values()):
            await generation.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _keep_reloading(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._replace(await asyncio.to_thread(self._load))
            except RepoprioError as error:
                self._refuse(str(error))
            except Exception:  # noqa: BLE001 - a fault of our own must end neither the gateway nor later reloads
                _LOG.exception("the policy could not be reloaded")
                self._refuse("an internal error, see above")

    async def _replace(self, policy: Policy) -> None:
        new, old = self._begin(policy), self._now
        await old.gateway.finish()
        names = await asyncio.to_thread(new.gateway.routed_alike, old.gateway)
        await new.open()
        # From here to the end nothing waits: no request sees half of it.
        new.gateway.take_over(old.gateway, names)
        self._policy, self._now = policy, new
        task = asyncio.create_task(old.retire())
        self._retiring[task] = old
        task.add_done_callback(self._retired)
        self._listener.in_force(policy)

    def _retired(self, task: asyncio.Task[None]) -> None:
        self._retiring.pop(task, None)
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("the connections of the policy before could not be closed", exc_info=error)

    def _refuse(self, reason: str) -> None:
        self._now.gateway.is_outdated = True
        self._listener.refused(reason)
