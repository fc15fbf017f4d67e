"""What probes and administrators request from the gateway: health, metrics, the access log, a new policy."""

from __future__ import annotations

import http.client
import inspect
import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import pytest

from repoprio.lookup.events import StatusReceived
from repoprio.policy.model import Location, Policy, Repository
from repoprio.serve.answers.notes import Answer
from repoprio.serve.gateway import Gateway
from repoprio.serve.timing import clock
from support.faults import Fault
from support.gateways import GatewayProcess, Served, serving
from support.paths import ROOT
from support.scene import Scene
from support.waiting import wait_until


@pytest.fixture
def served(scene: Scene, tmp_path: Path) -> Iterator[Served]:
    """A gateway for corp above public."""
    with serving(scene.parsed(), tmp_path / "store") as made:
        yield made


def test_health_asks_no_repository(served: Served, scene: Scene) -> None:
    """A repository that is down neither stops the gateway nor takes it out of service."""
    scene.corp.answer("acme", Fault(status=500))
    assert served.page("acme").status == 503
    before = list(scene.corp.requests)
    for path in ("/health/live", "/health/ready"):
        answer = served.get(path)
        assert (answer.status, answer.body, answer.headers["cache-control"]) == (200, b"ok\n", "no-store")
        assert served.get(path, method="HEAD").body == b""
        assert served.get(path, method="POST").status == 405
    assert scene.corp.requests == before
    assert served.store.all() == ()


def test_a_gateway_without_its_memory_is_alive_but_not_ready(served: Served, tmp_path: Path) -> None:
    """It cannot know who owns a name, so it gets no requests until somebody restores the file."""
    file = tmp_path / "store"
    content = file.read_bytes()
    file.unlink()
    assert served.get("/health/live").status == 200
    answer = served.get("/health/ready")
    assert (answer.status, answer.state) == (503, "ownership-memory")
    file.write_bytes(content)
    assert served.get("/health/ready").status == 200


def fetch(url: str) -> tuple[int, str]:
    """Status and text of an answer of a running gateway."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_metrics_count_by_repository_and_never_by_name(scene: Scene, tmp_path: Path) -> None:
    """Owner, faulty repository and state are labels; requested names are not, so clients cannot fill memory."""
    pytest.importorskip("prometheus_client")
    scene.corp.answer("broken", Fault(status=500))
    with GatewayProcess(scene.policy(), tmp_path / "store") as gateway:
        base = gateway.url.removesuffix("/simple/")
        for path in ("/simple/acme/", "/simple/acme/", "/simple/broken/", "/simple/nobody/", "/nonsense-path/x"):
            fetch(base + path)
        status, text = fetch(f"{base}/metrics")
    assert status == 200
    numbers = dict(re.findall(r"^(\S+) (\S+)$", text, re.MULTILINE))
    assert numbers['repoprio_projects_total{repository="corp",state="fresh"}'] == "2.0"
    assert numbers['repoprio_projects_total{repository="corp",state="unavailable"}'] == "1.0"
    assert numbers['repoprio_projects_total{repository="(none)",state="absent"}'] == "1.0"
    assert numbers['repoprio_answers_total{kind="simple",status="503"}'] == "1.0"
    assert numbers['repoprio_answers_total{kind="other",status="404"}'] == "1.0"
    assert float(numbers['repoprio_repository_failures_total{repository="corp"}']) >= 1
    assert numbers['repoprio_repository_up{repository="corp"}'] == "1.0"
    assert numbers['repoprio_repository_seconds_count{repository="public"}'] == "1.0"
    assert not re.search('acme|broken|nobody|nonsense|_created|repository=""', text)


def test_the_documented_metrics_are_those_that_exist() -> None:
    """Each name with its labels, in both directions."""
    pytest.importorskip("prometheus_client")
    from repoprio.serve.telemetry.metrics import Metrics

    rows = re.findall(r"^\| `(repoprio_\w+)` \| (.*?)\|", (ROOT / "docs/how-to/serve.md").read_text(), re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    corp = Repository("corp", (Location.of("https://corp.example/simple/"),))
    metrics = Metrics(Policy((corp,)))
    metrics.fetched(corp, 0.1, StatusReceived(500))
    metrics.reloaded(Policy((corp,)))
    metrics.shared("used")
    for path in ("/simple/acme/", "/files/acme/x"):
        metrics.answered(path, Answer(200, {b"x-repoprio-state": b"fresh", b"x-repoprio-owner": b"corp"}, 0.1))
    series = re.findall(
        r"^(repoprio_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$", metrics.text().decode(), re.MULTILINE
    )
    exposed = {name: set(re.findall(r'(\w+)="', labels)) - {"le"} for name, labels in series}
    assert exposed == documented


def lines_of(log: Path, count: int) -> list[str]:
    """The lines of a log as soon as it has this many: a line is written after its answer."""
    wait_until(lambda: log.exists() and len(log.read_text().splitlines()) >= count, f"{count} lines in {log}")
    return log.read_text().splitlines()


def test_the_access_log_names_only_what_is_a_name(scene: Scene, tmp_path: Path) -> None:
    """Each answer is one line; an invalid project path is not logged; a log that was moved is created again."""
    log = tmp_path / "access.jsonl"
    with GatewayProcess(scene.policy(), tmp_path / "store", "--access-log", str(log)) as gateway:
        base = gateway.url.removesuffix("/simple/")
        for path in (
            "/simple/acme/",
            "/simple/nobody/?x=sneaky",
            "/simple/sneaky%0a%7b/",
            "/sneaky%22",
            "/health/live",
        ):
            fetch(base + path)
        lines = [json.loads(line) for line in lines_of(log, 5)]
        seen = [(line["project"], line["status"], line["state"], line["owner"]) for line in lines]
        assert seen[:2] == [("acme", 200, "fresh", "corp"), ("nobody", 404, "absent", None)]
        assert [line[:2] for line in seen[2:]] == [(None, 404), (None, 404), (None, 200)]
        assert "sneaky" not in log.read_text()
        log.rename(tmp_path / "old.jsonl")
        fetch(f"{base}/simple/acme/")
        assert len(lines_of(log, 1)) == 1


def test_an_access_log_that_cannot_be_opened_is_said_at_the_start(scene: Scene, tmp_path: Path) -> None:
    """The gateway does not start without the log that its administrator requested."""
    with pytest.raises(AssertionError, match=r"cannot be opened: No such file(?s:.*)\[access-log\]"):
        GatewayProcess(scene.policy(), tmp_path / "store", "--access-log", str(tmp_path / "none" / "log"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_ends_the_access_log_but_no_answer(scene: Scene, tmp_path: Path) -> None:
    """The problem is reported once."""
    with GatewayProcess(scene.policy(), tmp_path / "store", "--access-log", "/dev/full") as gateway:
        assert [fetch(f"{gateway.url}acme/")[0] for _ in range(3)] == [200] * 3
        status, said = gateway.stop()
    assert status == 0
    assert said.count("[access-log]") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("platform", "known"), [("linux", "CLOCK_BOOTTIME"), ("darwin", "CLOCK_MONOTONIC"), ("win32", None)]
)
def test_pages_age_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch, platform: str, known: str | None) -> None:
    """A laptop that wakes up after a day has no fresh page: the clock that counts sleep is used if there is one."""
    monkeypatch.setattr("sys.platform", platform)
    for number, name in enumerate(("CLOCK_BOOTTIME", "CLOCK_MONOTONIC")):
        if known is None:
            monkeypatch.delattr(time, name, raising=False)
        else:
            monkeypatch.setattr(time, name, number, raising=False)
    monkeypatch.setattr(time, "clock_gettime", lambda which: f"clock {which}", raising=False)
    monkeypatch.setattr(clock, "_CLOCK", clock._clock())
    if known is None:
        assert clock.steady_seconds() == pytest.approx(time.monotonic(), abs=5)
    else:
        assert str(clock.steady_seconds()) == {"CLOCK_BOOTTIME": "clock 0", "CLOCK_MONOTONIC": "clock 1"}[known]
    assert inspect.signature(Gateway).parameters["clock"].default is clock.steady_seconds


def test_an_access_log_whose_folder_is_gone_ends_no_connection(scene: Scene, tmp_path: Path) -> None:
    """Answers continue on the same connection; once the folder is there again, so is the log."""
    log = tmp_path / "logs" / "access.jsonl"
    log.parent.mkdir()
    with GatewayProcess(scene.policy(), tmp_path / "store", "--access-log", str(log)) as gateway:
        with closing(http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=10)) as client:

            def ask() -> int:
                client.request("GET", "/simple/acme/")
                answer = client.getresponse()
                answer.read()
                return answer.status

            assert ask() == 200
            lines_of(log, 1)
            log.parent.rename(tmp_path / "moved")
            assert [ask() for _ in range(3)] == [200] * 3
            log.parent.mkdir()
            assert ask() == 200
            lines_of(log, 1)
        status, said = gateway.stop()
    assert status == 0
    assert said.count("[access-log]") == 1
    assert "Traceback" not in said
