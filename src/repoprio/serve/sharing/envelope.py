"""The format of shared pages: each has a signature over its content and what it is about. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from repoprio.dataclass import dataclass
from repoprio.policy.model import Repository
from repoprio.serve.pages.forms import Forms, forms
from repoprio.serve.pages.relayed import Source, is_own
from repoprio.serve.requests import Media

_FORMAT = b"repoprio page 1\n"
_MARK = hashlib.sha256().digest_size
_MEDIA = (Media.JSON, Media.HTML)
# The limit for a page in all formats, as it is stored.
MOST_BYTES = 8 * 2**20
_MOST_UNPACKED = 64 * 2**20


class Damaged(ValueError):
    """A value was not written by a gateway with this policy."""


class Label(NamedTuple):
    """What a value is about: a project under a policy, in an epoch of the store."""

    space: str
    name: str
    epoch: str


@dataclass(frozen=True)
class SharedPage:
    """A page as gateways share it: `born` is in milliseconds of the store's clock.

    `holders` are the repositories that own the name, by the records after the page was made.
    """

    owners: tuple[str, ...]
    holders: frozenset[str]
    born: int
    forms: Forms
    sources: Mapping[str, Source]


def seal(key: bytes, label: Label, page: SharedPage) -> bytes:
    """The stored value of `page`."""
    packed = [page.forms[media, True] for media in _MEDIA]
    head = {
        "owners": page.owners,
        "holders": sorted(page.holders),
        "born": page.born,
        "sizes": [len(body.content) for body in packed],
        "packed": [body.is_packed for body in packed],
        "sources": {path: _source(source) for path, source in page.sources.items()},
    }
    content = json.dumps(head).encode() + b"\n" + b"".join(body.content for body in packed)
    return _FORMAT + _mark(key, label, content) + content


def _source(source: Source) -> list[Any]:
    return [source.repository.name, source.url, dict(source.hashes), source.size]


def unseal(key: bytes, label: Label, value: bytes, repositories: Collection[Repository]) -> SharedPage:
    """The page of a stored value; raises `Damaged`. Files come only from sites of the owners."""
    start = len(_FORMAT) + _MARK
    content = value[start:]
    mark = value[len(_FORMAT) : start]
    if not value.startswith(_FORMAT) or not hmac.compare_digest(mark, _mark(key, label, content)):
        raise Damaged("its signature does not match")
    try:
        return _read(content, {repository.name: repository for repository in repositories})
    except (ValueError, TypeError, KeyError, AttributeError, OSError, EOFError, zlib.error, RecursionError) as error:
        raise Damaged(f"it cannot be read ({type(error).__name__})") from None


def _read(content: bytes, known: Mapping[str, Repository]) -> SharedPage:
    line, _, rest = content.partition(b"\n")
    head = json.loads(line)
    contents, packed = {}, {}
    for media, size, is_packed in zip(_MEDIA, head["sizes"], head["packed"], strict=True):
        blob, rest = rest[:size], rest[size:]
        contents[media] = _unpacked(blob) if is_packed else blob
        if is_packed:
            packed[media] = blob
    sources = {
        path: Source(known[name], url, hashes, size) for path, (name, url, hashes, size) in head["sources"].items()
    }
    owners = tuple(head["owners"])
    if not all(s.repository.name in owners and is_own(s.repository, s.url) for s in sources.values()):
        raise ValueError("a file is not its owner's")
    return SharedPage(owners, frozenset(head["holders"]), int(head["born"]), forms(contents, packed), sources)


def _unpacked(blob: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    content = unpacking.decompress(blob, _MOST_UNPACKED)
    if not unpacking.eof:
        raise ValueError("it is cut, or too large")
    return content


def _mark(key: bytes, label: Label, content: bytes) -> bytes:
    about = json.dumps(label).encode()
    return hmac.new(key, about + b"\n" + content, hashlib.sha256).digest()
