"""Stores values for objects of pip without changing these objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Value = TypeVar("Value")


class Registry(Generic[Value]):
    """One value for each object of pip; the value is dropped together with the object.

    A value must refer to its object by a weak reference only, otherwise neither would ever be freed.
    """

    def __init__(self) -> None:
        self._values: WeakKeyDictionary[object, Value] = WeakKeyDictionary()

    def get(self, key: object) -> Value | None:
        """The value of `key`; None if there is none."""
        return self._values.get(key)

    def put(self, key: object, value: Value) -> None:
        """Set the value of `key`."""
        self._values[key] = value

    def values(self) -> list[Value]:
        """All values."""
        return list(self._values.values())

    def get_or_make(self, key: object, make: Callable[[], Value]) -> Value:
        """The value of `key`; `make` creates it if there is none yet."""
        if key not in self._values:
            self._values[key] = make()
        return self._values[key]
