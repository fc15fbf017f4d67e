"""A response of a repository with status 200, not yet read. Pure."""

from __future__ import annotations

from repoprio.dataclass import dataclass
from repoprio.lookup.cooldown import Clocks
from repoprio.lookup.reasons import Cause


@dataclass(frozen=True, slots=True)
class Response:
    """A body, complete and decompressed, and the URL that it came from, after redirects.

    `is_delimited`: the server stated the length of the body, so that a broken-off body would have been noticed.
    `clocks`: the time when it came; None if unknown.
    """

    url: str
    body: bytes
    content_type: str
    is_delimited: bool = True
    clocks: Clocks | None = None


class UnusableResponse(Exception):
    """There is no usable answer; `cause` and the text say why.

    `lasting`: the whole server is down, not only this page is bad. `asks`: it asks for a login.
    """

    def __init__(self, reason: str, cause: Cause = Cause.BROKEN, *, lasting: bool = False, asks: bool = False) -> None:
        super().__init__(reason)
        self.cause = cause
        self.lasting = lasting
        self.asks = asks
