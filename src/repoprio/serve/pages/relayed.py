"""Says which files clients get through the gateway, at what paths, and where they come from. Pure."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from repoprio.dataclass import dataclass
from repoprio.names import NormalizedName
from repoprio.policy.model import Files, Format, Location, Redirects, Repository
from repoprio.serve.pages.offers import Offer, OfferedFile
from repoprio.simple_api.hrefs import without_hash
from repoprio.urls import site

METADATA = ".metadata"


@dataclass(frozen=True)
class Source:
    """The source of a file or of its metadata; `hashes` and `size` (in bytes) are those that its page states."""

    repository: Repository
    url: str
    hashes: Mapping[str, str]
    size: int | None = None


def is_relayed(offered: OfferedFile) -> bool:
    """Whether clients get a file through the gateway: the policy says so, or they have no login, or not that folder.

    Only from a site of its repository: the author of a page must not choose which sites the gateway asks.
    """
    repository = offered.repository
    if is_local(offered.file.url):
        return is_own(repository, offered.file.url)
    has_login = any(location.user is not None for location in repository.locations)
    return (repository.files is Files.PROXY or has_login) and is_own(repository, offered.file.url)


def is_own(repository: Repository, url: str) -> bool:
    """Whether `url` is at a site of the repository: that of its URL, of a mirror, or one that it may redirect to."""
    locations = [location for location in repository.locations if not location.unset]
    if is_local(url):
        roots = (root_of(repository, location) for location in locations if is_local(location.url))
        return any(_is_below(url, root) for root in roots)
    try:
        there = site(url)
    except ValueError:
        return False
    own = {site(location.url) for location in locations if not is_local(location.url)}
    followed = {where for where, means in repository.redirects.items() if means is Redirects.FOLLOW}
    return there in own | followed


def is_local(url: str) -> bool:
    """Whether `url` is a path of this machine."""
    return url.startswith("file:")


def root_of(repository: Repository, location: Location) -> str:
    """The URL of the folder that contains all files of a local repository.

    A flat one may also be a page in a folder, or a single file.
    """
    is_page = location.url.lower().endswith((".html", ".htm"))
    return urljoin(location.url, ".") if repository.format is Format.FLAT and is_page else location.url


def _is_below(url: str, root: str) -> bool:
    path, folder = (posixpath.normpath(unquote(urlsplit(place).path)) for place in (url, root))
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def path_of(name: NormalizedName, offered: OfferedFile) -> str:
    """Where a client gets a file, below ``/files/``: a path that changes with its content."""
    return f"{name}/{_digest(offered)}/{quote(offered.file.filename)}"


def _digest(offered: OfferedFile) -> str:
    """The file's SHA-256, or that of its URL if its page states none."""
    stated = offered.file.hashes.get("sha256", "")
    return stated if stated.isalnum() else hashlib.sha256(offered.file.url.encode("utf-8", "replace")).hexdigest()


class Links(NamedTuple):
    """Where clients get the files of an offer: the URL of each; `sources` are of those that the gateway relays.

    The URLs are in the order of the files. The sources are by their paths below ``/files/``.
    """

    urls: tuple[str, ...]
    sources: Mapping[str, Source]


def links(offer: Offer, base: str) -> Links:
    """Where clients get the files of `offer`; `base` is the URL of ``/files/``, possibly relative."""
    urls, sources = [], {}
    for offered in offer.files:
        file, url = offered.file, without_hash(offered.file.url)
        if is_relayed(offered):
            path = path_of(offer.name, offered)
            sources[path] = Source(offered.repository, url, file.hashes, file.size)
            if file.core_metadata is not None:
                sources[path + METADATA] = Source(offered.repository, url + METADATA, file.core_metadata)
            url = base + path
        urls.append(url)
    return Links(tuple(urls), sources)
