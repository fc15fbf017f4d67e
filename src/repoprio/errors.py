"""The base classes of repoprio's exceptions."""

from __future__ import annotations


class RepoprioError(Exception):
    """Base of everything that repoprio refuses or reports; its text is a complete message.

    `status` is the exit status of a command that ends with it.
    """

    status = 2


class InspectionError(RepoprioError):
    """An environment, a file or a policy cannot be inspected."""

    def __init__(self, text: str, status: int = 2) -> None:
        super().__init__(text)
        self.status = status


class NoPolicy(InspectionError):
    """The environment has no policy."""


class UnknownPip(SystemExit):
    """repoprio cannot guard this pip, which must stop: an `except Exception` of pip must not catch this.

    Its text is a complete message, without ``repoprio:`` before it.
    """

    status = 2

    def __init__(self, text: str) -> None:
        super().__init__(self.status)
        self.text = text

    def __str__(self) -> str:
        return self.text
