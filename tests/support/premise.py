"""How many examples hypothesis tries; and laws with a premise: examples that do not fulfil it do not count."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from hypothesis import assume

ALL: Final = "REPOPRIO_ALL_EXAMPLES"


def times(number: int) -> int:
    """All these examples if the variable `ALL` is set, as without `-m "not full"`; otherwise a fifth of them."""
    return number if os.environ.get(ALL) else -(-number // 5)


@contextmanager
def presuming(times: int) -> Iterator[Callable[[bool], None]]:
    """The function that a law calls with its premise; fails at the end if it was not fulfilled this many times."""
    held = 0

    def where(holds: bool) -> None:
        nonlocal held
        assume(holds)
        held += 1

    yield where
    assert held >= times, f"the premise held in {held} examples, not in {times}"
