"""Runs `repoprio explain` in several ways that share one lookup; run by the Python of an environment.

In, as the only argument: a JSON list with the arguments and the variables of each run. Out: a JSON list of what each
wrote to stdout.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import Any

from repoprio.cli.main import run
from repoprio.pip_adapter.inspect import explain


def main() -> None:
    """Begin each run like the first one; each project is looked up only once."""
    look_up, found = explain.explain, list[Any]()

    def once(*args: Any, **options: Any) -> Any:
        found[:] = found or [look_up(*args, **options)]
        return found[0]

    explain.explain = once
    told = []
    for arguments, variables in json.loads(sys.argv[1]):
        os.environ.update(variables)
        with contextlib.redirect_stdout(io.StringIO()) as stdout:
            run(arguments)
        told.append(stdout.getvalue())
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
