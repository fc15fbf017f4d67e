"""The report of a hook for `repoprio doctor`: which policy a plain pip finds here, and which repoprio it uses."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pip

import repoprio
from repoprio.config import handoff
from repoprio.config.loaded import LoadedPolicy
from repoprio.pip_adapter import policy_reading
from repoprio.render.policy import summary


def answer() -> None:
    """Print the report on stdout, as one line of JSON, and end the process."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(repoprio.__file__)))
    loaded = policy_reading.read_policy()
    report = {
        "repoprio": repoprio.__version__,
        "root": root,
        "pip": pip.__version__,
        # As `pip --version` says them.
        "location": os.path.dirname(os.path.abspath(pip.__file__)),
        "python": "{}.{}".format(*sys.version_info),
        "policy": document(loaded),
        # Only for doctor, which prints none of it: it may contain logins.
        "packed": handoff.pack(loaded.merged, loaded.errors),
    }
    print(json.dumps(report), flush=True)  # noqa: T201 - for the process that started this one, not for people
    raise SystemExit(0)


def document(loaded: LoadedPolicy) -> dict[str, Any] | None:
    """A policy as JSON: its files, errors with remedies, mode and order; None if there is no policy."""
    if not loaded.sources and not loaded.errors:
        return None
    return {
        "files": [source.file for source in loaded.sources],
        "errors": [str(error) for error in loaded.errors],
        "faulty_files": list(dict.fromkeys(error.file for error in loaded.errors)),
        "hints": list(dict.fromkeys(error.remedy for error in loaded.errors)),
        "mode": loaded.policy.mode.value if loaded.policy else None,
        "summary": summary(loaded.policy) if loaded.policy else None,
    }
