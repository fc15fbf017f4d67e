"""The settings of several files, merged key by key, each with its origin. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, NamedTuple

from repoprio.config import schema
from repoprio.dataclass import dataclass

# ("mode",), ("repositories", "corp", "url"); ("repositories", "corp") means only that the table exists.
Path = tuple[str, ...]
_TABLE: Mapping[str, Any] = MappingProxyType({})


class Setting(NamedTuple):
    """One value, as a TOML parser returns it, and its file."""

    path: Path
    value: Any
    file: str

    @property
    def key(self) -> str:
        """The dotted key."""
        return ".".join(self.path)

    @property
    def is_table(self) -> bool:
        """Whether it means only that a table exists."""
        return self.value is _TABLE


def table(path: Path, file: str) -> Setting:
    """The setting that means only that a table exists."""
    return Setting(path, _TABLE, file)


class UnsupportedValue:
    """Replaces a value that no key accepts and that is hard to print; `description` stands for it."""

    def __init__(self, description: str) -> None:
        self._description = description

    def __repr__(self) -> str:
        return self._description


_DEEPEST = 8
# How deeply a document may nest, in any version of Python: tomllib itself stops at 1,000 since Python 3.15.
_DEEPEST_DOCUMENT = 100
# Linux allows 128 KiB for one variable, which child pips read; about 20,000 patterns fit in.
CARRIED_LIMIT = 120 * 1024


def _held(value: Any, depth: int = 0) -> Any:
    """`value` with `UnsupportedValue` for numbers of more than 18 digits, NaN, and nesting that no key has."""
    if depth > _DEEPEST:
        return UnsupportedValue("something nested deeply")
    if isinstance(value, dict):
        return {key: _held(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_held(inner, depth + 1) for inner in value]
    if isinstance(value, int) and not -(10**18) < value < 10**18:
        return UnsupportedValue("a number of more than 18 digits")
    return UnsupportedValue("an endless number") if isinstance(value, float) and not -1e18 < value < 1e18 else value


def check_depth(document: Mapping[str, Any]) -> None:
    """Raise `RecursionError`, as a parser does, where tables and lists nest more deeply than any policy does."""
    level: list[Any] = [document]
    for _ in range(_DEEPEST_DOCUMENT):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, (dict, list))
        ]
    if level:
        raise RecursionError


def settings(document: Mapping[str, Any], file: str) -> Iterator[Setting]:
    """The settings of one document, in order."""
    for key, value in _held(document).items():
        if key not in schema.TABLES or not isinstance(value, dict):
            yield Setting((key,), value, file)
            continue
        for name, entry in value.items():
            if not isinstance(entry, dict):
                yield Setting((key, name), entry, file)
                continue
            yield table((key, name), file)
            yield from (Setting((key, name, inner), deep, file) for inner, deep in entry.items())


@dataclass
class Merged:
    """Settings by path: a later one replaces an earlier one, which goes to `overridden`.

    `additions` are the repositories that were added below a locked layer.
    """

    settings: dict[Path, Setting] = field(default_factory=dict)
    overridden: list[Setting] = field(default_factory=list)
    additions: set[str] = field(default_factory=set)

    def add(self, later: Iterable[Setting]) -> None:
        """Merge the settings of a later file."""
        for setting in later:
            known = self.settings.get(setting.path)
            if known is not None and known.is_table and setting.is_table:
                continue
            if known is not None and not known.is_table:
                self.overridden.append(known)
            self.settings[setting.path] = setting

    def document(self) -> dict[str, Any]:
        """All settings as one document."""
        document: dict[str, Any] = {}
        # Outer tables first: a value in place of a table also replaces everything in that table.
        for path, setting in sorted(self.settings.items(), key=lambda item: len(item[0])):
            if len(path) == 1:
                document[path[0]] = setting.value
                continue
            table = document.setdefault(path[0], {})
            if len(path) == 2 and isinstance(table, dict):
                table[path[1]] = {} if setting.is_table else setting.value
            elif isinstance(table, dict) and isinstance(entry := table.get(path[1]), dict):
                entry[path[2]] = setting.value
        return document

    def origins(self) -> dict[str, str]:
        """The file of each setting, by dotted key."""
        return {setting.key: setting.file for setting in self.settings.values()}
