"""Environments with a real pip, run in a subprocess that is isolated from this machine."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from filelock import FileLock
from packaging.requirements import Requirement

from repoprio.environments import ledger

from . import kept, warm
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
_NOT_IN_WHEEL: Final = frozenset({"tests", "build", "dist", "venv", "env", "node_modules"})
_REPORT: Final = ("--dry-run", "--ignore-installed", "--quiet", "--report", "-")
# A Python, and the first pip that runs on it and on later ones. 3.12 has neither distutils nor `pkgutil.ImpImporter`;
# of 3.15, 24.0 does not know an abstract method of `Distribution`, and 24.2 to 25.1 cannot be imported.
_FIRST_PIPS: Final = (((3, 12), (23, 1, 2)), ((3, 15), (25, 2)))
_WHERE: Final = "import sysconfig; print(sysconfig.get_path('purelib'))"
_WHICH: Final = "import sys; print(sys.version, sys._base_executable)"


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
        object.__setattr__(self, "python", _interpreter(self.root))

    @property
    def site_packages(self) -> Path:
        """The environment's folder of packages."""
        return _site_packages(self.python)

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


_COMPILED_BY_OTHERS: Final = tuple(
    f"*.{tag}.pyc" for tag in map("cpython-3{}".format, range(30)) if tag != sys.implementation.cache_tag
)


class EnvStore:
    """Environments that the processes of one test session share."""

    def __init__(self, root: Path) -> None:
        """Keep the environments below `root`."""
        self.root = root
        self._found: dict[tuple[str, Path | None, str], PipEnv] = {}
        root.mkdir(parents=True, exist_ok=True)

    def env(self, pip_version: str, wheel: Path | None = None, python: str = sys.executable) -> PipEnv:
        """Return the environment; the first process makes it. Do not install into it.

        Skips the test where this pip does not run on that Python.
        """
        if not _runs_on(pip_version, python):
            pytest.skip(f"pip {pip_version} does not run on that Python")
        asked = pip_version, wheel, python
        if asked not in self._found:
            root = self.root / _key(pip_version, wheel, python)
            with self._once(root) as is_new:
                if is_new:
                    self._make(root, *asked)
            self._found[asked] = PipEnv(root, pip_version, root / "home", may_fork=lambda: True)
        return self._found[asked]

    def _make(self, root: Path, pip_version: str, wheel: Path | None, python: str) -> None:
        wanted = [f"pip=={pip_version}", *(_needs(wheel, python) if wheel else [])]
        with kept.environment(lambda place: make_env(place, python, *wanted), _python(python), *wanted) as made:
            kept.copy_to(made, root)
        _trust_one(root)
        if wheel:
            # Installed once for each Python: each pip of its own would compile all modules again.
            alone = self.root / _key("", wheel, python)
            with self._once(alone) as is_new:
                if is_new:
                    make_env(alone, python, "--no-deps", "--no-index", str(wheel))
            _lay_beside(alone, root)

    @contextmanager
    def _once(self, root: Path) -> Iterator[bool]:
        """Whether this process is to make what is to lie there; all others wait until it has."""
        with FileLock(f"{root}.lock"):
            is_new = not _mark(root).exists()
            if is_new:
                shutil.rmtree(root, ignore_errors=True)
            yield is_new
            _mark(root).touch()

    def with_package(self, package: str, python: str = sys.executable) -> PipEnv:
        """Return an environment with this version of a package and what that needs. Do not change it."""
        with kept.environment(lambda place: make_env(place, python, package), _python(python), package) as made:
            return PipEnv(made, "", self.root / package / "home")

    def copy(self, env: PipEnv, root: Path) -> PipEnv:
        """Return a private environment with the same packages, free to be changed."""
        copy = PipEnv(root, env.pip_version, root / "home")
        copy.python.parent.mkdir(parents=True)
        # What else lies beside the interpreter names the folder of the environment that it was made for.
        for file in (env.root / "pyvenv.cfg", *env.python.parent.glob("python*")):
            shutil.copy2(file, root / file.relative_to(env.root), follow_symlinks=False)
        # Copied, not linked: a test may write into a file that both would share.
        # What other tests left there stays there: notes on what they made, what `python -O` and other Pythons compiled.
        left = shutil.ignore_patterns(ledger.FILE, "*.opt-?.pyc", *_COMPILED_BY_OTHERS)
        shutil.copytree(env.site_packages, root / env.site_packages.relative_to(env.root), ignore=left)
        return copy

    def wheel(self, project_root: Path) -> Path:
        """Return repoprio's wheel; the first process builds it."""
        folder = self.root / "wheel"
        with self._once(folder) as is_new:
            if is_new:
                build_wheel(project_root, folder)
        return _only_wheel(folder)


def make_env(root: Path, python: str, *wanted: str) -> None:
    """Make an environment with what is wanted.

    This alone uses pip's ambient configuration, and so perhaps the network. It needs a
    pip of 22.3 or later beside the tests.
    """
    _output([python, "-m", "venv", "--without-pip", str(root)])
    _install(root, *wanted)


def _lay_beside(alone: Path, root: Path) -> None:
    """Put the one distribution of an environment into another one of the same Python, as pip installed it."""
    packages, others = (_site_packages(_interpreter(each)) for each in (alone, root))
    (distribution,) = distributions(path=[str(packages)])
    for file in distribution.files or ():
        (others / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(packages / file, others / file)
    kept.name_interpreter(alone, root)


def build_wheel(project_root: Path, dest: Path) -> Path:
    """Build the wheel of a copy of the checkout, which itself stays as it is."""
    dest.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "source"
        shutil.copytree(project_root, source, ignore=_ignore(project_root))
        _pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(dest), str(source))
    return _only_wheel(dest)


def _install(root: Path, *arguments: str) -> None:
    _pip("--python", str(_interpreter(root)), "install", "--quiet", *arguments)


def _pip(*args: str) -> None:
    _output([sys.executable, "-m", "pip", *args])


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SetupError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _ignore(top: Path) -> Callable[[str, list[str]], set[str]]:
    def ignored(folder: str, names: list[str]) -> set[str]:
        unwanted = {"__pycache__"}
        if Path(folder) == top:
            unwanted |= {name for name in names if name.startswith(".") or name in _NOT_IN_WHEEL}
        return unwanted

    return ignored


def _only_wheel(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


def _trust_one(root: Path) -> None:
    """Keep one of the certificates that pip trusts.

    Pip loads all of them for each command, and the tests ask loopback only.
    """
    for file in _site_packages(_interpreter(root)).glob("pip/_vendor/certifi/cacert.pem"):
        first, end, _ = file.read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
        file.write_text(f"{first}{end}", encoding="utf-8")


def _mark(root: Path) -> Path:
    return root.with_name(f"{root.name}.ready")


def _key(pip_version: str, wheel: Path | None, python: str) -> str:
    content = _digest(wheel.read_bytes())[:12] if wheel else "stock"
    return f"pip{pip_version}-{_digest(_python(python).encode())[:6]}-{content}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _needs(wheel: Path, python: str) -> list[str]:
    """The requirements of repoprio's wheel besides pip, in the versions installed with the tests."""
    environment = {"python_version": _python(python).split()[0].rpartition(".")[0]}
    (distribution,) = distributions(path=[str(wheel)])
    requirements = [Requirement(text) for text in distribution.requires or ()]
    ours = {fold(found.metadata["Name"]): found.version for found in distributions()}
    return [
        f"{need.name}=={ours[need.name]}" if need.name in ours else f"{need.name}{need.specifier}"
        for need in requirements
        if need.name != "pip" and (need.marker is None or need.marker.evaluate({**environment, "extra": ""}))
    ]


@functools.cache
def _python(python: str) -> str:
    """Version, build and path of the Python of environments that this one creates."""
    return _output([python, "-I", "-c", _WHICH]).strip()


def _runs_on(pip_version: str, python: str) -> bool:
    """Whether a Python still has the modules that this pip imports."""
    running = tuple(map(int, _python(python).split(".")[:2]))
    pip = tuple(map(int, pip_version.split(".")))
    return not any(running >= without and pip < first for without, first in _FIRST_PIPS)


@functools.cache
def _site_packages(python: Path) -> Path:
    return Path(_output([str(python), "-I", "-c", _WHERE]).strip())


def _interpreter(root: Path) -> Path:
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
