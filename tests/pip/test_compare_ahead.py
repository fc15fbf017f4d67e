"""`repoprio compare` fetches both sides concurrently, with the same requests and report as one by one."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from werkzeug import Request, Response

from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.scene import Scene

LATENCY = 0.05
ROOTS = [f"root-{number}" for number in range(6)]


class World(Scene):
    """corp above team above public; a graph of three levels of which corp and team have some, in older versions."""

    def __init__(self, repository: RepositoryFactory, folder: Path) -> None:
        super().__init__(repository, folder, "corp", "team", "public", acme=())
        for number, root in enumerate(ROOTS):
            leaf = f"leaf-{number}"
            new = [f"new-{number}"] if number % 2 else []
            self.public.add(root, {"version": "2.0", "requires": [leaf, "shared", *new]})
            self.public.add(leaf, "1.0", "2.0")
            self.public.add(f"new-{number}", "1.0")
            if number % 2:
                self.servers["team"].add(root, {"version": "1.0", "requires": [leaf, "shared"]})
        self.public.add("shared", {"version": "1.0", "requires": ["deep", "sdist-only"]})
        self.public.add("sdist-only", {"version": "1.0", "sdist": True, "requires": ["of-an-sdist"]})
        self.public.add("of-an-sdist", "1.0")
        self.public.add("deep", "3.0")
        self.corp.add("deep", "1.0")
        self.corp.add("leaf-0", "1.5")

    def compare(self, env: PipEnv, *words: str, policy: Path) -> Completed:
        """Run a comparison; the servers have recorded nothing else."""
        self.forget()
        for server in self.servers.values():
            server.spans.clear()
            server.most_held = 0
        done = env.tool("compare", "--format", "json", *words, policy=policy)
        assert "Traceback" not in done.stderr
        return done

    def asked(self) -> list[list[str]]:
        """What each server was asked for, sorted."""
        return [sorted(server.requests) for server in self.servers.values()]


@pytest.mark.story
@pytest.mark.parametrize("pip", ["26.3", "23.2.1", "22.3.1"])
def test_requests_and_report_are_those_of_one_by_one(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Requests overlap, at most sixteen per server; report and requests are those of a sequential comparison."""
    world, env = World(repository, tmp_path), pip_env(pip)
    for server in world.servers.values():
        server.answer_all(Fault(hang=LATENCY))
    ahead = world.compare(env, *ROOTS, policy=world.policy())
    asked = world.asked()
    held = [server.most_held for server in world.servers.values()]
    in_turn = world.compare(env, *ROOTS, policy=world.policy(before="fetch-ahead = false"))
    assert (ahead.code, json.loads(ahead.stdout)) == (in_turn.code, json.loads(in_turn.stdout)), ahead.stderr
    assert asked == world.asked()
    assert all(1 < most <= 16 for most in held)
    assert [server.most_held for server in world.servers.values()] == [1, 1, 1]
    assert not world.public.asked("of-an-sdist")
    assert json.loads(ahead.stdout)["asked"]["public"] == ["deep", "leaf-0", "new-1", "new-3", "new-5", *ROOTS[1::2]]


def test_the_owner_is_asked_before_those_below(
    pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """On both sides a lower repository is asked for a name only after all higher ones have answered."""
    world = World(repository, tmp_path)
    for server in world.servers.values():
        server.answer_all(Fault(hang=LATENCY))
    world.compare(pip_env("26.3"), *ROOTS, policy=world.policy())
    for name in (*ROOTS, "deep", "leaf-0", "new-1"):
        spans = [[one for one in server.spans if one[0] == f"/simple/{name}/"] for server in world.servers.values()]
        assert [len(own) for own in spans] == [1, 1, 1], name
        assert all(above[0][2] <= below[0][1] for above, below in pairwise(spans)), name


def test_requests_in_vain_are_reported(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> None:
    """A name that was fetched ahead for pip alone and not needed in the end is announced, and reported as asked."""
    scene, env = Scene(repository, tmp_path, acme=("1.0",)), pip_env("26.3")
    scene.public.add("acme", {"version": "100.0", "requires": ["in-vain"]})
    scene.public.add("in-vain", "1.0")
    scene.corp.add("tool", "1.0")
    # pip alone reads it first, and takes another acme then; until it has come, acme 100.0 is what pip would take.
    scene.public.add("tool", {"version": "2.0", "requires": ["acme<100"]})
    answer = scene.public._response

    def late(request: Request) -> Response:
        if request.path.endswith(".metadata") and "tool" in request.path:
            end = time.monotonic() + 20
            while not scene.public.asked("in-vain") and time.monotonic() < end:
                time.sleep(0.01)
        return answer(request)

    scene.public._response = late  # type: ignore[method-assign]
    wanted = ("tool", "acme")
    env.tool("explain", *wanted, policy=scene.file)
    before = {name: server.asked_pages() for name, server in scene.servers.items()}
    scene.forget()
    done = env.tool("compare", "--format", "json", *wanted, policy=scene.file)
    document = json.loads(done.stdout)
    beyond = {name: sorted(server.asked_pages() - before[name]) for name, server in scene.servers.items()}
    assert document["asked"] == beyond == {"corp": ["in-vain"], "public": ["acme", "in-vain", "tool"]}
    assert "are also asked for in-vain" in " ".join(done.stderr.split())
    assert "in-vain" not in [project["project"] for project in document["projects"]]
