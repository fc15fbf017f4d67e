"""One answer of a repository with status 200, as it came. Pure."""

from __future__ import annotations

from repoprio.dataclass import dataclass
from repoprio.lookup.reasons import Cause


@dataclass(frozen=True, slots=True)
class Response:
    """A body that is whole and decompressed, and the URL that it came from, redirects included.

    `is_delimited`: something told how long the body is, so that one that broke off would have been seen.
    """

    url: str
    body: bytes
    content_type: str
    is_delimited: bool = True


class UnusableResponse(Exception):
    """No usable answer; `cause` and the text say why.

    `lasting`: the server is down, not only this page is bad. `asks`: it wants somebody to log in.
    """

    def __init__(self, reason: str, cause: Cause = Cause.BROKEN, *, lasting: bool = False, asks: bool = False) -> None:
        super().__init__(reason)
        self.cause = cause
        self.lasting = lasting
        self.asks = asks
