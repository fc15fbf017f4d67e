"""One HTTP request through pip's session, without following redirects and within bounds."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING
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
# More of an answer that is no page is not looked at.
_ENOUGH = 1024 * 1024
# Of each answer: the redirect that requests must not see.
_LOCATIONS: Registry[str] = Registry()
# `whom` a thread asks, for what is said while it waits.
ASKING = threading.local()
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What urllib3 says where its retries met the same status each time: pip retries 500 and above alone.
_TOO_MANY = re.compile(r"too many (5\d\d) error responses")
# What a proxy says of itself, and not of the repository: that it wants a login, or allows nobody there.
_PROXY_REFUSES = re.compile(r"tunnel connection failed: (?:401|403|407)")
# As pip asks (PEP 691), but never content with what its cache says of the past: a name that a
# repository has begun to serve since must not be left to a lower one.
_JSON_TOO = {
    "Accept": "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
    "Accept-Encoding": "gzip",
    "Cache-Control": "max-age=0",
}
_HEADERS = _JSON_TOO if knows_json() else {**_JSON_TOO, "Accept": "text/html"}


@dataclass(frozen=True)
class Reply:
    """What came: `body` is whole and decompressed; `redirect` an absolute URL without credentials.

    `is_delimited`: something told how long the answer is, so that one that broke off would have been seen.
    `clocks`: what time it was when it came. `headers` are None where pip's retries hide the answer.
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
        """What there is to read."""
        return Response(self.url, self.body, self.content_type, self.is_delimited, self.clocks)


def get(session: PipSession, url: str, *, whom: str, size_limit: int, needs_times: bool = False) -> Reply:
    """Ask `whom` for `url`; `UnusableResponse` where nothing usable comes within `size_limit`.

    `needs_times`: for upload times, which only JSON has (PEP 700); what pip makes of the page does not matter then.
    """
    ASKING.whom = whom
    return _get(session, url, size_limit, _JSON_TOO if needs_times else _HEADERS)


def _get(session: PipSession, url: str, size_limit: int, headers: Mapping[str, str]) -> Reply:
    try:
        response = session.get(
            url, headers=headers, allow_redirects=False, stream=True, hooks={"response": [_keep_location]}
        )
    except Exception as error:  # noqa: BLE001 - whatever went wrong, there was no usable answer
        return _failure(session, url, error)
    try:
        location = _LOCATIONS.get(response)
        if response.status_code in _REDIRECTS and location:
            target = without_credentials(urljoin(response.url, location))
            return Reply(response.status_code, response.url, redirect=target)
        if 400 <= response.status_code < 500 and response.status_code not in REFUSED_LOGIN:
            # A refused login says so, whole or not. What breaks off is no word of absence; and the connection can
            # serve the next page.
            _see_the_end(response)
        return Reply(
            response.status_code,
            response.url,
            _body(response, size_limit) if response.status_code == 200 else b"",
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
    """What became of an answer that began well and cannot be read to its end."""
    told = _told(error)
    if "timed out" in told or "timeout" in told:
        return UnusableResponse("its answer stopped coming", Cause.TIME)
    if any(sign in told for sign in ("incompleteread", "reset", "broken", "chunk", "protocolerror")):
        return UnusableResponse("the connection broke before the answer was whole", Cause.CUT_SHORT)
    return UnusableResponse(f"its answer cannot be read ({_name(error)})")


def _keep_location(response: HttpResponse, **_: object) -> None:
    """Take the header away from requests, which would read the body of a redirect, however long it is."""
    if location := response.headers.pop("Location", None):
        _LOCATIONS.put(response, location)


def _see_the_end(response: HttpResponse) -> None:
    size = 0
    for chunk in _counted(response):
        size += len(chunk)
        if size > _ENOUGH:
            raise UnusableResponse(f"its answer ({response.status_code}) does not end", Cause.SIZE)


def _body(response: HttpResponse, size_limit: int) -> bytes:
    """The whole body, decompressed here: urllib3 takes a gzip stream that was cut short for a whole one."""
    return inflating.body(_counted(response), response.headers.get("Content-Encoding", "identity"), size_limit)


def _counted(response: HttpResponse) -> Iterator[bytes]:
    """The raw chunks; fewer than announced are an error (urllib3 1.26, in pip before 26, keeps silent)."""
    size = 0
    for chunk in response.raw.stream(_CHUNK, decode_content=False):
        size += len(chunk)
        yield chunk
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and size < int(announced):
        raise UnusableResponse("the page was cut short", Cause.CUT_SHORT)


def _is_delimited(headers: HttpHeaders) -> bool:
    """Whether something tells where the answer ends; else it ends where the connection does (RFC 9112, section 6.3)."""
    return (
        headers.get("Content-Length", "").strip().isdigit()
        or headers.get("Transfer-Encoding", "").strip().lower() == "chunked"
        or headers.get("Content-Encoding", "").strip().lower() in inflating.PACKED
    )


def _failure(session: PipSession, url: str, error: Exception) -> Reply:
    """A status that pip's retries hide in an error, or `UnusableResponse`."""
    tries = getattr(getattr(session.get_adapter(url), "max_retries", None), "total", 0) + 1
    told = _told(error)
    if hidden := _hidden_status(error):
        return Reply(hidden, url, tries=tries)
    if _PROXY_REFUSES.search(told):
        return Reply(407, url)
    attempts = f", {tries} tries" if tries > 1 else ""
    nothing = (f"no answer ({_name(error)})", Cause.CONNECTION)
    what, cause = next(((text, cause) for sign, text, cause in _KINDS if sign in told), nothing)
    raise UnusableResponse(f"{what}{attempts}", cause, lasting=True) from None


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
    """The status in urllib3's own `ResponseError`; the texts of other errors may be the server's."""
    seen: list[BaseException] = []
    found: list[object] = [error]
    while found:
        one = found.pop()
        if not isinstance(one, BaseException) or one in seen:
            continue
        seen.append(one)
        hidden = _TOO_MANY.fullmatch(str(one)) if type(one).__name__ == "ResponseError" else None
        if hidden:
            return int(hidden[1])
        found += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return None


def _told(error: Exception) -> str:
    """All that an error says, in small letters, to be searched: it carries whole URLs, so none of it is passed on."""
    context = getattr(error, "context", "") or ""
    return f"{type(error).__name__} {error} {context} {error.__cause__!r}".lower()


def _name(error: BaseException) -> str:
    return type(error).__name__
