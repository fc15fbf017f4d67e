"""``repoprio enable`` and ``disable``: put the hook into another environment, and remove it."""

from __future__ import annotations

import argparse
import os
import sys

from repoprio.cli import policy_in_force
from repoprio.config.file_text import absolute
from repoprio.config.load import read_named
from repoprio.config.pip import fuse
from repoprio.config.policy_files import VARIABLE
from repoprio.config.records import Record
from repoprio.environments import hook_installer, interpreters, ledger, repairs, target
from repoprio.environments.interpreters import Interpreter
from repoprio.environments.target import is_same

# The valid combinations of options, which argparse cannot express.
_USAGE = """%(prog)s [-h] (--python PATH | --venv DIR) [--copy]
                       [--policy FILE] [--required]
       %(prog)s --base [--policy FILE] [--required]
       %(prog)s --fuse
       %(prog)s --required"""
# The descriptions of --python, --base and --fuse.
_ENABLED = (
    "the environment of this Python, or in this folder",
    "the interpreter that this environment was created from, and with it all environments created from it",
    "add a line to pip's global file, so that an unguarded pip finds nothing",
)
_DISABLED = (
    "the environment of this Python, or in this folder",
    "the interpreter that this environment was created from: remove what enable --base added",
    "remove the line that enable --fuse added to pip's global file",
)


def arguments(parser: argparse.ArgumentParser, action: str = "enable") -> None:
    """Add the arguments of enable or disable."""
    where = parser.add_mutually_exclusive_group(required=action == "disable")
    python, base, in_fuse = _ENABLED if action == "enable" else _DISABLED
    where.add_argument("--python", metavar="PATH", help=python)
    where.add_argument("--venv", metavar="DIR", help="a virtual environment: its folder or its Python")
    where.add_argument("--base", action="store_true", help=base)
    where.add_argument("--fuse", action="store_true", help=in_fuse)
    if action == "enable":
        parser.usage = _USAGE
        copy = "copy repoprio instead of pointing to it, for an environment that will be moved"
        parser.add_argument("--copy", action="store_true", help=copy)
        policy = f"the policy's TOML file; pip there reads it as if {VARIABLE} named it"
        parser.add_argument("--policy", metavar="FILE", help=policy)
        required = "pip there stops if it finds no policy; without other options, for repoprio's own environment"
        parser.add_argument("--required", action="store_true", help=required)
    parser.set_defaults(action=action)
    parser.set_defaults(**({} if action == "enable" else {"copy": False, "policy": None, "required": False}))


def command(options: argparse.Namespace) -> int:
    """Enable or disable; prints each file that was written or removed."""
    _check(options)
    if options.fuse:
        return _fuse(options)
    other = interpreters.interpreter(_python(options))
    if options.base:
        other = interpreters.interpreter(other.base)
    return _enable(options, other) if options.action == "enable" else _disable(options, other)


def _python(options: argparse.Namespace) -> str:
    """The Python that the options name; each one accepts a Python, or the folder of a virtual environment."""
    if options.venv:
        return interpreters.in_venv(options.venv)
    return target.meant(options.python, {}).python if options.python else sys.executable


def _check(options: argparse.Namespace) -> None:
    """End the process for a wrong combination of options."""
    if options.copy and not (options.python or options.venv):
        options.parser.error("--copy needs --python or --venv")
    if options.fuse and (options.policy or options.required):
        options.parser.error("--policy and --required need an environment: they do not work with --fuse")
    if not any((options.python, options.venv, options.base, options.fuse, options.required)):
        options.parser.error("one of the arguments --python --venv --base --fuse --required is required")


def _enable(options: argparse.Namespace, other: Interpreter) -> int:
    record = _record(options, other)
    done = (
        hook_installer.enable_base(other, record)
        if options.base
        else hook_installer.enable(other.packages, record, copy=options.copy)
    )
    for place in done:
        print(f"wrote {place}")
    if not done:
        return _nothing_done(other)
    place = other.stdlib if options.base else other.packages
    if not options.copy and not hook_installer.is_own(place):
        _note(ledger.POINTER, place)
    for layer, file in record.files:
        whence = f"unless {VARIABLE} names another file" if layer == VARIABLE else layer
        print(f"repoprio: pip there reads {file} ({whence})", file=sys.stderr)
    if record.is_required:
        print("repoprio: pip there stops if it finds no policy", file=sys.stderr)
    elif not policy_in_force.reaches(record):
        print("repoprio: pip there finds no policy yet: name one with --policy FILE", file=sys.stderr)
    return 0


def _record(options: argparse.Namespace, other: Interpreter) -> Record:
    """The record for the other environment: from `options`, else this policy's files that it would not find."""
    place = other.stdlib if options.base else other.packages
    if options.policy:
        # Replace the record, without its missing files: this command is the repair.
        file = absolute(options.policy)
        _check_policy(file)
        return Record(((VARIABLE, file),), options.required or hook_installer.is_required(place))
    is_own = is_same(other.packages, hook_installer.own_packages())
    if options.base and (named := os.environ.get(VARIABLE)):
        message = f"{VARIABLE} ({named}) is not recorded, since all environments share the base"
        print(f"repoprio: {message}; to record a policy for all: --policy FILE", file=sys.stderr)
    # A base is shared by all users, so record only what was named for it.
    record = Record() if options.base or is_own else policy_in_force.record_for_new()
    for layer, file in record.files:
        if not os.path.exists(file):
            hint = "name the policy there: --policy FILE"
            raise interpreters.CannotEnable(f"{file} ({layer}) does not exist, so pip there would stop.", hint)
    known = hook_installer.recorded(place)
    return record._replace(is_required=record.is_required or options.required).over(known)


def _check_policy(file: str) -> None:
    """Raise `RepoprioError` if `file` has no valid policy."""
    if file == os.devnull:
        raise interpreters.CannotEnable(f"{file} is not a policy.")
    read_named(file, "--policy", policy_in_force.TOOLS).sound("nothing was written")


def _disable(options: argparse.Namespace, other: Interpreter) -> int:
    done = hook_installer.disable_base(other) if options.base else hook_installer.disable(other.packages)
    ledger.forget(other.stdlib if options.base else other.packages)
    for place in done:
        print(hook_installer.removal(place))
    if not done:
        where = other.stdlib if options.base else other.packages
        print(f"repoprio: {where} has no repoprio pointer", file=sys.stderr)
    return 0


def _nothing_done(other: Interpreter) -> int:
    if hook_installer.is_whole(other.packages):
        print(f"repoprio: {other.packages} already has repoprio", file=sys.stderr)
        return 0
    raise interpreters.CannotEnable(
        f"{other.packages} has its own repoprio, which is damaged.",
        f"{', then '.join(repairs.reinstall_commands(other.executable))} (from its original source)",
    )


def _fuse(options: argparse.Namespace) -> int:
    """Put the fuse into pip's global file, or remove it."""
    file = os.path.realpath(policy_in_force.global_file())
    text = hook_installer.read(file)
    try:
        new = fuse.put(text) if options.action == "enable" else fuse.take(text)
    except fuse.NoPlace as error:
        raise interpreters.CannotEnable(f"{file} {error}") from None
    if new == text:
        print(f"repoprio: {file} {'has the fuse' if options.action == 'enable' else 'has no fuse'}", file=sys.stderr)
        return 0
    if os.path.isdir(folder := os.path.dirname(file)):
        hook_installer.check_writable(folder)
    hook_installer.write(file, new) if new else hook_installer.remove(file)
    _note(ledger.FUSE, file) if options.action == "enable" else ledger.forget(file)
    print(f"{'wrote' if options.action == 'enable' else 'removed the fuse from'} {file}")
    return 0


def _note(kind: str, place: str) -> None:
    if not ledger.note(kind, place):
        where = hook_installer.own_packages()
        message = f"repoprio: {where} cannot be written, so `pip uninstall repoprio` will not remove this"
        print(f"{message}: run repoprio disable first", file=sys.stderr)
