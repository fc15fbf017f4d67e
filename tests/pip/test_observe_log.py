"""`mode = "observe"`: the log, its lines and its faults."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from repoprio.storage import jsonlines
from support.fixtures import EnvFactory, RepositoryFactory
from support.observed import Observed, observed

NEWEST = "26.3"


@pytest.fixture
def scene(repository: RepositoryFactory, tmp_path: Path) -> Observed:
    """Two repositories and a policy that observes."""
    return Observed(repository, tmp_path)


@pytest.mark.full
def test_eight_pips_at_once(pip_env: EnvFactory, scene: Observed) -> None:
    """Each line of a log into which eight pips write at once is whole."""
    names = [f"project-{number}" for number in range(12)]
    for name in names:
        scene.corp.add(name, "1.0")
        scene.public.add(name, "99.0")
    env, policy = pip_env(NEWEST), scene.policy()
    environ = env.environment(policy, {"REPOPRIO_LOG": str(scene.log)})
    command = [str(env.python), "-m", "pip", "install", "--dry-run", *scene.indexes, *names]
    pips = [subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(8)]
    said = [pip.communicate()[1].decode() for pip in pips]
    assert [pip.returncode for pip in pips] == [0] * 8, said
    assert sorted(record["project"] for record in scene.records()) == sorted(names * 8)


WRITER = """
import sys
from repoprio.storage import jsonlines
for number in range(50):
    jsonlines.append(sys.argv[1], [f'{sys.argv[2]}:{number}:' + sys.argv[2] * 3000] * 2)
"""


def test_lines_of_many_writers_are_whole(tmp_path: Path) -> None:
    """Long lines of eight processes are never mixed, and none is lost."""
    file = tmp_path / "log"
    source = str(Path(jsonlines.__file__).parents[2])
    environ = {**os.environ, "PYTHONPATH": source}
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, file, letter], env=environ) for letter in "abcdefgh"]
    assert [writer.wait() for writer in writers] == [0] * 8
    lines = file.read_text().splitlines()
    assert len(lines) == 8 * 50 * 2
    assert all(re.fullmatch(r"([a-h]):\d+:\1{3000}", line) for line in lines)


FULL = """
import resource, sys
from repoprio.storage import jsonlines
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    jsonlines.append(sys.argv[1], ["x" * 400, "y" * 400, "z" * 400])
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are Unix's")
def test_a_part_of_a_line_is_taken_back(tmp_path: Path) -> None:
    """If the disk becomes full in the middle of a line, the lines before it stay complete."""
    file = tmp_path / "log"
    environ = {**os.environ, "PYTHONPATH": str(Path(jsonlines.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", FULL, file], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "only a part of a line could be written"
    assert file.read_text() == "x" * 400 + "\n" + "y" * 400 + "\n"


def test_a_lock_that_is_never_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that never releases the lock does not block others forever."""
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(jsonlines, "_PATIENCE", 0.05)
    file = tmp_path / "log"
    with file.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        jsonlines.append(str(file), ["line"])
    assert file.read_text() == "line\n"


def folder(path: Path) -> None:
    """A folder in the log's place."""
    path.mkdir()


def fifo(path: Path) -> None:
    """A pipe that nobody reads."""
    os.mkfifo(path)


def circle(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path)


def full(path: Path) -> None:
    """A disk that is full."""
    path.symlink_to("/dev/full")


def nowhere(path: Path) -> None:
    """A link into a folder that is not there."""
    path.symlink_to(path.parent / "not" / "there")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links as Unix has them")
@pytest.mark.parametrize("make", [folder, fifo, circle, full, nowhere])
def test_a_log_that_cannot_be_written(make: Any, pip_env: EnvFactory, scene: Observed) -> None:
    """Pip ends normally and soon, with one warning, even with -q; none with -qq."""
    make(scene.log)
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "acme", timeout=30)
    warnings = [line for line in done.stderr.splitlines() if line.endswith("[log]")]
    assert len(warnings) == 1, done.stderr
    assert f"the log {scene.log} cannot be written: " in warnings[0]
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "repoprio: observe: the policy would change 1 of 1 choice: acme"
    assert scene.run(pip_env(NEWEST), "install", "-q", "--dry-run", "acme").stderr == warnings[0] + "\n"
    assert scene.run(pip_env(NEWEST), "install", "-qq", "--dry-run", "acme").stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes as Unix has them")
def test_a_pipe_that_is_read(pip_env: EnvFactory, scene: Observed) -> None:
    """A named pipe with a reader gets the lines."""
    os.mkfifo(scene.log)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(scene.log.read_text()))
    reader.start()
    scene.run(pip_env(NEWEST), "install", "--dry-run", "acme")
    reader.join(timeout=30)
    assert json.loads(read[0])["project"] == "acme"


def test_without_a_log(pip_env: EnvFactory, scene: Observed) -> None:
    """If no log is named, none is written; the line on stderr is there."""
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "acme", env={"REPOPRIO_LOG": ""})
    assert observed(done) == "repoprio: observe: the policy would change 1 of 1 choice: acme"


def test_an_enforced_policy_writes_no_log(pip_env: EnvFactory, scene: Observed) -> None:
    """The log is for what a policy would change; an enforced policy changes it."""
    policy = scene.policy()
    policy.write_text(policy.read_text().replace('"observe"', '"strict"'))
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "acme", policy=policy)
    assert "Would install acme-1.1" in done.stdout
    assert not scene.log.exists()


def test_many_changes_in_one_line(pip_env: EnvFactory, scene: Observed) -> None:
    """The line names at most eight projects; the log has all of them."""
    names = [f"project-{number}" for number in range(10)]
    for name in names:
        scene.corp.add(name, "1.0")
        scene.public.add(name, "99.0")
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", *names)
    line = observed(done)
    assert re.search(r"10 of 10 choices: (project-\d, ){8}\.\.\.; log: ", line), line
    assert len(scene.records()) == 10
