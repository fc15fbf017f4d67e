"""An HTTP client that shows an answer as it was sent, and follows no redirect."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

from support.pages import JSON_TYPE
from support.repository import RepositoryServer


@dataclass(frozen=True)
class Answer:
    """What an HTTP client sees."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8")


def get(url: str, **headers: str) -> Answer:
    """Fetch a URL without following redirects."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", parts.path, headers=headers)
        with connection.getresponse() as response:
            names = {key.lower(): value for key, value in response.getheaders()}
            return Answer(response.status, names, response.read())
    finally:
        connection.close()


def page(server: RepositoryServer, project: str = "acme") -> Answer:
    """Fetch a project's page as JSON."""
    return get(f"{server.page_url}{project}/", Accept=JSON_TYPE)
