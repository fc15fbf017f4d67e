"""The real tools that write locks, where they know nothing of this machine: uv, Poetry, PDM and pipenv."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .pips import Completed, EnvStore
from .uvs import run_uv

# What is installed to run each; PDM as it was released, for it breaks with what its dependencies became since.
PACKAGES = {"poetry": "poetry==2.5.1", "pdm": "pdm[locked]==2.29.3", "pipenv": "pipenv==2026.10.3"}
LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock", "pdm": "pdm.lock", "pipenv": "Pipfile.lock"}
_PROJECT = '[project]\nname = "asker"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = {}\n'
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
    """Lock `requirements` from these sources, the first one first; the lock."""
    folder.mkdir()
    tables = [f'name = "{name}"\nurl = "{url}"\n' for name, url in sources.items()]
    if tool == "pipenv":
        lines = "".join(f"[[source]]\n{table}verify_ssl = true\n" for table in tables)
        wanted = [one.partition("==") for one in requirements]
        lines += "[packages]\n" + "".join(f'{name} = "{equal}{version}"\n' for name, equal, version in wanted)
        (folder / "Pipfile").write_text(lines)
    else:
        more = "default = true\n" if tool == "uv" else ""
        key = "tool.uv.index" if tool == "uv" else f"tool.{tool}.source"
        lines = _PROJECT.format(json.dumps(list(requirements)))
        lines += "[tool.poetry]\npackage-mode = false\n" if tool == "poetry" else ""
        lines += "".join(f"[[{key}]]\n{table}" for table in tables) + more
        # PDM adds PyPI by itself, unless a source has its name.
        (folder / "pyproject.toml").write_text(lines.replace(f'"{min(sources)}"', '"pypi"') if tool == "pdm" else lines)
    done = run(store, tool, folder, "lock")
    assert done.code == 0, done.stdout + done.stderr
    return folder / LOCKS[tool]
