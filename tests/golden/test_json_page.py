"""The manual's page on JSON names every key that the commands print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from support import consoles
from support.console_scenes import SCENES, Stage
from support.fixtures import EnvFactory
from support.paths import DOCS
from support.paths import SCREENS as GOLDEN

PAGE: Final = DOCS / "reference" / "json.md"
COMMANDS: Final = ("repos --check corp", "config show", "config check", "doctor --venv old")
# Objects whose keys are data, or that the page does not list.
OPEN: Final = {"origins", "known", "redirects", "hint", "value", "min_age"}


def keys(document: Any) -> Iterator[str]:
    """The keys of a document, at any depth."""
    if isinstance(document, list):
        for item in document:
            yield from keys(item)
    elif isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from keys(value) if key not in OPEN else ()


def named() -> set[str]:
    """The words that the page formats as code."""
    return set(re.findall(r"`([\w-]+)`", PAGE.read_text(encoding="utf-8")))


def test_the_page_has_the_keys_of_explain() -> None:
    """The page has each key of each golden screen of explain."""
    found = {key for file in GOLDEN.glob("*.json") for key in keys(json.loads(file.read_text(encoding="utf-8")))}
    assert found <= named()


@pytest.mark.story(2)
@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_has_the_keys_of_the_other_commands(command: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """The page has each key that the command prints in a scene where it has something to report."""
    with ExitStack() as stack:
        stage = Stage(pip_env, tmp_path, stack)
        SCENES["doctored"](stage)
        (ran,) = consoles.run([consoles.Step(f"repoprio {command} --format json")], stage.variables, stage.folder)
    document = json.loads("\n".join(ran.printed))
    assert document["schema"] == 1
    # The line of the environment as text, for doctor's own screen.
    assert set(keys(document)) - named() <= {"line", "uid"}
