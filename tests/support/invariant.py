"""The one law of the gateway's fault matrix, which each of its tests checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .gateways import Answer

# What repositories below the owner, and strangers, have of a project; its owner has nothing like it.
LURE = "99.0"


class Asked(Protocol):
    """A repository that records the requested paths."""

    root_url: str

    @property
    def requests(self) -> list[str]:
        """The paths asked for up to now."""


def assert_nothing_from_below(answer: Answer, project: str, below: Iterable[Asked]) -> None:
    """No answer has a file from below the owner of a project, and no repository there was asked for it."""
    assert f"-{LURE}".encode() not in answer.body, answer.body.decode(errors="replace")
    for repository in below:
        if answer.status < 400:
            assert repository.root_url.encode() not in answer.body
        assert not [path for path in repository.requests if project in path], repository.root_url
