"""The real tools that write locks, isolated from this machine: uv, Poetry, PDM and pipenv."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .env_store import EnvStore
from .pips import Completed
from .uvs import run_uv

# The packages for each; PDM with the dependencies of its release day, because it breaks with newer ones.
PACKAGES = {"poetry": "poetry==2.5.1", "pdm": "pdm[locked]==2.29.3", "pipenv": "pipenv==2026.10.3"}
LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock", "pdm": "pdm.lock", "pipenv": "Pipfile.lock"}
_PROJECT = '[project]\nname = "asker"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = {}\n'
_REQUIREMENT = re.compile(r"([a-z-]+)([<=>][^@]*)?(?:@(.*))?")
_QUIET = {
    "POETRY_VIRTUALENVS_CREATE": "false",
    "PDM_CHECK_UPDATE": "false",
    "PDM_USE_VENV": "false",
    "PIPENV_NOSPIN": "1",
}


def run(store: EnvStore, tool: str, folder: Path, *arguments: str) -> Completed:
    """Run a tool in `folder`, with a home there."""
    if tool == "uv":
        return run_uv(folder, *arguments)
    env = store.with_package(PACKAGES[tool])
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {"PATH": f"{env.python.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)}
    # pipenv makes no environment where one is active.
    variables = {**kept, **_QUIET, "VIRTUAL_ENV": str(env.root), "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        [str(env.python), "-m", tool, *arguments],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    return Completed(done.stdout, done.stderr, done.returncode)


def lock(store: EnvStore, tool: str, folder: Path, sources: Mapping[str, str], *requirements: str) -> Path:
    """Lock `requirements` from these sources, the first one first; returns the lock."""
    key = {"uv": "tool.uv.index", "pipenv": "source"}.get(tool, f"tool.{tool}.source")
    # PDM and Poetry add PyPI by themselves, unless a source has its name or is a primary one; pipenv wants to be told.
    names = {name: "pypi" if tool == "pdm" and name == next(iter(sources)) else name for name in sources}
    more = {"uv": "default = true\n", "pipenv": "verify_ssl = true\n"}.get(tool, "")
    settings = "".join(f'[[{key}]]\nname = "{names[name]}"\nurl = "{url}"\n{more}' for name, url in sources.items())
    project(tool, folder, settings, *requirements)
    done = run(store, tool, folder, "lock")
    assert done.code == 0, done.stdout + done.stderr
    return folder / LOCKS[tool]


def project(tool: str, folder: Path, settings: str, *requirements: str) -> None:
    """Write a project of a tool, with these settings; pipenv takes an index too: ``acme==1@corp``."""
    folder.mkdir()
    if tool == "pipenv":
        wanted = [_REQUIREMENT.fullmatch(one) for one in requirements]
        lines = [
            f'{one[1]} = {{version = "{one[2] or "*"}"{f", index = {json.dumps(one[3])}" if one[3] else ""}}}\n'
            for one in wanted
            if one
        ]
        (folder / "Pipfile").write_text(f"{settings}\n[packages]\n{''.join(lines)}")
    else:
        more = "[tool.poetry]\npackage-mode = false\n" if tool == "poetry" else ""
        (folder / "pyproject.toml").write_text(_PROJECT.format(json.dumps(list(requirements))) + more + settings)
