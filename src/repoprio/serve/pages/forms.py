"""The forms of a page: JSON and HTML, each as it is and compressed. Pure."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from repoprio.dataclass import dataclass
from repoprio.serve.requests import Media

# Smaller pages are not worth the work of compression.
_WORTH_PACKING = 1024
# A media type, and whether it is for a client that takes gzip.
Form = tuple[Media, bool]


@dataclass(frozen=True)
class Body:
    """One form of a page, as it is sent."""

    content: bytes
    etag: bytes
    is_packed: bool


Forms = Mapping[Form, Body]
_ALL: tuple[Form, ...] = tuple((media, takes_gzip) for media in Media for takes_gzip in (False, True))


def forms(contents: Mapping[Media, bytes], packed: Mapping[Media, bytes] = MappingProxyType({})) -> Forms:
    """All forms of a page, of which JSON and HTML are given; `packed` has what is compressed already."""
    draft = Draft(lambda media: contents[media], packed)
    return {form: draft.body(form) for form in _ALL if _content_of(form[0]) in contents}


def takes_gzip(form: Form) -> bool:
    """Whether the form is for a client that takes gzip."""
    return form[1]


def _content_of(media: Media) -> Media:
    """The two media types of HTML are one content."""
    return Media.HTML if media is Media.HTML_V1 else media


class Draft:
    """A page whose forms are made when they are asked for: `write` makes the content of a media type."""

    def __init__(self, write: Callable[[Media], bytes], packed: Mapping[Media, bytes] = MappingProxyType({})) -> None:
        self._write = write
        self._contents: dict[Media, bytes] = {}
        self._packed = dict(packed)

    def content(self, media: Media) -> bytes:
        """The content of a media type."""
        kind = _content_of(media)
        if kind not in self._contents:
            self._contents[kind] = self._write(kind)
        return self._contents[kind]

    def body(self, form: Form) -> Body:
        """One form."""
        media, takes_gzip = form
        content = self.content(media)
        etag = hashlib.sha256(media.value.encode() + content).hexdigest()[:32]
        if not takes_gzip or len(content) < _WORTH_PACKING:
            return Body(content, f'"{etag}"'.encode(), is_packed=False)
        kind = _content_of(media)
        if kind not in self._packed:
            self._packed[kind] = gzip.compress(content, 6, mtime=0)
        return Body(self._packed[kind], f'"{etag}-gzip"'.encode(), is_packed=True)

    def forms(self, last: Forms | None = None) -> Forms:
        """All forms; those of the `last` page, if this one is the same: its HTML has no fact that its JSON has not."""
        if last is not None and last[Media.JSON, False].content == self.content(Media.JSON):
            return last
        return {form: self.body(form) for form in _ALL}
