"""Makes pip's links to files with plain URLs without parsing those URLs again."""

from __future__ import annotations

import functools
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult

from pip._internal.models import link

from repoprio.pip_adapter import compat
from repoprio.simple_api.model import File

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Link


# URLs without login, quoting and query, and with nothing but a hash in the fragment.
_PLAIN = re.compile(
    r"(https?)://([A-Za-z0-9.-]+(?::[0-9]+)?)(/[A-Za-z0-9_.~/@-]*)(?:\#((?!egg=)[A-Za-z0-9=_.-]+))?", re.ASCII
)
_MISSING = object()


def link_to(file: File) -> Link:
    """Pip's link to a file of a page, as pip itself would make it."""
    return (quick_link(file) if _is_as_pips() else None) or compat.link_to(file)


def quick_link(file: File) -> Link | None:
    """The link to a file with a plain URL; None for others."""
    url = file.url if _HAS_HASHES else compat.url_of(file)
    plain = _PLAIN.fullmatch(url)
    if plain is None:
        return None
    scheme, netloc, path, fragment = plain.groups()
    new_link: Any = link.Link.__new__(link.Link)
    new_link._url = url
    new_link._parsed_url = tuple.__new__(SplitResult, (scheme, netloc, path, "", fragment or ""))
    new_link.comes_from = file.listed_on
    new_link.requires_python = file.requires_python
    new_link.yanked_reason = file.yanked
    new_link.cache_link_parsing = True
    if _HAS_PATH:
        # Since pip 25.1.
        new_link._path = path
    if _HAS_HASHES:
        new_link._hashes = dict(file.hashes)
    if _HAS_EGG:
        new_link.egg_fragment = None
    if _HAS_TIME:
        new_link.upload_time = file.upload_time
    if _HAS_METADATA:
        new_link.metadata_file_data = None if file.core_metadata is None else _metadata_file(file)
    elif _HAS_HTML_METADATA:
        new_link.dist_info_metadata = None
    if _HAS_KEY:
        # Up to pip 24.0.
        new_link._compare_key = url
        new_link._defining_class = link.Link
    result: Link = new_link
    return result


def _metadata_file(file: File) -> object:
    """Pip's `MetadataFile`, without its constructor, which would check hashes that are known to be valid."""
    metadata = link.MetadataFile.__new__(link.MetadataFile)
    object.__setattr__(metadata, "hashes", compat.metadata_hashes(file))
    return metadata


def slots_of(kind: type) -> frozenset[str]:
    """The names of all slots of objects of `kind`."""
    return frozenset(name for base in kind.__mro__ for name in getattr(base, "__slots__", ()))


def is_same(kind: type, first: object, second: object) -> bool:
    """Whether two objects of `kind` have equal slots, and no other attributes."""
    same = (getattr(first, name, _MISSING) == getattr(second, name, _MISSING) for name in slots_of(kind))
    return not hasattr(first, "__dict__") and all(same)


# The slots of this pip's links, looked up once and not for each file of a large page.
_SLOTS = slots_of(link.Link)
_HAS_PATH = "_path" in _SLOTS
_HAS_HASHES = "_hashes" in _SLOTS
_HAS_EGG = "egg_fragment" in _SLOTS
_HAS_TIME = "upload_time" in _SLOTS
_HAS_METADATA = "metadata_file_data" in _SLOTS
_HAS_HTML_METADATA = "dist_info_metadata" in _SLOTS
_HAS_KEY = "_compare_key" in _SLOTS


@functools.cache
def _is_as_pips() -> bool:
    """Whether links made here equal those of this pip in all slots: a newer pip may have other slots."""
    try:
        return all(is_same(link.Link, compat.link_to(file), quick_link(file)) for file in _SAMPLES)
    except AttributeError:
        return False


_MOMENT = datetime(2026, 1, 5, 10, 11, 12, tzinfo=timezone.utc)
_URL = "https://files.example/a/acme-1.0-py3-none-any.whl"
_DIGEST = {"sha256": "ab"}
_SAMPLES = (
    File("acme-1.0-py3-none-any.whl", _URL, {}),
    File("acme-1.0-py3-none-any.whl", f"{_URL}#sha256=ab", _DIGEST, ">=3.9", "broken", {}, listed_on=_URL),
    File("acme-1.0-py3-none-any.whl", _URL, _DIGEST, None, "", {**_DIGEST, "x": "y"}, 7, _MOMENT, None, _URL),
)
