"""Hashes of files on disk, for pages that state none."""

from __future__ import annotations

import hashlib


def sha256_of(path: str) -> str:
    """The sha256 of the file at `path`, as hexadecimal text; raises `OSError`."""
    digest = hashlib.sha256()
    with open(path, "rb") as opened:
        while block := opened.read(2**20):
            digest.update(block)
    return digest.hexdigest()
