"""Locks as uv, Poetry, PDM and pipenv write them, read without any I/O; and what is said of their sources."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from repoprio.audit import lock_sources
from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.locks import formats
from repoprio.audit.locks.model import Index, Lock, NoLock, Package
from repoprio.audit.locks.reading import LockText
from repoprio.config.load import read_text
from support.policy_files import TOOLS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WHEEL, SDIST = "acme-1.0-py3-none-any.whl", "acme-1.0.tar.gz"
# As uv 0.13.9 wrote it.
UV = f"""\
version = 1
revision = 5
requires-python = ">=3.10"

[[package]]
name = "acme"
version = "1.0"
source = {{ registry = "https://corp.example/simple/" }}
dependencies = [
    {{ name = "leftpad" }},
]
sdist = {{ url = "https://corp.example/files/{SDIST}", hash = "sha256:bb", size = 3 }}
wheels = [
    {{ url = "https://corp.example/files/{WHEEL}", hash = "sha256:aa" }},
]

[[package]]
name = "asker"
version = "1"
source = {{ virtual = "." }}

[[package]]
name = "direct"
version = "2.0"
source = {{ url = "https://u:s3cret@files.example/direct-2.0.zip" }}
sdist = {{ hash = "sha256:dd" }}

[[package]]
name = "gitdep"
version = "0.1"
source = {{ git = "https://u:s3cret@git.example/gitdep?rev=main#952dd91a01f12a47bd9689a136e5240914e75b1a" }}

[[package]]
name = "local"
source = {{ editable = "../local" }}

[[package]]
name = "floating"
source = {{ registry = "https://corp.example/simple/" }}
wheels = [
    {{ filename = "floating-1.0-py3-none-any.whl" }},
]
"""
# As Poetry 2.5.1 wrote it.
POETRY = f"""\
[[package]]
name = "acme"
version = "1.0"
groups = ["main"]
files = [
    {{file = "{WHEEL}", hash = "sha256:aa"}},
    {{file = "{SDIST}", hash = "sha256:bb"}},
]

[package.source]
type = "legacy"
url = "https://u:s3cret@corp.example/simple"
reference = "corp"

[[package]]
name = "plain"
version = "1.0"
files = []

[[package]]
name = "direct"
version = "2.0"
files = [
    {{file = "direct-2.0.zip", hash = "sha256:dd"}},
]

[package.source]
type = "url"
url = "https://u:s3cret@files.example/direct-2.0.zip"

[[package]]
name = "gitdep"
version = "0.1"
files = []
develop = false

[package.source]
type = "git"
url = "https://u:s3cret@git.example/gitdep"
reference = "HEAD"
resolved_reference = "8e820b2dfaff9f71c73d4ce4ac885c8858c093aa"

[[package]]
name = "local"
version = "0.1"
files = []
develop = true

[package.source]
type = "directory"
url = "../local"

[metadata]
lock-version = "2.1"
"""
# As PDM 2.29.3 wrote it.
PDM = f"""\
[metadata]
groups = ["default", "dev"]
strategy = ["inherit_metadata"]
lock_version = "4.5.1"

[[package]]
name = "acme"
version = "1.0"
files = [
    {{file = "{WHEEL}", hash = "sha256:aa"}},
    {{url = "https://corp.example/files/{SDIST}", hash = "sha256:bb"}},
]

[[package]]
name = "direct"
version = "2.0"
url = "https://u:s3cret@files.example/direct-2.0.zip"
files = [
    {{file = "direct-2.0.zip", hash = "sha256:dd"}},
]

[[package]]
name = "gitdep"
version = "0.1"
git = "https://u:s3cret@git.example/gitdep"
revision = "8e820b2dfaff9f71c73d4ce4ac885c8858c093aa"

[[package]]
name = "local"
version = "0.1"
editable = true
path = "../local"

[[package]]
name = "wheeled"
version = "0.1"
path = "./wheeled-0.1.zip"
files = [
    {{file = "wheeled-0.1.zip", hash = "sha256:ee"}},
]
"""
# As pipenv 2026.10.3 wrote it.
PIPFILE: dict[str, Any] = {
    "_meta": {
        "hash": {"sha256": "201f"},
        "pipfile-spec": 6,
        "requires": {},
        "sources": [
            {"name": "corp", "url": "https://u:s3cret@corp.example/simple", "verify_ssl": False},
            {"name": "unused", "url": "https://unused.example/simple", "verify_ssl": True},
            {"name": "odd"},
        ],
    },
    "default": {
        "acme": {"hashes": ["sha256:aa", "sha256:bb"], "index": "corp", "version": "==1.0"},
        "direct": {"file": "https://u:s3cret@files.example/direct-2.0.zip", "hashes": ["sha256:dd"]},
        "floating": {"version": "*", "index": "nowhere"},
        "other": {"version": "==1.*", "index": "nowhere"},
    },
    "develop": {
        "gitdep": {"git": "https://u:s3cret@git.example/gitdep", "ref": "8e820b2dfaff9f71c73d4ce4ac885c8858c093aa"},
        "local": {"editable": True, "path": "../local"},
        "acme": {"hashes": ["sha256:aa"], "version": "==1.0"},
    },
}


def read(name: str, text: str) -> Lock:
    """The content of a lock with this name."""
    format_ = formats.format_of(name)
    assert format_ is not None
    return format_.read(json.loads(text) if format_.is_json else tomllib.loads(text), LockText(text, name))


def by_name(lock: Lock) -> dict[str, Package]:
    """The packages; of several with one name, the last."""
    return {package.name: package for package in lock.packages}


def test_a_uv_lock() -> None:
    """It has repositories, files with hashes and lines, and other sources; the project itself is left out."""
    lock = read("uv.lock", UV)
    found = by_name(lock)
    assert list(found) == ["acme", "direct", "gitdep", "local", "floating"]
    corp = "https://corp.example/simple/"
    files = (LockedFile(WHEEL, {"sha256": "aa"}, 14), LockedFile(SDIST, {"sha256": "bb"}, 12))
    assert found["acme"] == Package("acme", "1.0", files, None, 5, "uv.lock", index_url=corp)
    assert (found["direct"].source, found["direct"].hashes) == (
        "https://files.example/direct-2.0.zip",
        {"sha256": "dd"},
    )
    assert found["gitdep"].source == "git https://git.example/gitdep at 952dd91a01f1"
    assert (found["local"].source, found["local"].version) == ("the folder ../local (editable)", None)
    floating = found["floating"]
    assert (floating.is_pinned, floating.files[0].hashes) == (False, {})
    assert lock.indexes == (Index(corp, 5),)
    # What uv may take in place of a wheel is another file.
    zstd = read("uv.lock", UV.replace('"sha256:aa" }', '"sha256:aa", zstd = { hash = "sha256:zz", size = 3 } }'))
    assert zstd.packages[0].files[0].hashes == {"sha256": "aa", "zstd-sha256": "zz"}
    # A package with files is judged, even if it names another source.
    odd = UV.replace('source = { virtual = "." }', 'source = { virtual = "." }\nwheels = [{ url = "https://x/a.whl" }]')
    assert by_name(read("uv.lock", odd))["asker"].files == (LockedFile("a.whl", {}, 21),)


def test_a_poetry_lock() -> None:
    """Like a uv.lock; without a source it is PyPI's, and `develop` means that a folder is editable."""
    lock = read("poetry.lock", POETRY)
    found = by_name(lock)
    corp = "https://u:s3cret@corp.example/simple"
    files = (LockedFile(WHEEL, {"sha256": "aa"}, 6), LockedFile(SDIST, {"sha256": "bb"}, 7))
    assert found["acme"] == Package("acme", "1.0", files, None, 1, "poetry.lock", index_url=corp)
    assert found["plain"] == Package("plain", "1.0", (), None, 15, "poetry.lock")
    assert (found["direct"].source, found["direct"].hashes) == (
        "https://files.example/direct-2.0.zip",
        {"sha256": "dd"},
    )
    assert found["gitdep"].source == "git https://git.example/gitdep at 8e820b2dfaff"
    assert found["local"].source == "the folder ../local (editable)"
    assert lock.indexes == (Index(corp, 1),)
    # Poetry 1.0 to 1.2 kept all files in one place.
    old = '[[package]]\nname = "acme"\nversion = "1.0"\n[metadata]\nlock-version = "1.1"\n[metadata.files]\n'
    old += f'acme = [{{file = "{WHEEL}", hash = "sha256:aa"}}]\n'
    assert read("poetry.lock", old).packages[0].files == (LockedFile(WHEEL, {"sha256": "aa"}, 7),)


def test_a_pdm_lock() -> None:
    """It names no repositories; static URLs are read for the file names."""
    lock = read("pdm.lock", PDM)
    found = by_name(lock)
    files = (LockedFile(WHEEL, {"sha256": "aa"}, 10), LockedFile(SDIST, {"sha256": "bb"}, 11))
    assert found["acme"] == Package("acme", "1.0", files, None, 6, "pdm.lock")
    assert [(p.source, dict(p.hashes)) for p in lock.packages[1:]] == [
        ("https://files.example/direct-2.0.zip", {"sha256": "dd"}),
        ("git https://git.example/gitdep at 8e820b2dfaff", {}),
        ("the folder ../local (editable)", {}),
        ("./wheeled-0.1.zip", {"sha256": "ee"}),
    ]
    assert lock.indexes == ()
    old = '[[package]]\nname = "acme"\nversion = "1.0"\n[metadata]\nlock_version = "4.1"\n[metadata.files]\n'
    old += f'"acme 1.0" = [{{file = "{WHEEL}", hash = "sha256:aa"}}]\n'
    assert read("pdm.lock", old).packages[0].files[0].hashes == {"sha256": "aa"}
    assert read("pdm.lock", old.replace("[metadata.files]", "[other]")).packages[0].files == ()
    both = read("pdm.lock", PDM.replace("revision =", "files = [{hash = 'sha256:ff'}]\nrevision ="))
    assert by_name(both)["gitdep"].files == (LockedFile(None, {"sha256": "ff"}, 26),)


def test_a_pipfile_lock_with_one_source() -> None:
    """A package that names no source comes from the only one; with several sources it is not known."""
    only = {**PIPFILE["_meta"], "sources": PIPFILE["_meta"]["sources"][:1]}
    for meta, url in ((only, "https://u:s3cret@corp.example/simple"), (PIPFILE["_meta"], None)):
        lock = read("Pipfile.lock", json.dumps({"_meta": meta, "default": {"acme": {"version": "==1.0"}}}))
        assert [package.index_url for package in lock.packages] == [url]


def test_a_pipfile_lock() -> None:
    """All categories, hashes without names, the URL of the named source; sources that nothing names too."""
    text = json.dumps(PIPFILE, indent=4)
    lines = text.splitlines()
    lock = read("Pipfile.lock", text)
    corp = "https://u:s3cret@corp.example/simple"
    line = lines.index('        "acme": {') + 1
    files = (LockedFile(None, {"sha256": "aa"}, line), LockedFile(None, {"sha256": "bb"}, line))
    assert lock.packages[0] == Package("acme", "1.0", files, None, line, "Pipfile.lock", index_url=corp)
    assert [lines[(p.line or 0) - 1].strip() for p in lock.packages] == [f'"{p.name}": {{' for p in lock.packages]
    assert [(p.source, dict(p.hashes)) for p in lock.packages if p.source] == [
        ("https://files.example/direct-2.0.zip", {"sha256": "dd"}),
        ("git https://git.example/gitdep at 8e820b2dfaff", {}),
        ("the folder ../local (editable)", {}),
    ]
    assert [(p.name, p.version, p.index_url) for p in lock.packages if not p.is_pinned] == [
        ("floating", None, "nowhere"),
        ("other", None, "nowhere"),
    ]
    assert [(i.url, i.is_verified) for i in lock.indexes] == [
        (corp, False),
        ("https://unused.example/simple", True),
        ("nowhere", True),
    ]
    assert [lines[(i.line or 0) - 1].strip()[:12] for i in lock.indexes] == [
        '"url": "http',
        '"url": "http',
        '"floating": ',
    ]
    assert all(package.line is None for package in read("Pipfile.lock", json.dumps(PIPFILE)).packages)


_P, _L = '[metadata]\nlock-version = "2.1"\n', '[metadata]\nlock_version = "4.5"\n'
_A, _F = '[[package]]\nname = "a"\n', '{"_meta": {"pipfile-spec": 6'
WRONG = [
    ("uv.lock", "", "has no version"),
    ("uv.lock", "version = true", "version is True"),
    ("uv.lock", "version = 2", "knows only version 1"),
    ("uv.lock", "version = 1\npackage = 1", "package is not a list of tables"),
    ("uv.lock", f"version = 1\n{_A}version = 1", "name or version is not a string"),
    ("uv.lock", 'version = 1\npackage = [{ name = "a" }]', "uv.lock: a: it has no source"),
    ("uv.lock", f"version = 1\n{_A}", "uv.lock, line 2: a: it has no source"),
    ("uv.lock", f"version = 1\n{_A}source = 1", "source is not a table"),
    ("uv.lock", f"version = 1\n{_A}source = {{}}", "none that repoprio knows: nothing"),
    ("uv.lock", f'version = 1\n{_A}source = {{ registry = "x", url = "x" }}', "knows: registry, url"),
    ("uv.lock", f"version = 1\n{_A}source = {{ registry = 1 }}", "its source: registry is not a string"),
    ("uv.lock", f'version = 1\n{_A}source = {{ registry = "" }}', "an empty registry"),
    ("uv.lock", f"version = 1\n{_A}wheels = 1", "wheels is not a list of tables"),
    ("uv.lock", f'version = 1\n{_A}wheels = [{{ url = "https://[/x" }}]', "is not a URL"),
    ("uv.lock", f'version = 1\n{_A}wheels = [{{ hash = "x" }}]', "is not a hash"),
    ("uv.lock", f"version = 1\n{_A}wheels = [{{ zstd = {{}} }}]", "zstd has no hash"),
    ("uv.lock", f"version = 1\n{_A}wheels = [{{ zstd = 1 }}]", "zstd has no hash"),
    ("poetry.lock", "", "has no lock-version"),
    ("poetry.lock", "metadata = 1", "has no lock-version"),
    ("poetry.lock", "[metadata]\nlock-version = 2", "lock-version is 2"),
    ("poetry.lock", f"{_A}files = 1\n{_P}", "files is not a list of tables"),
    ("poetry.lock", f"{_A}{_P}[metadata.files]\na = 1", "its files are not a list"),
    ("poetry.lock", f'{_A}source = {{ type = "odd", url = "x" }}\n{_P}', "does not know: 'odd'"),
    ("poetry.lock", f'{_A}source = {{ type = "legacy" }}\n{_P}', "has no url"),
    ("pdm.lock", "", "has no lock_version"),
    ("pdm.lock", '[metadata]\nlock_version = "3.1"', "knows only 4"),
    ("pdm.lock", f'{_A}git = "x"\nurl = "y"\n{_L}', "more than one source: git, url"),
    ("pdm.lock", f"{_A}git = 1\n{_L}", "git is not a string"),
    ("pdm.lock", f'{_A}version = "1"\n{_L}[metadata.files]\n"a 1" = 1', "its files are not a list"),
    ("Pipfile.lock", "{}", "has no pipfile-spec"),
    ("Pipfile.lock", '{"_meta": {"pipfile-spec": true}}', "pipfile-spec is True"),
    ("Pipfile.lock", f'{_F}, "sources": [1]}}}}', "sources in _meta"),
    ("Pipfile.lock", f'{_F}}}, "default": 1}}', "default is not a table"),
    ("Pipfile.lock", f'{_F}}}, "default": {{\n"a": {{"version": 1}}}}}}', "Pipfile.lock: a: version is not a string"),
    ("Pipfile.lock", f'{_F}}},\n"default": {{\n"a": {{"version": 1}}}}}}', "line 3: a: version is not a string"),
    ("Pipfile.lock", f'{_F}}}, "default": {{"a": {{"hashes": [1]}}}}}}', "hashes are not a list"),
    ("Pipfile.lock", f'{_F}}}, "default": {{"a": {{"git": "x", "path": "y"}}}}}}', "more than one source: git, path"),
]


@pytest.mark.parametrize(("name", "text", "problem"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_what_is_no_such_lock(name: str, text: str, problem: str) -> None:
    """A document of another shape is an error with file and line, and the code [usage]."""
    with pytest.raises(NoLock) as caught:
        read(name, text)
    assert str(caught.value).startswith(name)
    assert str(caught.value).endswith("[usage]")
    assert problem in str(caught.value)


def test_which_file_is_which_lock() -> None:
    """Only the name decides, as in the tools."""
    names = {
        "uv.lock": "uv.lock",
        "tool.py.lock": "uv.lock",
        "poetry.lock": "poetry.lock",
        "pdm.lock": "pdm.lock",
        "pdm.macos.lock": "pdm.lock",
        "Pipfile.lock": "Pipfile.lock",
        "pylock.dev.toml": "pylock.toml",
        "Cargo.lock": None,
        "requirements.txt": None,
    }
    found = {name: formats.format_of(name) for name in names}
    assert {name: format_ and format_.name for name, format_ in found.items()} == names


def test_an_invalid_url_is_no_repository() -> None:
    """A lock may contain any text as a URL."""
    policy = read_text('[repositories.corp]\nurl = "https://corp.example/simple/"\n', "f", {}, TOOLS)
    urls = ("https://corp.example/simple", "https://[", "https://other.example/")
    assert [str(lock_sources.repository_at(policy, url)) for url in urls] == ["corp (priority 99)", "None", "None"]
