"""Real repository servers, each started on loopback for one test: pypiserver, devpi-server, nginx."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .files import BuiltFile
from .pips import PipEnv

_LOOPBACK = "127.0.0.1"
_JSON = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
_START_SECONDS = 60


class Raw(NamedTuple):
    """The raw answer of a server."""

    status: int
    content_type: str
    location: str | None
    body: bytes


class Process:
    """A server that runs until it is closed."""

    def __init__(self, command: Sequence[str], folder: Path, port: int, env: Mapping[str, str] | None = None) -> None:
        """Start it, and wait until somebody listens."""
        self.port = port
        with (folder / "server.log").open("wb") as log:
            self._run = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})}
            )
        end = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if self._run.poll() is not None or time.monotonic() > end:
                self.close()
                raise RuntimeError((folder / "server.log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def ask(self, path: str) -> Raw:
        """Its answer to a pip that requests `path`; redirects are not followed."""
        return request(self.port, "GET", path, headers={"Accept": _JSON})

    def close(self) -> None:
        """Stop it, and wait."""
        self._run.terminate()
        try:
            self._run.wait(20)
        except subprocess.TimeoutExpired:
            self._run.kill()
            self._run.wait(20)


def free_port() -> int:
    """A port on which no process listens."""
    with socket.create_server((_LOOPBACK, 0)) as found:
        return int(found.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex((_LOOPBACK, port)) == 0


def request(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Raw:
    """One HTTP request on loopback."""
    connection = http.client.HTTPConnection(_LOOPBACK, port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read()
        return Raw(answer.status, answer.headers.get("Content-Type", ""), answer.headers.get("Location"), content)
    finally:
        connection.close()


def pypiserver(env: PipEnv, folder: Path, files: Sequence[BuiltFile], *options: str) -> Process:
    """Run pypiserver over a folder of files."""
    packages = folder / "packages"
    packages.mkdir()
    for file in files:
        (packages / file.filename).write_bytes(file.content)
    port = free_port()
    command = [str(env.python.with_name("pypi-server")), "run", "-p", str(port), "-i", _LOOPBACK, *options]
    return Process([*command, str(packages)], folder, port)


class Devpi(Process):
    """A devpi-server with a stage `team/dev`, and indexes on top of it."""

    def __init__(self, env: PipEnv, folder: Path) -> None:
        """Make the server's folder, start it, and log in."""
        folder.mkdir()
        scripts, state, port = env.python.parent, str(folder / "state"), free_port()
        made = [str(scripts / "devpi-init"), "--serverdir", state, "--no-root-pypi", "--root-passwd", "x"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder)
        start = [str(scripts / "devpi-server"), "--serverdir", state, "--host", _LOOPBACK, "--port", str(port)]
        super().__init__(start, folder, port)
        self._auth: dict[str, str] = {}
        self._json("PUT", "/team", {"password": "x"})
        token = self._json("POST", "/+login", {"user": "team", "password": "x"})["result"]["password"]
        self._auth = {"X-Devpi-Auth": base64.b64encode(f"team:{token}".encode()).decode()}

    def index(self, name: str, **settings: object) -> None:
        """Make the index ``team/NAME``."""
        self._json("PUT", f"/team/{name}", settings)

    def upload(self, index: str, project: str, file: BuiltFile) -> None:
        """Upload a wheel of version 1.0."""
        self._form(index, {":action": "file_upload", "name": project, "version": "1.0"}, file)

    def register(self, index: str, project: str) -> None:
        """Register a project without files."""
        self._form(index, {":action": "submit", "name": project, "version": "1.0"})

    def _json(self, method: str, path: str, document: Mapping[str, object]) -> dict[str, dict[str, str]]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self._auth}
        answer = request(self.port, method, path, json.dumps(document).encode(), headers)
        assert answer.status < 300, answer
        found: dict[str, dict[str, str]] = json.loads(answer.body)
        return found

    def _form(self, index: str, fields: Mapping[str, str], file: BuiltFile | None = None) -> None:
        mark = uuid.uuid4().hex
        head = f"--{mark}\r\nContent-Disposition: form-data; name="
        parts = [f'{head}"{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
        if file is not None:
            parts += [f'{head}"content"; filename="{file.filename}"\r\n\r\n'.encode(), file.content, b"\r\n"]
        body = b"".join([*parts, f"--{mark}--\r\n".encode()])
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}", **self._auth}
        answer = request(self.port, "POST", f"/team/{index}/", body, headers)
        assert answer.status == 200, answer


_NGINX = """
{user}daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; default_type application/octet-stream;
  types {{ text/html html; }}
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port}; root {folder}/www;
    location / {{ index index.html; autoindex {autoindex}; }}
    location /fails/ {{ proxy_pass http://127.0.0.1:9/; }}
  }}
}}
"""


def has_nginx() -> bool:
    """Whether this machine has nginx."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None


def nginx(folder: Path, *, autoindex: bool) -> Process:
    """Run nginx over ``folder/www``."""
    port = free_port()
    config = folder / "nginx.conf"
    # Started by root, its workers would run as the user nobody, who cannot read the folders of a test.
    user = "user root; " if os.geteuid() == 0 else ""
    config.write_text(_NGINX.format(folder=folder, port=port, user=user, autoindex="on" if autoindex else "off"))
    name = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "nginx"
    return Process([name, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")], folder, port)
