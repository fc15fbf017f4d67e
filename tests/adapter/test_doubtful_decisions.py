"""Decisions from before a site asked for a login are confirmed, each of them."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from repoprio.names import NormalizedName, normalize
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.session_memory import Decisions
from support.verdicts import PAGE, decide

POLICY = """
[repositories.corp]
url = "https://corp.example/simple/"
priority = 10
[repositories.public]
url = "https://public.example/simple/"
priority = 90
"""


def test_a_second_late_login_casts_doubt_on_what_was_confirmed_after_the_first() -> None:
    """If a worker gets a 401 from another site while decisions are confirmed, none of them is left out."""
    decisions, confirmed = Decisions(), list[NormalizedName]()

    def made(name: NormalizedName) -> Any:
        # With the second login, corp shows the name that was confirmed first.
        is_shown = len(confirmed) > 1 and name == confirmed[0]
        pages = {"public": PAGE, "corp": PAGE} if is_shown else {"public": PAGE}
        return decide(POLICY, pages, name)

    def again(name: NormalizedName) -> Any:
        confirmed.append(name)
        if len(confirmed) == 2:
            decisions.doubt(2)
        decision = made(name)
        decisions.keep((name,), decision, functools.partial(again, name))
        return decision

    for name in map(normalize, ("acme", "hidden")):
        decisions.keep((name,), made(name), functools.partial(again, name))
    assert decisions.doubt(1)
    with pytest.raises(LookupRefused) as refused:
        decisions.confirm(None)
    assert f"{confirmed[0]}: corp (priority 10) says something else" in str(refused.value)
