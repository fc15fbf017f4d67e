"""The exports for Poetry, PDM and pipenv, and what the real tools do with them, also where they do not obey."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repoprio.audit.locks import formats
from repoprio.audit.locks.reading import LockText
from support import lockers
from support.env_store import EnvStore
from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.policy_files import TOOLS
from support.scene import Scene

TOOL = ("poetry", "pdm", "pipenv")


class Lab(Scene):
    """The repositories corp (acme 1.0) above public (acme 99.0, leftpad), and projects with an export for a tool."""

    def __init__(self, repository: RepositoryFactory, folder: Path, env: PipEnv, store: EnvStore) -> None:
        super().__init__(repository, folder)
        self.public.add("leftpad", "1.3")
        self._env, self._store, self._count = env, store, 0

    def export(self, tool: str, *options: str) -> Completed:
        """The export of the current policy."""
        return self._env.tool("export", tool, *options, policy=self.file)

    def locked(self, tool: str, *requirements: str, exported: str | None = None) -> dict[str, str | None] | None:
        """The versions that the real tool locks with the export; None if it refuses."""
        self._count += 1
        folder = self.folder / f"{tool}-{self._count}"
        lockers.project(tool, folder, exported or self.export(tool).stdout, *requirements)
        done = lockers.run(self._store, tool, folder, "lock")
        assert "nvalid" not in done.stderr or done.code == 0, done.stderr
        if done.code:
            return None
        name = lockers.LOCKS[tool]
        text = (folder / name).read_text()
        format_ = formats.format_of(name)
        assert format_
        document = json.loads(text) if format_.is_json else TOOLS.parse_toml(text)
        return {one.name: one.version for one in format_.read(document, LockText(text, name)).packages}


@pytest.fixture
def lab(repository: RepositoryFactory, tmp_path: Path, pip_env: EnvFactory, env_store: EnvStore) -> Lab:
    """A lab."""
    return Lab(repository, tmp_path, pip_env("26.3"), env_store)


@pytest.mark.story
@pytest.mark.parametrize("tool", TOOL)
def test_real_tools_take_the_owners_file(tool: str, lab: Lab) -> None:
    """With the export the tool takes acme from corp, as pip does; the export still warns first."""
    done = lab.export(tool)
    assert (done.code, done.stderr.splitlines()[1][:18]) == (1, "repoprio: WARNING:"), done.stderr
    assert done.stdout.splitlines()[2].startswith("# WARNING: ")
    assert lab.locked(tool, "acme") == {"acme": "1.0"}
    # It is the order that decides.
    lab.policy(corp="", at={"corp": lab.public.page_url, "public": lab.corp.page_url})
    assert lab.locked(tool, "acme") == {"acme": "99.0"}


@pytest.mark.full
@pytest.mark.parametrize("tool", TOOL)
def test_what_the_warning_says_is_true(tool: str, lab: Lab) -> None:
    """Poetry and PDM take a stranger's version if none of the owner's fits.

    Pipenv finds nothing below the first source.
    """
    warning = lab.export(tool).stderr
    low = lab.locked(tool, "acme>=2")
    if tool == "pipenv":
        assert low is None
        assert lab.locked(tool, "leftpad") is None
        assert "What only public has is not found" in warning
        assert lab.locked(tool, "leftpad@public") == {"leftpad": "1.3"}
        lab.corp.answer("acme", Fault(status=401))
        assert lab.locked(tool, "acme") is None
        return
    assert low == {"acme": "99.0"}
    assert "as soon as no file of the sources before it fits" in warning
    assert lab.locked(tool, "leftpad") == {"leftpad": "1.3"}
    lab.corp.answer("acme", Fault(status=401))
    assert lab.locked(tool, "acme") == {"acme": "99.0"}
    lab.corp.answer("acme", Fault(status=500))
    assert lab.locked(tool, "acme") == (None if tool == "poetry" else {"acme": "99.0"})
    assert ("answers 401 or 403" if tool == "poetry" else "does not answer") in warning


@pytest.mark.full
def test_pdm_reserves_names(lab: Lab) -> None:
    """`owns`, `namespaces`, routes, blocks and `explicit` are enforced in PDM, for dependencies too."""
    lab.corp.add("acme-ui", {"version": "1.0", "requires": ["acme>=2"]})
    lab.policy(corp='owns = ["acme"]')
    assert lab.locked("pdm", "acme-ui") is None
    assert lab.locked("pdm", "acme") == {"acme": "1.0"}
    lab.corp.answer("acme", Fault(status=500))
    assert lab.locked("pdm", "acme") is None
    lab.corp.add("leftpad", "1.0")
    lab.policy('[pins.l]\nprojects = ["left*"]\nblock = "no"\n')
    assert lab.locked("pdm", "leftpad") is None
    lab.policy('[pins.l]\nprojects = ["left*"]\nrepositories = ["public"]\n', corp="explicit = true")
    assert lab.locked("pdm", "leftpad", "acme") == {"leftpad": "1.3", "acme": "99.0"}


@pytest.mark.full
def test_poetry_routes_what_the_project_requires(lab: Lab) -> None:
    """A route from the export's comments makes Poetry refuse a name that the owner does not have."""
    lab.policy(corp='owns = ["acme"]')
    done = lab.export("poetry")
    assert "Poetry cannot reserve acme without source" in done.stderr
    route = '[tool.poetry.dependencies]\nacme = { source = "corp" }\n'
    assert all(f"# {line}" in done.stdout for line in route.splitlines())
    assert lab.locked("poetry", "acme>=2", exported=f"{done.stdout}\n{route}") is None
    assert lab.locked("poetry", "acme", exported=f"{done.stdout}\n{route}") == {"acme": "1.0"}


@pytest.mark.parametrize("tool", TOOL)
def test_check_compares_a_file(tool: str, lab: Lab) -> None:
    """What was exported matches; another order or another URL does not, and no login is shown."""
    name = "Pipfile" if tool == "pipenv" else "pyproject.toml"
    file = lab.folder / name
    text = lab.export(tool).stdout
    file.write_text(text.replace(f'{lab.corp.page_url}"', f'{lab.corp.page_url.rstrip("/")}"'))
    done = lab.export(tool, "--check", str(file))
    assert (done.code, done.stdout) == (0, f"{file}: matches the policy\n"), done.stderr
    file.write_text(text.replace(lab.corp.page_url, "https://u:s3cret@evil.example/"))
    done = lab.export(tool, "--check", str(file))
    assert (done.code, "source corp: url is " in done.stdout, "s3cret" in done.stdout) == (1, True, False)
    file.write_text("")
    assert "its sources are none, and the policy says" in lab.export(tool, "--check", str(file)).stdout


@pytest.mark.story
@pytest.mark.parametrize("tool", TOOL)
def test_without_a_policy_nothing_is_exported(tool: str, lab: Lab) -> None:
    """A tool would continue with PyPI: nothing is printed, and the status is 2; one repository needs no warning."""
    lab.file.write_text(f'[repositories.corp]\nurl = "{lab.corp.page_url}"\nenabled = false\n')
    done = lab.export(tool)
    assert (done.code, done.stdout) == (2, "")
    assert "nothing was exported. repositories: " in done.stderr
    lab.file.write_text(f'[repositories.corp]\nurl = "{lab.corp.page_url}"\n')
    done = lab.export(tool)
    assert (done.code, "WARNING" in done.stdout + done.stderr) == (0, False), done.stderr
    assert lab.locked(tool, "acme") == {"acme": "1.0"}
