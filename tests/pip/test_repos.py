"""`repoprio repos`: the tiers and their origins; with --check, remarks on each repository."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repoprio.policy.model import Location, Pin, Policy, Repository
from repoprio.policy.patterns import Pattern
from repoprio.render.repos import names
from support.faults import Fault
from support.files import parse
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv
from support.repository import RepositoryServer, most_at_once

EMPTY = Fault(empty_page=True)


def written(folder: Path, **tables: str) -> Path:
    """A policy with these repositories, the first one highest."""
    file = folder / "policy.toml"
    texts = [
        f"[repositories.{name}]\npriority = {10 * n}\n{text}\n" for n, (name, text) in enumerate(tables.items(), 1)
    ]
    file.write_text("".join(texts))
    return file


def checked(env: PipEnv, policy: Path, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status and the repositories by name."""
    done = env.tool("repos", "--check", "--format", "json", *arguments, policy=policy)
    assert "Traceback" not in done.stderr
    return done.code, {one["name"]: one for one in json.loads(done.stdout)["repositories"]}


def codes(one: dict[str, Any]) -> list[str]:
    """The codes of the remarks on a repository."""
    return [remark["code"] for remark in one["remarks"]]


def public(server: RepositoryServer) -> None:
    """Stock a mirror of PyPI."""
    for name in ("pip", "setuptools", "requests"):
        server.add(name, parse("1.0"))


@pytest.mark.parametrize("pip_version", ["22.0.2", "26.3"])
def test_each_repository_has_its_remarks(
    pip_version: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Empty pages, a mirror of PyPI above others, a canary, a missing login, an outage: each has its remark."""
    own, empty, mirror, login = (repository(name) for name in ("own", "empty", "mirror", "login"))
    own.add("acme", parse("1.0"))
    empty.answer_all(EMPTY)
    public(mirror)
    login.answer_all(Fault(basic_auth="u:p"))
    public(lowest := repository("lowest", layout="html"))
    policy = written(
        tmp_path,
        own=f'url = "{own.page_url}"\ncanary = "acme"\nnamespaces = ["acme*"]',
        empty=f'url = "{empty.page_url}"',
        mirror=f'url = "{mirror.page_url}"',
        login=f'url = "{login.page_url}"',
        gone=f'url = "{tmp_path}/gone"\nformat = "flat"',
        lowest=f'url = "{lowest.page_url}"',
    )
    code, found = checked(pip_env(pip_version), policy)
    assert code == 1
    assert {name: codes(one) for name, one in found.items()} == {
        "own": [],
        "empty": ["empty-pages"],
        "mirror": ["mirror-of-pypi"],
        "login": ["login"],
        "gone": ["missing-place"],
        "lowest": [],
    }
    assert found["empty"]["remarks"][0]["setting"] == 'absent = [404, "empty-page"]'
    assert [found[name]["check"]["reachable"] for name in found] == [True, True, True, False, False, True]
    assert found["lowest"]["check"]["api"] == "HTML 1.0"
    assert found["own"]["check"]["api"]
    assert (found["mirror"]["check"]["api"] or "").startswith("JSON 1." if pip_version == "26.3" else "HTML 1.")
    assert found["mirror"]["check"]["known"] == {"pip": "serves", "setuptools": "serves"}
    assert found["own"]["check"]["asked"].startswith(own.page_url)


def test_mirrors_are_asked_each(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> None:
    """Each URL of a repository is reported; one that answers is enough for exit status 0."""
    down, first, second = (repository(name) for name in ("down", "first", "second"))
    down.answer_all(Fault(status=503))
    first.answer_all(Fault(status=503))
    second.add("acme", parse("1.0"))
    mirrors = json.dumps([first.page_url, second.page_url])
    policy = written(tmp_path, corp=f'url = "{down.page_url}"\nmirrors = {mirrors}')
    code, found = checked(pip_env("26.3"), policy)
    assert (code, codes(found["corp"])) == (0, ["try-again", "mirror-silent", "mirror-answers"])
    assert [one["reachable"] for one in found["corp"]["mirror_checks"]] == [False, True]
    text = pip_env("26.3").tool("repos", "--check", policy=policy, env={"COLUMNS": "80"}).stdout
    assert f"its mirror {second.page_url} answers" in " ".join(text.split())


def test_names_that_are_forwarded(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> None:
    """A server that redirects unknown names to another site gets a remark that names the key `redirects`."""
    here, pypi = repository("here"), repository("pypi")
    here.add("acme", parse("1.0"))
    away = repository("away")
    away.answer_all(Fault(redirect="https://elsewhere.example/simple/x/"))
    policy = written(tmp_path, away=f'url = "{away.page_url}"', pypi=f'url = "{pypi.page_url}"')
    code, found = checked(pip_env("26.3"), policy, "away")
    assert (code, list(found), codes(found["away"])) == (1, ["away"], ["forwards"])
    assert "repositories.away.redirects" in found["away"]["remarks"][0]["text"]


def test_without_check_nothing_is_asked(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> None:
    """The tiers are shown with each file and key that places a repository, and no request is made."""
    corp = repository("corp")
    policy = written(
        tmp_path,
        corp=f'url = "{corp.page_url}"\nowns = ["acme-*"]\nexclude = ["acme-old"]',
        off='url = "https://off.example/simple/"\nenabled = false',
        special='url = "https://special.example/simple/"\nexplicit = true',
    )
    done = pip_env("26.3").tool("repos", policy=policy, env={"COLUMNS": "80"})
    assert (done.code, done.stderr, corp.requests) == (0, "", [])
    words = " ".join(done.stdout.split())
    assert "2 repositories in 2 tiers, 1 disabled" in words
    assert "acme-* only from here (owns); not acme-old (exclude)" in words
    assert f"{policy}: url, priority, owns, exclude" in words
    own = ("://", str(tmp_path), str(pip_env("26.3").python))
    assert max(len(line) for line in done.stdout.splitlines() if not any(text in line for text in own)) <= 80


def test_wrong_use(pip_env: EnvFactory, tmp_path: Path) -> None:
    """An unknown name, a faulty policy and none at all are exit status 2, each with a way out."""
    policy = written(tmp_path, corp='url = "https://corp.example/simple/"')
    env = pip_env("26.3")
    done = env.tool("repos", "crop", policy=policy)
    assert (done.code, "'crop' is not a repository of the policy (known: corp" in done.stderr) == (2, True)
    policy.write_text("faulty = 1\n")
    assert env.tool("repos", "--check", policy=policy).code == 2
    done = env.tool("repos")
    assert (done.code, "[no-policy]" in done.stderr) == (2, True)


CORP = Repository("corp", (Location.of("https://corp.example/simple/"),), 10)
PYPI = Repository("pypi", (Location.of("https://pypi.example/simple/"),), 90)


@pytest.mark.parametrize(
    ("keys", "pin", "said"),
    [
        ({}, None, "all that no repository above it has"),
        (
            {"owns": ("acme", "acme-*")},
            None,
            "all that no repository above it has, except acme, acme-* (owns of corp)",
        ),
        (
            {"namespaces": ("acme-*",), "enabled": False},
            None,
            "all that no repository above it has, except acme-* (namespaces of corp)",
        ),
        (
            {"owns": ("acme", "other")},
            Pin("mine", (Pattern.parse("acme"),), repositories=("pypi",)),
            "all that no repository above it has, except other (owns of corp); acme routed to it (pins.mine)",
        ),
        (
            {},
            Pin("torch", (Pattern.parse("torch"),), repositories=("corp",)),
            "all that no repository above it has, except torch (pins.torch)",
        ),
        (
            {},
            Pin("leftpad", (Pattern.parse("leftpad"),), block="no"),
            "all that no repository above it has, except leftpad (blocked by pins.leftpad)",
        ),
    ],
)
def test_names_that_are_routed_away_are_listed(keys: dict[str, Any], pin: Pin | None, said: str) -> None:
    """Names that another repository owns, or that a pin routes or blocks, are listed as never served here."""
    parsed: dict[str, Any] = {k: tuple(map(Pattern.parse, v)) if isinstance(v, tuple) else v for k, v in keys.items()}
    corp = replace(CORP, **parsed)
    policy = Policy((corp, PYPI), (pin,) if pin else ())
    assert names(policy, PYPI) == said


def test_its_own_limits_come_first() -> None:
    """First come its own keys, then names routed elsewhere; with `include` those are left out."""
    corp = replace(CORP, owns=(Pattern.parse("acme"),))
    narrow = replace(PYPI, exclude=(Pattern.parse("internal-*"),))
    assert names(Policy((corp, narrow)), narrow) == "not internal-* (exclude); not acme (owns of corp)"
    listed = replace(PYPI, include=(Pattern.parse("six"),))
    assert names(Policy((corp, listed)), listed) == "only six (include)"


LATENCY = 0.1


def test_repositories_are_checked_side_by_side(
    pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Repositories and mirrors are asked in parallel, with the same requests and report as one by one."""
    servers = [repository(f"r{number}") for number in range(6)]
    for server in servers:
        server.add("acme", parse("1.0"))
        server.answer_all(Fault(hang=LATENCY))
    mirror, login, down = servers[3:]
    login.answer_all(Fault(basic_auth="u:p"))
    down.answer_all(Fault(status=503))
    tables = {server.label: f'url = "{server.page_url}"\ncanary = "acme"' for server in servers if server is not mirror}
    tables["r0"] += f'\nmirrors = ["{mirror.page_url}"]'
    told, asked, at_once = [], [], []
    for before in ("", "fetch-ahead = false\n"):
        policy = written(tmp_path, **tables)
        policy.write_text(before + policy.read_text())
        done = pip_env("26.3").tool("repos", "--check", "--format", "json", policy=policy)
        assert (done.code, "Traceback" in done.stderr) == (1, False), done.stderr
        told.append(re.sub(r'("seconds": )[\d.]+|repoprio-[0-9a-f]{16}', r"\1", done.stdout))
        asked.append([sorted(re.sub("repoprio-[0-9a-f]+", "random", one) for one in s.requests) for s in servers])
        at_once.append(most_at_once(servers))
        for server in servers:
            server._requests.clear()
            server.spans.clear()
    assert told[0] == told[1]
    # The deciding thread asks again where a worker had no sound answer.
    assert asked[0][:4] == asked[1][:4]
    assert at_once[0] > 3
    assert at_once[1] == 1
