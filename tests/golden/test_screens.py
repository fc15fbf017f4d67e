"""The screens of `repoprio explain`, compared with files that a person has read: text at two widths, and JSON.

To write them again: REPOPRIO_WRITE_SCREENS=1 python -m pytest tests/golden/test_screens.py -- and then read each one.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from support.cases import Case, Realized, load_cases, realize
from support.fixtures import EnvFactory
from support.paths import DOCS, SCREENS, SUPPORT
from support.pips import PipEnv
from support.screens_page import page

SITUATIONS = load_cases(SCREENS / "situations.toml")
LOOKS: Final = {"80.txt": "80", "120.txt": "120", "json": "80"}
NEEDED = 30
# When files were uploaded, and become available, in the text and in JSON.
TIMES: Final = {
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(\s+)[0-9]{2}:[0-9]{2}(\s+)UTC": r"2026-03-06\g<1>12:00\g<2>UTC",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,}\+00:00": "2026-03-06T12:00:00+00:00",
}


def explained(env: PipEnv, real: Realized) -> dict[str, str]:
    """What explain prints in each format, with hosts of equal length instead of loopback, so that lines break alike.

    The environment is left out, because it differs from run to run.
    """
    arguments = ["explain", *real.pip_options, *real.request]
    runs = [
        ([*arguments, *(["--format", "json"] if look == "json" else [])], {"COLUMNS": columns})
        for look, columns in LOOKS.items()
    ]
    words = (str(SUPPORT / "renderings.py"), json.dumps(runs))
    done = env.module(*words, policy=Path("policy.toml"), cwd=real.policy.parent, env=real.env)
    assert "Traceback" not in done.stderr, done.stderr
    shown = dict(zip(LOOKS, json.loads(done.stdout), strict=True))
    return {look: anonymous(text, env, real, is_json=look == "json") for look, text in shown.items()}


def anonymous(shown: str, env: PipEnv, real: Realized, *, is_json: bool) -> str:
    """The output, without what differs between runs."""
    text = without_environment(shown, env, is_json=is_json)
    for name, url in real.urls.items():
        here, there = urlsplit(url).netloc, f"{name}.my.example"
        if here:
            assert len(here) == len(there), "a port of five digits, and a repository's name of four letters"
            text = text.replace(here, there)
    for pattern, always in TIMES.items():
        text = re.sub(pattern, always, text)
    return text


def without_environment(shown: str, env: PipEnv, *, is_json: bool) -> str:
    """The output, without the environment, which it must name first."""
    if is_json:
        document = json.loads(shown)
        assert document.pop("environment")["python"] == str(env.python)
        return f"{json.dumps(document, indent=2)}\n"
    first, _, text = shown.partition("\n")
    assert first.startswith(f"environment: {env.python} (")
    return text


@pytest.mark.parametrize("case", SITUATIONS, ids=lambda case: case.id)
def test_explain_shows_what_was_read_and_found_good(case: Case, pip_env: EnvFactory, tmp_path: Path) -> None:
    """The screens are exactly those that a person has read: text with 80 and 120 columns, and JSON."""
    with realize(case, tmp_path) as real:
        shown = explained(pip_env("26.3"), real)
        for name in case.expect.not_asked:
            assert not real.asked(name, case.expect.project), f"{name} was asked"
    files = {look: SCREENS / f"{case.id}.{look}" for look in LOOKS}
    if os.environ.get("REPOPRIO_WRITE_SCREENS"):
        for look, file in files.items():
            file.write_text(shown[look], encoding="utf-8")
        pytest.skip("written again, and so compared with nothing: now read it")
    assert shown == {look: file.read_text(encoding="utf-8") for look, file in files.items()}
    project = json.loads(shown.pop("json"))["projects"][0]
    assert (project["outcome"], project["code"]) == (case.expect.outcome, case.expect.code)
    for look, text in shown.items():
        bare = [line for line in text.splitlines() if "://" not in line]
        assert max(map(len, bare)) <= int(LOOKS[look])


def test_each_situation_has_its_screens() -> None:
    """There are at least thirty, and none belongs to a situation that was removed."""
    assert len(SITUATIONS) >= NEEDED
    wanted = {f"{case.id}.{look}" for case in SITUATIONS for look in LOOKS}
    assert wanted == {file.name for file in SCREENS.iterdir()} - {"situations.toml"}


def test_the_docs_show_these_screens() -> None:
    """docs/reference/screens.md is what tests/support/screens_page.py makes now."""
    shown = (DOCS / "reference" / "screens.md").read_text(encoding="utf-8")
    assert shown == page(), "python tests/support/screens_page.py > docs/reference/screens.md"
