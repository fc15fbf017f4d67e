"""A preference is remembered only if pip works it out from what is compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from repoprio.pip_adapter.resolver.remembering import reads_only_criteria


class Preferences:
    """Ways in which a pip may work out a preference."""

    _user_requested: dict[str, int]
    _depths: dict[str, int]

    def by_criterion(
        self, identifier: str, resolutions: Any, candidates: Any, information: Any, backtrack_causes: Any
    ) -> Any:
        """From the criterion and what the user asked for."""
        operators = [one.operator for found in next(information[identifier]) for one in found.specifier]
        return any(bool(one) for one in operators), self._user_requested.get(identifier)

    def by_pins(
        self, identifier: str, resolutions: Any, candidates: Any, information: Any, backtrack_causes: Any
    ) -> Any:
        """From what has a pin already."""
        return bool(resolutions), any(information)

    def by_candidates_inside(
        self, identifier: str, resolutions: Any, candidates: Any, information: Any, backtrack_causes: Any
    ) -> Any:
        """From the candidates, in code inside its own."""
        return any(candidates for _ in next(information))

    def by_causes_of_two(
        self, identifier: str, resolutions: Any, candidates: Any, information: Any, backtrack_causes: Any
    ) -> Any:
        """From the causes of a conflict, right after another argument."""
        return any((identifier, backtrack_causes))

    def by_levels_inside(
        self, identifier: str, resolutions: Any, candidates: Any, information: Any, backtrack_causes: Any
    ) -> Any:
        """From a level, in code inside its own."""
        return any(self._depths for _ in next(information))


@pytest.mark.parametrize(
    ("preference", "is_remembered"),
    [
        (Preferences.by_criterion, True),
        (Preferences.by_pins, False),
        (Preferences.by_candidates_inside, False),
        (Preferences.by_causes_of_two, False),
        (Preferences.by_levels_inside, False),
    ],
)
def test_a_preference_is_remembered_if_nothing_else_is_read(
    preference: Callable[..., Any], is_remembered: bool
) -> None:
    """What it is given, and what code inside it reads, counts as well."""
    assert reads_only_criteria(preference) is is_remembered
