"""The decision cases, run through the core alone."""

from __future__ import annotations

import pytest

from support.cases import Case, load_cases
from support.core_runner import CoreRun, How
from support.paths import DATA

CASES = load_cases(DATA, runner="core")


@pytest.mark.parametrize("how", How, ids=[how.value for how in How])
@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_the_core_decides_as_the_case_says(case: Case, how: How) -> None:
    """Outcome, code, repository, version and requests are those of the case, with every driver."""
    run = CoreRun(case, how)
    result = run.go()
    expect = case.expect
    found = result.explanation
    assert found.outcome.value == expect.outcome, case.why
    assert expect.code is None or found.code.value == expect.code, case.why
    assert expect.repository is None or expect.repository in result.repositories, case.why
    assert result.version == expect.version, case.why
    asked = {name: run.was_asked(name, expect.project) for name in case.repositories}
    assert [name for name in expect.asked if not asked[name]] == [], case.why
    assert [name for name in expect.not_asked if asked[name]] == [], case.why


def test_there_are_enough_cases() -> None:
    """The cases are found: with an empty folder, any core would pass."""
    assert len(CASES) > 100
