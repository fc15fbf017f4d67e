"""Three repositories whose projects differ in each way, and the reports of `repoprio compare` on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.fixtures import RepositoryFactory
from support.pips import PipEnv
from support.repository import RepositoryServer
from support.scene import Scene

PIPS = ["26.3", "24.0", "22.0.2"]
BETWEEN = ["22.3.1", "23.0.1", "23.2.1", "24.3.1", "25.0.1", "25.3", "26.0", "26.1", "26.2"]
EVERY = pytest.mark.parametrize("pip", [*PIPS, *(pytest.param(pip, marks=pytest.mark.full) for pip in BETWEEN)])


class Compared(Scene):
    """The repositories corp (priority 10), team (50) and public (90), and a policy that names them."""

    def __init__(self, repository: RepositoryFactory, folder: Path) -> None:
        super().__init__(repository, folder, "corp", "team", "public", acme=())
        self.team = self.servers["team"]

    def share(self, project: str, *servers: RepositoryServer, version: str = "1.0") -> None:
        """Let several repositories list the same file."""
        files = servers[0].add(project, version)
        for server in servers[1:]:
            server.put(project, *files)

    def everything(self) -> list[str]:
        """One project of each kind, and the requirements to compare."""
        self.corp.add("acme", "1.0", {"version": "1.1", "requires": ["shared"]})
        self.public.add("acme", {"version": "99.0", "requires": ["shared", "evil-dep"]})
        self.public.add("evil-dep", "6.6")
        self.corp.add("acme-core", "1.0")
        self.public.add("acme-core", "9.0")
        self.share("jinja2", self.team, self.public, version="3.1.4")
        self.public.add("jinja2", "3.1.6")
        self.share("idna", self.team, self.public, version="3.10")
        self.corp.add("wheeled", "2.0")
        self.public.add("wheeled", "2.0")
        self.team.add("lxml", "5.3")
        self.public.add("lxml", "5.3", "6.0.2")
        self.public.add("oldlib", {"version": "1.0", "sdist": True})
        self.public.add("shared", "1.0")
        return ["acme", "acme-core", "jinja2", "idna", "wheeled", "lxml>=6", "oldlib"]


def report(env: PipEnv, policy: Path, *words: str, code: int = 1) -> dict[str, Any]:
    """What compare says as JSON."""
    done = env.tool("compare", "--format", "json", *words, policy=policy)
    assert done.code == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def verdicts(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The verdict and the code of each project."""
    return {project["project"]: (project["verdict"], project["code"]) for project in found["projects"]}


def project(found: dict[str, Any], name: str) -> dict[str, Any]:
    """The JSON of one project."""
    (told,) = [one for one in found["projects"] if one["project"] == name]
    return dict(told)
