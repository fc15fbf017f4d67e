"""How the adapter refuses a lookup, and how it speaks beside pip."""

from __future__ import annotations

from pip._internal.exceptions import InstallationError

from repoprio.errors import InspectionError
from repoprio.explain.explanation import Explanation
from repoprio.names import NormalizedName
from repoprio.output import say
from repoprio.render.messages import Message


class LookupRefused(InstallationError):  # type: ignore[misc]  # pip has no types
    """What the policy refuses; pip shows its text and exits with status 1.

    `message` is what it says; `explanation` all about the lookup that was refused, None where there was none;
    `project` whose lookup it was, None where what is refused is not about one name.
    """

    def __init__(
        self, message: Message, explanation: Explanation | None = None, project: NormalizedName | None = None
    ) -> None:
        super().__init__(str(message))
        self.message = message
        self.explanation = explanation
        self.project = project


class LookRefused(InspectionError):
    """What the policy refuses ends a command that looks; `message` is what it says."""

    def __init__(self, refused: LookupRefused, status: int = 1) -> None:
        super().__init__(refused.message.body, status)
        self.message = refused.message


def warn(line: str) -> None:
    """One line on stderr, beside pip's own."""
    say(line)
