"""The files of a page with their hashes, and the hashes that a lock allows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.subjects import ListedFile
from repoprio.lookup.events import RepositoryResult
from repoprio.names import NormalizedName
from repoprio.pip_adapter.compat import is_version
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.versions import canonical, comparable
from repoprio.simple_api.filenames import version_in
from repoprio.simple_api.hrefs import without_hash
from repoprio.simple_api.model import File

# Only a guarded pip may be imported: modules that use this one import `context` first.
from pip._internal.utils import hashes as pips  # isort: skip
from pip._internal.utils.urls import url_to_path  # isort: skip

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Hashes


def sha256_of(path: str) -> str:
    """The sha256 of the file at `path`, as hexadecimal text; raises `OSError`."""
    digest = hashlib.sha256()
    with open(path, "rb") as opened:
        while block := opened.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def hashes_of(files: Iterable[LockedFile]) -> Hashes | None:
    """Pip's `Hashes` with those of locked files; None if one of them has none, so that any file is allowed."""
    known = [file.hashes for file in files]
    if not known or not all(known):
        return None
    kinds = sorted({kind for hashes in known for kind in hashes})
    allowed: Hashes = pips.Hashes({kind: [hashes[kind] for hashes in known if kind in hashes] for kind in kinds})
    return allowed


def files_of(
    result: RepositoryResult[PipPage], name: NormalizedName, hashed: str | None = None
) -> tuple[ListedFile, ...]:
    """The files that a repository lists; files on disk of version `hashed` are hashed if they state no hash."""
    return tuple(_listed(file, name, hashed) for file in result.page.files) if result.page else ()


def _listed(file: File, name: NormalizedName, hashed: str | None) -> ListedFile:
    claimed = version_in(file.filename, name, is_version)
    version = canonical(claimed) if claimed else None
    hashes = dict(file.hashes)
    if not hashes and hashed and version and comparable(hashed) == comparable(version) and file.url.startswith("file:"):
        hashes = {"sha256": sha256_of(url_to_path(without_hash(file.url)))}
    return ListedFile(file.filename, version, hashes, file.yanked)
