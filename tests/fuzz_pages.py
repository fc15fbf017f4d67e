"""Fuzzes the reading of pages with atheris, until something breaks.

Install atheris beside repoprio, then: python tests/fuzz_pages.py. Options are libFuzzer's: -max_total_time=600, a
folder for the corpus.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))
with atheris.instrument_imports(include=["repoprio"]):
    from test_fuzz import HTML, JSON, check_page


def one(data: bytes) -> None:
    """The first byte says which content type the rest is said to be."""
    if data:
        check_page((JSON, HTML)[data[0] % 2], data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
