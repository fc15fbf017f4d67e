"""A repository that sends other files than its pages list, or no files."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Final

from werkzeug import Request, Response
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from .faults import Fault
from .repository import RepositoryServer

# Sent instead of a file's bytes.
OTHERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "other": lambda content: b"x" * len(content),
    "more": lambda content: content + b"x",
    "nothing": lambda _: b"",
    "packed": gzip.compress,
}


class FileServer(RepositoryServer):
    """A repository whose files have faults: `sent` and `faults` are by the names of files, `fault` is for all."""

    redirect: str | None = None
    fault: Fault | None = None

    def __init__(self, label: str) -> None:
        """Start it; it has no fault yet."""
        super().__init__(label)
        self.sent: dict[str, bytes] = {}
        self.faults: dict[str, Fault] = {}
        self.authorizations: list[str | None] = []

    def _response(self, request: Request) -> Response:
        if not request.path.startswith("/files/"):
            return super()._response(request)
        self.authorizations.append(request.headers.get("Authorization"))
        name = request.path.rpartition("/")[2]
        if self.redirect:
            return Response("", 302, {"Location": self.redirect})
        if fault := self.faults.get(name, self.fault):
            return self._answer(fault, request, lambda _: super(FileServer, self)._response(request))
        if name in self.sent:
            headers = {"Content-Encoding": "gzip"} if self.sent[name].startswith(b"\x1f\x8b") else {}
            return Response(self.sent[name], 200, headers, mimetype="application/octet-stream")
        answer = super()._response(request)
        try:
            return answer.make_conditional(request, accept_ranges=True, complete_length=len(answer.data))
        except RequestedRangeNotSatisfiable:
            return Response("", 416)
