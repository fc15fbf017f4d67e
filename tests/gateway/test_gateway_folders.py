"""Repositories that are folders of the gateway's machine: their pages, and their files, which the gateway serves."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gateways import Served, serving
from support.policy_files import parsed_policy
from support.repository import DirectoryRepository, FlatDirectory
from support.scene import Scene


@pytest.fixture
def folder(tmp_path: Path) -> DirectoryRepository:
    """A simple repository on disk: acme 1.0."""
    repository = DirectoryRepository(tmp_path / "a folder", "folder")
    repository.add("acme", "1.0")
    return repository


@pytest.fixture
def wheels(tmp_path: Path) -> FlatDirectory:
    """A flat folder: ledger 1.0, as a wheel and as an sdist."""
    repository = FlatDirectory(tmp_path / "wheels", "wheels")
    repository.add("ledger", "1.0", {"version": "1.0", "sdist": True})
    return repository


@pytest.fixture
def served(scene: Scene, folder: DirectoryRepository, wheels: FlatDirectory, tmp_path: Path) -> Iterator[Served]:
    """A gateway for the folder (10), the flat folder (20), and public (90)."""
    scene.file.write_text(f"""
[repositories.folder]
url = "{folder.root_url}"
priority = 10
[repositories.wheels]
url = "{wheels.path}"
format = "flat"
priority = 20
[repositories.public]
url = "{scene.public.page_url}"
priority = 90
""")
    with serving(parsed_policy(scene.file.read_text()), tmp_path / "store") as made:
        yield made


def path_of(served: Served, name: str, file: str) -> str:
    """Where a client of the gateway gets a file."""
    url = served.page(name).files[file]
    assert url.startswith("../../files/")
    return url.removeprefix("../..")


@pytest.mark.parametrize(("name", "owner"), [("acme", "folder"), ("ledger", "wheels"), ("requests", "public")])
def test_a_folder_owns_what_it_has(name: str, owner: str, served: Served, scene: Scene) -> None:
    """As in pip: no lower repository is asked, and names that the folder lacks come from below."""
    answer = served.page(name)
    assert answer.headers["x-repoprio-owner"] == owner
    assert scene.public.asked(name) is (owner == "public")
    assert b"file:" not in answer.body


def test_its_files_come_through_the_gateway(served: Served, folder: DirectoryRepository, wheels: FlatDirectory) -> None:
    """Complete, in parts, or only their size; a file without a hash may be replaced, so caches must revalidate."""
    wheel = folder.root / "acme" / "acme-1.0-py3-none-any.whl"
    path = path_of(served, "acme", wheel.name)
    content = wheel.read_bytes()
    whole = served.get(path)
    assert (whole.status, whole.body) == (200, content)
    assert whole.headers["content-length"] == str(len(content))
    assert "immutable" in whole.headers["cache-control"]
    assert served.get(path, method="HEAD").body == b""
    for asked, part in {"bytes=5-9": content[5:10], "bytes=-7": content[-7:], "bytes=20-": content[20:]}.items():
        answer = served.get(path, range=asked)
        assert (answer.status, answer.body) == (206, part)
        assert answer.headers["content-length"] == str(len(part))
    assert served.get(path, range="bytes=5-9").headers["content-range"] == f"bytes 5-9/{len(content)}"
    beyond = served.get(path, range=f"bytes={len(content)}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(content)}")
    unhashed = path_of(served, "ledger", "ledger-1.0.tar.gz")
    flat = served.get(unhashed)
    assert flat.body == (wheels.root / "ledger-1.0.tar.gz").read_bytes()
    assert flat.headers["cache-control"] == "no-cache"
    # A client that continues a download must not join parts of two files.
    assert served.get(path, range="bytes=5-", if_range='"tag"').status == 206
    assert served.get(unhashed, range="bytes=5-").status == 206
    assert served.get(unhashed, range="bytes=5-", if_range='"tag"').body == flat.body


def test_a_file_that_is_not_what_its_page_states_never_comes_whole(served: Served, folder: DirectoryRepository) -> None:
    """The file was replaced, and its page was not."""
    wheel = folder.root / "acme" / "acme-1.0-py3-none-any.whl"
    path = path_of(served, "acme", wheel.name)
    content = wheel.read_bytes()
    wheel.write_bytes(content[:-1] + b"x")
    assert len(served.get(path).body) < len(content)
    wheel.unlink()
    assert served.get(path).state == "file-unavailable"


def test_nothing_outside_of_the_folder_is_served(
    served: Served, folder: DirectoryRepository, wheels: FlatDirectory, tmp_path: Path, scene: Scene
) -> None:
    """Neither by a path nor by a link; the name stays closed, and no lower repository is asked."""
    secret = tmp_path / "acme-2.0.tar.gz"
    secret.write_bytes(b"secret")
    page = folder.root / "acme" / "index.html"
    own = page.read_text()
    for href in ("../../acme-2.0.tar.gz", secret.as_uri()):
        page.write_text(own.replace("</body>", f'<a href="{href}">acme-2.0.tar.gz</a></body>'))
        answer = served.page("acme")
        assert (answer.status, b"lies outside of its folder" in answer.body) == (503, True), href
    # The name of a file has no separators, so that this one is none.
    page.write_text(own.replace("</body>", '<a href="..%2f..%2facme-2.0.tar.gz">acme-2.0.tar.gz</a></body>'))
    assert list(served.page("acme").files) == ["acme-1.0-py3-none-any.whl"]
    (wheels.root / "other-2.0.tar.gz").symlink_to(secret)
    assert served.page("other").status == 503
    assert not scene.public.asked("other")
    assert not scene.public.asked("acme")
    # A link to a place inside is no harm.
    (wheels.root / "ledger-2.0.tar.gz").symlink_to(wheels.root / "ledger-1.0.tar.gz")
    assert served.get(path_of(served, "ledger", "ledger-2.0.tar.gz")).status == 200


def test_a_file_that_becomes_a_link_out_is_not_served(served: Served, wheels: FlatDirectory, tmp_path: Path) -> None:
    """The page that lists it was cached before."""
    path = path_of(served, "ledger", "ledger-1.0.tar.gz")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (wheels.root / "ledger-1.0.tar.gz").unlink()
    (wheels.root / "ledger-1.0.tar.gz").symlink_to(secret)
    answer = served.get(path)
    assert (answer.status, answer.state) == (502, "file-unavailable")
    assert str(tmp_path) not in answer.body.decode()


def test_a_folder_that_is_not_there_opens_no_name(
    served: Served, folder: DirectoryRepository, wheels: FlatDirectory, scene: Scene
) -> None:
    """If a disk is not mounted, the answer is 503 for all names that it may own."""
    folder.root.rename(folder.root.with_name("elsewhere"))
    assert served.page("acme").status == 503
    assert served.page("requests").status == 503
    assert scene.public.requests == []


def test_the_list_has_the_names_of_folders(served: Served, scene: Scene) -> None:
    """They are listed with the names of all other repositories."""
    names = {project["name"] for project in served.get("/simple/").document["projects"]}
    assert {"acme", "ledger", "requests"} <= names


def test_a_flat_page_on_disk_lists_what_lies_beside_it(wheels: FlatDirectory, tmp_path: Path) -> None:
    """As in pip's find-links; hashes in its links count."""
    sdist = wheels.root / "ledger-1.0.tar.gz"
    digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    (wheels.root / "links.html").write_text(
        f'<!DOCTYPE html><html><body><a href="ledger-1.0.tar.gz#sha256={digest}">ledger-1.0.tar.gz</a></body></html>'
    )
    text = f'[repositories.wheels]\nurl = "{wheels.root}/links.html"\nformat = "flat"\n'
    with serving(parsed_policy(text), tmp_path / "store") as served:
        assert digest in path_of(served, "ledger", "ledger-1.0.tar.gz")
        assert served.get(path_of(served, "ledger", "ledger-1.0.tar.gz")).body == sdist.read_bytes()


def make_sparse(file: Path) -> None:
    """Make a file of two terabytes that takes no room, or skip the test where there is no such file."""
    if sys.platform == "win32":
        pytest.skip("a file of Windows is not sparse unless a call of its own says so")
    try:
        with file.open("wb") as opened:
            opened.truncate(2**41)
    except OSError as error:
        pytest.skip(f"the file system has no sparse file of this size: {error.strerror}")


def test_a_page_on_disk_is_read_up_to_its_limit(
    served: Served, folder: DirectoryRepository, wheels: FlatDirectory, scene: Scene
) -> None:
    """A sparse file of terabytes is a page that is too large; the name stays closed."""
    for page, name in (folder.root / "acme" / "index.html", "acme"), (wheels.root / "more.html", "ledger"):
        make_sparse(page)
        answer = served.page(name)
        assert (answer.status, b"larger than 67108864 bytes" in answer.body) == (503, True), name
        assert not scene.public.asked(name)
