"""The files that tests build: wheels and sdists, from a short description."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from support.files import BuiltFile, FileSpec, build, parse
from support.tables import TableError


@pytest.mark.parametrize(
    ("item", "spec"),
    [
        ("1.0", FileSpec("1.0")),
        ("1.0 sdist", FileSpec("1.0", sdist=True)),
        ("1.0 yanked", FileSpec("1.0", yanked=True)),
        ({"version": "2", "yanked": "bad"}, FileSpec("2", yanked="bad")),
        ({"version": "2", "requires-python": ">=4"}, FileSpec("2", requires_python=">=4")),
        ({"version": "2", "filename": "a.whl"}, FileSpec("2", raw_name="a.whl")),
        (
            {"version": "2", "sdist": True, "build-requires": ["dep"], "requires": ["x"]},
            FileSpec("2", sdist=True, build_requires=("dep",), requires=("x",)),
        ),
    ],
)
def test_file_items_are_parsed(item: object, spec: FileSpec) -> None:
    """A text or a table describes a file."""
    assert parse(item) == spec


@pytest.mark.parametrize(
    "item",
    [
        "",
        "1.0 yankd",
        {},
        {"version": 1},
        {"version": "1", "yank": True},
        {"version": "1", "yanked": 1},
        {"version": "1", "sdist": "yes"},
        {"version": "1", "requires": "dep"},
        {"version": "1", "build-requires": ["dep"]},
        7,
    ],
)
def test_wrong_file_items_are_rejected(item: object) -> None:
    """A misspelled description is an error; it never makes another file."""
    with pytest.raises(TableError):
        parse(item)


@pytest.mark.parametrize("item", ["1.0", "1.0 sdist"])
def test_files_are_the_same_every_time(item: str) -> None:
    """Building twice gives the same bytes, so hashes may be compared over processes."""
    first, second = build("acme", parse(item)), build("acme", parse(item))
    assert first == second


def test_a_wheel_is_complete() -> None:
    """A wheel has a module that names its origin, and metadata with its extras."""
    spec = FileSpec("1.0", requires=('dep; extra == "more"',), requires_python=">=3.8")
    built = build("Acme.Tools", spec, "corp")
    archive = zipfile.ZipFile(io.BytesIO(built.content))
    metadata = archive.read("acme_tools-1.0.dist-info/METADATA")
    assert built.filename == "acme_tools-1.0-py3-none-any.whl"
    assert b"ORIGIN = 'corp'" in archive.read("acme_tools.py")
    assert metadata == built.metadata
    assert b"Provides-Extra: more\n" in metadata
    assert b"Requires-Python: >=3.8\n" in metadata
    assert len(archive.read("acme_tools-1.0.dist-info/RECORD").splitlines()) == 4


def test_a_wheel_lists_every_tag() -> None:
    """A compressed tag is spelt out in the wheel, and a build number is no tag."""
    built = build("acme", FileSpec("1.0", tag="7-py2.py3-none-any"))
    archive = zipfile.ZipFile(io.BytesIO(built.content))
    lines = archive.read("acme-1.0.dist-info/WHEEL").decode().splitlines()
    assert lines[3:] == ["Tag: py2-none-any", "Tag: py3-none-any", "Build: 7"]


def test_an_sdist_is_complete() -> None:
    """An sdist names its in-tree backend and only the build requirements it was given."""
    built = build("acme", FileSpec("1.0", sdist=True, build_requires=('dep; extra=="x"',)))
    with tarfile.open(fileobj=io.BytesIO(built.content)) as archive:
        names = archive.getnames()
        project = archive.extractfile("acme-1.0/pyproject.toml")
        assert project is not None
        text = project.read().decode()
    assert built.filename == "acme-1.0.tar.gz"
    assert built.metadata is None
    assert {"acme-1.0/PKG-INFO", "acme-1.0/backend.py", "acme-1.0/acme.py"} < set(names)
    assert 'requires = ["dep; extra==\\"x\\""]' in text


@pytest.mark.parametrize(
    ("spec", "filename"),
    [
        (FileSpec("1.0", name="evil"), "evil-1.0-py3-none-any.whl"),
        (FileSpec("1.0", raw_name="odd.whl"), "odd.whl"),
        (FileSpec("1.0", raw_name="odd-1.tar.gz"), "odd-1.tar.gz"),
        (FileSpec("1.0", tag="cp39-cp39-win32"), "acme-1.0-cp39-cp39-win32.whl"),
        (FileSpec("1.0+local"), "acme-1.0+local-py3-none-any.whl"),
    ],
)
def test_file_names_can_be_chosen(spec: FileSpec, filename: str) -> None:
    """A file may carry another project's name, another tag, or any name at all."""
    assert build("acme", spec).filename == filename


def test_built_files_know_their_metadata_hash() -> None:
    """Only a wheel has metadata to serve, so only a wheel has a hash of it."""
    assert build("acme", FileSpec("1")).metadata_sha256 is not None
    assert BuiltFile("a.tar.gz", b"", "", FileSpec("1")).metadata_sha256 is None
