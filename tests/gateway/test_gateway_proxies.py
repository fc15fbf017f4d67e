"""The gateway behind a proxy: what the proxy says is never what the repository says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fixtures import RepositoryFactory
from support.gateways import Served, serving
from support.policy_files import parsed_policy
from support.repository import RepositoryServer
from support.scene import policy_text

CORP = "https://pypi.corp.example/simple/"


class Behind:
    """corp, which only a proxy reaches, above public."""

    def __init__(self, proxy: RepositoryServer, public: RepositoryServer, served: Served) -> None:
        self.proxy, self.public, self.served = proxy, public, served

    def says(self, status: int) -> None:
        """From now on the proxy answers each CONNECT so."""
        self.proxy.http.clear()
        self.proxy.http.expect_request("").respond_with_data("", status=status)


@pytest.fixture(params=["", "skip-if-unavailable = true"], ids=["", "skip"])
def behind(
    request: pytest.FixtureRequest, repository: RepositoryFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Behind]:
    """The gateway, with this in corp's table."""
    proxy, public = repository("proxy"), repository("public")
    public.add("acme", "99.0")
    for name in ("https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    text = policy_text({"corp": CORP, "public": public.page_url}, corp=request.param)
    with serving(parsed_policy(text), tmp_path / "ownership.sqlite") as served:
        yield Behind(proxy, public, served)


@pytest.mark.parametrize("status", [401, 403, 407])
def test_a_proxy_that_wants_a_login(status: int, behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lower repository is asked, not even with skip-if-unavailable: as in pip."""
    behind.says(status)
    monkeypatch.setenv("HTTPS_PROXY", behind.proxy.root_url)
    answer = behind.served.page("acme")
    assert (answer.status, behind.public.requests) == (503, [])
    assert "the proxy (HTTPS_PROXY) refuses, and may need another login" in answer.document["detail"]


@pytest.mark.parametrize("behind", [""], indirect=True)
@pytest.mark.parametrize(
    ("variable", "place"),
    [("HTTPS_PROXY", "127.0.0.1:{port}"), ("ALL_PROXY", "http://127.0.0.1:{port}"), ("ALL_PROXY", "127.0.0.1:{port}")],
)
def test_the_proxy_that_pip_would_use(
    variable: str, place: str, behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy without a scheme, and that of ALL_PROXY, are used; its 404 is no absence."""
    behind.says(404)
    monkeypatch.setenv(variable, place.format(port=behind.proxy.http.port))
    answer = behind.served.page("acme")
    assert (answer.status, behind.public.requests) == (503, [])
    assert "corp (priority 10) is unavailable: the proxy refuses." in answer.document["detail"]


@pytest.mark.parametrize("behind", [""], indirect=True)
@pytest.mark.parametrize("place", ["socks5h://ada:s3cret@127.0.0.1:9", "http://ada:s3cret@[::1", "http://"])
def test_a_proxy_that_cannot_be_used(place: str, behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer says so, and shows no login."""
    monkeypatch.setenv("HTTPS_PROXY", place)
    answer = behind.served.page("acme")
    assert (answer.status, behind.public.requests) == (503, [])
    assert "the environment names a proxy that is no http: or https: URL" in answer.document["detail"]
    assert b"s3cret" not in answer.body


@pytest.mark.parametrize("behind", [""], indirect=True)
@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
def test_this_machine_is_asked_without_a_proxy(
    variable: str, behind: Behind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what stays on this machine may be asked over http: a proxy elsewhere could say that corp has nothing."""
    behind.says(404)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, behind.proxy.root_url)
    text = policy_text({"corp": behind.public.page_url})
    with serving(parsed_policy(text), tmp_path / "other.sqlite") as served:
        assert served.page("acme").headers["x-repoprio-owner"] == "corp"
    assert behind.public.asked("acme")
