"""What pip chose by itself, held against what the policy would choose (``mode = "observe"``). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from repoprio.dataclass import dataclass
from repoprio.explain.explanation import Chosen
from repoprio.lookup.project import Code
from repoprio.names import NormalizedName


@dataclass(frozen=True)
class File:
    """What tells one file from another.

    `digests` are hexadecimal texts by the kind of hash, in small letters; `place` is its URL as `urls.place`
    has it; `repository` is the name of the policy's repository that lists it, None where none is known to.
    """

    name: str
    digests: Mapping[str, str]
    place: str
    repository: str | None

    def is_same(self, other: File) -> bool:
        """Whether both are one file: by the hashes that both state, else by where they lie."""
        if self.name != other.name:
            return False
        if kinds := self.digests.keys() & other.digests.keys():
            return all(self.digests[kind] == other.digests[kind] for kind in kinds)
        # A repository with mirrors or aliases has its files at several places.
        return self.place == other.place or (self.repository is not None and self.repository == other.repository)


@dataclass(frozen=True)
class Choice:
    """One file that pip chose of what its own indexes have.

    `requirement` is the name with the specifier as merged in the end; `site` is scheme, host and port of the
    page that lists the file, None for a folder; `is_newest` is False where pip had to backtrack to it.
    """

    project: NormalizedName
    requirement: str
    version: str
    file: File
    site: str | None = None
    is_newest: bool = True


@dataclass(frozen=True)
class Change:
    """A choice that the policy would change: to `chosen`, or to nothing, for the reason `code`.

    `unlisted` are the sites of indexes that the policy does not list, where that is the reason.
    """

    choice: Choice
    code: Code
    chosen: Chosen | None = None
    unlisted: tuple[str, ...] = ()


def change(choice: Choice, code: Code, chosen: Chosen | None, listed: File | None) -> Change | None:
    """What the policy would change about `choice`, or None.

    `chosen` is what it would choose and None where it refuses, with its `code`; `listed` is the candidate
    of the owner that has the file name of `choice`. A file to which pip had to backtrack, and which the owner
    offers as well, is no change: the policy would have backtracked too.
    """
    if chosen is None:
        return Change(choice, code)
    is_offered = listed is not None and listed.is_same(choice.file)
    if is_offered and (chosen.file == choice.file.name or not choice.is_newest):
        return None
    return Change(choice, code, chosen)


class ObservationSummary(NamedTuple):
    """What one command, and the pips that it started, came to.

    `choices` is how many files pip chose, `changes` how many of them the policy would change, `changed` the
    projects of those; `unknown` is how many could not be looked up; `remarks` are what else there is to say, such
    as an index that the policy does not list; `log_fault` is what is wrong with the log, or "".
    """

    choices: int = 0
    changes: int = 0
    changed: tuple[str, ...] = ()
    unknown: int = 0
    remarks: tuple[str, ...] = ()
    log_fault: str = ""

    def plus(self, other: ObservationSummary) -> ObservationSummary:
        """Both together; names are named once."""
        return ObservationSummary(
            self.choices + other.choices,
            self.changes + other.changes,
            tuple(dict.fromkeys(self.changed + other.changed)),
            self.unknown + other.unknown,
            tuple(dict.fromkeys(self.remarks + other.remarks)),
            self.log_fault or other.log_fault,
        )
