"""A real Redis or Valkey on loopback, each with a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .servers import free_port

NAME = shutil.which("redis-server") or shutil.which("valkey-server")
NEEDED = pytest.mark.skipif(NAME is None, reason="neither redis-server nor valkey-server is installed")
PASSWORD = "s3cret-of-the-store"


class Redis:
    """A server that writes each change to its disk; `url` has its password."""

    def __init__(self, folder: Path) -> None:
        """Start it."""
        self._folder, self._port = folder, free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """Start it with the data that it wrote before."""
        where = ["--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self._folder), "--save", ""]
        sure = ["--appendonly", "yes", "--appendfsync", "always", "--requirepass", PASSWORD]
        self._run = subprocess.Popen([str(NAME), *where, *sure], stdout=subprocess.DEVNULL)
        for _ in range(200):
            if self._answers():
                return
            time.sleep(0.05)
        raise AssertionError("redis-server did not start")

    def _answers(self) -> bool:
        import redis

        try:
            return bool(self.client().ping())
        except redis.ConnectionError:
            return False

    def client(self) -> Any:
        """A client of a test's own."""
        import redis

        return redis.Redis.from_url(self.url, decode_responses=True)

    def binary(self) -> Any:
        """A client for values that are not text."""
        import redis

        return redis.Redis.from_url(self.url)

    def forget_pages(self) -> None:
        """Delete the pages that gateways share; the ownership memory stays."""
        for key in self.client().keys("repoprio:page*"):
            self.client().delete(key)

    def freeze(self) -> None:
        """Accept connections, and answer nothing."""
        os.kill(self._run.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Answer again."""
        os.kill(self._run.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it at once."""
        self._run.kill()
        self._run.wait(timeout=30)


@contextmanager
def redis_server(folder: Path) -> Iterator[Redis]:
    """A server that ends with the test."""
    folder.mkdir()
    server = Redis(folder)
    try:
        yield server
    finally:
        server.stop()
