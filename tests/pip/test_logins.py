"""Credentials from every source that pip knows reach their repository, and no other site."""

from __future__ import annotations

import os
import pty
import select
import ssl
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme

from repoprio.pip_adapter.index.credentials import CredentialPolicy, Login
from repoprio.policy.model import Repository
from repoprio.urls import site
from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.keyring import add_keyring
from support.pips import Completed, PipEnv
from support.scene import Scene

PIPS = ["22.0.2", "24.0", "26.3"]
USER, PASSWORD = "ada", "s3cr3t-t0k3n"


class World(Scene):
    """corp, which wants a login, above public; both have acme."""

    def __init__(self, env: PipEnv, repository: RepositoryFactory, folder: Path) -> None:
        super().__init__(repository, folder)
        self.env = env
        self.corp.answer_all(Fault(basic_auth=f"{USER}:{PASSWORD}"))

    def install(self, *options: str, policy: Path | None = None, env: Mapping[str, str] | None = None) -> Completed:
        """Install acme; no login is ever shown, and public is not asked."""
        done = self.env.run(
            "install", "--no-cache-dir", "-vv", *options, "acme", policy=policy or self.policy(), env=env
        )
        assert PASSWORD not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert not self.public.asked("acme")
        return done


@pytest.fixture
def world(pip: str, fresh_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> World:
    """Two repositories and an environment of its own."""
    return World(fresh_env(pip), repository, tmp_path)


def netrc(folder: Path, password: str = PASSWORD) -> dict[str, str]:
    """A netrc for loopback."""
    file = folder / "my-netrc"
    file.write_text(f"machine 127.0.0.1 login {USER} password {password}\n")
    file.chmod(0o600)
    return {"NETRC": str(file)}


def served(done: Completed) -> bool:
    """Whether acme 1.0 was installed."""
    return done.code == 0 and "Successfully installed acme-1.0" in done.stdout


@pytest.mark.parametrize("pip", PIPS)
def test_netrc(world: World) -> None:
    """A login from netrc is sent; a wrong one is reported with that file."""
    assert served(world.install(env=netrc(world.folder)))
    wrong = world.install("--force-reinstall", env=netrc(world.folder, "wrong"))
    assert wrong.code == 1
    assert f"401; the login that was sent came from {world.folder / 'my-netrc'}" in wrong.stderr
    assert "WARNING" not in wrong.stderr
    # pip says nothing of a file that it does not understand, and sends no login.
    broken = world.install("--force-reinstall", env=netrc(world.folder, f"x\n{PASSWORD}"))
    assert broken.code == 1
    assert f"WARNING: repoprio: the logins in {world.folder / 'my-netrc'} cannot be read: " in broken.stderr
    assert "[netrc]" in broken.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_keyring(world: World) -> None:
    """Keyring is asked even without a terminal, as in pip; a wrong login is reported as keyring's."""
    add_keyring(world.env, USER, PASSWORD)
    assert served(world.install())
    add_keyring(world.env, USER, "wrong")
    wrong = world.install("--force-reinstall")
    assert wrong.code == 1
    assert "401; the login that was sent came from keyring" in wrong.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_a_callers_index_url(world: World) -> None:
    """A login in pip.conf, as `aws codeartifact login` writes it, is used, named in a 401, and kept on its site."""
    conf, host = world.folder / "pip.conf", world.corp.host
    conf.write_text(f"[global]\nindex-url = http://{USER}:{PASSWORD}@{host}/simple/\n")
    assert served(world.install(env={"PIP_CONFIG_FILE": str(conf)}))
    conf.write_text(f"[global]\nindex-url = http://{USER}:wrong@{host}/simple\n")
    wrong = world.install("--force-reinstall", env={"PIP_CONFIG_FILE": str(conf)})
    assert f"401; the login that was sent came from global.index-url in {conf}" in wrong.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_its_own_variables(world: World) -> None:
    """REPOPRIO_<NAME>_* override netrc; a 401 names the variable."""
    mine = {"REPOPRIO_CORP_USERNAME": USER, "REPOPRIO_CORP_PASSWORD": PASSWORD}
    # For files beside the pages pip 22 itself takes netrc first.
    other = {} if world.env.pip_version == "22.0.2" else netrc(world.folder, "wrong")
    assert served(world.install(env={**mine, **other}))
    wrong = world.install("--force-reinstall", env={**mine, "REPOPRIO_CORP_PASSWORD": "wrong"})
    assert "401; the login that was sent came from REPOPRIO_CORP_USERNAME and REPOPRIO_CORP_PASSWORD" in wrong.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_no_prompt_without_a_terminal(world: World) -> None:
    """Without a terminal nobody is asked: the 401 is final, and the message says that no login was sent."""
    done = world.install()
    assert done.code == 1
    assert (
        "corp (priority 10) is unavailable: 401; no login was sent (set REPOPRIO_CORP_USERNAME and _PASSWORD)"
        in done.stderr
    )
    assert "User for" not in done.stdout + done.stderr
    assert "Credentials not correct" not in done.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_a_terminal_is_asked(world: World) -> None:
    """On a terminal pip prompts as usual, and the time for the answer does not count for the page."""
    policy = world.policy()
    policy.write_text(f"page-timeout = 3\n{policy.read_text()}")
    said, status = on_a_terminal(world.env, policy, [("User for", USER), ("Password", PASSWORD)], pause=2.0)
    assert status == 0, said
    assert "Successfully installed acme-1.0" in said
    assert PASSWORD not in said


def on_a_terminal(env: PipEnv, policy: Path, answers: list[tuple[str, str]], pause: float) -> tuple[str, int]:
    """Install acme at a terminal; each question gets its answer after `pause` seconds."""
    parent, child = pty.openpty()
    command = [str(env.python), "-m", "pip", "install", "--no-cache-dir", "acme"]
    run = subprocess.Popen(
        command, stdin=child, stdout=child, stderr=child, env=env.environment(policy), start_new_session=True
    )
    os.close(child)
    said, end = "", time.monotonic() + 60
    while run.poll() is None and time.monotonic() < end:
        if not select.select([parent], [], [], 0.2)[0]:
            continue
        try:
            said += os.read(parent, 4096).decode()
        except OSError:
            break
        if answers and answers[0][0] in said:
            time.sleep(pause)
            os.write(parent, f"{answers.pop(0)[1]}\n".encode())
    status = run.wait(10)
    os.close(parent)
    return said, status


@pytest.mark.parametrize("pip", PIPS)
def test_client_certificates(world: World, repository: RepositoryFactory) -> None:
    """`--client-cert` and `--cert` apply to the policy's URLs; without the certificate TLS fails."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    safe = repository("safe", tls=server)
    safe.add("acme", "1.0")
    mine, trusted = world.folder / "mine.pem", world.folder / "ca.pem"
    authority.issue_cert("me@corp.example").private_key_and_cert_chain_pem.write_to_path(str(mine))
    authority.cert_pem.write_to_path(str(trusted))
    policy = world.policy(at={"corp": safe.page_url})
    done = world.install("--cert", str(trusted), "--client-cert", str(mine), policy=policy)
    assert served(done)
    refused = world.install("--force-reinstall", "--cert", str(trusted), policy=policy)
    assert refused.code == 1
    assert "[unavailable]" in refused.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_proxies(world: World, repository: RepositoryFactory) -> None:
    """Proxies are used as in pip; one that is down, or wants a login, causes no fallback."""
    proxy = repository("proxy", layout="html")
    proxy.add("acme", "1.0")
    policy = world.policy(at={"corp": "http://corp.example/simple/"}, corp="skip-if-unavailable = true")
    trusted = ["--trusted-host", "corp.example"]
    through = {"http_proxy": proxy.root_url, "no_proxy": "127.0.0.1"}
    assert served(world.install(*trusted, policy=policy, env=through))
    proxy.answer_all(Fault(status=407))
    refused = world.install("--force-reinstall", *trusted, policy=policy, env=through)
    assert refused.code == 1
    assert "407; the proxy (--proxy, HTTPS_PROXY) refuses, and may need another login" in refused.stderr
    down = world.policy(at={"corp": "http://corp.example/simple/"})
    gone = world.install("--force-reinstall", *trusted, "--proxy", "http://127.0.0.1:9", policy=down)
    assert gone.code == 1
    assert "the proxy could not be reached" in gone.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_a_proxy_that_refuses_a_tunnel(world: World, repository: RepositoryFactory) -> None:
    """For an https repository a proxy's 407 is never covered by skip-if-unavailable, and its 404 is no absence."""
    proxy = repository("proxy")
    for status, told in ((407, "407; the proxy"), (403, "407; the proxy"), (404, "the proxy could not be reached")):
        more = "skip-if-unavailable = true" if status != 404 else ""
        proxy.http.clear()
        proxy.http.expect_request("").respond_with_data("", status=status)
        policy = world.policy(at={"corp": "https://corp.example/simple/"}, corp=more)
        for options, env in ((["--proxy", proxy.root_url], {}), ([], {"HTTPS_PROXY": proxy.root_url})):
            done = world.install(*options, policy=policy, env={**env, "NO_PROXY": "127.0.0.1"})
            assert done.code == 1
            assert told in done.stderr


@pytest.mark.parametrize("pip", ["26.3"])
def test_builds_have_the_logins(world: World) -> None:
    """A build's own pip uses the caller's login too."""
    world.corp.add("tool", {"version": "1", "sdist": True, "build-requires": ["acme", "setuptools"]})
    world.corp.add("setuptools", "1.0")
    conf = world.folder / "pip.conf"
    conf.write_text(f"[global]\nindex-url = http://{USER}:{PASSWORD}@{world.corp.host}/simple/\n")
    done = world.install("tool", env={"PIP_CONFIG_FILE": str(conf)})
    assert "acme" in world.corp.asked_pages()
    assert " 401" not in done.stdout + done.stderr


def test_a_login_does_not_leave_its_site() -> None:
    """A login for https is not sent over http to the same host and port; one for http may go to https."""
    kept = CredentialPolicy()
    kept.logins = (
        Login(site("https://corp.example/"), USER, PASSWORD, ""),
        Login(site("http://old.example/"), USER, "other", ""),
    )
    assert kept.may_send("https://corp.example/acme.whl", (USER, PASSWORD))
    assert not kept.may_send("http://corp.example/acme.whl", (USER, PASSWORD))
    assert kept.may_send(f"http://{USER}:{PASSWORD}@corp.example/acme.whl", (USER, PASSWORD))
    assert kept.may_send("https://old.example/acme.whl", (USER, "other"))
    assert kept.may_send("http://corp.example/", (None, None))
    kept.logins = (*kept.logins, Login(site("https://corp.example/"), "token", "", ""))
    corp = Repository("corp", (), 10)
    kept.sites = {site("https://corp.example/"): corp, site("http://old.example/"): corp}
    assert not kept.may_send("http://corp.example/acme.whl", ("token", None))
    assert not kept.may_send("http://corp.example/acme.whl", ("from", "keyring"))
    assert kept.may_send("http://old.example/acme.whl", ("from", "keyring"))
    assert kept.may_send("http://elsewhere.example/acme.whl", ("from", "netrc"))
