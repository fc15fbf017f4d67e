"""All output goes through one function, which hides secrets and control characters."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest

from repoprio import output
from support.paths import SOURCE

# What must speak where repoprio itself may not be importable, or to a process of ours; and what wraps the streams.
APART = {"policy_report.py", "lone_pointer.py", "_repoprio_shim.py", "__main__.py", "pointer.py", "output.py"}


def writers(tree: ast.AST) -> list[str]:
    """The calls that write to one of the process's streams."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [ast.unparse(call) for call in calls]
    return [name for name in names if name == "print" or name.startswith(("sys.stderr.w", "sys.stdout.w", "sys.__std"))]


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCE)))
def test_nothing_writes_past_it(file: Path) -> None:
    """Only commands print, to wrapped streams, and `output` itself."""
    found = writers(ast.parse(file.read_text(encoding="utf-8")))
    is_command = "cli" in file.relative_to(SOURCE).parts
    assert found == [] or file.name in APART or (is_command and set(found) == {"print"})


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two secrets, one a part of the other."""
    monkeypatch.setattr(output, "_secrets", [])
    output.hide_secrets(["token", "token-of-corp"])


@pytest.mark.usefixtures("hidden")
def test_what_is_shown() -> None:
    """Secrets are replaced as a whole, the longest first; lines and tabs stay, other control characters become ?."""
    assert output.safe_text("a token-of-corp, a token") == "a ****, a ****"
    assert output.safe_text("a\tb\nc\r\x1b[31md\x9b\u202e") == "a\tb\nc??[31md??"
    assert output.safe_text("\x1b[31mred\x1b[0m\x1b[2J", colored=True) == "\x1b[31mred\x1b[0m?[2J"


@pytest.mark.usefixtures("hidden")
def test_a_stream_shows_the_same() -> None:
    """A wrapped stream has all attributes of its own; one that is no terminal never rewrites a line."""
    below = io.StringIO()
    stream = output.SafeStream(below)
    assert stream.write("\r\x1b[Ka token") == len("\r\x1b[Ka token")
    assert below.getvalue() == "??[Ka ****"
    assert not stream.closed
