"""Files written with a journal are restored exactly, even if writing or undoing was interrupted at any point."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from repoprio.environments.file_journal import BadJournal, Journal, Undone

# All that changes a disk; Windows has no owners of this kind.
NAMES = ("open", "replace", "mkdir", "makedirs", "chmod", "chown", "utime", "remove", "rmdir")
CALLS = [name for name in NAMES if hasattr(os, name)]


def tree(folder: Path) -> dict[str, tuple[object, ...]]:
    """Each file and folder below `folder` with everything that --undo restores."""
    found: dict[str, tuple[object, ...]] = {}
    for path in folder.rglob("*"):
        state = path.lstat()
        is_file = path.is_file()
        found[str(path.relative_to(folder))] = (
            *(state.st_mode, state.st_uid, state.st_gid),
            *((state.st_mtime_ns, path.read_bytes()) if is_file else ()),
        )
    return found


@contextmanager
def killed_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """A process that ends at its nth change on the disk; yields how many changes there were."""
    count = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count >= number:
                raise KeyboardInterrupt
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        for name in CALLS:
            patched.setattr(os, name, counted(getattr(os, name)))
        yield lambda: count


class Disk:
    """A file that exists, with its compiled file, and two that do not."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.journal = folder / "disk", folder / "disk" / "var" / "repoprio" / "journal.json"
        self.old, self.new = self.folder / "lib" / "site.py", self.folder / "etc" / "uv" / "uv.toml"
        self.old.parent.mkdir(parents=True)
        self.journal.parent.parent.mkdir()
        self.old.write_bytes(b"was = 1\r\n")
        self.old.chmod(0o640)
        cache = self.old.parent / "__pycache__"
        cache.mkdir()
        (cache / "site.cpython-311.pyc").write_bytes(b"compiled")
        for file in (self.old, cache / "site.cpython-311.pyc"):
            os.utime(file, (1, 1))

    def set_up(self) -> None:
        """The files that a command writes; Python then compiles one."""
        journal = Journal(str(self.journal))
        journal.write(str(self.old), b"is = 2\n")
        journal.write(str(self.new), b"new\n", 0o600)
        journal.write(str(self.old.with_name("pointer.py")), b"pointer = 3\n")
        (self.old.parent / "__pycache__" / "site.cpython-311.pyc").write_bytes(b"compiled anew")
        (self.old.parent / "__pycache__" / "pointer.cpython-311.pyc").write_bytes(b"compiled anew")

    def undo(self) -> dict[str, Undone]:
        """The result of undoing each place."""
        return {step.place: step.outcome for step in Journal(str(self.journal)).undo()}


def interruptions(act: Callable[[Disk], object], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A disk for each change at which `act` may be interrupted, in the state in which it leaves it."""
    for number in range(1, 200):
        disk = Disk(folder / str(number))
        if act is not Disk.set_up:
            disk.set_up()
        with killed_at(number, monkeypatch) as count:
            act(disk)
        yield disk
        if count() < number:
            assert number > 10
            return
    raise AssertionError("it never ends")


def test_undo_after_any_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an interruption at any point, undo restores every file, mode, time and folder, and leaves no draft."""
    before = tree(Disk(tmp_path / "before").folder)
    for disk in interruptions(Disk.set_up, tmp_path, monkeypatch):
        assert not [step for step in disk.undo().values() if step in (Undone.CHANGED_SINCE, Undone.FAILED)]
        assert tree(disk.folder) == before


def test_a_second_run_completes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an interruption at any point, writing again completes the work, and it can still be undone."""
    before = tree(Disk(tmp_path / "before").folder)
    for disk in interruptions(Disk.set_up, tmp_path, monkeypatch):
        disk.set_up()
        assert disk.old.read_bytes() == b"is = 2\n"
        assert disk.new.read_bytes() == b"new\n"
        assert not list(disk.folder.rglob("*draft*"))
        disk.undo()
        assert tree(disk.folder) == before


def test_an_undo_that_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an interruption at any point, undoing again completes the work."""
    before = tree(Disk(tmp_path / "before").folder)
    for disk in interruptions(Disk.undo, tmp_path, monkeypatch):
        assert not [step for step in disk.undo().values() if step in (Undone.CHANGED_SINCE, Undone.FAILED)]
        assert tree(disk.folder) == before


def test_what_somebody_else_changed(tmp_path: Path) -> None:
    """A file that was changed later stays, also in the journal; so does a removed one, unless it was new."""
    disk = Disk(tmp_path)
    disk.set_up()
    disk.old.write_text("theirs = 4\n")
    disk.new.unlink()
    assert disk.undo()[str(disk.old)] is Undone.CHANGED_SINCE
    assert (disk.old.read_text(), disk.new.parent.exists(), disk.journal.exists()) == ("theirs = 4\n", False, True)
    disk.old.unlink()
    assert disk.undo() == {str(disk.old): Undone.CHANGED_SINCE}
    # If it is as it was before, no matter who did that, it counts as undone.
    disk.old.write_bytes(b"was = 1\r\n")
    assert disk.undo()[str(disk.old)] is Undone.RESTORED
    assert not disk.journal.parent.exists()


def test_what_is_written_over_theirs(tmp_path: Path) -> None:
    """If somebody else changed a file and it is written again, undo restores that change."""
    disk = Disk(tmp_path)
    disk.set_up()
    disk.old.write_text("theirs = 4\n")
    Journal(str(disk.journal)).write(str(disk.old), b"is = 5\n")
    assert disk.undo()[str(disk.old)] is Undone.RESTORED
    assert disk.old.read_text() == "theirs = 4\n"


def test_what_cannot_be_done(tmp_path: Path) -> None:
    """A damaged journal is an error; a folder in use stays; only regular files are overwritten."""
    disk = Disk(tmp_path)
    disk.set_up()
    (disk.new.parent / "theirs").touch()
    assert disk.undo()[str(disk.new.parent)] is Undone.IN_USE
    disk.new.symlink_to("/nowhere")
    with pytest.raises(OSError, match="not a regular file"):
        Journal(str(disk.journal)).write(str(disk.new), b"")
    disk.journal.parent.mkdir(parents=True)
    disk.journal.write_text('{"files": 1}')
    with pytest.raises(BadJournal, match="cannot be read"):
        Journal(str(disk.journal))
    # Where nothing can be noted nothing is written.
    journal = Journal(str(disk.folder / "new" / "journal.json"))
    (disk.folder / "new").touch()
    with pytest.raises(BadJournal, match="cannot be written"):
        journal.write(str(disk.old), b"is = 2\n")
    assert disk.old.read_bytes() == b"was = 1\r\n"
