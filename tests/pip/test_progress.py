"""The progress line for lookups: it appears on a terminal only, and nothing of it remains."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv
from support.scene import Scene
from support.terminals import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
NAMES = [f"name-{number}" for number in range(6)]
LINE = re.compile(r"\r\x1b\[KLooking up projects\.\.\. (?:(\d+) done)?(?:, )?(?:(\d+) under way)?")
LATENCY = 0.25


@pytest.fixture
def scene(repository: RepositoryFactory, tmp_path: Path) -> Scene:
    """Corp above public, which has some names and answers slowly."""
    made = Scene(repository, tmp_path, acme=())
    for name in NAMES:
        made.public.add(name, {"version": "1.0", "requires": ["shared"]})
    made.public.add("shared", "1.0")
    for server in made.servers.values():
        server.answer_all(Fault(hang=LATENCY))
    return made


INSTALL = ("pip", "install", "--dry-run", "--ignore-installed", "--no-cache-dir", *NAMES)


def run(env: PipEnv, scene: Scene, *command: str, **more: str) -> Terminal:
    """A command on a terminal, which succeeds."""
    terminal = Terminal(env, scene.file, command, more=more)
    assert terminal.finish() == 0, terminal.said
    return terminal


@pytest.mark.parametrize("pip", ["26.3", "22.0.2"])
def test_a_terminal_shows_how_far_it_is(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """The line counts, overwrites itself, and in the end the screen looks as if it had not been there."""
    if pip == "22.0.2":
        command = ("pip", "download", "--no-deps", "-d", str(scene.folder / "files"), *NAMES)
        again = ("pip", "download", "--no-deps", "-d", str(scene.folder / "others"), *NAMES)
    else:
        command = again = INSTALL
    shown = run(pip_env(pip), scene, *command)
    counts = [(int(done or 0), int(left or 0)) for done, left in LINE.findall(shown.said)]
    assert counts, shown.said
    assert max(left for _, left in counts) > 1
    assert all(done + left <= len(NAMES) + 1 for done, left in counts)
    assert [done for done, _ in counts] == sorted(done for done, _ in counts)
    assert not any("Looking up" in line for line in shown.screen)
    plain = run(pip_env(pip), scene, *again, "--progress-bar", "off")
    assert "Looking up" not in plain.said
    collecting = [[line for line in one.screen if line.startswith(("Collecting", "Would"))] for one in (shown, plain)]
    assert collecting[0] == collecting[1]


@pytest.mark.parametrize(
    ("options", "more"),
    [(["-q"], {}), (["-v"], {}), ([], {"TERM": "dumb"}), ([], {"CI": "true"}), ([], {"PIP_PROGRESS_BAR": "off"})],
)
def test_options_and_variables_switch_it_off(
    options: list[str], more: dict[str, str], pip_env: EnvFactory, scene: Scene
) -> None:
    """It is not shown with -q, -v or --progress-bar off, on a dumb terminal, or in CI."""
    assert "Looking up" not in run(pip_env("26.3"), scene, *INSTALL, *options, **more).said


def test_it_has_no_colours(pip_env: EnvFactory, scene: Scene) -> None:
    """The line is the same with NO_COLOR."""
    assert LINE.search(run(pip_env("26.3"), scene, *INSTALL, NO_COLOR="1").said)


def test_what_is_redirected_has_no_line(pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """If stdout is a file, stderr has no line either: both may go to one log."""
    with (tmp_path / "log").open("wb") as log:
        terminal = Terminal(pip_env("26.3"), scene.file, INSTALL, more={}, stdout=log.fileno())
        assert terminal.finish() == 0
    assert "Looking up" not in terminal.said + (tmp_path / "log").read_text()


def test_explain_shows_it_but_not_as_json(pip_env: EnvFactory, scene: Scene) -> None:
    """`explain` shows it while it asks, and removes it; with --format json there is none."""
    shown = run(pip_env("26.3"), scene, "repoprio", "explain", *NAMES)
    assert LINE.search(shown.said)
    assert not any("Looking up" in line for line in shown.screen)
    assert "Looking up" not in run(pip_env("26.3"), scene, "repoprio", "explain", "--format", "json", *NAMES).said


def test_a_prompt_stands_alone(pip_env: EnvFactory, scene: Scene) -> None:
    """While a person is asked for a login, the line is not shown."""
    scene.public.answer_all(Fault(basic_auth="ada:s3cret", hang=LATENCY))
    questions = [("User for", "ada"), ("Password", "s3cret")]

    def answer(terminal: Terminal) -> None:
        if questions and questions[0][0] in terminal.said:
            time.sleep(0.7)
            terminal.type(questions.pop(0)[1])

    terminal = Terminal(pip_env("26.3"), scene.file, INSTALL, more={})
    assert terminal.finish(answer) == 0, terminal.said
    assert LINE.search(terminal.said)
    asked = terminal.said.partition("User for")[2].partition("Password")[0]
    assert "Looking up" not in asked
    assert not any("Looking up" in line for line in terminal.screen)


def test_an_interrupt_leaves_nothing(pip_env: EnvFactory, scene: Scene) -> None:
    """Ctrl-C removes the line, and pip prints its usual message."""
    for server in scene.servers.values():
        server.answer_all(Fault(hang=20))
    sent: list[int] = []

    def interrupt(terminal: Terminal) -> None:
        if LINE.search(terminal.said) and not sent:
            sent.append(terminal.process.pid)
            os.kill(terminal.process.pid, signal.SIGINT)

    terminal = Terminal(pip_env("26.3"), scene.file, INSTALL, more={"PIP_DEFAULT_TIMEOUT": "30"})
    assert terminal.finish(interrupt) != 0
    assert sent
    assert "ERROR: Operation cancelled by user" in terminal.screen
    assert "Traceback" not in terminal.said
    assert not any("Looking up" in line for line in terminal.screen)
