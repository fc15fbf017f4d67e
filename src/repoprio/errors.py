"""The one root of repoprio's own exceptions."""

from __future__ import annotations


class RepoprioError(Exception):
    """Anything that repoprio itself refuses or reports; its text is ready for a person.

    `status` is the exit status of a command that ends with it.
    """

    status = 2


class InspectionError(RepoprioError):
    """There is nothing to look at."""

    def __init__(self, text: str, status: int = 2) -> None:
        super().__init__(text)
        self.status = status


class NoPolicy(InspectionError):
    """There is no policy in the places where an environment looks for one."""


class UnknownPip(SystemExit):
    """A pip that repoprio cannot guard, and that must not go on: no `except Exception` of pip's may catch it.

    Its text is ready for a person, without ``repoprio:`` before it.
    """

    status = 2

    def __init__(self, text: str) -> None:
        super().__init__(self.status)
        self.text = text

    def __str__(self) -> str:
        return self.text
