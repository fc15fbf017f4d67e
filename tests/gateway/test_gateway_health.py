"""What probes and administrators ask of the gateway: health, metrics, the access log, a new policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from repoprio.config.load import read_text
from support.faults import Fault
from support.gateways import GatewayProcess, Served, serving
from support.policy_files import TOOLS
from support.scene import Scene


@pytest.fixture
def served(scene: Scene, tmp_path: Path) -> Iterator[Served]:
    """A gateway for corp above public."""
    with serving(read_text(scene.policy().read_text(), "policy.toml", {}, TOOLS), tmp_path / "store") as made:
        yield made


def test_health_asks_no_repository(served: Served, scene: Scene) -> None:
    """A repository that is down neither kills the gateway nor takes it out of service."""
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
    (tmp_path / "store").unlink()
    assert served.get("/health/live").status == 200
    answer = served.get("/health/ready")
    assert (answer.status, answer.state) == (503, "ownership-memory")
    served.store.prepare()
    assert served.get("/health/ready").status == 200


def fetch(url: str) -> tuple[int, str]:
    """Status and text of an answer of a running gateway."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_metrics_count_by_repository_and_never_by_name(scene: Scene, tmp_path: Path) -> None:
    """Owner, faulty repository and state are labels; what clients ask for is none, so that they cannot fill memory."""
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
    assert numbers['repoprio_projects_total{repository="",state="absent"}'] == "1.0"
    assert numbers['repoprio_answers_total{kind="simple",status="503"}'] == "1.0"
    assert numbers['repoprio_answers_total{kind="other",status="404"}'] == "1.0"
    assert float(numbers['repoprio_repository_failures_total{repository="corp"}']) >= 1
    assert numbers['repoprio_repository_up{repository="corp"}'] == "1.0"
    assert numbers['repoprio_repository_seconds_count{repository="public"}'] == "1.0"
    assert not re.search("acme|broken|nobody|nonsense", text)
