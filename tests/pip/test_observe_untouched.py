"""`mode = "observe"`: pip's output, its other commands and its errors stay its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.fixtures import EnvFactory, RepositoryFactory
from support.observed import Observed, observed
from support.pips import Completed

NEWEST = "26.3"
PIPS = [NEWEST, "22.0.2", "24.0"]


@pytest.fixture
def scene(repository: RepositoryFactory, tmp_path: Path) -> Observed:
    """Two repositories and a policy that observes."""
    return Observed(repository, tmp_path)


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
    lines = [line for line in done.stderr.splitlines() if not line.startswith("repoprio: ")]
    assert (done.code, done.stdout, lines) == (plain.code, plain.stdout, plain.stderr.splitlines())
    assert done.code == 1


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
    stderr = [line for line in done.stderr.splitlines() if line.startswith("repoprio: observe")]
    assert stderr == ["repoprio: observe: the policy would change 2 of 1 choice: acme, good"]


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
    document = json.loads(env.tool("explain", "--format", "json", "acme", policy=policy).stdout)["projects"][0]
    assert (document["repository"], document["version"], document["code"]) == ("corp", "1.1", "owned")
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
    stdout = env.tool("config", "check", policy=scene.policy(), env=given).stdout
    assert "so once the policy is enforced every pip that looks up a project stops" in stdout
    assert "[fuse]" in stdout
    assert "the fuse, where it finds nothing" in env.run("install", "x", policy=scene.policy(), env=given).stderr


def test_through_repoprio_pip(pip_env: EnvFactory, scene: Observed) -> None:
    """`repoprio pip` observes as the hook does."""
    done = pip_env(NEWEST).tool("pip", "install", *scene.indexes, "--dry-run", "acme", policy=scene.policy())
    assert "Would install acme-99.0" in done.stdout
    assert "1 of 1 choice: acme" in observed(done)
