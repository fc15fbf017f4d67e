"""The decision cases, run with real pips and with `repoprio explain`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from support.cases import Case, Realized, load_cases, realize
from support.files import fold
from support.fixtures import EnvFactory
from support.paths import DATA

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NEW, OLD = "26.3", "24.0"
SETTINGS: Final = {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "2"}
TRANSITIVE: Final = "transitive.toml"
# What `explain` takes of pip's options; the others change nothing that it tells.
_EXPLAINED: Final = ("--pre", "--no-index", "--index-url", "--extra-index-url", "--find-links")
CASES = load_cases(DATA, runner="pip")
# pip alone takes a direct URL: no repository decides, so there is no choice to compare.
EXPLAINED = tuple(it for it in CASES if it.source != TRANSITIVE and it.expect.code != "direct-url")


def _matrix(cases: Sequence[Case], *, share: int = 1) -> list[Any]:
    """The cases on both pips; by default one in `share` of them, the others with `-m full`."""
    return [
        pytest.param(
            case, pip_version, id=f"{case.id}-{pip_version}", marks=[pytest.mark.full] if number % share else []
        )
        for pip_version in (NEW, OLD)
        for number, case in enumerate(cases)
        if not case.pips or pip_version in case.pips
    ]


@pytest.mark.parametrize(("case", "pip_version"), _matrix(CASES))
def test_pip_decides_as_the_case_says(
    case: Case,
    pip_version: str,
    pip_env: EnvFactory,
    tmp_path: Path,
) -> None:
    """Pip takes the file that the case states, or refuses with the stated code."""
    env = pip_env(pip_version)
    with realize(case, tmp_path) as real:
        done = env.choices(
            *real.request,
            policy=real.policy,
            options=real.pip_options,
            env={**SETTINGS, **real.env},
        )
        assert "Traceback" not in done.stderr, done.stderr
        for text in real.says:
            assert text in done.stderr, f"{case.why}\n{done.stderr}"
        if case.expect.outcome == "served":
            assert done.code == 0, f"{case.why}\n{done.stderr}"
            chosen = done.choices[case.expect.project]
            assert chosen.version == case.expect.version, case.why
            if case.expect.repository:
                assert _is_from(real, case.expect.repository, chosen.url), case.why
            for name, repository in case.expect.also.items():
                assert _is_from(real, repository, done.choices[name].url), case.why
        else:
            assert done.code == 1, f"{case.why}\n{done.stdout}\n{done.stderr}"
            if case.expect.code:
                assert f"[{case.expect.code}]" in done.stderr, f"{case.why}\n{done.stderr}"
        _check_asked(real)


@pytest.mark.parametrize(("case", "pip_version"), _matrix(EXPLAINED, share=6))
def test_explain_agrees_with_pip(
    case: Case,
    pip_version: str,
    pip_env: EnvFactory,
    tmp_path: Path,
) -> None:
    """`explain` reports the outcome, repository and version of the same case, with no more requests."""
    env = pip_env(pip_version)
    with realize(case, tmp_path) as real:
        options = _options(real)
        command = ("explain", "--format", "json", *options, *real.request)
        done = env.tool(*command, policy=real.policy, env={**SETTINGS, **real.env})
        served = case.expect.outcome == "served"
        assert "Traceback" not in done.stderr, done.stderr
        assert done.code == (0 if served else 1), f"{case.why}\n{done.stdout}\n{done.stderr}"
        _check_asked(real)
        if case.expect.code == "unlisted":
            assert "[unlisted]" in done.stderr, done.stderr
            return
        projects = json.loads(done.stdout)["projects"]
        told = next(it for it in projects if it["project"] == case.expect.project)
        assert told["outcome"] == case.expect.outcome, case.why
        assert case.expect.code is None or told["code"] == case.expect.code, case.why
        assert told["version"] == case.expect.version, case.why
        if case.expect.repository in _repositories(real):
            assert told["repository"] == case.expect.repository, case.why


def test_enough_cases_go_through_pip() -> None:
    """The cases are found, and many of them run with pip itself."""
    assert len(CASES) >= 70


def _options(real: Realized) -> list[str]:
    known = [option for option in real.options if option.startswith("-")]
    assert set(known) <= set(_EXPLAINED), f"explain takes no {set(known) - set(_EXPLAINED)}"
    constraints = ["-c", str(real.constraints_file)] if real.constraints_file else []
    return [*real.options, *constraints]


def _repositories(real: Realized) -> dict[str, dict[str, Any]]:
    """The repositories as the policy names them."""
    tables: dict[str, dict[str, Any]] = tomllib.loads(real.policy_text)["repositories"]
    return tables


def _is_from(real: Realized, repository: str, url: str) -> bool:
    """Whether the file lies in the repository: at its URL, a mirror, or where it may redirect."""
    table = _repositories(real).get(repository)
    if table is None:
        return real.repository_of(url) == repository
    homes = [table["url"], *table.get("mirrors", ())]
    sites = [site for site, means in table.get("redirects", {}).items() if means == "follow"]
    keys = {key for key, home in real.urls.items() if home in homes or _is_on(home, sites)}
    keys |= {repository} & set(real.repositories)
    return real.repository_of(url) in keys


def _is_on(url: str, sites: list[str]) -> bool:
    return urlsplit(url).netloc in {urlsplit(site).netloc for site in sites}


def _check_asked(real: Realized) -> None:
    expect = real.case.expect
    project = fold(expect.project)
    asked = {name: real.asked(name, project) for name in (*expect.asked, *expect.not_asked)}
    assert [name for name in expect.asked if not asked[name]] == [], real.case.why
    assert [name for name in expect.not_asked if asked[name]] == [], real.case.why
