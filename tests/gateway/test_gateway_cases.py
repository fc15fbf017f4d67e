"""The decision cases through the gateway: those that depend on no requirement and no option of a caller."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from repoprio.config.load import read_text
from repoprio.policy.model import Policy
from repoprio.serve import limits
from support.cases import Case, Realized, realize
from support.files import fold
from support.gateway_cases import CASES, depends_on_requirements, has_only_local_repositories
from support.gateways import Answer, serving
from support.policy_files import TOOLS

# By outcome: the statuses that fit. What only a requirement rules out is on the page all the same.
STATUSES: Final = {"served": {200}, "no-match": {200}, "unavailable": {503}, "blocked": {410}, "absent": {404, 410}}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_gateway_decides_as_the_case_says(case: Case, tmp_path: Path) -> None:
    """A client gets the owner's page, or the status that says why there is none; no other repository is asked."""
    with realize(case, tmp_path) as real:
        policy = read_text(real.policy_text, "policy.toml", real.env, TOOLS)
        if depends_on_requirements(policy):
            with pytest.raises(limits.CannotServe):
                limits.check(policy)
            return
        if not has_only_local_repositories(policy):
            pytest.skip("a repository that is not on loopback")
        with serving(policy, tmp_path / "store" / "ownership.sqlite") as served:
            answer = served.page(fold(case.expect.project))
        check(real, policy, answer)


def check(real: Realized, policy: Policy, answer: Answer) -> None:
    """Compare an answer with what the case states."""
    case, expect = real.case, real.case.expect
    assert answer.status in STATUSES[expect.outcome], f"{case.why}\n{answer.body.decode()}"
    if answer.status != 200:
        assert "files" not in answer.document, case.why
        assert answer.headers["cache-control"] == "no-store"
    elif expect.repository:
        owners = answer.headers["x-repoprio-owner"].split(", ")
        assert expect.repository in owners, case.why
        assert {urlsplit(url).netloc for url in answer.files.values()} <= _sites(policy, owners), case.why
        assert expect.version is None or any(f"-{expect.version}" in name for name in answer.files), case.why
    project = fold(expect.project)
    asked = {name: real.asked(name, project) for name in (*expect.asked, *expect.not_asked)}
    assert [name for name in expect.asked if not asked[name]] == [], case.why
    assert [name for name in expect.not_asked if asked[name]] == [], case.why


def _sites(policy: Policy, owners: list[str]) -> set[str]:
    """The sites on which files of repositories may lie: those of their URLs and mirrors, and of allowed redirects."""
    repositories = [repository for repository in policy.repositories if repository.name in owners]
    urls = {location.url for repository in repositories for location in repository.locations}
    sites = {str(site) for repository in repositories for site in repository.redirects}
    # A file that the gateway relays has a relative URL.
    return {"", *(urlsplit(url).netloc for url in urls | sites)}


def test_enough_cases_go_through_the_gateway() -> None:
    """The cases are found."""
    assert len(CASES) >= 100
