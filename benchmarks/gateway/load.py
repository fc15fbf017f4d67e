"""What makes requests: wrk where it is installed, else a small client of our own, which limits what can be seen."""

from __future__ import annotations

import re
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

CONNECTIONS = 16
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Load(NamedTuple):
    """Requests per second, and how long the slowest of a hundred took, in milliseconds."""

    rate: float
    p99: float


def generator() -> str:
    """Which client it is."""
    return "wrk" if shutil.which("wrk") else "a client of our own (it limits the fastest ones; install wrk)"


def measure(url: str, headers: Mapping[str, str], seconds: int, *, processors: list[str]) -> Load:
    """Ask for `url` over 16 connections for so many seconds; `processors` begins a command that runs elsewhere."""
    if not shutil.which("wrk"):
        return _own(url, headers, seconds)
    given = [word for key, value in headers.items() for word in ("-H", f"{key}: {value}")]
    command = [*processors, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *given, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own command
    rate, late = re.search(r"Requests/sec:\s+([0-9.]+)", said), re.search(r"99%\s+([0-9.]+)(us|ms|s)", said)
    if not rate or not late or ("Non-2xx" in said and "304" not in said and "If-None-Match" not in headers):
        raise SystemExit(said)
    return Load(float(rate[1]), float(late[1]) * _MILLISECONDS[late[2]])


def _own(url: str, headers: Mapping[str, str], seconds: int) -> Load:
    there = urlsplit(url)
    lines = [
        f"GET {there.path} HTTP/1.1",
        f"Host: {there.netloc}",
        *(f"{key}: {value}" for key, value in headers.items()),
    ]
    asked = "\r\n".join([*lines, "", ""]).encode()
    address = (str(there.hostname), there.port or 80)
    length = _length(address, asked)
    buffer, took = memoryview(bytearray(2**18)), []
    with selectors.DefaultSelector() as selector:
        state: dict[socket.socket, tuple[int, float]] = {}
        for _ in range(CONNECTIONS):
            client = socket.create_connection(address)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(client, selectors.EVENT_READ)
            state[client] = (length, time.perf_counter())
            client.sendall(asked)
        begun = time.perf_counter()
        while time.perf_counter() - begun < seconds:
            for key, _ in selector.select(1):
                client = key.fileobj
                assert isinstance(client, socket.socket)
                left, since = state[client]
                left -= client.recv_into(buffer)
                if left <= 0:
                    now = time.perf_counter()
                    took.append(now - since)
                    left, since = length, now
                    client.sendall(asked)
                state[client] = (left, since)
        spent = time.perf_counter() - begun
        for client in state:
            client.close()
    return Load(len(took) / spent, sorted(took)[int(len(took) * 0.99)] * 1000)


def _length(address: tuple[str, int], asked: bytes) -> int:
    """How many bytes an answer has, headers included."""
    with socket.create_connection(address) as client:
        client.sendall(asked)
        said = b""
        while b"\r\n\r\n" not in said:
            said += client.recv(65_536)
    head, _, _ = said.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    return len(head) + 4 + (int(found[1]) if found else 0)
