"""`repoprio explain` and `pip install --dry-run --report` agree, on generated repositories and policies."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.faults import Fault
from support.files import parse
from support.fixtures import EnvFactory
from support.premise import times
from support.repository import RepositoryServer

NAMES: Final = ("acme", "acme-core", "six", "numpy")
LABELS: Final = ("corp", "team", "pypi")
FILES: Final = (
    "1.0", "1.1", "2.0", "99.0", "3.0rc1", "1.2 yanked",
    {"version": "2.5", "requires-python": ">=3.99"},
    {"version": "2.6", "tag": "cp39-cp39-win_amd64"},
)  # fmt: skip
SETTINGS: Final = {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "5"}


@dataclass
class World:
    """The content and answers of each repository, the policy, and the requirements."""

    files: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    top: list[str] = field(default_factory=list)
    pins: list[str] = field(default_factory=list)
    requests: dict[str, str] = field(default_factory=dict)

    def policy(self, urls: dict[str, str]) -> str:
        """The policy, for repositories at `urls`."""
        tables = [f'[repositories.{name}]\nurl = "{url}"\n' + "\n".join(self.keys[name]) for name, url in urls.items()]
        return "\n".join([*self.top, *tables, *self.pins])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Three repositories with some names each, some of them broken, under a policy with most of its keys."""
    world = World(top=[f'mode = "{draw(st.sampled_from(["strict", "strict", "flexible"]))}"'])
    for label in LABELS:
        for name in NAMES:
            if found := draw(st.lists(st.sampled_from(FILES), max_size=3, unique_by=str)):
                world.files[label, name] = found
            if draw(st.integers(0, 9)) == 0:
                world.faults[label, name] = Fault(status=draw(st.sampled_from([503, 401, 410])))
        rarely = st.integers(0, 4).map(lambda number: number == 0)
        extras = [f'{key} = ["acme*"]' for key in ("owns", "exclude", "namespaces") if draw(rarely)]
        off = ["explicit = true"] if draw(rarely) else []
        world.keys[label] = [f"priority = {draw(st.sampled_from([10, 10, 50, 90]))}", *extras[:1], *off]
    if draw(st.booleans()):
        said = draw(st.sampled_from(['versions = "<2"', 'mode = "merge"', 'repositories = ["pypi"]', 'block = "sold"']))
        world.pins.append(f'[pins.one]\nprojects = ["{draw(st.sampled_from(NAMES))}"]\n{said}')
    for name in NAMES:
        world.requests[name] = name + draw(st.sampled_from(["", "", ">=1.1", "<2", "==1.2", ">=1.0rc1"]))
    return world


@pytest.mark.parametrize("pip_version", ["26.3", pytest.param("22.2.2", marks=pytest.mark.full)])
def test_explain_and_pip_agree(pip_version: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """For each requirement of each world pip takes the file that explain names, or refuses with its code."""
    env = pip_env(pip_version)

    # To make a failing world smaller would take an hour; it is printed as it is.
    @settings(
        max_examples=times(20), deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(worlds())
    def holds(world: World) -> None:
        with ExitStack() as stack:
            made = {label: stack.enter_context(RepositoryServer(label)) for label in LABELS}
            for (label, name), files in world.files.items():
                made[label].add(name, *map(parse, files))
            for (label, name), fault in world.faults.items():
                made[label].answer(name, fault)
            policy = tmp_path / "policy.toml"
            policy.write_text(world.policy({label: server.page_url for label, server in made.items()}))
            done = env.tool("explain", "--format", "json", *world.requests.values(), policy=policy, env=SETTINGS)
            assert done.stdout, done.stderr
            projects = {project["project"]: project for project in json.loads(done.stdout)["projects"]}
            served = [name for name, project in projects.items() if project["outcome"] == "served"]
            options = ("--no-deps", "--no-build-isolation")
            taken = env.choices(*(world.requests[n] for n in served), policy=policy, options=options, env=SETTINGS)
            assert not served or taken.code == 0, (projects, taken.stderr)
            for name in served:
                assert taken.choices[name].url.rpartition("/")[2] == projects[name]["file"]
                assert made[projects[name]["repository"]].root_url in taken.choices[name].url
            for name in set(projects) - set(served):
                refused = env.choices(world.requests[name], policy=policy, options=options, env=SETTINGS)
                assert refused.code == 1, (projects[name], refused)
                assert f"[{projects[name]['code']}]" in refused.stderr, (projects[name], refused.stderr)

    holds()
