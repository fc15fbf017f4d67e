"""What random faults under load do to a gateway: whether it ever gives away a name, and how soon it recovers.

Run it with the Python of an environment that repoprio[serve] is installed in: python -m benchmarks.soak --minutes 30

Three repositories on loopback, corp above team above public, behind one `repoprio serve`. Each lower one has the names
of the higher ones, too, in version 99.0. Clients ask for pages and files all the time, while repositories fail in
random ways, as a whole or for single names. Team loses projects for good that it has served, and corp begins to publish
some. After each storm all faults end, and it is timed how long it takes until each name has its right answer again. At
the end the gateway is killed and started again over its store: what was lost must still be closed.

Memory must stay flat. What counts is the least that the gateway has in each round, that is a storm and the calm after
it. In the second half of the run, when its caches are full, that may climb by at most 5 MiB in 10 minutes; it takes a
run of 7 minutes to tell. At no time may the gateway have more than 150 MiB. The exit status is 1 if anything was
wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import itertools
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import aiohttp

TIERS = {"corp": 10, "team": 50, "public": 90}
NAMES = 30
TTL, STALE, DEADLINE = 2.0, 15.0, 20.0
LURE = "99.0"
JSON, HTML = "application/vnd.pypi.simple.v1+json", "text/html"
# So long faults come and go; then there are none, until all is right again.
STORM = 45.0
PACE = 0.01
# In bytes: how much memory may climb in 10 minutes, and how much the gateway may ever have.
CLIMB, MOST = 5 * 2**20, 150 * 2**20
# From fewer rounds in that half nobody can tell.
ENOUGH_ROUNDS = 4
FAULTS = (
    *("429", "500", "503", "401", "403", "410", "204"),
    *("reset", "silence", "drip", "cut", "login", "garbage", "stranger", "loop", "api", "another", "bomb", "slow"),
)
_BOMB = gzip.compress(bytes(64 * 2**20), 1)


class Repository:
    """A repository that speaks HTTP by hand; `fault` is for all of it, `faults` are by project."""

    def __init__(self, tier: str) -> None:
        self.tier = tier
        self.projects: dict[str, dict[str, bytes]] = {}
        self.fault: str | None = None
        self.faults: dict[str, str] = {}
        self.asked = 0
        self.broken: list[str] = []
        self.url = self.stranger = ""
        self._server: asyncio.Server | None = None

    def add(self, name: str, version: str) -> None:
        """Publish a file."""
        filename = f"{name.replace('-', '_')}-{version}.tar.gz"
        self.projects.setdefault(name, {})[filename] = f"{self.tier} {filename}".encode() * 9000

    async def start(self) -> None:
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked += 1
                if not await self._answer(head.split(b" ")[1].decode(), writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        except Exception as error:  # noqa: BLE001 - a fault of this script, which must not pass for one of the storm
            self.broken.append(f"{self.tier}: {error!r}")
        finally:
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection may be kept."""
        _, kind, name, *_ = [*path.split("/"), "", ""]
        fault = self.faults.get(name, self.fault)
        if fault is not None:
            return await self._fail(fault, name, writer)
        if kind == "files":
            content = self.projects.get(name, {}).get(path.rpartition("/")[2])
            writer.write(_http(200, "application/octet-stream", content) if content else _http(404, "text/plain", b""))
        elif name in self.projects:
            writer.write(_http(200, JSON, self._page(name)))
        else:
            writer.write(_http(404, "text/plain", b""))
        await writer.drain()
        return True

    def _page(self, project: str, **more: object) -> bytes:
        files = [
            {"filename": filename, "url": f"../../files/{project}/{filename}", "hashes": {"sha256": _sha256(content)}}
            for filename, content in self.projects.get(project, {}).items()
        ]
        return json.dumps({"meta": {"api-version": "1.0"}, "name": project, "files": files, **more}).encode()

    async def _fail(self, fault: str, name: str, writer: asyncio.StreamWriter) -> bool:
        if fault in ("silence", "drip"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" if fault == "drip" else b"")
            for _ in range(40):
                await asyncio.sleep(0.25)
                if writer.is_closing():
                    break
                writer.write(b"<" if fault == "drip" else b"")
            return False
        if fault == "reset":
            writer.transport.abort()
            return False
        if fault == "slow":
            await asyncio.sleep(0.3)
        page = self._page(name)
        answers: dict[str, Callable[[], bytes]] = {
            "slow": lambda: _http(200, JSON, page) if name in self.projects else _http(404, "text/plain", b""),
            "cut": lambda: _http(200, JSON, page, length=len(page) + 9),
            "login": lambda: _http(
                200, HTML, b'<html><body><form action="/in"><input name="user"></form></body></html>'
            ),
            "garbage": lambda: _http(200, "text/plain", b"all is well"),
            "stranger": lambda: _http(302, HTML, b"", f"Location: {self.stranger}simple/{name}/\r\n"),
            "loop": lambda: _http(302, HTML, b"", f"Location: {self.url}simple/{name}/?again\r\n"),
            "api": lambda: _http(200, JSON, self._page(name, meta={"api-version": "2.0"})),
            "another": lambda: _http(200, JSON, self._page(name, name="other")),
            "bomb": lambda: _http(200, JSON, _BOMB, "Content-Encoding: gzip\r\n"),
        }
        writer.write(answers[fault]() if fault in answers else _http(int(fault), "text/plain", b""))
        await writer.drain()
        return False


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _http(status: int, content_type: str, body: bytes, more: str = "", length: int | None = None) -> bytes:
    announced = "" if status == 204 else f"Content-Length: {len(body) if length is None else length}\r\n"
    return f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\n{announced}{more}\r\n".encode() + body


class Gateway:
    """`repoprio serve` as its users start it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = ""
        self._run: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it serves; what it says goes into a file."""
        command = [sys.executable, "-m", "repoprio", "serve", "--port", "0", "--store", str(self._folder / "store")]
        said = self._folder / "said"
        kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
        environ = {**kept, "HOME": str(self._folder), "REPOPRIO_CONFIG": str(self._folder / "policy.toml")}
        with said.open("w") as stderr:
            self._run = subprocess.Popen(command, env=environ, stderr=stderr, text=True)  # noqa: S603 - our own gateway
        for _ in range(200):
            if found := re.search(r"http://\S+/simple/", said.read_text()):
                self.url = found[0].removesuffix("simple/")
                return
            time.sleep(0.05)
        raise SystemExit(said.read_text())

    def rss(self) -> int:
        """Its memory in bytes, 0 if the system does not say."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return 0
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    @property
    def _process(self) -> subprocess.Popen[str]:
        assert self._run is not None
        return self._run


class Soak:
    """The world, what is true in it, and what was seen."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.folder = folder
        self.repositories = {tier: Repository(tier) for tier in (*TIERS, "stranger")}
        self.gateway = Gateway(folder)
        self.names = [f"{tier}-{number}" for tier in TIERS for number in range(NAMES)]
        # Who may own each name; the last one does, unless `lost` has it.
        self.owners = {name: [name.partition("-")[0]] for name in self.names}
        self.served: set[str] = set()
        self.lost: set[str] = set()
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.recoveries: list[float] = []
        self.memory: list[int] = []
        # When each round ended, and the least memory in it.
        self.least: list[tuple[float, int]] = []

    async def begin(self) -> None:
        """Start the repositories, and the gateway."""
        for repository in self.repositories.values():
            await repository.start()
            repository.stranger = self.repositories["stranger"].url
        for name in self.names:
            owner = self.owners[name][0]
            self.repositories[owner].add(name, "1.0")
            for tier in [*list(TIERS)[list(TIERS).index(owner) + 1 :], "stranger"]:
                self.repositories[tier].add(name, LURE)
        head = f"absence-ttl = {TTL}\nstale-if-error = {STALE}\npage-timeout = 2\npage-size-limit = 8388608\n"
        tables = (
            f'[repositories.{tier}]\nurl = "{self.repositories[tier].url}simple/"\npriority = {priority}\n'
            f'files = "{"direct" if tier == "corp" else "proxy"}"\n'
            for tier, priority in TIERS.items()
        )
        (self.folder / "policy.toml").write_text(head + "".join(tables))
        await asyncio.to_thread(self.gateway.start)

    def judge(self, name: str, status: int, state: str, owner: str, body: bytes) -> bool:
        """Note what is wrong with an answer; returns whether it is the right one while nothing has a fault."""
        self.answers[f"{status} {state}".strip()] += 1
        if f"-{LURE}".encode() in body:
            self.wrong.append(f"{name}: a file from below its owner")
        if status == 200 and owner not in self.owners[name]:
            self.wrong.append(f"{name}: served by {owner}")
        # 404 lets a client's next index answer.
        if status not in (200, 304, 410, 503):
            self.wrong.append(f"{name}: {status} {state}")
        if status == 200:
            self.served.add(name)
        if name in self.lost:
            return status == 410 and state == "remembered"
        return status == 200 and state == "fresh" and owner == self.owners[name][-1]

    async def ask(self, session: aiohttp.ClientSession, name: str) -> bool:
        """One page, and now and then one of its files."""
        accept = self.random.choice([JSON, HTML])
        try:
            async with session.get(f"{self.gateway.url}simple/{name}/", headers={"Accept": accept}) as response:
                body = await response.read()
                state = response.headers.get("X-Repoprio-State", "")
                is_right = self.judge(name, response.status, state, response.headers.get("X-Repoprio-Owner", ""), body)
            found = re.search(rb"\.\./\.\.(/files/[a-z0-9-]+/([0-9a-f]+)/[^\"#]+)", body)
            if found and response.status == 200 and self.random.random() < 0.2:
                await self._file(session, name, found[1].decode(), found[2].decode())
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            self.wrong.append(f"{name}: no answer ({type(error).__name__})")
            return False
        return is_right

    async def _file(self, session: aiohttp.ClientSession, name: str, path: str, digest: str) -> None:
        try:
            async with session.get(self.gateway.url.rstrip("/") + path) as response:
                body = await response.read()
                self.answers[f"file {response.status}"] += 1
                if response.status == 200 and _sha256(body) != digest:
                    self.wrong.append(f"{name}: a whole file that is not what its page states")
        except aiohttp.ClientPayloadError:
            self.answers["file broken off"] += 1

    async def load(self, session: aiohttp.ClientSession, end: float) -> None:
        """One client."""
        while time.monotonic() < end:
            await self.ask(session, self.random.choice(self.names))
            await asyncio.sleep(PACE * self.random.uniform(0, 10))

    async def storm(self, end: float) -> None:
        """Faults come and go."""
        while time.monotonic() < end:
            tier = self.random.choice(list(TIERS))
            repository = self.repositories[tier]
            # What the lowest one does not have, nobody has.
            fault = self.random.choice((*FAULTS, *(("404",) if tier != "public" else ())))
            if self.random.random() < 0.5:
                repository.fault = fault
            else:
                repository.faults |= dict.fromkeys(self.random.sample(self.names, 5), fault)
            await asyncio.sleep(self.random.uniform(0.2, 4))
            if self.random.random() < 0.6:
                repository.fault = None
                repository.faults.clear()
        for repository in self.repositories.values():
            repository.fault = None
            repository.faults.clear()

    def change(self) -> None:
        """Team loses a project that it served, and corp publishes one that was team's: for good."""
        team, corp = self.repositories["team"], self.repositories["corp"]
        own = [name for name in self.names if self.owners[name] == ["team"] and name in self.served - self.lost]
        if len(own) < NAMES // 3:
            return
        gone, taken = self.random.sample(own, 2)
        self.lost.add(gone)
        del team.projects[gone]
        self.owners[taken].append("corp")
        corp.add(taken, "0.1")

    async def recover(self, session: aiohttp.ClientSession) -> None:
        """Wait until each name has its right answer; how long it took is noted."""
        begun, left = time.monotonic(), set(self.names)
        while left and time.monotonic() - begun < TTL + DEADLINE:
            left -= {name for name in sorted(left) if await self.ask(session, name)}
            await asyncio.sleep(0.1)
        self.recoveries.append(time.monotonic() - begun)
        self.wrong += [f"{name}: not right again after {TTL + DEADLINE:g} s" for name in sorted(left)]

    async def watch(self) -> None:
        """Note how much memory the gateway has."""
        while True:
            self.memory.append(self.gateway.rss())
            await asyncio.sleep(1)

    async def run(self, seconds: float) -> None:
        """Rounds of storm and calm; then a gateway that was killed starts again."""
        await self.begin()
        end = time.monotonic() + seconds
        watch = asyncio.create_task(self.watch())
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE + 10)) as session:
            # Whoever has owned a name keeps it: so each is served once before anything happens.
            await self.recover(session)
            self.recoveries.clear()
            while time.monotonic() < end:
                until, before = min(time.monotonic() + STORM, end), len(self.memory)
                self.change()
                await asyncio.gather(self.storm(until), *(self.load(session, until) for _ in range(8)))
                await self.recover(session)
                self.least.append((time.monotonic(), min(self.memory[before:], default=0)))
                self.tell()
            watch.cancel()
            self.gateway.kill()
            await asyncio.to_thread(self.gateway.start)
            await self.recover(session)
        self.gateway.kill()

    def tell(self) -> None:
        """Print where it stands."""
        asked = sum(self.answers.values())
        print(
            f"{asked} answers, {len(self.lost)} names lost, {len(self.wrong)} wrong, "
            f"right again after {self.recoveries[-1]:.1f} s, {(self.memory or [0])[-1] / 2**20:.0f} MiB",
            flush=True,
        )

    def climb(self) -> float | None:
        """By how many bytes memory climbs in 10 minutes, from round to round; None if that cannot be told."""
        late = self.least[len(self.least) // 2 :]
        if len(late) < ENOUGH_ROUNDS:
            return None
        pairs = itertools.combinations(late, 2)
        # The median, since one step is no climb.
        return 600 * statistics.median((more - less) / (after - before) for (before, less), (after, more) in pairs)


def main() -> int:
    """Run it, and say what came of it."""
    parser = argparse.ArgumentParser("python -m benchmarks.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="how long it runs (%(default)g)")
    seed = random.SystemRandom().randrange(10**6)
    parser.add_argument("--seed", type=int, default=seed, help="repeat a run (default: another one each time)")
    chosen = parser.parse_args()
    print(f"{chosen.minutes:g} minutes, --seed {chosen.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(chosen.seed, Path(folder))
        try:
            asyncio.run(soak.run(chosen.minutes * 60))
        finally:
            soak.gateway.kill()
    for answer, count in soak.answers.most_common():
        print(f"{count:9} {answer}")
    print(f"upstream: {', '.join(f'{r.tier} {r.asked}' for r in soak.repositories.values())} requests")
    print(f"right again after at most {max(soak.recoveries):.1f} s (goal {TTL + DEADLINE:g} s)")
    most, climb = max(soak.memory, default=0), soak.climb()
    tells = (
        "too short to tell how it climbs" if climb is None else f"it climbs by {climb / 2**20:+.1f} MiB in 10 minutes"
    )
    print(f"memory at most {most / 2**20:.0f} MiB (goal {MOST / 2**20:g}); {tells} (goal {CLIMB / 2**20:g})")
    if soak.repositories["stranger"].asked:
        soak.wrong.append("the stranger was asked")
    soak.wrong += [broken for repository in soak.repositories.values() for broken in repository.broken]
    for wrong, count in Counter(soak.wrong).most_common(20):
        print(f"WRONG {count} x {wrong}")
    return 1 if soak.wrong or most > MOST or (climb or 0) > CLIMB else 0


if __name__ == "__main__":
    sys.exit(main())
