"""What probes and administrators ask of the gateway: health, metrics, the access log, a new policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from repoprio.config.load import read_text
from support.faults import Fault
from support.gateways import Served, serving
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
