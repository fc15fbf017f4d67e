"""What a repository can answer so that fetching ahead discloses or chooses something else than pip by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug import Request, Response

from support.fixtures import EnvFactory, RepositoryFactory
from support.keyring import add_keyring
from support.pips import Outcome, PipEnv
from support.repository import RepositoryServer
from support.scene import Scene, refused

PIPS = ["23.2.1", "24.0", "26.3"]
IN_TURN = "fetch-ahead = false"


def wheel(version: str, *requires: str) -> dict[str, object]:
    """A wheel with dependencies."""
    return {"version": version, "requires": list(requires)}


def change_metadata(server: RepositoryServer, project: str, change: Callable[[bytes], bytes]) -> None:
    """Serve other metadata of a project's wheels; its page still describes the earlier ones."""
    for file in server.files(project):
        assert file.metadata is not None
        server.put(project, replace(file, metadata=change(file.metadata)))


def both(scene: Scene, env: PipEnv, *wanted: str) -> list[tuple[Outcome, list[set[str]]]]:
    """What pip chooses, and what each repository was asked for: without fetching ahead, then with it."""
    found = []
    for before in (IN_TURN, ""):
        scene.forget()
        chosen = env.choices(*wanted, policy=scene.policy(before=before))
        found.append((chosen, [server.asked_pages() for server in scene.servers.values()]))
    return found


def hide(server: RepositoryServer, hidden: Mapping[str, int]) -> None:
    """Answer these paths with these statuses if there is no login."""
    answer = server._response

    def hiding(request: Request) -> Response:
        if request.authorization is None and request.path in hidden:
            return Response("", hidden[request.path], {"WWW-Authenticate": 'Basic realm="corp"'})
        return answer(request)

    server._response = hiding  # type: ignore[method-assign]


def busy(scene: Scene) -> None:
    """Give pip more to look up than the attacked project, so that there is time to fetch ahead."""
    scene.public.add("busy", wheel("1.0", "more"))
    scene.public.add("more", wheel("1.0", "most"))
    scene.public.add("most", "1.0")


@pytest.mark.story
@pytest.mark.parametrize("pip", PIPS)
def test_metadata_for_another_python_discloses_no_names(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Dependencies of a version whose metadata is for another Python are requested only if pip does so."""
    scene = Scene(repository, tmp_path, acme=())
    busy(scene)
    scene.public.add("app", wheel("2.0", "private-name"), "1.0")
    change_metadata(
        scene.public, "app", lambda text: text.replace(b"Requires-Dist", b"Requires-Python: <3\nRequires-Dist")
    )
    (in_turn, serial), (ahead, asked) = both(scene, pip_env(pip), "busy", "app")
    assert ahead.choices == in_turn.choices
    assert ahead.choices["app"].version == "1.0"
    assert asked == serial


@pytest.mark.story
@pytest.mark.parametrize("pip", PIPS)
def test_metadata_of_another_version_discloses_no_names(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Dependencies from metadata of another version than the file's are not requested: pip never takes that file."""
    scene = Scene(repository, tmp_path, acme=())
    busy(scene)
    scene.public.add("app", wheel("2.0", "private-name"), "1.0")
    change_metadata(scene.public, "app", lambda text: text.replace(b"Version: 2.0", b"Version: 3.0"))
    (in_turn, serial), (ahead, asked) = both(scene, pip_env(pip), "busy", "app")
    assert (ahead.code, ahead.choices) == (in_turn.code, in_turn.choices)
    assert asked == serial


@pytest.mark.story
@pytest.mark.parametrize("pip", PIPS)
def test_what_follows_a_conflict_is_not_asked_for(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """If a version conflicts with what was requested, no name that comes after the conflict is disclosed."""
    scene = Scene(repository, tmp_path, acme=())
    busy(scene)
    scene.public.add("app", wheel("2.0", "before", "base<2", "private-name"), "1.0")
    scene.public.add("before", "1.0")
    scene.public.add("base", "3.0", "1.0")
    (in_turn, serial), (ahead, asked) = both(scene, pip_env(pip), "busy", "app", "base>=2")
    assert ahead.choices == in_turn.choices
    assert ahead.choices["app"].version == "1.0"
    assert asked == serial


def test_an_absence_from_before_a_login_is_not_believed(
    fresh_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """A site that answers 401 for one name may have answered 404 for another without a login: it is asked again."""
    scene, env = Scene(repository, tmp_path, acme=()), fresh_env("26.3")
    add_keyring(env, "bot", "s3cret")
    for name in ("open", "guarded", "hidden"):
        scene.corp.add(name, "1.0")
    scene.public.add("hidden", "99.0")
    hide(scene.corp, {"/simple/guarded/": 401, "/simple/hidden/": 404})
    options = ("--no-input", "--keyring-provider", "import")
    (in_turn, _), (ahead, _) = both(scene, env, "open", "guarded", "hidden", *options)
    assert ahead.choices == in_turn.choices
    assert ahead.choices["hidden"].version == "1.0"


@pytest.mark.parametrize("before", ["", IN_TURN], ids=["ahead", "in-turn"])
@pytest.mark.parametrize("pip", ["24.0", "26.3"])
def test_a_choice_from_before_a_login_is_made_again(
    pip: str, before: str, fresh_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """If corp hides a name from those without a login, and asks for one only for the next, nothing is installed."""
    scene, env = Scene(repository, tmp_path, acme=()), fresh_env(pip)
    add_keyring(env, "bot", "s3cret")
    for name in ("guarded", "hidden"):
        scene.corp.add(name, "1.0")
    for name in ("hidden", "other"):
        scene.public.add(name, "99.0")
    hide(scene.corp, {"/simple/guarded/": 401, "/simple/hidden/": 404})
    policy, ask = scene.policy(before=before), {"PIP_NO_INPUT": "1", "PIP_KEYRING_PROVIDER": "import"}
    options = ("--dry-run", "--ignore-installed")
    refused(env.run("install", *options, "other", "hidden", "guarded", policy=policy, env=ask), "late-login")
    # What the login does not change may stay.
    confirmed = env.choices("other", "guarded", policy=policy, env=ask)
    assert {name: choice.version for name, choice in confirmed.choices.items()} == {"other": "99.0", "guarded": "1.0"}
    for command in ("explain", "compare"):
        refused(env.tool(command, "hidden", "guarded", policy=policy, env=ask), "late-login")
    given = {"REPOPRIO_CORP_USERNAME": "bot", "REPOPRIO_CORP_PASSWORD": "s3cret"}
    found = env.choices("other", "hidden", "guarded", policy=policy, env=given)
    assert found.choices["hidden"].version == "1.0", found.stderr
