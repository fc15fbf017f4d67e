"""Makes the environments with a real pip that the processes of one test session share."""

from __future__ import annotations

import functools
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

import pytest
from filelock import FileLock
from packaging.requirements import Requirement

from repoprio.environments import ledger

from . import kept
from .files import fold
from .pips import PipEnv, interpreter, output_of, site_packages

_NOT_IN_WHEEL: Final = frozenset({"tests", "build", "dist", "venv", "env", "node_modules"})
# A Python, and the first pip that runs on it and on later ones. 3.12 has neither distutils nor `pkgutil.ImpImporter`;
# of 3.15, 24.0 does not know an abstract method of `Distribution`, and 24.2 to 25.1 cannot be imported.
_FIRST_PIPS: Final = (((3, 12), (23, 1, 2)), ((3, 15), (25, 2)))
_WHICH: Final = "import sys; print(sys.version, sys._base_executable)"
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
        """Whether this process has to make the folder; all others wait until it is made."""
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
        # The other files next to the interpreter contain the path of the environment that they were made for.
        for file in (env.root / "pyvenv.cfg", *env.python.parent.glob("python*")):
            shutil.copy2(file, root / file.relative_to(env.root), follow_symlinks=False)
        # Copied, not linked: a test may write into a file that both would share.
        # Without what other tests left there: notes on what they made, what `python -O` and other Pythons compiled.
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
    """Make an environment at `root` with the `wanted` distributions.

    This alone uses pip's ambient configuration, and so perhaps the network. It needs a
    pip of 22.3 or later beside the tests.
    """
    output_of([python, "-m", "venv", "--without-pip", str(root)])
    _install(root, *wanted)


def _lay_beside(alone: Path, root: Path) -> None:
    """Put the one distribution of an environment into another one of the same Python, as pip installed it."""
    packages, others = (site_packages(interpreter(each)) for each in (alone, root))
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
        run_own_pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(dest), str(source))
    return _only_wheel(dest)


def _install(root: Path, *arguments: str) -> None:
    run_own_pip("--python", str(interpreter(root)), "install", "--quiet", *arguments)


def run_own_pip(*args: str) -> None:
    """Run the pip beside the tests, with its ambient configuration."""
    output_of([sys.executable, "-m", "pip", *args])


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
    for file in site_packages(interpreter(root)).glob("pip/_vendor/certifi/cacert.pem"):
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
    return output_of([python, "-I", "-c", _WHICH]).strip()


def _runs_on(pip_version: str, python: str) -> bool:
    """Whether a Python still has the modules that this pip imports."""
    running = tuple(map(int, _python(python).split(".")[:2]))
    pip = tuple(map(int, pip_version.split(".")))
    return not any(running >= without and pip < first for without, first in _FIRST_PIPS)
