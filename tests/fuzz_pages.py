"""Fuzzes the reading of pages with atheris, until something breaks.

Install atheris beside repoprio, then: python tests/fuzz_pages.py. Options are libFuzzer's: -max_total_time=600, a
folder for the corpus.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))
with atheris.instrument_imports(include=["repoprio", "html.parser", "json.decoder"]):
    # Only modules that are imported here are watched.
    from repoprio.simple_api import reader  # noqa: F401

from support.fuzzing import HTML, JSON, PAGES, check_page


def fuzz(data: bytes) -> None:
    """The first byte says which content type the rest is said to be."""
    if data:
        check_page((JSON, HTML)[data[0] % 2], data[1:])


def _seeds(folder: Path) -> None:
    """Put the good pages into a corpus that is empty."""
    folder.mkdir(exist_ok=True)
    for number, kind in enumerate((JSON, HTML)):
        (folder / f"good-{number}").write_bytes(bytes([number]) + PAGES[kind].encode())


if __name__ == "__main__":
    for folder in (Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")):
        _seeds(folder)
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
