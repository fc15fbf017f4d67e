"""The entry point: which command, and what its end means as an exit status.

0 good; 1 the answer is no; 2 wrong use or a faulty policy.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from repoprio.cli import here, parser, terminal
from repoprio.errors import RepoprioError


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command with `arguments` (the process's own by default); returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _prepare()
    try:
        if given[:1] == ["pip"]:
            return here.run_pip(given[1:])
        options = parser.parse(given)
        if options.has_environment and (environment := here.other(options.python)):
            from repoprio.pip_adapter import elsewhere

            return elsewhere.run(environment, given)
        status: int = options.command(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except RepoprioError as error:
        here.complain(f"repoprio: {error}")
        return 2
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain once more at its exit.
        sys.stdout = None
        return 1
    except OSError as error:
        print(f"ERROR: repoprio: {error.strerror or error}    [output]", file=sys.stderr)
        sys.stdout = None
        return 2
    except (ImportError, SyntaxError) as error:
        import _repoprio_shim

        print(f"ERROR: {_repoprio_shim.damage(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status


def _prepare() -> None:
    """Streams and variables as all commands can bear them."""
    here.arrival()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding does not have is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    if not terminal.is_number(os.environ.get("COLUMNS", "")):
        # What is no number pip's own rich fails on, and so would everything that looks something up.
        os.environ.pop("COLUMNS", None)
