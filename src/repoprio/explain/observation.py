"""Compares what pip chose by itself with what the policy would choose (``mode = "observe"``). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from repoprio.dataclass import dataclass
from repoprio.explain.explanation import Chosen
from repoprio.lookup.project import Code
from repoprio.names import NormalizedName


@dataclass(frozen=True)
class File:
    """The identity of a file.

    `digests` are hexadecimal texts by algorithm, in lower case; `place` is its URL as `urls.place` returns it;
    `repository` is the name of the policy's repository that lists it, None if none is known.
    """

    name: str
    digests: Mapping[str, str]
    place: str
    repository: str | None

    def is_same(self, other: File) -> bool:
        """Whether both are the same file: by the hashes that both state, else by their places."""
        if self.name != other.name:
            return False
        if kinds := self.digests.keys() & other.digests.keys():
            return all(self.digests[kind] == other.digests[kind] for kind in kinds)
        # A repository with mirrors or aliases has the same file at several places.
        return self.place == other.place or (self.repository is not None and self.repository == other.repository)


@dataclass(frozen=True)
class Choice:
    """One file that pip chose from its own indexes.

    `requirement` is the name with the specifier as merged in the end; `site` is scheme, host and port of the
    page that lists the file, None for a folder; `is_newest` is False if pip had to backtrack to it.
    """

    project: NormalizedName
    requirement: str
    version: str
    file: File
    site: str | None = None
    is_newest: bool = True


@dataclass(frozen=True)
class Change:
    """A choice that the policy would change: to `chosen`, or to nothing (None), for the reason `code`.

    `unlisted` are the sites of indexes that the policy does not list, if that is the reason.
    """

    choice: Choice
    code: Code
    chosen: Chosen | None = None
    unlisted: tuple[str, ...] = ()


def change(choice: Choice, code: Code, chosen: Chosen | None, listed: File | None) -> Change | None:
    """What the policy would change about `choice`, or None.

    `chosen` is what the policy would choose, None if it refuses, with its `code`; `listed` is the owner's
    candidate with the file name of `choice`. A file that pip reached by backtracking, and that the owner
    offers too, is no change: under the policy pip would have backtracked too.
    """
    if chosen is None:
        return Change(choice, code)
    is_offered = listed is not None and listed.is_same(choice.file)
    if is_offered and (chosen.file == choice.file.name or not choice.is_newest):
        return None
    return Change(choice, code, chosen)


class ObservationSummary(NamedTuple):
    """The numbers of one command and its child pips.

    `choices` is how many files pip chose, `changes` how many of them the policy would change, `changed` are the
    projects of those; `unknown` is how many could not be looked up; `remarks` are further texts, such as about
    an index that the policy does not list; `log_fault` says what is wrong with the log, or is "".
    """

    choices: int = 0
    changes: int = 0
    changed: tuple[str, ...] = ()
    unknown: int = 0
    remarks: tuple[str, ...] = ()
    log_fault: str = ""

    def plus(self, other: ObservationSummary) -> ObservationSummary:
        """The sum of both, with each name once."""
        return ObservationSummary(
            self.choices + other.choices,
            self.changes + other.changes,
            tuple(dict.fromkeys(self.changed + other.changed)),
            self.unknown + other.unknown,
            tuple(dict.fromkeys(self.remarks + other.remarks)),
            self.log_fault or other.log_fault,
        )
