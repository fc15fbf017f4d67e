"""Environments that are kept between runs, in the user's cache folder: created once, used unchanged or copied.

The name of each depends on its whole content. A changed one is created again; the folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock
from platformdirs import user_cache_path

FOLDER: Final = user_cache_path("repoprio-tests") / "1"


@contextmanager
def environment(make: Callable[[Path], None], *holds: str) -> Iterator[Path]:
    """The environment with these packages; the first process makes it, while others wait."""
    named = hashlib.sha256("\n".join(holds).encode()).hexdigest()[:12]
    root, ready = FOLDER / named, FOLDER / f"{named}.ready"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{root}.lock"):
        if not ready.exists() or ready.read_text() != _state(root):
            shutil.rmtree(root, ignore_errors=True)
            make(root)
            ready.write_text(_state(root))
        yield root


def copy_to(kept: Path, root: Path) -> None:
    """Copy a kept environment, for one run, to a place where it works as if it had been created there."""
    shutil.copytree(kept, root, symlinks=True)
    name_interpreter(kept, root)


def name_interpreter(kept: Path, root: Path) -> None:
    """Have scripts that were made for one environment name the interpreter of another one, in which they lie."""
    for file in (root / "pyvenv.cfg", *(root / "bin").glob("*"), *(root / "Scripts").glob("*.*")):
        if file.is_file() and not file.is_symlink():
            content = file.read_bytes()
            file.write_bytes(content.replace(os.fsencode(kept), os.fsencode(root)))


def _state(root: Path) -> str:
    """The files there and their sizes, except compiled files."""
    files = ((folder, name) for folder, _, names in os.walk(root) for name in names if not name.endswith(".pyc"))
    sizes = ((os.path.relpath(path, root), os.lstat(path).st_size) for path in (os.path.join(*one) for one in files))
    return hashlib.sha256(repr(sorted(sizes)).encode()).hexdigest()
