"""Links: where they lead and their hashes; and the tags of wheels. Without pip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import Tag, parse_tag

from repoprio.simple_api.filenames import is_wheel, wheel_tags
from repoprio.simple_api.hrefs import Base, best_hash, hash_in, with_hash, without_hash
from repoprio.simple_api.model import File
from repoprio.simple_api.screening import Tags

URL = "https://corp.example/simple/acme/"


def test_tags() -> None:
    """A wheel whose tags certainly do not fit is skipped without pip; the others are left to pip."""
    tags = Tags(["cp312-cp312-linux_x86_64", "py3-none-any", "cp312-abi3-linux_x86_64"])

    def may(filename: str, more: str = "") -> bool:
        return tags.may_take(File(filename, f"{URL}{filename}{more}", {}))

    assert may("acme-1.zip")
    assert may("acme-1-py2.PY3-none-any.whl")
    assert may("acme-1-1build-cp311.cp312-abi3-linux_x86_64.win_amd64.whl")
    assert not may("acme-1-cp311-cp311-linux_x86_64.whl")
    assert not may("acme-2-cp311-cp311-linux_x86_64.whl")
    assert not may("acme-1-cp312-none-linux_x86_64.whl")
    assert may("acme-1-cp311-cp311-linux_x86_64.whl", "#egg=acme-1")
    assert not Tags([]).may_take(File("acme-1-py3-none-any.whl", URL, {}))
    many = ".".join(map(str, range(5000)))
    assert not may(f"acme-1-{many}-{many}-{many}.whl")


PYTHONS, ABIS, PLATFORMS = ["cp311", "cp312", "PY3", "py2"], ["cp312", "abi3", "none"], ["any", "linux_x86_64", "win32"]
SUPPORTED = ["cp312-cp312-linux_x86_64", "cp312-abi3-linux_x86_64", "cp311-abi3-linux_x86_64", "py3-none-any"]


@given(*(st.lists(st.sampled_from(column), min_size=1, max_size=3) for column in (PYTHONS, ABIS, PLATFORMS)))
def test_tags_are_read_as_packaging_reads_them(pythons: list[str], abis: list[str], platforms: list[str]) -> None:
    """A compressed set of tags (PEP 425) fits if one of all its combinations does."""
    tags = "-".join(map(".".join, (pythons, abis, platforms)))
    fits = not parse_tag(tags).isdisjoint(Tag(*tag.split("-")) for tag in SUPPORTED)
    assert Tags(SUPPORTED).may_take(File(f"acme-1-{tags}.whl", URL, {})) is fits


@pytest.mark.parametrize(
    ("base", "href", "url"),
    [
        (URL, "acme-1.zip", f"{URL}acme-1.zip"),
        (URL, "../../f/acme-1.zip#sha256=ab", "https://corp.example/f/acme-1.zip#sha256=ab"),
        (URL, "../../../../acme-1.zip", "https://corp.example/acme-1.zip"),
        (URL, "/f/acme-1.zip", "https://corp.example/f/acme-1.zip"),
        ("https://corp.example/a b/", "acme-1.zip", "https://corp.example/a%20b/acme-1.zip"),
        ("https://user@corp.example/", "acme-1.zip", "https://user@corp.example/acme-1.zip"),
        (URL, "https://files.example/f/acme-1.zip", "https://files.example/f/acme-1.zip"),
        (URL, "acme-1+x.zip", f"{URL}acme-1%2Bx.zip"),
        ("file:///srv/index.html", "acme-1.zip", "file:///srv/acme-1.zip"),
        (URL, "file:///C:/acme-1.zip", "file:///C:/acme-1.zip"),
    ],
)
def test_where_links_lead(base: str, href: str, url: str) -> None:
    """Relative links are resolved as in a browser, and quoted if they are not."""
    assert Base(base).target(href)[0] == url


def test_tags_of_a_wheel() -> None:
    """The last three parts of a wheel's name are its tags, with and without a build number."""
    for file in ("acme-1.0-py3-none-any.whl", "acme-1.0-1-py3-none-any.whl"):
        assert is_wheel(file)
        assert wheel_tags(file) == "py3-none-any"
    assert not is_wheel("acme-1.0.zip")


def test_hashes_in_links() -> None:
    """A hash that is put into a link is read from it again; sha256 is preferred, then the strongest that pip knows."""
    url = "https://files.example/acme-1.0.zip"
    assert hash_in(with_hash(url, "sha256", "ab")) == {"sha256": "ab"}
    assert hash_in(with_hash(f"{url}#egg=acme", "md5", "cd")) == {"md5": "cd"}
    assert without_hash(with_hash(url, "sha256", "ab")) == without_hash(url) == url
    assert best_hash({"sha512": "", "sha256": ""}) == "sha256"
    assert best_hash({"md5": "", "sha384": ""}) == "sha384"
    assert best_hash({"blake2b": ""}) is None
