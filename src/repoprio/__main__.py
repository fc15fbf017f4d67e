"""``python -m repoprio``, and the command of the same name."""

import sys


def main() -> int:
    """Run one command; returns the exit status."""
    try:
        from repoprio.cli.main import run
    except (ImportError, SyntaxError) as error:
        from _repoprio_shim import damage

        sys.stderr.write(f"ERROR: {damage(error)}\n")
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
