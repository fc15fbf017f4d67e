"""repoprio's dataclasses behave like those of the standard library, as far as they are used."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any, Generic, TypeVar

import pytest

from repoprio.dataclass import dataclass

Item = TypeVar("Item")


@dataclass(frozen=True)
class Place(Generic[Item]):
    """Has fields of all kinds."""

    name: str
    items: tuple[Item, ...] = ()
    secret: str = dataclasses.field(default="", repr=False)
    note: str = dataclasses.field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Slotted:
    """Has slots."""

    one: int
    two: int = 2


@dataclass
class Open:
    """May be changed."""

    seen: list[str] = dataclasses.field(default_factory=list)


@dataclass(frozen=True)
class Other(Place[int]):
    """Has the fields of another class, and one more."""

    more: int = 0


@dataclass(frozen=True)
class Nothing:
    """Has no fields."""


@dataclass(frozen=True)
class Special:
    """Defines its own methods."""

    name: str

    def __repr__(self) -> str:
        return "special"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Special)

    def __hash__(self) -> int:
        return 7


def test_what_is_equal_has_the_same_hash() -> None:
    """Objects of one class are compared by their fields, without compare=False ones; others are never equal."""
    assert Place("a", (1,), note="x") == Place("a", (1,), note="y")
    assert hash(Place("a", (1,), note="x")) == hash(Place("a", (1,), note="y"))
    assert Place("a") != Place("b")
    assert Place("a", secret="x") != Place("a", secret="y")
    assert Other("a") != Place("a")
    assert Other("a", more=1) != Other("a")
    assert Slotted(1) == Slotted(1, 2)
    assert len({Slotted(1), Slotted(1, 2), Slotted(2)}) == 2
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    text: object = "a"
    assert Place("a") != text


def test_mutable_objects_have_no_hash() -> None:
    """A class that is not frozen has no hash, as in the standard library."""
    assert Open(["a"]) == Open(["a"]) != Open()
    with pytest.raises(TypeError):
        hash(Open())


def test_methods_of_a_class_are_kept() -> None:
    """Methods that a class defines itself are kept."""
    assert repr(Special("a")) == "special"
    assert Special("a") == Special("b")
    assert hash(Special("a")) == 7


def test_secrets_stay_out_of_texts() -> None:
    """A field with repr=False is not shown."""
    assert repr(Place("a", (1,), "hidden")) == "Place(name='a', items=(1,), note='')"
    assert repr(Slotted(1)) == "Slotted(one=1, two=2)"


@pytest.mark.parametrize("thing", [Place("a", (1,), "s", "n"), Slotted(1), Other("a", more=1), Open(["a"])])
def test_the_standard_library_accepts_them(thing: Any) -> None:
    """They can be replaced, copied and pickled, and `fields` works."""
    assert dataclasses.is_dataclass(type(thing))
    assert dataclasses.replace(thing) == copy.deepcopy(thing) == pickle.loads(pickle.dumps(thing)) == thing
    first = dataclasses.fields(thing)[0].name
    assert dataclasses.replace(thing, **{first: ["other"]}) != thing


@pytest.mark.parametrize("thing", [Place("here"), Slotted(1), Special("this")])
def test_a_frozen_object_stays_as_it_is(thing: Any) -> None:
    """No field can be set again or deleted, whether it was given or has its default."""
    for field in dataclasses.fields(thing):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field.name, "other")
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(thing, field.name)
