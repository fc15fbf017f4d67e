"""What belongs to an object of pip's, kept beside it: pip's own objects stay as pip made them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Value = TypeVar("Value")


class Registry(Generic[Value]):
    """One value for each of pip's objects; both go at the same time.

    A value that refers to its object has to do so weakly, or neither would ever go.
    """

    def __init__(self) -> None:
        self._values: WeakKeyDictionary[object, Value] = WeakKeyDictionary()

    def get(self, key: object) -> Value | None:
        """The value of `key`; None where there is none."""
        return self._values.get(key)

    def put(self, key: object, value: Value) -> None:
        """Have `value` for `key` from now on."""
        self._values[key] = value

    def values(self) -> list[Value]:
        """All values that there are."""
        return list(self._values.values())

    def get_or_make(self, key: object, make: Callable[[], Value]) -> Value:
        """The value of `key`, which `make` makes where there is none yet."""
        if key not in self._values:
            self._values[key] = make()
        return self._values[key]
