"""What real servers answer for an unknown name, an empty project and an error, and how the name is decided.

pypiserver and devpi-server are installed for the tests; nginx is used if the machine has it. Their answers are
asserted, so that docs/compatibility/servers.md is true.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support import servers
from support.env_store import EnvStore
from support.files import build, parse
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv
from support.repository import RepositoryServer
from support.scene import policy_text
from support.servers import Devpi, Process

ACME = build("acme", parse("1.0"), "corp")


class World:
    """A real server as corp above public, which has every name in a higher version."""

    def __init__(self, env: PipEnv, public: RepositoryServer, folder: Path) -> None:
        self.env, self.public, self.folder = env, public, folder
        for name in ("acme", "hollow", "nope"):
            public.add(name, "99.0")
        self.policy = folder / "policy.toml"

    def decides(self, corp: str, name: str, more: str = "") -> str:
        """The version of `name` that pip takes, or the code of the refusal; public is asked only in the first case."""
        self.policy.write_text(policy_text({"corp": corp, "public": self.public.page_url}, corp=more))
        before = len(self.public.requests)
        done = self.env.run("install", "--dry-run", "--no-cache-dir", "--no-deps", name, policy=self.policy)
        assert "Traceback" not in done.stderr
        if done.code == 0:
            return done.stdout.split("Would install ")[1].strip()
        asked = [path for path in self.public.requests[before:] if name in path]
        code = done.stderr.rpartition("[")[2].partition("]")[0]
        assert code == "absent" or not asked
        return code


@pytest.fixture
def world(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> World:
    """A pip, and public."""
    return World(pip_env("26.3"), repository("public"), tmp_path)


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """The servers that a test starts; it closes them."""
    with ExitStack() as stack:
        yield stack


def start(stack: ExitStack, server: Process) -> Process:
    """Close `server` when the test ends."""
    stack.callback(server.close)
    return server


def test_pypiserver_without_fallback(world: World, env_store: EnvStore, running: ExitStack) -> None:
    """An unknown name is 404, so absent; a project without files is unknown too. If the server is down, unavailable."""
    env = env_store.with_package("pypiserver==2.4.2")
    server = start(running, servers.pypiserver(env, world.folder, [ACME], "--disable-fallback"))
    url = f"http://127.0.0.1:{server.port}/simple/"
    assert [server.ask(f"/simple/{name}/").status for name in ("acme", "nope")] == [200, 404]
    assert [world.decides(url, name) for name in ("acme", "nope")] == ["acme-1.0", "nope-99.0"]
    server.close()
    assert world.decides(url, "acme") == "unavailable"


def test_pypiserver_with_fallback(world: World, env_store: EnvStore, running: ExitStack) -> None:
    """An unknown name is redirected to the fallback: absent if that is the policy's; otherwise not followed."""
    env = env_store.with_package("pypiserver==2.4.2")
    fallback = ["--fallback-url", world.public.page_url]
    server = start(running, servers.pypiserver(env, world.folder, [ACME], *fallback))
    url, answer = f"http://127.0.0.1:{server.port}/simple/", server.ask("/simple/nope/")
    assert (answer.status, answer.location) == (303, f"{world.public.page_url}nope/")
    assert [world.decides(url, name) for name in ("acme", "nope")] == ["acme-1.0", "nope-99.0"]
    server.close()
    strange = world.folder / "strange"
    strange.mkdir()
    fallback = ["--fallback-url", "http://elsewhere.example/simple/"]
    other = start(running, servers.pypiserver(env, strange, [ACME], *fallback))
    url = f"http://127.0.0.1:{other.port}/simple/"
    assert [world.decides(url, name) for name in ("acme", "nope")] == ["acme-1.0", "unavailable"]
    more = 'redirects = {"http://elsewhere.example" = "absent"}'
    assert world.decides(url, "nope", more) == "nope-99.0"


@pytest.mark.full
def test_devpi(world: World, env_store: EnvStore, running: ExitStack, repository: RepositoryFactory) -> None:
    """An unknown name is 404. A project without files has a page, and so owns its name. A mirror serves its source."""
    upstream = repository("upstream")
    upstream.add("acme", "2.0")
    upstream.add("nope", "2.0")
    devpi = Devpi(env_store.with_package("devpi-server==6.20.3"), world.folder / "devpi")
    start(running, devpi)
    devpi.index("dev", bases=[])
    devpi.index("mirror", type="mirror", mirror_url=upstream.page_url, mirror_cache_expiry=0)
    devpi.index("both", bases=["team/mirror"], mirror_whitelist=[])
    for index in ("dev", "both"):
        devpi.upload(index, "acme", ACME)
        devpi.register(index, "hollow")
    dev, both = (f"http://127.0.0.1:{devpi.port}/team/{index}/+simple/" for index in ("dev", "both"))
    asked = {name: devpi.ask(f"/team/dev/+simple/{name}/").status for name in ("acme", "hollow", "nope")}
    assert asked == {"acme": 200, "hollow": 200, "nope": 404}
    assert [world.decides(dev, name) for name in asked] == ["acme-1.0", "no-match", "nope-99.0"]
    # devpi itself keeps a name of the stage from its mirror; what the mirror has besides is corp's.
    assert [world.decides(both, name) for name in asked] == ["acme-1.0", "no-match", "nope-2.0"]


@pytest.mark.full
def test_a_devpi_mirror_whose_source_is_down(
    world: World, env_store: EnvStore, running: ExitStack, repository: RepositoryFactory
) -> None:
    """It answers 404 for unseen names, as if they did not exist: only a canary shows the difference."""
    upstream = repository("upstream")
    upstream.add("acme", "1.0")
    source = upstream.page_url
    devpi = Devpi(env_store.with_package("devpi-server==6.20.3"), world.folder / "devpi")
    start(running, devpi)
    devpi.index("mirror", type="mirror", mirror_url=source, mirror_cache_expiry=0)
    upstream.close()
    url = f"http://127.0.0.1:{devpi.port}/team/mirror/+simple/"
    assert devpi.ask("/team/mirror/+simple/acme/").status == 404
    assert world.decides(url, "acme") == "acme-99.0"
    assert world.decides(url, "acme", 'canary = "acme"') == "unavailable"
    assert world.decides(url, "acme", 'owns = ["acme"]') == "owned-absent"


@pytest.mark.parametrize("autoindex", [False, True])
def test_nginx(autoindex: bool, world: World, running: ExitStack) -> None:
    """Static pages: an unknown name is 404; a folder without a page is 403 or a listing; a dead upstream is 502."""
    if not servers.has_nginx():
        pytest.skip("nginx is not here")
    pages = world.folder / "www" / "simple"
    for name in ("acme", "hollow", "listed"):
        (pages / name).mkdir(parents=True)
    (pages / "acme" / ACME.filename).write_bytes(ACME.content)
    (pages / "acme" / "index.html").write_text(f'<html><a href="{ACME.filename}">{ACME.filename}</a></html>')
    (pages / "listed" / "listed-1.0-py3-none-any.whl").write_bytes(ACME.content)
    server = start(running, servers.nginx(world.folder, autoindex=autoindex))
    url = f"http://127.0.0.1:{server.port}/simple/"
    names = ("acme", "hollow", "nope")
    assert [server.ask(f"/simple/{name}/").status for name in names] == [200, 200 if autoindex else 403, 404]
    decided = [world.decides(url, name) for name in names]
    assert decided == ["acme-1.0", "no-match" if autoindex else "unavailable", "nope-99.0"]
    assert server.ask("/fails/acme/").status == 502
    assert world.decides(f"http://127.0.0.1:{server.port}/fails/", "acme") == "unavailable"
    # A listing of files is a page like any other.
    assert server.ask("/simple/listed/").status == (200 if autoindex else 403)
