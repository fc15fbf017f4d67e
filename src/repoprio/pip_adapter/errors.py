"""How the adapter refuses a lookup, and how it speaks beside pip."""

from __future__ import annotations

from pip._internal.exceptions import InstallationError

from repoprio.output import say


class Refused(InstallationError):  # type: ignore[misc]  # pip has no types
    """A lookup that the policy refuses; pip shows its text and exits with status 1."""


def warn(line: str) -> None:
    """One line on stderr, beside pip's own."""
    say(line)
