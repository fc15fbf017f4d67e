"""What a repository hid until it asked for a login changes a choice that pip has made: nothing is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug import Request, Response

from support.fixtures import EnvFactory, RepositoryFactory
from support.keyring import add_keyring
from support.repository import RepositoryServer
from support.scene import Scene, refused, repository_table

IN_TURN = "fetch-ahead = false\n"


def guard(server: RepositoryServer, whole: RepositoryServer) -> None:
    """Answer requests with a login from `whole`; those without one get 401 for the project `guarded`."""
    answer = server._response

    def _response(request: Request) -> Response:
        if request.authorization is not None:
            return whole._response(request)
        if request.path == "/simple/guarded/":
            return Response("", 401, {"WWW-Authenticate": 'Basic realm="corp"'})
        return answer(request)

    server._response = _response  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("first", "wanted", "guilty"),
    [
        ("", "hidden", "hidden: house (priority 5)"),
        ('mode = "flexible"\n', "acme>=2", "acme: corp (priority 10)"),
        ('[pins.acme]\nprojects = ["acme"]\nmode = "merge"\n', "acme", "acme: corp (priority 10)"),
    ],
    ids=["flat", "flexible", "merge"],
)
def test_what_a_login_shows_is_not_missed(
    first: str, wanted: str, guilty: str, fresh_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """A flat listing, and a page in modes that look at versions, are fetched again after their site got a login."""
    scene, env = Scene(repository, tmp_path, acme=("1.0",)), fresh_env("26.3")
    add_keyring(env, "bot", "s3cret")
    scene.public.add("hidden", "99.0")
    whole = repository("whole")
    for name, versions in {"acme": ("1.0", "99.0"), "hidden": ("1.0",), "guarded": ("1.0",)}.items():
        whole.add(name, *versions)
    guard(scene.corp, whole)
    house = repository_table("house", scene.corp.flat_url, 5, 'format = "flat"\ninclude = ["hidden"]')
    policy = scene.policy(house, before=IN_TURN + first, corp='exclude = ["hidden"]')
    ask = {"PIP_NO_INPUT": "1", "PIP_KEYRING_PROVIDER": "import"}
    done = env.run("install", "--dry-run", "--ignore-installed", wanted, "guarded", policy=policy, env=ask)
    assert f"{guilty} says something else with a login" in refused(done, "late-login")
