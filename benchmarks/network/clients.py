"""The programs that are measured, stock pip, uv and repoprio, with no setting of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
_DROPPED = ("PIP_", "UV_", "PYTHON", "REPOPRIO_", "XDG_", "VIRTUAL_ENV", "SSL_CERT")
_DROPPED_ENDINGS = ("_PROXY", "_CA_BUNDLE")
_CHOSEN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


# In seconds; more is a failure.
_LONGEST = 600


class ClientFailed(RuntimeError):
    """A program ended with an error."""


@dataclass(frozen=True)
class Run:
    """What one run took in seconds, by the clock and of processor time, and what it printed."""

    wall: float
    cpu: float
    output: str

    @property
    def chosen(self) -> dict[str, str]:
        """The versions that would be installed, by name."""
        line = next((line for line in self.output.splitlines() if line.startswith("Would install")), None)
        if line is not None:
            return {name: version for name, _, version in (one.rpartition("-") for one in line.split()[2:])}
        return dict(_CHOSEN.findall(self.output))


@dataclass(frozen=True)
class Tools:
    """Where the programs are. `fetches_ahead`: this repoprio can be told not to."""

    stock: Path
    guarded: Path
    uv: Path | None
    fetches_ahead: bool

    def versions(self) -> str:
        """The versions, for the head of a table."""
        pip = _output([str(self.stock), "-m", "pip", "--version"]).split()[1]
        python = ".".join(map(str, sys.version_info[:3]))
        uv = _output([str(self.uv), "--version"]).split()[1] if self.uv else "not found"
        return f"pip {pip}, uv {uv}, Python {python}"


def make_tools(folder: Path, pip: str, project: Path, uv: str | None) -> Tools:
    """Make an environment with stock pip, and one with repoprio too, built from `project`."""
    stock, guarded = (_environment(folder / name, pip) for name in ("stock", "guarded"))
    _output([str(guarded), "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", _copy(project, folder)])
    _output([str(guarded), "-m", "pip", "install", "--quiet", "packaging", "platformdirs", "tomli"])
    schema = _output([str(guarded), "-m", "repoprio", "config", "schema"])
    return Tools(stock, guarded, _find_uv(uv), '"fetch-ahead"' in schema)


def _environment(root: Path, pip: str) -> Path:
    python = root / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(root, with_pip=True, symlinks=os.name != "nt")
    # Unlike what is measured, this uses the machine's settings, and so its network.
    _output([str(python), "-m", "pip", "install", "--quiet", f"pip=={pip}" if pip else "pip", "--upgrade"])
    return python


def _copy(project: Path, folder: Path) -> str:
    """A copy of what is built: a build may write beside it."""
    target = folder / "project"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(project, target, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist"))
    return str(target)


def _find_uv(named: str | None) -> Path | None:
    beside = Path(sys.executable).parent / "uv"
    found = named or (str(beside) if beside.exists() else shutil.which("uv"))
    return Path(found) if found else None


def _output(command: Sequence[str]) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("REPOPRIO_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode:
        raise ClientFailed(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return done.stdout


@dataclass(frozen=True)
class Task:
    """What is looked up: what would be installed for `names`, or what a command of repoprio says of them.

    `urls` are those of the repositories, the highest-priority one first. `is_complete`: the project lists of all but
    the last one are complete.
    """

    urls: Sequence[str]
    names: Sequence[str]
    command: str = "install"
    is_complete: bool = False
    certificate: Path | None = None


class Clients:
    """Runs the programs; what they keep between runs lies in `folder` until it is forgotten."""

    def __init__(self, tools: Tools, folder: Path) -> None:
        self.tools = tools
        self._folder = folder

    def forget(self) -> None:
        """Make all caches cold."""
        for cache in self._folder.glob("cache-*"):
            shutil.rmtree(cache)

    def run(self, client: str, task: Task) -> Run:
        """Run a client of `rows`; `ClientFailed` if it fails."""
        command, more = self._uv(task) if client == "uv" else self._pip(client, task)
        home = self._folder / "home"
        home.mkdir(exist_ok=True)
        return _timed(command, _variables(home, task.certificate) | more, home)

    def _uv(self, task: Task) -> tuple[list[str], dict[str, str]]:
        wanted = self._folder / "wanted.txt"
        wanted.write_text("\n".join(task.names), encoding="utf-8")
        *upper, last = task.urls
        return [
            str(self.tools.uv), "--no-config", "--cache-dir", str(self._folder / "cache-uv"),
            "pip", "compile", str(wanted), "--python", str(self.tools.stock), "--no-header", "--no-annotate",
            "--index-strategy", "first-index", "--default-index", last, *_each("--index", upper),
        ], {}  # fmt: skip

    def _pip(self, client: str, task: Task) -> tuple[list[str], dict[str, str]]:
        python = self.tools.stock if client == "pip" else self.tools.guarded
        policy = self._policy(task, is_serial=client != "repoprio")
        more = {} if client == "pip" else {"REPOPRIO_CONFIG": str(policy)}
        if task.command in ("explain", "compare"):
            return [str(python), "-m", "repoprio", task.command, *task.names], more
        if task.command == "audit":
            return [str(python), "-m", "repoprio", "audit", "--path", str(self._installed(task.names))], more
        first, *others = task.urls
        indexes = ["--index-url", first, *_each("--extra-index-url", others)] if client == "pip" else []
        # pip caches pages of plain HTTP only of a host that it was told to trust.
        trusted = ["--trusted-host", "127.0.0.1"] if task.certificate is None else []
        cache = ["--cache-dir", str(self._folder / f"cache-{client}")]
        tail = ["--dry-run", "--ignore-installed", *indexes, *trusted, *cache, *task.names]
        return [str(python), "-m", "pip", "install", *tail], more

    def _policy(self, task: Task, *, is_serial: bool) -> Path:
        lines = ["fetch-ahead = false"] if is_serial and self.tools.fetches_ahead else []
        for number, url in enumerate(task.urls, 1):
            lines += [f"[repositories.tier-{number}]", f'url = "{url}"', f"priority = {10 * number}"]
            if task.is_complete and number < len(task.urls):
                lines.append('listing = "complete"')
        path = self._folder / "policy.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _installed(self, names: Iterable[str]) -> Path:
        """A folder in which version 1.0 of each of `names` is installed."""
        folder = self._folder / "installed"
        shutil.rmtree(folder, ignore_errors=True)
        for name in names:
            info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
            info.mkdir(parents=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        return folder


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _variables(home: Path, certificate: Path | None) -> dict[str, str]:
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(_DROPPED) and not key.upper().endswith(_DROPPED_ENDINGS)
    }
    own = {"HOME": str(home), "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}
    trust = {"PIP_CERT": str(certificate), "SSL_CERT_FILE": str(certificate)} if certificate else {}
    return kept | own | trust


def _timed(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Run:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        # A resolver may never end where versions conflict.
        limit = threading.Timer(_LONGEST, process.kill)
        limit.start()
        _, status, used = os.wait4(process.pid, 0)
        limit.cancel()
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said = out.read().decode(errors="replace")
        # `audit`, `explain` and `compare` end with 1 where the answer is no.
        if process.returncode and not (process.returncode == 1 and "repoprio" in command[1:4]):
            raise ClientFailed(f"{' '.join(command)[:300]}\n{said[-500:]}{err.read().decode(errors='replace')[-2000:]}")
        return Run(wall, used.ru_utime + used.ru_stime, said)
