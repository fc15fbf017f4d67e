"""The fuse: added to pip's global file, ignored by a pip with the hook, fatal for others, removed without a trace."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoprio.cli import enable, policy_in_force
from repoprio.cli.grammar import parser
from repoprio.config.pip import fuse, policy_section
from repoprio.environments.interpreters import CannotEnable
from support.fixtures import EnvFactory, RepositoryFactory

TEXTS = [
    "",
    "[global]\ntimeout = 5\n",
    "[install]\nno-binary = x\n",
    "# a comment\n[global]  \n# another\ntimeout = 5\n\n[list]\nformat = json\n",
    "[list]\nformat = json",
]


@pytest.mark.parametrize("text", TEXTS)
def test_put_and_take_are_inverse(text: str) -> None:
    """Other content of the file stays; pip reads the fuse; removing it restores the text."""
    put = fuse.put(text)
    assert fuse.state(put) == fuse.URL
    assert fuse.put(put) == put
    whole = text if not text or text.endswith("\n") else f"{text}\n"
    assert fuse.take(put) == whole
    assert fuse.take(text) == text
    for section, keys in policy_section.sections(text).items():
        assert policy_section.sections(put)[section].items() >= keys.items()


@given(st.lists(st.sampled_from(["[global]", "[list]", "a = 1", "  b", "# c", "", "index-url = x"]), max_size=6))
def test_no_text_is_spoilt(lines: list[str]) -> None:
    """If the fuse cannot be added, nothing is written; otherwise everything else stays."""
    text = "\n".join(lines)
    try:
        put = fuse.put(text)
    except fuse.NoPlace:
        return
    assert fuse.state(put) == fuse.URL
    before, after = policy_section.sections(text), policy_section.sections(put)
    assert after.pop("global") == {**before.pop("global", {}), "index-url": fuse.URL}
    assert after == before
    assert fuse.state(fuse.take(put)) is None


@pytest.mark.parametrize(
    "text",
    [
        "[global]\n    timeout = 3\n    trusted-host = a\n",
        "  [global]\ntimeout = 3\n",
        "[install]\nindex-url = https://b.example/\n",
        "[global]\nextra-index-url = https://b.example/\n",
        "[global]\nfind-links = /srv\n",
        "[global\n",
    ],
)
def test_where_the_fuse_cannot_be_added(text: str) -> None:
    """A layout that a line would break, and other indexes that pip would still use, are refused."""
    with pytest.raises(fuse.NoPlace):
        fuse.put(text)


@pytest.mark.parametrize("text", TEXTS)
def test_an_earlier_fuse_is_known(text: str) -> None:
    """The fuse of an earlier version is recognized, renewed by `enable` and removed by `disable`."""
    put = fuse.put(text)
    old = put.replace(fuse.URL, "https://repoprio.invalid/unguarded/")
    assert fuse.is_fuse(fuse.state(old) or "")
    assert fuse.put(old) == put
    assert fuse.take(old) == fuse.take(put)


def test_line_ends_stay() -> None:
    """Line ends of another platform stay."""
    text = "[list]\r\nformat = json\r\n"
    assert fuse.take(fuse.put(text)) == text


def test_what_was_added_behind_the_fuse_stays() -> None:
    """Keys that were added to the fuse's section stay."""
    text = fuse.put("[list]\nformat = json\n") + "timeout = 5\n"
    assert policy_section.sections(fuse.take(text)) == {"list": {"format": "json"}, "global": {"timeout": "5"}}


@pytest.mark.parametrize("pip", ["26.3", "24.0", "22.0.2"])
def test_the_fuse_end_to_end(pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> None:
    """A pip with the hook ignores the fuse silently, another one finds nothing; `disable` removes everything."""
    corp = repository("corp")
    corp.add("acme", "1.0")
    env, plain = pip_env(pip), pip_env(pip, stock=True)
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[repositories.corp]\nurl = "{corp.page_url}"\n')
    folder = tmp_path / "home" / "xdg"
    variables = {"XDG_CONFIG_DIRS": str(folder), "PIP_CONFIG_FILE": ""}
    file = folder / "pip" / "pip.conf"
    file.parent.mkdir(parents=True)
    file.write_text(fuse.put(""))
    arguments = ("download", "--no-cache-dir", "acme")
    guarded = env.run(*arguments, policy=policy, env=variables)
    assert (guarded.code, "acme-1.0" in guarded.stdout) == (0, True), guarded.stderr
    assert "not-loaded" not in guarded.stdout + guarded.stderr
    before = time.monotonic()
    # With pip's own retries, which cost 8 s where a host has to be looked up.
    unguarded = plain.run(*arguments, env={**variables, "PIP_RETRIES": "5"})
    assert (unguarded.code, "/repoprio-is-not-loaded/" in unguarded.stdout + unguarded.stderr) == (1, True)
    assert time.monotonic() - before < 6
    assert "is the fuse" in env.tool("config", "check", policy=policy, env=variables).stdout


@pytest.mark.parametrize("action", ["enable", "disable"])
def test_the_file_of_another_user(action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not change pip's global file learns who may; nothing is changed."""
    file = tmp_path / "pip.conf"
    file.write_text(text := "[global]\ntimeout = 5\n" if action == "enable" else fuse.put(""))
    monkeypatch.setattr(policy_in_force, "global_file", lambda: str(file))
    monkeypatch.setattr(os, "access", lambda path, _: path != str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(CannotEnable, match=f"{tmp_path} cannot be written by #4242; nothing was changed") as refused:
        enable.command(parser.parse([action, "--fuse"]))
    assert refused.value.remedy.startswith("run the command as ")
    assert file.read_text() == text
