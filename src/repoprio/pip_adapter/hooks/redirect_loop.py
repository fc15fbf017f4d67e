"""Refuses files that are redirected in a circle: plain pip ends with a traceback of requests."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from repoprio.pip_adapter.command import enforced
from repoprio.redaction import redact_url
from repoprio.render.messages import notices
from repoprio.simple_api.filenames import projects_of
from repoprio.urls import filename

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import HttpResponse, PipSession
    from repoprio.policy.model import Repository

_METADATA = ".metadata"


def request(original: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wraps a request: if it is redirected too often, the refusal names the repository of the file."""

    @functools.wraps(original)
    def request(self: PipSession, method: str, url: str, *args: object, **kwargs: object) -> HttpResponse:
        from pip._vendor.requests.exceptions import TooManyRedirects

        try:
            return original(self, method, url, *args, **kwargs)
        except TooManyRedirects:
            policy = enforced()
            if policy is None:
                raise
            message = notices.redirect_loop(
                filename(url), redact_url(url), _owners(url), self.max_redirects, policy.help
            )
        from repoprio.pip_adapter.errors import LookupRefused

        # Not chained: the error of requests has the URL with its login.
        raise LookupRefused(message)

    return request


def _owners(url: str) -> tuple[Repository, ...]:
    """The repositories that own the project of the file at `url`, if it was looked up."""
    from repoprio.pip_adapter.compat import is_version
    from repoprio.pip_adapter.finder.registry import guards

    names = projects_of(filename(url).removesuffix(_METADATA), is_version)
    per_project = (guard.owners_of(name) for guard in guards() for name in names)
    return next((owners for owners in per_project if owners), ())
