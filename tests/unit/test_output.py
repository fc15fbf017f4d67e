"""All that repoprio writes passes one function, which shows no secret and moves no cursor."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest

from repoprio import output
from support.fixtures import EnvFactory, RepositoryFactory
from support.paths import SOURCE

# What must speak where repoprio itself may not be importable, or to a process of ours; and what wraps the streams.
APART = {"policy_report.py", "lone_pointer.py", "_repoprio_shim.py", "__main__.py", "pointer.py", "output.py"}
ESCAPE = "\x1b]0;owned\x07\x1b[2J"


def writers(tree: ast.AST) -> list[str]:
    """The calls that write to one of the process's streams."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [ast.unparse(call) for call in calls]
    return [name for name in names if name == "print" or name.startswith(("sys.stderr.w", "sys.stdout.w", "sys.__std"))]


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCE)))
def test_nothing_writes_past_it(file: Path) -> None:
    """Only commands print, whose streams are wrapped, and `output` itself writes."""
    found = writers(ast.parse(file.read_text(encoding="utf-8")))
    is_command = file.parent.name == "cli"
    assert found == [] or file.name in APART or (is_command and set(found) == {"print"})


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two secrets, one a part of the other."""
    monkeypatch.setattr(output, "_secrets", [])
    output.hide_secrets(["token", "token-of-corp"])


@pytest.mark.usefixtures("hidden")
def test_what_is_shown() -> None:
    """Whole secrets, the longest first; lines and tabs stay, all else that is not printable is a question mark."""
    assert output.safe_text("a token-of-corp, a token") == "a ****, a ****"
    assert output.safe_text("a\tb\nc\r\x1b[31md\x9b\u202e") == "a\tb\nc??[31md??"
    assert output.safe_text("\x1b[31mred\x1b[0m\x1b[2J", colored=True) == "\x1b[31mred\x1b[0m?[2J"


@pytest.mark.usefixtures("hidden")
def test_a_stream_shows_the_same() -> None:
    """A wrapped stream has all that its own one has; one that is no terminal begins no line anew."""
    below = io.StringIO()
    stream = output.SafeStream(below)
    assert stream.write("\r\x1b[Ka token") == len("\r\x1b[Ka token")
    assert below.getvalue() == "??[Ka ****"
    assert not stream.closed


@pytest.mark.parametrize("pip", ["26.3"])
def test_no_line_beside_pip_is_raw(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Neither a place that a caller names nor a token in a repository's path reaches the terminal as it is."""
    corp, policy = repository("corp"), tmp_path / "policy.toml"
    corp.add("acme", "1.0")
    policy.write_text(
        'unlisted = "ignore"\n[repositories.corp]\npriority = 10\n'
        f'url = "{corp.page_url}"\naliases = ["{corp.root_url}${{TOKEN}}/simple/"]\n'
        f'[repositories.feed]\npriority = 20\nurl = "{corp.root_url}${{TOKEN}}/feed/"\n'
    )
    options = ["--extra-index-url", f"http://evil.example/{ESCAPE}/simple"]
    options += ["--extra-index-url", f"{corp.root_url}s3cr3t-t0k3n/feed/"]
    for command in (["download", "-d", str(tmp_path / "files")], ["explain"]):
        run = pip_env(pip).tool if command == ["explain"] else pip_env(pip).run
        done = run(*command, *options, "acme", policy=policy, env={"TOKEN": "s3cr3t-t0k3n"})
        assert done.code == 0, done.stderr
        said = done.stdout + done.stderr
        assert not {"\x1b", "\x07"} & set(said)
        assert "s3cr3t-t0k3n" not in said
        assert command == ["explain"] or "is ignored" in done.stderr


@pytest.mark.parametrize("pip", ["26.3"])
def test_no_line_of_a_command_is_raw(pip: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """What stands in a policy is told without what moves the cursor, on stdout and on stderr."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[repositories.corp]\nurl = "http://corp.example/"\n"x\\u001b[2J" = 1\npriority = "\\u009b2J"\n')
    for command in (["config", "check"], ["config", "show"], ["explain", "acme"], ["export", "uv"], ["doctor"]):
        done = pip_env(pip).tool(*command, policy=policy)
        assert done.code == 2
        assert not {"\x1b", "\x9b"} & set(done.stdout + done.stderr)
