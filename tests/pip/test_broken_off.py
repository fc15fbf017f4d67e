"""Broken connections and interrupted prompts: pip continues, or ends, as it does without repoprio."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import termios
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from support.faults import Fault
from support.files import build
from support.files import parse as parsed
from support.fixtures import EnvFactory
from support.scene import Scene, policy_text

# Gives the process the terminal that it was started on, heeds Ctrl-C wherever it was started from, then becomes pip.
ON_TERMINAL = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " signal.signal(signal.SIGINT, signal.SIG_DFL);"
    " os.execv(sys.executable, [sys.executable, '-m', 'pip', *sys.argv[1:]])"
)


@contextlib.contextmanager
def breaking_off(times: int) -> Iterator[str]:
    """The URL of a repository with acme 1.0, whose metadata file is cut off the first few times."""
    wheel = build("acme", parsed("1.0"), "corp")
    assert wheel.metadata is not None
    page = f'<a href="/files/{wheel.filename}" data-dist-info-metadata="true">{wheel.filename}</a>'
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_metadata = self.path.endswith(".metadata")
            body = wheel.metadata if is_metadata else wheel.content if "/files/" in self.path else page.encode()
            assert body is not None
            asked.extend([self.path] * is_metadata)
            self.send_response(200 if "acme" in self.path else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            is_whole = not is_metadata or len(asked) > times
            self.wfile.write(body if is_whole else body[:10])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("switch", ["true", "false"])
def test_a_metadata_file_that_breaks_off(switch: str, pip_env: EnvFactory, scene: Scene) -> None:
    """If it is cut off once, pip requests it again and installs; if always, pip reports it, without a traceback."""
    for times, codes in ((1, {0}), (99, {1, 2})):
        with breaking_off(times) as url:
            scene.file.write_text(policy_text({"corp": url}, before=f"fetch-ahead = {switch}"))
            done = pip_env("26.3").run("install", "--dry-run", "--retries", "1", "acme", policy=scene.file)
            alone = pip_env("26.3", stock=True).run("install", "--dry-run", "--retries", "1", "acme", "-i", url)
        assert done.code in codes, done.stdout + done.stderr
        assert done.code == alone.code, alone.stderr
        assert ("Traceback" in done.stderr) == ("Traceback" in alone.stderr), done.stderr


@pytest.mark.parametrize("switch", ["true", "false"])
def test_ctrl_c_at_a_password_leaves_the_terminal_as_it_was(switch: str, pip_env: EnvFactory, scene: Scene) -> None:
    """Ctrl-C reaches the thread that prompts, and the terminal shows typed text again."""
    scene.corp.answer_all(Fault(basic_auth="me:secret"))
    env = pip_env("26.3")
    variables = env.environment(scene.policy(before=f"fetch-ahead = {switch}"))
    master, terminal = pty.openpty()
    command = [str(env.python), "-c", ON_TERMINAL, "install", "--dry-run", "acme"]
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=variables, start_new_session=True
    ) as pip:
        try:
            _type(master, b"User for", b"me\n")
            _type(master, b"Password:", b"\x03")
            assert pip.wait(20) != 0
            assert termios.tcgetattr(terminal)[3] & termios.ECHO
        finally:
            pip.kill()
            os.close(terminal)
            os.close(master)


def _type(master: int, prompt: bytes, keys: bytes) -> None:
    seen = b""
    while prompt not in seen:
        seen += os.read(master, 4096)
    # The prompt is written before the terminal is switched.
    time.sleep(0.3)
    os.write(master, keys)
