"""Environments that are kept between runs: created once, unchanged, and copied to where they work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import kept
from support.env_store import EnvStore, make_env


def test_one_is_made_once_and_again_when_it_is_no_longer_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name depends on its whole content; if a file is missing, new or of another size, it is created again."""
    monkeypatch.setattr(kept, "FOLDER", tmp_path / "kept")
    made: list[Path] = []

    def make(root: Path) -> None:
        made.append(root)
        root.mkdir()
        (root / "file").write_text("all")

    def ask(*holds: str) -> Path:
        with kept.environment(make, *holds) as root:
            assert (root / "file").read_text() == "all"
            return root

    assert ask("pip 1", "python 3") == ask("pip 1", "python 3") != ask("pip 2", "python 3")
    assert len(made) == 2
    for harm in (lambda: made[0].joinpath("file").unlink(), lambda: made[0].joinpath("file").write_text("almost"),
                 lambda: made[0].joinpath("more").touch()):  # fmt: skip
        harm()
        assert ask("pip 1", "python 3") == made[0]
    assert len(made) == 5


@pytest.mark.full
def test_a_copy_works_in_its_place(env_store: EnvStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Python and its scripts are its own; the kept one is not looked at again."""
    monkeypatch.setattr(kept, "FOLDER", tmp_path / "kept")
    with kept.environment(lambda root: make_env(root, sys.executable, "pip==26.3"), "one") as root:
        kept.copy_to(root, tmp_path / "copy")
        root.rename(tmp_path / "gone")
    done = subprocess.run(
        [tmp_path / "copy" / "bin" / "pip", "--version"], env=env_store.env("26.3").environment(),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(tmp_path / "copy" / "lib") in done.stdout
