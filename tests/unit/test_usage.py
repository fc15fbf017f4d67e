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
    with pytest.raises(SystemExit, match="2"):
        parser.parse([*before, "config", "show"])
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("options follow it: repoprio config show --format ..."), "config itself has no such option"


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("--version=1", "argument --version: ignored explicit argument '1'"),
        ("--what", "unrecognized arguments: --what"),
        ("--frmat", "unrecognized arguments: --frmat; did you mean --format?"),
    ],
)
def test_an_option_that_the_command_does_not_have(
    option: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No hint says to give it after the command, which would refuse it there, too."""
    with pytest.raises(SystemExit, match="2"):
        parser.parse([option, "explain", "acme"])
    assert capsys.readouterr().err.endswith(f": error: {problem}\n")


def test_an_option_before_pip(capsys: pytest.CaptureFixture[str]) -> None:
    """Which options pip has, only pip knows."""
    with pytest.raises(SystemExit, match="2"):
        parser.parse(["--isolated", "pip", "list"])
    assert capsys.readouterr().err.endswith("options follow it: repoprio pip --isolated ...\n")


def test_an_abbreviated_version_before_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """It is --version, as argparse abbreviates it."""
    with pytest.raises(SystemExit, match="0"):
        parser.parse(["--vers", "config"])
    assert capsys.readouterr().out.startswith("repoprio ")
