"""Files that clients get through the gateway: from their owner, complete and as the page states, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from repoprio.policy.model import Policy
from support.faults import Fault
from support.file_server import FileServer
from support.fixtures import EnvFactory
from support.gateways import TTL, Answer, GatewayProcess, Served, serving
from support.policy_files import parsed_policy
from support.scene import Scene
from support.uvs import run_uv


@pytest.fixture
def files(scene: Scene) -> Iterator[FileServer]:
    """A server that stands in for corp; its files need the same login as its pages."""
    with closing(FileServer("corp")) as server:
        server.add("acme", "1.0", "1.1")
        scene.servers["corp"] = scene.corp = server
        yield server


def policy_of(scene: Scene, corp: str = 'files = "proxy"', extra: str = "") -> Policy:
    """The policy of a scene."""
    return scene.parsed(extra, corp=corp)


@pytest.fixture
def served(scene: Scene, files: FileServer, tmp_path: Path) -> Iterator[Served]:
    """A gateway that relays corp's files."""
    with serving(policy_of(scene), tmp_path / "store") as made:
        yield made


def links(answer: Answer) -> list[str]:
    """The paths of the files of acme, whose links are relative."""
    urls = list(answer.files.values())
    assert all(url.startswith("../../files/acme/") for url in urls)
    return [url.removeprefix("../..") for url in urls]


def test_files_and_their_metadata_come_through_the_gateway(served: Served, files: FileServer) -> None:
    """Complete, in part, or only headers; a path changes with the content, so clients may cache it forever."""
    page = served.page("acme")
    built = files.files("acme")
    for path, file in zip(links(page), built, strict=True):
        answer = served.get(path)
        assert (answer.status, answer.body) == (200, file.content)
        assert answer.headers["cache-control"] == "max-age=31536000, immutable"
        assert answer.headers["content-length"] == str(len(file.content))
        assert served.get(f"{path}.metadata").body == file.metadata
        part = served.get(path, range="bytes=-10")
        assert (part.status, part.body) == (206, file.content[-10:])
        assert part.headers["content-range"].endswith(f"/{len(file.content)}")
        assert served.get(path, range="bytes=0-1,5-6").status == 200
        beyond = served.get(path, range="bytes=999999-")
        assert (beyond.status, beyond.headers["cache-control"]) == (416, "no-store")
        head = served.get(path, method="HEAD")
        assert (head.headers["content-length"], head.body) == (str(len(file.content)), b"")


def test_only_listed_files_are_served(served: Served, scene: Scene, files: FileServer) -> None:
    """No other name, digest or path, nothing of a lower repository, and nothing that the owner has withdrawn."""
    (first, _) = links(served.page("acme"))
    _, _, project, digest, name = first.split("/")
    for path in (
        f"/files/{project}/{'0' * 64}/{name}",
        f"/files/other/{digest}/{name}",
        f"/files/{project}/{digest}/other-1.0.tar.gz",
        f"/files/{project}/{digest}/..%2f{name}",
        f"/files/{project}/{digest}/x/{name}",
        f"/files/{digest}/{name}",
        "/files/",
        f"/files/{project}/{digest}/http://127.0.0.1:1/x",
    ):
        assert served.get(path).status == 404, path
    assert [path for path in files.requests if path.startswith("/files/")] == []
    files.remove("acme")
    served.now += TTL + 1
    answer = served.get(first)
    assert (answer.status, answer.state) == (410, "remembered")
    assert not scene.public.asked("acme")


def test_a_file_that_is_not_what_its_page_states_is_never_whole(scene: Scene, files: FileServer) -> None:
    """The last part is held back until the hash is known, so real clients see that the answer was cut off."""
    built = files.files("acme")[0]
    files.sent = {built.filename: b"x" * 200_000}
    policy_of(scene)
    with GatewayProcess(scene.file, scene.folder / "store") as process:
        connection = http.client.HTTPConnection(urlsplit(process.url).netloc, timeout=10)
        digest = hashlib.sha256(built.content).hexdigest()
        connection.request("GET", f"/files/acme/{digest}/{built.filename}")
        response = connection.getresponse()
        with pytest.raises(http.client.IncompleteRead) as broken:
            response.read()
        assert len(broken.value.partial) < 200_000
        assert response.headers["X-Repoprio-Owner"] == "corp"
        connection.close()
        files.sent.clear()
        for status, name in {200: built.filename, 404: "acme-9.9.tar.gz"}.items():
            connection.request("GET", f"/files/acme/{digest}/{name}")
            response = connection.getresponse()
            response.read()
            assert response.status == status
        files.fault = Fault(status=500)
        connection.request("GET", f"/files/acme/{digest}/{built.filename}")
        connection.getresponse().read()
        connection.request("GET", "/metrics")
        counted = re.findall(r"^repoprio_files_total(.*)$", connection.getresponse().read().decode(), re.MULTILINE)
        connection.close()
        assert sorted(counted) == [
            f'{{repository="corp",result="{result}"}} 1.0' for result in ("cut-off", "refused", "sent")
        ]
        _, said = process.stop()
        assert "a file of acme is not what its page states" in said


@pytest.mark.parametrize("fault", [{"status": 404}, {"status": 503}, {"hang": 2.0}, {"reset": True}])
def test_a_file_that_does_not_come_is_an_error(
    fault: dict[str, object], served: Served, files: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the repository; the file is not taken from elsewhere."""
    monkeypatch.setattr("repoprio.serve.relay._IDLE_SECONDS", 0.3)
    (first, _) = links(served.page("acme"))
    files.fault = Fault.parse(fault)
    answer = served.get(first)
    assert (answer.status, answer.state) == (502, "file-unavailable")
    assert "corp (priority 10)" in answer.document["detail"]


def test_a_page_does_not_choose_whom_the_gateway_asks(served: Served, files: FileServer, scene: Scene) -> None:
    """A file on another site is left to the client; a redirect to one is refused, unless the policy names it."""
    stranger = scene.public.add("acme", "5.0")[0]
    url = f"{scene.public.root_url}files/{stranger.filename}"
    (first, _) = links(served.page("acme"))
    files.redirect = url
    answer = served.get(first)
    assert answer.status == 502
    assert "another site" in answer.document["detail"]
    entry = {"filename": stranger.filename, "url": url, "hashes": {"sha256": stranger.sha256}}
    page = {"meta": {"api-version": "1.0"}, "name": "ledger", "files": [{**entry, "filename": "ledger-1.0.tar.gz"}]}
    page["files"][0]["url"] = f"{scene.public.root_url}files/ledger-1.0.tar.gz"  # type: ignore[index]
    files.answer("ledger", Fault(json=page))
    assert list(served.page("ledger").files.values()) == [f"{scene.public.root_url}files/ledger-1.0.tar.gz"]
    assert not any(path.startswith("/files/") for path in scene.public.requests)


def test_a_redirect_that_the_policy_names_is_followed_without_the_login(
    scene: Scene, files: FileServer, tmp_path: Path
) -> None:
    """For example to a file store; the login stays with its own site."""
    built = files.files("acme")[0]
    with closing(FileServer("store")) as store:
        store.sent = {built.filename: built.content}
        files.redirect = f"{store.root_url}files/{built.filename}"
        corp = f'files = "proxy"\nredirects = {{"{store.root_url.rstrip("/")}" = "follow"}}'
        text = scene.policy(corp=corp).read_text().replace("http://", "http://bot:s3cret@", 1)
        with serving(parsed_policy(text), tmp_path / "store") as served:
            assert served.get(links(served.page("acme"))[0]).body == built.content
        assert store.authorizations == [None]
        assert all(files.authorizations)


def test_a_repository_with_a_login_serves_clients_without_one(
    scene: Scene, files: FileServer, pip_env: EnvFactory
) -> None:
    """Pages and files come through the gateway, by whose links no client learns the login."""
    files.answer_all(Fault(basic_auth="bot:s3cret"))
    policy = scene.policy()
    login = {"REPOPRIO_CORP_USERNAME": "bot", "REPOPRIO_CORP_PASSWORD": "s3cret"}
    with GatewayProcess(policy, scene.folder / "store", **login) as process:
        target = scene.folder / "target"
        env = pip_env("26.3", stock=True)
        done = env.run("install", "-q", "--target", str(target), "--index-url", process.url, "requests")
        assert done.code == 0, done.stderr
        assert {path.name for path in target.glob("*.dist-info")} == {"acme-1.1.dist-info", "requests-2.0.dist-info"}
        done = run_uv(scene.folder, "pip", "install", "--target", "uv-target", "--index-url", process.url, "requests")
        assert "acme==1.1" in done.stderr, done.stderr
    assert not scene.public.asked("acme")


@pytest.mark.parametrize(("login", "sent"), [("", "bot:s3cret"), ("bob:other@", "bob:other")])
def test_netrc_has_the_login_that_the_policy_has_not(
    login: str, sent: str, scene: Scene, files: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy's own login comes first; both are used for pages and files alike."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login bot password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    files.answer_all(Fault(basic_auth=sent))
    corp = {"corp": files.page_url.replace("://", f"://{login}")}
    text = scene.policy(at=corp, corp='files = "proxy"').read_text()
    with serving(parsed_policy(text), tmp_path / "store") as served:
        page = served.page("acme")
        assert served.get(links(page)[0]).status == 200
        files.answer_all(Fault(basic_auth="somebody:else"))
        refused = served.page("unknown")
        assert (refused.status, sent.partition(":")[2] in refused.body.decode()) == (503, False)


def test_links_begin_with_the_public_url(scene: Scene, files: FileServer) -> None:
    """If one is configured; host names from clients never appear in a page."""
    policy_of(scene)
    options = ("--public-url", "https://pypi.corp.example/index/")
    with GatewayProcess(scene.file, scene.folder / "store", *options) as process:
        connection = http.client.HTTPConnection(urlsplit(process.url).netloc, timeout=10)
        connection.request("GET", "/simple/acme/", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        text = connection.getresponse().read().decode()
        connection.close()
    assert 'href="https://pypi.corp.example/index/files/acme/' in text
    assert "evil" not in text
