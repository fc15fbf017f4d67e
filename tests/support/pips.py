"""Environments with a real pip, run in a subprocess that is isolated from this machine."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final, NamedTuple

from . import warm
from .files import fold

CONFIG_VARIABLE: Final = "REPOPRIO_CONFIG"
_DROPPED: Final = ("PIP_", "PYTHON", "REPOPRIO_", "XDG_", "VIRTUAL_ENV", "__PYVENV")
_DROPPED_EXACTLY: Final = frozenset(
    {"NO_COLOR", "FORCE_COLOR", "NETRC", "COLUMNS", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR"}
)
_XDG: Final = {
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "config",
    "XDG_CONFIG_DIRS": "config-dirs",
    "XDG_DATA_HOME": "data",
    "XDG_DATA_DIRS": "data-dirs",
    "XDG_STATE_HOME": "state",
    "XDG_RUNTIME_DIR": "runtime",
}
_SETTINGS: Final = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_RETRIES": "0",
    "PIP_DEFAULT_TIMEOUT": "5",
    "COLUMNS": "100",
    "LC_ALL": "C.UTF-8",
}
_REPORT: Final = ("--dry-run", "--ignore-installed", "--quiet", "--report", "-")
_WHERE: Final = "import sysconfig; print(sysconfig.get_path('purelib'))"


class SetupError(RuntimeError):
    """An environment could not be created."""


@dataclass(frozen=True)
class Completed:
    """The exit status and output of a command."""

    stdout: str
    stderr: str
    code: int


class Choice(NamedTuple):
    """The file that pip would install for one project, and its place."""

    version: str
    url: str


@dataclass(frozen=True)
class Outcome:
    """What pip would install, by normalized name, and how it ended."""

    choices: Mapping[str, Choice]
    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class PipEnv:
    """A virtual environment with one version of pip; `home` is where it keeps its things.

    `may_fork`: whether a command may run in a fork of a Python that has been started there before (see `warm`).
    """

    root: Path
    pip_version: str
    home: Path
    may_fork: Callable[[], bool] = field(default=lambda: False, compare=False)
    python: Path = field(init=False)

    def __post_init__(self) -> None:
        """Derive the interpreter from the root."""
        object.__setattr__(self, "python", interpreter(self.root))

    @property
    def site_packages(self) -> Path:
        """The environment's folder of packages."""
        return site_packages(self.python)

    @property
    def installed(self) -> dict[str, str]:
        """The versions of what is installed, by name."""
        return {found.metadata["Name"]: found.version for found in distributions(path=[str(self.site_packages)])}

    def with_home(self, home: Path) -> PipEnv:
        """Return the same environment with another home, so with caches of its own."""
        return replace(self, home=home)

    def run(
        self,
        *args: str,
        policy: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
        input: str | None = None,
    ) -> Completed:
        """Run pip; the working directory is an empty one by default."""
        return self.module("pip", *args, policy=policy, env=env, cwd=cwd, timeout=timeout, input=input)

    def tool(
        self,
        *args: str,
        policy: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
        input: str | None = None,
    ) -> Completed:
        """Run repoprio's own command, as `run` runs pip."""
        return self.module("repoprio", *args, policy=policy, env=env, cwd=cwd, timeout=timeout, input=input)

    def module(
        self,
        name: str,
        *args: str,
        policy: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
        input: str | None = None,
    ) -> Completed:
        """Run any module with `python -m`, or a script by its path, as `run` runs pip."""
        variables, folder, done = self.environment(policy, env), cwd or self._folder("work"), None
        if self.may_fork():
            told: dict[str, Any] = {"cwd": folder, "input": input, "timeout": timeout}
            done = warm.run(self.python, name, args, env=variables, extra=env or {}, **told)
        done = done or subprocess.run(
            [str(self.python), *([name] if name.endswith(".py") else ["-m", name]), *args],
            env=variables,
            cwd=folder,
            timeout=timeout,
            encoding="utf-8",
            capture_output=True,
            check=False,
            **_stdin(input),
        )
        return Completed(done.stdout, done.stderr, done.returncode)

    def choices(
        self,
        *requirements: str,
        policy: Path | None = None,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
    ) -> Outcome:
        """Ask pip what it would install (pip 22.2 or later); nothing is installed."""
        arguments = ("install", *_REPORT, *options, *requirements)
        done = self.run(*arguments, policy=policy, env=env, cwd=cwd, timeout=timeout)
        return Outcome(_choices(done), done.code, done.stdout, done.stderr)

    def environment(self, policy: Path | None = None, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables a command gets: the machine's, cleaned, and then `extra`."""
        kept = {key: value for key, value in os.environ.items() if not _is_dropped(key)}
        # A repoprio on PATH would be the one that hints speak to; of rustc each session of pip asks the version.
        folders = kept.get("PATH", "").split(os.pathsep)
        kept["PATH"] = os.pathsep.join(folder for folder in folders if not _has(folder, "repoprio", "rustc"))
        home = str(self._folder("home"))
        places = {key: str(self._folder(name)) for key, name in _XDG.items()}
        chosen = {} if policy is None else {CONFIG_VARIABLE: str(policy)}
        own = {"HOME": home, "USERPROFILE": home}
        return kept | own | places | _SETTINGS | chosen | dict(extra or {})

    def _folder(self, name: str) -> Path:
        folder = self.home / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def output_of(command: Sequence[str]) -> str:
    """Return what a command prints; raises `SetupError` if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SetupError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@functools.cache
def site_packages(python: Path) -> Path:
    """Return the folder of packages of an environment's Python."""
    return Path(output_of([str(python), "-I", "-c", _WHERE]).strip())


def interpreter(root: Path) -> Path:
    """Return the Python of the environment at `root`."""
    windows = os.name == "nt"
    return root / ("Scripts" if windows else "bin") / ("python.exe" if windows else "python")


def _has(folder: str, *programs: str) -> bool:
    return any(os.access(os.path.join(folder, program), os.X_OK) for program in programs)


def _is_dropped(key: str) -> bool:
    name = key.upper()
    if name in _DROPPED_EXACTLY or name.startswith("LC_"):
        return True
    return name.startswith(_DROPPED) or name.endswith(("_PROXY", "_CA_BUNDLE"))


def _stdin(text: str | None) -> dict[str, Any]:
    return {"stdin": subprocess.DEVNULL} if text is None else {"input": text}


def _choices(done: Completed) -> dict[str, Choice]:
    if done.code:
        return {}
    report = json.loads(done.stdout)
    return dict(_choice(item) for item in report["install"])


def _choice(item: Mapping[str, Any]) -> tuple[str, Choice]:
    metadata = item["metadata"]
    return fold(metadata["name"]), Choice(metadata["version"], item["download_info"]["url"])
