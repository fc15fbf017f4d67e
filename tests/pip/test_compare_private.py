"""`repoprio compare`: which names it discloses to whom, what it says beforehand, and which stay private."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from support.compared import EVERY, Compared, project, report, verdicts
from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv


@pytest.fixture
def scene(repository: RepositoryFactory, tmp_path: Path) -> Compared:
    """Three repositories."""
    return Compared(repository, tmp_path)


@pytest.fixture
def env(pip_env: EnvFactory) -> PipEnv:
    """An environment with the newest pip."""
    return pip_env("26.3")


def disclosed(stderr: str) -> dict[str, set[str]]:
    """The names that stderr says each repository is asked for."""
    text = " ".join(stderr.split())
    found: dict[str, set[str]] = {}
    for repository, names in re.findall(r"(\w+) \(priority \d+\) learns \d+ names? that [^:]*: ([^;.]*)", text):
        found.setdefault(repository, set()).update(names.split(", "))
    for repositories, name in re.findall(r"repoprio: ([^:]*?) (?:is|are) also asked for (\S+)", text):
        for repository in re.findall(r"(\w+) \(priority", repositories):
            found.setdefault(repository, set()).add(name)
    return found


@pytest.mark.story
@EVERY
def test_the_disclosure_is_announced_and_true(pip: str, pip_env: EnvFactory, scene: Compared) -> None:
    """The notice on stderr, the JSON and the additional requests to repositories agree."""
    words, env, policy = scene.everything(), pip_env(pip), scene.policy(corp='owns = ["acme-*"]')
    env.run("download", "--no-deps", *words[:-2], policy=policy, env={"PIP_NO_CACHE_DIR": "1"})
    done = env.tool("explain", *words, "shared", policy=policy)
    installing = {name: server.asked_pages() for name, server in scene.servers.items()}
    done = env.tool("compare", "--format", "json", *words, policy=policy)
    asked = {name: server.asked_pages() - installing[name] for name, server in scene.servers.items()}
    assert disclosed(done.stderr) == asked == {name: set(n) for name, n in json.loads(done.stdout)["asked"].items()}
    assert asked["public"] == {"acme", "wheeled", "jinja2", "idna", "lxml", "evil-dep"}
    assert not scene.public.asked("acme-core")
    assert not scene.team.asked("acme-core")
    assert json.loads(done.stdout)["private"] == ["acme-core"]


def test_the_disclosure_is_announced_before_any_request(env: PipEnv, scene: Compared) -> None:
    """The notice is printed before the first request for a disclosed name."""
    scene.corp.add("acme", "1.0")
    scene.public.add("acme", "99.0")
    scene.public.answer("acme", Fault(hang=60))
    command = [str(env.python), "-m", "repoprio", "compare", "acme"]
    variables = env.environment(scene.policy(), {"PIP_DEFAULT_TIMEOUT": "60"})
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        said = running.stderr.readline()
        while not scene.public.asked("acme") and running.poll() is None:
            time.sleep(0.05)
        assert running.poll() is None
        running.kill()
        said += running.stderr.read()
    assert disclosed(said) == {"public": {"acme"}, "team": {"acme"}}


@pytest.mark.parametrize(
    ("corp", "after", "word"),
    [
        ('namespaces = ["acme*"]', "", "namespaces"),
        ('owns = ["acme"]', "", "owns"),
        ("", '[pins.mine]\nprojects = ["acme"]\nrepositories = ["corp"]\n', "pins.mine"),
        ("", '[pins.no]\nprojects = ["acme"]\nblock = "never"\n', "pins.no"),
    ],
)
@pytest.mark.parametrize("mode", ["strict", "flexible"])
def test_routed_names_stay_private(env: PipEnv, scene: Compared, corp: str, after: str, word: str, mode: str) -> None:
    """Plain pip's side does not ask others for names that namespaces, owns, pins and blocks keep private."""
    scene.corp.add("acme", "1.0")
    scene.public.add("acme", "99.0")
    scene.public.add("app", {"version": "1.0", "requires": ["acme"]})
    done = env.tool("compare", "acme", "app", policy=scene.policy(before=f'mode = "{mode}"', corp=corp, extra=after))
    assert done.code == (1 if word == "pins.no" else 0), done.stdout
    assert (f"not compared: private ({word})" in done.stdout) == (word != "pins.no")
    assert f"1 stays private (acme: {word})" in " ".join(done.stdout.split())
    assert not scene.public.asked("acme")
    assert not scene.team.asked("acme")


@pytest.mark.parametrize(
    ("corp", "after", "word"),
    [
        ('owns = ["acme*"]', "", "owns"),
        ("", '[pins.mine]\nprojects = ["acme*"]\nrepositories = ["corp"]\n', "pins.mine"),
        ("", 'exclude = ["acme*"]\n', "exclude"),
    ],
)
def test_a_private_name_can_be_disclosed(env: PipEnv, scene: Compared, corp: str, after: str, word: str) -> None:
    """`--disclose NAME` asks the others for that name alone, after a notice, and compares it."""
    scene.corp.add("acme", "1.0")
    scene.corp.add("acme-core", "1.0")
    scene.public.add("acme", "99.0")
    scene.public.add("acme-core", "99.0")
    policy = scene.policy(corp=corp, extra=after)
    document = report(env, policy, "acme", "acme-core", code=0)
    assert verdicts(document) == dict.fromkeys(("acme", "acme-core"), ("not-compared", "private"))
    assert (document["summary"]["not-compared"], document["private"]) == (2, ["acme", "acme-core"])
    assert project(document, "acme")["pip_alone"]["repository"] is None
    assert not scene.public.requests
    done = env.tool("compare", "--format", "json", "--disclose", "Acme", "acme", "acme-core", policy=policy)
    document = json.loads(done.stdout)
    assert verdicts(document) == {"acme": ("takeover", "another-project"), "acme-core": ("not-compared", "private")}
    assert (document["private"], "acme" in disclosed(done.stderr)["public"]) == (["acme-core"], True)
    assert f"1 stays private (acme-core: {word})" in " ".join(done.stderr.split())
    assert (done.code, scene.public.asked("acme"), scene.public.asked("acme-core")) == (1, True, False)
    explained = env.tool("explain", "--shadowed", "acme", "acme-core", "--disclose", "acme", policy=policy)
    first, second = explained.stdout.split("\n\nacme-core", 1)
    assert "would take 99.0 from public" in first
    assert f"not compared: private ({word})" in second
    assert "public (priority 90)" in explained.stderr
    assert not scene.public.asked("acme-core")
    assert env.tool("explain", "acme", "--disclose", "acme", policy=policy).code == 2
    assert env.tool("compare", "acme", "--disclose", "a b", policy=policy).code == 2


@pytest.mark.parametrize(
    ("owns", "said"),
    [('owns = ["acme*"]', "the private names are: acme"), ("", "there are none")],
    ids=["owns", "nothing"],
)
def test_a_name_to_disclose_must_be_a_private_one(env: PipEnv, scene: Compared, owns: str, said: str) -> None:
    """A name that is not private is wrong use: the private names are listed, and none is disclosed."""
    scene.corp.add("acme", "1.0")
    scene.corp.add("other", "1.0")
    policy = scene.policy(corp=owns)
    for command in (["compare"], ["explain", "--shadowed"]):
        for name in ("acmee", "other"):
            done = env.tool(*command, "acme", "other", "--disclose", name, policy=policy)
            assert (done.code, done.stdout) == (2, ""), done
            assert (
                f"ERROR: repoprio: --disclose {name}: this is not a private name here; {said}    [usage]\n"
                in done.stderr
            )
    assert not (owns and scene.public.asked("acme"))


def test_nobody_else_is_asked_while_the_owner_is_down(env: PipEnv, scene: Compared) -> None:
    """A disclosed name stays with its owner while that is down; if a lower repository is down, the result is open."""
    scene.corp.answer("acme", Fault(status=418))
    scene.public.add("acme", "99.0")
    policy = scene.policy(corp='owns = ["acme"]')
    document = report(env, policy, "--disclose", "acme", "acme")
    assert verdicts(document) == {"acme": ("not-known", "unavailable")}
    assert not scene.public.asked("acme")
    scene.corp.answer("acme", Fault())
    scene.corp.add("acme", "1.0")
    scene.public.answer("acme", Fault(status=418))
    document = report(env, policy, "--disclose", "acme", "acme")
    assert verdicts(document) == {"acme": ("not-known", "unavailable")}
    done = env.tool("explain", "--shadowed", "--disclose", "acme", "acme", policy=policy)
    assert "pip alone  not known: public gave no answer" in done.stdout


def test_no_login_is_shown(env: PipEnv, scene: Compared) -> None:
    """No login is shown: not the policy's, not that of a requested URL, not one in a server's error."""
    scene.corp.add("acme", "1.0")
    policy = scene.policy()
    policy.write_text(policy.read_text().replace("http://", "http://bot:s3cret@"))
    url = f"http://me:s3cret@{scene.public.host}/files/tool-1.0-py3-none-any.whl?token=s3cret"
    for form in ("text", "json"):
        done = env.tool("compare", "-v", "--format", form, "acme", f"tool @ {url}", policy=policy)
        assert done.code == 1
        assert "tool" in done.stdout
        assert "s3cret" not in done.stdout + done.stderr
