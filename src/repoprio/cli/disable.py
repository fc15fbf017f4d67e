"""``repoprio disable``: what enable put in, taken out."""

from __future__ import annotations

import argparse

from repoprio.cli import enable
from repoprio.cli.enable import command

__all__ = ["arguments", "command"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """What disable takes."""
    enable.arguments(parser, "disable")
