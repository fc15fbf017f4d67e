"""Strict, typed reading of tables that came from TOML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

_T = TypeVar("_T")
_MISSING: Final = object()


class TableError(ValueError):
    """A table does not have the documented form."""


class Reader:
    """Reads the values of one table, key by key; `finish` rejects keys that were not read."""

    def __init__(self, table: object, where: str) -> None:
        """Read `table`, naming it `where` in errors."""
        if not isinstance(table, Mapping):
            raise TableError(f"{where}: expected a table, not {table!r}")
        self.where = where
        self._left: dict[str, Any] = dict(table)

    def fail(self, message: str) -> TableError:
        """Return the error to raise, which names this table."""
        return TableError(f"{self.where}: {message}")

    def take(self, key: str, default: Any = None) -> Any:
        """Return the value of `key` as it is, or `default`."""
        return self._left.pop(key, default)

    def text(self, key: str) -> str | None:
        """Return an optional string."""
        return self._typed(key, str, "a string")

    def need_text(self, key: str) -> str:
        """Return a string which must be there and must not be blank."""
        value = self.text(key)
        if value is None or not value.strip():
            raise self.fail(f"{key} is required")
        return value

    def flag(self, key: str) -> bool:
        """Return a boolean which is false when absent."""
        return bool(self._typed(key, bool, "a boolean"))

    def integer(self, key: str) -> int | None:
        """Return an optional integer."""
        return self._typed(key, int, "an integer")

    def number(self, key: str) -> float:
        """Return a number which is zero when absent."""
        value = self.take(key, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.fail(f"{key} must be a number, not {value!r}")
        return float(value)

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of strings, or `default` when absent."""
        if key not in self._left:
            return default
        values = self.take(key)
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise self.fail(f"{key} must be a list of strings, not {values!r}")
        return tuple(values)

    def text_table(self, key: str) -> dict[str, str]:
        """Return a table of strings, empty when absent."""
        values = self.items(key)
        if not all(isinstance(item, str) for item in values.values()):
            raise self.fail(f"{key} must be a table of strings, not {values!r}")
        return values

    def items(self, key: str) -> dict[str, Any]:
        """Return a table of anything, empty when absent."""
        value = self.take(key, {})
        if not isinstance(value, Mapping):
            raise self.fail(f"{key} must be a table, not {value!r}")
        return dict(value)

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """Return one of the `allowed` strings; without a default it is required."""
        value = self.take(key, default)
        if value not in allowed:
            raise self.fail(f"{key} must be one of {', '.join(allowed)}, not {value!r}")
        return str(value)

    def finish(self) -> None:
        """Reject the keys that were never taken."""
        if self._left:
            raise self.fail(f"unknown key {', '.join(sorted(map(repr, self._left)))}")

    def _typed(self, key: str, kind: type[_T], what: str) -> _T | None:
        value = self._left.pop(key, _MISSING)
        if value is _MISSING:
            return None
        # bool is an int to isinstance, but no integer to a writer of TOML.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        raise self.fail(f"{key} must be {what}, not {value!r}")
