"""A pip under a policy loads only what its command needs, and all of it before pip forbids imports."""

from __future__ import annotations

import subprocess

from support.fixtures import EnvFactory
from support.scene import Scene, refused

# What judges wheels, reads HTML and reads project lists.
SELDOM = (
    "repoprio.pip_adapter.install.wheel_check",
    "repoprio.simple_api.html_page",
    "repoprio.simple_api.project_list",
)


def test_a_resolution_loads_only_what_it_needs(pip_env: EnvFactory, scene: Scene) -> None:
    """The modules for HTML, project lists and installations are loaded only if they are needed."""
    env = pip_env("26.3")
    command = [str(env.python), "-X", "importtime", "-m", "pip", "install", "--dry-run", "acme"]
    variables = env.environment(scene.policy())
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "repoprio.simple_api.json_page" in done.stderr
    assert not [name for name in SELDOM if name in done.stderr]


def test_the_check_of_wheels_is_loaded_in_time(fresh_env: EnvFactory, scene: Scene) -> None:
    """The check of wheels is loaded in time with the legacy resolver too, and works."""
    scene.public.add("evil", {"version": "1.0", "members": {"evil-1.0.data/data/pip.conf": "[global]\n"}})
    env = fresh_env("26.3")
    legacy = ("install", "--use-deprecated=legacy-resolver")
    refused(env.run(*legacy, "evil", policy=scene.policy()), "writes-configuration")
    installed = env.run(*legacy, "acme", policy=scene.policy())
    assert installed.code == 0, installed.stderr
    assert "acme" in env.installed
