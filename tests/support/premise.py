"""How many examples hypothesis tries; and laws "where ...": an example in which that is not so counts for nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from hypothesis import assume

ALL: Final = "REPOPRIO_ALL_EXAMPLES"


def times(number: int) -> int:
    """All these examples where the variable `ALL` is set, as it is without `-m "not full"`; else a third of them."""
    return number if os.environ.get(ALL) else -(-number // 3)


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
