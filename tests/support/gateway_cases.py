"""The decision cases that an index can decide: no requirement and no option of a caller decides them."""

from __future__ import annotations

from typing import Final

from repoprio.policy.model import Mode, Policy

from .cases import RECORDS, Case, load_cases
from .paths import DATA

# Which wheels a client takes is its own business: an sdist waits for all of its version.
_BY_PLATFORM: Final = {"a-young-wheel-for-others"}
# Callers' options and environments do not reach an index.
_CALLERS: Final = {"unlisted", "direct-url", "pylock"}


def _is_for_an_index(case: Case) -> bool:
    return (
        case.id not in _BY_PLATFORM
        and not case.options
        and not case.env
        # The gateway has a memory of its own.
        and not case.remembered
        and f"{{{RECORDS}}}" not in case.policy
        and case.expect.code not in _CALLERS
        and bool(case.repositories)
    )


CASES: Final = tuple(case for case in load_cases(DATA) if _is_for_an_index(case))


def depends_on_requirements(policy: Policy) -> bool:
    """Whether no gateway can obey the policy."""
    modes = {policy.mode, *(pin.mode for pin in policy.pins)}
    return bool(modes & {Mode.FLEXIBLE, Mode.OBSERVE})


def has_only_local_repositories(policy: Policy) -> bool:
    """Whether each repository is a server or a folder of a test."""
    return all(one.url.startswith(("http://127.0.0.1", "file:")) for r in policy.enabled() for one in r.locations)
