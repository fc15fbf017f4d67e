"""What requirements files may fetch and expand, in pip under a policy and in commands that install nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv
from support.repository import RepositoryServer
from support.scene import policy_text

SECRET = "s3cr3t-t0k3n"
MINE = {"REPOPRIO_CORP_PASSWORD": SECRET, "OTHER": "other-value"}


class World:
    """corp, which has acme, and a stranger's server that is no repository."""

    def __init__(self, env: PipEnv, corp: RepositoryServer, stranger: RepositoryServer, folder: Path) -> None:
        self.env, self.corp, self.stranger, self.folder = env, corp, stranger, folder
        corp.add("acme", "1.0", "2.0")
        self.policy = folder / "policy.toml"
        self.policy.write_text(policy_text({"corp": corp.page_url}))

    def serve(self, path: str, text: str) -> str:
        """A file on the stranger's server, by its URL."""
        self.stranger.extra[f"/{path}"] = text.format(root=self.stranger.root_url).encode()
        return f"{self.stranger.root_url}{path}"

    def file(self, text: str) -> str:
        """A file of the user's; {root} is the stranger's server."""
        path = self.folder / "reqs.txt"
        path.write_text(text.replace("{root}", self.stranger.root_url))
        return str(path)


@pytest.fixture
def world(pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> World:
    """A policy of one repository."""
    return World(pip_env(pip), repository("corp"), repository("stranger"), tmp_path)


@pytest.mark.parametrize("pip", ["22.0.2", "26.3"])
def test_no_login_of_the_policy_is_expanded(world: World) -> None:
    """Pip fetches nested files of the user, and expands variables, except those of repoprio."""
    name = "${OTHER}/${REPOPRIO_CORP_PASSWORD}/${_REPOPRIO_POLICY}/more.txt"
    done = world.env.run("download", "-r", world.file("-r {root}" + name), policy=world.policy, env=MINE)
    assert done.code == 1
    (asked,) = world.stranger.requests
    assert asked == "/other-value/${REPOPRIO_CORP_PASSWORD}/${_REPOPRIO_POLICY}/more.txt"
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("pip", ["22.0.2", "26.3"])
def test_files_that_are_fetched_name_no_others(world: World) -> None:
    """A file of the user may name constraints by URL; these may not name further files."""
    world.serve("c.txt", "acme<2\n")
    again = world.serve("again.txt", "-c c.txt\nacme\n")
    run = ["download", "--no-deps", "-d", str(world.folder / "files")]
    done = world.env.run(*run, "-r", world.file("-c {root}c.txt\nacme\n"), policy=world.policy)
    assert (done.code, "acme-1.0" in done.stdout) == (0, True), done.stderr
    done = world.env.run(*run, "-r", again, policy=world.policy)
    assert done.code == 1
    assert f"{again} names another file to fetch: {world.stranger.root_url}c.txt." in done.stderr
    assert "[nested-file]" in done.stderr
    assert world.stranger.requests == ["/c.txt", "/again.txt"]


@pytest.mark.parametrize("observe", [False, True])
@pytest.mark.parametrize("pip", ["22.0.2", "26.3"])
def test_looking_fetches_nothing_that_a_file_names(observe: bool, world: World) -> None:
    """Explain, compare and audit stop at a file that a fetched file names; files that the user names are allowed."""
    if observe:
        world.policy.write_text(f'mode = "observe"\n{world.policy.read_text()}')
    url = world.serve("c.txt", "acme<2\n")
    file = world.file("-c {root}c.txt\nacme==1.0 # {root}${REPOPRIO_CORP_PASSWORD}\n")
    for command in (["explain", "-r", file], ["compare", "-r", file], ["audit", file]):
        done = world.env.tool(*command, policy=world.policy, env=MINE)
        assert done.code in (1, 2)
        assert "[nested-file]" in done.stderr, done.stderr
        assert f"name it yourself: -c {url}" in done.stderr
    assert world.stranger.requests == []
    done = world.env.tool("explain", "-r", file, "-c", url, policy=world.policy)
    assert (done.code, "acme 1.0 comes from corp" in done.stdout) == (0, True), done.stderr
    login = world.file("--extra-index-url {root}${REPOPRIO_CORP_PASSWORD}/simple\nacme\n")
    done = world.env.tool("explain", "-r", login, policy=world.policy, env=MINE)
    assert SECRET not in done.stdout + done.stderr
    assert "${REPOPRIO_CORP_PASSWORD}/simple is not in the policy" in done.stderr


@pytest.mark.parametrize("command", ["explain", "repos"])
@pytest.mark.parametrize("pip", ["24.0", "26.3"])
def test_retries_are_reported_in_one_line(command: str, world: World) -> None:
    """While a repository that is down is retried, one line says so."""
    world.policy.write_text(policy_text({"corp": "http://127.0.0.1:9/simple/"}))
    words = ["explain", "acme"] if command == "explain" else ["repos", "--check"]
    done = world.env.tool(*words, policy=world.policy, env={"PIP_RETRIES": "2"})
    assert done.code == 1
    assert "Retrying" not in done.stderr
    assert done.stderr.count("corp (priority 10) does not answer; trying again\n") == 1
