"""The decision cases through the gateway, with real pip, uv, Poetry and PDM as its clients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from repoprio.audit.locks import formats
from repoprio.audit.locks.reading import LockText
from repoprio.config.load import read_text
from support import lockers
from support.cases import Case, Realized, realize
from support.env_store import EnvStore
from support.files import fold
from support.fixtures import EnvFactory
from support.gateway_cases import CASES, depends_on_requirements, has_only_local_repositories
from support.gateways import GatewayProcess
from support.policy_files import TOOLS
from support.uvs import run_uv

# What people see of a refusal, as the manual says.
SHOWS: Final = {
    "pip": "No matching distribution found for",
    "uv": "Server message: ",
    "poetry": "Error: ",
    "pdm": "[CandidateNotFound]: Unable to find candidates for",
}
CLIENTS: Final = ("pip", "uv", "poetry", "pdm")
# A client that locks for other machines too.
UNIVERSAL: Final = ("poetry", "pdm")
# One of each kind of answer; `-m full` runs them all.
BY_DEFAULT: Final = frozenset({"owner-keeps-its-name", "owns-a-name-not-yet-served"})
# Its clients wait and try again, which takes seconds.
_SHOWN: Final = BY_DEFAULT | {"status-503"}
# Of two files of one name and version the page has the first: whether it fits a client is not known.
_BY_PLATFORM: Final = "merge-same-version-no-candidate-above"
_NOT_FOR: Final = {
    # Poetry cannot read such a Date, which comes with a file of the repository.
    "a-malformed-date": {"poetry"},
    # To pip, a page that it does not get has no files: it tries an older version of what requires the project.
    "backtracking-not-around-an-outage": {"pip"},
}

Chosen = Mapping[str, str | None]


class Client:
    """One client, whose only index is a gateway."""

    def __init__(self, name: str, folder: Path, pip_env: EnvFactory, store: EnvStore) -> None:
        self.name, self._folder, self._pip_env, self._store = name, folder, pip_env, store

    def choice(self, url: str, wanted: tuple[str, ...]) -> tuple[Chosen | None, str]:
        """The versions that the client chooses, None if it refuses; and its output."""
        return {"pip": self._pip, "uv": self._uv}.get(self.name, self._locker)(url, wanted)

    def _pip(self, url: str, wanted: tuple[str, ...]) -> tuple[Chosen | None, str]:
        options = ("--dry-run", "--ignore-installed", "-q", "--retries", "0", "--report", "-", "--index-url", url)
        done = self._pip_env("26.3", stock=True).run("install", *options, *wanted)
        if done.code:
            return None, done.stderr
        found = [one["metadata"] for one in json.loads(done.stdout)["install"]]
        return {fold(one["name"]): one["version"] for one in found}, done.stderr

    def _uv(self, url: str, wanted: tuple[str, ...]) -> tuple[Chosen | None, str]:
        self._folder.mkdir()
        (self._folder / "wanted.txt").write_text("\n".join(wanted))
        options = ("-q", "--no-header", "--no-annotate", "--default-index", url)
        done = run_uv(self._folder, "pip", "compile", *options, "wanted.txt")
        pins = (line.partition("==") for line in done.stdout.splitlines() if "==" in line)
        return None if done.code else {fold(name): version.split()[0] for name, _, version in pins}, done.stderr

    def _locker(self, url: str, wanted: tuple[str, ...]) -> tuple[Chosen | None, str]:
        source = f'name = "{"pypi" if self.name == "pdm" else "gateway"}"\nurl = "{url}"\n'
        lockers.project(self.name, self._folder, f"[[tool.{self.name}.source]]\n{source}", *wanted)
        done = lockers.run(self._store, self.name, self._folder, "lock")
        if done.code:
            return None, done.stdout + done.stderr
        name = lockers.LOCKS[self.name]
        text = (self._folder / name).read_text()
        format_ = formats.format_of(name)
        assert format_
        packages = format_.read(TOOLS.parse_toml(text), LockText(text, name)).packages
        return {fold(one.name): one.version for one in packages}, done.stderr


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.id, marks=() if case.id in BY_DEFAULT else pytest.mark.full)
        for case in CASES
        if case.id != _BY_PLATFORM
    ],
)
def test_each_client_decides_as_the_case_says(
    case: Case, tmp_path: Path, pip_env: EnvFactory, env_store: EnvStore
) -> None:
    """A client takes the owner's version, or stops; no repository below the owner is asked, whatever it does."""
    with realize(case, tmp_path) as real:
        policy = read_text(real.policy_text, "policy.toml", real.env, TOOLS)
        if depends_on_requirements(policy) or not has_only_local_repositories(policy) or case.constraints:
            pytest.skip("no gateway serves this, or a caller's constraint decides")
        file = tmp_path / "repoprio.toml"
        file.write_text(real.policy_text)
        with GatewayProcess(file, tmp_path / "ownership.sqlite") as gateway:
            for name in (name for name in CLIENTS if name not in _NOT_FOR.get(case.id, ())):
                client = Client(name, tmp_path / f"client-{name}", pip_env, env_store)
                check(name, real, *client.choice(gateway.url, real.request))


def check(client: str, real: Realized, chosen: Chosen | None, said: str) -> None:
    """Compare what a client did with what the case states."""
    case, expect = real.case, real.case.expect
    project = fold(expect.project)
    told = f"{client}: {case.why}\n{said}"
    if expect.outcome == "served" and expect.version is not None:
        assert chosen is not None, told
        assert chosen.get(project) == expect.version, told
    elif expect.outcome != "no-match" or client not in UNIVERSAL:
        assert chosen is None, told
        if case.id in _SHOWN:
            assert SHOWS[client] in said, told
    assert [name for name in expect.not_asked if real.asked(name, project)] == [], told
