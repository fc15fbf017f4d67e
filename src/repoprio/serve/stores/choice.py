"""Chooses the store that a text names."""

from __future__ import annotations

import os
from importlib.util import find_spec
from urllib.parse import urlsplit

from repoprio import shell
from repoprio.serve.stores.model import NoStore, OwnershipStore
from repoprio.serve.stores.sqlite_store import SqliteStore
from repoprio.urls import path_of

_REDIS = ("redis", "rediss")


def store_at(text: str) -> OwnershipStore:
    """The store that ``--store`` names: a path, sqlite:///PATH or redis://HOST; raises `NoStore`."""
    if "://" not in text:
        return SqliteStore(os.path.abspath(os.path.expanduser(text)))
    scheme, _, _ = text.partition("://")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise _no_store(scheme) from None
    if parts.scheme in _REDIS and parts.hostname:
        return _redis(text)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2:
        raise _no_store(scheme)
    return SqliteStore(path_of(text))


def _redis(url: str) -> OwnershipStore:
    if find_spec("redis") is None:
        hint = shell.command("pip", "install", "repoprio[serve]")
        raise NoStore(f"--store redis:// needs redis, which is not installed\n  hint: {hint}    [extra]")
    from repoprio.serve.stores.redis_store import RedisStore

    try:
        return RedisStore(url)
    except (ValueError, TypeError):
        # The text may hold a password.
        raise _no_store(urlsplit(url).scheme) from None


def _no_store(scheme: str) -> NoStore:
    hint = "use a path, sqlite:///PATH, redis://HOST:PORT/NUMBER or rediss://HOST:PORT/NUMBER"
    return NoStore(f"--store {scheme}://: not a store\n  hint: {hint}    [store]")
