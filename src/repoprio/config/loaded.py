"""What the files of a policy say, all in all. Pure."""

from __future__ import annotations

from typing import NamedTuple

from repoprio.config.errors import LOOK_AGAIN, NOT_LOOKED_UP, InvalidPolicy, PolicyProblem
from repoprio.config.settings import Merged
from repoprio.policy.model import Policy


class Source(NamedTuple):
    """A file that says something, and the layer that it is a part of."""

    layer: str
    file: str


class LoadedPolicy(NamedTuple):
    """All that the files say: `policy` is None where there is none or a faulty one.

    `draft` is a faulty policy as far as it could be read, for nothing but to tell about it; `lost` are the files
    without which it may only observe. `help` is the policy's own word on where to turn, `look` the hint of most errors.
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
        """The policy in force, None where there is none; `InvalidPolicy` with what was not done where it is faulty."""
        if self.errors:
            raise InvalidPolicy(self.errors, self.help, undone)
        return self.policy
