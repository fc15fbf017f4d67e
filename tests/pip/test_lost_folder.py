"""Commands in a working folder that was deleted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.fixtures import EnvFactory


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "acme"),
        ("explain", "--python", "{python}", "acme"),
        ("compare", "acme"),
        ("audit",),
        ("doctor",),
        ("enable", "--venv", "{root}", "--policy", "policy.toml"),
        ("pip", "--version"),
        ("pip", "install", "acme"),
    ],
    ids=" ".join,
)
def test_a_working_folder_that_is_gone(words: tuple[str, ...], pip_env: EnvFactory, tmp_path: Path) -> None:
    """A command that needs the working folder says that it is gone, and what to do; nothing else."""
    env, folder, policy = pip_env("26.3"), tmp_path / "here", tmp_path / "policy.toml"
    folder.mkdir()
    policy.write_text('[repositories.corp]\nurl = "http://127.0.0.1:9/simple/"\npriority = 10\n')
    given = [word.format(python=env.python, root=env.root) for word in words]
    done = subprocess.run(
        ["/bin/sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", str(env.python), "-m", "repoprio", *given],
        env=env.environment(policy, {}),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "ERROR: repoprio: the working folder does not exist any more.\n"
        "  hint: go to another one (cd /), then run the command again    [folder]\n"
    )
