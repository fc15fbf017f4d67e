"""Which lookup asks a repository that was down, and which take it that it still is."""

from __future__ import annotations

from repoprio.lookup.events import RepositoryResult, RepositoryState
from repoprio.policy.model import Location, Repository
from repoprio.serve.freshness import Outages

CORP = Repository("corp", (Location.of("https://corp.example/simple/"),), 10)
DOWN = RepositoryResult[str](CORP, RepositoryState.UNAVAILABLE, "no answer")


def test_one_lookup_at_a_time_asks_again() -> None:
    """None asks for five seconds; then one does, or another one if that ends in no result; later all do."""
    times = (104.9, 105.0, 105.1, 116.9, 117.0, 117.1, 134.9, 135.0, 135.1)
    outages = Outages[str](iter((100.0, *times)).__next__)
    outages.keep("corp", DOWN)
    asks = [outages.get("corp") is None for _ in times]
    assert asks == [False, True, False, False, True, False, True, True, True]


def test_the_result_of_the_one_counts_for_all() -> None:
    """Down again, nobody asks for five seconds more; up again, all do; another repository is not concerned."""
    now = 100.0
    outages = Outages[str](lambda: now)
    outages.keep("corp", DOWN)
    now = 105.0
    assert outages.get("corp") is None
    outages.keep("corp", DOWN)
    now = 109.9
    assert (outages.get("corp"), outages.get("public")) == (DOWN, None)
    outages.end("corp")
    outages.end("corp")
    assert outages.get("corp") is None
    assert outages.get("corp") is None
