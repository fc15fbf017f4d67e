"""Lets an adapter keep answers in pip's cache (CacheControl) with less work, for sessions that make many requests.

It keeps what CacheControl would keep, in the same files. An answer is kept from memory once it was handed over, and not
by way of a temporary file while it is read. A page that did not change is not written again.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import itertools
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from pip._internal.utils import filesystem
from pip._vendor.cachecontrol import CacheControlAdapter

from repoprio.fetch.worker_pool import afterwards

# For these CacheControl does more than keep the answer once it was read: redirects for ever (301, 308), and 304.
_SPECIAL = frozenset({301, 304, 308})
_CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
# The attribute of a request with what was loaded for it.
_LOADED = "repoprio_loaded"
# `collected`: the files that this thread has written, each with the name that it will have; None if it has it at once.
_THREAD = threading.local()
# Parts of the names of temporary files: no other process has the first, unless by a fork, and no other file the second.
_OWN, _NUMBERS = os.urandom(6).hex(), itertools.count()


def lighten(adapter: Any) -> None:
    """Let a `CacheControlAdapter` that nobody else uses keep answers with less work."""
    controller = adapter.controller = copy.copy(adapter.controller)
    adapter.cache = controller.cache = _in_leisure(adapter.cache)
    adapter.build_response = _building(adapter)
    # CacheControl before 0.12.12 (pip before 22.3) has these under no such name.
    if hasattr(controller, "_cache_set"):
        controller._load_from_cache = _loading(controller._load_from_cache)
        controller._cache_set = _setting(controller.cache, controller._cache_set)


def _in_leisure(cache: Any) -> Any:
    """`cache`, but what is written to it is written once its thread has nothing better to do."""
    twin = copy.copy(cache)
    if hasattr(twin, "_write") and hasattr(twin, "directory"):
        twin._write = functools.partial(_write, twin.directory)
    for name in ("set", "set_body"):
        if hasattr(cache, name):
            setattr(twin, name, _later(getattr(twin, name)))
    return twin


def _later(write: Callable[..., None]) -> Callable[..., None]:
    def set_later(*args: Any, **kwargs: Any) -> None:
        def work() -> None:
            # As in pip, a cache that cannot be written is no error.
            with contextlib.suppress(OSError):
                write(*args, **kwargs)

        afterwards(work)

    return set_later


def _write(folder: str, path: str, data: bytes) -> None:
    """As `SafeFileCache._write` of pip 23.1 and later: a file that is whole, or none; in a third of its time.

    Raises `OSError` if it cannot be written. Among files that `_together` collects, it gets its name later.
    """
    temporary = f"{path}{_OWN}-{os.getpid()}-{next(_NUMBERS)}.tmp"
    collected: list[tuple[str, str]] | None = getattr(_THREAD, "collected", None)
    try:
        file = _create(temporary)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = _create(temporary)
    with _removed_after_errors([(temporary, path)]):
        with file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
            if hasattr(filesystem, "copy_directory_permissions"):
                # Since pip 24.1.
                filesystem.copy_directory_permissions(folder, file)
            if not collected:
                # Else a crash of the machine might leave an empty page with a valid ETag. The headers come after their
                # body, and without whole headers CacheControl has no answer.
                os.fsync(file.fileno())
        if collected is None:
            filesystem.replace(temporary, path)
        else:
            collected.append((temporary, path))


def _create(path: str) -> io.FileIO:
    # Without a buffer, which would cost four more system calls.
    return open(path, "xb", buffering=0, opener=_for_owner)


@contextlib.contextmanager
def _removed_after_errors(written: list[tuple[str, str]]) -> Iterator[None]:
    """A context after whose errors the temporary files are removed: a full disk does not get fuller."""
    try:
        yield
    except OSError:
        for temporary, _ in written:
            with contextlib.suppress(OSError):
                os.remove(temporary)
        raise


def _together(*writes: Callable[[], None]) -> None:
    """Let files that `writes` write get their names only once all are whole; raises `OSError` if one is not."""
    written: list[tuple[str, str]] = []
    _THREAD.collected = written
    with _removed_after_errors(written):
        try:
            for write in writes:
                write()
        finally:
            _THREAD.collected = None
        if len(written) < len(writes):
            raise OSError
        for temporary, path in written:
            filesystem.replace(temporary, path)


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _loading(load: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """CacheControl's `_load_from_cache`: what was loaded to ask whether it changed is not loaded again."""

    def _load_from_cache(request: Any) -> Any:
        facts = vars(request)
        if _CONDITIONS.isdisjoint(request.headers):
            loaded = facts[_LOADED] = load(request)
            return loaded
        return facts.pop(_LOADED, None) or load(request)

    return _load_from_cache


def _setting(cache: Any, set_answer: Callable[..., None]) -> Callable[..., None]:
    """CacheControl's `_cache_set`: new headers alone do not matter for what is revalidated each time."""

    def _cache_set(cache_url: str, request: Any, response: Any, body: Any = None, *more: Any, **kwargs: Any) -> None:
        if body is not None and hasattr(cache, "set_body"):
            replace(cache_url, request, response, body, *more, **kwargs)
        elif body is not None or request.headers.get("Cache-Control") != "max-age=0":
            set_answer(cache_url, request, response, body, *more, **kwargs)

    @_later
    def replace(cache_url: str, request: Any, response: Any, body: Any, *more: Any, **kwargs: Any) -> None:
        # If the disk is full, or this process ends in between, CacheControl leaves new headers with the body of before,
        # and the server then confirms that body as unchanged.
        try:
            _together(
                lambda: type(cache).set_body(cache, cache_url, body),
                lambda: set_answer(cache_url, request, response, None, *more, **kwargs),
            )
        except OSError:
            cache.delete(cache_url)

    return _cache_set


def _building(adapter: Any) -> Callable[..., Any]:
    """The method `build_response`: CacheControl makes a temporary file for each response, even if it keeps none."""

    def build_response(request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        if response.status != 304:
            # Its file is open, and on Windows nothing could be kept in its place.
            vars(request).pop(_LOADED, None)
        is_kept = response.status in adapter.controller.cacheable_status_codes
        is_special = response.status in _SPECIAL or (is_kept and response.chunked)
        if args or kwargs or adapter.heuristic or is_special:
            return CacheControlAdapter.build_response(adapter, request, response, *args, **kwargs)
        if is_kept:
            response._fp = _Kept(response._fp, _keeping(adapter.controller, request, response))
        built = super(CacheControlAdapter, adapter).build_response(request, response)
        built.from_cache = False
        return built

    return build_response


def _keeping(controller: Any, request: Any, response: Any) -> Callable[[bytes], None]:
    """A function that keeps the response with its body."""
    # The response will have this function.
    reference = weakref.ref(response)

    def keep(body: bytes) -> None:
        read = reference()
        if read is not None:
            afterwards(lambda: controller.cache_response(request, read, body), len(body))

    return keep


class _Kept:
    """The source of a response's body; calls `keep` with the body once it was read to its end."""

    def __init__(self, source: Any, keep: Callable[[bytes], None]) -> None:
        self._source = source
        self._keep: Callable[[bytes], None] | None = keep
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def read(self, amount: int | None = None) -> bytes:
        """At most `amount` bytes of the body; all if None."""
        data: bytes = self._source.read(amount)
        self._parts.append(data)
        if self._keep is not None and self._source.isclosed():
            keep, self._keep = self._keep, None
            keep(b"".join(self._parts))
            self._parts.clear()
        return data
