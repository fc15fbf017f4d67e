"""A new policy under load: SIGHUP replaces it between two requests; if it has errors, the old one stays in force."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from werkzeug import Response

from support.faults import Fault
from support.gateways import JSON, GatewayProcess
from support.scene import Scene, repository_table
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP here")
FROM_PUBLIC = '[pins.acme]\nprojects = ["acme"]\nrepositories = ["public"]\n'


class Client:
    """A client that keeps its connection open."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self._connection = HTTPConnection(urlsplit(gateway.url).netloc, timeout=30)

    def close(self) -> None:
        """End its connection."""
        self._connection.close()

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        self._connection.request("GET", path, headers={"Accept": JSON})
        answer = self._connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def owner(self, name: str) -> str:
        """The owner of a project, after a check that its page has no other repository's files."""
        status, headers, body = self.get(f"/simple/{name}/")
        assert status == 200, body
        owner = headers["x-repoprio-owner"]
        assert {file["filename"].split("-")[1] for file in json.loads(body)["files"]} <= HAS[owner]
        return owner

    def metric(self, line: str) -> str:
        """The value of one line of the metrics; empty if there is none."""
        lines = self.get("/metrics")[2].decode().splitlines()
        return next((found.rpartition(" ")[2] for found in lines if found.startswith(f"{line} ")), "")


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[Client]:
    """A client of the gateway."""
    with closing(Client(gateway)) as made:
        yield made


HAS = {"corp": {"1.0", "1.0.tar.gz", "1.1"}, "public": {"99.0"}}


@pytest.fixture
def gateway(scene: Scene, tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway for corp above public."""
    scene.corp.add("ledger", "1.0")
    with GatewayProcess(scene.policy(), tmp_path / "store") as running:
        yield running


def test_a_new_policy_takes_over_under_load(scene: Scene, gateway: GatewayProcess) -> None:
    """Every request is answered correctly: during the reload under one of the policies, and then under the new one."""
    in_force, wrong, count = "corp", list[str](), 0
    ends = threading.Event()

    def ask() -> None:
        nonlocal count
        with closing(Client(gateway)) as client:
            while not ends.is_set():
                before = in_force
                try:
                    owner, other = client.owner("acme"), client.owner("ledger")
                    wrong.extend([f"{owner}, not {before}"] if before == in_force != owner and before else [])
                    wrong.extend([f"ledger: {other}"] if other != "corp" else [])
                except (AssertionError, OSError) as error:
                    wrong.append(repr(error))
                count += 1

    def asks_after(before: int) -> Callable[[], bool]:
        return lambda: count > before + 3 or bool(wrong)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    # A SIGHUP while the event loop starts may cause two reloads, with two messages.
    wait_until(asks_after(count), "the gateway answers")
    for owner in ("public", "corp") * 4:
        in_force = ""
        scene.policy(FROM_PUBLIC if owner == "public" else "")
        assert f"public (priority {90})" in gateway.reload()
        in_force = owner
        wait_until(asks_after(count), "clients ask under each policy")
    ends.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert count > 20
    assert gateway.stop() == (0, "")


def test_a_repository_that_leaves_the_policy_is_told(scene: Scene, gateway: GatewayProcess) -> None:
    """If nobody keeps the names of an owner any more, the log says so, with both ways out, each of which ends it."""
    with closing(Client(gateway)) as client:
        assert [client.owner(name) for name in ("acme", "ledger")] == ["corp", "corp"]
    moved = scene.file.read_text().replace("repositories.corp]", "repositories.company]")
    moved = moved.replace(scene.corp.page_url, "http://127.0.0.1:9/simple/")
    scene.file.write_text(moved)
    told = gateway.reload()
    assert "repoprio: corp, which served 2 names before, is not in the policy" in told, told
    assert 'renamed-from = ["corp"]' in told, told
    scene.file.write_text(moved.replace("[repositories.company]", '[repositories.company]\nrenamed-from = ["corp"]'))
    assert "[dormant]" not in gateway.reload()
    scene.file.write_text(moved)
    _, _, command = told.partition("gone for good: repoprio ")
    words = shlex.split(command.partition("    [")[0])
    done = subprocess.run([sys.executable, "-m", "repoprio", *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["released: acme (was corp)", "released: ledger (was corp)"]
    assert "[dormant]" not in gateway.reload()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("priority = oops", "[policy]"),
        ('mode = "flexible"\n[repositories.a]\nurl = "https://a.example/"', "[cannot-serve]"),
        ("", "no policy"),
    ],
    ids=["faulty", "cannot be served", "none"],
)
def test_a_policy_that_cannot_be_served_leaves_the_old_one(
    text: str, reason: str, scene: Scene, gateway: GatewayProcess, client: Client
) -> None:
    """The log says why, metrics and health report it; the next valid policy resolves it."""
    pytest.importorskip("prometheus_client")
    scene.file.write_text(text)
    said = gateway.reload()
    assert "the one before stays in force" in said
    assert reason in said
    assert client.owner("acme") == "corp"
    assert client.metric("repoprio_policy_current") == "0.0"
    # A signal in the moment in which the event loop takes over its handler can be heard twice.
    assert client.metric('repoprio_policy_reloads_total{result="refused"}') in ("1.0", "2.0")
    status, _, body = client.get("/health/ready")
    assert (status, body[:26]) == (200, b"ok, under the policy befor")
    scene.policy(FROM_PUBLIC)
    gateway.reload()
    assert client.owner("acme") == "public"
    assert client.get("/health/ready")[2] == b"ok\n"
    assert client.metric("repoprio_policy_current") == "1.0"


def test_what_is_remembered_and_what_did_not_change_stays(
    scene: Scene, gateway: GatewayProcess, client: Client
) -> None:
    """Records stay; pages of names with unchanged routes are not fetched again; metrics follow the policy."""
    pytest.importorskip("prometheus_client")
    assert [client.owner("acme"), client.owner("ledger")] == ["corp", "corp"]
    scene.corp.remove("acme")
    scene.corp.remove("ledger")
    scene.policy(FROM_PUBLIC)
    gateway.reload()
    assert client.owner("acme") == "public"
    assert client.owner("ledger") == "corp"
    assert scene.corp.requests.count("/simple/ledger/") == 1
    scene.file.write_text(scene.policy().read_text().replace("repositories.public", "repositories.world"))
    gateway.reload()
    assert client.get("/simple/acme/")[1]["x-repoprio-state"] == "remembered"
    assert client.get("/simple/ledger/")[1]["x-repoprio-state"] == "remembered"
    assert not scene.public.asked("ledger")
    assert client.metric('repoprio_repository_up{repository="public"}') == ""


def test_a_lost_name_stays_closed_whatever_policies_follow_each_other(
    scene: Scene, gateway: GatewayProcess, client: Client
) -> None:
    """Under load, with a faulty policy before each, and repositories that are added above and below, and renamed."""
    client.owner("acme")
    client.owner("ledger")
    scene.corp.remove("ledger")
    scene.public.add("ledger", "99.0")
    corp, public, nowhere = scene.corp.page_url, scene.public.page_url, f"{scene.public.root_url}nowhere/"
    moved = repository_table("company", corp.replace("127.0.0.1", "localhost"), 10, 'renamed-from = ["corp"]')
    policies = [
        [repository_table("above", nowhere, 5), repository_table("corp", corp, 10)],
        [repository_table("corp", corp, 10), repository_table("between", nowhere, 50)],
        [moved],
        [repository_table("company", corp, 10)],
        [repository_table("corp", corp, 10)],
    ]
    wrong, count, ends = list[object](), 0, threading.Event()

    def ask() -> None:
        nonlocal count
        with closing(Client(gateway)) as other:
            while not ends.is_set():
                status, headers, body = other.get("/simple/ledger/")
                # Its page may count for a minute from when corp had it.
                is_right = status == 410 or headers.get("x-repoprio-owner") in ("corp", "company")
                wrong.extend([] if is_right and b"99.0" not in body else [(status, headers)])
                wrong.extend([] if b"99.0" not in other.get("/simple/acme/")[2] else ["acme"])
                count += 1

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for policy in policies * 2:
            scene.file.write_text("priority = oops")
            gateway._run.send_signal(signal.SIGHUP)
            scene.file.write_text("".join([*policy, repository_table("public", public, 90)]))
            while "was reloaded" not in gateway.reload():
                pass
            status, headers, _ = client.get("/simple/ledger/")
            assert (status, headers["x-repoprio-state"]) == (410, "remembered")
    finally:
        ends.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert count > 5
    assert not scene.public.asked("ledger")
    assert not scene.public.asked("acme")


def test_a_request_from_before_a_reload_continues(scene: Scene, gateway: GatewayProcess, client: Client) -> None:
    """Its connection is closed only at its end, and a slow repository does not delay the new policy."""
    client.owner("acme")
    scene.corp.answer("slow", Fault(hang=1.0))
    client._connection.request("GET", "/simple/slow/", headers={"Accept": JSON})
    wait_until(lambda: scene.corp.asked("slow"), "corp is asked for slow")
    began = time.monotonic()
    scene.policy(FROM_PUBLIC)
    gateway.reload()
    with closing(Client(gateway)) as other:
        assert other.owner("acme") == "public"
    assert time.monotonic() - began < 0.9
    answer = client._connection.getresponse()
    # What it did not answer in time would be 503.
    assert (answer.status, answer.headers["x-repoprio-state"]) == (404, "absent")


def test_logins_that_cannot_be_read(scene: Scene, tmp_path: Path) -> None:
    """A reload then keeps the logins, and a start is refused: without them, corp could seem to have nothing."""
    netrc, answer = tmp_path / "netrc", scene.corp._response
    # Without a login it hides all that it has.
    scene.corp._response = lambda request: (  # type: ignore[method-assign]
        answer(request) if request.authorization else Response("", 404)
    )
    netrc.write_text("machine 127.0.0.1 login ada password s3cret\n")
    policy = scene.policy()
    with GatewayProcess(policy, tmp_path / "store", NETRC=str(netrc)) as running, closing(Client(running)) as client:
        netrc.write_text("machine 127.0.0.1 login ada s3cret\n")
        said = running.reload()
        assert f"the logins in {netrc} cannot be read: it is not understood near line" in said
        assert "s3cret" not in said
        assert client.owner("acme") == "corp"
    with pytest.raises(AssertionError, match=r"cannot be read: it is not understood near line(.|\n)*\[netrc\]"):
        GatewayProcess(policy, tmp_path / "store", NETRC=str(netrc))
