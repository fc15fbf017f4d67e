"""The manual's pictures show what the commands print now.

To draw them again: REPOPRIO_WRITE_SCREENS=1 python -m pytest tests/golden/test_pictures.py -- then look at each one.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from support import consoles
from support.console_scenes import SCENES, Stage
from support.fixtures import EnvFactory
from support.paths import DOCS
from support.svg import GROUNDS, drawn

PICTURES: Final = DOCS / "_static" / "screens"
# The command and its scene; the picture shows the command without options that only a test needs.
SCREENS: Final = {
    "explain": ("corp", "repoprio explain ledger", ""),
    "compare": ("compared", "repoprio compare acme acme-core jinja2 idna 'lxml>=6' oldlib", " 2>/dev/null"),
    "doctor": ("doctored", "repoprio doctor --venv ~/old", ""),
}


@pytest.mark.story
@pytest.mark.parametrize("name", SCREENS)
def test_the_picture_is_of_what_is_printed(name: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """In its scene, the command prints what the picture shows, in the same colours, on both backgrounds."""
    scene, command, more = SCREENS[name]
    with ExitStack() as stack:
        stage = Stage(pip_env, tmp_path, stack)
        SCENES[scene](stage)
        (ran,) = consoles.run([consoles.Step(f"{command} --color always{more}")], stage.variables, stage.folder)
    lines = [f"$ {command}", *map(stage.anonymous, ran.printed)]
    made = {f"{name}-{look}.svg": drawn(lines, command, ground) for look, ground in GROUNDS.items()}
    if os.environ.get("REPOPRIO_WRITE_SCREENS"):
        for file, picture in made.items():
            (PICTURES / file).write_text(picture, encoding="utf-8")
        pytest.skip("drawn again, and so compared with nothing: now look at them")
    assert made == {file: (PICTURES / file).read_text(encoding="utf-8") for file in made}


def test_each_picture_is_of_a_screen_and_in_the_manual() -> None:
    """Each picture is shown on a page, with both backgrounds, and none is left over."""
    files = {f"{name}-{look}.svg" for name in SCREENS for look in GROUNDS}
    assert {file.name for file in PICTURES.iterdir()} == files
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    assert not [file for file in files if f"_static/screens/{file}" not in pages]
