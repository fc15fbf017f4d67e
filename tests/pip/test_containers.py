"""The container files of example-config: they are linted, and Debian's runs in a copy of this machine's root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import containers
from support.env_store import run_own_pip
from support.images import can_be_made
from support.paths import ROOT
from support.scene import Scene

FILES = sorted((ROOT / "example-config" / "containers").glob("*.Dockerfile"))
GOOD = """FROM debian:12-slim AS one
RUN pip install --no-cache-dir repoprio \\
    # a comment within
    && repoprio setup-image --policy /tmp/x
FROM one
COPY --from=one /a /a
USER app
"""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_container_files_are_linted(file: Path) -> None:
    """Each of them has no problem."""
    assert list(containers.problems(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("debian:12-slim", "debian", "1: debian: name a version"),
        ("debian:12-slim", "debian:latest", "1: debian:latest: name a version"),
        ("debian:12-slim", "registry.corp.example/debian:12", "names a registry's host"),
        ("USER app", "USER root", "7: the last stage runs as root"),
        ("USER app\n", "", "6: the last stage runs as root"),
        ("USER app", "ADD x /y\nUSER app", "7: ADD: not an instruction that is used here"),
        ("--no-cache-dir ", "", "2: pip install without --no-cache-dir"),
        ("--from=one", "--from=two", "6: there is no stage two above"),
        ("repoprio setup-image --policy /tmp/x", "true", "1: no step runs repoprio setup-image"),
        (" --policy /tmp/x", "", "2: setup-image without --policy"),
        ("&& repoprio", "&& && repoprio", "2: not a shell command: "),
        ("USER app", "ENV TOKEN=x\nUSER app", "7: a secret stays in the image"),
        ("USER app", "USER app \\", "7: the end"),
        ("USER app", "RUN apt-get install -y x\nUSER app", "7: apt-get install without apt-get update"),
    ],
)
def test_the_linter_finds_mistakes(old: str, new: str, said: str) -> None:
    """A good file has no problem; each mistake is named with its line."""
    assert list(containers.problems(GOOD)) == []
    assert old in GOOD
    found = list(containers.problems(GOOD.replace(old, new)))
    assert any(said in one for one in found), found


def is_debian() -> bool:
    """Whether this machine's root can stand in for Debian's, with the packages that the file installs."""
    needed = ("/etc/debian_version", "/usr/lib/python3/dist-packages/pip", "/usr/bin/python3", "/usr/sbin/chroot")
    return os.geteuid() == 0 and all(map(os.path.exists, needed)) and can_be_made()


@pytest.mark.full
@pytest.mark.skipif(not is_debian(), reason="not Debian with python3-pip, not root, or no mount namespaces")
def test_debians_steps(scene: Scene, repoprio_wheel: Path, tmp_path: Path) -> None:
    """The steps succeed in a root; then the system's pip and a user's environment obey, and undo restores."""
    context, wheels = tmp_path / "context", tmp_path / "wheels"
    context.mkdir()
    shutil.copy(scene.file, context / "repoprio.toml")
    run_own_pip("download", "--quiet", "--dest", str(wheels), str(repoprio_wheel))
    root = tmp_path / "root"
    root.mkdir()
    file = ROOT / "example-config" / "containers" / "debian.Dockerfile"
    steps = [sys.executable, str(ROOT / "tests" / "containers.py"), "run", str(file), "--root", str(root)]
    steps += ["--context", str(context), "--without-packages", "--arg", "OPTIONS=--no-index --find-links /wheels"]
    look = "cd / && find etc/pip.conf etc/python3* etc/repoprio etc/uv etc/xdg usr/lib/python3* var/lib/repoprio "
    look += (
        "-type f ! -path '*/__pycache__/*' -exec sha256sum {} + -exec stat -c '%n %a %u %g %y' {} + 2>/dev/null | sort"
    )
    pip = "-m pip download --no-cache-dir --no-deps --dest /tmp/$$ acme 2>&1 | grep -o -m1 'acme-[0-9.]*-'"
    commands = {
        "mount": f"mount -t tmpfs t {root} && mkdir {root}/u {root}/w && mount -t overlay o -o "
        f"lowerdir=/,upperdir={root}/u,workdir={root}/w {root} && mount -t proc p {root}/proc && "
        f"mount --rbind /dev {root}/dev && mount -t tmpfs t {root}/tmp && chmod 1777 {root}/tmp && "
        f"rm -rf {root}/opt/repoprio {root}/usr/local/bin/repoprio {root}/home/app {root}/root/.config/pip && "
        f"cp -r {wheels} {root}/wheels",
        "before": _chroot(root, look),
        "steps": " ".join(f"'{word}'" for word in steps),
        "system": _chroot(root, f"/usr/bin/python3 {pip}", user="app"),
        "venv": _chroot(root, f"cd ~ && python3 -m venv own && own/bin/python {pip}", user="app"),
        "doctor": _chroot(root, "repoprio doctor --venv ~/own --format json", user="app"),
        "undo": _chroot(root, "repoprio setup-image --undo"),
        "after": _chroot(root, look),
    }
    script = "".join(
        f"({command}) >{tmp_path}/{name} 2>&1; echo $? >{tmp_path}/{name}.status\n"
        for name, command in commands.items()
    )
    subprocess.run(["unshare", "--mount", "sh", "-c", script], check=True, timeout=600)
    said = {name: (tmp_path / name).read_text() for name in commands}
    statuses = {name: int((tmp_path / f"{name}.status").read_text()) for name in commands}
    assert set(statuses.values()) == {0}, said
    assert [said[name].splitlines()[-1] for name in ("system", "venv")] == ["acme-1.1-"] * 2
    states = {one["state"] for one in json.loads(said["doctor"])["environments"]}
    assert states <= {"guarded", "no-pip"}
    assert said["before"] == said["after"]
    assert len(said["before"].splitlines()) > 500


def _chroot(root: Path, command: str, user: str = "root") -> str:
    home = "/root" if user == "root" else f"/home/{user}"
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    quoted = command.replace("'", "'\\''")
    return f"env -i HOME={home} PATH={path} LC_ALL=C.UTF-8 chroot --userspec={user} {root} /bin/sh -c '{quoted}'"
