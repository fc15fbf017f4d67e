"""What real uv does with an export: where a login is missing, and by each of its commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug import Request, Response

from repoprio.cli import doctor
from repoprio.config.load import read_text
from repoprio.doctor import uv_check
from repoprio.export import uv
from repoprio.render import doctor as rendered
from support.faults import authorized, not_found
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed
from support.policy_files import TOOLS
from support.repository import RepositoryServer
from support.uvs import CORP, PUBLIC, gaps, run_uv

USER, PASSWORD = "UV_INDEX_CORP_EU_USERNAME", "UV_INDEX_CORP_EU_PASSWORD"


class Hiding(RepositoryServer):
    """A server that answers 404 to all who have no login."""

    def _response(self, request: Request) -> Response:
        return super()._response(request) if authorized("bot:s3cret", request) else not_found()


@pytest.fixture
def hiding() -> Iterator[RepositoryServer]:
    """One with acme 1.0."""
    with Hiding("corp") as server:
        server.add("acme", "1.0")
        yield server


def compiled(folder: Path, **variables: str) -> Completed:
    """What uv resolves acme to, by the uv.toml of a folder."""
    (folder / "wanted.txt").write_text("acme\n")
    asked = ("pip", "compile", "-q", "--no-header", "--no-annotate", "wanted.txt")
    return run_uv(folder, "--config-file", "uv.toml", *asked, **variables)


@pytest.mark.parametrize("place", ["the URL", "variables"])
def test_a_login_that_is_not_exported_stops_uv(
    place: str, hiding: RepositoryServer, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Without its login uv takes no stranger's file, and the export says which variables it needs."""
    public = repository("public")
    public.add("acme", "99.0")
    url = hiding.page_url.replace("://", "://bot:s3cret@") if place == "the URL" else hiding.page_url
    policy = tmp_path / "policy.toml"
    policy.write_text(
        f'[repositories.corp-eu]\nurl = "{url}"\npriority = 10\n'
        f'[repositories.public]\nurl = "{public.page_url}"\npriority = 90\n'
    )
    mine = {"REPOPRIO_CORP_EU_USERNAME": "bot", "REPOPRIO_CORP_EU_PASSWORD": "s3cret"} if place == "variables" else {}
    done = pip_env("26.3").tool("export", "uv", policy=policy, env=mine)
    assert done.code == 1
    assert f"not said: repositories.corp-eu.url: its login is not exported: set {USER} and {PASSWORD}" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    (tmp_path / "uv.toml").write_text(done.stdout)
    for variables in ({}, {USER: "bot"}):
        stopped = compiled(tmp_path, **variables)
        assert (stopped.code != 0, "Missing credentials" in stopped.stderr) == (True, True), stopped
    assert compiled(tmp_path, **{USER: "bot", PASSWORD: "s3cret"}).stdout == "acme==1.0\n"
    # Why doctor calls half a login open, and the gap a wrong one: to uv it is one.
    assert compiled(tmp_path, **{PASSWORD: "s3cret"}).stdout == "acme==99.0\n"


def test_only_a_known_login_is_insisted_on() -> None:
    """`authenticate` and the gap go with a login, or its variables without values; others stay as they are."""
    for url in ("https://bot:s3cret@corp.example/", "https://${WHO}:${TOKEN}@corp.example/"):
        policy = read_text(CORP.replace("https://corp.example/", url) + PUBLIC, "f", {}, TOOLS)
        indexes = uv.export(policy, project=False).document["index"]
        assert [index.get("authenticate") for index in indexes] == ["always", None]
        assert uv.login_variables(policy) == {"corp": ("UV_INDEX_CORP_USERNAME", "UV_INDEX_CORP_PASSWORD")}
    assert not gaps(CORP + PUBLIC)


def test_doctor_says_which_variables_are_unset() -> None:
    """A login that uv lacks is noted, for uv stops; a password without its user is a failure, for uv goes on."""
    wanted = {"corp": ("UV_INDEX_CORP_USERNAME", "UV_INDEX_CORP_PASSWORD")}
    user, password = wanted["corp"]
    assert not uv_check.unset_logins(wanted, {user: "bot", password: "s3cret"})
    found = {
        given: uv_check.unset_logins(wanted, dict.fromkeys(given, "s3cret")) for given in ((), (user,), (password,))
    }
    assert {given: (one.variables, one.is_half) for given, (one,) in found.items()} == {
        (): (wanted["corp"], False),
        (user,): ((password,), False),
        (password,): ((user,), True),
    }
    known = {"path": "/bin/uv", "version": "0.13", "took": "1.0", "is_as_exported": True, "file": None}
    known |= {"gaps": [], "sources": [], "proxies": []}
    said = {
        given: "\n".join(rendered._uv({**known, "obeys": not one.is_half, "unset_logins": [one._asdict()]}))
        for given, (one,) in found.items()
    }
    assert f"note: corp needs its login: set {user} and {password}; uv stops there unless netrc" in said[()]
    assert "  FAIL   /bin/uv 0.13    has half a login" in said[(password,)]
    assert f"fix: corp needs its login: set {user} too" in said[(password,)]


def test_doctor_notes_a_proxy_that_answers_for_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment speaks for an index over http, of which nothing proves who answers; over https not."""
    monkeypatch.setenv("HTTP_PROXY", "http://bot:s3cret@proxy.example:3128")
    for scheme, noted in (("http", ["HTTP_PROXY"]), ("https", [])):
        assert [n for n in doctor._proxies([{"url": f"{scheme}://corp.example/"}]) if n == "HTTP_PROXY"] == noted
