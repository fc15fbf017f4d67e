"""`repoprio serve` as a process, with real pips and uv as its clients."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.gateways import JSON, GatewayProcess
from support.pips import Completed, PipEnv
from support.scene import Scene, policy_text, refused
from support.uvs import run_uv


@pytest.fixture
def gateway(scene: Scene) -> Iterator[GatewayProcess]:
    """A gateway for corp above public: acme is 1.1 in corp and 99.0 in public, which has requests, too."""
    scene.policy()
    with GatewayProcess(scene.file, scene.folder / "ownership.sqlite") as process:
        yield process


def pip_report(env: PipEnv, url: str, *wanted: str) -> Completed:
    """What a pip without repoprio would install through a gateway."""
    report = ("--dry-run", "--ignore-installed", "-q", "--report", "-", "--index-url", url)
    return env.run("install", *report, *wanted)


@pytest.mark.parametrize("pip_version", ["26.3", "22.0.2"])
def test_a_pip_without_repoprio_gets_each_project_from_its_owner(
    pip_version: str, gateway: GatewayProcess, scene: Scene, pip_env: EnvFactory
) -> None:
    """Dependencies too; public is never asked for a name of corp's."""
    env = pip_env(pip_version, stock=True)
    target = scene.folder / "target"
    done = env.run("install", "-q", "--target", str(target), "--index-url", gateway.url, "requests")
    assert done.code == 0, done.stderr
    assert {path.name for path in target.glob("*.dist-info")} == {"acme-1.1.dist-info", "requests-2.0.dist-info"}
    assert not scene.public.asked("acme")
    refused = env.run("install", "--index-url", gateway.url, "acme==99.0")
    assert refused.code == 1
    assert "1.0, 1.1" in refused.stderr


def test_uv_gets_each_project_from_its_owner(gateway: GatewayProcess, scene: Scene) -> None:
    """Dependencies too; public is never asked for a name of corp's."""
    (scene.folder / "wanted.txt").write_text("requests\n")
    asked = ("pip", "compile", "-q", "--no-header", "--no-annotate", "--index-url", gateway.url, "wanted.txt")
    done = run_uv(scene.folder, *asked)
    assert done.stdout.split() == ["acme==1.1", "requests==2.0"], done.stderr
    assert not scene.public.asked("acme")


@pytest.mark.parametrize("installer", ["uv", "poetry", "pdm", "pipenv", "pip"])
def test_an_installer_gets_the_gateway_as_its_only_index(installer: str, tmp_path: Path) -> None:
    """`export --gateway` names only that index, and reports no gaps; --check compares a file with it.

    If the policy names the gateway, the export says so; --no-gateway exports the policy itself.
    """
    url = "http://127.0.0.1:8417/simple/"
    name = {"pipenv": "Pipfile", "uv": "uv.toml", "pip": "pip.conf"}.get(installer, "pyproject.toml")
    file = tmp_path / name

    def export(*options: str, policy: Path | str = os.devnull) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "repoprio", "export", installer, *options]
        env = {"HOME": str(tmp_path), "REPOPRIO_CONFIG": str(policy)}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    done = export("--gateway", url)
    assert (done.returncode, done.stdout.count("url = "), "not expressed" in done.stderr) == (0, 1, False), done.stderr
    assert (f"index-url = {url}\n" if installer == "pip" else f'url = "{url}"') in done.stdout
    file.write_text(done.stdout)
    assert export("--gateway", url, "--check", str(file)).returncode == 0
    assert export("--gateway", "https://other.example/simple/", "--check", str(file)).returncode == 1
    assert export("--gateway", "pypi").returncode == 2
    assert "WARNING" not in done.stderr
    assert "8417/ does not end in /simple/" in export("--gateway", "http://127.0.0.1:8417/").stderr
    named = tmp_path / "named.toml"
    named.write_text(policy_text({"corp": "https://corp.example/simple/"}, before=f'gateway = "{url}"'))
    by_policy = export(policy=named)
    assert by_policy.stdout == done.stdout
    line = by_policy.stderr.splitlines()[-1]
    assert line == f"repoprio: exported: the gateway {url} ({named}); --no-gateway: the policy"
    assert "https://corp.example/simple/" in export("--no-gateway", policy=named).stdout


def test_uv_obeys_with_what_is_exported(gateway: GatewayProcess, scene: Scene) -> None:
    """With the uv.toml of `export --gateway` uv takes each project from its owner."""
    command = [sys.executable, "-m", "repoprio", "export", "uv", "--gateway", gateway.url]
    env = {"HOME": str(scene.folder), "REPOPRIO_CONFIG": "/dev/null"}
    exported = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    (scene.folder / "only.toml").write_text(exported.stdout)
    (scene.folder / "wanted.txt").write_text("acme")
    done = run_uv(scene.folder, "pip", "compile", "-q", "--config-file", "only.toml", "wanted.txt")
    assert "acme==1.1" in done.stdout, done.stderr


def test_uv_does_not_ask_another_index(scene: Scene, repository: RepositoryFactory) -> None:
    """Neither an unavailable repository nor an owned name that is missing makes uv ask another index."""
    other = repository("other")
    for name in ("acme", "ledger"):
        other.add(name, "66.6")
    scene.policy(corp='owns = ["ledger"]')
    with GatewayProcess(scene.file, scene.folder / "second.sqlite") as second:
        scene.corp.answer("acme", Fault(status=500))
        for name, says in (("acme", "503"), ("ledger", "Its owner does not have this project")):
            (scene.folder / "wanted.txt").write_text(f"{name}\n")
            indexes = ("--default-index", other.page_url, "--index", second.url)
            done = run_uv(scene.folder, "pip", "compile", "-q", *indexes, "wanted.txt")
            assert done.code != 0
            assert says in done.stderr
            assert not other.asked(name)


def test_a_pip_waits_for_a_repository_that_comes_back(
    gateway: GatewayProcess, scene: Scene, pip_env: EnvFactory
) -> None:
    """A 503 with Retry-After is retried; pip then takes the owner's file."""
    scene.corp.answer("acme", Fault(status=503))
    env = pip_env("26.3", stock=True)
    done = env.run("install", "--dry-run", "--retries", "0", "--index-url", gateway.url, "acme")
    assert done.code == 1
    assert "99.0" not in done.stdout + done.stderr
    del scene.corp._answers["acme"]
    done = pip_report(env, gateway.url, "acme")
    assert json.loads(done.stdout)["install"][0]["metadata"]["version"] == "1.1"
    assert not scene.public.asked("acme")


def test_what_http_clients_see(gateway: GatewayProcess) -> None:
    """Tags, 304, stored gzip, HEAD and relative redirects; a client's host names are never repeated."""
    place = urlsplit(gateway.url).netloc

    def ask(path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(place, timeout=10)
        connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    first, body = ask("/simple/acme/", Accept=JSON)
    assert (first.status, first.headers["Vary"]) == (200, "Accept, Accept-Encoding")
    assert first.headers["Content-Type"] == JSON
    assert first.headers["X-Repoprio-Owner"] == "corp"
    again, nothing = ask("/simple/acme/", Accept=JSON, If_None_Match=first.headers["ETag"])
    assert (again.status, nothing) == (304, b"")
    other, html = ask("/simple/acme/", If_None_Match=first.headers["ETag"])
    assert (other.status, other.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert other.headers["Content-Security-Policy"] == "default-src 'none'"
    assert b"acme-1.1" in html
    head, nothing = ask("/simple/acme/", "HEAD", Accept=JSON)
    assert (head.status, nothing) == (200, b"")
    assert head.headers["Content-Length"] == str(len(body))
    moved, _ = ask("/simple/Ac_Me/", Host="evil.example", X_Forwarded_Host="evil.example")
    assert (moved.status, moved.headers["Location"]) == (301, "../ac-me/")
    assert ask("/simple/acme/", "POST")[0].headers["Allow"] == "GET, HEAD"
    assert ask("/simple/acme/", Accept="image/png")[0].status == 406
    assert ask("/simple/..%2fx/")[0].status == 404


def test_ctrl_c_stops_it_silently(gateway: GatewayProcess) -> None:
    """Exit status 0, no traceback."""
    assert "corp (priority 10), public (priority 90)" in gateway.greeting
    urlopen(f"{gateway.url}acme/").close()
    assert gateway.stop() == (0, "")


def serve(folder: Path, policy: Path, *options: str) -> Completed:
    """A gateway that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "repoprio", "serve", "--port", "0", "--store", str(folder / "store"), *options],
        env={"HOME": str(folder), "REPOPRIO_CONFIG": str(policy)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Completed(done.stdout, done.stderr, done.returncode)


def test_what_it_cannot_do_is_refused_at_the_start(tmp_path: Path) -> None:
    """A policy that an index cannot obey, an invalid store, a port in use: exit status 2, and the reason."""
    policy = tmp_path / "repoprio.toml"
    urls = {"corp": "https://corp.example/simple/"}
    policy.write_text(policy_text(urls, before='mode = "flexible"'))
    assert "[cannot-serve]" in serve(tmp_path, policy).stderr
    policy.write_text(policy_text(urls))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = serve(tmp_path, policy, "--port", str(taken.getsockname()[1]))
        assert (done.code, "[listen]" in done.stderr) == (2, True), done.stderr
    done = serve(tmp_path, policy, "--store", "mysql://store.example/0")
    assert (done.code, "[store]" in done.stderr) == (2, True)
    (tmp_path / "store").write_bytes(b"no database" * 1000)
    done = serve(tmp_path, policy)
    assert (done.code, "Traceback" in done.stderr, "[store]" in done.stderr) == (2, False, True)
    (tmp_path / "store").unlink()
    done = serve(tmp_path, policy, "--host", "no-such-host.invalid")
    assert (done.code, "[listen]" in done.stderr) == (2, True)


def test_it_loads_no_pip_and_says_what_it_lacks(tmp_path: Path) -> None:
    """The gateway runs without pip; without its extra it says how to get that."""
    code = "import sys, repoprio.serve.server, repoprio.cli.serving.serve; print('pip' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    code = (
        "import sys; sys.modules['uvicorn'] = None; from importlib import util; find = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'uvicorn' else find(name, *more)\n"
        "from repoprio.cli import main; sys.exit(main.run(['serve']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, "pip install 'repoprio[serve]'" in done.stderr) == (2, True)


def test_a_pip_with_the_hook_shows_why_its_gateway_refused(scene: Scene, pip_env: EnvFactory) -> None:
    """Where the gateway is the only repository, pip and `explain` show its words, and name its own explanation."""
    scene.policy(corp='owns = ["ledger"]')
    env = pip_env("26.3")
    with GatewayProcess(scene.file, scene.folder / "third.sqlite") as gateway:
        policy = scene.folder / "client.toml"
        policy.write_text(policy_text({"gate": gateway.url}, before=f'gateway = "{gateway.url}"'))
        done = env.run("install", "--dry-run", "ledger", policy=policy)
        told = env.tool("explain", "--format", "json", "ledger", policy=policy)
    where = gateway.url.replace("simple/", "explain/ledger")
    said = "Its owner does not have this project: ledger belongs to corp (priority 10), which does not have it."
    assert f"gate says: {said}" in done.stderr
    assert f"hint: the gateway refused this name: {where} says why" in done.stderr
    assert "absent" not in refused(done, "unavailable")
    (project,) = json.loads(told.stdout)["projects"]
    assert (told.code, project["hint"]["code"]) == (1, "gateway-refused")
    (line,) = project["repositories"]
    assert (line["problem"]["title"], line["explained_at"]) == (said.partition(":")[0], where)
