"""Keeps pages in all formats in memory, up to a number of bytes."""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Collection, Mapping
from types import MappingProxyType

from repoprio.dataclass import dataclass
from repoprio.names import NormalizedName
from repoprio.serve.pages.relayed import Source
from repoprio.serve.requests import Media

_MOST_BYTES = 256 * 2**20
# Smaller pages are not worth the work of compression.
_WORTH_PACKING = 1024
Forms = Mapping[tuple[Media, bool], "Body"]


@dataclass(frozen=True)
class Body:
    """One format of a page, as it is sent."""

    content: bytes
    etag: bytes
    is_packed: bool


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
        """The size of all formats in bytes."""
        return sum(
            len(content) for content in {id(body.content): body.content for body in self.forms.values()}.values()
        )


def forms(contents: Mapping[Media, bytes], packed: Mapping[Media, bytes] = MappingProxyType({})) -> Forms:
    """All forms of a page, of which JSON and HTML are given; `packed` has what is compressed already."""
    made: dict[tuple[Media, bool], Body] = {}
    for media, content in contents.items():
        is_large = len(content) >= _WORTH_PACKING
        small = (packed.get(media) or gzip.compress(content, 6, mtime=0)) if is_large else content
        # The two media types of HTML are one content.
        for kind in (Media.HTML, Media.HTML_V1) if media is Media.HTML else (media,):
            etag = hashlib.sha256(kind.value.encode() + content).hexdigest()[:32]
            made[kind, False] = Body(content, f'"{etag}"'.encode(), is_packed=False)
            made[kind, True] = Body(small, f'"{etag}-gzip"'.encode(), is_packed=True) if is_large else made[kind, False]
    return made


class KeptPages:
    """The last page of each project; if there is no room for more, the oldest ones are dropped."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._pages: OrderedDict[NormalizedName, Page] = OrderedDict()
        self._bytes = 0

    def get(self, name: NormalizedName) -> Page | None:
        """The page of `name`, of any age; None if there is none."""
        return self._pages.get(name)

    def keep(self, name: NormalizedName, page: Page) -> None:
        """Keep `page` instead of the last one of `name`."""
        self.forget(name)
        self._pages[name] = page
        self._bytes += page.size
        while self._bytes > self._most_bytes:
            self.forget(next(iter(self._pages)))

    def forget(self, name: NormalizedName) -> None:
        """Drop the page of `name`, if there is one."""
        page = self._pages.pop(name, None)
        self._bytes -= page.size if page else 0

    def names(self) -> tuple[NormalizedName, ...]:
        """The names with a kept page."""
        return tuple(self._pages)

    def take_over(self, other: KeptPages, names: Collection[NormalizedName]) -> None:
        """Keep the pages that `other` has of `names` too."""
        for name in names:
            page = other.get(name)
            if page is not None:
                self.keep(name, page)
