"""How the adapter refuses a lookup, and how it speaks beside pip."""

from __future__ import annotations

from pip._internal.exceptions import InstallationError

from repoprio.output import say
from repoprio.pip_adapter import hint_target


class Refused(InstallationError):  # type: ignore[misc]  # pip has no types
    """A lookup that the policy refuses; pip shows its text and exits with status 1.

    The commands that the text names speak of this pip's environment.
    """

    def __init__(self, said: str) -> None:
        super().__init__(hint_target.aimed(said))


def warn(line: str) -> None:
    """One line on stderr, beside pip's own."""
    say(line)
