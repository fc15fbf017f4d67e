"""A whole Debian, made by debootstrap and set up by its container file: every pip obeys, however it came there."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import roots
from support.env_store import run_own_pip
from support.paths import ROOT
from support.roots import Root
from support.scene import Scene

pytestmark = [pytest.mark.full, pytest.mark.skipif(bool(roots.missing()), reason=roots.missing())]
CONTAINERS = ROOT / "example-config" / "containers"
TOOLS = ("pip", "setuptools", "wheel", "virtualenv", "tox", "pipx", "uv")
# What the container file's own steps leave, beside what setup-image does.
STEPS = ("opt/repoprio", "usr/local/bin/repoprio", "etc/passwd", "etc/shadow", "etc/group", "etc/gshadow", "etc/sub")
TAKES = "-m pip download --no-cache-dir --no-deps --dest /tmp/$$ acme"
# Each is run as app; `acme` is what it ends with.
WAYS = {
    "the system's Python": f"/usr/bin/python3 {TAKES}",
    "an environment of its own": f"python3 -m venv own && own/bin/python {TAKES}",
    "a newer pip": (
        "python3 -m venv newer && newer/bin/python -m pip install --quiet -U pip && "
        f"newer/bin/python -m pip --version && newer/bin/python {TAKES}"
    ),
    "uv venv --seed": (
        f"/opt/tools/bin/uv venv --quiet --seed --python /usr/bin/python3 seeded && seeded/bin/python {TAKES}"
    ),
    "uv": "/opt/tools/bin/uv pip install --quiet --target by-uv acme && ls by-uv",
    "virtualenv": f"/opt/tools/bin/virtualenv --quiet virtual && virtual/bin/python {TAKES}",
    "tox": (
        "mkdir -p toxed && cd toxed && printf '[testenv]\\nskip_install = true\\ndeps = acme\\n"
        "commands = python -m pip freeze\\n' > tox.ini && /opt/tools/bin/tox -q run"
    ),
    "pipx": (
        "/opt/tools/bin/pipx install --quiet wheel && /opt/tools/bin/pipx inject wheel acme && "
        "/opt/tools/bin/pipx runpip wheel freeze"
    ),
}


@pytest.fixture(scope="module")
def lower() -> Path:
    """The root that debootstrap made."""
    return Path(os.environ[roots.VARIABLE])


@pytest.fixture
def root(lower: Path, tmp_path: Path) -> Iterator[Root]:
    """A layer above it."""
    folder = tmp_path / "debian"
    folder.mkdir()
    made = Root(lower, folder)
    yield made
    made.close()


@pytest.fixture
def wheels(root: Root, repoprio_wheel: Path, tmp_path: Path) -> Path:
    """Repoprio and the tools, with all that they need, for the root's Python."""
    version = root.check("python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'").strip()
    folder = tmp_path / "wheels"
    options = ("--quiet", "--only-binary", ":all:", "--python-version", version, "--dest", str(folder))
    run_own_pip("download", *options, str(repoprio_wheel), *TOOLS)
    return folder


def copy_in(root: Root, source: Path, target: str) -> None:
    """Copy a file or folder of this machine into the root."""
    done = root.outside("cp", "-r", str(source), f"{root.path}{target}")
    assert done.code == 0, done.stderr


def policy(scene: Scene) -> Path:
    """Corp and public, and the wheels of the tools below them."""
    return scene.policy('[repositories.tools]\nurl = "/wheels"\nformat = "flat"\npriority = 95\n')


def build(root: Root, scene: Scene, context: Path, file: str = "debian") -> None:
    """Run the steps of a container file."""
    context.mkdir()
    shutil.copy(policy(scene), context / "repoprio.toml")
    (context / "requirements.txt").write_text("acme\n")
    command = [sys.executable, str(ROOT / "tests" / "containers.py"), "run", str(CONTAINERS / f"{file}.Dockerfile")]
    command += ["--root", str(root.path), "--context", str(context), "--without-packages"]
    done = root.outside(*command, "--arg", "OPTIONS=--no-index --find-links /wheels")
    assert done.code == 0, done.stdout + done.stderr


def test_an_application_in_an_environment(root: Root, wheels: Path, scene: Scene, tmp_path: Path) -> None:
    """Ubuntu's steps, in Debian's root: the application's environment gets corp's packages."""
    copy_in(root, wheels, "/wheels")
    build(root, scene, tmp_path / "context", "ubuntu")
    assert "acme==1.1" in root.check("/srv/app/venv/bin/pip freeze", "app").splitlines()
    assert not scene.public.asked("acme")


def test_every_way_to_a_pip_obeys(root: Root, wheels: Path, scene: Scene, tmp_path: Path) -> None:
    """What any user makes in the image takes corp's acme; unguarded the same commands take public's."""
    copy_in(root, wheels, "/wheels")
    install = "/opt/tools/bin/pip install --quiet --no-index --find-links /wheels"
    root.check(f"python3 -m venv /opt/tools && {install} {' '.join(TOOLS)}")
    indexes = " ".join(scene.indexes)
    unguarded = root.check(f"/usr/bin/python3 {TAKES} {indexes}")
    assert "acme-99.0" in unguarded
    before = root.files()
    build(root, scene, tmp_path / "context")
    root.check("useradd --create-home other")
    results = {}
    for way, script in WAYS.items():
        done = root.run(script, "app")
        results[way] = (done.code, "1.1" in done.stdout, "99.0" in done.stdout + done.stderr, done.stdout + done.stderr)
    assert {way: found[:3] for way, found in results.items()} == dict.fromkeys(WAYS, (0, True, False)), results
    assert "acme-1.1" in root.check(f"python3 -m venv theirs && theirs/bin/python {TAKES}", "other")
    check_doctor(root)
    root.check("repoprio setup-image --undo")
    changed = roots.differences(before, root.files())
    assert [path for path in changed if not path.startswith(STEPS)] == []


def check_doctor(root: Root) -> None:
    """Doctor reports as guarded what obeys, to each user for their own environments.

    As root it runs no other user's.
    """
    own = [f"/home/app/{name}/" for name in ("own", "newer", "seeded", "virtual", "toxed/.tox", ".local")]
    as_app = states(root, "app", "/home/app", "/home/app/toxed/.tox")
    assert set(as_app.values()) <= {"guarded", "no-pip"}, as_app
    assert [folder for folder in own if not any(python.startswith(folder) for python in as_app)] == []
    assert as_app["/usr/bin/python3"] == "guarded"
    as_other = states(root, "other", "/home/other")
    assert as_other["/home/other/theirs/bin/python"] == "guarded"
    as_root = states(root, "root", "/opt/repoprio", "/opt/tools", "/home/other")
    assert as_root["/home/other/theirs/bin/python"] == "of-another-user"
    assert as_root["/opt/tools/bin/python"] == "guarded"


def states(root: Root, user: str, *folders: str) -> dict[str, str]:
    """What doctor reports to this user for each Python."""
    given = " ".join(f"--venv {folder}" for folder in folders)
    report = json.loads(root.run(f"repoprio doctor {given} --format json", user).stdout)
    return {found["python"]: found["state"] for found in report["environments"]}
