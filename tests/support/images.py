"""A private machine for a test: its /etc, /var/lib and base interpreter lie below layers that are removed at the end.

It uses a mount namespace: changes stay in a folder of the test, and no other process sees them.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from .pips import Completed, PipEnv

BASE: Final = Path(sys.base_prefix)
STDLIB: Final = BASE / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
_LAYERS: Final = (Path("/etc"), Path("/var/lib"), BASE)
# Who is not root is root in a namespace of users.
_USERS: Final = () if os.geteuid() == 0 else ("--map-root-user",)


def can_be_made() -> bool:
    """Whether this machine allows such namespaces, with overlays."""
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        return False
    script = "d=$(mktemp -d); mount -t tmpfs t $d && mkdir $d/u $d/w && mount -t overlay o -o "
    script += "lowerdir=/etc,upperdir=$d/u,workdir=$d/w /etc"
    done = subprocess.run(["unshare", "--mount", *_USERS, "sh", "-c", script], capture_output=True, check=False)
    return done.returncode == 0


class Image:
    """A machine with a base interpreter, an environment that has repoprio, and nothing in /etc that pip or uv reads."""

    def __init__(self, env: PipEnv, folder: Path) -> None:
        self.env, self.folder = env, folder
        self.folder.mkdir()
        command = ["unshare", "--mount", *_USERS, "sh", "-c", "echo; exec sleep 3600"]
        self._holder = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        time.sleep(0.05)
        script = ["set -e"]
        for number, place in enumerate(_LAYERS):
            upper, work = self.folder / f"upper-{number}", self.folder / f"work-{number}"
            upper.mkdir()
            work.mkdir()
            options = shlex.quote(f"lowerdir={place},upperdir={upper},workdir={work}")
            script.append(f"mount -t overlay overlay -o {options} {shlex.quote(str(place))}")
        places = "/etc/pip.conf /etc/repoprio /etc/uv /etc/xdg/pip /etc/xdg/uv /var/lib/repoprio"
        script.append(f"rm -rf {places} {STDLIB}/sitecustomize.py {STDLIB}/_repoprio_pointer*")
        self.shell("\n".join(script))

    def close(self) -> None:
        """End the namespace; its mounts go with it."""
        self._holder.kill()
        self._holder.communicate()

    def run(
        self, *command: str | Path, env: Mapping[str, str] | None = None, path: Sequence[Path] = (BASE / "bin",)
    ) -> Completed:
        """Run a command there, with the base interpreter on PATH and no other Python."""
        # Found by the PATH of this process, not by the one in the image.
        enter = [str(shutil.which("nsenter")), "--mount", *(["--user", "--preserve-credentials"] if _USERS else [])]
        variables = self.env.environment(None, {"PIP_CONFIG_FILE": "", "XDG_CONFIG_DIRS": "", **(env or {})})
        del variables["PIP_CONFIG_FILE"], variables["XDG_CONFIG_DIRS"]
        variables["PATH"] = os.pathsep.join(map(str, (*path, "/no/such/folder")))
        work = self.folder / "empty"
        work.mkdir(exist_ok=True)
        done = subprocess.run(
            [*enter, "--target", str(self._holder.pid), f"--wd={work}", "--", *map(str, command)],
            env=variables, cwd=work, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300,
        )  # fmt: skip
        return Completed(done.stdout, done.stderr, done.returncode)

    def shell(self, script: str) -> str:
        """Run a script there; returns its output."""
        done = self.run("/bin/sh", "-c", f"PATH=/usr/bin:/bin:/usr/sbin:/sbin\n{script}")
        assert done.code == 0, done.stderr
        return done.stdout

    def setup(self, *arguments: str | Path, **more: str) -> Completed:
        """Run `repoprio setup-image` there."""
        done = self.run(self.env.python, "-m", "repoprio", "setup-image", *arguments, env=more)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def changes(self) -> dict[str, tuple[object, ...]]:
        """Each file and folder that differs from this machine's: kind, permissions, owner, time and content."""
        found: dict[str, tuple[object, ...]] = {}
        for number, place in enumerate(_LAYERS):
            upper = self.folder / f"upper-{number}"
            for path in upper.rglob("*"):
                here = place / path.relative_to(upper)
                if (is_now := _look(path)) != _look(here):
                    found[str(here)] = is_now
        return found


def _look(path: Path) -> tuple[object, ...]:
    if not os.path.lexists(path):
        return ()
    found = path.lstat()
    who = (oct(found.st_mode), found.st_uid, found.st_gid)
    return (*who, found.st_mtime_ns, path.read_bytes()) if path.is_file() and not path.is_symlink() else who
