"""`repoprio audit` of a folder of packages, under corp above public."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from .fixtures import EnvFactory, RepositoryFactory
from .pips import Completed, PipEnv
from .scene import Scene


class Audited(Scene):
    """corp above public, an environment with repoprio, and a folder of packages."""

    def __init__(self, env: PipEnv, *scene: Any, **options: Any) -> None:
        super().__init__(*scene, acme=("1.0", "1.1"), **options)
        self.public.add("leftpad", "1.0")
        self.env, self.packages = env, self.folder / "packages"

    def install(self, *arguments: str) -> None:
        """Install into the folder of packages with pip alone, from both repositories."""
        done = self.env.run("install", "--no-deps", "--target", str(self.packages), *self.indexes, *arguments)
        assert done.code == 0, done.stderr
        self.forget()

    def dist_info(self, folder: str, metadata: str | bytes | None = None, **files: str) -> None:
        """Write the metadata of a distribution."""
        info = self.packages / folder
        info.mkdir(parents=True)
        if metadata is not None:
            (info / "METADATA").write_bytes(metadata.encode() if isinstance(metadata, str) else metadata)
        for name, text in files.items():
            (info / f"{name}.json").write_text(text)

    def audit(self, *arguments: str, env: Mapping[str, str] | None = None) -> Completed:
        """Run an audit with the policy."""
        done = self.env.tool("audit", *arguments, policy=self.file, env=env, cwd=self.folder)
        assert "Traceback" not in done.stderr
        return done

    def found(self, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        """The exit status and the findings."""
        done = self.audit("--format", "json", *arguments)
        assert done.stdout, done.stderr
        return done.code, json.loads(done.stdout)["findings"]

    def installed(self, *arguments: str) -> dict[str, str]:
        """The codes of the findings in the folder of packages, by project."""
        _, findings = self.found("--path", str(self.packages), *arguments)
        return {finding["project"]: finding["code"] for finding in findings}


@pytest.fixture
def audited(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Any) -> Callable[..., Audited]:
    """Create such a scene, for a version of pip or a given environment."""

    def make(pip: str = "26.3", env: PipEnv | None = None, **options: Any) -> Audited:
        return Audited(env or pip_env(pip), repository, tmp_path, **options)

    return make
