"""The short way to warm pages: a request whose bytes came before is not parsed again, and needs no ASGI task.

What such a request wants was read from uvicorn's own parser when its bytes came first. Whether the page still counts,
and what the answer says, is decided anew each time, by the functions that answer all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from weakref import ref

from repoprio.names import NormalizedName
from repoprio.serve import requests
from repoprio.serve.answers import pages
from repoprio.serve.answers.notes import Answer, ClientRequest, Note
from repoprio.serve.answers.pages import Wanted
from repoprio.serve.bounded_store import BoundedStore
from repoprio.serve.kept_pages import Page

# Of requests, with the heads of their answers; longer ones are not remembered.
_MOST_BYTES, _LONGEST = 2 * 2**20, 2048


class Known:
    """A request that came before, and the head of its last answer: that about `page`, to keep for `max_age` seconds."""

    __slots__ = ("head", "headers", "max_age", "method", "page", "path", "size", "status", "wanted")

    def __init__(self, data: bytes, method: str, path: str, wanted: Wanted) -> None:
        # Roughly, with all that it will refer to.
        self.size = len(data) + 2048
        self.method = method
        self.path = path
        self.wanted = wanted
        self.page: Callable[[], Page | None] = lambda: None
        self.max_age = -1
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.head = b""

    def renew(self, page: Page, now: float) -> None:
        """Make the head for `page` at `now`."""
        self.status, headers, body = pages.answer(page, self.wanted, now)
        pages.finish(self.method, self.status, headers, body)
        self.head = b"".join(b"%b: %b\r\n" % header for header in headers) + b"\r\n"
        self.headers = dict(headers)
        # Not the page itself: it may be dropped for want of room.
        self.page, self.max_age = ref(page), pages.max_age(page, now)

    def body(self, page: Page) -> bytes:
        """What follows the head."""
        has_body = self.status == 200 and self.method != "HEAD"
        return page.forms[self.wanted.media, self.wanted.takes_gzip].content if has_body else b""


class WarmAnswers:
    """Answers requests for warm pages; `find` returns the page of a name if it counts, by `clock`."""

    def __init__(
        self, find: Callable[[NormalizedName], Page | None], clock: Callable[[], float], notes: Sequence[Note]
    ) -> None:
        self._find = find
        self._clock = clock
        self._notes = notes
        self._known = BoundedStore[bytes, Known](_MOST_BYTES, lambda known: known.size)

    def learn(self, data: bytes, method: str, path: str, headers: Collection[tuple[bytes, bytes]]) -> None:
        """Remember a request, whose bytes are `data`, if it is for a project's page."""
        target = requests.target(path)
        if not isinstance(target, requests.Project) or method not in requests.METHODS or len(data) > _LONGEST:
            return
        wanted = pages.wanted(target.name, headers)
        if wanted is not None:
            self._known.keep(data, Known(data, method, path, wanted))

    def answer(self, data: bytes, client: str, write: Callable[[int, bytes, bytes], None]) -> bool:
        """Write the status, the head and the body for a request with these bytes; False if there is no warm page."""
        known = self._known.get(data)
        if known is None:
            return False
        begun = time.monotonic()
        page = self._find(known.wanted.name)
        if page is None:
            return False
        now = self._clock()
        if known.page() is not page or known.max_age != pages.max_age(page, now):
            known.renew(page, now)
        write(known.status, known.head, known.body(page))
        request = ClientRequest(client, known.method, known.path)
        answer = Answer(known.status, known.headers, time.monotonic() - begun)
        for note in self._notes:
            note(request, answer)
        return True
