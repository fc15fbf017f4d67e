"""Commands in messages can be pasted into a shell: text from others in them is never run."""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoprio import shell
from repoprio.audit import subjects
from repoprio.audit.subjects import Subject, uninstall
from repoprio.config import file_text
from repoprio.config.pip import policy_section
from support.fixtures import EnvFactory

# No white space: it would make a URL that no policy can list.
BAIT = "$(touch${IFS}pwned)`touch${IFS}pwned`;touch${IFS}pwned'"


def _sh(script: str, folder: Path) -> str:
    return subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, check=True, cwd=folder, encoding="utf-8"
    ).stdout


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1), min_size=1, max_size=4))
def test_a_shell_sees_the_words(words: list[str]) -> None:
    """A shell reads the result of `command` as exactly these words."""
    printed = _sh(f"printf '%s\\n' {shell.command(*words)}", Path.cwd())
    assert printed == "".join(f"{word}\n" for word in words)


def test_no_control_character_is_pasted() -> None:
    """A line feed would end the command, and begin another."""
    assert shell.command("pip", "a\nrm -r b\x1b[2J") == "pip 'a?rm -r b?[2J'"


@pytest.mark.parametrize("pip", ["24.0"])
def test_a_hint_runs_nothing_of_a_url(pip: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """The commands that would list an index set its URL, and run nothing inside that URL."""
    url = f"https://evil.example/{BAIT}/simple"
    conf = tmp_path / "pip.conf"
    conf.write_text("[repoprio]\nrepositories.corp.url = http://127.0.0.1:9/simple/\nrepositories.corp.priority = 1\n")
    done = pip_env(pip).run("download", "-i", url, "acme", env={"PIP_CONFIG_FILE": str(conf)})
    lines = [line.strip() for line in done.stderr.splitlines()]
    hints = [line for line in lines if line.startswith("pip config set")]
    assert len(hints) == 2
    stand_in = "pip() { for word; do printf '%s\\n' \"$word\"; done; }"
    assert url in _sh("\n".join([stand_in, *hints]), tmp_path).splitlines()
    assert not (tmp_path / "pwned").exists()


def test_a_command_of_audit_runs_nothing_of_a_name() -> None:
    """Metadata of installed packages may contain any text: nothing of it is run."""
    subject = Subject(f"acme{BAIT}", f"1{BAIT}", "is installed", pip="pip")
    assert uninstall(subject)[1] == f"pip uninstall {shlex.quote(f'acme{BAIT}')}"
    again = subjects._reinstall(subject, subject.version)
    assert again == f"pip install --force-reinstall --no-deps {shlex.quote(f'acme{BAIT}==1{BAIT}')}"


@pytest.mark.parametrize(
    "text", ["\n" * 2**14, " \n" * 2**15, "\t" * 2**16, "[a\n" * 2**14], ids=["lines", "indented", "tabs", "sections"]
)
def test_a_long_file_of_pip_is_looked_through_at_once(text: str) -> None:
    """Every pip searches pip.conf for our section: blank lines and long ones cost no more than others."""
    begin = time.perf_counter()
    assert not file_text.mentions(text)
    assert file_text.mentions(f"{text}\n[repoprio]\n")
    assert time.perf_counter() - begin < 1


def test_blank_lines_before_the_policy_change_nothing() -> None:
    """A section after blank and indented lines is found in the same way as it is read."""
    text = "\n \n\t\n[repoprio]\nmode = strict\n"
    assert file_text.mentions(text)
    assert "repoprio" in policy_section.sections(text)
