"""Each policy of example-config loads without a warning, and decides as its page states."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from repoprio.config.checks.warnings import policy_warnings
from support.fixtures import EnvFactory, RepositoryFactory
from support.paths import DATA, DOCS, ROOT
from support.pips import PipEnv
from support.policy_files import read_files
from support.repository import FlatDirectory, RepositoryServer

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = ROOT / "example-config"
EXAMPLES: dict[str, dict[str, Any]] = tomllib.loads((DATA / "examples" / "examples.toml").read_text())
PIP = "26.3"
_TABLE = re.compile(r"(?m)^\[repositories\.([a-z0-9-]+)\]\nurl = .*$")
_KEY = re.compile(r"(?m)^repositories\.([a-z0-9-]+)\.url = .*$")


def texts(name: str, urls: Mapping[str, str]) -> dict[str, str]:
    """The files of an example, with the URLs of these repositories instead of its own."""
    found = {file: (FOLDER / file).read_text(encoding="utf-8") for file in EXAMPLES[name]["files"]}
    return {file: _with_urls(text, urls) for file, text in found.items()}


def _with_urls(text: str, urls: Mapping[str, str]) -> str:
    if not urls:
        return text
    text = _TABLE.sub(lambda found: f'[repositories.{found[1]}]\nurl = "{urls[found[1]]}"', text)
    return _KEY.sub(lambda found: f"repositories.{found[1]}.url = {urls[found[1]]}", text)


def layers(files: Mapping[str, str]) -> dict[str, Any]:
    """The files of an example in the layers that its page gives them."""
    if any(file.endswith(".conf") for file in files):
        return {"global": "".join(files.values())}
    main, *pieces = files
    return {"system": files[main], "pieces": {Path(file).name: files[file] for file in pieces}}


def test_every_example_is_here_and_has_its_page() -> None:
    """Every file of example-config is tested, and docs/how-to/examples.md links to it."""
    known = {file for example in EXAMPLES.values() for file in example["files"]} | {"repoprio.toml", "pip.conf"}
    there = {
        str(path.relative_to(FOLDER))
        for path in FOLDER.rglob("*")
        if path.suffix in (".toml", ".conf") and path.parent.name != "serve"
    }
    assert there == known
    page = (DOCS / "how-to" / "examples.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(\.\./\.\./example-config/([^)]+)\)", page))
    assert known <= linked
    assert all((FOLDER / file).exists() for file in linked)


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_loads_without_a_warning(name: str) -> None:
    """There are no errors, and only the warnings that the example's data explains."""
    loaded = read_files(layers(texts(name, {})))
    assert loaded.errors == ()
    assert loaded.policy is not None
    explained = EXAMPLES[name].get("warnings", {})
    assert {warning.code for warning in policy_warnings(loaded.policy)} == set(explained)


class Machine:
    """The repositories of an example on loopback, its policy, and a pip under it."""

    def __init__(self, name: str, env: PipEnv, repository: RepositoryFactory, folder: Path) -> None:
        self.example, self.env = EXAMPLES[name], env
        self.servers: dict[str, RepositoryServer] = {}
        urls = {}
        for label, projects in self.example["serves"].items():
            if label in self.example.get("flat", ()):
                shelf: FlatDirectory | RepositoryServer = FlatDirectory(folder / label, label)
                urls[label] = str(folder / label)
            else:
                shelf = self.servers[label] = repository(label)
                urls[label] = self.servers[label].page_url
            for project, versions in projects.items():
                shelf.add(project, *versions)
        self.files = texts(name, urls)
        self.policy = folder / Path(next(iter(self.files))).name
        # One file for one process: pieces of a policy are one layer with it.
        self.policy.write_text("\n".join(self.files.values()), encoding="utf-8")
        is_pips = self.policy.name.endswith(".conf")
        key = "PIP_CONFIG_FILE" if is_pips else "REPOPRIO_CONFIG"
        self.variables = {key: str(self.policy)}

    def decisions(self) -> dict[str, str]:
        """The result of `repoprio explain` for each request, as the data has it."""
        done = self.env.tool("explain", *self.example["expect"], "--format", "json", env=self.variables)
        assert done.stdout, done.stderr
        found = {}
        for one in json.loads(done.stdout)["projects"]:
            served = f"{one['repository']} {one['version']}"
            found[one["requirement"]] = served if one["outcome"] == "served" else f"{one['outcome']} {one['code']}"
        return found

    def chosen(self, *arguments: str) -> str:
        """What pip would install, or its errors."""
        done = self.env.run("install", "--dry-run", "--no-cache-dir", *arguments, env=self.variables)
        return done.stdout.splitlines()[-1] if done.code == 0 else done.stderr


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_choices_are_as_stated(
    name: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Each request is decided as the data states, pip takes the same, and no repository below an owner is asked."""
    machine = Machine(name, pip_env(PIP), repository, tmp_path)
    expected: dict[str, str] = machine.example["expect"]
    assert machine.decisions() == expected
    served = {request: answer for request, answer in expected.items() if answer.split()[0] in machine.example["serves"]}
    would = {f"{request}-{answer.split()[1]}" for request, answer in served.items()}
    assert set(machine.chosen(*served).removeprefix("Would install ").split()) == would
    for label, names in machine.example.get("never", {}).items():
        assert not machine.servers[label].asked_pages() & set(names), label


def test_an_air_gapped_machine_refuses_at_once(
    pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """An added index, and a URL, are refused without a connection; --no-index changes nothing."""
    machine = Machine("air-gapped", pip_env(PIP), repository, tmp_path)
    assert "[unlisted]" in machine.chosen("--extra-index-url", "https://other.example/simple/", "requests")
    assert "[direct-url]" in machine.chosen("requests @ https://other.example/requests-2.0-py3-none-any.whl")
    assert machine.chosen("--no-index", "requests") == "Would install requests-2.0"


def test_a_private_index_that_is_down_opens_no_name(
    pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """While the private index is down, or a folder of wheels not mounted, no name comes from PyPI."""
    machine = Machine("private-over-pypi", pip_env(PIP), repository, tmp_path)
    machine.servers["corp"].close()
    assert "corp (priority 10) is unavailable" in machine.chosen("requests-internal")
    cluster = Machine("wheelhouse-hpc", pip_env(PIP), repository, tmp_path)
    (tmp_path / "site-builds").rename(tmp_path / "gone")
    assert "site-builds (priority 10) is unavailable" in cluster.chosen("numpy")
    assert not machine.servers["pypi"].asked_pages() | cluster.servers["pypi"].asked_pages()


def test_a_team_cannot_take_what_everybody_shares(tmp_path: Path) -> None:
    """The shared part is locked: settings in a user's pip.conf are errors."""
    files = layers(texts("per-team", {}))
    loaded = read_files({**files, "user": "[repoprio]\nrepositories.mine.url = https://mine.example/simple/\n"})
    assert loaded.policy is None
    assert "locked" in str(loaded.errors[0])
