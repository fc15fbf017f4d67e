"""The servers that are measured, each a process on one processor, with one worker and the same page."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import Request, urlopen

from .upstream import JSON, page

# uvicorn with one worker, and the page as bytes.
_RAW = """
import sys, uvicorn
body = open(sys.argv[2], "rb").read()
headers = [(b"content-type", b"{json}"), (b"content-length", b"%d" % len(body))]
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({{"type": "lifespan.startup.complete"}})
        return await send({{"type": "lifespan.shutdown.complete"}})
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": body}})
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
"""
_STARLETTE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
body = open(sys.argv[2], "rb").read()
async def page(request):
    return Response(body, media_type="{json}")
uvicorn.run(Starlette(routes=[Route("/", page)]), port=int(sys.argv[1]), access_log=False, log_level="warning")
"""
_NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush off; tcp_nodelay on; keepalive_requests 100000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ root {folder}; default_type "{json}"; }} }}
}}
"""


class Missing(Exception):
    """A server that cannot be measured here, and why."""


class Place(NamedTuple):
    """Where the servers have their files and environments, and the repository that those that ask one ask."""

    folder: Path
    upstream: str
    # Begins a command that runs on the servers' processor.
    processors: list[str]


class Rival(NamedTuple):
    """A server that runs: its process, and the URL of the page."""

    process: subprocess.Popen[bytes]
    url: str

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def gateway(place: Place, *urls: str) -> Rival:
    """`repoprio serve` for these repositories, the highest-priority one first; for the one of all without any."""
    port, policy = _free_port(), place.folder / "policy.toml"
    tables = (
        f'[repositories.r{number}]\nurl = "{url}"\npriority = {number}\n'
        for number, url in enumerate(urls or (place.upstream,), 1)
    )
    policy.write_text("".join(["absence-ttl = 3600\n", *tables]))
    base = f"http://127.0.0.1:{port}"
    store = str(place.folder / f"store-{port}")
    command = [sys.executable, "-m", "repoprio", "serve", "--port", str(port), "--store", store]
    return _started(place, command, f"{base}/simple/acme/", f"{base}/health/live", REPOPRIO_CONFIG=policy)


def raw(place: Place) -> Rival:
    """A bare ASGI application that sends the page's bytes."""
    return _script(place, Path(sys.executable), _RAW)


def starlette(place: Place) -> Rival:
    """Starlette, which sends the page's bytes, too."""
    return _script(place, _environment(place, "starlette", "starlette", "uvicorn[standard]"), _STARLETTE)


def nginx(place: Place) -> Rival:
    """The page as a static file."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        raise Missing("nginx is not installed")
    port = _free_port()
    _body(place)
    # Its worker is another user where the administrator starts it.
    place.folder.chmod(0o755)
    config = place.folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=place.folder, port=port, json=JSON))
    return _started(place, [program, "-c", str(config)], f"http://127.0.0.1:{port}/page")


def devpi(place: Place) -> Rival:
    """devpi-server with a mirror."""
    python = _environment(place, "devpi", "devpi-server")
    port = _free_port()
    where = ["--serverdir", str(place.folder / f"devpi-{port}")]
    _run([str(python.parent / "devpi-init"), *where, "--no-root-pypi"])
    base = f"http://127.0.0.1:{port}"
    rival = _started(
        place,
        [str(python.parent / "devpi-server"), *where, "--port", str(port)],
        f"{base}/root/m/+simple/acme/",
        f"{base}/+api",
    )
    token = json.loads(_ask("POST", f"{base}/+login", {"user": "root", "password": ""}))["result"]["password"]
    login = {"X-Devpi-Auth": base64.b64encode(f"root:{token}".encode()).decode()}
    _ask("PUT", f"{base}/root/m", {"type": "mirror", "mirror_url": place.upstream, "volatile": False}, login)
    return rival


def proxpi(place: Place) -> Rival:
    """Proxpi under gunicorn: one worker, four threads."""
    python, port = _environment(place, "proxpi", "proxpi", "gunicorn"), _free_port()
    command = [str(python.parent / "gunicorn"), "-w1", "--threads=4", f"-b127.0.0.1:{port}", "proxpi.server:app"]
    return _started(place, command, f"http://127.0.0.1:{port}/index/acme/", PROXPI_INDEX_URL=place.upstream)


# The gateway first. The goal is the least ratio of its rate to that of the other.
RIVALS: Mapping[str, tuple[Callable[[Place], Rival], float | None]] = {
    "repoprio serve": (gateway, None),
    "raw ASGI": (raw, None),
    "Starlette": (starlette, 1.0),
    "nginx, static file": (nginx, 0.5),
    "devpi mirror": (devpi, 50.0),
    "proxpi": (proxpi, 6.0),
}


def _script(place: Place, python: Path, text: str) -> Rival:
    port = _free_port()
    command = [str(python), "-c", text.format(json=JSON), str(port), str(_body(place))]
    return _started(place, command, f"http://127.0.0.1:{port}/")


def _body(place: Place) -> Path:
    file = place.folder / "page"
    file.write_bytes(page("acme"))
    return file


def _environment(place: Place, name: str, *packages: str) -> Path:
    """The Python of an environment with these packages, which is kept for the next time."""
    root = place.folder / f"env-{name}"
    python = root / "bin" / "python"
    if not (root / "done").exists():
        venv.create(root, with_pip=True, clear=True)
        done = subprocess.run(  # noqa: S603 - pip
            [str(python), "-m", "pip", "install", "-q", *packages], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Missing(f"{packages[0]} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
        (root / "done").touch()
    return python


def _started(place: Place, command: list[str], url: str, probe: str = "", **variables: object) -> Rival:
    """A server that answers."""
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
    environ = {**kept, "HOME": str(place.folder), **{key: str(value) for key, value in variables.items()}}
    said = (place.folder / "said").open("wb")
    process = subprocess.Popen([*place.processors, *command], env=environ, stdout=said, stderr=said)  # noqa: S603 - ours
    for _ in range(300):
        try:
            _ask("GET", probe or url)
        except (URLError, OSError):  # noqa: PERF203 - it waits anyhow
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            return Rival(process, url)
    process.kill()
    raise Missing(f"{command[0]} does not answer: {(place.folder / 'said').read_text()[-500:]}")


def _ask(method: str, url: str, document: object = None, headers: Mapping[str, str] | None = None) -> bytes:
    body = json.dumps(document).encode() if document is not None else None
    sent = {"Accept": "application/json" if body or url.endswith("/+api") else JSON, **(headers or {})}
    if body:
        sent["Content-Type"] = "application/json"
    request = Request(url, data=body, headers=sent, method=method)  # noqa: S310 - loopback
    with urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
        answer: bytes = response.read()
    return answer


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
