"""Counts requests that fetching ahead makes for nothing: those that a run without it does not make."""

from __future__ import annotations

from collections.abc import Iterable

from .measuring import Outcome
from .rows import MOST_OTHER_NAMES, MOST_UNUSED_METADATA, REPOPRIO, SERIAL
from .server import Request, Traffic
from .tables import Line

_PAGES = ("page", "absent", "unchanged")


def in_vain(outcomes: Iterable[Outcome]) -> list[Line]:
    """A line for the names, and one for the metadata, of all graphs together."""
    metadata, names = _Share(), _Share()
    for outcome in outcomes:
        ahead, serial = outcome.result(REPOPRIO), outcome.result(SERIAL)
        if ahead and serial:
            metadata.add(*(_asked(one.traffic, ("metadata",)) for one in (ahead, serial)))
            names.add(*(_asked(one.traffic, _PAGES) for one in (ahead, serial)))
    return [
        Line("ahead", "metadata that no serial run fetches, of all", MOST_UNUSED_METADATA, metadata.value),
        Line("ahead", "names that no serial run asks for, of all", MOST_OTHER_NAMES, names.value),
    ]


class _Share:
    def __init__(self) -> None:
        self._all = self._others = 0

    def add(self, ahead: frozenset[Request], serial: frozenset[Request]) -> None:
        self._all += len(ahead)
        self._others += len(ahead - serial)

    @property
    def value(self) -> float | None:
        return self._others / self._all if self._all else None


def _asked(traffic: Traffic, kinds: Iterable[str]) -> frozenset[Request]:
    """The requests of a run, by server; repeated requests count once."""
    return frozenset(request for request in traffic.requests if request.kind in kinds)
