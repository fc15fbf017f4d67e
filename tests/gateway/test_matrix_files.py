"""Block B of the fault matrix: a file, or its metadata, is not as its page states.

Each fault of `cases/gateway/files.toml` in each tier, with a page that is cached, and one that is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from repoprio.serve import relay
from support.faults import Fault
from support.file_server import OTHERS, FileServer
from support.files import FileSpec
from support.gateway_matrix import FILES, OBJECTS, TIERS, FileFault, files
from support.gateways import Answer
from support.invariant import LURE, assert_nothing_from_below
from support.tiered_gateway import TieredGateway, tiered

# No zip makes it small: such a file takes several reads, and its metadata one.
NOISE = "".join(hashlib.sha256(bytes([number % 256, number // 256])).hexdigest() for number in range(8000))


class World(TieredGateway[FileServer]):
    """The files of all tiers come through the gateway; another site has a file of each name."""

    def owned(self, tier: str) -> str:
        """A new project that a tier owns, and that all lower tiers and the stranger have too."""
        name = self.new_name()
        self.servers[tier].add(name, FileSpec("1.0", members=((f"{name}/noise.txt", NOISE),)))
        for below in (*TIERS[TIERS.index(tier) + 1 :], "elsewhere"):
            self.servers[below].add(name, LURE)
        return name

    def path(self, tier: str, name: str, suffix: str) -> tuple[str, str, bytes]:
        """Where the gateway has the file of a project, or its metadata; its name, and what it is."""
        (built,) = self.servers[tier].files(name)
        content = built.metadata if suffix else built.content
        assert content is not None
        digest = hashlib.sha256(built.content).hexdigest()
        return f"/files/{name}/{digest}/{built.filename}{suffix}", f"{built.filename}{suffix}", content

    def get(self, tier: str, name: str, path: str) -> Answer:
        """The answer, under the law."""
        answer = self.served.get(path)
        below = TIERS[TIERS.index(tier) + 1 :]
        assert_nothing_from_below(answer, name, [self.servers[one] for one in (*below, "elsewhere")])
        return answer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all faults: each test has a project of its own in it."""
    patch = pytest.MonkeyPatch()
    patch.setattr(relay, "_IDLE_SECONDS", 0.2)
    proxied = dict.fromkeys(TIERS, 'files = "proxy"')
    with tiered(tmp_path_factory.mktemp("store"), FileServer, **proxied) as made:
        yield World(*made)
    patch.undo()


def cases() -> list[Any]:
    """Each fault with one tier, object and page in turn; the rest of the product with -m full."""
    found = files()
    width = len(found) // len(FILES)
    return [
        pytest.param(
            fault, tier, suffix, warm, id=f"{fault.id}-{tier}-{OBJECTS[suffix]}-{'warm' if warm else 'cold'}",
            marks=[] if number // width % width == number % width else [pytest.mark.full],
        )
        for number, (fault, tier, suffix, warm) in enumerate(found)
    ]  # fmt: skip


@pytest.mark.parametrize(("fault", "tier", "suffix", "warm"), cases())
def test_a_file_comes_whole_and_as_stated_or_not_at_all(
    fault: FileFault, tier: str, suffix: str, warm: bool, world: World
) -> None:
    """It is not taken from elsewhere; once the repository works, so does the file."""
    name = world.owned(tier)
    path, filename, content = world.path(tier, name, suffix)
    if warm:
        assert world.served.page(name).headers["x-repoprio-owner"] == tier
    server = world.servers[tier]
    if fault.sent:
        server.sent[filename] = OTHERS[fault.sent](content)
    else:
        places = {"elsewhere": world.servers["elsewhere"].root_url, "file": filename.replace("1.0", LURE)}
        server.faults[filename] = Fault.parse(fault.answer).filled(lambda text: text.format(**places))
    answer = world.get(tier, name, path)
    # A small file is checked before the answer begins.
    if fault.outcome == "refused" or suffix:
        assert (answer.status, answer.state) == (502, "file-unavailable")
        assert tier in answer.document["detail"]
        assert "no-store" in answer.headers["cache-control"]
    else:
        assert (answer.status, answer.is_whole) == (200, False)
        assert len(answer.body) < len(server.sent.get(filename, content))
    server.sent.pop(filename, None)
    server.faults.pop(filename, None)
    again = world.get(tier, name, path)
    assert (again.status, again.is_whole, again.body) == (200, True, content)
