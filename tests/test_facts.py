"""What is known travels in fields: no text for people is read again, so that rewording one changes nothing else."""

from __future__ import annotations

import pytest

from repoprio.explain.checkup import Trial, report
from repoprio.explain.explanation import Line, LineStatus
from repoprio.explain.hints import of_silent
from repoprio.lookup.events import Finding, State
from repoprio.lookup.reasons import Cause
from repoprio.policy.model import Location, Policy, Repository
from repoprio.render.messages import Message, message

CORP = Repository("corp", (Location.of("https://corp.example/simple/"),), 10)


def unavailable(status: int | None, cause: Cause = Cause.STATUS, reason: str = "some words") -> Finding[str]:
    """A repository that gave no usable answer."""
    return Finding(CORP, State.UNAVAILABLE, reason, cause, http_status=status)


@pytest.mark.parametrize(
    ("status", "code"), [(404, "absent"), (410, "absent"), (418, "try-again"), (None, "try-again")]
)
def test_the_hint_for_a_status_is_of_the_status(status: int | None, code: str) -> None:
    """Whatever the words say, 404 and 410 could mean that there is no such project."""
    line = Line(CORP, "", LineStatus.UNAVAILABLE, None, "404; no words count", code=Cause.STATUS, http_status=status)
    assert of_silent(line, is_routed=True).code == code


@pytest.mark.parametrize(
    ("finding", "setting"),
    [
        (unavailable(403, Cause.LOGIN), "absent = [404, 403]"),
        (unavailable(410), "absent = [404, 410]"),
        (unavailable(None, Cause.CANARY, "403"), None),
        (unavailable(503, Cause.SERVER, "403; as a text"), None),
    ],
)
def test_a_status_that_may_mean_absent_is_the_status(finding: Finding[str], setting: str | None) -> None:
    """`repos --check` proposes 403 and 410 for `absent` where they are the answer, whatever the words say."""
    trial = Trial(CORP, "https://corp.example/simple/", 0.1, finding, (Finding(CORP, State.SERVES, files=1),))
    (found,) = report(Policy((CORP,)), [trial])
    assert found.remarks[0].setting == setting


def test_a_message_keeps_what_it_says_apart() -> None:
    """A refusal knows its parts; its text is made of them, safe to print, and its body is the text without our name."""
    said = message("acme\x1b is blocked.", ["rule: a", ""], "blocked", why="repoprio explain acme", help_text="go/pip")
    assert said == Message("acme? is blocked.", ("rule: a",), "blocked", "repoprio explain acme", "go/pip")
    assert said.body == "acme? is blocked.\n  rule: a\n  why: repoprio explain acme    help: go/pip    [blocked]"
    assert str(said) == f"repoprio: {said.body}"
    assert message("no.", [], "usage").body == "no.\n  [usage]"
