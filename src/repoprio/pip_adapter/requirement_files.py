"""Requirements and constraints files: what their lines may say of indexes and logins, and what the user wrote.

Loaded while pip itself is being imported: so nothing of pip is imported here at the top.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

from repoprio.pip_adapter.child import IS_CHILD
from repoprio.pip_adapter.process import PROCESS, guard_of, observer_of
from repoprio.urls import redacted


def written_by_user(options: Any) -> Iterator[str]:
    """All texts of the options, from the command line, variables and pip's files, and of the arguments.

    A child's arguments are what packages say that they need.
    """
    for value in vars(options).values():
        values = value if isinstance(value, list) else [value]
        yield from (text for text in values if isinstance(text, str))
    yield from () if IS_CHILD else PROCESS.arguments


def handle_option_line(original: Callable[..., Any]) -> Callable[..., Any]:
    """Note which line of which file names an index or find-links; none may say --no-index, nor log in."""

    @functools.wraps(original)
    def handle_option_line(opts: Any, filename: str, lineno: int, finder: Any = None, *args: Any, **kwargs: Any) -> Any:
        guard = guard_of(finder) if finder is not None else None
        noter = guard or (observer_of(finder) if finder is not None else None)
        origin = f"{redacted(filename)}, line {lineno}"
        if guard is not None:
            if opts.no_index:
                guard.refuse_no_index(origin)
            _take_logins_out(guard, opts, origin)
        if noter is not None:
            noter.note(origin, _named(opts, filename))
        return original(opts, filename, lineno, finder, *args, **kwargs)

    return handle_option_line


def _take_logins_out(guard: Any, opts: Any, origin: str) -> None:
    """Before pip keeps them, for its session and for the pips that it starts."""
    opts.index_url = opts.index_url and guard.bare(opts.index_url, origin)
    for name in ("extra_index_urls", "find_links"):
        setattr(opts, name, [guard.bare(url, origin) for url in getattr(opts, name) or []])


def _named(opts: Any, filename: str) -> list[str]:
    indexes = [opts.index_url] if opts.index_url else []
    links = opts.find_links or []
    # pip takes find-links first from the folder of the file that names them.
    beside = [os.path.join(os.path.dirname(os.path.abspath(filename)), link) for link in links]
    return [*indexes, *(opts.extra_index_urls or []), *links, *beside]
