"""Wheels and source distributions, built in memory, the same bytes every time."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import itertools
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from .tables import Reader, TableError

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_TAR_TIME = 315532800
_EXTRA = re.compile(r"""\bextra\s*==\s*["']([^"']+)["']""")
_FLAGS = frozenset({"sdist", "yanked"})

# The wheel travels inside the sdist, so that building it needs nothing but the stdlib.
_BACKEND = '''\
"""Build backend of a test project: hand out the wheel that was packed beside it."""

import pathlib
import shutil
import zipfile

PREBUILT = pathlib.Path(__file__).resolve().parent / "prebuilt"


def _wheel():
    (wheel,) = PREBUILT.glob("*.whl")
    return wheel


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    with zipfile.ZipFile(_wheel()) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" in name]
        archive.extractall(metadata_directory, names)
    return names[0].split("/")[0]


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    shutil.copy(_wheel(), wheel_directory)
    return _wheel().name
'''


@dataclass(frozen=True)
class FileSpec:
    """One file that a test repository serves."""

    version: str
    sdist: bool = False
    yanked: bool | str = False
    requires_python: str | None = None
    tag: str = "py3-none-any"
    requires: tuple[str, ...] = ()
    name: str | None = None
    raw_name: str | None = None
    build_requires: tuple[str, ...] = ()
    # Further files of a wheel, by their names in it, and further lines of its RECORD.
    members: tuple[tuple[str, str], ...] = ()
    records: tuple[str, ...] = ()
    # What JSON pages state of its age: "2 days ago", or a literal text (`clocks`).
    uploaded: str | None = None

    @property
    def extras(self) -> tuple[str, ...]:
        """The extras that the markers of `requires` speak of."""
        return tuple(sorted({extra for line in self.requires for extra in _EXTRA.findall(line)}))

    @property
    def is_sdist(self) -> bool:
        """Whether the file is a source distribution, by flag or by its explicit name."""
        return self.sdist or bool(self.raw_name and self.raw_name.endswith(".tar.gz"))


@dataclass(frozen=True)
class BuiltFile:
    """A finished file; `metadata` is what PEP 658 serves, absent for an sdist."""

    filename: str
    content: bytes
    sha256: str
    spec: FileSpec
    metadata: bytes | None = None

    @property
    def metadata_sha256(self) -> str | None:
        """The hash of the metadata, where there is any."""
        return None if self.metadata is None else sha256(self.metadata)


def fold(name: str) -> str:
    """Return the normalized form of a project name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def underscored(name: str) -> str:
    """Return the form of a project name that file names and modules use."""
    return fold(name).replace("-", "_")


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def parse(item: object) -> FileSpec:
    """Return the file that a text such as "1.0 yanked", or a table, describes."""
    return _from_text(item) if isinstance(item, str) else _from_table(item)


def build(project: str, spec: FileSpec, origin: str = "") -> BuiltFile:
    """Build the file of `project` for the repository labelled `origin`."""
    owner = spec.name or project
    make = _sdist if spec.is_sdist else _wheel
    content = make(owner, spec, origin)
    metadata = None if spec.is_sdist else _metadata(owner, spec)
    return BuiltFile(_filename(owner, spec), content, sha256(content), spec, metadata)


def _from_text(text: str) -> FileSpec:
    version, *flags = text.split() or [""]
    if not version or not _FLAGS.issuperset(flags):
        raise TableError(f"file {text!r}: expected a version, then any of {sorted(_FLAGS)}")
    return FileSpec(version, sdist="sdist" in flags, yanked="yanked" in flags)


def _from_table(table: object) -> FileSpec:
    reader = Reader(table, f"file {table!r}")
    spec = FileSpec(
        version=reader.need_text("version"),
        sdist=reader.flag("sdist"),
        yanked=_yanked(reader),
        requires_python=reader.text("requires-python"),
        tag=reader.text("tag") or FileSpec.tag,
        requires=reader.texts("requires"),
        name=reader.text("name"),
        raw_name=reader.text("filename"),
        build_requires=reader.texts("build-requires"),
        members=tuple(reader.text_table("members").items()),
        records=reader.texts("records"),
        uploaded=reader.text("uploaded"),
    )
    reader.finish()
    if spec.build_requires and not spec.is_sdist:
        raise reader.fail("only an sdist has build-requires")
    return spec


def _yanked(reader: Reader) -> bool | str:
    value = reader.take("yanked", False)
    if not isinstance(value, (bool, str)):
        raise reader.fail(f"yanked must be a boolean or a reason, not {value!r}")
    return value


def _filename(owner: str, spec: FileSpec) -> str:
    if spec.raw_name:
        return spec.raw_name
    return f"{_stem(owner, spec)}.tar.gz" if spec.sdist else _wheel_name(owner, spec)


def _wheel_name(owner: str, spec: FileSpec) -> str:
    return f"{_stem(owner, spec)}-{spec.tag}.whl"


def _stem(owner: str, spec: FileSpec) -> str:
    return f"{underscored(owner)}-{spec.version.replace('-', '_')}"


def _metadata(owner: str, spec: FileSpec) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {owner}", f"Version: {spec.version}"]
    lines += ["Summary: A project of the tests"]
    lines += [f"Requires-Python: {spec.requires_python}"] if spec.requires_python else []
    lines += [f"Requires-Dist: {line}" for line in spec.requires]
    lines += [f"Provides-Extra: {extra}" for extra in spec.extras]
    return _text(lines)


def _module(spec: FileSpec, origin: str) -> bytes:
    title = '"""A module of the tests."""'
    return _text([title, "", f"__version__ = {spec.version!r}", f"ORIGIN = {origin!r}"])


def _wheel(owner: str, spec: FileSpec, origin: str) -> bytes:
    info = f"{_stem(owner, spec)}.dist-info"
    files = {
        f"{underscored(owner)}.py": _module(spec, origin),
        f"{info}/METADATA": _metadata(owner, spec),
        f"{info}/WHEEL": _wheel_tags(spec.tag),
        **{name: text.encode("utf-8") for name, text in spec.members},
    }
    return _zip(files | {f"{info}/RECORD": _record(files, f"{info}/RECORD", *spec.records)})


def _wheel_tags(tag: str) -> bytes:
    build, triple = tag.split("-")[:-3], tag.split("-")[-3:]
    expanded = itertools.product(*(part.split(".") for part in triple))
    lines = ["Wheel-Version: 1.0", "Generator: tests", "Root-Is-Purelib: true"]
    lines += [f"Tag: {'-'.join(one)}" for one in expanded]
    return _text(lines + [f"Build: {number}" for number in build])


def _record(files: Mapping[str, bytes], own: str, *more: str) -> bytes:
    lines = [f"{name},sha256={_urlsafe(data)},{len(data)}" for name, data in files.items()]
    return _text([*lines, f"{own},,", *(f"{name},," for name in more)])


def _urlsafe(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return digest.decode("ascii").rstrip("=")


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()


def _sdist(owner: str, spec: FileSpec, origin: str) -> bytes:
    inner = replace(spec, sdist=False, raw_name=None)
    top = _stem(owner, spec)
    return _tar_gz(
        {
            f"{top}/PKG-INFO": _metadata(owner, spec),
            f"{top}/pyproject.toml": _pyproject(spec),
            f"{top}/backend.py": _BACKEND.encode("utf-8"),
            f"{top}/{underscored(owner)}.py": _module(spec, origin),
            f"{top}/prebuilt/{_wheel_name(owner, inner)}": _wheel(owner, inner, origin),
        }
    )


def _pyproject(spec: FileSpec) -> bytes:
    requires = ", ".join(_toml(line) for line in spec.build_requires)
    backend = ['build-backend = "backend"', 'backend-path = ["."]']
    return _text(["[build-system]", f"requires = [{requires}]", *backend])


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _tar_gz(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", fileobj=buffer, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(data), _TAR_TIME
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _text(lines: Iterable[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("utf-8")
