"""What `repoprio serve` carries beside other servers, in one run: one worker, a page of 244 files and 102 KB.

python -m benchmarks.gateway [--rounds 5] [--seconds 2] [--work DIR]

The servers have one processor and the client another one, where there are two. They are asked in turn, round by round,
over 16 connections; a ratio is the median of the rounds' ratios. The environments of other servers are made in the work
folder, which needs the network for the first time. What cannot be had is left out, and the output says why. The exit
status is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.network import graph
from benchmarks.network.content import resources
from benchmarks.network.server import Network, serving

from . import load
from .load import Load
from .rivals import RIVALS, Missing, Place, Rival, gateway
from .upstream import BOMB, JSON, Upstream

COLD_PAGES, COLD_GOAL = 40, 5.0
MEMORY_GOAL = 150.0
UV_GOAL, UV_RUNS, LATENCY = 1.1, 7, 0.05

Line = tuple[str, str, str, bool]


def main() -> int:
    """Print each figure beside its goal."""
    parser = argparse.ArgumentParser("python -m benchmarks.gateway", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each server is asked in turn (%(default)s)")
    parser.add_argument("--seconds", type=int, default=2, help="how long a round takes for each (%(default)s)")
    parser.add_argument("--work", type=Path, help="keep the environments of other servers here for the next run")
    options = parser.parse_args()
    if not (find_spec("repoprio") and find_spec("uvicorn")):
        parser.error("repoprio serve is not installed beside this Python: pip install -e '.[dev]'")
    with tempfile.TemporaryDirectory() as made:
        work = (options.work or Path(made)).resolve()
        work.mkdir(exist_ok=True, parents=True)
        several = (os.cpu_count() or 1) > 1 and shutil.which("taskset")
        place = Place(work, Upstream().url, ["taskset", "-c", "0"] if several else [])
        elsewhere = ["taskset", "-c", "1"] if several else []
        print(f"{load.generator()}; {options.rounds} rounds of {options.seconds} s; load {os.getloadavg()[0]:.1f}")
        lines = [*_rates(place, options.rounds, options.seconds, elsewhere), *_cold(place), *_bomb(place), *_uv(place)]
    for what, found, goal, _ in lines:
        print(f"{what:52} {found:>22}   goal {goal}")
    return 0 if all(is_met for *_, is_met in lines) else 1


def _rates(place: Place, rounds: int, seconds: int, elsewhere: list[str]) -> Iterator[Line]:
    """Requests in a second beside those of each other server; the slowest of them; answers without a body."""
    found: dict[str, list[Load]] = {}
    empty: list[Load] = []
    running: dict[str, Rival] = {}
    try:
        for name, (begin, _) in RIVALS.items():
            try:
                running[name] = begin(place)
            except Missing as error:  # noqa: PERF203 - each may be missing
                print(f"left out: {name}: {error}")
        ours = running["repoprio serve"]
        tag = _get(ours.url)[1]["etag"]
        for _ in range(rounds):
            for name, rival in running.items():
                found.setdefault(name, []).append(
                    load.measure(rival.url, {"Accept": JSON}, seconds, processors=elsewhere)
                )
            asked = {"Accept": JSON, "If-None-Match": tag}
            empty.append(load.measure(ours.url, asked, seconds, processors=elsewhere))
    finally:
        for rival in running.values():
            rival.close()
    for name, loads in found.items():
        rate, late = statistics.median(one.rate for one in loads), statistics.median(one.p99 for one in loads)
        print(f"  {name:20} {rate:9.0f} req/s   p99 {late:7.1f} ms")
    mine = found["repoprio serve"]
    for name, (_, goal) in RIVALS.items():
        if goal is not None and name in found:
            ratio = _ratio([one.rate for one in mine], [one.rate for one in found[name]])
            yield f"warm page, of {name}'s rate", f"{ratio:.2f}", f">= {goal:g}", ratio >= goal
    if "Starlette" in found:
        others = found["Starlette"]
        late = _ratio([one.p99 for one in mine], [one.p99 for one in others])
        yield "p99 at 16 connections, of Starlette's", f"{late:.2f}", "<= 2", late <= 2
        without = _ratio([one.rate for one in empty], [one.rate for one in others])
        yield "304, of Starlette's rate with a body", f"{without:.2f}", ">= 2", without >= 2


def _ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, others, strict=True))


def _get(url: str) -> tuple[int, dict[str, str], float]:
    """Status, headers, and how many milliseconds it took, over a connection of its own."""
    there = urlsplit(url)
    connection = HTTPConnection(there.netloc, timeout=60)
    connection.connect()
    begun = time.perf_counter()
    connection.request("GET", there.path, headers={"Accept": JSON})
    answer = connection.getresponse()
    answer.read()
    took = (time.perf_counter() - begun) * 1000
    connection.close()
    return answer.status, {key.lower(): value for key, value in answer.getheaders()}, took


def _cold(place: Place) -> Iterator[Line]:
    """What a page that was never asked for costs above the repository's own answer."""
    rival = gateway(place)
    try:
        _get(rival.url)
        index = rival.url.removesuffix("acme/")
        extra = []
        for number in range(COLD_PAGES):
            direct = _get(f"{place.upstream}p{number}/")[2]
            extra.append(_get(f"{index}p{number}/")[2] - direct)
    finally:
        rival.close()
    cost = statistics.median(extra)
    yield "cold page, above the repository's own answer", f"{cost:.1f} ms", f"<= {COLD_GOAL:g} ms", cost <= COLD_GOAL


def _bomb(place: Place) -> Iterator[Line]:
    """How much memory a page takes that 300 KB unpack to 300 MB."""
    rival = gateway(place)
    try:
        status = _get(rival.url.replace("acme", BOMB))[0]
        said = Path(f"/proc/{rival.process.pid}/status")
        most = re.search(r"VmHWM:\s+(\d+) kB", said.read_text(encoding="ascii")) if said.exists() else None
    finally:
        rival.close()
    if most is None:
        print("left out: memory: this system does not say")
        return
    used = int(most[1]) / 1024
    is_met = used <= MEMORY_GOAL and status == 503
    yield f"most memory after a gzip bomb (status {status})", f"{used:.0f} MiB", f"<= {MEMORY_GOAL:g} MiB", is_met


def _uv(place: Place) -> Iterator[Line]:
    """How long uv takes to resolve 60 projects of 4 repositories through the gateway, beside one such repository."""
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if not uv:
        print("left out: uv: it is not installed")
        return
    made = graph.make(graph.Shape())
    wanted = place.folder / "wanted.txt"
    wanted.write_text("\n".join(made.roots))

    def timed(url: str) -> float:
        cache = place.folder / "cache-uv"
        shutil.rmtree(cache, ignore_errors=True)
        command = [uv, "--no-config", "--cache-dir", str(cache), "pip", "compile", str(wanted), "--default-index", url]
        kept = {"PATH": os.environ["PATH"], "HOME": str(place.folder), "UV_PYTHON": sys.executable}
        begun = time.perf_counter()
        subprocess.run(command, env=kept, check=True, capture_output=True)  # noqa: S603 - uv
        return time.perf_counter() - begun

    several = [resources(one) for one in made.repositories(4)]
    with serving([*several, *map(resources, made.repositories(1))], Network(LATENCY)) as server:
        *urls, alone = server.urls
        rival = gateway(place, *urls)
        try:
            index = rival.url.removesuffix("acme/")
            timed(index)
            pairs = [(timed(index), timed(alone)) for _ in range(UV_RUNS)]
        finally:
            rival.close()
    through, direct = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"  uv, 60 projects: {through:.2f} s through the gateway, {direct:.2f} s of one repository")
    yield "uv through the gateway, of uv at one repository", f"{ratio:.2f}", f"<= {UV_GOAL:g}", ratio <= UV_GOAL


if __name__ == "__main__":
    sys.exit(main())
