"""Block E of the fault matrix: real clients of a gateway while the owner of a name has one of the worst faults.

pip with the plugin has a test of its own for the same faults: `tests/adapter/test_fault_matrix.py`, `test_end_to_end`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from support import lockers
from support.env_store import EnvStore
from support.fault_world import FAULTS
from support.files import build, parse
from support.fixtures import EnvFactory
from support.gateway_matrix import CLIENTS, WORST, clients
from support.gateways import GatewayProcess
from support.invariant import LURE
from support.pips import Completed
from support.repository import RepositoryServer
from support.scene import repository_table
from support.uvs import run_uv
from support.wire import WireFault, WireServer


class World:
    """A gateway for a repository with each fault, which serves one name, above public, which has all of them."""

    def __init__(self, url: str, public: RepositoryServer, broken: dict[str, WireServer]) -> None:
        self.url, self.public, self.broken = url, public, broken


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One gateway for all faults."""
    folder = tmp_path_factory.mktemp("gateway")
    with ExitStack() as stack:
        public, elsewhere = (stack.enter_context(RepositoryServer(name)) for name in ("public", "elsewhere"))
        broken, tables = {}, ["page-timeout = 1\n"]
        for fault in (fault for fault in FAULTS if fault.id in WORST):
            name = f"acme-{fault.id}"
            for server in (public, elsewhere):
                server.add(name, LURE)
            broken[fault.id] = stack.enter_context(closing(WireServer(name, [build(name, parse("1.0"), "corp")])))
            broken[fault.id].places = {"elsewhere": elsewhere.root_url, "public": public.root_url}
            broken[fault.id].fault = fault
            # It may serve this name; nothing says that no other repository may.
            tables.append(repository_table(f"corp-{fault.id}", broken[fault.id].page_url, 10, f'include = ["{name}"]'))
        policy = folder / "policy.toml"
        policy.write_text("".join([*tables, repository_table("public", public.page_url, 90)]))
        process = stack.enter_context(GatewayProcess(policy, folder / "store"))
        yield World(process.url, public, broken)
        assert not [path for path in elsewhere.requests if "acme" in path]


def cases() -> list[Any]:
    """Each fault with one client in turn; the rest, and all that is slow, with -m full."""
    # uv takes a tenth of the time that pip takes.
    turn = ("uv", "uv", "uv", "pip")
    return [
        pytest.param(
            fault, client, id=f"{fault.id}-{client}",
            marks=[] if client == turn[number // len(CLIENTS) % len(turn)] else [pytest.mark.full],
        )
        for number, (fault, client) in enumerate(clients())
    ]  # fmt: skip


@pytest.mark.parametrize(("fault", "client"), cases())
def test_a_client_takes_nothing_from_below(
    fault: WireFault, client: str, world: World, tmp_path: Path, pip_env: EnvFactory, env_store: EnvStore
) -> None:
    """The client stops, and public is not even asked."""
    name = f"acme-{fault.id}"
    done = _resolve(client, name, world.url, tmp_path / "client", pip_env, env_store)
    assert done.code != 0
    assert LURE not in done.stdout + done.stderr
    assert not world.public.asked(name)


def _resolve(client: str, name: str, url: str, folder: Path, pip_env: EnvFactory, env_store: EnvStore) -> Completed:
    """The output of a client that looks for a project through the gateway alone."""
    if client == "pip":
        asked = ("install", "--dry-run", "--ignore-installed", "--retries", "0", "--index-url", url, name)
        return pip_env("26.3", stock=True).run(*asked)
    if client == "uv":
        folder.mkdir()
        (folder / "wanted.txt").write_text(name)
        return run_uv(folder, "pip", "compile", "-q", "--default-index", url, "wanted.txt")
    lockers.project(client, folder, f'[[tool.{client}.source]]\nname = "gateway"\nurl = "{url}"\n', name)
    return lockers.run(env_store, client, folder, "lock")


@pytest.mark.parametrize("client", ["uv", pytest.param("pip", marks=pytest.mark.full)])
def test_a_client_takes_the_owners_version_without_a_fault(
    client: str, world: World, tmp_path: Path, pip_env: EnvFactory, env_store: EnvStore
) -> None:
    """So a failure under a fault is due to the fault."""
    broken = world.broken["login-page"]
    fault, broken.fault = broken.fault, None
    try:
        done = _resolve(client, "acme-login-page", world.url, tmp_path / "client", pip_env, env_store)
    finally:
        broken.fault = fault
    assert (done.code, "1.0" in done.stdout) == (0, True), done.stderr
