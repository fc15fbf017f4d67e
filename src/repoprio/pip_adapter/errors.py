"""The adapter's errors and warnings."""

from __future__ import annotations

from pip._internal.exceptions import InstallationError

from repoprio.errors import InspectionError
from repoprio.explain.explanation import Explanation
from repoprio.names import NormalizedName
from repoprio.output import say
from repoprio.render.messages.model import Message


class LookupRefused(InstallationError):  # type: ignore[misc]  # pip has no types
    """The policy refuses something; pip prints the text and exits with status 1.

    `message` is the text. `explanation` describes the refused lookup, None if there was none; `project` is its
    project, None if the refusal is not about a single name.
    """

    def __init__(
        self, message: Message, explanation: Explanation | None = None, project: NormalizedName | None = None
    ) -> None:
        super().__init__(str(message))
        self.message = message
        self.explanation = explanation
        self.project = project


class LookRefused(InspectionError):
    """The policy refuses something, which ends a command that installs nothing; `message` is the text."""

    def __init__(self, refused: LookupRefused, status: int = 1) -> None:
        super().__init__(refused.message.body, status)
        self.message = refused.message


def warn(line: str) -> None:
    """Print one line on stderr."""
    say(line)
