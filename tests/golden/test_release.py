"""The parts of a release and the files around the code: one version, and examples with commands that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from repoprio import __version__
from repoprio.cli.grammar import parser
from repoprio.config.checks.warnings import policy_warnings
from support.paths import ROOT
from support.policy_files import read_files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLES = ROOT / "example-config"
CALLERS = [
    *sorted((EXAMPLES / "ci").iterdir()),
    *sorted((EXAMPLES / "machines").iterdir()),
    *sorted((ROOT / ".github" / "workflows").iterdir()),
]
# A command of repoprio with its arguments, up to the end of the line.
_CALL = re.compile(r"(?:^\s*|- |run: |command: )(?:PATH=\S+ )?(?:/opt/repoprio/bin/)?repoprio ([^\n]+)", re.MULTILINE)


def document(file: Path) -> Any:
    """The content of a YAML file."""
    return YAML(typ="safe").load(file.read_text(encoding="utf-8"))


def calls() -> Iterator[tuple[Path, list[str]]]:
    """Each repoprio command in those files."""
    for file in CALLERS:
        for found in _CALL.findall(file.read_text(encoding="utf-8")):
            yield file, found.split()


def test_the_version_is_in_one_place() -> None:
    """The project's metadata has the version of the package, and the changelog begins with it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/repoprio/__init__.py"
    first = next(line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if "## " in line)
    assert first.split()[1] == __version__


@pytest.mark.parametrize(("version", "problem"), [("99.0", "not 99.0"), (__version__, "has no line")])
def test_no_release_of_another_version_or_without_a_changelog(version: str, problem: str) -> None:
    """Nothing is built for a tag that is not the package's version, or whose section says that it is not released."""
    if f"\n## {version}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        pytest.skip("this version is released")
    done = subprocess.run([str(ROOT / ".ci" / "release"), version], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert problem in done.stdout


@pytest.mark.parametrize(
    ("file", "words"), list(calls()), ids=[f"{file.name}-{' '.join(words)}" for file, words in calls()]
)
def test_examples_call_commands_that_exist(file: Path, words: list[str]) -> None:
    """The command line accepts each repoprio command in CI snippets, workflows and machine examples."""
    assert parser.parse(words).command, file


def test_each_example_calls_repoprio() -> None:
    """The test above covers all files that show commands of repoprio."""
    assert {file for file, _ in calls()} >= {file for file in CALLERS if EXAMPLES in file.parents}


def test_the_policy_of_cloud_init_is_sound() -> None:
    """cloud-init writes a policy without errors or warnings to the place where setup-image reads it."""
    config = document(EXAMPLES / "machines" / "cloud-init.yml")
    (file,) = config["write_files"]
    assert f"repoprio setup-image --policy {file['path']}" in config["runcmd"]
    loaded = read_files({"system": file["content"]})
    assert loaded.errors == ()
    assert loaded.policy is not None
    assert [repository.name for repository in loaded.policy.repositories] == ["corp", "pypi"]
    assert policy_warnings(loaded.policy) == []


def test_the_first_policy_that_a_newcomer_copies_gives_no_warning() -> None:
    """The README's policy has no errors and no warnings, so the first `config check` is clean."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```toml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    loaded = read_files({"system": text})
    assert loaded.errors == ()
    assert loaded.policy is not None
    assert policy_warnings(loaded.policy) == []


def test_the_ansible_play_reports_changes_by_what_setup_image_says() -> None:
    """Each task has a name and one module, and setup-image gets the copied policy."""
    (play,) = document(EXAMPLES / "machines" / "ansible.yml")
    tasks = play["tasks"]
    assert all(task["name"] and sum(key.startswith("ansible.builtin.") for key in task) == 1 for task in tasks)
    copied = {task["ansible.builtin.copy"]["dest"] for task in tasks if "ansible.builtin.copy" in task}
    assert "/opt/repoprio.toml" in copied
    assert "--policy /opt/repoprio.toml" in tasks[-1]["ansible.builtin.command"]
    assert "map(attribute='outcome')" in tasks[-1]["changed_when"]
