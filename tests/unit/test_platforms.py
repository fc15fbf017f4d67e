"""What Windows and macOS do differently with commands, paths and names, as far as it can be worked out on Linux."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoprio import shell, urls
from repoprio.doctor import exe_launcher, pips
from repoprio.environments.target import is_same
from repoprio.policy import locations
from repoprio.policy.locations import NotALocation, as_url, home, location
from repoprio.policy.model import Location, Repository
from repoprio.render import installers
from repoprio.urls import path_of, place
from repoprio.wheel_destinations import fold


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pure modules decide as on Windows."""
    for module in (shell, urls, locations):
        monkeypatch.setattr(module, "_IS_WINDOWS", True)


def _as_c_reads(command: str) -> list[str]:
    """The words of a command line, as Microsoft's C library splits it for each program."""
    words, word, quoted, backslashes, begun = [], "", False, 0, False
    for c in f"{command} ":
        if c == "\\":
            backslashes += 1
            continue
        word += "\\" * (backslashes // 2 if c == '"' else backslashes)
        begun, is_escaped, backslashes = begun or bool(backslashes), c == '"' and backslashes % 2 == 1, 0
        if is_escaped:
            word += c
        elif c == '"':
            quoted, begun = not quoted, True
        elif c == " " and not quoted:
            words += [word] if begun else []
            word, begun = "", False
        else:
            word, begun = word + c, True
    return words


@pytest.mark.usefixtures("on_windows")
@given(st.lists(st.text(st.sampled_from(" acme-3.0>=<&|^()[]%!~'/\\:;,@#é"), max_size=12), min_size=1, max_size=4))
def test_a_program_on_windows_gets_the_words(words: list[str]) -> None:
    """Quoted for cmd.exe and PowerShell, a program gets exactly these words."""
    assert _as_c_reads(shell.arguments(*words)) == words


@pytest.mark.usefixtures("on_windows")
@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("C:\\Python312\\python.exe", "C:\\Python312\\python.exe"),
        ("acme>=2", '"acme>=2"'),
        ("https://x.example/?a&calc", '"https://x.example/?a&calc"'),
        ("$(calc)`calc`", '"`$(calc)``calc``"'),
        ("a\u201d; calc; \u201c", '"a`\u201d; calc; `\u201c"'),
        ('acme; python_version < "3"', "\"acme; python_version < '3'\""),
        ('"&calc', '"\'&calc"'),
        ("C:\\my files\\", '"C:\\my files\\\\"'),
        ("a,b", '"a,b"'),
        ("", '""'),
        ("a\r\ncalc", '"a??calc"'),
    ],
)
def test_nothing_of_a_word_is_run_on_windows(word: str, quoted: str) -> None:
    """Neither cmd.exe nor PowerShell expands, splits or ends a word: that would run what a URL says."""
    assert shell.arguments(word) == quoted


@pytest.mark.usefixtures("on_windows")
def test_a_program_in_quotes_is_run_by_powershell_too() -> None:
    """Without the & it would print the text; cmd.exe takes no & there. Arguments, and a plain program, need none."""
    python = "C:\\Program Files\\Python312\\python.exe"
    assert shell.command(python, "-m", "pip") == f'& "{python}" -m pip (cmd: without the &)'
    assert shell.command("C:\\Python312\\python.exe", "my file") == 'C:\\Python312\\python.exe "my file"'
    assert shell.arguments("my file") == '"my file"'
    assert shell.repoprio("explain", "acme>=2") == 'repoprio explain "acme>=2"'


@pytest.mark.usefixtures("on_windows")
def test_uvs_file_is_written_by_one_command_of_any_shell() -> None:
    """PowerShell's > writes UTF-16, and has no `mkdir -p`: export writes the file itself, and its folder."""
    file = "C:\\my data\\uv\\uv.toml"
    uv = {"path": "uv.exe", "version": "0.13", "obeys": False, "took": "1.0", "is_as_exported": False, "file": None}
    known = {**uv, "system_file": file, "undone_by": ["UV_INDEX", "UV_FIND_LINKS"], "gaps": [], "sources": []}
    known["system_file_exists"] = False
    more = {"open_in": [], "is_bare": False, "changes": {"UV_INDEX": ["index"], "UV_FIND_LINKS": ["find-links"]}}
    fixes = [
        line.strip() for line in installers.lines(known | more | {"unset_logins": [], "lock": None, "proxies": []})
    ]
    assert f'fix: repoprio export uv -o "{file}"' in fixes
    unset = (
        "fix: Remove-Item Env:UV_INDEX (cmd: set UV_INDEX=); Remove-Item Env:UV_FIND_LINKS (cmd: set UV_FIND_LINKS=)"
    )
    assert unset in fixes


def test_variables_are_set_as_each_shell_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint that sets a variable has the words of the shells of the platform."""
    spoken = [shell.setting("X", "C:\\it's"), shell.unsetting("X"), shell.sequence("a", "b")]
    assert spoken == ["export 'X=C:\\it'\"'\"'s'", "unset X", "a && b"]
    monkeypatch.setattr(shell, "_IS_WINDOWS", True)
    spoken = [shell.setting("X", "C:\\it's"), shell.unsetting("X"), shell.sequence("a", "b")]
    assert spoken == [
        "$env:X = 'C:\\it''s' (cmd: set \"X=C:\\it's\")",
        "Remove-Item Env:X (cmd: set X=)",
        "a, then b",
    ]


@pytest.mark.usefixtures("on_windows")
@pytest.mark.parametrize(
    ("written", "url", "path"),
    [
        ("C:\\wheels", "file:///C:/wheels", "C:\\wheels"),
        ("c:/my wheels/", "file:///c:/my%20wheels/", "c:\\my wheels"),
        ("\\\\server\\share\\wheels", "file://server/share/wheels", "\\\\server\\share\\wheels"),
        ("\\\\server\\share", "file://server/share", "\\\\server\\share"),
        ("~\\wheels", "file:///C:/Users/me/wheels", "C:\\Users\\me\\wheels"),
        ("file:////server/share/x", "file:////server/share/x", "\\\\server\\share\\x"),
        ("file://localhost/C:/x", "file://localhost/C:/x", "C:\\x"),
    ],
)
def test_paths_of_windows_are_urls_and_back(written: str, url: str, path: str) -> None:
    """A drive is not a scheme, a share's server is the host, and the home is that of Windows."""
    found = location(written, {"USERPROFILE": "C:\\Users\\me", "HOME": "/c/Users/me"}, "")
    assert (found.url, path_of(found.url)) == (url, path)


def test_a_drive_is_no_scheme_anywhere() -> None:
    """A policy for Windows is readable elsewhere; a share is refused, since only Windows opens it."""
    assert location("C:\\wheels", {}, "").url == "file:///C:/wheels"
    assert as_url("C:wheels", "") == "C:wheels"
    assert path_of("file:///srv/my%20wheels") == "/srv/my wheels"
    assert home({"HOME": "/home/me", "USERPROFILE": "C:\\Users\\me"}) == "/home/me"
    with pytest.raises(NotALocation, match="on this machine"):
        location("\\\\server\\share", {}, "")


@pytest.mark.usefixtures("on_windows")
def test_one_place_of_windows_in_several_spellings() -> None:
    """The case of a drive means nothing; a share's server is the host, or (older Pythons) begins the path."""
    drive, share = (Repository("a", (Location.of(url),)) for url in ("file:///C:/wheels", "file://server/share/x"))
    assert drive.is_at("file:///c:/wheels/")
    assert not drive.is_at("file:///D:/wheels/")
    assert share.is_at("file:////server/share/x")
    assert share.is_at("file://///server/share/x/")


def test_a_folder_that_looks_like_a_drive_is_one() -> None:
    """Elsewhere no part of a path is the host, and only the first segment may be a drive."""
    assert place("file:////server/x") == "file:///server/x"
    assert place("file:///srv/c:/x") == "file:///srv/c%3A/x"


@pytest.mark.parametrize(
    "other",
    ["X.PTH", "x.pth.", "x.pth . ", "x.pth::$DATA", "x.pth:stream:$DATA", "x.pth .:s"],
)
def test_spellings_of_one_file_are_one(other: str) -> None:
    """Case, dots and spaces at the end, and streams make no other file on Windows: a wheel cannot hide behind them."""
    assert fold(f"C:/env/{other}") == fold("c:/env/x.pth")
    assert fold(f"/env/{other}/y") == "/env/x.pth/y"


def test_other_files_stay_others() -> None:
    """A hidden file, dots alone, and a drive keep their names."""
    assert [fold(path) for path in ("/a/.hidden", "/a/../b", "c:", "c:/a b/c")] == [
        "/a/.hidden",
        "/a/../b",
        "c:",
        "c:/a b/c",
    ]


def test_a_spelling_in_another_case_is_the_same_file(tmp_path: Path) -> None:
    """If the system says that two spellings are one file, they are; conda's hard links of one Python are two."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (python := tmp_path / "one/Python").touch()
    # What a file system that ignores case would show, as a hard link.
    os.link(python, spelled := tmp_path / "one/python")
    os.link(python, hardlinked := tmp_path / "two/Python")
    (unlike := tmp_path / "two/python").touch()
    found = [is_same(str(a), str(b)) for a, b in ((python, spelled), (python, hardlinked), (hardlinked, unlike))]
    assert found == [True, False, False]
    assert not is_same(str(tmp_path / "gone"), str(tmp_path / "GONE"))


@pytest.fixture
def launcher(tmp_path: Path) -> Path:
    """A launcher like distlib's: a program, the first line, and a zip file with the script."""
    with zipfile.ZipFile(tmp_path / "script.zip", "w") as archive:
        main = "import re\nimport sys\nfrom pip._internal.cli.main import main\nif __name__ == '__main__':\n"
        main += "    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])\n    sys.exit(main())\n"
        archive.writestr("__main__.py", main)
    file = tmp_path / "pip.exe"
    (python := tmp_path / "my env/python.exe").parent.mkdir()
    os.symlink("/bin/sh", python)
    line = f'#!"{python}" -I\r\n'.encode()
    file.write_bytes(b"MZ#!\0program\0" + line + (tmp_path / "script.zip").read_bytes())
    return file


def test_a_launcher_of_windows_is_read(launcher: Path, tmp_path: Path) -> None:
    """Doctor finds the Python and its options in a pip.exe, and knows that it does nothing else."""
    words, body = pips._script(str(launcher))
    assert words == [str(tmp_path / "my env/python.exe"), "-I"]
    assert all(map(pips._ENTRY_POINT.fullmatch, body))


@pytest.mark.parametrize("content", [b"", b"MZ\0 something", b"#!/usr/bin/python\n"])
def test_another_program_is_no_launcher(content: bytes, tmp_path: Path) -> None:
    """A program without a script does not show its Python."""
    (file := tmp_path / "pip.exe").write_bytes(content)
    assert exe_launcher.script_in(str(file)) is None
    assert pips._script(str(file)) == ([], [])


def test_an_archive_without_a_first_line_is_no_launcher(tmp_path: Path) -> None:
    """Launchers of uv name their Python in another way: nothing is guessed."""
    with zipfile.ZipFile(file := tmp_path / "pip.exe", "w") as archive:
        archive.writestr("__main__.py", "")
    assert exe_launcher.script_in(str(file)) is None
