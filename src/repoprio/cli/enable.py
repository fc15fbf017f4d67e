"""``repoprio enable`` and ``disable``: the hook in another environment, put in and taken out."""

from __future__ import annotations

import argparse
import os
import sys

from repoprio.cli import at_hand
from repoprio.config import fuse
from repoprio.pip_adapter import environments


def command(options: argparse.Namespace) -> int:
    """Enable or disable; tells each file that was written or removed."""
    if options.fuse:
        return _fuse(options)
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
        why = "has repoprio itself" if options.action == "enable" else "has no pointer of repoprio's"
        print(f"repoprio: {other.packages} {why}", file=sys.stderr)
    return 0


def _fuse(options: argparse.Namespace) -> int:
    """Put the fuse into pip's global file, or take it out."""
    file = os.path.realpath(at_hand.global_file())
    text = environments.read(file)
    try:
        new = fuse.put(text) if options.action == "enable" else fuse.take(text)
    except fuse.NoPlace as error:
        raise environments.CannotEnable(f"{file} {error}    [enable]") from None
    if new == text:
        print(f"repoprio: {file} {'has the fuse' if options.action == 'enable' else 'has no fuse'}", file=sys.stderr)
        return 0
    environments.write(file, new) if new else environments.remove(file)
    print(f"{'wrote' if options.action == 'enable' else 'took out of'} {file}")
    return 0
