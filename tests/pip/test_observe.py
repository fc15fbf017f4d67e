"""`mode = "observe"`: pip works as usual, and one line and a log say what the policy would change."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
from pathlib import Path

import pytest

from support.faults import Fault
from support.files import BuiltFile
from support.fixtures import EnvFactory, RepositoryFactory
from support.observed import Observed, observed
from support.pips import PipEnv

NEWEST = "26.3"
PIPS = [NEWEST, "22.0.2", "24.0"]
OTHERS = ["22.3.1", "23.0.1", "23.2.1", "23.3.2", "24.3.1", "25.0.1", "25.3", "26.0", "26.1", "26.2"]
ALL = [*PIPS, *(pytest.param(pip, marks=pytest.mark.full) for pip in OTHERS)]
LEGACY = ["--use-deprecated", "legacy-resolver"]


@pytest.fixture
def scene(repository: RepositoryFactory, tmp_path: Path) -> Observed:
    """Two repositories and a policy that observes."""
    return Observed(repository, tmp_path)


def installed(env: PipEnv) -> dict[str, str]:
    """The installed distributions by name, except repoprio and its dependencies."""
    return {
        name: version
        for name, version in env.installed.items()
        if name not in ("repoprio", "packaging", "platformdirs")
    }


@pytest.mark.parametrize("resolver", [[], LEGACY], ids=["new", "legacy"])
@pytest.mark.parametrize("pip", ALL)
def test_a_takeover_happens_and_is_reported(
    pip: str, resolver: list[str], fresh_env: EnvFactory, scene: Observed
) -> None:
    """The foreign acme is installed with the same output as in a stock pip; the line and the log report it."""
    stock, env = fresh_env(pip, stock=True), fresh_env(pip)
    plain = stock.run("install", *scene.indexes, *resolver, "needs-acme")
    done = scene.run(env, "install", *resolver, "needs-acme")
    assert (done.code, done.stdout) == (plain.code, plain.stdout)
    assert installed(env) == installed(stock)
    assert installed(env)["acme"] == "99.0"
    lines = done.stderr.splitlines()
    assert [line for line in lines if not line.startswith("repoprio: ")] == plain.stderr.splitlines()
    assert lines.count("repoprio: corp (priority 10), public (priority 90); observe") == 1
    assert observed(done) == f"repoprio: observe: the policy would change 1 of 2 choices: acme; log: {scene.log}"
    (record,) = scene.records()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("time"))
    assert record == {
        "schema": 1,
        "host": socket.gethostname(),
        "project": "acme",
        "requirement": "acme",
        "code": "owned",
        "pip": {"version": "99.0", "repository": "public", "site": scene.public.root_url.rstrip("/")},
        "policy": {"version": "1.1", "repository": "corp"},
        "command": "install",
        "build": False,
    }
    assert stat.S_IMODE(scene.log.stat().st_mode) == 0o600


@pytest.mark.parametrize("pip", PIPS)
def test_nothing_would_change(pip: str, pip_env: EnvFactory, scene: Observed) -> None:
    """If the policy would choose the same file, the line says so, and there is no log."""
    scene.corp.add("tool", "1.0")
    done = scene.run(pip_env(pip), "download", "--no-deps", "-d", str(scene.folder / "d"), "tool", "needs-acme")
    assert observed(done) == "repoprio: observe: the policy would change none of 2 choices"
    assert not scene.log.exists()


def test_nothing_is_asked_below_the_owner_by_the_policy(pip_env: EnvFactory, scene: Observed) -> None:
    """The policy's own lookups ask nobody below the owner."""
    done = pip_env(NEWEST).run(
        "download", "--no-cache-dir", "--no-deps", "-d", str(scene.folder / "d"), "-i", scene.corp.page_url, "acme",
        policy=scene.policy(),
    )  # fmt: skip
    assert observed(done) == "repoprio: observe: the policy would change none of 1 choice"
    assert not scene.public.requests


POLICIES = {
    "blocked": '[pins.x]\nprojects = ["acme"]\nblock = "no"',
    "ambiguous-pins": '[pins.x]\nprojects = ["acm?"]\nblock = "no"\n[pins.y]\nprojects = ["?cme"]\nblock = "no"',
    "no-match": '[pins.x]\nprojects = ["acme"]\nversions = "<1"',
    "owned-absent": '[repositories.team]\nurl = "{team}"\npriority = 20\nnamespaces = ["acme"]',
    "owner-ruled-out": '[repositories.team]\nurl = "{team}"\npriority = 20\nowns = ["acme"]\nenabled = false',
    "absent": '[pins.x]\nprojects = ["acme"]\nmode = "strict"',
}


@pytest.mark.parametrize("code", POLICIES)
def test_refusals_are_reported(code: str, pip_env: EnvFactory, scene: Observed, repository: RepositoryFactory) -> None:
    """What the policy would refuse is installed anyway; the log has the code, and no choice."""
    extra = POLICIES[code].replace("{team}", repository("team").page_url)
    if code == "absent":
        extra += '\n[repositories.other]\nurl = "http://127.0.0.1:9/"\npriority = 99\nexplicit = true\n'
        scene.corp.answer("acme", Fault(status=404))
        outer = repository("outer")
        outer.add("acme", "99.0")
        arguments = ["--extra-index-url", outer.page_url]
        extra += f'[repositories.outer]\nurl = "{outer.page_url}"\npriority = 95\ninclude = ["nothing"]\n'
        scene.public.answer("acme", Fault(status=404))
    else:
        arguments = []
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", *arguments, "acme", policy=scene.policy(extra))
    assert "Would install acme-99.0" in done.stdout
    assert "1 of 1 choice: acme" in observed(done)
    (record,) = scene.records()
    assert (record["code"], record["policy"]) == (code, {"version": None, "repository": None})


@pytest.mark.parametrize("pip", PIPS)
def test_a_repository_that_is_down(pip: str, pip_env: EnvFactory, scene: Observed) -> None:
    """If a repository of the policy is down, pip continues; that the policy would refuse is reported."""
    scene.corp.answer_all(Fault(status=503))
    env = {"PIP_INDEX_URL": scene.public.page_url, "REPOPRIO_LOG": str(scene.log)}
    done = pip_env(pip).run("download", "--no-deps", "needs-acme", policy=scene.policy(), env=env)
    assert done.code == 0, done.stderr
    assert "503" not in done.stderr
    assert "WARNING" not in done.stderr
    assert observed(done).startswith("repoprio: observe: the policy would change 1 of 1 choice: needs-acme")
    assert [record["code"] for record in scene.records()] == ["unavailable"]


def test_a_repository_that_hangs(pip_env: EnvFactory, scene: Observed) -> None:
    """`page-timeout` limits all lookups of a command together; the others are counted as unknown."""
    scene.corp.answer_all(Fault(hang=20))
    env = {"PIP_INDEX_URL": scene.public.page_url, "REPOPRIO_LOG": str(scene.log)}
    scene.public.add("other", "1")
    scene.public.add("third", "1")
    done = pip_env(NEWEST).run(
        "install", "--dry-run", "needs-acme", "other", "third",
        policy=scene.policy(before="page-timeout = 1"), env=env, timeout=15,
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert re.search(r"would change [12] of 4 choices: .*; [23] could not be looked up", observed(done))


def test_an_index_that_the_policy_does_not_list(
    pip_env: EnvFactory, scene: Observed, repository: RepositoryFactory
) -> None:
    """Pip uses the index as usual; each choice is reported as refused, with the site and without login."""
    secret = "s3cret-t0ken"
    outer = repository("outer")
    outer.add("tool", "1.0")
    url = outer.page_url.replace("http://", f"http://ada:{secret}@")
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "--extra-index-url", url, "tool", "needs-acme")
    assert "Would install acme-99.0 needs-acme-2.0 tool-1.0" in done.stdout
    line = observed(done)
    assert "the policy would change 3 of 3 choices: " in line
    assert f"; {outer.page_url} is not in the policy (named by the command line)" in line
    records = scene.records()
    assert {(one["code"], one["policy"]["version"]) for one in records} == {("unlisted", None)}
    assert all(one["unlisted"] == [outer.root_url.rstrip("/")] for one in records)
    assert {one["pip"]["repository"] for one in records if one["project"] == "tool"} == {None}
    assert secret not in done.stdout + done.stderr + scene.log.read_text()
    assert "ada" not in scene.log.read_text()


@pytest.mark.parametrize(("unlisted", "code"), [("lowest", None), ("ignore", "absent")])
def test_an_index_that_the_policy_lets_in(
    unlisted: str, code: str | None, pip_env: EnvFactory, scene: Observed, repository: RepositoryFactory
) -> None:
    """Under `lowest` a file of a caller's index is no change; under `ignore` it is."""
    outer = repository("outer")
    outer.add("tool", "1.0")
    policy = scene.policy(before=f'unlisted = "{unlisted}"')
    done = scene.run(
        pip_env(NEWEST), "install", "--dry-run", "--extra-index-url", outer.page_url, "tool", policy=policy
    )
    assert "is ignored" not in done.stderr
    assert [record["code"] for record in scene.records()] == ([code] if code else [])


@pytest.mark.story
@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize("resolver", [[], LEGACY], ids=["new", "legacy"])
def test_direct_urls(pip: str, resolver: list[str], fresh_env: EnvFactory, scene: Observed) -> None:
    """A dependency's URL is installed and reported; the user's own is not, unless URLs are forbidden."""
    wheel = scene.public.add("evil", "1.0")[0]
    url = f"{scene.public.root_url}files/{wheel.filename}"
    scene.public.add("trap", {"version": "1", "requires": [f"evil @ {url}"]})
    done = scene.run(fresh_env(pip), "install", *resolver, "trap")
    assert "Successfully installed evil-1.0 trap-1" in done.stdout
    assert "1 of 2 choices: evil" in observed(done)
    (record,) = scene.records()
    assert (record["code"], record["project"], record["requirement"]) == ("direct-url", "evil", "evil")
    assert wheel.filename not in scene.log.read_text()
    done = scene.run(fresh_env(pip), "install", *resolver, f"evil @ {url}")
    assert "repoprio: observe" not in done.stderr
    closed = scene.policy(before='direct-urls = "refuse"')
    assert "1 of 1 choice: evil" in observed(
        scene.run(fresh_env(pip), "install", *resolver, f"evil @ {url}", policy=closed)
    )


BUILDS = [
    *((pip, "") for pip in PIPS),
    (NEWEST, "inprocess-build-deps"),
    (NEWEST, "venv-isolation"),
    *(pytest.param(pip, "", marks=pytest.mark.full) for pip in OTHERS),
]


@pytest.mark.parametrize(("pip", "feature"), BUILDS)
def test_build_requirements(pip: str, feature: str, fresh_env: EnvFactory, scene: Observed) -> None:
    """Requirements of builds count in the same line and are marked in the log, for every kind of child pip."""
    scene.corp.add("tool", {"version": "1", "sdist": True, "build-requires": ["acme"]})
    options = ["--use-feature", feature] if feature else []
    work = scene.folder / "work"
    work.mkdir()
    own = scene.folder / "tmp"
    own.mkdir()
    done = scene.run(
        fresh_env(pip), "install", *options, "tool", env={"REPOPRIO_LOG": "here.jsonl", "TMPDIR": str(own)}, cwd=work
    )
    assert observed(done).endswith(f"would change 1 of 2 choices: acme; log: {os.path.abspath(work / 'here.jsonl')}")
    assert done.stderr.count("repoprio: corp (priority 10)") == 1
    (record,) = map(json.loads, (work / "here.jsonl").read_text().splitlines())
    assert (record["project"], record["build"], record["command"]) == ("acme", True, "install")
    assert not list(own.glob("repoprio-*"))


def test_other_pythons(fresh_env: EnvFactory, scene: Observed) -> None:
    """`pip --python OTHER` observes without a hook there, into the same log."""
    other = fresh_env("24.0", stock=True)
    done = fresh_env(NEWEST).run(
        "--python", str(other.python), "install", *scene.indexes, "acme",
        policy=scene.policy(), env={"REPOPRIO_LOG": "here.jsonl"}, cwd=scene.folder,
    )  # fmt: skip
    assert "Successfully installed acme-99.0" in done.stdout, done.stderr
    assert observed(done).endswith(f"1 of 1 choice: acme; log: {os.path.abspath(scene.folder / 'here.jsonl')}")
    assert len((scene.folder / "here.jsonl").read_text().splitlines()) == 1


def test_download_wheel_and_lock(pip_env: EnvFactory, scene: Observed) -> None:
    """Each command that resolves is observed, and logged with its own name."""
    env, target = pip_env(NEWEST), str(scene.folder / "files")
    for command, *rest in (["download", "-d", target], ["wheel", "-w", target], ["lock", "-o", "-"]):
        assert "1 of 1 choice: acme" in observed(scene.run(env, command, *rest, "acme"))
    assert [record["command"] for record in scene.records()] == ["download", "wheel", "lock"]


def test_backtracking_is_no_change(pip_env: EnvFactory, scene: Observed) -> None:
    """An older file, reached by backtracking, that the owner has too is no change."""
    scene.corp.add("top", {"version": "2.0", "requires": ["base<2"]}, "1.0")
    scene.corp.add("base", "2.0", "1.0")
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "top", "base==2.0")
    assert "Would install base-2.0 top-1.0" in done.stdout
    assert "none of 2 choices" in observed(done)


def test_an_older_file_without_need_is_a_change(
    pip_env: EnvFactory, scene: Observed, repository: RepositoryFactory
) -> None:
    """If pip's index has only the older of the owner's files, the newer one is a change."""
    stale = repository("stale")
    stale.add("acme", "1.0")
    policy = scene.policy(before='unlisted = "lowest"')
    env = {"PIP_INDEX_URL": stale.page_url, "REPOPRIO_LOG": str(scene.log)}
    done = pip_env(NEWEST).run("install", "--dry-run", "acme", policy=policy, env=env)
    assert "1 of 1 choice: acme" in observed(done)
    (record,) = scene.records()
    assert (record["pip"]["version"], record["policy"]) == ("1.0", {"version": "1.1", "repository": "corp"})


def test_the_same_file_elsewhere_is_no_change(
    pip_env: EnvFactory, scene: Observed, repository: RepositoryFactory
) -> None:
    """Files are compared by hashes, else by place; an alias of the owner is the owner's place."""
    twin = repository("twin", layout="html")
    for server in (scene.corp, twin):
        server.add("bare", "1.0")
    policy = scene.policy(corp=f'aliases = ["{twin.page_url}"]')
    env = {"PIP_INDEX_URL": twin.page_url, "REPOPRIO_LOG": str(scene.log)}
    for server in (scene.corp, twin):
        page = (
            f'<!DOCTYPE html><a href="{server.root_url}files/bare-1.0-py3-none-any.whl">bare-1.0-py3-none-any.whl</a>'
        )
        server.answer("bare", Fault(body=page, content_type="text/html"))
    done = pip_env(NEWEST).run("install", "--dry-run", "bare", policy=policy, env=env)
    assert "none of 1 choice" in observed(done), done.stderr


def test_another_file_of_the_same_name_is_a_change(pip_env: EnvFactory, scene: Observed) -> None:
    """The same name and version with another content is another file."""
    scene.corp.add("same", {"version": "1.0", "requires": []})
    scene.public.add("same", {"version": "1.0", "requires": ["acme"]})
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "--no-deps", "same")
    assert "1 of 1 choice: same" in observed(done)
    (record,) = scene.records()
    assert (record["pip"]["repository"], record["policy"]["repository"]) == ("public", "corp")
    assert record["pip"]["version"] == record["policy"]["version"] == "1.0"


@pytest.mark.parametrize(
    ("mode", "requirement", "code"),
    [("merge", "acme", None), ("flexible", "acme>=2", None), ("strict", "acme", "owned")],
)
def test_the_mode_of_a_pin(mode: str, requirement: str, code: str | None, pip_env: EnvFactory, scene: Observed) -> None:
    """Names with a mode of their own are compared by it; nothing is enforced for them either."""
    policy = scene.policy(f'[pins.x]\nprojects = ["*"]\nmode = "{mode}"\n')
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", requirement, policy=policy)
    assert "Would install acme-99.0" in done.stdout
    assert [record["code"] for record in scene.records()] == ([code] if code else [])


def test_constraints_and_hashes_count(pip_env: EnvFactory, scene: Observed) -> None:
    """The policy is asked for the final requirement, including constraints and hashes."""
    built: BuiltFile = scene.corp.add("hashed", "1.0", "1.1")[0]
    requirements, constraints = scene.folder / "r.txt", scene.folder / "c.txt"
    requirements.write_text(f"hashed<2 --hash=sha256:{built.sha256}\n")
    done = scene.run(
        pip_env(NEWEST), "install", "--dry-run", "--no-deps", "--no-require-hashes", "-r", str(requirements)
    )
    assert "Would install hashed-1.0" in done.stdout
    assert "none of 1 choice" in observed(done)
    constraints.write_text("acme<1.1\n")
    assert "none of 2" in observed(
        scene.run(pip_env(NEWEST), "install", "--dry-run", "-c", str(constraints), "needs-acme")
    )


def test_what_is_installed_is_no_choice(fresh_env: EnvFactory, scene: Observed) -> None:
    """An installed distribution that stays is no choice."""
    env = fresh_env(NEWEST)
    assert env.run("install", *scene.indexes, "acme").code == 0
    assert "repoprio: observe" not in scene.run(env, "install", "acme").stderr
    assert "none of 1 choice" in observed(scene.run(env, "install", "needs-acme"))


def test_locked_files(pip_env: EnvFactory, scene: Observed) -> None:
    """A file of a pylock.toml that its owner does not list is installed, and reported."""
    wheel = scene.public.add("acme", "99.1")[0]
    url = f"{scene.public.root_url}files/{wheel.filename}"
    lock = scene.folder / "pylock.toml"
    lock.write_text(
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "acme"\nversion = "99.1"\n'
        f'[[packages.wheels]]\nurl = "{url}"\nhashes = {{sha256 = "{wheel.sha256}"}}\n'
    )
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "-r", str(lock))
    assert "Would install acme-99.1" in done.stdout
    assert "1 of 1 choice: acme" in observed(done)
    assert [record["code"] for record in scene.records()] == ["pylock"]
    done = scene.run(
        pip_env(NEWEST), "install", "--dry-run", "-r", str(lock), policy=scene.policy(before='pylock = "allow"')
    )
    assert "none of 1 choice" in observed(done)
