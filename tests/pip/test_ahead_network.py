"""What fetching ahead does to connections, to pip's log and to its cache."""

from __future__ import annotations

import re
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from benchmarks.network import graph
from benchmarks.network.content import resources
from benchmarks.network.server import Network, serving
from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.repository import RepositoryServer, most_at_once
from support.scene import Scene, policy_text
from support.terminals import Terminal

LATENCY = 0.05
MANY = [f"root-{number:02}" for number in range(12)]
# The messages of urllib3 about each request, in any thread.
NETWORK = re.compile(
    r"\s*(https?://\S+ \"GET /\S+ HTTP/1\.1\" \d+ (\d+|None)|Starting new HTTP connection \(\d+\): \S+)"
)


def fill(server: RepositoryServer) -> None:
    """Many roots, each with one dependency of its own."""
    for name in MANY:
        server.add(name, {"version": "1.0", "requires": [f"leaf-{name}"]})
        server.add(f"leaf-{name}", "1.0")
    server.answer_all(Fault(hang=LATENCY))


@pytest.mark.story
@pytest.mark.parametrize("pip", ["26.3", "22.3.1"])
@pytest.mark.parametrize("most", [8, 16])
def test_few_connections_are_opened(pip: str, most: int, pip_env: EnvFactory, tmp_path: Path) -> None:
    """Over TLS, where handshakes wait for each other, a host gets 8 connections, else 16; and pip keeps them all."""
    made, policy = graph.make(graph.Shape(projects=60, levels=2)), tmp_path / "policy.toml"
    options, handshake, context = ["--dry-run", "--ignore-installed", "-vvv"], 0.0, None
    if most == 8:
        authority, context, handshake = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), LATENCY
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        options += ["--cert", str(tmp_path / "ca.pem")]
    with serving([resources(made.projects)], Network(LATENCY, handshake, context)) as server:
        policy.write_text(policy_text({"safe": server.urls[0]}), encoding="utf-8")
        done = pip_env(pip).run("install", *options, *made.roots, policy=policy)
        traffic = server.take_traffic()
    assert done.code == 0, done.stderr
    assert traffic.most_at_once > most / 2
    assert most / 2 < traffic.connections <= most
    assert "pool is full" not in done.stdout + done.stderr


def test_complete_lists_are_fetched_together(
    pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """The lists of all upper repositories are fetched at once, since they disclose no name.

    The lowest is asked in turn.
    """
    scene = Scene(repository, tmp_path, "r1", "r2", "r3", "r4", acme=())
    for server in scene.servers.values():
        server.answer_all(Fault(hang=0.5))
        server.list_answer(Fault(hang=0.5))
    upper = [server for name, server in scene.servers.items() if name != "r4"]
    for name, last in (("owned", scene.corp), ("new", scene.public)):
        last.add(name, "1.0")
    complete: dict[str, Any] = dict.fromkeys(scene.servers, 'listing = "complete"')
    for name, below in (("owned", []), ("new", ["/simple/", "/simple/new/"])):
        scene.forget()
        done = pip_env("26.3").run("install", "--dry-run", "--no-cache-dir", name, policy=scene.policy(**complete))
        assert done.code == 0, done.stderr
        asked = {tuple(server.requests[:1]) for server in upper}
        assert asked == {("/simple/",)}
        assert not any(server.asked(name) for server in upper[1:])
        assert [path for path in scene.public.requests if path.startswith("/simple/")] == below
        assert most_at_once(upper) == 3


@pytest.mark.story
@pytest.mark.parametrize("pip", ["26.3", "22.3.1"])
def test_workers_do_not_disturb_the_log(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """With -v pip logs the same as without fetching ahead; with -vvv the lines of workers are whole lines."""
    scene, env = Scene(repository, tmp_path, acme=()), pip_env(pip)
    fill(scene.public)
    said = []
    for before in ("", "fetch-ahead = false"):
        policy = scene.policy(before=before)
        done = env.run("install", "--dry-run", "--ignore-installed", "--no-cache-dir", "-v", *MANY, policy=policy)
        assert done.code == 0, done.stderr
        said.append((done.stdout, done.stderr))
    assert said[0] == said[1]
    policy = scene.policy()
    loud = env.run("install", "--dry-run", "--ignore-installed", "--no-cache-dir", "-vvv", *MANY, policy=policy)
    lines = [line for line in loud.stdout.splitlines() if '"GET ' in line or "Starting new" in line]
    assert len(lines) > len(MANY)
    assert [line for line in lines if not NETWORK.fullmatch(line)] == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_no_input_prompts_for_nothing(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> None:
    """A 401 from a site that answered before prompts once; with --no-input nobody is prompted."""
    scene = Scene(repository, tmp_path, acme=())
    fill(scene.public)
    scene.public.answer(MANY[-1], Fault(basic_auth="ada:s3cret", hang=LATENCY))
    command = ["pip", "install", "--dry-run", "--ignore-installed", "--no-cache-dir", *MANY]
    terminal = Terminal(pip_env("26.3"), scene.file, [*command, "--no-input"], more={})
    assert terminal.finish() == 1
    assert "User for" not in terminal.said
    assert "401; no login was sent" in " ".join(terminal.said.split())
    questions = [("User for", "ada"), ("Password", "s3cret")]

    def answer(terminal: Terminal) -> None:
        if questions and questions[0][0] in terminal.said:
            terminal.type(questions.pop(0)[1])

    terminal = Terminal(pip_env("26.3"), scene.file, command, more={})
    assert terminal.finish(answer) == 0, terminal.said
    assert terminal.said.count("User for") == 1
