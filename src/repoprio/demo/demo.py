"""``repoprio demo``: two repositories on loopback, a hijack with plain pip, then the same with a policy."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from repoprio.config import handoff
from repoprio.config.policy_files import INHERITED
from repoprio.config.settings import Merged, settings
from repoprio.environments import target
from repoprio.environments.child_script import POINTER, SHIM
from repoprio.errors import RepoprioError

Write = Callable[[str], object]
_JSON = "application/vnd.pypi.simple.v1+json"
_FILE = "repoprio.toml"
# Runs pip without repoprio: removes the hook, which was loaded when this Python started.
_ALONE = """
import runpy, sys
sys.meta_path[:] = [one for one in sys.meta_path if getattr(one, "__module__", "") not in {hooks!r}]
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


class DemoFailed(RepoprioError):
    """A step of the demo had an unexpected result."""


def run(write: Write) -> int:
    """Run the demo, passing its text to `write`, and remove all files; returns the exit status."""
    corp = Files({"acme": [("1.0", ("leftpad",))]})
    public = Files({"acme": [("99.0", ())], "leftpad": [("1.3", ())]})
    with (
        tempfile.TemporaryDirectory(prefix="repoprio-demo-") as folder,
        serve(corp) as a,
        serve(public) as b,
    ):
        tables = {"corp": {"url": a, "priority": 10}, "public": {"url": b, "priority": 90}}
        policy = "\n".join(
            f'[repositories.{name}]\nurl = "{table["url"]}"\npriority = {table["priority"]}\n'
            for name, table in tables.items()
        )
        _run_steps(write, Path(folder), a, b, _carried(tables))
        asked = "never asked for acme" if "acme" not in public.asked else "asked for acme"
        write(f"\nWith the policy, public was {asked}.\n\n")
        write(f"The policy, ready to copy, with your URLs for these:\n\n{_indented(policy)}\n")
    return 0


def _carried(tables: Mapping[str, Any]) -> str:
    """The policy as a pip passes it to child pips, so that it replaces any policy in force, even a locked one."""
    merged = Merged()
    merged.add(settings({"repositories": tables}, _FILE))
    return handoff.pack(merged)


def _run_steps(write: Write, folder: Path, corp: str, public: str, policy: str) -> None:
    write("Your company's repository, corp, has acme 1.0, which needs leftpad.\n")
    write("A stranger has put acme 99.0 on public, which has leftpad as well.\n\n")
    indexes = ["--index-url", corp, "--extra-index-url", public]
    write("1. pip alone, with both as indexes: it takes the newest from anywhere.\n\n")
    alone = _install(folder, "alone", ["-c", _ALONE.format(hooks=(SHIM, POINTER))], indexes, "")
    write(f"   $ pip install acme --index-url CORP --extra-index-url PUBLIC\n   {alone}\n\n")
    write("2. The same pip with a policy: corp (priority 10) owns every name that it serves.\n\n")
    _forget(public)
    guarded = _install(folder, "guarded", ["-m", "repoprio", "pip"], [], policy)
    write(f"   $ pip install acme\n   {guarded}\n\n")
    write("3. Why?\n\n   $ repoprio explain acme\n")
    explanation = _python(folder, ["-m", "repoprio", "explain", "acme"], policy)
    write(_indented(explanation.rstrip()) + "\n")
    if "acme-99.0" not in alone or "acme-1.0" not in guarded or "leftpad-1.3" not in guarded:
        raise DemoFailed(f"the demo did not run as expected:\n{alone}\n{guarded}    [demo]")


def _forget(public: str) -> None:
    _LOGS[public].clear()


def _indented(text: str) -> str:
    return "\n".join(f"   {line}".rstrip() for line in text.splitlines())


def _install(folder: Path, target: str, pip: list[str], options: list[str], policy: str) -> str:
    """Install acme into the folder `target`; returns pip's line about what it installed."""
    arguments = [*pip, "install", "--no-cache-dir", "--target", str(folder / target), *options, "acme"]
    output = _python(folder, arguments, policy)
    return next((line for line in output.splitlines() if line.startswith("Successfully installed")), output)


def _python(folder: Path, arguments: list[str], policy: str) -> str:
    process = subprocess.run(  # noqa: S603 - our own interpreter, our own arguments
        [sys.executable, *arguments],
        env=_environment(folder, policy),
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    if process.returncode:
        raise DemoFailed(f"a step of the demo failed:\n{_indented(process.stdout + process.stderr)}\n    [demo]")
    return process.stdout


def _environment(folder: Path, policy: str) -> Mapping[str, str]:
    """The environment variables without settings of pip, so that the demo is the same everywhere."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(("PIP_", "REPOPRIO_", "_REPOPRIO"))}
    kept.pop(target.VARIABLE, None)
    kept = {k: v for k, v in kept.items() if not k.lower().endswith("_proxy")}
    settings = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **({INHERITED: policy} if policy else {}),
    }
    return {**kept, **settings, "HOME": str(folder), "PYTHONWARNINGS": "", "PYTHONUTF8": "1"}


_LOGS: dict[str, set[str]] = {}


class Files:
    """A repository's wheels: the versions of each project with their requirements; and which names were asked for."""

    def __init__(self, projects: Mapping[str, list[tuple[str, tuple[str, ...]]]]) -> None:
        self.asked: set[str] = set()
        self.files = {
            p: {f"{p}-{v}-py3-none-any.whl": _wheel(p, v, needs) for v, needs in vs} for p, vs in projects.items()
        }

    def page(self, project: str, *, as_json: bool) -> bytes | None:
        """The project page (PEP 691, or PEP 503 for pip before 22.2); None for an unknown project."""
        if project not in self.files:
            return None
        if not as_json:
            links = "".join(f'<a href="../../files/{project}/{name}">{name}</a>' for name in self.files[project])
            return f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
        files = [
            {"filename": name, "url": f"../../files/{project}/{name}", "hashes": {"sha256": _sha256(content)}}
            for name, content in self.files[project].items()
        ]
        return json.dumps({"meta": {"api-version": "1.0"}, "name": project, "files": files}).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _wheel(project: str, version: str, requires: tuple[str, ...]) -> bytes:
    """A wheel with one empty module (PEP 427)."""
    info = f"{project}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {name}\n" for name in requires)
    files = {
        f"{project}.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: repoprio demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{name},sha256={_record_hash(text)},{len(text.encode())}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def _record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@contextmanager
def serve(files: Files) -> Iterator[str]:
    """Serve `files` on loopback; yields the URL of the simple repository."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = self.path.strip("/").split("/")
            as_json = "json" in self.headers.get("Accept", "")
            body, kind = None, _JSON if as_json else "text/html"
            if parts[0] == "simple" and len(parts) == 2:
                files.asked.add(parts[1])
                body = files.page(parts[1], as_json=as_json)
            elif parts[0] == "files" and len(parts) == 3:
                body, kind = files.files.get(parts[1], {}).get(parts[2]), "application/octet-stream"
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Log nothing: the demo prints its own text."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/simple/"
        _LOGS[url] = files.asked
        try:
            yield url
        finally:
            server.shutdown()
            thread.join()
            del _LOGS[url]
