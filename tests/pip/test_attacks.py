"""Attempts to get around a policy, each with a real pip, and each prevented."""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from support.faults import Fault, Listener
from support.fixtures import EnvFactory
from support.scene import Scene, refused

NEWEST = "26.3"


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """One more site on loopback."""
    with Listener("127.0.0.1", 0, threaded=True) as running:
        yield running


def policy_of(folder: Path, **urls: str) -> Path:
    """A policy of repositories in the order given, ten priorities apart; `more` is text for the first."""
    more = urls.pop("more", "")
    file = folder / "policy.toml"
    tables = [f'[repositories.{n}]\nurl = "{u}"\npriority = {i}0\n' for i, (n, u) in enumerate(urls.items(), 1)]
    file.write_text(tables[0] + more + "\n" + "".join(tables[1:]))
    return file


@pytest.mark.parametrize("feature", ["", "--use-feature=venv-isolation", "--use-feature=inprocess-build-deps"])
@pytest.mark.parametrize("tool", [False, True])
def test_builds_obey_whatever_starts_them(fresh_env: EnvFactory, scene: Scene, feature: str, tool: bool) -> None:
    """A build venv's own Python has no hook, and neither has `repoprio pip` without one.

    Their child pips still obey.
    """
    scene.corp.add("tool", {"version": "1", "sdist": True, "build-requires": ["acme"]})
    env = fresh_env(NEWEST)
    args = ["wheel", "--no-deps", *([feature] if feature else []), "tool"]
    if tool:
        (env.site_packages / "repoprio.pth").unlink()
    done = env.tool("pip", *args, policy=scene.policy()) if tool else env.run(*args, policy=scene.policy())
    assert done.code == 0, done.stdout + done.stderr
    assert scene.corp.asked("acme")
    assert not scene.public.asked("acme")


@pytest.mark.parametrize("feature", ["--use-feature=venv-isolation", "--use-feature=inprocess-build-deps"])
def test_builds_may_not_ask_for_urls(fresh_env: EnvFactory, scene: Scene, feature: str) -> None:
    """A direct URL among build requirements is not the user's, however the build is done."""
    wheel = scene.public.add("evil", "1.0")[0]
    url = f"{scene.public.root_url}/files/{wheel.filename}"
    scene.corp.add("tool", {"version": "1", "sdist": True, "build-requires": [f"evil @ {url}"]})
    done = fresh_env(NEWEST).run("wheel", "--no-deps", feature, "tool", policy=scene.policy())
    assert done.code == 1
    assert "[direct-url]" in done.stdout + done.stderr
    # To request it, too, would not help.
    assert "--no-build-isolation" in done.stdout + done.stderr
    assert not any(wheel.filename in path for path in scene.public.requests)


def test_another_python_is_guarded_through_ours(fresh_env: EnvFactory, scene: Scene) -> None:
    """`pip --python OTHER` obeys even if OTHER has neither hook nor repoprio."""
    other = fresh_env(NEWEST, stock=True)
    done = fresh_env(NEWEST).run("--python", str(other.python), "install", "acme", policy=scene.policy())
    assert done.code == 0, done.stderr
    assert "Successfully installed acme-1.1" in done.stdout
    assert not scene.public.asked("acme")


def lock(folder: Path, url: str, hashes: str) -> str:
    """A lock with one wheel of acme 1.0."""
    file = folder / "pylock.toml"
    name = "acme-1.0-py3-none-any.whl"
    file.write_text(
        'lock-version = "1.0"\ncreated-by = "test"\n[[packages]]\nname = "acme"\nversion = "1.0"\n'
        f'[[packages.wheels]]\nname = "{name}"\nurl = "{url}"\nhashes = {{{hashes}}}\n'
    )
    return str(file)


def test_locks_are_checked_against_their_owner(pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """A locked file is accepted if, and only if, its owner states every hash of the lock."""
    env, policy = pip_env(NEWEST), scene.policy()
    wheel = scene.corp.add("acme", "1.0")[0]
    evil = scene.public.add("acme", "1.0")[0]
    honest = f"{scene.corp.root_url}/files/{wheel.filename}"
    bad = f"{scene.public.root_url}/files/{evil.filename}"
    sha, evil_sha = wheel.sha256, evil.sha256
    evil_512 = hashlib.sha512(evil.content).hexdigest()
    install = ["install", "--dry-run", "-r"]
    done = env.run(*install, lock(tmp_path, honest, f'sha256 = "{sha}"'), policy=policy)
    assert done.code == 0, done.stderr
    for hashes in (f'sha256 = "{evil_sha}"', f'sha512 = "{evil_512}"', f'sha256 = "{sha}", sha512 = "{evil_512}"'):
        for url in (bad, f"{bad}#sha256={sha}"):
            done = env.run(*install, lock(tmp_path, url, hashes), policy=policy)
            assert done.code == 1, (hashes, url)
            assert not any("/files/" in path for path in scene.public.requests)


@pytest.mark.parametrize("pip", [NEWEST, "24.0"])
def test_editable_requirements_are_direct_urls_too(pip: str, pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """`direct-urls = "refuse"` means `-e PATH` as well."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "1"\n')
    policy = scene.policy(before='direct-urls = "refuse"')
    message = refused(pip_env(pip).run("install", "--dry-run", "-e", str(project), policy=policy), "direct-url")
    assert 'rule: direct-urls = "refuse"' in message
    assert "hint: publish it in a repository of the policy" in message


def test_https_is_no_way_around(pip_env: EnvFactory, server: HTTPServer, tmp_path: Path) -> None:
    """A redirect into a lower repository is judged the same way over https."""
    target = server.url_for("/pypi/acme/").replace("http:", "https:")
    server.expect_request("/corp/acme/").respond_with_data("", status=302, headers={"Location": target})
    policy = policy_of(tmp_path, corp=server.url_for("/corp/"), pypi=server.url_for("/pypi/"))
    message = refused(pip_env(NEWEST).run("install", "--dry-run", "acme", policy=policy), "unavailable")
    assert "it redirects into pypi" in message
    assert [request.path for request, _ in server.log] == ["/corp/acme/"]


def test_a_callers_login_stays_with_its_site(
    pip_env: EnvFactory, server: HTTPServer, scene: Scene, tmp_path: Path
) -> None:
    """A login in a caller's URL is not sent to the mirrors of that repository on other sites."""
    seen: list[str | None] = []

    def note(request: Request) -> Response:
        seen.append(request.headers.get("Authorization"))
        return Response("", status=503 if request.path.startswith("/corp") else 404)

    server.expect_request(re.compile("/.*")).respond_with_handler(note)
    mirror = scene.public
    policy = policy_of(tmp_path, corp=server.url_for("/corp/"), more=f'mirrors = ["{mirror.page_url}"]\n')
    index = server.url_for("/corp/").replace("http://", "http://user:s3cret@")
    done = pip_env(NEWEST).run("install", "--dry-run", "-i", index, "acme", policy=policy)
    assert "Would install acme-99.0" in done.stdout
    assert seen[-1] is not None
    assert not any(request.headers.get("Authorization") for request, _ in mirror.http.log)
    assert "s3cret" not in done.stdout + done.stderr


def test_a_token_in_a_path_is_not_shown(pip_env: EnvFactory, server: HTTPServer, tmp_path: Path) -> None:
    """Tokens that go into a URL through a variable stay out of messages and of pip's own log."""
    server.expect_request(re.compile("/.*/acme/$")).respond_with_data(
        "", status=302, headers={"Location": "/s3cret-token/simple/acme/index.html"}
    )
    server.expect_request(re.compile("/.*index.html")).respond_with_data("", status=503)
    policy = policy_of(tmp_path, corp=server.url_for("/${TOKEN}/simple/"))
    log = tmp_path / "log"
    done = pip_env(NEWEST).run(
        "install", "-vvv", "--log", str(log), "acme", policy=policy, env={"TOKEN": "s3cret-token"}
    )
    refused(done, "unavailable")
    assert "s3cret" not in done.stdout + done.stderr + log.read_text()


BODIES = {
    "marked section": b"<html><![foo[ x ]]></html>",
    "null charset": b"<html></html>",
    "gzip cut short": gzip.compress(b"<html><a href='x'>x</a></html>")[:-12],
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("pip", [NEWEST, "24.0"])
def test_hostile_pages_are_no_answers(
    pip: str, body: str, pip_env: EnvFactory, server: HTTPServer, scene: Scene, tmp_path: Path
) -> None:
    """A page that breaks a parser makes the repository unavailable, without a fallback or a traceback."""
    headers = {"Content-Type": 'text/html; charset="undefined"' if "charset" in body else "text/html"}
    if "gzip" in body:
        headers["Content-Encoding"] = "gzip"
    server.expect_request(re.compile("/.*")).respond_with_data(BODIES[body], headers=headers)
    more = 'absent = [404, "empty-page"]\n'
    policy = policy_of(tmp_path, corp=server.url_for("/corp/"), public=scene.public.page_url, more=more)
    refused(pip_env(pip).run("install", "--dry-run", "acme", policy=policy), "unavailable")
    assert not scene.public.requests


def test_a_login_form_is_no_empty_page(pip_env: EnvFactory, server: HTTPServer, scene: Scene, tmp_path: Path) -> None:
    """A form is no project page: the repository is unavailable, even if an empty page means absent."""
    form = "<html><form><input name='user'></form></html>"
    server.expect_request(re.compile("/.*")).respond_with_data(form, headers={"Content-Type": "text/html"})
    more = 'absent = [404, "empty-page"]\n'
    policy = policy_of(tmp_path, corp=server.url_for("/corp/"), public=scene.public.page_url, more=more)
    refused(pip_env(NEWEST).run("install", "--dry-run", "acme", policy=policy), "unavailable")
    assert not scene.public.requests


@pytest.mark.parametrize("text", ["acme ", "acme/", "acme[x]", "acme==1.0", "../acme"])
def test_only_project_names_are_looked_up(pip_env: EnvFactory, scene: Scene, text: str) -> None:
    """`pip index versions` accepts any text: no repository is asked for one that is not a project name."""
    done = pip_env(NEWEST).run("index", "versions", text, policy=scene.policy())
    assert done.code == 1
    assert "[not-a-name]" in done.stderr
    assert not scene.corp.requests
    assert not scene.public.requests


def test_a_page_does_not_move_the_cursor(pip_env: EnvFactory, scene: Scene) -> None:
    """Control characters in a page do not reach the terminal through messages of repoprio."""
    scene.corp.add("old", {"version": "1.0", "yanked": "bad\nERROR: fake\x1b[2J"})
    done = pip_env(NEWEST).tool("explain", "old", policy=scene.policy())
    assert done.code == 1
    assert "\x1b" not in done.stdout
    assert "\nERROR: fake" not in done.stdout


@pytest.mark.parametrize("pip", [NEWEST, "24.0"])
def test_a_token_without_a_password_is_not_shown(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """A token in place of a user name is not shown."""
    scene.corp.answer_all(Fault(status=401))
    policy = scene.policy()
    policy.write_text(policy.read_text().replace("http://", "http://s3cret-token@", 1))
    message = refused(pip_env(pip).run("install", "-vv", "acme", policy=policy), "unavailable")
    assert "the login that was sent came from repositories.corp.url" in message
    assert "s3cret" not in message


@pytest.mark.parametrize("pip", [NEWEST, "24.0"])
@pytest.mark.parametrize("file", ["/gone/acme-1.0-py3-none-any.whl", "http://127.0.0.1:9/{}/acme-1.0-py3-none-any.whl"])
def test_errors_of_pip_show_no_token(
    pip: str, file: str, pip_env: EnvFactory, server: HTTPServer, tmp_path: Path
) -> None:
    """Errors and tracebacks of pip about an unreachable file show no token of the policy."""
    token = "s3cret/+token"
    link = file.format("s3cret%2F+token") if "{}" in file else f"/s3cret%2F%2Btoken{file}"
    server.expect_request(re.compile(".*/acme/$")).respond_with_data(
        f'<html><a href="{link}">acme</a></html>', headers={"Content-Type": "text/html"}
    )
    policy = policy_of(tmp_path, corp=server.url_for("/${TOKEN}/simple/"))
    log = tmp_path / "log"
    env = {"TOKEN": token}
    done = pip_env(pip).run("install", "-vv", "--log", str(log), "acme", policy=policy, env=env)
    assert done.code != 0
    assert "s3cret" not in done.stdout + done.stderr + log.read_text()


def test_a_callers_odd_url_is_refused_without_its_login(pip_env: EnvFactory, scene: Scene) -> None:
    """A text that is not a URL is refused in every mode, and a login in it is not shown."""
    for mode in ("refuse", "lowest"):
        policy = scene.policy(before=f'unlisted = "{mode}"')
        done = pip_env(NEWEST).run("install", "--extra-index-url", "http://user:s3cret@[bad/", "acme", policy=policy)
        assert "s3cret" not in refused(done, "unlisted")


def test_a_login_is_not_sent_in_clear(pip_env: EnvFactory) -> None:
    """An http file of an https page's own host is no candidate: pip would send it the page's login."""
    code = (
        "from repoprio.pip_adapter import compat;"
        "from repoprio.simple_api.model import File, ParsedPage;"
        "from repoprio.simple_api.screening import screened;"
        "file = File('acme-1.0.tar.gz', 'http://h.example/f/acme-1.0.tar.gz', {'sha256': 'ab'});"
        "page = ParsedPage('https://h.example/simple/acme/', 'HTML 1.0', (file,));"
        "print(screened('acme', page, compat.VERSIONS).dropped)"
    )
    done = subprocess.run([pip_env(NEWEST).python, "-c", code], capture_output=True, text=True, check=True)
    assert "own host" in done.stdout
