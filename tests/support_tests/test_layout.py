"""Each test is in the folder of what it drives, and imports nothing from another test file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from support.paths import ROOT

TESTS: Final = ROOT / "tests"
FOLDERS: Final = {"unit", "property", "adapter", "pip", "gateway", "golden", "support_tests"}
FILES: Final = sorted(TESTS.rglob("test_*.py"))
# A test with one of these starts a pip, or needs an installed one.
STARTS_PIP: Final = {"pip_env", "fresh_env", "env_store", "env_pool", "repoprio_wheel", "session", "scene", "audited"}


def imported(tree: ast.AST) -> Iterator[str]:
    """The last part of the name of each import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "").rpartition(".")[2], *(alias.name for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name.rpartition(".")[2] for alias in node.names)


def test_nothing_is_imported_from_a_test_file() -> None:
    """Helpers of two test files are in tests/support."""
    modules = {file.stem for file in FILES}
    found = {file.name: modules & set(imported(ast.parse(file.read_text()))) for file in TESTS.rglob("*.py")}
    assert not {name: names for name, names in found.items() if names}


def test_every_test_file_lies_in_a_folder_of_its_kind() -> None:
    """Directly in one of them, under a name that no other test file has: mypy takes it for a module's."""
    assert {file.relative_to(TESTS).parts[:-1] for file in FILES} == {(folder,) for folder in FOLDERS}
    assert len({file.name for file in FILES}) == len(FILES)


@pytest.mark.parametrize("folder", ["unit", "property"])
def test_unit_and_property_tests_start_no_pip(folder: str) -> None:
    """They run in this process and take milliseconds: `.ci/run` runs them under coverage."""
    for file in (TESTS / folder).glob("*.py"):
        functions = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
        wanted = {argument.arg for function in functions for argument in function.args.args}
        assert not wanted & STARTS_PIP, file.name
