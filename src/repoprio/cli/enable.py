"""``repoprio enable`` and ``disable``: the hook in another environment, put in and taken out."""

from __future__ import annotations

import argparse
import sys

from repoprio.pip_adapter import environments


def command(options: argparse.Namespace) -> int:
    """Enable or disable; tells each file that was written or removed."""
    if options.copy and (options.base or options.action == "disable"):
        options.parser.error("--copy is for enable with --python or --venv")
    python = environments.in_venv(options.venv) if options.venv else options.python or sys.executable
    other = environments.interpreter(python)
    if options.base:
        other = environments.interpreter(other.base)
        done = environments.enable_base(other) if options.action == "enable" else environments.disable_base(other)
    elif options.action == "enable":
        done = environments.enable(other.packages, copy=options.copy)
    else:
        done = environments.disable(other.packages)
    verb = "wrote" if options.action == "enable" else "took out"
    for place in done:
        print(f"{verb} {place}")
    if not done:
        print(f"repoprio: {other.packages} has no pointer of repoprio's", file=sys.stderr)
    return 0
