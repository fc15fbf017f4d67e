"""The page of a project as the gateway keeps it: in all formats, ready to be sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from repoprio.dataclass import dataclass
from repoprio.serve.pages.forms import Forms
from repoprio.serve.pages.relayed import Source

# About what a source takes in memory, with its URL and its path.
_BYTES_OF_SOURCE = 800


@dataclass(frozen=True)
class Page:
    """The page of a project in all formats; it counts until `fresh_until`, and may be stale until `stale_until`.

    `owners` are the names of those that serve it; the times are the gateway's clock. `sources` are the files that
    clients get through the gateway, by their paths below ``/files/``. `stands_in`: it is served in place of a newer
    one, which cannot be had.
    """

    owners: tuple[str, ...]
    forms: Forms
    born: float
    fresh_until: float
    stale_until: float
    sources: Mapping[str, Source]
    stands_in: bool = False

    @property
    def size(self) -> int:
        """The size of all formats and of the sources, in bytes."""
        contents = {id(body.content): body.content for body in self.forms.values()}.values()
        return sum(map(len, contents)) + len(self.sources) * _BYTES_OF_SOURCE
