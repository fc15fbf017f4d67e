"""`mode = "observe"`: pip works as usual, and one line and a log say what the policy would change."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from repoprio.storage import jsonlines
from support.faults import Fault
from support.files import BuiltFile
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.scene import Scene

NEWEST = "26.3"
PIPS = [NEWEST, "22.0.2", "24.0"]
OTHERS = ["22.3.1", "23.0.1", "23.2.1", "23.3.2", "24.3.1", "25.0.1", "25.3", "26.0", "26.1", "26.2"]
ALL = [*PIPS, *(pytest.param(pip, marks=pytest.mark.full) for pip in OTHERS)]
LEGACY = ["--use-deprecated", "legacy-resolver"]


class Observed(Scene):
    """corp above public, a policy that only observes, and a pip that asks both at once."""

    def __init__(self, repository: RepositoryFactory, folder: Path) -> None:
        super().__init__(repository, folder, acme=("1.0", "1.1"))
        self.log = folder / "changes.jsonl"
        self.public.add("needs-acme", {"version": "2.0", "requires": ["acme"]})

    def policy(self, extra: str = "", *, before: str = "", **more: Any) -> Path:
        """The policy, which observes."""
        return super().policy(extra, before=f'mode = "observe"\n{before}', **more)

    @property
    def indexes(self) -> list[str]:
        """Pip's own options for both repositories, without a cache."""
        return ["--no-cache-dir", *super().indexes]

    def run(
        self, env: PipEnv, command: str, /, *arguments: str, policy: Path | None = None, **options: Any
    ) -> Completed:
        """Run a command of pip that asks both, with the policy and the log; it must succeed."""
        environ = {"REPOPRIO_LOG": str(self.log), **options.pop("env", {})}
        found = policy or self.policy()
        done = env.run(command, *self.indexes, *arguments, policy=found, env=environ, **options)
        assert done.code == 0, done.stdout + done.stderr
        return done

    def records(self) -> list[dict[str, Any]]:
        """The records of the log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture
def scene(repository: RepositoryFactory, tmp_path: Path) -> Observed:
    """Two repositories and a policy that observes."""
    return Observed(repository, tmp_path)


def observed(done: Completed) -> str:
    """The line that says what would change; there is exactly one, the last of stderr."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("repoprio: observe:")]
    assert len(lines) == 1, done.stderr
    return lines[0]


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
    said = done.stderr.splitlines()
    assert [line for line in said if not line.startswith("repoprio: ")] == plain.stderr.splitlines()
    assert said.count("repoprio: corp (priority 10), public (priority 90); observe") == 1
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
    said = observed(done)
    assert "the policy would change 3 of 3 choices: " in said
    assert f"; {outer.page_url} is not in the policy (named by the command line)" in said
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


@pytest.mark.parametrize("pip", [NEWEST, "24.0"])
def test_reports_are_pips_own_and_quiet_is_quiet(pip: str, pip_env: EnvFactory, scene: Observed) -> None:
    """`--report -` is unchanged, and -q prints nothing, but the log is written."""
    arguments = ["install", "--dry-run", "-q", "--report", "-", "--ignore-installed", "needs-acme"]
    command, *rest = arguments
    plain = pip_env(pip, stock=True).run(command, *scene.indexes, *rest)
    done = scene.run(pip_env(pip), command, *rest)
    assert done == plain
    assert [record["project"] for record in scene.records()] == ["acme"]


@pytest.mark.story
@pytest.mark.parametrize("pip", PIPS)
def test_other_commands_are_untouched(pip: str, fresh_env: EnvFactory, scene: Observed) -> None:
    """Commands that install nothing are pip's own, and log nothing."""
    stock, env = fresh_env(pip, stock=True), fresh_env(pip)
    for one in (stock, env):
        assert one.run("install", *scene.indexes, "acme==1.0").code == 0
    for command in (["index", "versions", "acme"], ["list", "--outdated", "--format", "freeze"], ["check"]):
        options = [] if command == ["check"] else scene.indexes[1:]
        plain = stock.run(*command, *options)
        done = env.run(*command, *options, policy=scene.policy(), env={"REPOPRIO_LOG": str(scene.log)})
        lines = [line for line in done.stdout.splitlines() if not line.startswith("repoprio")]
        assert (done.code, lines) == (plain.code, plain.stdout.splitlines())
    assert not scene.log.exists()


@pytest.mark.parametrize("pip", PIPS)
def test_a_failing_pip_fails_as_usual(pip: str, pip_env: EnvFactory, scene: Observed) -> None:
    """If pip finds nothing, its output and status are unchanged."""
    arguments = [*scene.indexes, "acme>=100"]
    plain = pip_env(pip, stock=True).run("install", *arguments)
    done = pip_env(pip).run("install", *arguments, policy=scene.policy())
    said = [line for line in done.stderr.splitlines() if not line.startswith("repoprio: ")]
    assert (done.code, done.stdout, said) == (plain.code, plain.stdout, plain.stderr.splitlines())
    assert done.code == 1


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


def test_logins_stay_apart(pip_env: EnvFactory, scene: Observed) -> None:
    """Pip uses its own login, the policy's lookups use the policy's; the log has neither."""
    policy = scene.policy()
    policy.write_text(policy.read_text().replace("http://", "http://policys:pol1cy-s3cret@", 1))
    index = scene.corp.page_url.replace("http://", "http://pips:p1p-s3cret@")
    done = pip_env(NEWEST).run(
        "download", "--no-cache-dir", "-d", str(scene.folder / "d"), "-vvv", "-i", index, "acme",
        policy=policy, env={"REPOPRIO_LOG": str(scene.log)},
    )  # fmt: skip
    assert done.code == 0, done.stderr
    sent = [
        (request.path, request.authorization and request.authorization.username) for request, _ in scene.corp.http.log
    ]
    assert {user for path, user in sent if path.startswith("/files/")} == {"pips"}, sent
    assert {user for path, user in sent if path.startswith("/simple/")} == {"pips", "policys"}
    assert "none of 1 choice" in observed(done)
    assert "s3cret" not in done.stderr + done.stdout


@pytest.mark.parametrize("pip", PIPS)
def test_verbose_output_is_pips_own(pip: str, pip_env: EnvFactory, scene: Observed) -> None:
    """With -vv, and even if a login is a word that pip prints, stdout is that of a stock pip."""
    policy = scene.policy()
    policy.write_text(policy.read_text().replace("http://", "http://ada:downloaded@", 1))
    index = scene.public.page_url.replace("http://", "http://eva:Successfully@")
    arguments = ["download", "-vv", "--no-cache-dir", "-i", index, "needs-acme"]
    (scene.folder / "a").mkdir()
    (scene.folder / "b").mkdir()
    plain = pip_env(pip, stock=True).run(*arguments, cwd=scene.folder / "a")
    done = pip_env(pip).run(*arguments, policy=policy, cwd=scene.folder / "b")
    assert _comparable(done) == _comparable(plain)
    assert (done.code, plain.code) == (0, 0)
    assert "the policy would change" in observed(done)


def _comparable(done: Completed) -> list[str]:
    """The output, without paths that differ between runs."""
    return [re.sub(r"/\S*pip-\S*|pip \S+ from \S+", "PATH", line) for line in done.stdout.splitlines()]


def test_a_line_of_a_requirements_file(pip_env: EnvFactory, scene: Observed, repository: RepositoryFactory) -> None:
    """An index of a requirements file is reported with its line."""
    outer = repository("outer")
    requirements = scene.folder / "r.txt"
    requirements.write_text(f"--extra-index-url {outer.page_url}\nacme\n")
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "-r", str(requirements))
    assert f"{outer.page_url} is not in the policy (named by {requirements}, line 1)" in observed(done)


def test_reports_of_a_builds_pip_are_checked(fresh_env: EnvFactory, scene: Observed) -> None:
    """Reports of a build's pip are accepted only as numbers and names."""
    word = [1, 1, ["good", "\x1b[2J", "x" * 5000, 5], 0, False]
    project = scene.folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["acme"]\nbuild-backend = "b"\nbackend-path = ["."]\n'
    )
    lines = [json.dumps(word), "[", "[1e999, 0, [], 0, 0]", "[" * 50000, json.dumps([0, 1, ["good"], 0, False])]
    (project / "b.py").write_text(
        "import os\ndef get_requires_for_build_wheel(config_settings=None):\n"
        f"    open(os.environ['_REPOPRIO_SEEN'], 'a').write({chr(10).join(lines)!r} + chr(10))\n"
        "    raise SystemExit('enough')\n"
    )
    done = fresh_env(NEWEST).run(
        "wheel", *scene.indexes, "--no-deps", str(project), policy=scene.policy(), cwd=scene.folder
    )
    assert done.code == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("repoprio: observe")]
    assert said == ["repoprio: observe: the policy would change 2 of 1 choice: acme, good"]


def test_a_policy_with_errors_stops_pip(pip_env: EnvFactory, scene: Observed) -> None:
    """A policy in observe mode must be valid: errors are printed, and nothing is looked up."""
    done = pip_env(NEWEST).run("install", *scene.indexes, "acme", policy=scene.policy(before="oops = 1"))
    assert (done.code, "oops: is not a key here" in done.stderr) == (2, True)
    assert not scene.public.requests


def test_an_unknown_pip_continues(fresh_env: EnvFactory, scene: Observed) -> None:
    """With an unknown internal of pip nothing is observed, with a warning, and pip continues."""
    env = fresh_env(NEWEST)
    finder = env.site_packages / "pip/_internal/index/package_finder.py"
    source = finder.read_text()
    assert "def find_requirement(\n        self, req: InstallRequirement" in source
    source = source.replace(
        "def find_requirement(\n        self, req:", "def find_requirement(\n        self, more: int, req:"
    )
    finder.write_text(source)
    done = scene.run(env, "install", "--dry-run", "acme")
    assert "Would install acme-99.0" in done.stdout
    assert done.stderr.count("[unknown-pip]") == 1
    assert "Nothing is observed" in done.stderr
    assert not scene.log.exists()
    explained = env.tool("explain", "acme", policy=scene.policy())
    assert explained.code == 2
    assert "Traceback" not in explained.stderr


def test_commands_of_our_own(pip_env: EnvFactory, scene: Observed) -> None:
    """The command explain reports the policy's decision; check, doctor and export say that nothing is enforced."""
    env, policy = pip_env(NEWEST), scene.policy()
    told = json.loads(env.tool("explain", "--format", "json", "acme", policy=policy).stdout)["projects"][0]
    assert (told["repository"], told["version"], told["code"]) == ("corp", "1.1", "owned")
    checked = env.tool("config", "check", policy=policy)
    assert checked.code == 0
    assert 'mode: is "observe": nothing is enforced' in checked.stdout
    looked = env.tool("doctor", policy=policy, env={"PATH": "/no/such/folder"})
    assert looked.code == 1
    assert 'FAIL   mode = "observe": nothing is enforced' in looked.stdout
    exported = env.tool("export", "uv", policy=policy)
    assert exported.code == 1
    assert "not expressed: mode: uv cannot only observe" in exported.stderr


def test_settings_of_pip_beside_it(pip_env: EnvFactory, scene: Observed) -> None:
    """`config check` says what would be refused under enforcement, and warns about a fuse."""
    env = pip_env(NEWEST)
    given = {
        "PIP_EXTRA_INDEX_URL": "https://outer.example/simple",
        "PIP_INDEX_URL": "file:///repoprio-is-not-loaded/",
    }
    said = env.tool("config", "check", policy=scene.policy(), env=given).stdout
    assert "so once the policy is enforced every pip that looks up a project stops" in said
    assert "[fuse]" in said
    assert "the fuse, where it finds nothing" in env.run("install", "x", policy=scene.policy(), env=given).stderr


def test_through_repoprio_pip(pip_env: EnvFactory, scene: Observed) -> None:
    """`repoprio pip` observes as the hook does."""
    done = pip_env(NEWEST).tool("pip", "install", *scene.indexes, "--dry-run", "acme", policy=scene.policy())
    assert "Would install acme-99.0" in done.stdout
    assert "1 of 1 choice: acme" in observed(done)


# The log.


@pytest.mark.full
def test_eight_pips_at_once(pip_env: EnvFactory, scene: Observed) -> None:
    """Each line of a log into which eight pips write at once is whole."""
    names = [f"project-{number}" for number in range(12)]
    for name in names:
        scene.corp.add(name, "1.0")
        scene.public.add(name, "99.0")
    env, policy = pip_env(NEWEST), scene.policy()
    environ = env.environment(policy, {"REPOPRIO_LOG": str(scene.log)})
    command = [str(env.python), "-m", "pip", "install", "--dry-run", *scene.indexes, *names]
    pips = [subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(8)]
    said = [pip.communicate()[1].decode() for pip in pips]
    assert [pip.returncode for pip in pips] == [0] * 8, said
    assert sorted(record["project"] for record in scene.records()) == sorted(names * 8)


WRITER = """
import sys
from repoprio.storage import jsonlines
for number in range(50):
    jsonlines.append(sys.argv[1], [f'{sys.argv[2]}:{number}:' + sys.argv[2] * 3000] * 2)
"""


def test_lines_of_many_writers_are_whole(tmp_path: Path) -> None:
    """Long lines of eight processes are never mixed, and none is lost."""
    file = tmp_path / "log"
    source = str(Path(jsonlines.__file__).parents[2])
    environ = {**os.environ, "PYTHONPATH": source}
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, file, letter], env=environ) for letter in "abcdefgh"]
    assert [writer.wait() for writer in writers] == [0] * 8
    lines = file.read_text().splitlines()
    assert len(lines) == 8 * 50 * 2
    assert all(re.fullmatch(r"([a-h]):\d+:\1{3000}", line) for line in lines)


FULL = """
import resource, sys
from repoprio.storage import jsonlines
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    jsonlines.append(sys.argv[1], ["x" * 400, "y" * 400, "z" * 400])
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are Unix's")
def test_a_part_of_a_line_is_taken_back(tmp_path: Path) -> None:
    """If the disk becomes full in the middle of a line, the lines before it stay complete."""
    file = tmp_path / "log"
    environ = {**os.environ, "PYTHONPATH": str(Path(jsonlines.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", FULL, file], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "only a part of a line could be written"
    assert file.read_text() == "x" * 400 + "\n" + "y" * 400 + "\n"


def test_a_lock_that_is_never_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that keeps the lock for ever does not block others for ever."""
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(jsonlines, "_PATIENCE", 0.05)
    file = tmp_path / "log"
    with file.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        jsonlines.append(str(file), ["line"])
    assert file.read_text() == "line\n"


def folder(path: Path) -> None:
    """A folder in the log's place."""
    path.mkdir()


def fifo(path: Path) -> None:
    """A pipe that nobody reads."""
    os.mkfifo(path)


def circle(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path)


def full(path: Path) -> None:
    """A disk that is full."""
    path.symlink_to("/dev/full")


def nowhere(path: Path) -> None:
    """A link into a folder that is not there."""
    path.symlink_to(path.parent / "not" / "there")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links as Unix has them")
@pytest.mark.parametrize("make", [folder, fifo, circle, full, nowhere])
def test_a_log_that_cannot_be_written(make: Any, pip_env: EnvFactory, scene: Observed) -> None:
    """Pip ends normally and soon, with one warning, even with -q; none with -qq."""
    make(scene.log)
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "acme", timeout=30)
    warnings = [line for line in done.stderr.splitlines() if line.endswith("[log]")]
    assert len(warnings) == 1, done.stderr
    assert f"the log {scene.log} cannot be written: " in warnings[0]
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "repoprio: observe: the policy would change 1 of 1 choice: acme"
    assert scene.run(pip_env(NEWEST), "install", "-q", "--dry-run", "acme").stderr == warnings[0] + "\n"
    assert scene.run(pip_env(NEWEST), "install", "-qq", "--dry-run", "acme").stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes as Unix has them")
def test_a_pipe_that_is_read(pip_env: EnvFactory, scene: Observed) -> None:
    """A named pipe with a reader gets the lines."""
    os.mkfifo(scene.log)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(scene.log.read_text()))
    reader.start()
    scene.run(pip_env(NEWEST), "install", "--dry-run", "acme")
    reader.join(timeout=30)
    assert json.loads(read[0])["project"] == "acme"


def test_without_a_log(pip_env: EnvFactory, scene: Observed) -> None:
    """If no log is named, none is written; the line on stderr is there."""
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "acme", env={"REPOPRIO_LOG": ""})
    assert observed(done) == "repoprio: observe: the policy would change 1 of 1 choice: acme"


def test_an_enforced_policy_writes_no_log(pip_env: EnvFactory, scene: Observed) -> None:
    """The log is for what a policy would change; an enforced policy changes it."""
    policy = scene.policy()
    policy.write_text(policy.read_text().replace('"observe"', '"strict"'))
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", "acme", policy=policy)
    assert "Would install acme-1.1" in done.stdout
    assert not scene.log.exists()


def test_many_changes_in_one_line(pip_env: EnvFactory, scene: Observed) -> None:
    """The line names at most eight projects; the log has all of them."""
    names = [f"project-{number}" for number in range(10)]
    for name in names:
        scene.corp.add(name, "1.0")
        scene.public.add(name, "99.0")
    done = scene.run(pip_env(NEWEST), "install", "--dry-run", *names)
    said = observed(done)
    assert re.search(r"10 of 10 choices: (project-\d, ){8}\.\.\.; log: ", said), said
    assert len(scene.records()) == 10
