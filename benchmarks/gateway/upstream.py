"""A repository on loopback whose pages have 244 files each, and weigh 102 KB; one is a gzip bomb."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading

JSON = "application/vnd.pypi.simple.v1+json"
FILES = 244
BOMB = "bomb"
# 300 MB of nothing.
_BOMB_BYTES = 300 * 2**20


def page(name: str) -> bytes:
    """The page of a project."""
    files = [
        {
            "filename": f"{name}-{number // 10}.{number % 10}.0-py3-none-any.whl",
            "url": f"https://files.corp.example/packages/{number % 256:02x}/{number:016x}/{name}-{number // 10}."
            f"{number % 10}.0-py3-none-any.whl",
            "hashes": {"sha256": f"{number:064x}"},
            "requires-python": ">=3.9",
            "core-metadata": {"sha256": f"{number:064x}"},
            "size": 170_000 + number,
            "upload-time": "2026-01-05T10:11:12.131415Z",
        }
        for number in range(FILES)
    ]
    return json.dumps({"meta": {"api-version": "1.4"}, "name": name, "versions": [], "files": files}).encode()


class Upstream:
    """The repository, in a thread of its own; `url` is its index."""

    def __init__(self) -> None:
        self._bomb = gzip.compress(bytes(_BOMB_BYTES), 9)
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/simple/"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                writer.write(self._answer(head.split(b" ")[1].decode().strip("/").split("/")))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, path: list[str]) -> bytes:
        if path == ["simple"]:
            projects = [{"name": "acme"}]
            return _http(json.dumps({"meta": {"api-version": "1.0"}, "projects": projects}).encode())
        name = path[-1]
        return _http(self._bomb, "Content-Encoding: gzip\r\n") if name == BOMB else _http(page(name))


def _http(body: bytes, more: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body
