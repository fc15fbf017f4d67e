"""Makes one HTTP request through pip's session, within limits and without following redirects."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from repoprio.dataclass import dataclass
from repoprio.fetch import inflating
from repoprio.lookup.cooldown import Clocks
from repoprio.lookup.reasons import REFUSED_LOGIN, Cause
from repoprio.pip_adapter.compat import knows_json
from repoprio.pip_adapter.index import server_clock
from repoprio.pip_adapter.index.credentials import Pair, basic
from repoprio.pip_adapter.registry import Registry
from repoprio.simple_api.response import Response, UnusableResponse
from repoprio.urls import without_credentials

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import HttpHeaders, HttpResponse, PipSession

_CHUNK = 64 * 1024
# The limit in bytes for an answer that is not a page.
_ERROR_SIZE_LIMIT = 1024 * 1024
# The Location header of each response, hidden from the library requests.
_LOCATIONS: Registry[str] = Registry()
# `whom`: the repository that this thread asks, for messages while it waits. `cached`: the URL of this thread's last
# answer if it came from pip's cache.
ASKING = threading.local()
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# urllib3's message if all its retries got the same status: pip retries only after 500 and above.
_TOO_MANY = re.compile(r"too many (5\d\d) error responses")
# The message if a proxy, and not the repository, asks for a login or forbids the connection.
_PROXY_REFUSES = re.compile(r"tunnel connection failed: (?:401|403|407)")
# The headers of pip (PEP 691), but with revalidation of its cache: a repository may serve a name since, and a lower one
# must not get it then.
_JSON_TOO = {
    "Accept": "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
    "Accept-Encoding": "gzip",
    "Cache-Control": "max-age=0",
}
_HEADERS = _JSON_TOO if knows_json() else {**_JSON_TOO, "Accept": "text/html"}


@dataclass(frozen=True)
class Reply:
    """A response: `body` is whole, and decompressed if it is a page; `redirect` is an absolute URL without credentials.

    `sent` is the login that was sent; `tries` the number of tries. `is_delimited` is true if the response states where
    it ends, so that a cut-off one is noticed. `clocks` has the time at which it came. `headers` are None if pip's
    retries hide the response.
    """

    status: int
    url: str
    body: bytes = b""
    content_type: str = ""
    redirect: str | None = None
    sent: Pair | None = field(default=None, repr=False)
    tries: int = 1
    is_delimited: bool = True
    clocks: Clocks | None = None
    headers: HttpHeaders | None = field(default=None, repr=False)

    @property
    def response(self) -> Response:
        """The response for the readers of pages."""
        return Response(self.url, self.body, self.content_type, self.is_delimited, self.clocks)


def get(session: PipSession, url: str, *, whom: str, size_limit: int, needs_times: bool = False) -> Reply:
    """The reply of the repository `whom` for `url`; raises `UnusableResponse` if there is none within `size_limit`.

    With `needs_times`, JSON is requested even if this pip cannot read it: only JSON has upload times (PEP 700).
    """
    ASKING.whom, ASKING.cached = whom, None
    return _get(session, url, size_limit, _JSON_TOO if needs_times else _HEADERS)


def forget_cached(session: PipSession) -> bool:
    """Drop the last answer of this thread from pip's cache; returns whether it came from there."""
    url, ASKING.cached = getattr(ASKING, "cached", None), None
    adapter: Any = session.get_adapter(url) if url else None
    if adapter is not None:
        adapter.cache.delete(adapter.controller.cache_url(url))
    return adapter is not None


def _get(session: PipSession, url: str, size_limit: int, headers: Mapping[str, str]) -> Reply:
    try:
        response = session.get(
            url, headers=headers, allow_redirects=False, stream=True, hooks={"response": [_keep_location]}
        )
    except Exception as error:  # noqa: BLE001 - after any error there is no usable answer
        return _failure(session, url, error)
    ASKING.cached = response.request.url if getattr(response, "from_cache", False) else None
    try:
        location = _LOCATIONS.get(response)
        if response.status_code in _REDIRECTS and location:
            target = without_credentials(urljoin(response.url, location))
            return Reply(response.status_code, response.url, redirect=target)
        if 400 <= response.status_code < 500 and response.status_code not in REFUSED_LOGIN:
            # A refused login counts even if the answer is cut off. Another answer must be whole to mean absence; if it
            # is read to its end, the connection can also be used again.
            body = _read_to_end(response)
        else:
            body = _body(response, size_limit) if response.status_code == 200 else b""
        return Reply(
            response.status_code,
            response.url,
            body,
            response.headers.get("Content-Type", ""),
            sent=basic(response.request.headers.get("Authorization", "")),
            is_delimited=_is_delimited(response.headers),
            clocks=server_clock.read(response),
            headers=response.headers,
        )
    except UnusableResponse:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        raise _unread(error) from None
    finally:
        response.close()


def _unread(error: Exception) -> UnusableResponse:
    """The error for an answer that began well but cannot be read to its end."""
    text = _searchable(error)
    if "timed out" in text or "timeout" in text:
        return UnusableResponse("its answer stopped before its end", Cause.TIME)
    if any(sign in text for sign in ("incompleteread", "reset", "broken", "chunk", "protocolerror")):
        return UnusableResponse("the connection broke before the answer was whole", Cause.CUT_SHORT)
    return UnusableResponse(f"its answer cannot be read ({_name(error)})")


def _keep_location(response: HttpResponse, **_: object) -> None:
    """Hide the Location header from the library requests, which would read the whole body of a redirect."""
    if location := response.headers.pop("Location", None):
        _LOCATIONS.put(response, location)


def _read_to_end(response: HttpResponse) -> bytes:
    """The raw body of an answer that is no page."""
    body = bytearray()
    for chunk in _counted(response):
        body += chunk
        if len(body) > _ERROR_SIZE_LIMIT:
            raise UnusableResponse(f"its answer ({response.status_code}) does not end", Cause.SIZE)
    return bytes(body)


def _body(response: HttpResponse, size_limit: int) -> bytes:
    """The whole body, decompressed here, because urllib3 accepts a gzip stream that was cut short."""
    return inflating.body(_counted(response), response.headers.get("Content-Encoding", "identity"), size_limit)


def _counted(response: HttpResponse) -> Iterator[bytes]:
    """The raw chunks; raises an error if bytes are missing (urllib3 1.26, in pip before 26, does not)."""
    size = 0
    for chunk in response.raw.stream(_CHUNK, decode_content=False):
        size += len(chunk)
        yield chunk
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and size < int(announced):
        raise UnusableResponse("the page was cut short", Cause.CUT_SHORT)


def _is_delimited(headers: HttpHeaders) -> bool:
    """Whether the headers say where the answer ends; else it ends with the connection (RFC 9112, section 6.3)."""
    return (
        headers.get("Content-Length", "").strip().isdigit()
        or headers.get("Transfer-Encoding", "").strip().lower() == "chunked"
        or headers.get("Content-Encoding", "").strip().lower() in inflating.PACKED
    )


def _failure(session: PipSession, url: str, error: Exception) -> Reply:
    """The reply with the status that pip's retries hide in an error; raises `UnusableResponse` if there is none."""
    tries = getattr(getattr(session.get_adapter(url), "max_retries", None), "total", 0) + 1
    text = _searchable(error)
    if hidden := _hidden_status(error):
        return Reply(hidden, url, tries=tries)
    if _PROXY_REFUSES.search(text):
        return Reply(407, url)
    attempts = f", {tries} tries" if tries > 1 else ""
    unknown = (f"no answer ({_name(error)})", Cause.CONNECTION)
    problem, cause = next(((problem, cause) for sign, problem, cause in _KINDS if sign in text), unknown)
    raise UnusableResponse(f"{problem}{attempts}", cause, lasting=True) from None


_KINDS = (
    ("certificate has expired", "its TLS certificate has expired", Cause.TLS),
    ("not valid for", "its TLS certificate is for another host", Cause.TLS),
    ("doesn't match", "its TLS certificate is for another host", Cause.TLS),
    ("self-signed", "pip does not trust the issuer of its TLS certificate (--cert)", Cause.TLS),
    ("unable to get local issuer", "pip does not trust the issuer of its TLS certificate (--cert)", Cause.TLS),
    ("ssl", "the TLS connection failed", Cause.TLS),
    ("certificate", "the TLS connection failed", Cause.TLS),
    ("proxy", "the proxy could not be reached", Cause.PROXY),
    ("timeout", "no answer in time", Cause.TIME),
    ("timed out", "no answer in time", Cause.TIME),
    ("resolve", "its host name is unknown", Cause.CONNECTION),
    ("name or service", "its host name is unknown", Cause.CONNECTION),
    ("refused", "the connection was refused", Cause.CONNECTION),
    ("reset", "the connection was reset", Cause.CONNECTION),
    ("aborted", "the connection was closed", Cause.CONNECTION),
    ("closed", "the connection was closed", Cause.CONNECTION),
    ("disconnected", "the connection was closed", Cause.CONNECTION),
    ("eoferror", "it asks for a login, and none was given", Cause.LOGIN),
)


def _hidden_status(error: BaseException) -> int | None:
    """The status in urllib3's own `ResponseError`, or None; texts of other errors may come from the server."""
    seen: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        nested = pending.pop()
        if not isinstance(nested, BaseException) or nested in seen:
            continue
        seen.append(nested)
        hidden = _TOO_MANY.fullmatch(str(nested)) if type(nested).__name__ == "ResponseError" else None
        if hidden:
            return int(hidden[1])
        pending += [nested.__cause__, nested.__context__, getattr(nested, "reason", None), *nested.args]
    return None


def _searchable(error: Exception) -> str:
    """The text of an error in lower case, only to be searched: it contains whole URLs, and must not be shown."""
    context = getattr(error, "context", "") or ""
    return f"{type(error).__name__} {error} {context} {error.__cause__!r}".lower()


def _name(error: BaseException) -> str:
    return type(error).__name__
