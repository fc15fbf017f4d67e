"""Releases with circular requirements: fetching ahead ends where pip's resolver does."""

from __future__ import annotations

import pytest

from support.fixtures import EnvFactory
from support.scene import Scene

CIRCLES = {
    "itself": {"one": {"1.0": [], "2.0": ["one<2"]}},
    "two": {"one": {"1.0": [], "2.0": ["other"]}, "other": {"1.0": ["one<2"]}},
    "extras": {
        "one": {"1.0": [], "2.0": ["other; extra == 'x'", "one[x]"]},
        "other": {"1.0": [], "2.0": ["one[x]<2", "other<2"]},
    },
}


@pytest.mark.parametrize("circle", CIRCLES)
def test_a_circle_ends(circle: str, pip_env: EnvFactory, scene: Scene) -> None:
    """Pip installs the same as without fetching ahead."""
    for project, releases in CIRCLES[circle].items():
        for version, wants in releases.items():
            scene.corp.add(project, {"version": version, "requires": wants})
    outputs = []
    for switch in ("false", "true"):
        policy = scene.policy(before=f"fetch-ahead = {switch}")
        done = pip_env("26.3").run("install", "--dry-run", "one", policy=policy, timeout=60)
        assert done.code == 0, done.stderr
        outputs.append(done.stdout.splitlines()[-1])
    assert outputs[0] == outputs[1]
    assert "Would install one-" in outputs[0]


def test_invalid_metadata(pip_env: EnvFactory, scene: Scene) -> None:
    """Pip skips a release with an invalid requirement, and fetching ahead prints nothing about it."""
    scene.corp.add("one", "1.0", {"version": "2.0", "requires": ["foo (>= bad ???"]})
    scene.corp.add("user", {"version": "1.0", "requires": ["one"]})
    done = pip_env("26.3").run("install", "--dry-run", "user", policy=scene.policy(), timeout=60)
    assert (done.code, "Would install one-1.0 user-1.0" in done.stdout) == (0, True), done.stderr
