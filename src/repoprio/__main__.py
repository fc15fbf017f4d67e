"""``python -m repoprio``, and the command of the same name."""

import os
import sys


def main() -> int:
    """Run one command, and return the exit status."""
    _leave_folder()
    try:
        from repoprio.cli.main import run
    except (ImportError, SyntaxError) as error:
        from _repoprio_shim import damage

        sys.stderr.write(f"ERROR: {damage(error)}\n")
        return 2
    return run()


def _leave_folder() -> None:
    """Take the working folder off the path (``python -m``, PYTHONPATH), so that no code of it is run."""
    try:
        here = os.getcwd()
    except OSError:
        return
    if here != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
        sys.path[:] = [entry for entry in sys.path if entry not in ("", here)]


if __name__ == "__main__":
    sys.exit(main())
