"""Fixtures for the tests that run pip; load this module as a pytest plugin."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Protocol

import pytest

from .env_store import EnvStore
from .paths import ROOT
from .pips import PipEnv
from .pool import Pool
from .repository import Layout, RepositoryServer


class EnvFactory(Protocol):
    """Make or find an environment; a stock one has no repoprio in it."""

    def __call__(self, pip_version: str, *, stock: bool = False) -> PipEnv:
        """Return the environment with this version of pip."""


class RepositoryFactory(Protocol):
    """Start a repository that is closed when the test ends."""

    def __call__(
        self,
        label: str,
        *,
        layout: Layout = "json",
        cache_control: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> RepositoryServer:
        """Return the running repository."""


@pytest.fixture(scope="session")
def env_store(tmp_path_factory: pytest.TempPathFactory, worker_count: int) -> EnvStore:
    """The environments of this session, which the workers of pytest-xdist share."""
    base = tmp_path_factory.getbasetemp()
    return EnvStore((base.parent if worker_count else base) / "pip-environments")


@pytest.fixture(scope="session")
def worker_count(pytestconfig: pytest.Config) -> int:
    """How many workers run the tests; 0 without pytest-xdist."""
    worker: dict[str, int] = getattr(pytestconfig, "workerinput", {})
    return int(worker.get("workercount", 0))


@pytest.fixture(scope="session")
def repoprio_wheel(env_store: EnvStore) -> Path:
    """The wheel of this checkout."""
    return env_store.wheel(ROOT)


@pytest.fixture
def pip_env(env_store: EnvStore, request: pytest.FixtureRequest, tmp_path: Path) -> EnvFactory:
    """Find a shared environment, with a home of this test's own. Do not install into it."""

    def find(pip_version: str, *, stock: bool = False) -> PipEnv:
        # Asked for only when needed, so that stock environments need no buildable checkout.
        wheel = None if stock else request.getfixturevalue("repoprio_wheel")
        return env_store.env(pip_version, wheel).with_home(tmp_path / f"home-{pip_version}")

    return find


@pytest.fixture(scope="session")
def env_pool(env_store: EnvStore, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """The private environments of this process."""
    return Pool(env_store, tmp_path_factory.mktemp("private"))


@pytest.fixture
def fresh_env(env_pool: Pool, pip_env: EnvFactory, tmp_path: Path) -> Iterator[EnvFactory]:
    """Find a private environment, as if it were new; the test may change it."""
    with ExitStack() as stack:

        def find(pip_version: str, *, stock: bool = False) -> PipEnv:
            env = stack.enter_context(env_pool.lend(pip_env(pip_version, stock=stock)))
            return env.with_home(Path(mkdtemp(prefix="home-", dir=tmp_path)))

        yield find


@pytest.fixture
def repository() -> Iterator[RepositoryFactory]:
    """Start repositories, each a site of its own, and close them all at the end."""
    with ExitStack() as stack:

        def start(label: str, **options: Any) -> RepositoryServer:
            return stack.enter_context(RepositoryServer(label, **options))

        yield start
