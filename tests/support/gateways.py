"""The gateway in this process: real repositories on loopback behind it, and a clock that tests move."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from repoprio.policy.model import Policy
from repoprio.serve.app import App
from repoprio.serve.client import Client
from repoprio.serve.gateway import Gateway
from repoprio.serve.stores.choice import store_at
from repoprio.serve.stores.vigilant_store import VigilantStore

from .repository import RepositoryServer

JSON = "application/vnd.pypi.simple.v1+json"
# The defaults of a policy.
TTL, STALE = 60.0, 86_400.0
Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer:
    """What the gateway answered; names of headers are in small letters. `is_whole`: it did not break off."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool = True

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON."""
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def state(self) -> str:
        """What X-Repoprio-State says."""
        return self.headers["x-repoprio-state"]

    @property
    def files(self) -> dict[str, str]:
        """The files of a page with their URLs."""
        return {file["filename"]: file["url"] for file in self.document["files"]} if self.status == 200 else {}

    def only_from(self, *servers: RepositoryServer) -> bool:
        """Whether it has files of these repositories only."""
        return {urlsplit(url).netloc for url in self.files.values()} <= {server.host for server in servers}


class Served:
    """A gateway under one policy; `now` is its clock, which stands still unless a test moves it."""

    def __init__(self, policy: Policy, store: Path | str, *, shows_shadowed: bool = False) -> None:
        self.now = 1000.0
        self.store = VigilantStore(store_at(str(store)))
        self.store.prepare()
        self._loop = asyncio.new_event_loop()
        client = Client(policy)
        self.gateway = Gateway(policy, client, self.store, shows_shadowed=shows_shadowed, clock=lambda: self.now)
        self.app = App(self.gateway, client)
        self._open = client.open()
        self.run(self._open.__aenter__)

    def run(self, begin: Callable[[], Awaitable[Result]]) -> Result:
        """The result of a coroutine in the gateway's own event loop."""

        async def wait() -> Result:
            return await begin()

        return self._loop.run_until_complete(wait())

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        """The answer to one request, in JSON unless it says otherwise (`accept`)."""
        answer = self.run(lambda: self.ask(path, method, {"accept": JSON, **headers}))
        self.run(self._finish)
        return answer

    async def _finish(self) -> None:
        """Wait for answers that were sent before all their forms were made."""
        await self.gateway.finish()
        await self.gateway.sharing.settle()

    def page(self, project: str, **headers: str) -> Answer:
        """The page of a project."""
        return self.get(f"/simple/{project}/", **headers)

    async def ask(self, path: str, method: str, headers: Mapping[str, str]) -> Answer:
        """The answer to one request, in parallel with others."""
        sent: list[Any] = []

        to_come = [{"type": "http.request", "body": b""}]

        async def receive() -> dict[str, Any]:
            # A client that stays.
            return to_come.pop() if to_come else await asyncio.Future()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "raw_path": path.partition("?")[0].encode(),
            "query_string": path.partition("?")[2].encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
        await self.app(scope, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        is_whole = not sent[-1].get("more_body", False)
        return Answer(sent[0]["status"], found, b"".join(message["body"] for message in sent[1:]), is_whole)

    def settle(self) -> None:
        """Wait for background work."""
        self.run(self.gateway.settle)

    def close(self) -> None:
        """End it."""
        self.run(self._finish)
        self.run(lambda: self._open.__aexit__(None, None, None))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


@contextmanager
def serving(policy: Policy, store: Path | str, *, shows_shadowed: bool = False) -> Iterator[Served]:
    """A gateway that is closed at the end."""
    served = Served(policy, store, shows_shadowed=shows_shadowed)
    try:
        yield served
    finally:
        served.close()


class GatewayProcess:
    """``repoprio serve`` as its users start it; `url` is the index."""

    def __init__(self, policy: Path, store: Path | str, *options: str, **variables: str) -> None:
        """Start it, and wait until it says that it serves."""
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        self._run = subprocess.Popen(
            [sys.executable, "-m", "repoprio", "serve", "--port", "0", "--store", str(store), *options],
            env={**kept, "HOME": str(policy.parent), "REPOPRIO_CONFIG": str(policy), **variables},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._run.stderr is not None
        self.greeting = ""
        while (found := re.search(r"http://\S+/simple/", self.greeting)) is None and (
            line := self._run.stderr.readline()
        ):
            self.greeting += line
        if found is None:
            stderr = self.greeting + self._run.stderr.read()
            self._run.wait(timeout=30)
            self._run.stderr.close()
            raise AssertionError(stderr)
        self.url = found[0]

    @property
    def pid(self) -> int:
        """Its process."""
        return self._run.pid

    def reload(self) -> str:
        """Make it reload its policy; returns its messages about that."""
        assert self._run.stderr is not None
        self._run.send_signal(signal.SIGHUP)
        said = self._run.stderr.readline()
        while "was reloaded" not in said and "[reload]" not in said and (line := self._run.stderr.readline()):
            said += line
        return said

    def stop(self, how: int = signal.SIGINT) -> tuple[int, str]:
        """Stop it; returns its exit status, and its stderr after the greeting."""
        self._run.send_signal(how)
        _, said = self._run.communicate(timeout=30)
        return self._run.returncode, said

    def __enter__(self) -> GatewayProcess:  # noqa: PYI034 - typing.Self is not in Python 3.10
        """Return the running gateway."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, if it has not ended."""
        if self._run.poll() is None:
            self._run.kill()
            self._run.communicate(timeout=30)
