"""The files of a run are in memory if there is room, otherwise in the machine's temporary folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support import scratch


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[Any]]:
    """A function that begins a run whose memory is an empty folder; it returns what to call at the run's end."""
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)
    monkeypatch.setattr(scratch, "_MEMORY", tmp_path)
    monkeypatch.setattr(scratch, "_NEEDED", 1)
    monkeypatch.setenv("TMPDIR", "")
    monkeypatch.delenv("TMPDIR")
    cleanups: list[Any] = []

    def begin() -> list[Any]:
        config: Any = SimpleNamespace(add_cleanup=cleanups.append)
        scratch.pytest_configure(config)
        return cleanups

    return begin


def test_a_run_has_a_folder_in_memory(configure: Callable[[], list[Any]], tmp_path: Path) -> None:
    """Temporary files of a run are there; none is left at its end, nor those of a run that was killed a day ago."""
    killed, under_way, others = (tmp_path / name for name in ("repoprio-tests-1", "repoprio-tests-2", "more"))
    for folder in (killed, under_way, others):
        folder.mkdir()
    for old in (killed, others):
        os.utime(old, (0, 0))
    (cleanup,) = configure()
    with tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).parent.parent == tmp_path
        assert Path(file.name).parent == Path(os.environ["TMPDIR"])
    cleanup()
    assert set(tmp_path.iterdir()) == {under_way, others}


def test_no_room_in_memory(configure: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without room, without that folder, or where TMPDIR names another one, nothing is made there."""
    monkeypatch.setattr(scratch, "_NEEDED", 1 << 62)
    assert not configure()
    monkeypatch.setattr(scratch, "_NEEDED", 1)
    monkeypatch.setattr(scratch, "_MEMORY", tmp_path / "none")
    assert not configure()
    monkeypatch.setattr(scratch, "_MEMORY", tmp_path)
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    assert not configure()
    assert not list(tmp_path.iterdir())
