"""Facts are passed as fields: no text for people is parsed again, so rewording one changes nothing else."""

from __future__ import annotations

import pytest

from repoprio.environments.interpreters import CannotEnable
from repoprio.explain.checkup import ProbeResult, report
from repoprio.explain.explaining import explain
from repoprio.explain.explanation import Chosen, Line, LineStatus
from repoprio.explain.refusal_remedies import unavailable_remedy
from repoprio.lookup.drivers import drive
from repoprio.lookup.events import PageFound, RepositoryResult, RepositoryState
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import ProjectLookup
from repoprio.lookup.reasons import Cause
from repoprio.names import normalize
from repoprio.policy.model import Location, Mode, Pin, Policy, Repository, Rule
from repoprio.policy.patterns import Pattern
from repoprio.render.messages.model import Message, message
from repoprio.render.messages.sentences import sentence

CORP = Repository("corp", (Location.of("https://corp.example/simple/"),), 10)


def unavailable(status: int | None, cause: Cause = Cause.STATUS, reason: str = "some words") -> RepositoryResult[str]:
    """A repository that gave no usable answer."""
    return RepositoryResult(CORP, RepositoryState.UNAVAILABLE, reason, cause, http_status=status)


@pytest.mark.parametrize(
    ("status", "code"), [(404, "absent"), (410, "absent"), (418, "try-again"), (None, "try-again")]
)
def test_the_hint_depends_on_the_status(status: int | None, code: str) -> None:
    """The hint for 404 and 410 depends on the status, not on the words."""
    line = Line(CORP, "", LineStatus.UNAVAILABLE, None, "404; no words count", code=Cause.STATUS, http_status=status)
    assert unavailable_remedy(line, is_routed=True).code == code


@pytest.mark.parametrize(
    ("finding", "setting"),
    [
        (unavailable(403, Cause.LOGIN), "absent = [404, 403]"),
        (unavailable(410), "absent = [404, 410]"),
        (unavailable(None, Cause.CANARY, "403"), None),
        (unavailable(503, Cause.SERVER, "403; as a text"), None),
    ],
)
def test_a_status_that_may_mean_absent_is_the_status(finding: RepositoryResult[str], setting: str | None) -> None:
    """`repos --check` proposes 403 and 410 for `absent` by the status, not by the words."""
    trial = ProbeResult(
        CORP, "https://corp.example/simple/", 0.1, finding, (RepositoryResult(CORP, RepositoryState.SERVES, files=1),)
    )
    (found,) = report(Policy((CORP,)), [trial])
    assert found.remarks[0].setting == setting


def test_a_message_has_its_parts_as_fields() -> None:
    """A refusal has its parts as fields; its text is made from them and safe to print; `body` is without our name."""
    said = message("acme\x1b is blocked.", ["rule: a", ""], "blocked", why="repoprio explain acme", help_text="go/pip")
    assert said == Message("acme? is blocked.", ("rule: a",), "blocked", "repoprio explain acme", "go/pip")
    assert said.body == "acme? is blocked.\n  rule: a\n  why: repoprio explain acme    help: go/pip    [blocked]"
    assert str(said) == f"repoprio: {said.body}"
    assert message("no.", [], "usage").body == "no.\n  [usage]"


@pytest.mark.parametrize(
    ("key", "setting", "pin"),
    [
        ("pins.torch.repositories", "repositories", "torch"),
        ("pins.torch", "torch", "torch"),
        ("repositories.corp.owns", "owns", None),
        ("mode", "mode", None),
    ],
)
def test_a_rule_knows_its_setting_and_its_pin(key: str, setting: str, pin: str | None) -> None:
    """Rules have their setting and pin as fields; nothing splits their keys."""
    rule = Rule(key, "", "/etc/repoprio/repoprio.toml")
    assert (rule.setting, rule.pin) == (setting, pin)


def test_the_sentence_of_an_owner_by_a_mode_pin() -> None:
    """A tier that owns a name under a pin's strict mode owns it by its priority."""
    policy = Policy((CORP,), (Pin("numpy", (Pattern.parse("numpy"),), mode=Mode.STRICT),), mode=Mode.FLEXIBLE)
    lookup = ProjectLookup[str](RunMemory(policy), normalize("numpy"))
    decision = drive(lookup, lambda _: PageFound("page", 1), lambda _: True)
    explanation = explain(
        policy, decision, "numpy", {"corp": ("1.0",)}, chosen=Chosen("corp", "1.0", "numpy-1.0.tar.gz")
    )
    assert sentence(explanation) == ("numpy 1.0 comes from corp, the highest-priority repository that has numpy.")


@pytest.mark.parametrize(("hint", "text"), [("", "no.    [enable]"), ("do it", "no.\n  hint: do it    [enable]")])
def test_the_problem_of_enable_is_a_field(hint: str, text: str) -> None:
    """`doctor` shows the problem alone; the command's message has the hint and the code as well."""
    error = CannotEnable("no.", hint)
    assert (error.problem, str(error)) == ("no.", text)
