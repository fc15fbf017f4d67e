"""The settings of several files, merged key by key, each with its origin. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, NamedTuple

from repoprio.config import schema
from repoprio.dataclass import dataclass

# ("mode",), ("repositories", "corp", "url"); ("repositories", "corp") says only that the table is there.
Path = tuple[str, ...]
_TABLE: Mapping[str, Any] = MappingProxyType({})


class Setting(NamedTuple):
    """One value, as TOML gives it, and the file that says so."""

    path: Path
    value: Any
    file: str

    @property
    def key(self) -> str:
        """The dotted key."""
        return ".".join(self.path)

    @property
    def is_table(self) -> bool:
        """Whether it only says that a table is there."""
        return self.value is _TABLE


def table(path: Path, file: str) -> Setting:
    """The setting that says only that a table is there."""
    return Setting(path, _TABLE, file)


class UnsupportedValue:
    """A value that no key takes and that would be trouble to print: what it is, in words."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __repr__(self) -> str:
        return self._what


_DEEPEST = 8
# What children can be told: Linux takes 128 KiB for one variable; some 20,000 patterns fit in.
CARRIED_LIMIT = 120 * 1024


def _held(value: Any, depth: int = 0) -> Any:
    """`value` without numbers of thousands of digits, what is no number, and depths that no key has."""
    if depth > _DEEPEST:
        return UnsupportedValue("something nested deeply")
    if isinstance(value, dict):
        return {key: _held(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_held(inner, depth + 1) for inner in value]
    if isinstance(value, int) and not -(10**18) < value < 10**18:
        return UnsupportedValue("a number of more than 18 digits")
    return UnsupportedValue("an endless number") if isinstance(value, float) and not -1e18 < value < 1e18 else value


def settings(document: Mapping[str, Any], file: str) -> Iterator[Setting]:
    """The settings of one document, in its order."""
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
    """Settings by their paths: a later one takes the place of an earlier one, which `overridden` keeps.

    `additions` are the repositories that were added to a locked layer.
    """

    settings: dict[Path, Setting] = field(default_factory=dict)
    overridden: list[Setting] = field(default_factory=list)
    additions: set[str] = field(default_factory=set)

    def add(self, later: Iterable[Setting]) -> None:
        """Take in the settings of a later file."""
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
        # Outer tables first: a value where a table belongs stands for all that is below it.
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
        """The dotted key of each setting, and its file."""
        return {setting.key: setting.file for setting in self.settings.values()}
