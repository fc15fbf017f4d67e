"""How long `repoprio audit --collisions` takes, and how much memory at its peak, with lists of a million names.

Run it with the Python of an environment that has repoprio: python benchmarks/audit.py [NAMES]
The lists come from a server of its own process on loopback. The goal is 5 s and 1 GiB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

JSON, HTML = "application/vnd.pypi.simple.v1+json", "text/html"
POLICY = """\
[repositories.corp]
url = "{url}corp/simple/"
priority = 10

[repositories.public]
url = "{url}public/simple/"
priority = 90
"""


def names(kind: str, count: int) -> list[str]:
    """The names of one list; a corp of 1,000 shares ten of them with the public one."""
    if kind == "small":
        return [f"acme-{number:04d}" for number in range(990)] + [f"project-{number:07d}" for number in range(10)]
    start = {"all": 0, "other": count - 100}[kind]
    return [f"project-{number:07d}" for number in range(start, start + count)]


def body(found: list[str], kind: str) -> bytes:
    """A project list as PyPI writes it."""
    if kind == JSON:
        projects = [{"_last-serial": number, "name": name} for number, name in enumerate(found)]
        return json.dumps({"meta": {"api-version": "1.4"}, "projects": projects}).encode()
    links = "".join(f'    <a href="/simple/{name}/">{name}</a>\n' for name in found)
    head = '<meta name="pypi:repository-version" content="1.4">\n    <title>Simple index</title>'
    return f"<!DOCTYPE html>\n<html>\n  <head>\n    {head}\n  </head>\n  <body>\n{links}  </body>\n</html>\n".encode()


def serve(kind: str, upper: str, count: int) -> None:
    """Serve two lists until killed; the port goes to stdout."""
    lists = {"corp": body(names(upper, count), kind), "public": body(names("all", count), kind)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = lists[self.path.split("/")[1]]
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


def measure(kind: str, upper: str, count: int, folder: Path) -> str:
    """One line: seconds, peak memory, findings."""
    command = [sys.executable, __file__, "serve", kind, upper, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - this very file
        assert server.stdout is not None
        policy = folder / "policy.toml"
        policy.write_text(POLICY.format(url=f"http://127.0.0.1:{int(server.stdout.readline())}/"), encoding="utf-8")
        environment = {**os.environ, "REPOPRIO_CONFIG": str(policy), "PIP_CONFIG_FILE": os.devnull}
        begun = time.perf_counter()
        with (folder / "audit.json").open("w+", encoding="utf-8") as out:
            audit = [sys.executable, "-m", "repoprio", "audit", "--collisions", "--format", "json"]
            child = subprocess.Popen(audit, env=environment, stdout=out)  # noqa: S603 - our own command
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - begun
            out.seek(0)
            found = json.load(out)
        server.kill()
    label = f"{'JSON' if kind == JSON else 'HTML'}, {len(names(upper, count)):,} and {count:,} names"
    told = ", ".join(f"{number} {code}" for code, number in found["summary"]["codes"].items())
    cpu = used.ru_utime + used.ru_stime
    return f"{label:<36}{seconds:8.2f} s{cpu:8.2f} s of CPU{used.ru_maxrss / 1024:8.0f} MiB   {told}"


def main() -> None:
    """Print a line for each kind of list."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for kind in (JSON, HTML):
            for upper in ("small", "other", "all"):
                print(measure(kind, upper, count, Path(folder)), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
