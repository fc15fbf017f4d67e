"""Needed pages and metadata are fetched in parallel, pages tier by tier, and nothing else is."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from werkzeug import Request, Response

from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.keyring import add_keyring
from support.pips import Outcome, PipEnv
from support.repository import RepositoryServer

LATENCY = 0.05
NEW = "26.3"
# Before 23.2 pip reads no metadata files.
PIPS = ["22.3.1", "23.2.1", NEW]

# What a shell starts in the background ignores Ctrl-C, and so would all that such tests start.
HEEDING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""

# Runs pip, and prints how often the scout looked whether a version fits.
COUNTING = """
import sys
from pip._internal.cli.main import main
from repoprio.pip_adapter.resolver.scout import Scout
looked, original = [], Scout._fits
Scout._fits = lambda *args: looked.append(1) or original(*args)
status = main(sys.argv[1:])
print("looked", len(looked))
sys.exit(status)
"""


class World:
    """Repositories, one above the other, and their policy."""

    def __init__(self, env: PipEnv, folder: Path, servers: list[RepositoryServer]) -> None:
        self.env, self.folder, self.servers = env, folder, servers

    def choices(
        self, *wanted: str, top: str = "", own: str = "", urls: Mapping[str, str] | None = None, **options: object
    ) -> Outcome:
        """What pip would install; the servers have recorded nothing else. `urls` replaces their own."""
        for server in self.servers:
            server._requests.clear()
            server.spans.clear()
            server.most_held = 0
        policy = self.folder / "policy.toml"
        tables = (
            f'[repositories.{server.label}]\nurl = "{(urls or {}).get(server.label, server.page_url)}"\n'
            f"priority = {10 * number}\n{own}\n"
            for number, server in enumerate(self.servers, 1)
        )
        policy.write_text(top + "".join(tables), encoding="utf-8")
        return self.env.choices(*wanted, policy=policy, **options)  # type: ignore[arg-type]

    def asked(self) -> list[list[str]]:
        """What each server was asked for, sorted."""
        return [sorted(server.requests) for server in self.servers]

    def delay(self) -> None:
        """Make each page take a while."""
        for server in self.servers:
            server.answer_all(Fault(hang=LATENCY))


@pytest.fixture
def world(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> World:
    """Three empty repositories."""
    return World(pip_env(NEW), tmp_path, [repository(f"r{number}") for number in (1, 2, 3)])


def wheel(version: str, *requires: str) -> dict[str, object]:
    """A wheel with dependencies."""
    return {"version": version, "requires": list(requires)}


def chain(world: World) -> None:
    """Five roots, each with dependencies of its own, some of them shared."""
    low = world.servers[2]
    for number in range(5):
        low.add(f"root-{number}", wheel("2.0", f"leaf-{number}", "shared"), wheel("1.0", f"old-{number}"))
        low.add(f"leaf-{number}", wheel("1.0"))
    low.add("shared", wheel("1.0", "deep"))
    low.add("deep", wheel("1.0"))


ROOTS = [f"root-{number}" for number in range(5)]


@pytest.mark.story
@pytest.mark.parametrize("pip", PIPS)
def test_the_same_is_asked_and_chosen_as_in_turn(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """With and without fetching ahead, pip sends each repository the same requests, once each, and chooses the same."""
    world = World(pip_env(pip), tmp_path, [repository(f"r{number}") for number in (1, 2, 3)])
    chain(world)
    world.delay()
    ahead = world.choices(*ROOTS)
    asked, held = world.asked(), [server.most_held for server in world.servers]
    in_turn = world.choices(*ROOTS, top="fetch-ahead = false\n")
    assert ahead.code == in_turn.code == 0, ahead.stderr + in_turn.stderr
    assert ahead.choices == in_turn.choices
    assert asked == world.asked()
    assert all(1 < most <= 16 for most in held)
    assert [server.most_held for server in world.servers] == [1, 1, 1]


def test_a_name_is_asked_tier_after_tier(world: World) -> None:
    """A lower repository is asked for a name only after all higher ones have said that they do not have it."""
    chain(world)
    world.delay()
    assert world.choices(*ROOTS).code == 0
    for name in [*ROOTS, "shared", "deep", *(f"leaf-{number}" for number in range(5))]:
        spans = [[one for one in server.spans if one[0] == f"/simple/{name}/"] for server in world.servers]
        assert [len(own) for own in spans] == [1, 1, 1], name
        assert all(above[0][2] <= below[0][1] for above, below in pairwise(spans)), name


def test_an_owner_above_keeps_names_from_those_below(world: World) -> None:
    """Lower repositories are never asked for a name that the first one owns, dependencies included."""
    chain(world)
    top, middle, low = world.servers
    top.add("root-1", wheel("1.0", "private"))
    top.add("private", wheel("1.0"))
    assert world.choices(*ROOTS).code == 0
    assert not {"root-1", "private"} & (middle.asked_pages() | low.asked_pages())
    # Nor does anybody hear of what a shadowed file would have wanted.
    assert not any(server.asked("leaf-1") for server in world.servers)


def test_observing_fetches_nothing_ahead(world: World) -> None:
    """In observe mode pip asks as usual: one request after the other."""
    chain(world)
    world.delay()
    indexes = [f"--extra-index-url={server.page_url}" for server in world.servers[1:]]
    top = 'mode = "observe"\n'
    done = world.choices(*ROOTS, top=top, options=["--index-url", world.servers[0].page_url, *indexes])
    assert done.code == 0, done.stderr
    assert [server.most_held for server in world.servers] == [1, 1, 1]


def test_flexible_mode_asks_the_first_tier_ahead(world: World) -> None:
    """In flexible mode pages of the first tier are fetched ahead, and lower ones only if the lookup needs them."""
    chain(world)
    world.servers[0].add("root-1", wheel("1.0"))
    world.delay()
    done = world.choices("root-0", "root-1", "root-2>=2", "root-3", top='mode = "flexible"\n')
    assert done.code == 0, done.stderr
    top, middle, low = world.servers
    assert top.most_held > 1
    assert (middle.most_held, low.most_held) == (1, 1)
    assert not middle.asked("root-1")


def test_a_long_way_down_is_not_looked_through_at_each_step(
    pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """If pip tries many versions, the scout looks at few of those below each time, not at all of them."""
    count, low = 120, repository("r1")
    # A pip that reads slowly what the workers fetch fast.
    world = World(pip_env("23.2.1"), tmp_path, [low])
    low.add("acme", *(wheel(f"1.{number}", "dep<1") for number in range(1, count)), wheel("1.0"))
    low.add("dep", wheel("1.0"), wheel("0.5"))
    low.add("other", wheel("1.0", "dep>=1"))
    assert world.choices("other", "acme").choices["acme"].version == "1.0"
    policy = world.folder / "policy.toml"
    done = subprocess.run(
        [str(world.env.python), "-c", COUNTING, "install", "--dry-run", "--ignore-installed", "other", "acme"],
        env=world.env.environment(policy),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    looked = int(done.stdout.split()[-1])
    # Twice for each version, at most: once it is there, and when the resolver takes it.
    assert count / 2 < looked <= 2 * count * 16


def test_what_is_installed_and_stays_is_not_asked_for(
    fresh_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Nothing is asked for satisfied requirements, for dependencies under --no-deps, or for a false marker."""
    world = World(fresh_env(NEW), tmp_path, [repository(f"r{number}") for number in (1, 2, 3)])
    low = world.servers[2]
    low.add("acme", wheel("1.0", "there", "extra-one; extra == 'one'", "never; python_version < '3'"))
    for name in ("there", "extra-one", "never"):
        low.add(name, wheel("1.0"))
    info = world.env.site_packages / "there-0.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: there\nVersion: 0.5\n", encoding="utf-8")
    policy = tmp_path / "policy.toml"
    world.choices("acme", "--no-deps")
    assert low.asked_pages() == {"acme"}
    low._requests.clear()
    done = world.env.run("install", "--dry-run", "--no-cache-dir", "acme", policy=policy)
    assert (done.code, low.asked_pages()) == (0, {"acme"}), done.stderr
    low._requests.clear()
    done = world.env.run("install", "--dry-run", "--no-cache-dir", "acme[one]", policy=policy)
    assert (done.code, low.asked_pages()) == (0, {"acme", "extra-one"}), done.stderr
    low._requests.clear()
    eager = ("--upgrade", "--upgrade-strategy", "eager")
    done = world.env.run("install", "--dry-run", "--no-cache-dir", *eager, "acme", policy=policy)
    assert (done.code, low.asked_pages()) == (0, {"acme", "there"}), done.stderr


def test_what_goes_wrong_ahead_is_asked_for_again(world: World) -> None:
    """If a request is refused only because of parallel requests, it is repeated, without a message."""
    chain(world)
    low = world.servers[2]
    answer = low._response

    def only_one(request: Request) -> Response:
        time.sleep(LATENCY)
        return answer(request) if low._held == 1 else Response("", 503)

    low._response = only_one  # type: ignore[method-assign]
    done = world.choices(*ROOTS)
    assert low.most_held > 1
    assert (done.code, "503" in done.stderr, "Retrying" in done.stderr) == (0, False, False), done.stderr
    assert world.choices(*ROOTS, top="fetch-ahead = false\n").choices == done.choices


def test_a_login_is_asked_for_once(fresh_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> None:
    """After a 401 a site gets one request at a time, and keyring is asked once, even for many names."""
    world = World(fresh_env(NEW), tmp_path, [repository(f"r{number}") for number in (1, 2, 3)])
    chain(world)
    noted = tmp_path / "keyring"
    add_keyring(world.env, "bot", "s3cret", noted=noted)
    top, middle, _ = world.servers
    middle.answer_all(Fault(basic_auth="bot:s3cret", hang=LATENCY))
    top.answer_all(Fault(hang=LATENCY))
    done = world.choices(*ROOTS, "--no-input", "--keyring-provider", "import")
    assert done.code == 0, done.stderr
    assert (middle.most_held, top.most_held > 1, noted.read_text()) == (1, True, "asked\n"), done.stderr


@pytest.mark.parametrize("login", ["", "anybody:at-all"])
def test_a_site_that_needs_no_login_is_asked_at_once(login: str, world: World) -> None:
    """The first requests to a site are sent in parallel; if a login could be wrong, one is sent before all others."""
    chain(world)
    world.delay()
    top = world.servers[0]
    where = top.page_url.replace("://", f"://{login}@") if login else top.page_url
    done = world.choices(*ROOTS, own="", urls={top.label: where}, options=["--keyring-provider", "disabled"])
    assert done.code == 0, done.stderr
    first, second, *_ = sorted(span[1:] for span in top.spans)
    assert (second[0] < first[1]) is not bool(login)


def test_what_only_the_scout_looked_at_is_not_said_to_need_another_python(world: World) -> None:
    """If nothing fits, pip reports which versions need another Python, only for projects that it looked at itself."""
    low = world.servers[2]
    low.add("other", {"version": "7.7", "requires-python": ">=99"}, wheel("1.0"))
    # Meanwhile the scout looks at the other one.
    low.answer("nowhere", Fault(hang=0.3))
    done = world.choices("nowhere", "other")
    assert low.asked("other")
    assert (done.code, "Ignored the following versions" in done.stdout + done.stderr) == (1, False), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_an_interrupt_waits_for_no_page(world: World) -> None:
    """Ctrl-C ends an installation at once, even while it waits for several answers."""
    chain(world)
    world.choices("root-0")
    for server in world.servers:
        server.answer_all(Fault(hang=20))
        server.answer("root-0", Fault(status=404) if server is not world.servers[2] else Fault())
    command = [world.env.python, "-m", "pip", "install", "--dry-run", *ROOTS]
    install = subprocess.Popen(
        [sys.executable, "-c", HEEDING, *map(str, command)],
        env=world.env.environment(world.folder / "policy.toml", {"PIP_DEFAULT_TIMEOUT": "30"}),
        cwd=world.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    end = time.monotonic() + 60
    while world.servers[0]._held < 4 and time.monotonic() < end:
        time.sleep(0.05)
    begun = time.monotonic()
    install.send_signal(signal.SIGINT)
    _, said = install.communicate(timeout=60)
    assert time.monotonic() - begun < 15
    assert install.returncode != 0
    assert "Exception in thread" not in said
