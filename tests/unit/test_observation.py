"""What a policy would change about a choice, and the text about it; pure, without pip."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from repoprio.explain.explanation import Chosen
from repoprio.explain.observation import Change, Choice, File, ObservationSummary, change
from repoprio.lookup.project import Code
from repoprio.names import normalize
from repoprio.render import observation as render

FILE = File(
    "acme-1.0-py3-none-any.whl", {"sha256": "aa"}, "https://corp.example/files/acme-1.0-py3-none-any.whl", "corp"
)
CHOICE = Choice(normalize("acme"), "acme>=1", "1.0", FILE, "https://corp.example")
CHOSEN = Chosen("corp", "1.0", FILE.name)
NEWER = Chosen("corp", "1.1", "acme-1.1-py3-none-any.whl")
ELSEWHERE = "https://other.example/acme-1.0-py3-none-any.whl"

SAME = {
    "itself": (FILE, True),
    "another name": (replace(FILE, name="acme-1.0.tar.gz"), False),
    "the same hash elsewhere": (replace(FILE, place=ELSEWHERE, repository=None), True),
    "another hash in the same place": (replace(FILE, digests={"sha256": "bb"}), False),
    "the same hash, and one of another kind": (replace(FILE, digests={"sha256": "aa", "md5": "c"}), True),
    "no hash in the same place": (replace(FILE, digests={}, repository=None), True),
    "a hash of another kind elsewhere": (replace(FILE, digests={"md5": "aa"}, place=ELSEWHERE, repository="x"), False),
    "no hash elsewhere in the same repository": (replace(FILE, digests={}, place=ELSEWHERE), True),
    "no hash elsewhere, of no repository": (replace(FILE, digests={}, place=ELSEWHERE, repository=None), False),
}


@pytest.mark.parametrize("what", SAME)
def test_how_files_are_compared(what: str) -> None:
    """Files are compared by name, then by the hashes that both state, else by place."""
    other, is_same = SAME[what]
    assert FILE.is_same(other) is is_same
    assert other.is_same(FILE) is is_same


def test_two_files_of_no_repository() -> None:
    """Two files without a known repository at different places are different."""
    bare = replace(FILE, digests={}, repository=None)
    assert not bare.is_same(replace(bare, place=ELSEWHERE))


def test_what_is_a_change() -> None:
    """A refusal, another version, another file; not the same file, nor one to which pip had to backtrack."""
    backtracked = replace(CHOICE, is_newest=False)
    other = replace(FILE, digests={"sha256": "bb"})
    assert change(CHOICE, Code.OWNED, CHOSEN, FILE) is None
    assert change(backtracked, Code.OWNED, NEWER, FILE) is None
    assert change(CHOICE, Code.ABSENT, None, None) == Change(CHOICE, Code.ABSENT)
    assert change(CHOICE, Code.OWNED, NEWER, FILE) == Change(CHOICE, Code.OWNED, NEWER)
    assert change(CHOICE, Code.OWNED, NEWER, None) == Change(CHOICE, Code.OWNED, NEWER)
    assert change(backtracked, Code.OWNED, NEWER, None) == Change(backtracked, Code.OWNED, NEWER)
    assert change(CHOICE, Code.OWNED, CHOSEN, other) == Change(CHOICE, Code.OWNED, CHOSEN)
    assert change(backtracked, Code.OWNED, CHOSEN, other) == Change(backtracked, Code.OWNED, CHOSEN)


def test_tallies_add_up() -> None:
    """Numbers are added, names and remarks appear once, and the first error of the log stays."""
    one = ObservationSummary(2, 1, ("acme",), 1, ("x",), "")
    two = ObservationSummary(3, 2, ("acme", "b"), 0, ("x", "y"), "full")
    assert one.plus(two) == ObservationSummary(5, 3, ("acme", "b"), 1, ("x", "y"), "full")
    assert two.plus(ObservationSummary(log_fault="gone")).log_fault == "full"


@pytest.mark.parametrize(
    ("tally", "log", "said"),
    [
        (ObservationSummary(14, 2, ("acme", "jinja2")), None, "would change 2 of 14 choices: acme, jinja2"),
        (ObservationSummary(1), "/log", "would change none of 1 choice"),
        (ObservationSummary(2, 1, ("a",)), "/log", "would change 1 of 2 choices: a; log: /log"),
        (ObservationSummary(2, 1, ("a",), log_fault="x"), "/log", "would change 1 of 2 choices: a"),
        (
            ObservationSummary(3, 0, (), 2, ("z is odd",)),
            None,
            "would change none of 3 choices; 2 could not be looked up; z is odd",
        ),
        (
            ObservationSummary(9, 9, tuple("abcdefghi")),
            None,
            "would change 9 of 9 choices: a, b, c, d, e, f, g, h, ...",
        ),
        (ObservationSummary(1, 1, ("\x1b[2J",)), None, "would change 1 of 1 choice: ?[2J"),
    ],
)
def test_the_line(tally: ObservationSummary, log: str | None, said: str) -> None:
    """The summary is always one line, without characters that move a cursor."""
    assert render.line(tally, log) == f"repoprio: observe: the policy {said}"


def test_a_record_is_bounded() -> None:
    """A record is always one line of JSON of about two kilobytes at most, even with odd data of a repository."""
    long = "9" * 10_000
    choice = Choice(normalize("a" * 10_000), f"acme<{long}\n\x00\ud800", long, FILE, "https://" + "h" * 10_000)
    found = Change(
        choice, Code.UNLISTED, Chosen("corp", long, ""), tuple(f"https://{n}" + "x" * 999 for n in range(99))
    )
    line = render.record(found, time="2026-11-21T06:24:49.123Z", host="b" * 999, command=None, is_build=True)
    assert "\n" not in line
    assert len(line.encode()) < 4096
    assert json.loads(line)["pip"]["version"] == "9" * 200 + "..."
    assert len(json.loads(line)["unlisted"]) == 8
