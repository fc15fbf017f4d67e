"""Dataclasses that are defined in a third of the time: each pip under a policy defines about fifty when it starts.

`dataclasses` compiles six methods for each frozen class. This module lets it compile `__init__` only; the other methods
are shared by all classes. The type checker sees ordinary dataclasses.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, **options: Any) -> Any:
        """Like `dataclasses.dataclass`, with the options `frozen` and `slots` only."""
        return _defined(cls) if cls is not None else functools.partial(_defined, **options)


def _defined(cls: Any, *, frozen: bool = False, slots: bool = False) -> Any:
    own = vars(cls)
    made = dataclasses.dataclass(eq=False, repr=False, slots=slots)(cls)
    # As for any class with __eq__ and without __hash__, the hash is None.
    shared: dict[str, Any] = {"__repr__": _repr, "__eq__": _eq, "__hash__": _hash if frozen else None}
    if frozen:
        shared |= {"__setattr__": _set_slot_once if slots else _set_once, "__delattr__": _refuse_to_delete}
    for name, method in shared.items():
        if own.get(name) is None:
            setattr(made, name, method)
    return made


def _set_once(self: Any, name: str, value: object) -> None:
    # Not `hasattr`: a default is an attribute of the class.
    known = self.__dict__
    if name in known:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    known[name] = value


def _set_slot_once(self: Any, name: str, value: object) -> None:
    if hasattr(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _refuse_to_delete(_: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _eq(self: Any, other: object) -> Any:
    values = _values(self.__class__)
    return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self.__class__)(self))


def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


@functools.cache
def _values(cls: Any) -> Callable[[object], object]:
    """A function that returns the values by which an object of `cls` is compared."""
    names = [field.name for field in dataclasses.fields(cls) if field.compare]
    return attrgetter(*names) if names else type
