"""Faults of a policy: each with its file, key, what was found and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from repoprio.errors import RepoprioError

# What dnf, conda, uv, Poetry, PDM and apt call it.
_OTHER_WORDS = {
    "baseurl": "url",
    "base-url": "url",
    "index": "url",
    "index-url": "url",
    "includepkgs": "include",
    "includes": "include",
    "excludepkgs": "exclude",
    "excludes": "exclude",
    "skip-if-unavailable": "skip-if-unavailable",
    "ignore-error-codes": "absent",
    "channels": "repositories",
    "indexes": "repositories",
    "sources": "repositories",
    "repos": "repositories",
    "packages": "projects",
    "names": "projects",
    "version": "versions",
    "default": "priority",
    "secondary": "priority",
    "supplemental": "priority",
    "primary": "priority",
    "mirrorlist": "mirrors",
    "channel-priority": "mode",
    "index-strategy": "mode",
    "reason": "block",
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a policy: `problem` says what was found and what was expected."""

    file: str
    key: str
    problem: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.key, self.problem) if part)


class PolicyFaults(RepoprioError):
    """A faulty policy; `faults` are all of them, in the order of the files and their keys."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        lines = [f"the policy has {count}; nothing was looked up.", *(f"  {fault}" for fault in self.faults)]
        locked = any(fault.key == "locked" for fault in self.faults)
        hint = "unset REPOPRIO_CONFIG" if locked else "mend the policy; REPOPRIO_CONFIG=FILE tries another file"
        return "\n".join([*lines, f"  hint: {hint}    [policy]"])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'url'?)``, or nothing where no known word is near."""
    known = list(known)
    folded = word.lower().replace("_", "-")
    near = [_OTHER_WORDS.get(folded, folded)] if _OTHER_WORDS.get(folded, folded) in known else []
    near = near or difflib.get_close_matches(folded, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else f" (known: {', '.join(known)})"
