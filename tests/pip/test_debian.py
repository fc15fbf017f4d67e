"""Debian's own python3-pip on Debian's own Python.

The first test asks for nothing but these two packages. The second one writes into the system's Python and takes out
again what it wrote: it runs only where REPOPRIO_TEST_DEBIAN=1 says so, as root, best in a container.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.env_store import EnvStore
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.scene import Scene

PYTHON = "/usr/bin/python3"
CUSTOM = Path("/etc/python3.11/sitecustomize.py")


def has_debians_pip() -> bool:
    """Whether this is Debian with python3-pip, and a Python that repoprio knows."""
    if not Path("/etc/debian_version").exists() or not Path("/usr/lib/python3/dist-packages/pip").exists():
        return False
    ask = "import sys; print(sys.version_info >= (3, 10))"
    return subprocess.run([PYTHON, "-c", ask], capture_output=True, text=True, check=False).stdout.strip() == "True"


pytestmark = pytest.mark.skipif(not has_debians_pip(), reason="not Debian, or no python3-pip")


class Debian(Scene):
    """corp above public, and a policy."""

    def __init__(self, env: PipEnv, repository: RepositoryFactory, folder: Path) -> None:
        super().__init__(repository, folder)
        self.env = env
        self.corp.add("built", {"version": "1.0", "sdist": True, "build-requires": ["acme"]})

    def run(self, *command: str) -> Completed:
        """Run a command under the policy."""
        environ = self.env.environment(self.file)
        done = subprocess.run(command, env=environ, cwd=self.folder, capture_output=True, text=True, check=False)
        return Completed(done.stdout, done.stderr, done.returncode)

    def takes(self, *pip: str) -> str:
        """Which acme this pip would take."""
        target = self.folder / f"files-{len(list(self.folder.iterdir()))}"
        # Not `install`: Debian's Python is externally managed (PEP 668).
        done = self.run(*pip, "download", "--no-cache-dir", "--no-deps", "--dest", str(target), *self.indexes, "acme")
        assert done.code == 0, done.stderr
        (found,) = target.iterdir()
        return found.name.partition("-py3")[0]


@pytest.fixture
def world(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> Debian:
    """Two repositories."""
    return Debian(pip_env("26.3"), repository, tmp_path)


def test_debians_pip_obeys(world: Debian) -> None:
    """A virtual environment that sees Debian's packages runs Debian's pip, and a pointer guards it."""
    venv = world.folder / "venv"
    assert world.run(PYTHON, "-m", "venv", "--system-site-packages", "--without-pip", str(venv)).code == 0
    pip = (str(venv / "bin" / "python"), "-m", "pip")
    assert "dist-packages" in world.run(*pip, "--version").stdout
    assert world.takes(*pip) == "acme-99.0"
    assert world.env.tool("enable", "--venv", str(venv)).code == 0
    assert world.takes(*pip) == "acme-1.0"
    done = world.run(*pip, "install", "--no-deps", "--no-cache-dir", "acme")
    assert done.code == 0, done.stderr


@pytest.mark.skipif(os.environ.get("REPOPRIO_TEST_DEBIAN") != "1", reason="writes into the system's Python")
def test_debians_base(world: Debian, env_store: EnvStore, repoprio_wheel: Path) -> None:
    """`enable --base`: pip3 obeys, and a virtual environment made from its Python; `disable` restores every byte."""
    env = env_store.env("26.3", repoprio_wheel, PYTHON).with_home(world.folder / "home")
    before = CUSTOM.read_bytes()
    assert world.takes("/usr/bin/pip3") == "acme-99.0"
    try:
        done = env.tool("enable", "--base")
        assert done.code == 0, done.stderr
        assert str(CUSTOM) in done.stdout
        assert world.takes("/usr/bin/pip3") == "acme-1.0"
        venv = world.folder / "venv"
        made = world.run(PYTHON, "-m", "venv", str(venv))
        assert made.code == 0, made.stderr
        assert world.takes(str(venv / "bin" / "pip")) == "acme-1.0"
    finally:
        assert env.tool("disable", "--base").code == 0
    assert CUSTOM.read_bytes() == before
    assert world.takes("/usr/bin/pip3") == "acme-99.0"
