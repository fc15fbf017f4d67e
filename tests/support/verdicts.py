"""Decisions and offers for tests of verdicts."""

from __future__ import annotations

from collections.abc import Mapping

from repoprio.audit.subjects import Subject
from repoprio.lookup.drivers import drive
from repoprio.lookup.events import FetchResult, PageFound, StatusReceived
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import Decision, ProjectLookup
from repoprio.names import normalize
from support.policy_files import parsed_policy

PAGE: PageFound[str] = PageFound("page", 1)
ACME = Subject("acme", "99.0", "is installed", pip="pip", place="site-packages/acme-99.0.dist-info/METADATA")


def decide(
    text: str, pages: Mapping[str, FetchResult[str]], name: str = "acme", *, below: bool = False, fits: bool = False
) -> Decision[str]:
    """The decision on `name` if these repositories give these answers, and the others 404."""
    lookup = ProjectLookup(RunMemory[str](parsed_policy(text)), normalize(name), below_owner=below)
    return drive(lookup, lambda ask: pages.get(ask.repository.name, StatusReceived(404)), lambda _: fits)
