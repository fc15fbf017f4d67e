"""Hashes of files: of those on disk, for pages that state none, and those that a lock allows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from repoprio.audit.lock_verdicts import LockedFile

# Only a guarded pip may be imported: whoever uses this has `context`.
from pip._internal.utils import hashes as pips  # isort: skip

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
    """Pip's `Hashes` with those of the files of a lock; None if one of them has none, so that any file may be it."""
    known = [file.hashes for file in files]
    if not known or not all(known):
        return None
    kinds = sorted({kind for hashes in known for kind in hashes})
    allowed: Hashes = pips.Hashes({kind: [hashes[kind] for hashes in known if kind in hashes] for kind in kinds})
    return allowed
