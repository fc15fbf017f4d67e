"""`repoprio setup-image` on a machine of its own: every pip obeys, and `--undo` restores every file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repoprio.environments import ledger
from repoprio.render import doctor
from support.env_store import EnvStore, run_own_pip
from support.fixtures import EnvFactory, RepositoryFactory
from support.images import BASE, STDLIB, Image, can_be_made
from support.pips import PipEnv
from support.scene import Scene

PIP = "26.3"
CUSTOM = f"{STDLIB}/sitecustomize.py"
JOURNAL = "/var/lib/repoprio/setup-image.json"
UV = "/etc/uv/uv.toml"
needs_image = pytest.mark.skipif(not can_be_made(), reason="no mount namespaces with overlays here")


@pytest.fixture
def image(fresh_env: EnvFactory, tmp_path: Path) -> Iterator[Image]:
    """A machine with repoprio in an environment of its own."""
    made = Image(fresh_env(PIP), tmp_path / "image")
    yield made
    made.close()


def outcomes(done: str) -> dict[tuple[str, str], str]:
    """The outcome of each step, by its name and place."""
    return {(step["step"], step["place"]): step["outcome"] for step in json.loads(done)["steps"]}


def takes(image: Image, *pip: str | Path, **env: str) -> str:
    """The acme that a pip there takes."""
    done = image.run(*pip, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-cache-dir", "acme", env=env)
    return done.stdout.splitlines()[-1] if done.code == 0 else done.stderr


def noted(image: Image) -> list[str]:
    """The places that repoprio records, so that `pip uninstall repoprio` removes what it put there."""
    file = image.env.site_packages / ledger.FILE
    return [json.loads(line)[1] for line in file.read_text().splitlines()] if file.exists() else []


@needs_image
def test_an_image_obeys_and_is_restored(image: Image, scene: Scene, fresh_env: EnvFactory) -> None:
    """After one command, the base and its environments obey; after --undo, each file is as before."""
    venv = fresh_env(PIP, stock=True)
    image.shell(
        "printf '[global]\\ntimeout = 7' > /etc/pip.conf; chmod 640 /etc/pip.conf; chown 1:1 /etc/pip.conf\n"
        f"printf 'import sys' > {CUSTOM}; touch -d 2020-01-01 /etc/pip.conf {CUSTOM}; {BASE}/bin/python3 -c ''"
    )
    before, packages = image.changes(), sorted(path.name for path in venv.site_packages.iterdir())
    done = image.setup("--policy", scene.file, "--venv", venv.root, "--format", "json")
    assert done.code == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert set(outcomes(done.stdout).values()) == {"done"}
    assert [step["step"] for step in report["steps"]] == ["policy", "hook", "hook", "fuse", "uv"]
    assert {one["state"] for one in report["doctor"]["environments"]} == {"guarded"}
    assert report["doctor"]["fuse"]["in_place"]
    for python in (BASE / "bin" / "python3", venv.python):
        assert "Would install acme-1.1" in takes(image, python)
        # There is a policy, even if a user switches it off.
        stopped = takes(image, python, REPOPRIO_CONFIG="/dev/null")
        assert "a policy is required" in stopped
        # Of what setup-image wrote, `disable` would leave a part.
        assert "(to require none: repoprio setup-image --undo" in stopped
    new = image.folder / "new"
    # With a pip that is there already: ensurepip would compile one for seconds.
    packages_of_new = new / venv.site_packages.relative_to(venv.root)
    image.shell(f"{BASE}/bin/python3 -m venv --without-pip {new}; cp -pr {venv.site_packages}/pip {packages_of_new}")
    assert "Would install acme-1.1" in takes(image, new / "bin" / "python")
    site = f"{STDLIB}/site-packages"
    assert "repoprio-is-not-loaded" in takes(image, BASE / "bin" / "python3", "-S", PYTHONPATH=site)
    assert scene.corp.page_url in image.shell(f"cat {UV}")
    assert image.shell("stat -c '%a %u' /etc/pip.conf") == "640 1\n"
    assert {str(STDLIB), "/etc/pip.conf", str(venv.site_packages)} < set(noted(image))
    undone = image.setup("--undo")
    assert undone.code == 0, undone.stdout + undone.stderr
    assert image.changes() == before
    assert sorted(path.name for path in venv.site_packages.iterdir()) == packages
    assert noted(image) == [str(packages_of_new)]
    nothing = image.setup("--undo")
    assert (nothing.code, nothing.stdout) == (0, "")
    assert "there is nothing to undo" in nothing.stderr


@pytest.mark.full
@needs_image
def test_a_second_time_changes_nothing(image: Image, scene: Scene, fresh_env: EnvFactory) -> None:
    """Each step finds what it would write, and says so."""
    command = ("--policy", scene.file, "--venv", fresh_env(PIP, stock=True).root, "--format", "json")
    assert set(outcomes(image.setup(*command).stdout).values()) == {"done"}
    again = image.setup(*command)
    assert (again.code, set(outcomes(again.stdout).values())) == (0, {"unchanged"})
    assert image.setup("--undo").code == 0


@pytest.mark.full
@needs_image
def test_what_others_changed_or_had_before_stays(image: Image, scene: Scene) -> None:
    """Existing pip.conf with an index and uv.toml stay; --undo keeps files that were changed later."""
    image.shell(
        "mkdir -p /etc/uv /etc/repoprio; echo 'offline = true' > /etc/uv/uv.toml\n"
        f"printf '[global]\\nindex-url = https://x.example/\\n' > /etc/pip.conf; cp {scene.file} /etc/repoprio/"
    )
    before = image.changes()
    other = scene.folder / "other.toml"
    other.write_text(scene.file.read_text().replace("90", "80"))
    refused = image.setup("--policy", other)
    assert (refused.code, refused.stdout, "leave out --policy" in refused.stderr) == (2, "", True)
    assert image.changes() == before
    done = image.setup()
    assert done.code == 1, done.stderr
    assert "FAIL   fuse    /etc/pip.conf: it already has an index-url: " in done.stdout
    assert f"FAIL   uv      {UV}: it already exists, and is not the policy's export\n" in done.stdout
    assert f"fix: repoprio export uv --check {UV}" in done.stdout
    assert "  done   hook    " in done.stdout
    image.shell(f"echo 'import os' >> {CUSTOM}; touch {JOURNAL[: JOURNAL.rindex('/')]}/mine")
    undone = image.setup("--undo")
    assert (undone.code, f"LEFT     {CUSTOM}: somebody changed it later" in undone.stdout) == (1, True)
    assert image.shell(f"tail -n 1 {CUSTOM}") == "import os\n"
    left = {CUSTOM, "/var/lib/repoprio", JOURNAL, "/var/lib/repoprio/mine"}
    assert {name for name in image.changes().keys() - before.keys() if not name.endswith(".pyc")} == left
    image.shell(f"rm {CUSTOM}")
    again = image.setup("--undo")
    assert (again.code, "LEFT     /var/lib/repoprio: it has other files" in again.stdout) == (1, True)
    left = {"/var/lib/repoprio", "/var/lib/repoprio/mine"}
    assert {name for name in image.changes().keys() - before.keys() if not name.endswith(".pyc")} == left


@pytest.mark.full
@needs_image
def test_first_observe_then_enforce(image: Image, scene: Scene) -> None:
    """In observe mode neither the fuse nor uv's settings are written; a new policy adds them."""
    before = image.changes()
    scene.policy(before='mode = "observe"')
    done = image.setup("--policy", scene.file, "--format", "json")
    assert done.code == 1, done.stderr
    printed = json.loads(done.stdout)
    assert [step["outcome"] for step in printed["steps"]] == ["done", "done", "skipped", "skipped"]
    # Nor does doctor advise the fuse, with which a pip that only observes would find nothing.
    assert "  fuse   /etc/pip.conf: not in place" in list(doctor.lines(printed["doctor"]))
    scene.policy('[pins.x]\nprojects = ["leftpad"]\nversions = "<3"\n')
    scene.file.chmod(0o600)
    done = image.setup("--policy", scene.file)
    assert (done.code, "note: not everybody can read it (mode 600)" in done.stdout) == (0, True), done.stdout
    assert "leftpad<3" in image.shell(f"cat {UV}")
    assert image.setup("--undo").code == 0
    assert image.changes() == before


@pytest.mark.full
@needs_image
def test_repoprio_in_the_base(image: Image, scene: Scene, repoprio_wheel: Path, tmp_path: Path) -> None:
    """Installed in the base itself, it also covers environments made from it; a Python that is too old is skipped."""
    run_own_pip("download", "--quiet", "--dest", str(tmp_path / "wheels"), str(repoprio_wheel))
    base, options = BASE / "bin" / "python3", ("--no-index", "--find-links", tmp_path / "wheels")
    assert image.run(base, "-m", "pip", "install", *options, "repoprio").code == 0
    before, tools = image.changes(), tmp_path / "tools"
    tools.mkdir()
    (tools / "python3.9").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3.9").chmod(0o755)
    command = (BASE / "bin" / "repoprio", "setup-image", "--policy", scene.file)
    done = image.run(*command, path=(BASE / "bin", tools))
    assert done.code == 0, done.stdout + done.stderr
    assert f"  -      hook    {tools}/python3.9: does not behave like a Python" in done.stdout
    assert "Would install acme-1.1" in takes(image, base)
    image.shell(f"{base} -m venv {tmp_path}/new")
    assert "Would install acme-1.1" in takes(image, tmp_path / "new" / "bin" / "python")
    assert image.run(*command[:2], "--undo").code == 0
    assert {name for name in image.changes().keys() ^ before.keys() if not name.endswith(".pyc")} <= {
        f"{STDLIB}/site-packages/{ledger.FILE}"
    }


@needs_image
@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (None, "no policy applies to every pip here; nothing was written"),
        ("mode = 3\n", "nothing was written"),
        ('[repositories.a]\nurl = "https://a.example/"\npriority = 1\n', "pins.b"),
    ],
)
def test_nothing_is_written_without_a_valid_policy(policy: str | None, said: str, image: Image, tmp_path: Path) -> None:
    """No policy, a faulty one, or a conflict with existing files: status 2, and no file is written."""
    image.shell(
        "mkdir -p /etc/repoprio/repos.d; printf '[pins.b]\\nprojects = [\"b\"]\\n' > /etc/repoprio/repos.d/b.toml"
    )
    if policy is None:
        image.shell("rm -r /etc/repoprio")
    before, file = image.changes(), tmp_path / "new.toml"
    file.write_text(policy or "")
    done = image.setup(*(("--policy", file) if policy else ()))
    assert (done.code, done.stdout, said in done.stderr) == (2, "", True), done.stderr
    assert image.changes() == before


def test_an_environment_without_what_repoprio_needs(
    pip_env: EnvFactory, env_store: EnvStore, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """It works in a Python 3.10 without tomli, packaging and platformdirs."""
    python = Path.home() / ".pyenv" / "versions" / "3.10.13" / "bin" / "python"
    if not python.exists():
        pytest.skip("no Python 3.10")
    scene = Scene(repository, tmp_path, acme=("1.0", "2.0"))
    scene.policy('[pins.acme]\nprojects = ["acme"]\nversions = "<2, !=1.5.*"\n')
    home = pip_env(PIP)
    venv = PipEnv(tmp_path / "venv", PIP, tmp_path / "venv-home")
    env_store.copy(env_store.env(PIP, None, str(python)), venv.root)
    for name in ("tomli", "packaging", "platformdirs", "repoprio"):
        assert venv.module(name).code == 1
    assert home.tool("enable", "--venv", str(venv.root), "--policy", str(scene.file)).code == 0
    done = venv.run("install", "--no-cache-dir", "acme")
    assert (done.code, venv.installed["acme"]) == (0, "1.0"), done.stderr
    explained = home.tool("explain", "--python", str(venv.root), "--format", "json", "acme")
    assert json.loads(explained.stdout)["projects"][0]["version"] == "1.0"
