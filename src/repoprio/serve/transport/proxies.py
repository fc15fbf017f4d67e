"""The proxies that the gateway's surroundings name, as pip reads them."""

from __future__ import annotations

import ipaddress
from urllib import request

from yarl import URL

from repoprio.lookup.reasons import Cause
from repoprio.simple_api.response import UnusableResponse
from repoprio.urls import site


def proxy(url: str) -> str | None:
    """The proxy that the environment names for `url`, as pip reads it; None if there is none.

    What is on this machine is never asked through one: another machine could answer for it, over http.
    Raises `UnusableResponse` if it is not one that aiohttp can use.
    """
    asked = site(url)
    named = request.getproxies()
    address = named.get(asked.scheme) or named.get("all")
    if not address or is_this_machine(asked.host) or request.proxy_bypass(f"{asked.host}:{asked.port}"):
        return None
    address = address if "://" in address else f"http://{address}"
    if not _is_web(address):
        problem = "the environment names a proxy that is no http: or https: URL"
        raise UnusableResponse(problem, Cause.PROXY, lasting=True)
    return address


def is_this_machine(host: str) -> bool:
    """Whether `host` is this machine; 127.evil.example is not."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_web(url: str) -> bool:
    try:
        known = URL(url)
    except ValueError:
        return False
    return known.scheme in ("http", "https") and bool(known.host)
