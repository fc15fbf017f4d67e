"""A user installs repoprio next to pip, writes a policy, and plain ``pip install`` obeys it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from support.faults import Fault
from support.fixtures import EnvFactory
from support.repository import DirectoryRepository
from support.scene import Scene, refused

PIPS = ["26.3", "24.0"]
pytestmark = pytest.mark.parametrize("pip", PIPS)


def test_install_takes_the_owners_and_never_asks_below(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """Plain `pip install` takes corp's acme, as a root and as a dependency; public is never asked for it."""
    env = fresh_env(pip)
    done = env.run("install", "requests", "Acme", policy=scene.policy())
    assert done.code == 0, done.stderr
    found = env.installed
    assert (found["acme"], found["requests"]) == ("1.1", "2.0")
    assert not scene.public.asked("acme")
    assert scene.corp.asked("requests")


def test_upgrade_stays_with_the_owner(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """`pip install -U` never upgrades to a version that only a lower repository has."""
    env = fresh_env(pip)
    assert env.run("install", "acme==1.0", policy=scene.policy()).code == 0
    done = env.run("install", "-U", "acme", policy=scene.policy())
    assert done.code == 0
    assert env.installed["acme"] == "1.1"
    assert not scene.public.asked("acme")


def test_without_a_policy_pip_is_as_it_was(pip: str, pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """Without a policy, output, choices and exit status are those of a pip without repoprio."""
    args = ["install", "--dry-run", "--no-cache-dir", "--index-url", scene.corp.page_url]
    args += ["--extra-index-url", scene.public.page_url, "requests"]
    runs = [pip_env(pip, stock=stock).run(*args) for stock in (True, False)]
    runs += [pip_env(pip).run(*args, env={"REPOPRIO_CONFIG": os.devnull})]
    assert {(run.stdout, run.stderr, run.code) for run in runs} == {(runs[0].stdout, runs[0].stderr, 0)}
    assert "acme-99.0" in runs[0].stdout


def test_the_opening_line(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """Installing commands name the policy once, on stderr, not with -q; stdout is pip's own."""
    done = pip_env(pip).run("install", "--dry-run", "acme", policy=scene.policy())
    line = "repoprio: corp (priority 10), public (priority 90); strict"
    assert done.stderr.splitlines().count(line) == 1
    assert "repoprio" not in done.stdout
    quiet = pip_env(pip).run("install", "--dry-run", "-q", "acme", policy=scene.policy())
    assert "repoprio" not in quiet.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["install", "--dry-run", "acme>=2"],
        ["download", "--no-deps", "acme>=2"],
        ["wheel", "--no-deps", "acme>=2"],
        ["install", "--dry-run", "--no-deps", "acme==99.0"],
    ],
)
def test_nothing_fits(pip: str, pip_env: EnvFactory, scene: Scene, command: list[str]) -> None:
    """If the owner has no version that fits, the message has its versions and a remedy."""
    message = refused(pip_env(pip).run(*command, policy=scene.policy()), "no-match")
    assert "acme belongs to corp (priority 10), which has 1.1, 1.0." in message
    assert "Lower-priority repositories were not asked." in message
    assert "why: repoprio explain" in message
    assert not scene.public.asked("acme")


def test_nothing_fits_a_dependency(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """The message says which requirement it was, and who required it."""
    scene.public.add("billing", {"version": "3.1", "requires": ["acme>=2"]})
    message = refused(pip_env(pip).run("install", "--dry-run", "billing", policy=scene.policy()), "no-match")
    assert "acme>=2 (required by billing 3.1)" in message


def test_backtracking_reaches_a_version_that_the_owner_can_serve(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """The resolver backtracks among what owners offer, as with any other missing version."""
    scene.public.add("billing", {"version": "3.1", "requires": ["acme>=2"]}, {"version": "3.0", "requires": ["acme<2"]})
    outcome = pip_env(pip).choices("billing", policy=scene.policy())
    assert {name: choice.version for name, choice in outcome.choices.items()} == {"billing": "3.0", "acme": "1.1"}


def test_a_conflict_names_the_owner(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """If two requirements conflict, pip's report stays, and the owner's versions are added."""
    scene.public.add("a", {"version": "1", "requires": ["acme==1.0"]})
    scene.public.add("b", {"version": "1", "requires": ["acme==1.1"]})
    message = refused(pip_env(pip).run("install", "--dry-run", "a", "b", policy=scene.policy()), "conflict")
    assert "Cannot install" in message
    assert "acme 1.1 comes from corp" in message


def test_an_absent_project(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """If no repository has it, pip's own message stays, with the repositories that were asked."""
    message = refused(pip_env(pip).run("install", "--dry-run", "nope", policy=scene.policy()), "absent")
    assert "No matching distribution found for nope" in message
    assert "asked: corp (priority 10) and public (priority 90)" in message


def test_an_owner_that_is_down(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """An unavailable repository stops the lookup, with the number of tries and without a fallback."""
    scene.corp.answer_all(Fault(status=503))
    done = pip_env(pip).run("install", "--dry-run", "requests", policy=scene.policy(), env={"PIP_RETRIES": "1"})
    message = refused(done, "unavailable")
    assert "requests: corp (priority 10) is unavailable: 503, 2 tries" in message
    assert "skip-if-unavailable" not in message
    assert not scene.public.requests


def test_index_versions(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """`pip index versions` shows the owner's versions, and refuses like other commands."""
    done = pip_env(pip).run("index", "versions", "Acme", policy=scene.policy())
    assert "Available versions: 1.1, 1.0" in done.stdout
    assert "99.0" not in done.stdout
    refused(pip_env(pip).run("index", "versions", "nope", policy=scene.policy()), "absent")


def test_list_outdated(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """`pip list --outdated` does not offer a version of a lower repository."""
    env = fresh_env(pip)
    assert env.run("install", "acme==1.0", policy=scene.policy()).code == 0
    done = env.run("list", "--outdated", "--format", "json", policy=scene.policy())
    assert {row["name"]: row["latest_version"] for row in json.loads(done.stdout)}["acme"] == "1.1"
    assert not scene.public.asked("acme")


def test_build_requirements_obey_too(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """The child pip that installs build requirements obeys the same policy, without printing its line."""
    scene.corp.add("tool", {"version": "1", "sdist": True, "build-requires": ["acme"]})
    env = fresh_env(pip)
    done = env.run("install", "tool", policy=scene.policy())
    assert done.code == 0, done.stderr + done.stdout
    assert not scene.public.asked("acme")
    assert done.stderr.count("repoprio: corp (priority 10)") == 1


def test_a_build_requirement_that_is_down(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """A refusal in a child pip stops the build, and its text is shown."""
    scene.corp.add("tool", {"version": "1", "sdist": True, "build-requires": ["other"]})
    scene.corp.answer("other", Fault(status=401))
    scene.public.add("other", "1.0")
    done = fresh_env(pip).run("install", "tool", policy=scene.policy())
    assert done.code == 1
    assert "other: corp (priority 10) is unavailable: 401" in done.stderr + done.stdout
    assert not scene.public.asked("other")


def test_a_dependency_may_not_bring_its_own_url(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """A direct URL in a dependency's metadata is refused before it is fetched; the user may ask for one."""
    wheel = scene.public.add("evil", "1.0")[0]
    url = f"{scene.public.root_url}/files/{wheel.filename}"
    scene.public.add("trap", {"version": "1", "requires": [f"evil @ {url}"]})
    message = refused(pip_env(pip).run("install", "--dry-run", "trap", policy=scene.policy()), "direct-url")
    assert "required by trap" in message
    assert wheel.filename not in " ".join(scene.public.requests)
    assert pip_env(pip).run("install", "--dry-run", f"evil @ {url}", policy=scene.policy()).code == 0
    closed = scene.policy(before='direct-urls = "refuse"')
    refused(pip_env(pip).run("install", "--dry-run", f"evil @ {url}", policy=closed), "direct-url")


def test_a_direct_url_in_build_requirements(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """A build requirement does not count as requested by the user."""
    wheel = scene.public.add("evil", "1.0")[0]
    url = f"{scene.public.root_url}/files/{wheel.filename}"
    scene.corp.add("tool", {"version": "1", "sdist": True, "build-requires": [f"evil @ {url}"]})
    done = fresh_env(pip).run("install", "tool", policy=scene.policy())
    assert done.code == 1
    assert "[direct-url]" in done.stderr + done.stdout


def test_constraints_hashes_extras_and_pre(pip: str, pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """Constraints, hashes, extras with markers and --pre work on what the owner offers."""
    scene.corp.add("lib", {"version": "1", "requires": ['acme; extra == "a"', 'nope; python_version < "3"']}, "2.0rc1")
    env, policy = pip_env(pip), scene.policy()
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("acme<1.1\n")
    outcome = env.choices("lib[a]", policy=policy, options=["-c", str(constraints)])
    assert {name: choice.version for name, choice in outcome.choices.items()} == {"lib": "1", "acme": "1.0"}
    assert env.choices("lib", policy=policy, options=["--pre"]).choices["lib"].version == "2.0rc1"
    content = next(f for f in scene.corp.add("hashed", "1.0")).content
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"hashed==1.0 --hash=sha256:{hashlib.sha256(content).hexdigest()}\n")
    assert env.run("install", "--dry-run", "-r", str(requirements), policy=policy).code == 0
    requirements.write_text(f"hashed==1.0 --hash=sha256:{'0' * 64}\n")
    assert "DO NOT MATCH" in env.run("install", "--dry-run", "-r", str(requirements), policy=policy).stderr


def test_callers_cannot_widen_the_policy(pip: str, pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """An unlisted index is refused, wherever it was named; a listed one is fine."""
    env, policy, evil = pip_env(pip), scene.policy(), "http://user:s3cret@evil.example/simple"
    message = refused(env.run("install", "--extra-index-url", evil, "acme", policy=policy), "unlisted")
    assert "http://evil.example/simple is not in the policy (named by the command line)" in message
    message = refused(env.run("install", "acme", policy=policy, env={"PIP_EXTRA_INDEX_URL": evil}), "unlisted")
    assert "named by PIP_EXTRA_INDEX_URL" in message
    assert "s3cret" not in message
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"--find-links {tmp_path / 'links'}\nacme\n")
    refused(env.run("install", "-r", str(requirements), policy=policy), "unlisted")
    done = env.run("install", "--dry-run", "-i", scene.public.page_url.rstrip("/"), "acme", policy=policy)
    assert done.code == 0
    assert "is public (priority 90); the policy decides its place" in done.stderr
    assert "Would install acme-1.1" in done.stdout


def test_a_faulty_policy(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """All errors are printed together, with exit status 2; nothing is installed; other commands work."""
    env = fresh_env(pip)
    policy = scene.policy('[pins.x]\nprojects = ["a["]\n', before='mode = "loose"')
    done = env.run("install", "acme", policy=policy)
    assert done.code == 2
    assert "Traceback" not in done.stderr
    assert 'mode: \'loose\' is not "strict", "flexible" or "observe"' in done.stderr
    assert "pins.x.projects: ['a['] has 'a[', which is not a project name" in done.stderr
    assert "acme" not in env.installed
    assert not scene.corp.requests
    assert env.run("list", policy=policy).code == 0
    assert env.run("config", "list", policy=policy).code == 0
    assert env.run("list", "--outdated", policy=policy).code == 2
    assert env.run("install", "acme", policy=policy.with_name("nowhere.toml")).code == 2
    assert env.tool("explain", "acme", policy=policy).code == 2


def test_an_unknown_pip_is_refused(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """If an internal of pip differs from what is known, nothing is looked up."""
    env = fresh_env(pip)
    finder = env.site_packages / "pip/_internal/index/package_finder.py"
    source = finder.read_text()
    assert "def find_all_candidates(self, project_name: str)" in source
    finder.write_text(source.replace("def find_all_candidates(self, project_name: str)", "def find_all(self, name)"))
    done = env.run("install", "acme", policy=scene.policy())
    assert done.code == 2
    assert "[unknown-pip]" in done.stderr
    assert "PackageFinder.find_all_candidates" in done.stderr
    assert not scene.corp.requests


def test_repoprio_pip_needs_no_hook(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """`repoprio pip` obeys even without the hook."""
    env = fresh_env(pip)
    (env.site_packages / "repoprio.pth").unlink()
    assert "acme-99.0" in env.run(
        "install", "--dry-run", "-i", scene.corp.page_url, "--extra-index-url", scene.public.page_url, "acme",
        policy=scene.policy(),
    ).stdout  # fmt: skip
    done = env.tool("pip", "install", "--dry-run", "acme", policy=scene.policy())
    assert "Would install acme-1.1" in done.stdout


@pytest.mark.parametrize("flags", [["-I"], ["-E", "-s"]])
def test_launch_modes(pip: str, fresh_env: EnvFactory, scene: Scene, flags: list[str]) -> None:
    """The hook works in isolated launches of Python too, and with `pip --isolated`."""
    env = fresh_env(pip)
    done = env.module("pip", "--isolated", "install", "--dry-run", "acme", policy=scene.policy())
    assert "Would install acme-1.1" in done.stdout, done.stderr
    assert not scene.public.asked("acme")
    assert flags


def test_folders_as_repositories(pip: str, pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """A simple repository on disk and a wheelhouse work like any other repository."""
    mirror = DirectoryRepository(tmp_path / "mirror", "mirror")
    mirror.add("acme", "1.2")
    policy = scene.policy(f'[repositories.mirror]\nurl = "{mirror.page_url}"\npriority = 5\n')
    outcome = pip_env(pip).choices("acme", "requests", policy=policy)
    assert outcome.choices["acme"].version == "1.2", outcome.stderr
    assert outcome.choices["acme"].url.startswith("file:")


def test_credentials_stay_out_of_every_output(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """Logins in the policy are used and never shown, not even with -vvv."""
    scene.corp.answer_all(Fault(basic_auth="aws:s3cret/+token"))
    text = scene.policy().read_text().replace("http://", "http://aws:${TOKEN}@", 1)
    policy = scene.policy()
    policy.write_text(text)
    env = pip_env(pip)
    good = env.run("install", "-vvv", "--dry-run", "acme", policy=policy, env={"TOKEN": "s3cret%2F%2Btoken"})
    assert "Would install acme-1.1" in good.stdout, good.stderr
    bad = env.run("install", "-vvv", "--dry-run", "acme", policy=policy, env={"TOKEN": "0ther-t0ken"})
    message = refused(bad, "unavailable")
    assert "the login that was sent came from repositories.corp.url" in message
    unset = refused(env.run("install", "--dry-run", "acme", policy=policy), "unavailable")
    assert "${TOKEN} is not set" in unset
    for done in (good, bad):
        for secret in ("s3cret", "0ther-t0ken"):
            assert secret not in done.stdout + done.stderr


def test_explain_agrees_with_the_installation(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """`explain` reports what an installation does, in text and as JSON, and asks nobody below the owner."""
    env, policy = pip_env(pip), scene.policy()
    document = json.loads(env.tool("explain", "--format", "json", "acme>=1", policy=policy).stdout)
    project = document["projects"][0]
    assert (document["schema"], project["requirement"], project["project"]) == (1, "acme>=1", "acme")
    assert (project["outcome"], project["code"]) == ("served", "owned")
    assert (project["repository"], project["priority"], project["version"]) == ("corp", 10, "1.1")
    assert project["file"] == "acme-1.1-py3-none-any.whl"
    assert [line["status"] for line in project["repositories"]] == ["served", "not-asked"]
    assert [line["versions"] for line in project["repositories"]] == [["1.1", "1.0"], None]
    assert project["version_priority"] is None
    assert not scene.public.requests
    text = env.tool("explain", "acme", policy=policy)
    assert "\nacme 1.1 comes from corp, the highest-priority repository that has acme." in text.stdout
    assert env.tool("explain", "acme>=2", policy=policy).code == 1
    assert not scene.public.asked("acme")


def test_explain_shadowed(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """`--shadowed` asks the others, and reports what plain pip would take."""
    done = pip_env(pip).tool("explain", "--shadowed", "--format", "json", "acme", policy=scene.policy())
    project = json.loads(done.stdout)["projects"][0]
    assert [line["status"] for line in project["repositories"]] == ["served", "shadowed"]
    assert project["repositories"][1]["versions"] == ["99.0"]
    assert project["version_priority"] == {"repository": "public", "version": "99.0"}
    assert project["version"] == "1.1"


def test_uninstall_leaves_nothing_behind(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """A pip with the hook can uninstall repoprio."""
    env = fresh_env(pip)
    assert env.run("uninstall", "-y", "repoprio", policy=scene.policy()).code == 0
    assert not [path.name for path in env.site_packages.iterdir() if "repoprio" in path.name]
