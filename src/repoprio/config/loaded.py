"""A policy as loaded from all its files, with its sources and errors. Pure."""

from __future__ import annotations

from typing import NamedTuple

from repoprio.config.errors import LOOK_AGAIN, NOT_LOOKED_UP, InvalidPolicy, PolicyProblem
from repoprio.config.settings import Merged
from repoprio.policy.model import Policy


class Source(NamedTuple):
    """A file with settings, and the layer that it belongs to."""

    layer: str
    file: str


class LoadedPolicy(NamedTuple):
    """All that the files state: `policy` is None if there is no policy, or an invalid one.

    `draft` is an invalid policy as far as it could be read, only for reports about it; `lost` are missing recorded
    files, which a policy that only observes does without. `help` is the policy's own text on where to get help, `look`
    the remedy of most errors.
    """

    sources: tuple[Source, ...]
    merged: Merged
    errors: tuple[PolicyProblem, ...]
    policy: Policy | None
    draft: Policy | None = None
    lost: tuple[PolicyProblem, ...] = ()
    help: str | None = None
    look: str = LOOK_AGAIN

    def sound(self, undone: str = NOT_LOOKED_UP) -> Policy | None:
        """The policy in force, None if there is none; raises `InvalidPolicy`, with `undone`, if it is faulty."""
        if self.errors:
            raise InvalidPolicy(self.errors, self.help, undone)
        return self.policy
