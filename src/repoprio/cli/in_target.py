"""The environment that a command is about: the command runs in its Python, and names it first."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple, TextIO

from repoprio import shell
from repoprio.cli import terminal
from repoprio.config.pip import default_index
from repoprio.environments import child_script
from repoprio.environments.target import OPTION, OWN, VARIABLE, Environment, NoEnvironment, meant, own
from repoprio.redaction import printable

# The line about the environment on stderr, once it was printed.
_printed: list[str] = []


class Arrival(NamedTuple):
    """How this process was started; as a guest in another environment, `guest_of` says how that was named.

    `is_hooked`: a hook was in place when this Python started.
    """

    guest_of: str | None
    is_hooked: bool


@functools.cache
def arrival() -> Arrival:
    """How this process was started."""
    guest_of = os.environ.pop(child_script.GUEST, None)
    hooked = os.environ.pop(child_script.HOOKED, "")
    if guest_of:
        os.environ.pop(child_script.RUNNER, None)
    return Arrival(guest_of, bool(hooked if guest_of else child_script.hooks()))


def begin() -> None:
    """Reset the state at the start of a command: its own variables are removed, and nothing is printed yet."""
    arrival()
    _printed.clear()


def is_guest() -> bool:
    """Whether this is another environment's Python, which may lack repoprio and its dependencies."""
    return arrival().guest_of is not None


def add_environment(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--python`` for a command that runs in the Python of its environment."""
    whose = f"the environment: its Python or its folder (default: the activated one, {VARIABLE}, else repoprio's own)"
    parser.add_argument(OPTION, metavar="PATH", help=whose)
    parser.set_defaults(has_environment=True)


def other(python: str | None) -> Environment | None:
    """The chosen environment, None if it is this one; `python` is the ``--python`` of the command line."""
    environment = None if is_guest() else meant(python, os.environ)
    return environment if environment and not environment.is_own else None


def current(options: argparse.Namespace) -> Environment:
    """The environment of this process, which is the chosen one."""
    return _described(own(arrival().guest_of or meant(options.python, os.environ).named_by))


def _described(environment: Environment) -> Environment:
    pip = default_index.pip_version()
    return environment._replace(pip=pip, is_guarded=arrival().is_hooked if pip else None)


def name_first(options: argparse.Namespace) -> None:
    """Print this environment as the first line of a report; JSON has it as a key instead."""
    _print(current(options).line, sys.stdout)


def tell(options: argparse.Namespace) -> None:
    """Print this environment on stderr, for commands whose stdout becomes a file."""
    _print_line(current(options))


def complain(text: str, options: argparse.Namespace | None = None) -> None:
    """Print an error on stderr; first the environment, if `options` are given, or if it is not repoprio's own."""
    if options is not None:
        tell(options)
    elif is_guest():
        _print_line(_described(own(arrival().guest_of or OWN)))
    terminal.complain(text)


def _print_line(environment: Environment) -> None:
    if not _printed:
        _printed.append(environment.line)
        _print(f"repoprio: {environment.line}", sys.stderr)


def _print(line: str, stream: TextIO) -> None:
    # Not wrapped, so that programs find it as one line.
    print(printable(line), file=stream, flush=True)


def run_pip(arguments: list[str]) -> int:
    """Run pip under the policy, in the chosen environment; returns its exit status."""
    from repoprio.environments import run_there
    from repoprio.pip_adapter.hooks import pip_runner

    python, rest = _python_of(arguments)
    environment = other(python)
    if environment is None:
        _begin_pip(rest)
        return pip_runner.run_pip(rest)
    if python is not None and not run_there.has_pip(environment):
        # The environment has no pip of its own, so this pip works on it, as the user asked.
        return pip_runner.run_pip(arguments)
    return run_there.run(environment, ["pip", *rest])


def _python_of(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The value of pip's own ``--python`` if it comes first, else None; and the other arguments."""
    first, *rest = arguments or [""]
    if first == OPTION and rest:
        return rest[0], rest[1:]
    option, equals, python = first.partition("=")
    return (python, rest) if option == OPTION and equals else (None, arguments)


def _begin_pip(arguments: Sequence[str]) -> None:
    """Print the environment before its pip runs, if it is not repoprio's own."""
    named_by = arrival().guest_of
    if named_by is None:
        return
    check_pip()
    if not {"-q", "-qq", "-qqq", "--quiet"} & set(arguments):
        _print_line(own(named_by)._replace(pip=default_index.pip_version()))


def load_pip() -> None:
    """Import this environment's pip, with the hook; raises `NoEnvironment` or `UnknownPip`."""
    from repoprio.pip_adapter.hooks import pip_runner

    check_pip()
    pip_runner.load_pip()


def check_pip() -> None:
    """Raise `NoEnvironment` if this environment has no pip."""
    if is_guest() and default_index.pip_version() is None:
        install = shell.command(sys.executable, "-m", "ensurepip")
        raise NoEnvironment(
            f"the environment that {arrival().guest_of} names has no pip: {sys.executable}\n"
            f"  hint: {install}; or name another one: {OPTION} PATH    [environment]"
        )
