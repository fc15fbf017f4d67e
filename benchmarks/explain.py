"""How long `repoprio explain NAME` takes beside `pip index versions NAME`: one repository on loopback, no latency.

Run it with the Python of an environment that repoprio is installed in: python benchmarks/explain.py [RUNS]
Medians of interleaved runs, for a page of 5 files and one of 3,000. "Pip's own part" is the same look-up by a script of
ten lines that uses pip's finder and nothing of ours, so that the rest is ours; processor time is told beside the clock.
The goals are 1.3 x pip, and 60 ms of ours.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

PROJECTS = {"small": 5, "large": 3000}
ALONE = """
import sys, logging.config
from pip._internal.commands import create_command
from pip._internal.utils.temp_dir import global_tempdir_manager
install = create_command("install")
with install.main_context(), global_tempdir_manager():
    options, _ = install.parse_args(["--index-url", sys.argv[1]])
    finder = install._build_package_finder(options, install.get_default_session(options))
    print(finder.find_best_candidate(sys.argv[2]).best_candidate)
"""


class Pages(BaseHTTPRequestHandler):
    """The project pages, in JSON."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the page of the project that the URL ends in."""
        name = self.path.rstrip("/").rpartition("/")[2]
        names = (f"{name}-{n // 10}.{n % 10}-py3-none-any.whl" for n in range(PROJECTS.get(name, 0)))
        files = [
            {
                "filename": file,
                "url": f"/files/{n}/{file}",
                "hashes": {"sha256": f"{n:064x}"},
                "requires-python": ">=3.8",
            }
            for n, file in enumerate(names)
        ]
        body = json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """The URL of the repository."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple/"
    finally:
        server.shutdown()


class Took(NamedTuple):
    """Milliseconds of one run, by the clock and of processor time."""

    clock: float
    processor: float


def run(command: list[str], policy: str, home: str) -> Took:
    """How long one run takes, on a machine that has no settings of pip's."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON", "REPOPRIO_", "XDG_"))
    }
    own = {"REPOPRIO_CONFIG": policy, "HOME": home, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    before, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=kept | own, check=True, capture_output=True)  # noqa: S603 - our own commands
    clock, now = time.perf_counter() - before, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(clock * 1000, (now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime) * 1000)


def median(times: list[Took]) -> Took:
    """The medians of both."""
    return Took(*(statistics.median(column) for column in zip(*times, strict=True)))


def main() -> None:
    """Print a line for each command and page."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    with serving() as url, tempfile.TemporaryDirectory() as home:
        policy = Path(home, "policy.toml")
        policy.write_text(f'[repositories.corp]\nurl = "{url}"\n', encoding="utf-8")
        for name, count in PROJECTS.items():
            commands = {
                "pip index versions": ([sys.executable, "-m", "pip", "index", "versions", name, "-i", url], os.devnull),
                "pip's own part": ([sys.executable, "-c", ALONE, url, name], os.devnull),
                "repoprio explain": ([sys.executable, "-m", "repoprio", "explain", name], str(policy)),
            }
            took: dict[str, list[Took]] = {title: [] for title in commands}
            for _ in range(runs):
                for title, (command, chosen) in commands.items():
                    took[title].append(run(command, chosen, home))
            pip, own, explain = (median(times) for times in took.values())
            print(f"{count} files, median of {runs} interleaved runs: by the clock, of processor time")
            for title, found in zip(commands, (pip, own, explain), strict=True):
                ratios = (
                    f"{found.clock / pip.clock:6.2f} x and {found.processor / pip.processor:.2f} x pip index versions"
                )
                print(f"  {title:<20}{found.clock:8.1f} ms{found.processor:8.1f} ms{ratios}")
            print(f"  {'ours':<20}{explain.clock - own.clock:8.1f} ms{explain.processor - own.processor:8.1f} ms")


if __name__ == "__main__":
    main()
