"""The form of all messages. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from repoprio.dataclass import dataclass
from repoprio.redaction import printable


@dataclass(frozen=True)
class Message:
    """A refusal: `lead` says what happened, `details` are the lines below it, `code` is the stable word at the end.

    `why` is the command that explains more, `help` the policy's own text on where to get help.
    """

    lead: str
    details: tuple[str, ...]
    code: str
    why: str | None = None
    help: str | None = None

    @property
    def body(self) -> str:
        """The whole text, without the leading ``repoprio:``."""
        ways = [
            part for part in (f"why: {self.why}" if self.why else "", f"help: {self.help}" if self.help else "") if part
        ]
        lines = [self.lead, *(f"  {detail}" for detail in self.details)]
        return "\n".join([*lines, f"  {'    '.join([*ways, f'[{self.code}]'])}"])

    def __str__(self) -> str:
        return f"repoprio: {self.body}"


def message(
    lead: str, details: Sequence[str], code: str, *, why: str | None = None, help_text: str | None = None
) -> Message:
    """The message with its texts made safe to print; empty details are left out."""
    return Message(printable(lead), tuple(printable(detail) for detail in details if detail), code, why, help_text)
