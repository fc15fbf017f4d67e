"""Credentials with where they came from. Knows no pip."""

from __future__ import annotations

from dataclasses import dataclass, field

from repoprio.urls import Site


@dataclass(frozen=True)
class Login:
    """Credentials for one repository's site, and where they came from."""

    site: Site
    user: str
    password: str = field(repr=False)
    origin: str
