"""The page of a project as the gateway keeps it: in all formats, ready to be sent. Pure."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from repoprio.dataclass import dataclass
from repoprio.serve.pages.relayed import Source
from repoprio.serve.requests import Media

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
