"""Redirects of files: pip follows them itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug import Request, Response

from support.fixtures import EnvFactory
from support.pips import PipEnv
from support.repository import RepositoryServer

PIPS = ["22.0.2", "26.3"]
USER, PASSWORD = "ada", "s3cr3t-t0k3n"


class Moving(RepositoryServer):
    """A repository that redirects files as `moved` says, and records who logs in for them."""

    def __init__(self, label: str) -> None:
        """Start it."""
        self.moved: dict[str, str] = {}
        self.sent: list[str] = []
        super().__init__(label)

    def _respond(self, request: Request) -> Response:
        if not request.path.startswith("/simple/"):
            found = request.authorization
            self.sent.append(f"{found.username}:{found.password}" if found else "")
        if request.path in self.moved:
            return Response("", 302, {"Location": self.moved[request.path]})
        return super()._respond(request)


@pytest.fixture
def corp() -> Iterator[Moving]:
    """A repository with acme."""
    server = Moving("corp")
    with server:
        yield server


@pytest.fixture
def env(pip: str, fresh_env: EnvFactory) -> PipEnv:
    """An environment with repoprio and this pip."""
    return fresh_env(pip)


def policy(corp: Moving, folder: Path) -> Path:
    """A policy with a login."""
    file = folder / "policy.toml"
    url = corp.page_url.replace("://", f"://{USER}:{PASSWORD}@")
    file.write_text(f'[repositories.corp]\nurl = "{url}"\npriority = 10\n')
    return file


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize("what", ["file", "metadata", "direct"])
def test_a_file_that_is_redirected_in_a_circle(what: str, env: PipEnv, corp: Moving, tmp_path: Path) -> None:
    """The refusal names the file and its repository in pip's own form; no traceback, and no login."""
    (built,) = corp.add("acme", "1.0")
    path = f"/files/{built.filename}"
    corp.moved = {path: path, f"{path}.metadata": f"{path}.metadata"}
    if what == "file":
        del corp.moved[f"{path}.metadata"]
    asked = f"acme @ http://{USER}:{PASSWORD}@{corp.host}{path}" if what == "direct" else "acme"
    done = env.run("download", "--no-cache-dir", asked, policy=policy(corp, tmp_path))
    stderr = done.stdout + done.stderr
    assert ("Traceback" in stderr, PASSWORD in stderr, done.code) == (False, False, 1), stderr
    of = "" if what == "direct" else " of corp (priority 10)"
    assert f"ERROR: repoprio: {built.filename}" in done.stderr
    assert f"{of} is redirected more than 30 times.\n  asked: http://{corp.host}{path}" in done.stderr
    assert f"hint: report this to the operator of {'corp' if of else 'that server'}\n  [redirects]" in done.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_without_a_policy_the_error_of_a_circle_is_pips(env: PipEnv, corp: Moving) -> None:
    """Without a policy, the error is pip's own."""
    (built,) = corp.add("acme", "1.0")
    corp.moved = {f"/files/{built.filename}": f"/files/{built.filename}"}
    done = env.run("install", "--no-cache-dir", "--index-url", corp.page_url, "acme", policy=None)
    assert done.stderr.startswith("ERROR: Could not install packages due to an OSError: Exceeded 30 redirects.")


@pytest.mark.parametrize("pip", PIPS)
def test_a_moved_file_is_asked_for_with_the_policys_login(env: PipEnv, corp: Moving, tmp_path: Path) -> None:
    """The policy's login is used, not that of netrc for the same host."""
    (built,) = corp.add("acme", "1.0")
    corp.extra["/moved/file.whl"] = built.content
    corp.moved = {f"/files/{built.filename}": "/moved/file.whl", "/moved/file.whl": "/elsewhere/file.whl"}
    corp.extra["/elsewhere/file.whl"] = built.content
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password of-netrc\n")
    done = env.run("install", "--no-cache-dir", "acme", policy=policy(corp, tmp_path), env={"NETRC": str(netrc)})
    assert done.code == 0, done.stderr
    assert set(corp.sent) == {f"{USER}:{PASSWORD}"}
