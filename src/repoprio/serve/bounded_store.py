"""Keeps values in memory, up to a number of bytes. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedStore(Generic[Key, Value]):
    """The last value of each key; if there is no room for more, the values kept first go first."""

    def __init__(self, most_bytes: int, size_of: Callable[[Value], int]) -> None:
        self._most_bytes = most_bytes
        self._size_of = size_of
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Value | None:
        """The value of `key`, of any age; None if there is none."""
        return self._values.get(key)

    def keep(self, key: Key, value: Value) -> None:
        """Keep `value` in place of the last one of `key`; a value that alone is too large is not kept."""
        self.forget(key)
        size = self._size_of(value)
        if size > self._most_bytes:
            return
        self._values[key] = value
        self._bytes += size
        while self._bytes > self._most_bytes:
            self.forget(next(iter(self._values)))

    def forget(self, key: Key) -> None:
        """Drop the value of `key`, if there is one."""
        value = self._values.pop(key, None)
        if value is not None:
            self._bytes -= self._size_of(value)

    def keys(self) -> tuple[Key, ...]:
        """The keys with a value, oldest first; may be called in any thread."""
        return tuple(self._values)

    def take_over(self, other: BoundedStore[Key, Value], keys: Collection[Key]) -> None:
        """Keep the values that `other` has of `keys` too."""
        for key in keys:
            value = other.get(key)
            if value is not None:
                self.keep(key, value)
