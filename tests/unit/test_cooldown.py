"""How old a file must be: durations, clocks, and which files wait."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repoprio.explain.explanation import Explanation, Rejected
from repoprio.explain.refusal_remedies import refusal_remedy
from repoprio.lookup.cooldown import AgedFile, Clocks, Held, Wait, held, held_back, wait_for
from repoprio.lookup.project import Code, Outcome
from repoprio.lookup.reasons import Rejection
from repoprio.names import normalize
from repoprio.policy.durations import LONGEST, TooLong, parse_duration, spell_duration, spell_roughly
from repoprio.policy.model import Location, Pin, Policy, Repository, Rule, UnknownAge
from repoprio.policy.patterns import Pattern
from repoprio.policy.routing import Blocked, route
from repoprio.render import explain_json
from repoprio.render.messages.refusals import refusal
from repoprio.render.messages.sentences import sentence

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
DAY = timedelta(days=1)
PYPI = Repository("pypi", (Location.of("https://pypi.example/simple/"),), 90, min_age=7 * DAY)
WAIT = Wait(PYPI, 7 * DAY, Rule("repositories.pypi.min-age", '"7 days"', "f.toml"))
ACME = normalize("acme")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7 days", 7 * DAY),
        ("1 day", DAY),
        ("36hours", timedelta(hours=36)),
        ("2 weeks", 14 * DAY),
        ("90 minutes", timedelta(minutes=90)),
        ("0 days", timedelta()),
        ("P7D", 7 * DAY),
        ("P2W", 14 * DAY),
        ("PT12H", timedelta(hours=12)),
        ("P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("3650 days", LONGEST),
    ],
)
def test_durations_are_words_or_iso_8601(text: str, expected: timedelta) -> None:
    """A number with a unit, or a duration of ISO 8601 that always has the same length."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "7", "days", "-7 days", "+7 days", "7 fortnights", "1.5 days", "7 days 3 hours", "7  days", " 7 days"),
        *("7 Days", "\u0667 days", "7 day\n", "1e3 days", "P", "PT", "P1DT", "P1Y", "P1M", "P-1D", "P1.5D", "P1W2D"),
        *("p7d", "T12H", "P7"),
    ],
)
def test_nothing_else_is_a_duration(text: str) -> None:
    """No signs, no fractions, no months or years, no digits except ASCII's."""
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3651 days", "999999999 weeks", "P999999999W", "PT999999999H", "P3650DT1S"])
def test_ten_years_are_the_most(text: str) -> None:
    """A longer duration is a mistake, and no sum overflows."""
    with pytest.raises(TooLong):
        parse_duration(text)


@given(st.integers(0, int(LONGEST.total_seconds())))
def test_a_spelled_duration_reads_back(seconds: int) -> None:
    """The durations in messages can be written into a policy, and mean the same."""
    duration = timedelta(seconds=seconds)
    assert parse_duration(spell_duration(duration)) == duration


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "less than a minute"),
        (29, "less than a minute"),
        (31, "1 minute"),
        (3600, "1 hour"),
        (172799, "2 days"),
        (183600, "2 days 3 hours"),
        (86400 + 60, "1 day"),
        (7260, "2 hours 1 minute"),
    ],
)
def test_ages_are_rounded(seconds: int, expected: str) -> None:
    """An age has at most two units, down to the minute."""
    assert spell_roughly(timedelta(seconds=seconds)) == expected


def test_the_earlier_clock_counts() -> None:
    """A machine or a server whose clock is ahead makes no file older; more than an hour of difference is reported."""
    ahead, behind = NOW + 3 * DAY, NOW - timedelta(hours=1, seconds=1)
    assert Clocks(NOW).now == Clocks(NOW, ahead).now == NOW
    assert Clocks(NOW, behind).now == behind
    assert [Clocks(NOW, server).is_disagreement for server in (None, ahead, behind)] == [False, True, True]
    assert not Clocks(NOW, NOW - timedelta(hours=1)).is_disagreement


times = st.datetimes(timezones=st.sampled_from([timezone.utc, timezone(timedelta(hours=14)), timezone(-12 * DAY / 24)]))


@given(times, times, st.timedeltas(timedelta(seconds=1), LONGEST))
@example(datetime.max.replace(tzinfo=timezone(-DAY / 2)), NOW, LONGEST)
@example(datetime.min.replace(tzinfo=timezone(DAY / 2)), NOW, LONGEST)
@example(datetime(2024, 2, 29, 12, tzinfo=timezone.utc), datetime(2024, 3, 7, 12, tzinfo=timezone.utc), 7 * DAY)
def test_a_file_is_held_until_it_is_old_enough(uploaded: datetime, now: datetime, duration: timedelta) -> None:
    """It is a candidate from its upload time plus min-age on, to the second, and not before.

    No time is too far away.
    """
    wait = Wait(PYPI, duration, WAIT.rule)
    why = held(wait, uploaded, now)
    assert (why is None) == (now - uploaded >= duration)
    if why is not None:
        assert why.reason
        since = why.available_from
        assert since is None or (held(wait, uploaded, since) is None and since >= now)
        assert since is not None or uploaded.year >= 9989


def test_what_is_not_known_is_too_young() -> None:
    """A file without an upload time, or on a page whose time is unknown, must wait, unless that is allowed."""
    for uploaded, now in ((None, NOW), (NOW - 99 * DAY, None), (None, None)):
        why = held(WAIT, uploaded, now)
        assert why is not None
        assert why.reason == "no upload time is known, and pypi waits 7 days (repositories.pypi.min-age, f.toml)"
        assert why.available_from is None
        assert why.available_text is None
    allowing = Wait(PYPI, 7 * DAY, WAIT.rule, is_unknown_allowed=True)
    assert held(allowing, None, NOW) is None
    assert held(allowing, NOW - DAY, NOW) is not None


def test_the_reason_says_since_when_and_until_when() -> None:
    """It names the age, repository and rule, and the minute from which the file is a candidate."""
    rule = "pypi waits 7 days (repositories.pypi.min-age, f.toml)"
    young = Held(WAIT, NOW - 2 * DAY, NOW)
    assert young.reason == f"uploaded 2 days ago; {rule}; available from 2026-03-06 12:00 UTC"
    soon = Held(WAIT, NOW + timedelta(seconds=90), NOW)
    assert soon.reason == f"its upload time is 2 minutes in the future; {rule}; available from 2026-03-08 12:02 UTC"
    sdist = Held(WAIT, NOW - 2 * DAY, NOW, "acme-2-py3-none-any.whl")
    assert sdist.reason == f"its wheel acme-2-py3-none-any.whl is too young: {young.reason}"


def _files(*files: tuple[str, str, bool]) -> list[AgedFile]:
    """Files by version, name and whether they are held."""
    return [AgedFile(version, name, Held(WAIT, NOW, NOW) if waits else None) for version, name, waits in files]


def test_an_sdist_waits_for_the_wheels_of_its_version() -> None:
    """An old sdist waits with the wheel of its version, not with those of others, nor if one wheel is old enough."""
    young = _files(("2", "a-2.whl", True), ("2", "a-2.tar.gz", False), ("1", "a-1.tar.gz", False))
    assert [why.wheel if why else None for why in held_back(young)] == [None, "a-2.whl", None]
    assert held_back(young)[0] is young[0].held
    both = _files(("2", "a-2.whl", True), ("2", "b-2.whl", False), ("2", "a-2.tar.gz", False))
    assert [bool(why) for why in held_back(both)] == [True, False, False]


def test_only_wheels_that_pip_would_take_hold_an_sdist() -> None:
    """A young wheel that is yanked, or has none of the hashes, is not what pip would take instead of the sdist."""
    wheel, sdist = _files(("2", "a-2.whl", True), ("2", "a-2.tar.gz", False))
    assert held_back([wheel._replace(is_let_in=False), sdist])[1] is None
    assert held_back([wheel._replace(is_yanked=True), sdist])[1] is None
    assert held_back([wheel._replace(is_yanked=True), sdist._replace(is_yanked=True)])[1] is not None


def test_a_pin_overrides_the_repository() -> None:
    """The min-age is the pin's, even if it is zero, otherwise the repository's; the rule says which."""
    pins = tuple(Pin(name, (Pattern(name),), min_age=days * DAY) for name, days in (("now", 0), ("later", 30)))
    free = Repository("corp", PYPI.locations, 10, min_age_unknown=UnknownAge.ALLOW)
    origins = {"pins.later.min-age": "f.toml"}
    policy = Policy((free, PYPI), pins, origins=origins)
    assert policy.has_min_age
    assert not Policy((free,)).has_min_age

    def rule(name: str, repository: Repository) -> str | None:
        wait = wait_for(policy, route(policy, normalize(name)), repository)
        return None if wait is None else f"{wait.rule} {wait.is_unknown_allowed}"

    assert rule("acme", PYPI) == 'repositories.pypi.min-age = "7 days" (default) False'
    assert rule("later", PYPI) == 'pins.later.min-age = "30 days" (f.toml) False'
    assert rule("later", free) == 'pins.later.min-age = "30 days" (f.toml) True'
    assert rule("now", PYPI) is rule("acme", free) is None
    blocked = Blocked(ACME, "no", Rule("pins.x", "", "f.toml"))
    assert wait_for(policy, blocked, PYPI) is None


def _explained(*rejected: Rejected, **more: Any) -> Explanation:
    return Explanation(
        "acme>=2", "acme", Outcome.NO_MATCH, Code.TOO_YOUNG, (), (PYPI,), (), rejected=rejected, specifier=">=2", **more
    )


def _rejected(version: str, why: Held | None) -> Rejected:
    kind = Rejection.TOO_YOUNG if why and why.upload_time else Rejection.NO_UPLOAD_TIME
    return Rejected(f"acme-{version}.whl", version, why.reason if why else "another", kind, held=why)


def test_a_refusal_says_what_waits_and_what_to_do() -> None:
    """The remedy is to wait for the first file, or a pin; under a locked policy, to ask its maintainer."""
    e = _explained(
        _rejected("3", Held(WAIT, NOW - DAY, NOW)), _rejected("2", Held(WAIT, NOW - 2 * DAY, NOW)), _rejected("1", None)
    )
    text = str(refusal(e))
    assert "repoprio: acme>=2: no version that fits is old enough yet." in text
    assert text.index("3: uploaded 1 day ago") < text.index("2: uploaded 2 days ago")
    assert (
        'wait until 2026-03-06 12:00 UTC, or ask for an older version; if it cannot wait, set min-age = "0 days"'
        in text
    )
    assert text.endswith("[too-young]")
    assert sentence(e).startswith("no version of acme that fits acme>=2 is old enough yet at pypi (priority 90): 3: up")
    unasked = Explanation("acme", "acme", Outcome.NO_MATCH, Code.TOO_YOUNG, (), (PYPI,), ())
    assert sentence(unasked) == "no file of acme is old enough yet at pypi (priority 90): ."
    kept = _explained(_rejected("2", Held(WAIT, None, NOW)), maintainer="it@corp.example")
    remedy = refusal_remedy(kept)
    assert remedy is not None
    assert remedy.code == "no-upload-time"
    assert 'ask it@corp.example to set min-age-unknown = "allow" for pypi, or set' in remedy.text


def test_a_time_that_never_comes_is_not_an_unknown_one() -> None:
    """A file that waits beyond all times has an upload time, so the remedy is a pin, not min-age-unknown."""
    never = _rejected("2", Held(WAIT, datetime(9999, 12, 31, tzinfo=timezone.utc), NOW))
    remedy = refusal_remedy(_explained(never))
    assert remedy is not None
    assert remedy.code == "upload-time"
    assert 'to the operator of pypi; until then, set min-age = "0 days" in a pin for acme' in remedy.text
    both = refusal_remedy(_explained(never, _rejected("1", Held(WAIT, None, NOW))))
    assert both is not None
    assert both.code == "no-upload-time"


def test_json_has_the_facts_of_what_waits() -> None:
    """Upload time, wait in seconds, and the time from which a file is a candidate are fields; null for other files."""
    tokyo = timezone(timedelta(hours=9))
    e = _explained(
        _rejected("2", Held(WAIT, (NOW - DAY).astimezone(tokyo), NOW, "w.whl")),
        _rejected("1", Held(WAIT, None, NOW)),
        _rejected("0", None),
    )
    found = [entry["min_age"] for entry in json.loads(explain_json.document([e]))["projects"][0]["rejected"]]
    assert found == [
        {
            "repository": "pypi",
            "uploaded": "2026-02-28T12:00:00+00:00",
            "waits_seconds": 604800,
            "available_from": "2026-03-07T12:00:00+00:00",
            "wheel": "w.whl",
            "rule": {"key": "repositories.pypi.min-age", "value": '"7 days"', "origin": "f.toml"},
        },
        {
            "repository": "pypi",
            "uploaded": None,
            "waits_seconds": 604800,
            "available_from": None,
            "wheel": None,
            "rule": {"key": "repositories.pypi.min-age", "value": '"7 days"', "origin": "f.toml"},
        },
        None,
    ]
