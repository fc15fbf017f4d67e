"""The places of files in the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ROOT / "src"
DOCS: Final = ROOT / "docs"
# What tests read: decision cases as TOML files, and in folders what else is data.
DATA: Final = ROOT / "tests" / "cases"
SUPPORT: Final = ROOT / "tests" / "support"
SCREENS: Final = ROOT / "tests" / "golden" / "screens"
