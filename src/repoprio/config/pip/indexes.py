"""The indexes and find-links that pip's own settings name, each with its origin. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from repoprio.config.schema import SECTION, fold
from repoprio.dataclass import dataclass
from repoprio.policy.model import Format

_KINDS: Mapping[str, Format] = {
    "index-url": Format.SIMPLE,
    "extra-index-url": Format.SIMPLE,
    "find-links": Format.FLAT,
}
# pip install reads these two sections, the second one later, and then the variables (ConfigOptionParser, 22.2 to 26.3).
_INSTALL = ("global", "install")


class NamedBy(enum.Enum):
    """Who named an index."""

    COMMAND_LINE = enum.auto()
    VARIABLE = enum.auto()
    SETTING = enum.auto()
    LINE = enum.auto()
    NOBODY = enum.auto()


@dataclass(frozen=True)
class Origin:
    """Where an index was named; `str()` of it is for people.

    `key` is the variable, or the setting with its section (``global.index-url``); `file` is the file of the setting,
    or the requirements file that has it in `line`; `note` is added at the end.
    """

    by: NamedBy
    key: str = ""
    file: str = ""
    line: int | None = None
    note: str = ""

    def __str__(self) -> str:
        texts = {
            NamedBy.COMMAND_LINE: "the command line",
            NamedBy.VARIABLE: self.key,
            NamedBy.SETTING: f"{self.key} in {self.file}",
            NamedBy.LINE: f"{self.file}, line {self.line}",
            NamedBy.NOBODY: "nobody",
        }[self.by]
        return f"{texts}, {self.note}" if self.note else texts


class Named(NamedTuple):
    """One index that pip's settings name: `key` is index-url, extra-index-url or find-links.

    `origin` is the setting or variable; `overridden` names the later setting that
    ``pip install`` uses instead.
    """

    url: str
    key: str
    origin: Origin
    overridden: Origin | None = None

    @property
    def format(self) -> Format:
        """The format in which pip reads it."""
        return _KINDS[self.key]


class _Setting(NamedTuple):
    key: str
    value: str
    origin: Origin
    is_installs: bool


def named(files: Iterable[tuple[str, Mapping[str, Mapping[str, str]]]], environ: Mapping[str, str]) -> list[Named]:
    """All indexes that pip's files and the environment name, in the order in which pip reads them."""
    indexes = [*_in_files(list(files)), *_in_environment(environ)]
    last = {setting.key: setting.origin for setting in indexes if setting.is_installs}
    return [
        Named(url, s.key, s.origin, last[s.key] if s.is_installs and last[s.key] != s.origin else None)
        for s in indexes
        for url in s.value.split()
    ]


def _in_files(files: list[tuple[str, Mapping[str, Mapping[str, str]]]]) -> Iterator[_Setting]:
    others = [name for _, sections in files for name in sections if name not in (*_INSTALL, SECTION)]
    for section in dict.fromkeys((*_INSTALL, *others)):
        for file, sections in files:
            for key, value in sections.get(section, {}).items():
                if key in _KINDS and value.strip():
                    yield _Setting(key, value, Origin(NamedBy.SETTING, f"{section}.{key}", file), section in _INSTALL)


def _in_environment(environ: Mapping[str, str]) -> Iterator[_Setting]:
    for variable, value in environ.items():
        key = fold(variable.removeprefix("PIP_"))
        if variable.startswith("PIP_") and key in _KINDS and value.strip():
            yield _Setting(key, value, Origin(NamedBy.VARIABLE, variable), is_installs=True)


def names_an_index(indexes: Iterable[Named]) -> bool:
    """Whether a setting gives pip an index other than its built-in default."""
    return any(index.key == "index-url" and index.overridden is None for index in indexes)
