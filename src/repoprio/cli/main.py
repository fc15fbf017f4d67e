"""The entry point: runs a command, and turns its result into an exit status.

0 good; 1 the answer is no; 2 wrong use or an invalid policy.
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
    words = list(sys.argv[1:] if arguments is None else arguments)
    _prepare()
    # pip's own output is not changed.
    with contextlib.nullcontext() if words[:1] == ["pip"] else _safe_streams():
        return _run(words)


@contextlib.contextmanager
def _safe_streams() -> Iterator[None]:
    """Make everything safe to print that is written to stdout and stderr meanwhile."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and cast("TextIO", SafeStream(stream)) for stream in before)
    try:
        yield
    finally:
        # A stdout that was closed meanwhile stays closed.
        sys.stdout, sys.stderr = sys.stdout and before[0], before[1]


def _run(words: list[str]) -> int:
    speaking = None
    try:
        if words[:1] == ["pip"]:
            return in_target.run_pip(words[1:])
        options = parser.parse(words)
        if options.has_environment and (environment := in_target.other(options.python)):
            from repoprio.environments import run_there

            return run_there.run(environment, words)
        speaking = options if options.has_environment else None
        status: int = options.command(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has closed the pipe; otherwise Python would complain again at exit.
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
    """Print the error, after the environment if the command is about one; returns the exit status."""
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
    """Whether the error, or one of its causes, is that the working folder was deleted."""
    with contextlib.suppress(OSError):
        os.getcwd()
        return False
    # The error for any other missing file has that file's name.
    while error is not None and not (isinstance(error, FileNotFoundError) and error.filename is None):
        error = error.__cause__
    return error is not None


def _becomes_file(stdout: TextIO) -> bool:
    """Whether Windows would write files and pipes in its code page, without being told to."""
    return sys.platform == "win32" and not stdout.isatty() and not os.environ.get("PYTHONIOENCODING")


def _prepare() -> None:
    """Set up streams and variables so that no command fails because of them."""
    in_target.begin()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character that the terminal's encoding lacks must not make a command fail.
            stream.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdout, io.TextIOWrapper) and _becomes_file(sys.stdout):
        # As in Python 3.15 and later (PEP 686): a policy is UTF-8 with any code page of Windows.
        sys.stdout.reconfigure(encoding="utf-8")
    if not terminal.is_number(os.environ.get("COLUMNS", "")):
        # If COLUMNS is not a number, pip's own rich fails, and with it every lookup.
        os.environ.pop("COLUMNS", None)
