"""Files, pages and packages supply no login for a repository of the policy, and do not make it trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest
from werkzeug import Request, Response

from repoprio.pip_adapter.index.credentials import keep
from repoprio.pip_adapter.protocols.network import SessionAuth
from support.faults import Fault, not_found
from support.fixtures import EnvFactory, RepositoryFactory
from support.keyring import add_keyring
from support.pips import Completed, PipEnv
from support.policy_files import TWO, parsed_policy
from support.repository import RepositoryServer
from support.scene import policy_text

PIPS = ["22.0.2", "26.3"]
USER, PASSWORD = "ada", "s3cr3t-t0k3n"
MINE = {"REPOPRIO_CORP_USERNAME": USER, "REPOPRIO_CORP_PASSWORD": PASSWORD}


class Auth:
    """A pip that knows no logins."""


class Hiding(RepositoryServer):
    """A repository that answers 404 to requests without a login, and records the logins."""

    login = f"{USER}:{PASSWORD}"

    def __init__(self, label: str) -> None:
        """Start it."""
        self.sent: list[str | None] = []
        super().__init__(label)

    def _respond(self, request: Request) -> Response:
        found = request.authorization
        self.sent.append(f"{found.username}:{found.password}" if found else None)
        return super()._respond(request) if self.sent[-1] == self.login else not_found()


class Wandering(RepositoryServer):
    """A repository that redirects some paths, and records the logins."""

    def __init__(self, label: str) -> None:
        """Start it."""
        self.sent: list[str | None] = []
        self.elsewhere: dict[str, str] = {}
        super().__init__(label)

    def _respond(self, request: Request) -> Response:
        found = request.authorization
        self.sent.append(f"{found.username}:{found.password}" if found else None)
        if request.path in self.elsewhere:
            return Response("", 302, {"Location": self.elsewhere[request.path]})
        return super()._respond(request)


class World:
    """corp, which hides what it has, above public; both have acme. The policy has no login."""

    def __init__(self, env: PipEnv, corp: Hiding, public: Wandering, folder: Path) -> None:
        self.env, self.corp, self.public, self.folder = env, corp, public, folder
        corp.add("acme", "1.0")
        corp.add("helper", "1.0")
        corp.extra = {"/more.txt": b"acme\n"}
        public.add("acme", "99.0")

    def policy(self, more: str = "") -> Path:
        """The policy; `more` comes before its tables."""
        file = self.folder / "policy.toml"
        file.write_text(policy_text({"corp": self.corp.page_url, "public": self.public.page_url}, before=more))
        return file

    def file(self, text: str, login: str = "evil:x@") -> str:
        """A requirements file; {corp} is corp's root with `login`, {helper} a file there."""
        path = self.folder / "reqs.txt"
        root = f"http://{login}{self.corp.host}"
        path.write_text(text.format(corp=root, helper=f"{root}/files/helper-1.0-py3-none-any.whl"))
        return str(path)

    def install(self, *options: str, more: str = "", env: Mapping[str, str] | None = None) -> Completed:
        """Install; no password is shown, and public is never asked for acme."""
        done = self.env.run(
            "install", "--no-cache-dir", "--force-reinstall", *options, policy=self.policy(more), env=env
        )
        stderr = done.stdout + done.stderr
        assert PASSWORD not in stderr
        assert "Traceback" not in stderr
        assert not self.public.asked("acme")
        return done


@pytest.fixture
def world(pip: str, fresh_env: EnvFactory, tmp_path: Path) -> Iterator[World]:
    """Two repositories and an environment of its own."""
    corp, public = Hiding("corp"), Wandering("public")
    with corp, public:
        yield World(fresh_env(pip), corp, public, tmp_path)


WAYS = {
    "extra": "--extra-index-url {corp}/simple/\nacme\n",
    "index": "--index-url {corp}/simple\nacme\n",
    "direct": "helper @ {helper}\nacme\n",
    "nested": "-r {corp}/more.txt\n",
    "constraints": "-c {corp}/more.txt\nacme\n",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pip", PIPS)
def test_a_files_login_does_not_count(way: str, world: World) -> None:
    """Without another login the lookup is refused, and nothing is requested anonymously; another login is used."""
    file = world.file(WAYS[way])
    done = world.install("-r", file)
    assert done.code == 1
    assert "contains a login for corp (priority 10), and there is no other login." in done.stderr
    assert "set REPOPRIO_CORP_USERNAME and REPOPRIO_CORP_PASSWORD" in done.stderr
    assert "[credentials]" in done.stderr
    assert world.corp.sent == []
    done = world.install("-r", file, env=MINE)
    assert (done.code, "acme-1.0" in done.stdout) == (0, True), done.stderr
    assert set(world.corp.sent) == {f"{USER}:{PASSWORD}"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.%31"])
@pytest.mark.parametrize("pip", PIPS)
def test_a_login_that_is_not_needed_does_not_count_either(host: str, world: World) -> None:
    """The same holds for a direct URL in a constraints file that nothing requires."""
    inner, file = world.folder / "inner.txt", world.folder / "reqs.txt"
    port = world.corp.host.rpartition(":")[2]
    inner.write_text(f"helper @ http://evil:x@{host}:{port}/files/helper-1.0-py3-none-any.whl\n")
    file.write_text("-c inner.txt\nacme\n")
    done = world.install("-r", str(file))
    assert (done.code, world.corp.sent) == (1, []), done.stderr
    assert "contains a login for corp (priority 10), and there is no other login." in done.stderr
    assert f"named by: {inner}, line 1" in done.stderr
    done = world.install("-r", str(file), env=MINE)
    assert (done.code, "acme-1.0" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("login", ["evil@", "evil:@", ":x@", "@"])
@pytest.mark.parametrize("pip", ["26.3"])
def test_half_a_login_is_one_too(login: str, world: World) -> None:
    """A user name alone and an empty login count the same, since pip keeps these too."""
    done = world.install("-r", world.file(WAYS["extra"], login))
    assert (done.code, world.corp.sent) == (1, [])
    assert "[credentials]" in done.stderr
    assert f"named by: {world.folder / 'reqs.txt'}, line 1" in done.stderr


@pytest.mark.parametrize("source", ["policy", "netrc", "keyring", "command line", "pip.conf", "direct"])
@pytest.mark.parametrize("pip", ["22.0.2", "26.3"])
def test_any_other_login_is_used(source: str, world: World) -> None:
    """Keyring's login is used at once, although pip would ask it only after a 401."""
    file, more, env, options = world.file(WAYS["extra"]), "", {}, []
    url = f"http://{USER}:{PASSWORD}@{world.corp.host}"
    if source == "netrc":
        netrc = world.folder / "netrc"
        netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
        env = {"NETRC": str(netrc)}
    elif source == "keyring":
        add_keyring(world.env, USER, PASSWORD)
    elif source == "command line":
        options = ["--extra-index-url", f"{url}/simple/"]
    elif source == "direct":
        options = [f"helper @ {url}/files/helper-1.0-py3-none-any.whl"]
    elif source == "pip.conf":
        conf = world.folder / "pip.conf"
        conf.write_text(f"[global]\nextra-index-url = {url}/simple/\n")
        env = {"PIP_CONFIG_FILE": str(conf)}
    policy = world.policy()
    if source == "policy":
        world.policy = lambda more="": policy  # type: ignore[method-assign]
        policy.write_text(policy.read_text().replace(f"http://{world.corp.host}", url))
    done = world.install("-r", file, *options, more=more, env=env)
    assert (done.code, "acme-1.0" in done.stdout) == (0, True), done.stdout + done.stderr
    assert set(world.corp.sent) == {f"{USER}:{PASSWORD}"}


@pytest.mark.parametrize("pip", PIPS)
def test_metadata_and_pages_supply_none(world: World) -> None:
    """Neither a dependency's direct URL nor a link that a lower repository lists takes a login to corp."""
    url = f"http://evil:x@{world.corp.host}/files/helper-1.0-py3-none-any.whl"
    world.public.add("tool", {"version": "1", "requires": [f"helper @ {url}"]})
    done = world.install("tool", more='direct-urls = "allow"')
    assert done.code == 1
    assert "[credentials]" in done.stderr, done.stderr
    assert "evil:x" not in world.corp.sent
    html = f'<!DOCTYPE html><html><body><a href="{url}">helper-1.0-py3-none-any.whl</a></body></html>'
    world.public.answer("helper", Fault(body=html, content_type="text/html"))
    done = world.install("helper")
    assert done.code == 1
    assert "evil:x" not in world.corp.sent


@pytest.mark.parametrize("pip", ["26.3"])
def test_builds_get_none(world: World) -> None:
    """A build's pip gets the indexes of the files, but not their logins."""
    world.corp.add("tool", {"version": "1", "sdist": True, "build-requires": ["acme"]})
    text = "--extra-index-url {corp}/simple/\ntool\n"
    done = world.env.run("wheel", "-r", world.file(text), policy=world.policy(), env=MINE, cwd=world.folder)
    assert done.code == 0, done.stdout + done.stderr
    assert "acme" in world.corp.asked_pages()
    assert set(world.corp.sent) == {f"{USER}:{PASSWORD}"}


@pytest.mark.parametrize("pip", ["26.3"])
def test_a_login_elsewhere_is_pips_own_business(world: World) -> None:
    """A host and port that the policy does not name gets the login of the file's URL."""
    other = Hiding("other")
    with other:
        other.add("helper", "1.0")
        text = f"helper @ http://{USER}:{PASSWORD}@{other.host}/files/helper-1.0-py3-none-any.whl\n"
        (world.folder / "reqs.txt").write_text(text)
        done = world.install("-r", str(world.folder / "reqs.txt"))
        assert done.code == 0, done.stderr
        assert other.sent


@pytest.mark.parametrize("host", ["corp.example", "CORP.example:80", "*"])
@pytest.mark.parametrize("pip", ["26.3"])
def test_a_file_makes_no_host_of_the_policy_trusted(
    host: str, pip: str, fresh_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """With `--trusted-host` in a file, pip still does not ask corp over http; on the command line it works."""
    proxy, env = repository("proxy", layout="html"), fresh_env(pip)
    proxy.add("acme", "1.0")
    policy, file = tmp_path / "policy.toml", tmp_path / "reqs.txt"
    policy.write_text('[repositories.corp]\nurl = "http://corp.example/simple/"\npriority = 10\n')
    file.write_text(f"--trusted-host {host}\nacme\n")
    through = {"http_proxy": proxy.root_url, "no_proxy": "127.0.0.1"}
    done = env.run("download", "-r", str(file), policy=policy, env=through, cwd=tmp_path)
    assert (done.code, proxy.requests) == (1, [])
    assert f"--trusted-host {host} in a file is ignored" in done.stderr
    assert "neither https nor a trusted host" in done.stderr
    options = ["--trusted-host", "corp.example"]
    assert env.run("download", *options, "-r", str(file), policy=policy, env=through, cwd=tmp_path).code == 0


@pytest.mark.parametrize("place", ["https://gateway.example/ownership.json", "http://gateway.example:8080/"])
def test_a_file_does_not_make_the_host_of_the_memory_trusted(place: str) -> None:
    """With `--trusted-host` in a file, somebody in between could claim that no name is closed."""
    logins = keep(cast(SessionAuth, Auth()), parsed_policy(f'ownership = "{place}"\n{TWO}'))
    assert logins.covers("gateway.EXAMPLE")
    assert logins.covers("gateway.example:443")
    assert not logins.covers("other.example")


@pytest.mark.parametrize("pip", PIPS)
def test_a_redirected_file_takes_no_login_to_another_port(world: World) -> None:
    """A login of netrc goes only to the sites of the policy, not to other ports of the same host."""
    netrc = world.folder / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    thief = Wandering("thief")
    with thief:
        (built,) = world.public.add("tool", "1.0")
        path = f"/files/{built.filename}"
        thief.extra[path] = built.content
        world.public.elsewhere[path] = f"http://{thief.host}{path}"
        done = world.install("tool", env={"NETRC": str(netrc), **MINE})
        assert done.code == 0, done.stderr
        assert thief.sent == [None]


@pytest.mark.parametrize("pip", ["26.3"])
def test_a_files_url_is_not_the_command_lines(world: World) -> None:
    """A URL that is only part of an argument counts as named by the file."""
    file = world.file("--extra-index-url {corp}/sim\nacme\n", "")
    done = world.install("--extra-index-url", world.corp.page_url, "-r", file)
    assert f"{world.corp.root_url}sim is not in the policy (named by {file}, line 1)" in done.stderr
