"""Credentials with where they came from. Knows no pip."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Login:
    """Credentials for one repository, and where they came from."""

    user: str
    password: str = field(repr=False)
    origin: str
