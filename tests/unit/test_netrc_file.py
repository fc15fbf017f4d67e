"""The logins of netrc: none, or all of them, or it says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoprio.fetch.netrc_file import UnreadableLogins, logins

GOOD = "machine corp.example login ada password s3cret\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", [".netrc", "_netrc"])
def test_a_file_in_the_home(name: str, home: Path) -> None:
    """As pip does, it reads ~/.netrc, else ~/_netrc; without either there is none."""
    assert logins() is None
    (home / name).write_text(GOOD)
    found = logins()
    assert found is not None
    assert found.authenticators("corp.example") == ("ada", "", "s3cret")


def test_where_pip_looks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in pip, an empty NETRC means no logins, and a ~/.netrc that leads nowhere gives way to ~/_netrc."""
    (home / ".netrc").symlink_to(home / "gone")
    (home / "_netrc").write_text(GOOD)
    found = logins()
    assert found is not None
    assert found.authenticators("corp.example") == ("ada", "", "s3cret")
    monkeypatch.setenv("NETRC", "")
    assert logins() is None


@pytest.mark.parametrize("is_named", [False, True])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"machine corp.example login ada s3cret\n", "it is not understood near line"),
        (b"machine corp.example login ada password \xff\n", "it is not UTF-8"),
        (None, "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read(
    content: bytes | None, problem: str, is_named: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the file, what is wrong, and a way out; it shows nothing that is in it."""
    file = home / ("named" if is_named else ".netrc")
    if is_named:
        monkeypatch.setenv("NETRC", str(file))
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(UnreadableLogins) as refused:
        logins()
    text = str(refused.value)
    assert text.startswith(f"the logins in {file} cannot be read: {problem}")
    assert ("\n  hint: " in text, "s3cret" in text) == (True, False)


def test_a_named_file_must_exist(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who names a file wants its logins to be sent; the null device has none."""
    monkeypatch.setenv("NETRC", str(home / "gone"))
    with pytest.raises(UnreadableLogins, match="No such file"):
        logins()
    monkeypatch.setenv("NETRC", "/dev/null")
    found = logins()
    assert found is not None
    assert not found.hosts
