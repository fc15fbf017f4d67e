"""Runs pip again and again in one guarded interpreter, one line of JSON for each; run by the Python of an environment.

In: {"args", "env"}. Out: {"code", "report" (of `install --report`), "said" (stderr)}.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from pip._internal.cli.main import main as pip_main  # noqa: TID251 - this runs beside a pip, to run it


def run(args: list[str]) -> dict[str, Any]:
    """What one command of pip says; it must not be one that installs."""
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            code = pip_main([*args, "--report", str(report)])
        found = json.loads(report.read_text()) if report.exists() else None
    return {"code": code, "report": found, "said": said.getvalue()}


def main() -> None:
    """Answer each line of stdin."""
    for line in sys.stdin:
        case = json.loads(line)
        os.environ.update(case["env"])
        sys.stdout.write(f"{json.dumps(run(case['args']))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
