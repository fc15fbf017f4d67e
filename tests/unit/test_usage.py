"""The usage that `repoprio enable` shows, and words in the wrong order."""

from __future__ import annotations

import re

import pytest

from repoprio.cli import enable
from repoprio.cli.grammar import parser

USES = [
    ["--python", "PATH", "--copy", "--policy", "FILE", "--required"],
    ["--venv", "DIR", "--copy", "--policy", "FILE", "--required"],
    ["--base", "--policy", "FILE", "--required"],
    ["--fuse"],
    ["--required"],
]


def test_the_usage_of_enable_shows_what_goes_together(capsys: pytest.CaptureFixture[str]) -> None:
    """The usage has one line for each valid combination of options; any other combination is wrong use."""
    with pytest.raises(SystemExit):
        parser.parse(["enable", "--help"])
    usage, _, _ = capsys.readouterr().out.partition("\n\n")
    ways = [re.findall("--[a-z]+", way) for way in usage.split("repoprio enable ")[1:]]
    both = [word for word in (*USES[0][:1], *USES[1]) if word.startswith("-")]
    assert ways == [both, *([word for word in use if word.startswith("-")] for use in USES[2:])]
    for use in USES:
        enable._check(parser.parse(["enable", *use]))
    for wrong in (["--base", "--copy"], ["--fuse", "--required"], ["--required", "--copy"], []):
        with pytest.raises(SystemExit, match="2"):
            enable._check(parser.parse(["enable", *wrong]))


@pytest.mark.parametrize("before", [["--format", "json"], ["--format=json"]])
def test_an_option_before_the_command(before: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An option before the command is named, with the right order; its value is not taken for a command."""
    with pytest.raises(SystemExit, match="2"):
        parser.parse([*before, "explain", "acme"])
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("--format is given before the command; options follow it: repoprio explain --format ...")
