"""``repoprio demo``: the whole idea in ten seconds."""

from __future__ import annotations

import argparse
import sys

from repoprio.demo import demo


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def command(_: argparse.Namespace) -> int:
    """Run the demo; the policy in force has no effect on it."""
    return demo.run(sys.stdout.write)
