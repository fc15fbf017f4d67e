"""``repoprio disable``: remove what enable put in."""

from __future__ import annotations

import argparse

from repoprio.cli import enable
from repoprio.cli.enable import command

__all__ = ["arguments", "command"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of disable."""
    enable.arguments(parser, "disable")
