"""The one store that the gateway bounds by bytes: which values are removed when it is full."""

from __future__ import annotations

from repoprio.serve.bounded_store import BoundedStore


def store(*texts: str) -> BoundedStore[str, str]:
    """At most 10 bytes, after these texts were kept by their first letters."""
    made = BoundedStore[str, str](10, len)
    for text in texts:
        made.keep(text[0], text)
    return made


def test_the_oldest_values_go_when_there_is_no_room() -> None:
    """Only as many values are removed as necessary; a value that fills the room exactly stays."""
    assert store("aaaa", "bbbbbb").keys() == ("a", "b")
    assert store("aaaa", "bbbb", "cccc").keys() == ("b", "c")
    assert store("aaaa", "bbbbbb", "ccccccc").keys() == ("c",)


def test_a_value_that_is_too_large_evicts_no_other() -> None:
    """It is not kept, and neither is the value that it replaces: one enormous page must not empty the store."""
    full = store("aaaa", "bbbb")
    full.keep("b", "b" * 11)
    full.keep("c", "c" * 11)
    assert full.keys() == ("a",)
    full.keep("d", "d" * 6)
    assert full.keys() == ("a", "d")


def test_a_value_that_is_kept_again_or_forgotten_frees_its_room() -> None:
    """The new value counts as the youngest; forgetting a value twice frees its room only once."""
    kept = store("aaaa", "bbbb", "aaaaaa")
    assert (kept.keys(), kept.get("a")) == (("b", "a"), "aaaaaa")
    kept.keep("c", "cccc")
    assert kept.keys() == ("a", "c")
    kept.forget("c")
    kept.forget("c")
    kept.keep("d", "ddddd")
    assert kept.keys() == ("d",)


def test_values_move_to_another_store() -> None:
    """Of the keys that are asked for; one without a value is left out."""
    kept = store("dd")
    kept.take_over(store("aaa", "bbb", "ccc"), ["b", "a", "x"])
    assert kept.keys() == ("d", "b", "a")
