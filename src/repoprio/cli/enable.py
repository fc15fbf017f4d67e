"""``repoprio enable`` and ``disable``: the hook in another environment, put in and taken out."""

from __future__ import annotations

import argparse
import os
import sys

from repoprio.cli import at_hand
from repoprio.config import fuse
from repoprio.pip_adapter import environments


def arguments(parser: argparse.ArgumentParser, action: str = "enable") -> None:
    """What enable takes, and disable."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--python", metavar="PATH", help="the environment of this Python")
    where.add_argument("--venv", metavar="DIR", help="a virtual environment")
    base = "the interpreter that this environment was made from, and with it all that are made from it"
    where.add_argument("--base", action="store_true", help=base)
    fuse_help = "in pip's global file, a line with which a pip that nothing guards finds nothing"
    where.add_argument("--fuse", action="store_true", help=fuse_help)
    if action == "enable":
        copy = "repoprio itself, not a pointer to it: for an environment that will travel"
        parser.add_argument("--copy", action="store_true", help=copy)
    parser.set_defaults(action=action)
    parser.set_defaults(**({} if action == "enable" else {"copy": False}))


def command(options: argparse.Namespace) -> int:
    """Enable or disable; tells each file that was written or removed."""
    if options.copy and not (options.python or options.venv):
        options.parser.error("--copy is for enable with --python or --venv")
    if options.fuse:
        return _fuse(options)
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
        return _nothing_done(options, other)
    return 0


def _nothing_done(options: argparse.Namespace, other: environments.Interpreter) -> int:
    if options.action == "disable":
        where = other.stdlib if options.base else other.packages
        print(f"repoprio: {where} has no pointer of repoprio's", file=sys.stderr)
        return 0
    if environments.is_whole(other.packages):
        print(f"repoprio: {other.packages} has repoprio itself", file=sys.stderr)
        return 0
    raise environments.CannotEnable(
        f"{other.packages} has a repoprio of its own, which is damaged: install it there again.    [enable]"
    )


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
