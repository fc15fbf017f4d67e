"""What each repository of the policy says of a name that nobody has."""

from __future__ import annotations

import secrets
import time
from typing import NamedTuple

from repoprio.answers import Finding
from repoprio.names import normalize
from repoprio.pip_adapter.opened import opened
from repoprio.pip_adapter.reading import PipPage


class Probe(NamedTuple):
    """One repository's answer, and the seconds that it took."""

    finding: Finding[PipPage]
    seconds: float


def probe() -> list[Probe]:
    """Ask each enabled repository for a random name, which tells it nothing; in the order of their priorities.

    Raises `CannotLook`, and `PolicyFaults` for a faulty policy.
    """
    name = normalize(f"repoprio-{secrets.token_hex(8)}")
    found = []
    with opened() as pip:
        for repository in sorted(pip.guard.policy.enabled(), key=lambda one: one.priority):
            begun = time.monotonic()
            finding = pip.guard.inquire(repository, name)
            found.append(Probe(finding, time.monotonic() - begun))
    return found
