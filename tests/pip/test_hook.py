"""The hook: which modules it watches, what it costs, and what it does not touch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.fixtures import EnvFactory
from support.paths import SOURCE


def python(env_python: Path, code: str, **environ: str) -> str:
    """What `code` prints in an interpreter."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "REPOPRIO", "PYTHON"))}
    done = subprocess.run([env_python, "-c", code], env=kept | environ, capture_output=True, text=True, check=True)
    return done.stdout


def test_what_is_watched_is_what_is_patched(pip_env: EnvFactory) -> None:
    """The shim watches exactly the modules that the table of patches knows."""
    code = (
        "import _repoprio_shim as s; from repoprio.pip_adapter.hooks import import_hook as h, patch_table as p\n"
        "print(sorted(s.WATCHED ^ (p._PATCHES.keys() | {*s.MAKERS, h.LEAVING})))"
    )
    assert python(pip_env("26.3").python, code).strip() == "[]"


def test_other_programs_load_the_shim_alone(pip_env: EnvFactory) -> None:
    """A Python that does not run pip loads a single module of repoprio."""
    loaded = json.loads(
        python(
            pip_env("26.3").python, "import sys, json; print(json.dumps([m for m in sys.modules if 'repoprio' in m]))"
        )
    )
    assert loaded == ["_repoprio_shim"]


@pytest.mark.parametrize("config", ["", os.devnull])
def test_a_pip_without_policy_loads_next_to_nothing(pip_env: EnvFactory, config: str) -> None:
    """Without a policy nothing of pip is patched, and only the code that looks for one is loaded."""
    code = (
        "import sys, pip._internal.commands.install, pip._internal.index.package_finder as f;"
        "print(f.PackageFinder.find_all_candidates.__module__, sorted(m for m in sys.modules if 'repoprio' in m))"
    )
    environ = {"REPOPRIO_CONFIG": config} if config else {}
    said = python(pip_env("26.3").python, code, **environ)
    assert "repoprio.pip_adapter.hooks.wrappers" not in said
    assert "repoprio.pip_adapter.hooks.patch_table" not in said
    assert said.startswith("pip._internal.index.package_finder")


def test_the_shim_is_idempotent() -> None:
    """If `.pth` runs twice, or `.start` too, there is only one watcher."""
    code = "import sys, _repoprio_shim as s; s.install(); s.install(); print(sys.meta_path.count(s.Watcher))"
    assert python(Path(sys.executable), f"import sys; sys.path.insert(0, {str(SOURCE)!r}); {code}").strip() == "1"
