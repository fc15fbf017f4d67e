"""Completion for bash, zsh, fish and PowerShell, tested with the shells themselves, and the manual page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from repoprio.cli import completion
from repoprio.cli.grammar.command_tree import Command, grammar
from support.paths import DOCS, SOURCE

WHOLE = grammar()
COMMANDS = [command for command in WHOLE.all() if command.path]
IN_BASH: Final = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _repoprio
printf '%s\\n' "${COMPREPLY[@]}"
"""


def shell(name: str) -> str:
    """The shell, or a skip if this machine does not have it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here")
    return found


def ran(*command: str, cwd: Path | None = None) -> str:
    """The output of a command, which must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def in_bash(folder: Path, *words: str) -> set[str]:
    """What bash offers for the last of `words`."""
    script = folder / "completion.bash"
    script.write_text(completion.bash(WHOLE))
    return set(ran(shell("bash"), "--norc", "-c", IN_BASH, "bash", str(script), *words, cwd=folder).split())


def test_bash_completes_commands_options_and_values(tmp_path: Path) -> None:
    """Commands, actions, options, choices, and files only where a file belongs."""
    (tmp_path / "here.txt").touch()
    assert in_bash(tmp_path, "repoprio", "") >= {command.name for command in COMMANDS if len(command.path) == 1}
    assert in_bash(tmp_path, "repoprio", "ex") == {"explain", "export"}
    assert in_bash(tmp_path, "repoprio", "config", "s") == {"show", "schema"}
    assert in_bash(tmp_path, "repoprio", "config", "show", "--iso") == {"--isolated"}
    assert in_bash(tmp_path, "repoprio", "explain", "--color", "") == {"auto", "always", "never"}
    assert "here.txt" in in_bash(tmp_path, "repoprio", "explain", "-r", "")
    assert "here.txt" not in in_bash(tmp_path, "repoprio", "explain", "")
    assert in_bash(tmp_path, "repoprio", "completion", "f") == {"fish"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command.path))
def test_each_option_is_offered(command: Command, tmp_path: Path) -> None:
    """Bash offers every option of every command, and each has a help text."""
    offered = in_bash(tmp_path, "repoprio", *command.path, "-")
    names = {name for option in command.options for name in option.names}
    assert offered == names
    assert all(option.help for option in command.options)
    assert all(argument.help for argument in command.arguments)


def test_fish_completes(tmp_path: Path) -> None:
    """Fish offers the same commands and options."""
    script = tmp_path / "repoprio.fish"
    script.write_text(completion.fish(WHOLE))

    def offered(line: str) -> set[str]:
        text = f"source {script}; complete -C '{line}'"
        return {found.split("\t")[0] for found in ran(shell("fish"), "--no-config", "-c", text).splitlines()}

    assert offered("repoprio ex") == {"explain", "export"}
    assert offered("repoprio config s") == {"show", "schema"}
    assert "--shadowed" in offered("repoprio explain --")
    assert offered("repoprio explain --color ") >= {"auto", "always", "never"}
    assert "--shadowed" not in offered("repoprio repos --")


def test_zsh_takes_it(tmp_path: Path) -> None:
    """Zsh parses the script and defines a function for each command."""
    script = tmp_path / "_repoprio"
    script.write_text(completion.zsh(WHOLE))
    text = f"autoload -U compinit; compinit -D -u; source {script}; print -l ${{(k)functions}} $_comps[repoprio]"
    found = ran(shell("zsh"), "-f", "-c", text).split()
    assert {"_".join(["_repoprio", *command.path]) for command in WHOLE.all()} <= set(found)


def entries(script: str, table: str) -> dict[str, set[str]]:
    """A table of the script for PowerShell: the words of each key."""
    inner = script.partition(f"${table} = @{{\n")[2].partition("\n    }\n")[0]
    lines = [re.fullmatch(r"        '([^']*)' = @\(((?:'[^']*'(?:, )?)*)\)", line) for line in inner.splitlines()]
    assert all(lines), inner
    found = {line[1]: set(re.findall(r"'([^']*)'", line[2])) for line in lines if line}
    # PowerShell's tables do not tell capitals from small letters, and have each key once.
    assert len({key.lower() for key in found}) == len(lines)
    return found


def test_powershell_gets_every_command_and_option() -> None:
    """Its tables have the words of each command, and the choices of each option that takes a value."""
    script = completion.powershell(WHOLE)
    words, values = entries(script, "words"), entries(script, "values")
    for command in WHOLE.all():
        path = "/".join(command.path)
        assert words[path] >= {child.name for child in command.children}
        for option in command.options:
            assert words[path] >= set(option.names)
            assert all((f"{path} {name}" in values) == bool(option.value) for name in option.names)
    assert values["explain --color"] == {"auto", "always", "never"}
    assert script.count("{") == script.count("}")
    assert script.count("(") == script.count(")")


def test_powershell_completes(tmp_path: Path) -> None:
    """PowerShell itself offers the same commands, options and choices."""
    script = tmp_path / "completion.ps1"
    script.write_text(completion.powershell(WHOLE))

    def offered(line: str) -> set[str]:
        asked = f"(TabExpansion2 '{line}' {len(line)}).CompletionMatches.CompletionText"
        return set(ran(shell("pwsh"), "-NoProfile", "-Command", f". {script}; {asked}").split())

    assert offered("repoprio ex") == {"explain", "export"}
    assert offered("repoprio config s") == {"show", "schema"}
    assert "--shadowed" in offered("repoprio explain --")
    assert offered("repoprio explain --color ") == {"auto", "always", "never"}


def test_the_manual_is_that_of_this_command_line() -> None:
    """docs/repoprio.1 is the output of docs/build_man.py, and man has no complaints."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    output = subprocess.run(
        [sys.executable, str(DOCS / "build_man.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    file = DOCS / "repoprio.1"
    assert output == file.read_text(encoding="utf-8"), "python docs/build_man.py > docs/repoprio.1"
    for command in COMMANDS:
        if not command.children:
            path = " ".join(command.path).replace("-", "\\-")
            assert f".SS repoprio {path}" in output
    done = subprocess.run([shell("man"), "--warnings", "-l", str(file)], capture_output=True, text=True, check=True)
    assert not re.search("warning|error", done.stderr), done.stderr
