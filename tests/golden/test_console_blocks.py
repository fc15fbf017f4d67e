"""README and manual show what the commands print: each console block is run, or says why it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import pytest

from support import consoles
from support.console_scenes import SCENES, Stage
from support.fixtures import EnvFactory
from support.paths import DOCS, ROOT

# Another test compares the golden screens with the output.
GENERATED = {DOCS / "reference" / "screens.md"}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(set(DOCS.rglob("*.md")) - GENERATED)]


def text(page: Path) -> str:
    """The content of a page."""
    return page.read_text(encoding="utf-8")


def plays() -> Iterator[tuple[Path, str]]:
    """Each page with each of its scenes."""
    for page in PAGES:
        for scene, _ in groupby(sorted({block.scene for block in consoles.blocks(text(page)) if block.scene})):
            yield page, scene


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_block_runs_or_says_why_not(page: Path) -> None:
    """Each console block is run by a test, unless a comment before it gives the reason why not."""
    neither = [block.line for block in consoles.blocks(text(page)) if not (block.scene or block.reason)]
    assert not neither, f"lines without <!-- scene: NAME --> or <!-- not run: REASON --> before them: {neither}"


@pytest.mark.parametrize(
    ("page", "scene"), list(plays()), ids=[f"{page.relative_to(ROOT)}-{scene}" for page, scene in plays()]
)
def test_what_is_shown_is_what_is_printed(page: Path, scene: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """In its scene, each command prints what the block shows; a command without shown output succeeds."""
    steps = [step for block in consoles.blocks(text(page)) if block.scene == scene for step in block.steps]
    with ExitStack() as stack:
        stage = Stage(pip_env, tmp_path, stack)
        SCENES[scene](stage)
        for ran in consoles.run(steps, stage.variables, stage.folder):
            printed = [stage.anonymous(line) for line in ran.printed]
            assert not any(line.startswith("Traceback") for line in printed)
            good = consoles.is_shown(printed, ran.step.shown) if ran.step.shown else ran.status == 0
            if not good:
                pytest.fail(difference(ran.step, printed), pytrace=False)


def difference(step: consoles.Step, printed: list[str]) -> str:
    """The shown and the printed text, one above the other."""
    return os.linesep.join([f"$ {step.command}", "SHOWN", *step.shown, "PRINTED", *printed])
