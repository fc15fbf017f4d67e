"""``python -m repoprio``."""

import sys

from repoprio.cli.main import run

sys.exit(run())
