"""Mutation testing of the pure modules: python tests/mutants.py MODULE [TEST_FILE...]; prints the mutants that survive.

MODULE is a file of src/repoprio, or a folder of it. Each mutant is one small change, for which some test must fail.
It works on a copy of the checkout; [tool.cosmic-ray] in pyproject.toml has the tests that it runs by default.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import toml

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (".git", ".venv", "venv", "__pycache__", ".*_cache", ".hypothesis")


def config(module: str, tests: Sequence[str]) -> dict[str, Any]:
    """The configuration of cosmic-ray for one module."""
    settings = toml.load(ROOT / "pyproject.toml")["tool"]["cosmic-ray"]
    files = tests or settings.pop("tests")
    command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider {' '.join(files)}"
    settings.pop("tests", None)
    return {"cosmic-ray": {**settings, "module-path": module, "test-command": command}}


def main(module: str, *tests: str) -> int:
    """Try all mutants of `module`; the exit status is 1 where some survive."""
    path = Path(module).resolve().relative_to(ROOT)
    with tempfile.TemporaryDirectory() as parent:
        folder = shutil.copytree(ROOT, Path(parent, "copy"), ignore=shutil.ignore_patterns(*LEFT_OUT))
        Path(folder, "mutants.toml").write_text(toml.dumps(config(str(path), tests)))
        # What a mutant made of a module must not be what Python has cached of another mutant.
        environ = {**os.environ, "PYTHONPATH": str(Path(folder, "src")), "PYTHONDONTWRITEBYTECODE": "1"}
        environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"

        def run(*command: str) -> str:
            done = subprocess.run(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True, check=True)
            return done.stdout

        session = "mutants.sqlite"
        run("cosmic-ray", "baseline", "mutants.toml")
        run("cosmic-ray", "init", "mutants.toml", session)
        run("cr-filter-operators", session, "mutants.toml")
        run("cosmic-ray", "exec", "mutants.toml", session)
        report = run("cr-report", session, "--surviving-only", "--show-diff")
    sys.stdout.write(report)
    return 0 if "surviving mutants: 0 " in report else 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
