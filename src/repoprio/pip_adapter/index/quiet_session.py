"""A copy of pip's session without retries and warnings: pip's own session asks again if it needs the answer.

It is for many requests to few sites: what is the same for all requests to a site is worked out once.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pip._vendor.cachecontrol import CacheControlAdapter
from pip._vendor.requests import Request
from pip._vendor.requests.hooks import default_hooks
from pip._vendor.urllib3.util.retry import Retry

from repoprio.fetch.worker_pool import PLAIN_CONNECTIONS
from repoprio.pip_adapter.index.answer_cache import lighten
from repoprio.urls import Site, site


class _Template(NamedTuple):
    """What all requests to a site share: a request without URL and login, and the arguments for sending it."""

    request: Any
    settings: Mapping[str, Any]


def quiet_session(session: Any) -> Any:
    """A session that shares settings, logins and connections with `session`, but does not retry requests."""
    quiet = object.__new__(session.__class__)
    quiet.__dict__.update(session.__dict__)
    for adapter in session.adapters.values():
        _widen(adapter)
    adapters: dict[int, Any] = {}

    def get_adapter(url: str) -> Any:
        # The adapter of a host may change while requirements files are read.
        adapter = session.get_adapter(url)
        if id(adapter) not in adapters:
            adapters[id(adapter)] = _quiet(adapter)
        return adapters[id(adapter)]

    quiet.get_adapter = get_adapter
    quiet.get = _getting(quiet)
    return quiet


def _widen(adapter: Any) -> None:
    """Let the pools of an adapter keep as many connections as are used at a time; pip's keep ten, and warn of more."""
    keywords = getattr(getattr(adapter, "poolmanager", None), "connection_pool_kw", None)
    if keywords is not None and keywords.get("maxsize", 0) < PLAIN_CONNECTIONS:
        # The latter is for pools of proxies.
        keywords["maxsize"] = adapter._pool_maxsize = PLAIN_CONNECTIONS


def _getting(session: Any) -> Callable[..., Any]:
    """The method `get` of a session; like that of requests, which looks for proxies in the environment each time."""
    templates: dict[tuple[Site, frozenset[tuple[str, str]]], _Template] = {}

    def template_for(url: str, headers: Mapping[str, str]) -> _Template:
        # The proxy of a site does not depend on the path (requests: `should_bypass_proxies`).
        key = site(url), frozenset(headers.items())
        template = templates.get(key)
        if template is None:
            request = session.prepare_request(Request("GET", url, headers=headers, auth=_no_login))
            settings = session.merge_environment_settings(url, dict(session.proxies or {}), True, None, None)
            template = templates[key] = _Template(request, settings)
        return template

    def get(
        url: str, *, headers: Mapping[str, str], stream: bool, allow_redirects: bool = True, hooks: Any = None
    ) -> Any:
        template, settings = template_for(url, headers)
        request = copy.copy(template)
        request.headers, request.hooks = template.headers.copy(), default_hooks()
        request.prepare_url(url, None)
        request.prepare_auth(session.auth, url)
        request.prepare_hooks(hooks)
        settings = {**settings, "stream": stream, "timeout": session.timeout, "allow_redirects": allow_redirects}
        return session.send(request, **settings)

    return get


def _no_login(request: Any) -> Any:
    return request


def _quiet(adapter: Any) -> Any:
    # An adapter of a host that only a requirements file calls trusted.
    _widen(adapter)
    # copy.copy would make new connections (requests: `HTTPAdapter.__setstate__`).
    quiet = object.__new__(adapter.__class__)
    quiet.__dict__.update(adapter.__dict__, max_retries=Retry(0, read=False))
    if isinstance(adapter, CacheControlAdapter):
        lighten(quiet)
    return quiet
