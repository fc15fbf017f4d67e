"""A private Debian for a test: a root made by debootstrap, with a layer above it for everything that is written.

`REPOPRIO_ROOT` names the root, which has python3, python3-pip and python3-venv. It needs root's rights and chroot.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .images import can_be_made
from .pips import Completed

VARIABLE: Final = "REPOPRIO_ROOT"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ABOVE: Final = ("proc", "dev", "tmp", "run", "sys")
# Neither a setting nor code: what programs note as they run.
_NOTES: Final = ("home", "root/.cache", "var/log", "var/cache")


def missing() -> str:
    """Why there is no such root here; empty if there is one."""
    if not os.environ.get(VARIABLE):
        return f"{VARIABLE} names no root made by debootstrap"
    if os.geteuid() != 0 or not shutil.which("chroot") or not can_be_made():
        return "not root, no chroot, or no mount namespaces"
    return ""


class Root:
    """The root, with a layer above it that is removed at the end."""

    def __init__(self, lower: Path, folder: Path) -> None:
        """Mount it below the empty folder."""
        self.path, self._layer = folder / "root", folder / "layer"
        self.path.mkdir()
        self._layer.mkdir()
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", self._mounts(lower) + "echo ready; exec sleep 3600"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"

    def _mounts(self, lower: Path) -> str:
        root, layer = shlex.quote(str(self.path)), shlex.quote(str(self._layer))
        options = f"lowerdir={shlex.quote(str(lower))},upperdir={layer}/upper,workdir={layer}/work"
        return (
            f"set -e; mount -t tmpfs t {layer}; mkdir {layer}/upper {layer}/work; "
            f"mount -t overlay o -o {options} {root}; mount -t proc p {root}/proc; mount --rbind /dev {root}/dev; "
            f"mount -t tmpfs t {root}/tmp; chmod 1777 {root}/tmp; "
        )

    def close(self) -> None:
        """End the namespace; its mounts and all that was written go with it."""
        self._holder.kill()
        self._holder.communicate()

    def outside(self, *command: str) -> Completed:
        """Run a command of this machine where the root is mounted."""
        done = subprocess.run([*self._enter, *command], capture_output=True, text=True, check=False, timeout=900)
        return Completed(done.stdout, done.stderr, done.returncode)

    def run(self, script: str, user: str = "root") -> Completed:
        """Run a shell script in the root, from its home, without this machine's variables."""
        return self.outside(*self._chroot(user), "/bin/sh", "-c", f"cd && {script}")

    def go(self, *command: str) -> int:
        """Run a command in the root that prints to this terminal; returns its exit status."""
        return subprocess.run([*self._enter, *self._chroot("root"), *command], check=False).returncode

    @property
    def _enter(self) -> list[str]:
        return ["nsenter", "--mount", "--target", str(self._holder.pid), f"--wd={os.getcwd()}", "--"]

    def _chroot(self, user: str) -> list[str]:
        home = "/root" if user == "root" else f"/home/{user}"
        variables = (f"HOME={home}", f"USER={user}", f"PATH={_PATH}:{home}/.local/bin", "LC_ALL=C.UTF-8", "NO_COLOR=1")
        return ["env", "-i", *variables, str(shutil.which("chroot")), f"--userspec={user}", str(self.path)]

    def check(self, script: str, user: str = "root") -> str:
        """Run a script that must succeed; returns its output."""
        done = self.run(script, user)
        assert done.code == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def files(self) -> dict[str, tuple[object, ...]]:
        """Each file, link and folder: permissions, owner, time and content (a folder's time changes with its files)."""
        places = [place for place in (f"/proc/{self._holder.pid}/root{self.path}",) if os.path.isdir(place)]
        found: dict[str, tuple[object, ...]] = {}
        for folder, names, files in os.walk(places[0]):
            below = os.path.relpath(folder, places[0])
            names[:] = [name for name in names if not _is_note(below, name)]
            for name in (*names, *files):
                found[os.path.normpath(f"{below}/{name}")] = _look(os.path.join(folder, name))
        return found


def _is_note(below: str, name: str) -> bool:
    path = os.path.normpath(f"{below}/{name}")
    return name == "__pycache__" or path in _ABOVE or path in _NOTES


def _look(path: str) -> tuple[object, ...]:
    is_now = os.lstat(path)
    who = (oct(is_now.st_mode), is_now.st_uid, is_now.st_gid)
    if os.path.islink(path):
        return (*who, os.readlink(path))
    if not os.path.isfile(path):
        return who
    return (*who, is_now.st_mtime_ns, hashlib.sha256(Path(path).read_bytes()).hexdigest())


def differences(before: dict[str, tuple[object, ...]], after: dict[str, tuple[object, ...]]) -> Sequence[str]:
    """The paths that have changed."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
