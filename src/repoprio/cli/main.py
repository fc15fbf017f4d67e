"""The entry point: which command, and what its end means as an exit status.

0 good; 1 the answer is no; 2 wrong use or a faulty policy.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TextIO, cast

from repoprio.cli import in_target, terminal
from repoprio.cli.grammar import parser
from repoprio.errors import RepoprioError, UnknownPip
from repoprio.output import SafeStream, say


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command with `arguments` (the process's own by default); returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _prepare()
    # pip writes as it always does.
    with contextlib.nullcontext() if given[:1] == ["pip"] else _safe_streams():
        return _run(given)


@contextlib.contextmanager
def _safe_streams() -> Iterator[None]:
    """Until the end, everything written to stdout and stderr is made safe to print."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and cast("TextIO", SafeStream(stream)) for stream in before)
    try:
        yield
    finally:
        # Where stdout is gone it stays so.
        sys.stdout, sys.stderr = sys.stdout and before[0], before[1]


def _run(given: list[str]) -> int:
    speaking = None
    try:
        if given[:1] == ["pip"]:
            return in_target.run_pip(given[1:])
        options = parser.parse(given)
        if options.has_environment and (environment := in_target.other(options.python)):
            from repoprio.environments import run_there

            return run_there.run(environment, given)
        speaking = options if options.has_environment else None
        status: int = options.command(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain once more at its exit.
        sys.stdout = None
        return 1
    except (RepoprioError, UnknownPip, OSError) as error:
        return _complain(error, speaking)
    except (ImportError, SyntaxError) as error:
        import _repoprio_shim

        say(f"ERROR: {_repoprio_shim.damage(error)}")
        return 2
    except KeyboardInterrupt:
        return 130
    return status


def _complain(error: RepoprioError | UnknownPip | OSError, speaking: argparse.Namespace | None) -> int:
    """Say what is wrong, after the environment of a command that is `speaking` of one; returns the exit status."""
    if _is_of_lost_folder(error):
        say(
            "ERROR: repoprio: the working folder does not exist any more.\n"
            "  hint: go to another one (cd /), then run the command again    [folder]"
        )
        return 2
    if isinstance(error, OSError):
        say(f"ERROR: repoprio: {error.strerror or error}    [output]")
        sys.stdout = None
        return 2
    in_target.complain(f"repoprio: {error}", speaking)
    return error.status


def _is_of_lost_folder(error: BaseException | None) -> bool:
    """Whether the error, or what it comes from, is that the working folder was deleted."""
    with contextlib.suppress(OSError):
        os.getcwd()
        return False
    # The error of a file that is not there has its name.
    while error is not None and not (isinstance(error, FileNotFoundError) and error.filename is None):
        error = error.__cause__
    return error is not None


def _prepare() -> None:
    """Streams and variables as all commands can bear them."""
    in_target.begin()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding does not have is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    if not terminal.is_number(os.environ.get("COLUMNS", "")):
        # What is no number pip's own rich fails on, and so would everything that looks something up.
        os.environ.pop("COLUMNS", None)
