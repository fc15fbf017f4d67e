"""Private environments that are lent to one test after another, each time in their original state.

What a test installs is removed when it ends, and what it changed is copied again. While the files are unchanged, and no
new file affects the start of a Python, commands run in a fork (see `support.warm`).
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from repoprio.config import policy_files
from repoprio.environments import ledger

from . import warm
from .env_store import EnvStore
from .pips import PipEnv

# Of a file: its mode, whose it is, its size and time; of a folder: its mode, and whose it is.
State = dict[str, tuple[int, ...]]
# Other modules that pip, repoprio or Python would load at the start if they were installed.
_LOADED: Final = frozenset(
    {"keyring", "packaging", "platformdirs", "setuptools", "sitecustomize", "tomli", "usercustomize", "wheel"}
)
_AT_START: Final = (".pth", ".start", ".egg-link")
# Read by a command, if at all, and not before; whether a file of pip's has a policy, a fork looks first.
_DATA: Final = frozenset({policy_files.FILE_NAME, ledger.FILE, "pip.conf"})


class Lent:
    """An environment that a test may change as it likes."""

    def __init__(self, env: PipEnv, source: Path) -> None:
        """Note its current state, as a copy of `source`."""
        self.root, self._source = env.root, source
        self._packages = env.site_packages.relative_to(env.root).as_posix()
        self._made = _state(self.root)
        self.env = replace(env, may_fork=self.starts_as_made)

    def starts_as_made(self) -> bool:
        """Whether a new Python would load the same files there as when the environment was created."""
        now = _state(self.root)
        return self._is_whole(now) and not any(map(self._affects_start, now.keys() - self._made.keys()))

    def restore(self) -> bool:
        """Remove added files, and copy changed ones again; returns whether it is in its original state."""
        try:
            now = _state(self.root) if self.root.is_dir() else {}
            changed = [name for name, state in self._made.items() if now.get(name) != state]
            # The content of a folder comes before the folder.
            for name in sorted({*(now.keys() - self._made.keys()), *changed} & now.keys(), reverse=True):
                path = self.root / name
                if not path.is_dir() or path.is_symlink():
                    path.unlink()
                elif name not in self._made:
                    path.rmdir()
            for name in sorted(changed):
                self._copy_again(name)
            return not changed or self._is_whole(_state(self.root))
        except OSError:
            return False

    def _copy_again(self, name: str) -> None:
        here, there = self.root / name, self._source / name
        mode, user, group = self._made[name][:3]
        if stat.S_ISDIR(mode):
            here.mkdir(parents=True, exist_ok=True)
            here.chmod(stat.S_IMODE(mode))
        else:
            shutil.copy2(there, here, follow_symlinks=False)
        os.chown(here, user, group, follow_symlinks=False)

    def _is_whole(self, now: State) -> bool:
        return all(now.get(name) == state for name, state in self._made.items())

    def _affects_start(self, name: str) -> bool:
        """Whether new files may be loaded at the start; packages installed next to the others are not."""
        first, _, rest = name.removeprefix(f"{self._packages}/").partition("/")
        if first in _DATA:
            return False
        if not name.startswith(f"{self._packages}/"):
            return "/" not in name and not (self.root / name).is_dir()
        is_beside = f"{self._packages}/{first}" not in self._made
        is_known = first.startswith("_repoprio") or first.partition(".")[0] in _LOADED or first.endswith(_AT_START)
        return is_known if is_beside else first != "__pycache__" or rest.startswith("_repoprio")


class Pool:
    """The environments of one process: those that are free, by the one that each was copied from."""

    def __init__(self, store: EnvStore, folder: Path) -> None:
        """Make them below `folder`, each in a folder of its own."""
        self._store, self._folder = store, folder
        self._free: dict[Path, list[Lent]] = {}
        self._count = 0

    @contextmanager
    def lend(self, env: PipEnv) -> Iterator[PipEnv]:
        """A private environment with the same packages."""
        free = self._free.setdefault(env.root, [])
        lent = free.pop() if free else self._make(env)
        try:
            yield lent.env
        finally:
            if lent.restore():
                free.append(lent)
            else:
                warm.close(lent.env.python)
                shutil.rmtree(lent.root.parent, ignore_errors=True)

    def _make(self, env: PipEnv) -> Lent:
        self._count += 1
        return Lent(self._store.copy(env, self._folder / str(self._count) / "env"), env.root)


def _state(root: Path) -> State:
    return {"": _whose(root.lstat()), **dict(_entries(str(root), ""))}


def _whose(found: os.stat_result) -> tuple[int, ...]:
    return found.st_mode, found.st_uid, found.st_gid


def _entries(folder: str, before: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name, found = f"{before}{entry.name}", entry.stat(follow_symlinks=False)
            whose = _whose(found)
            if entry.is_dir(follow_symlinks=False):
                yield name, whose
                yield from _entries(entry.path, f"{name}/")
            else:
                yield name, (*whose, found.st_size, found.st_mtime_ns)
