"""What the server alone can carry: many connections that ask and ask again. Run as a process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from . import graph
from .content import resources
from .server import Network, serving

SITES, CONNECTIONS, TURNS = 8, 50, 20


def report(latency: int) -> str:
    """What comes of that many requests at once, at this latency in milliseconds."""
    shelf = resources(graph.make(graph.Shape()).projects)
    with serving([shelf] * SITES, Network(latency / 1000)) as server:
        used = time.process_time()
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", __name__, *server.urls], check=True, capture_output=True, text=True
        )
        took, middle, slow = json.loads(done.stdout)
        used = time.process_time() - used
        traffic = server.take_traffic()
    count = SITES * CONNECTIONS * TURNS
    return (
        f"{latency} ms: {count / took:.0f} requests a second on {traffic.connections} connections,"
        f" {used / count * 1e6:.0f} microseconds of CPU each;"
        f" an answer takes {middle:.0f} ms (median), {slow:.0f} ms (99 of 100)"
    )


async def _ask(url: str, took: list[float]) -> None:
    port = urlsplit(url).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(1, TURNS + 1):
        begun = time.perf_counter()
        writer.write(b"GET /simple/part-%03d/ HTTP/1.1\r\nAccept: application/x+json\r\n\r\n" % number)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        took.append((time.perf_counter() - begun) * 1000)
    writer.close()


async def _main(urls: Sequence[str]) -> None:
    took: list[float] = []
    begun = time.perf_counter()
    await asyncio.gather(*(_ask(url, took) for url in urls for _ in range(CONNECTIONS)))
    whole = time.perf_counter() - begun
    took.sort()
    print(json.dumps([whole, took[len(took) // 2], took[len(took) * 99 // 100]]))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
