"""Runs pip again and again in one guarded interpreter, one line of JSON for each; run by the Python of an environment.

In: {"args", "env"}. Out: {"code", "report" (of `install --report`), "said" (stderr)}. With the argument "eager" all
that can be is fetched ahead, also from sites that nobody has asked yet: what goes wrong there goes wrong ahead first.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from pip._internal.cli.main import main as pip_main  # noqa: TID251 - this runs beside a pip, to run it

from repoprio.fetch.lookups_ahead import Ahead
from repoprio.pip_adapter import command


def run(args: list[str]) -> dict[str, Any]:
    """The output of one command of pip, which must not install."""
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            code = pip_main([*args, "--report", str(report)])
        document = json.loads(report.read_text()) if report.exists() else None
    return {"code": code, "report": document, "said": said.getvalue()}


def make_eager() -> None:
    """Treat all sites as known and working."""
    original = Ahead.__init__

    def init(self: Ahead[Any], *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self._is_sound = defaultdict(lambda: True)

    Ahead.__init__ = init  # type: ignore[method-assign]
    Ahead._is_known = lambda self, ask: True  # type: ignore[method-assign]


def main() -> None:
    """Answer each line of stdin."""
    if "eager" in sys.argv:
        make_eager()
    for line in sys.stdin:
        case = json.loads(line)
        # Each is a separate command.
        for name in command.HANDED_ON:
            os.environ.pop(name, None)
        before = dict(os.environ)
        os.environ.update(case["env"])
        found = run(case["args"])
        os.environ.clear()
        os.environ.update(before)
        sys.stdout.write(f"{json.dumps(found)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
