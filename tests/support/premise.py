"""Laws of hypothesis that hold "where ...": an example in which that is not so counts for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hypothesis import assume


@contextmanager
def presuming(times: int) -> Iterator[Callable[[bool], None]]:
    """What a law calls with its premise; fails in the end if that did not hold this many times."""
    held = 0

    def where(holds: bool) -> None:
        nonlocal held
        assume(holds)
        held += 1

    yield where
    assert held >= times, f"the premise held in {held} examples, not in {times}"
