"""``repoprio demo``: the whole idea in ten seconds."""

from __future__ import annotations

import argparse
import sys

from repoprio import demo
from repoprio.cli import at_hand


def arguments(parser: argparse.ArgumentParser) -> None:
    """The demo takes nothing."""


def command(_: argparse.Namespace) -> int:
    """Run the demo; 1 where the policy in force may not be replaced by its own."""
    if at_hand.is_locked():
        print("ERROR: repoprio: the policy is locked, and the demo may not bring its own    [demo]", file=sys.stderr)
        return 1
    return demo.run(sys.stdout.write)
