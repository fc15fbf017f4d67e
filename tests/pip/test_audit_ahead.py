"""`repoprio audit` fetches pages in parallel, with the same findings as when it fetches one after the other."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Request, Response

from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.keyring import add_keyring
from support.pips import Completed, PipEnv
from support.scene import Scene

LATENCY = 0.05
# As the command, but nothing is fetched ahead.
IN_TURN = """
import sys
from repoprio.pip_adapter.inspect import context, audit
audit.look_ahead = lambda *_, **__: None
from repoprio.__main__ import main
sys.exit(main())
"""

# What a shell starts in the background ignores Ctrl-C, and so would all that such tests start.
HEEDING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


class World(Scene):
    """Repositories r1, r2, ..., one above the other, without projects at first, and what is installed."""

    def __init__(self, env: PipEnv, repository: RepositoryFactory, folder: Path, count: int) -> None:
        super().__init__(repository, folder, *(f"r{number}" for number in range(1, count + 1)), acme=())
        self.env, self.packages, self.tiers = env, folder / "packages", list(self.servers.values())
        self.names: list[str] = []

    def install(self, names: Sequence[str], version: str = "1.0") -> None:
        """Write the metadata of distributions."""
        for name in names:
            info = self.packages / f"{name}-{version}.dist-info"
            info.mkdir(parents=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        self.names += names

    def audit(self, *arguments: str, in_turn: bool = False) -> Completed:
        """Run an audit; the servers have recorded nothing else."""
        self.forget()
        for server in self.tiers:
            server.spans.clear()
            server.most_held = 0
        arguments = ("audit", "--path", str(self.packages), *arguments)
        if not in_turn:
            done = self.env.tool(*arguments, policy=self.file, cwd=self.folder)
        else:
            ran = subprocess.run(
                [str(self.env.python), "-c", IN_TURN, *arguments],
                env=self.env.environment(self.file), cwd=self.folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
            done = Completed(ran.stdout, ran.stderr, ran.returncode)
        assert "Traceback" not in done.stderr
        return done

    def asked(self) -> list[set[str]]:
        """What each server was asked for."""
        return [set(server.requests) for server in self.tiers]


@pytest.fixture
def make(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> Callable[..., World]:
    """Make repositories r1, r2, ... without projects."""

    def world(count: int, pip: str = "26.3") -> World:
        return World(pip_env(pip), repository, tmp_path, count)

    return world


def numbered(count: int) -> list[str]:
    """Names of projects."""
    return [f"project-{number:02}" for number in range(count)]


@pytest.mark.parametrize("pip", ["22.0.2", "26.3"])
def test_requests_overlap_and_tiers_do_not(pip: str, make: Callable[..., World]) -> None:
    """Pages are fetched in parallel, each once; a lower tier is asked only after all higher ones lack the name."""
    world = make(4, pip)
    world.install(numbered(32))
    for number, name in enumerate(world.names):
        world.tiers[number % 4].add(name, "1.0")
    for server in world.tiers:
        server.answer_all(Fault(hang=LATENCY))
    done = world.audit("--format", "json")
    assert (done.code, json.loads(done.stdout)["checked"]) == (0, 32), done.stderr
    held = [server.most_held for server in world.tiers]
    assert min(held[:2]) > 1
    assert max(held) <= 16
    spans = [span for server in world.tiers for span in server.spans]
    lasted = max(end for *_, end in spans) - min(begin for _, begin, _ in spans)
    assert lasted < sum(end - begin for _, begin, end in spans) / 2
    for number, name in enumerate(world.names):
        own = [[one for one in server.spans if one[0] == f"/simple/{name}/"] for server in world.tiers]
        assert [len(one) for one in own] == [1] * (number % 4 + 1) + [0] * (3 - number % 4)
        asked = [one[0] for one in own if one]
        assert all(above[2] <= below[1] for above, below in pairwise(asked))


def test_the_findings_are_those_of_one_by_one(make: Callable[..., World]) -> None:
    """With any fault, the report, the warnings and the exit status are the same as without fetching ahead."""
    world = make(3)
    top, middle, low = world.tiers
    world.install(numbered(16))
    world.install(["project-00", "project-03"], "9.0")
    for number, name in enumerate(world.names):
        world.tiers[number % 3].add(name, "1.0")
    low.add("project-00", "9.0")
    flat = f'[repositories.flat]\nurl = "{low.flat_url}"\nformat = "flat"\npriority = 15\n'
    trouble: list[tuple[Fault, Fault, str, dict[str, Any]]] = [
        (Fault(status=503), Fault(redirect="https://elsewhere.example/"), "", {"r1": 'canary = "project-00"'}),
        (Fault(body="{"), Fault(reset=True), "", {}),
        (Fault(status=429), Fault(status=403), flat, {"r1": 'listing = "complete"\nskip-if-unavailable = true'}),
        (
            Fault(login_page=True),
            Fault(basic_auth="bot:s3cret"),
            "",
            {"r1": f'mirrors = ["{middle.root_url}none/"]', "r3": 'namespaces = ["project-0*"]'},
        ),
    ]
    for early, late, more, own in trouble:
        top.answer("project-03", early)
        top.answer("project-12", late)
        world.policy(more, **own)
        options = ("--format", "json", *(("--shadowed",) if more else ()))
        ahead, asked = world.audit(*options), world.asked()
        in_turn = world.audit(*options, in_turn=True)
        assert (ahead.code, ahead.stdout) == (in_turn.code, in_turn.stdout), early
        assert ahead.stderr == in_turn.stderr, early
        assert json.loads(ahead.stdout)["findings"], early
        # A repository that is down is not asked again; otherwise no repository learns another name.
        assert late.reset or asked == world.asked(), early


def test_too_many_requests_are_no_answer(make: Callable[..., World]) -> None:
    """If a request is refused only because of parallel requests, it is repeated."""
    world = make(2)
    top, low = world.tiers
    world.install(numbered(12))
    answer = top._response

    def only_one(request: Request) -> Response:
        time.sleep(LATENCY)
        return answer(request) if top._held == 1 else Response("", 429)

    top._response = only_one  # type: ignore[method-assign]
    for number, name in enumerate(world.names):
        world.tiers[number % 2].add(name, "1.0")
    done = world.audit()
    assert (done.code, done.stderr) == (0, "")
    assert top.most_held > 1
    assert low.asked_pages() == set(world.names[1::2])


def test_a_list_and_a_flat_page_are_fetched_once(make: Callable[..., World]) -> None:
    """Shared lists and pages are fetched once; names that are not on a complete list are not asked for."""
    world = make(2)
    top, low = world.tiers
    world.install(numbered(12))
    low.add("project-11", "1.0")
    for name in world.names[:6]:
        top.add(name, "1.0")
    flat = f'[repositories.flat]\nurl = "{low.flat_url}"\nformat = "flat"\npriority = 15\n'
    world.policy(flat, r1='listing = "complete"')
    world.audit()
    assert top.requests.count("/simple/") == 1
    assert top.asked_pages() == set(world.names[:6])
    assert low.requests.count("/links.html") == 1
    assert low.asked_pages() == set(world.names[6:11])


def test_a_site_that_wants_a_login_is_asked_in_turn(
    fresh_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """After one 401 a site gets one request at a time, even if keyring has the login; keyring is asked once."""
    world = World(fresh_env("26.3"), repository, tmp_path, 2)
    top, low = world.tiers
    world.install(numbered(12))
    noted = tmp_path / "keyring"
    add_keyring(world.env, "bot", "s3cret", noted=noted)
    top.answer_all(Fault(basic_auth="bot:s3cret", hang=LATENCY))
    low.answer_all(Fault(hang=LATENCY))
    done = world.audit("--format", "json")
    assert json.loads(done.stdout)["checked"] == 12, done.stderr
    assert (top.most_held, low.most_held, noted.read_text()) == (1, 1, "asked\n"), done.stderr
    assert (top.asked_pages(), low.asked_pages()) == (set(world.names), set(world.names))


@pytest.mark.parametrize(("login", "at_once"), [("bot:s3cret@", True), ("other:s3cret@", False), ("", False)])
def test_two_logins_for_one_host_go_in_turn(login: str, at_once: bool, make: Callable[..., World]) -> None:
    """Pip keeps one login per host: if its repositories have several, none gets another's."""
    world = make(1)
    (server,) = world.tiers
    world.install(numbered(12))
    server.answer_all(Fault(hang=LATENCY))
    beside = f"http://{login}{server.host}/beside/"
    world.policy(f'[repositories.beside]\nurl = "{beside}"\npriority = 90\n')
    world.file.write_text(
        world.file.read_text().replace(server.page_url, server.page_url.replace("//", "//bot:s3cret@"))
    )
    assert world.audit().code == 1
    assert (server.most_held > 1) == at_once
    assert len(server.requests) == 24


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_an_interrupt_waits_for_no_page(make: Callable[..., World]) -> None:
    """Ctrl-C ends an audit at once, even while it waits for several answers."""
    world = make(1)
    (server,) = world.tiers
    world.install(numbered(12))
    server.add("project-00", "1.0")
    for name in world.names[1:]:
        server.answer(name, Fault(hang=20))
    audit = subprocess.Popen(
        [sys.executable, "-c", HEEDING, world.env.python, "-m", "repoprio", "audit", "--path", world.packages],
        env=world.env.environment(world.file, {"PIP_DEFAULT_TIMEOUT": "30"}),
        cwd=world.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    end = time.monotonic() + 120
    while server.most_held < 7 and time.monotonic() < end:
        time.sleep(0.05)
    assert server.most_held >= 7
    begun = time.monotonic()
    audit.send_signal(signal.SIGINT)
    _, said = audit.communicate(timeout=60)
    assert time.monotonic() - begun < 15
    assert audit.returncode != 0
    assert "Exception in thread" not in said
