"""``repoprio demo``: the whole idea in ten seconds."""

from __future__ import annotations

import argparse
import sys

from repoprio.demo import demo


def arguments(parser: argparse.ArgumentParser) -> None:
    """The demo takes nothing."""


def command(_: argparse.Namespace) -> int:
    """Run the demo, whatever policy is in force."""
    return demo.run(sys.stdout.write)
