"""In pip and in repoprio's commands, text from others reaches the terminal only made safe, and secrets never do."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.doctors import NO_PIPS
from support.fixtures import EnvFactory, RepositoryFactory

ESCAPE = "\x1b]0;owned\x07\x1b[2J"


@pytest.mark.parametrize("pip", ["26.3"])
def test_no_line_beside_pip_is_raw(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Indexes of callers and tokens in paths are safe in all lines next to pip's output."""
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
        stderr = done.stdout + done.stderr
        assert not {"\x1b", "\x07"} & set(stderr)
        assert "s3cr3t-t0k3n" not in stderr
        assert command == ["explain"] or "is ignored" in done.stderr


@pytest.mark.parametrize("pip", ["26.3"])
def test_no_line_of_a_command_is_raw(pip: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """Texts of a policy are printed without control characters, on stdout and on stderr."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[repositories.corp]\nurl = "http://corp.example/"\n"x\\u001b[2J" = 1\npriority = "\\u009b2J"\n')
    for command in (["config", "check"], ["config", "show"], ["explain", "acme"], ["export", "uv"], ["doctor"]):
        done = pip_env(pip).tool(*command, policy=policy, env={"PATH": NO_PIPS})
        assert done.code == 2
        assert not {"\x1b", "\x9b"} & set(done.stdout + done.stderr)
