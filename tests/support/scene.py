"""Scenes: repositories one above the other, a policy that names them, and the choices of a pip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from repoprio.policy.model import Policy

from .fixtures import RepositoryFactory
from .pips import Completed, PipEnv
from .policy_files import parsed_policy
from .repository import FileLike

PRIORITIES: Final = {"corp": 10, "team": 50, "public": 90}


def policy_text(urls: Mapping[str, str], extra: str = "", *, before: str = "", **own: str) -> str:
    """A policy that names repositories by their URLs, the highest-priority one first.

    More text may stand at its begin, at its end (`extra`), or (`own`) in the table of the repository of that name.
    """
    tables = (
        repository_table(name, url, PRIORITIES.get(name, 10 * number), own.get(name, ""))
        for number, (name, url) in enumerate(urls.items(), 1)
    )
    return f"{before}\n{''.join(tables)}{extra}\n"


def repository_table(name: str, url: str, priority: int, more: str = "") -> str:
    """A repository as a policy has it; `more` is the rest of its table."""
    return f'[repositories.{name}]\nurl = "{url}"\npriority = {priority}\n{more}\n'


def refused(done: Completed, code: str) -> str:
    """The stderr of a run that must have ended in a refusal."""
    assert done.code == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "ERROR: repoprio: " in done.stderr
    assert f"[{code}]" in done.stderr
    return done.stderr


class Scene:
    """Repositories, and a policy that names them: corp (priority 10) above public (90), unless others are named.

    `corp` is the highest one and `public` the lowest. acme is 99.0 in public, and in corp what `acme` says.
    """

    def __init__(
        self,
        repository: RepositoryFactory,
        folder: Path,
        *names: str,
        acme: Sequence[FileLike] = ("1.0",),
        **options: Any,
    ) -> None:
        """Start the repositories, with these options, and write the policy into the folder."""
        self.servers = {name: repository(name, **options) for name in names or ("corp", "public")}
        ranked = list(self.servers.values())
        self.corp, self.public = ranked[0], ranked[-1]
        self.folder, self.file = folder, folder / "repoprio.toml"
        if acme:
            self.corp.add("acme", *acme)
            self.public.add("acme", "99.0")
        self.policy()

    def policy(self, extra: str = "", *, before: str = "", at: Mapping[str, str] | None = None, **own: str) -> Path:
        """Write the policy, with repositories `at` other URLs and more text as `policy_text` has it; its file."""
        urls = {name: server.page_url for name, server in self.servers.items()} | dict(at or {})
        self.file.write_text(policy_text(urls, extra, before=before, **own), encoding="utf-8")
        return self.file

    def parsed(self, extra: str = "", **own: str) -> Policy:
        """The policy, written as in `policy`, and read."""
        return parsed_policy(self.policy(extra, before="", at=None, **own).read_text(encoding="utf-8"))

    def section(self) -> str:
        """The policy as a section of a pip file."""
        tables = ((name, server.page_url, PRIORITIES[name]) for name, server in self.servers.items())
        keys = (f"repositories.{name}.url = {url}\nrepositories.{name}.priority = {n}\n" for name, url, n in tables)
        return "[repoprio]\n" + "".join(keys)

    @property
    def indexes(self) -> list[str]:
        """Pip's own options for the highest and the lowest repository, as equals."""
        return ["--index-url", self.corp.page_url, "--extra-index-url", self.public.page_url]

    def forget(self) -> None:
        """Forget all recorded requests."""
        for server in self.servers.values():
            server._requests.clear()


class Pair(Scene):
    """An environment with repoprio (`home`), one without (`other`), and corp above public."""

    def __init__(self, home: PipEnv, other: PipEnv, repository: RepositoryFactory) -> None:
        super().__init__(repository, home.root)
        self.home, self.other = home, other

    def pip(self, *arguments: str) -> Completed:
        """Run the other environment's pip under the policy."""
        return self.other.run(*arguments, policy=self.file)

    def guarded(self) -> bool:
        """Whether the other environment's pip obeys; without a guard it takes what the command line names."""
        done = self.pip("install", "--dry-run", *self.indexes, "acme")
        assert done.code == 0, done.stderr
        return "Would install acme-1.0" in done.stdout


@pytest.fixture
def scene(repository: RepositoryFactory, tmp_path: Path) -> Scene:
    """corp, with acme up to 1.1, above public, which also has requests, which requires acme."""
    made = Scene(repository, tmp_path, acme=("1.0", "1.1", {"version": "1.0", "sdist": True}))
    made.public.add("requests", {"version": "2.0", "requires": ["acme"]})
    return made
