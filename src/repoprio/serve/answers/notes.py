"""What operators learn of an answer: the request, and what the client got."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple


class ClientRequest(NamedTuple):
    """A request: the client's address ("" if unknown), the method, and the path, which is percent-encoded."""

    client: str
    method: str
    path: str


class Answer(NamedTuple):
    """What a client got: the status (0: it was gone before), the headers, and the seconds until the end.

    `is_whole`: nothing of it was held back.
    """

    status: int
    headers: Mapping[bytes, bytes]
    seconds: float
    is_whole: bool = True


Note = Callable[[ClientRequest, Answer], None]
