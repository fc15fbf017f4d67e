"""Verdicts and remedies for two sides of one project: the pure part of `repoprio compare`."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoprio.explain.comparison import (
    ComparedProject,
    Comparison,
    Disclosure,
    Failure,
    FailureCode,
    FileMatch,
    ProjectPair,
    ResolvedFile,
    SideResult,
    Verdict,
)
from repoprio.explain.comparison_remedies import comparison_remedy
from repoprio.explain.comparison_verdicts import judge
from repoprio.lookup.project import Code
from repoprio.policy.model import Location, Pin, Policy, Repository, Rule
from repoprio.policy.patterns import Pattern
from repoprio.render import compare as render

FILE = "/etc/repoprio/repoprio.toml"


def repository(name: str, priority: int) -> Repository:
    """A repository on a separate site."""
    return Repository(name, (Location.of(f"https://{name}.example/simple/"),), priority)


CORP, PYPI = repository("corp", 10), repository("pypi", 90)
ORIGINS = MappingProxyType({f"repositories.{name}.url": FILE for name in ("corp", "pypi")})
POLICY = Policy((CORP, PYPI), origins=ORIGINS)


def pick(version: str | None, where: Repository | None = PYPI, *needed_by: str, unread: bool = False) -> ResolvedFile:
    """A wheel, or an sdist."""
    file = f"acme-{version}.tar.gz" if unread else f"acme-{version}-py3-none-any.whl"
    return ResolvedFile(version, where, file, unread, needed_by)


OWN, STRANGE = pick("1.0", CORP), pick("99.0")


def judge_one(
    alone: SideResult,
    policy: SideResult,
    match: FileMatch = FileMatch.MISSING,
    *,
    unanswered: str | None = None,
    private: str | None = None,
) -> ComparedProject:
    """The verdict on a single project, with its remedy."""
    (judged,) = judge([ProjectPair("acme", alone, policy, match, unanswered, private=private)])
    return replace(judged, remedy=comparison_remedy(POLICY, judged))


@pytest.mark.parametrize(
    ("alone", "policy", "match", "verdict", "code"),
    [
        (OWN, OWN, FileMatch.SAME, Verdict.SAME, "same-file"),
        (
            pick("1.0", unread=True),
            pick("1.0", unread=True),
            FileMatch.SAME,
            Verdict.NOT_KNOWN,
            "dependencies-not-known",
        ),
        (STRANGE, OWN, FileMatch.MISSING, Verdict.TAKEOVER, "another-project"),
        (STRANGE, OWN, FileMatch.OTHER, Verdict.TAKEOVER, "hashes-differ"),
        (STRANGE, OWN, FileMatch.NAMESAKE, Verdict.OTHER_VERSION, "hash-not-known"),
        (STRANGE, OWN, FileMatch.SAME, Verdict.OTHER_VERSION, "same-project"),
        (pick("1.0"), OWN, FileMatch.SAME, Verdict.OTHER_REPOSITORY, "same-file"),
        (pick("1.0"), OWN, FileMatch.NAMESAKE, Verdict.OTHER_REPOSITORY, "hash-not-known"),
        (pick("1.0"), OWN, FileMatch.OTHER, Verdict.OTHER_FILE, "hashes-differ"),
        (pick("1.0", unread=True), OWN, FileMatch.SAME, Verdict.OTHER_REPOSITORY, "same-project"),
        (pick("1.0", unread=True), OWN, FileMatch.MISSING, Verdict.OTHER_FILE, "another-project"),
        (OWN, STRANGE, FileMatch.MISSING, Verdict.OTHER_VERSION, "higher-priority"),
        (OWN, pick("1.0"), FileMatch.MISSING, Verdict.OTHER_REPOSITORY, "higher-priority"),
        (OWN, STRANGE, FileMatch.SAME, Verdict.OTHER_VERSION, "same-project"),
        (pick("99.0"), pick("2.0"), FileMatch.SAME, Verdict.OTHER_VERSION, "other-requirements"),
        (pick("2.0", unread=True), pick("2.0"), FileMatch.SAME, Verdict.OTHER_FILE, "another-file"),
        (pick("2.0", None), pick("3.0", None), FileMatch.MISSING, Verdict.OTHER_VERSION, "other-requirements"),
        (pick(None, None), OWN, FileMatch.MISSING, Verdict.TAKEOVER, "another-project"),
        (STRANGE, pick("1.0", None), FileMatch.MISSING, Verdict.OTHER_VERSION, "higher-priority"),
        (STRANGE, pick("1.0", None), FileMatch.SAME, Verdict.OTHER_VERSION, "same-project"),
        (STRANGE, Failure(FailureCode.NO_MATCH, "none fits."), FileMatch.MISSING, Verdict.ONLY_PIP_ALONE, "no-match"),
        (Failure(FailureCode.NO_MATCH, "none fits."), OWN, FileMatch.MISSING, Verdict.ONLY_POLICY, "no-match"),
        (STRANGE, Failure(FailureCode.UNAVAILABLE, "down."), FileMatch.MISSING, Verdict.NOT_KNOWN, "unavailable"),
        (Failure(FailureCode.CONFLICT, "these."), OWN, FileMatch.MISSING, Verdict.NOT_KNOWN, "conflict"),
        (
            Failure(FailureCode.ABSENT, "no."),
            Failure(FailureCode.ABSENT, "no."),
            FileMatch.MISSING,
            Verdict.NOT_KNOWN,
            "absent",
        ),
        (Failure(FailureCode.ABSENT, "no."), None, FileMatch.MISSING, Verdict.NOT_KNOWN, "absent"),
        (STRANGE, None, FileMatch.MISSING, Verdict.ONLY_ONE_NEEDS, "needed-by-pip-alone"),
        (None, OWN, FileMatch.MISSING, Verdict.ONLY_ONE_NEEDS, "needed-by-policy"),
    ],
)
def test_verdicts(alone: SideResult, policy: SideResult, match: FileMatch, verdict: Verdict, code: str) -> None:
    """Each combination of two sides has its verdict and its stable code."""
    found = judge_one(alone, policy, match)
    assert (found.verdict, found.code) == (verdict, code)
    assert found.why
    assert found.reason.endswith(".")


def test_a_pin_that_narrows_is_named() -> None:
    """If a pin excludes versions, the pin is named as the cause, and as the setting to change."""
    rule = Rule("pins.numpy.versions", "<3", FILE)
    found = judge_one(pick("3.0"), replace(pick("2.0"), narrowed=rule), FileMatch.SAME)
    assert (found.verdict, found.code) == (Verdict.OTHER_VERSION, "narrowed")
    assert found.remedy == f"change pins.numpy.versions = <3 ({FILE}), if 3.0 is wanted"


def test_what_is_too_young_only_has_to_wait() -> None:
    """If min-age excludes what pip alone takes, nothing must be published: it waits, or a pin allows it."""
    rule = Rule("repositories.pypi.min-age", '"7 days"', FILE)
    remedy = 'wait until it is old enough; if it cannot wait, set min-age = "0 days" in a pin for acme'
    older = judge_one(pick("3.0"), replace(pick("2.0"), narrowed=rule), FileMatch.SAME)
    assert (older.code, older.remedy) == ("narrowed", remedy)
    none = judge_one(pick("3.0"), Failure(FailureCode.TOO_YOUNG, "young.", owners=(PYPI,)), FileMatch.SAME)
    assert (none.verdict, none.code, none.remedy) == (Verdict.ONLY_PIP_ALONE, "too-young", remedy)
    below = judge_one(STRANGE, Failure(FailureCode.TOO_YOUNG, "young.", owners=(CORP,)))
    assert below.remedy is not None
    assert below.remedy.startswith("do not use the one from pypi")


def test_an_outage_makes_the_result_open_unless_it_is_bad() -> None:
    """If a repository gives no answer, plain pip's choice is unknown; but a takeover stays a takeover."""
    down = "pypi (priority 90) is unavailable: 503"
    assert judge_one(OWN, OWN, FileMatch.SAME, unanswered=down).code == "unavailable"
    assert judge_one(OWN, OWN, FileMatch.SAME, unanswered=down).verdict is Verdict.NOT_KNOWN
    assert judge_one(Failure(FailureCode.ABSENT, "no."), OWN, unanswered=down).code == "unavailable"
    assert judge_one(STRANGE, OWN, unanswered=down).verdict is Verdict.TAKEOVER


UNREAD = pick("1.0", CORP, unread=True)
NOTHING = Failure(FailureCode.NO_MATCH, "nothing fits.", "nothing")


@pytest.mark.parametrize(
    ("alone", "policy", "verdict", "why"),
    [
        (OWN, OWN, Verdict.NOT_COMPARED, "not compared: private (owns)"),
        (UNREAD, UNREAD, Verdict.NOT_KNOWN, "dependencies not known; not compared: private (owns)"),
        (NOTHING, OWN, Verdict.NOT_KNOWN, "not compared: private (owns)"),
        (pick("2.0", CORP), OWN, Verdict.OTHER_VERSION, "other projects ask for other versions"),
        (NOTHING, NOTHING, Verdict.NOT_KNOWN, "nothing"),
        (OWN, None, Verdict.ONLY_ONE_NEEDS, "needed only without the policy, by nobody"),
    ],
)
def test_a_private_name_is_never_the_same(alone: SideResult, policy: SideResult, verdict: Verdict, why: str) -> None:
    """A private name was not compared, which is reported and is no difference by itself."""
    judged = judge_one(alone, policy, private="owns")
    assert (judged.verdict, judged.why) == (verdict, why)
    assert "the policy keeps the name from others (owns)" in judged.reason or "only its owner" in judged.reason
    found = Comparison((judged,), Disclosure({}, (("acme", "owns"),)))
    assert found.differs == (verdict is not Verdict.NOT_COMPARED)
    screen = " ".join(render.screen(found, width=300).split())
    assert ("--disclose acme asks the others" in screen) == isinstance(policy, ResolvedFile)
    (told,) = json.loads(render.document(found))["projects"]
    if verdict is Verdict.NOT_COMPARED:
        assert "1 project: 1 not compared (-)" in screen
        assert "- acme private 1.0 corp not compared: private (owns)" in screen
        assert (told["pip_alone"]["code"], told["pip_alone"]["version"], told["policy"]["version"]) == (
            "private",
            None,
            "1.0",
        )


def test_what_an_unread_file_may_need_is_not_known() -> None:
    """A project on one side only may be needed on the other too, if dependencies could not be read there."""
    acme = ProjectPair("acme", pick("99.0", unread=True), OWN)
    direct = ProjectPair("dep", None, pick("1.0", PYPI, "acme", "gone"))
    through = ProjectPair("far", None, pick("1.0", PYPI, "dep", "far"))
    found = {judged.pair.project: judged for judged in judge([acme, direct, through])}
    assert found["acme"].why == "corp owns acme; dependencies not known"
    assert [found[name].verdict for name in ("dep", "far")] == [Verdict.NOT_KNOWN] * 2
    assert found["far"].why == "the dependencies of acme are not known"
    failed = ProjectPair("acme", STRANGE, Failure(FailureCode.NO_MATCH, "none."))
    needed = ProjectPair("dep", pick("1.0", PYPI, "acme"), None)
    assert {j.pair.project: j.verdict for j in judge([failed, needed])}["dep"] is Verdict.NOT_KNOWN
    open_book = ProjectPair("acme", STRANGE, OWN)
    told = {j.pair.project: j for j in judge([open_book, direct, through])}
    assert told["dep"].verdict is Verdict.ONLY_ONE_NEEDS
    assert told["far"].reason == "far is needed only with the policy, by dep, far."


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        (CORP, f'already prevented; to keep the name from pypi too: repositories.corp.owns = ["acme"] ({FILE})'),
        (replace(CORP, owns=(Pattern.parse("x"),)), 'too, add "acme" to repositories.corp.owns'),
        (replace(CORP, namespaces=(Pattern.parse("x"),)), 'too, add "acme" to repositories.corp.namespaces'),
    ],
)
def test_a_takeover_is_stopped_and_can_be_kept_private(owner: Repository, said: str) -> None:
    """The remedy names the key, what to write there, and the file where it goes."""
    assert said in (judge_one(STRANGE, pick("1.0", owner)).remedy or "")


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"corp": {"owns": (Pattern.parse("a*"),)}}, "repositories.corp.owns"),
        ({"corp": {"namespaces": (Pattern.parse("acme"),)}}, "repositories.corp.namespaces"),
        ({"pypi": {"exclude": (Pattern.parse("acme"),)}}, "repositories.pypi.exclude"),
        ({"corp": {"owns": (Pattern.parse("x"),)}}, None),
        ({"pypi": {"explicit": True}}, None),
    ],
)
def test_what_keeps_a_name_private_already_is_named(keys: dict[str, dict[str, Any]], key: str | None) -> None:
    """If only --disclose had others asked, the remedy names the setting that keeps the name private, and no new one."""
    corp, pypi = replace(CORP, **keys.get("corp", {})), replace(PYPI, **keys.get("pypi", {}))
    origins = {**ORIGINS, str(key): FILE}
    judged = judge_one(pick("99.0", pypi), pick("1.0", corp))
    remedy = comparison_remedy(Policy((corp, pypi), origins=origins), judged)
    told = f"already prevented; {key} also keeps it from pypi ({FILE})"
    assert remedy == told if key else "to keep the name from pypi too" in (remedy or "")


def test_a_pin_keeps_a_name_private_and_a_block_does_not() -> None:
    """The remedy names a pin that routes the name; a pin that blocks the name routes it nowhere."""
    judged = judge_one(STRANGE, OWN)
    pin = Pin("acme", (Pattern.parse("acme"),), repositories=("corp",))
    remedy = comparison_remedy(Policy((CORP, PYPI), (pin,)), judged)
    assert remedy == "already prevented; pins.acme.repositories also keeps it from pypi (default)"
    blocked = Pin("acme", (Pattern.parse("acme"),), block="no")
    assert "to keep the name" in (comparison_remedy(Policy((CORP, PYPI), (blocked,)), judged) or "")


def test_no_fix_if_the_policy_has_no_key_for_it() -> None:
    """There is no remedy for an index that only a caller named, a direct URL, or another file of the owner itself."""
    assert judge_one(STRANGE, pick("1.0", replace(CORP, is_addition=True))).remedy is None
    assert judge_one(pick("2.0", None), OWN).remedy is None
    assert judge_one(pick("2.0", unread=True), pick("2.0"), FileMatch.SAME).remedy is None
    assert judge_one(OWN, STRANGE).remedy is None
    assert judge_one(pick("2.0", None), pick("3.0", None)).remedy is None
    assert judge_one(OWN, OWN).remedy is None
    assert judge_one(STRANGE, None).remedy is None


def test_fixes_of_versions() -> None:
    """The owner publishes the version, or gives the name up; each way with its key and file."""
    newer = judge_one(STRANGE, OWN, FileMatch.SAME).remedy or ""
    assert newer.startswith(
        "publish acme 99.0 to corp; or, to open the name to others, repositories.corp.explicit = true"
    )
    assert newer.endswith(f'or repositories.corp.exclude = ["acme"] ({FILE})')
    routed = pick("1.0", replace(CORP, explicit=True, exclude=(Pattern.parse("x"),)))
    assert 'others, add "acme" to repositories.corp.exclude' in (
        judge_one(STRANGE, routed, FileMatch.SAME).remedy or ""
    )
    failure = Failure(FailureCode.NO_MATCH, "none.", owners=(CORP,))
    assert "publish acme 99.0 to corp" in (judge_one(STRANGE, failure, FileMatch.NAMESAKE).remedy or "")
    assert "publish acme to corp" in (judge_one(pick(None), failure, FileMatch.NAMESAKE).remedy or "")
    strange = judge_one(STRANGE, failure)
    assert "probably another publisher's project" in strange.reason
    assert (strange.remedy or "").startswith("do not use the one from pypi")
    empty = Failure(FailureCode.NO_MATCH, "none.", "corp has nothing", (CORP,), lists_nothing=True)
    assert 'absent = [404, "empty-page"]' in (judge_one(STRANGE, empty).remedy or "")
    assert "publisher" not in judge_one(pick("2.0", None), failure).reason
    assert judge_one(STRANGE, Failure(FailureCode.REQUIRES_PYTHON, "3.13.")).remedy is None
    assert "acme @ URL" in (judge_one(STRANGE, Failure(FailureCode.DIRECT_URL, "no.")).remedy or "")


def test_fixes_of_what_is_not_known() -> None:
    """The remedy says what would make it known; there is none if another project's remedy would."""
    assert judge_one(OWN, OWN, unanswered="down").remedy == "try again once it answers"
    assert judge_one(Failure(FailureCode.CONFLICT, "these."), OWN).remedy == "loosen one of these requirements"
    assert judge_one(Failure(FailureCode.GAVE_UP, "?"), OWN).remedy is None
    unread = pick("1.0", unread=True)
    assert judge_one(unread, unread).remedy == "with a wheel, its dependencies would be known without running code"
    pairs = [ProjectPair("acme", pick("9", unread=True), OWN), ProjectPair("dep", None, pick("1", PYPI, "acme"))]
    (dep,) = [judged for judged in judge(pairs) if judged.pair.project == "dep"]
    assert comparison_remedy(POLICY, dep) is None
    assert (
        judge_one(pick("1.0"), OWN, FileMatch.NAMESAKE).remedy
        == "compare the two files; with sha256 on its pages this would be known"
    )
    assert comparison_remedy(Policy((CORP,)), judge_one(STRANGE, OWN)) == (
        'already prevented; to keep the name from pypi too: repositories.corp.owns = ["acme"]'
    )


@pytest.mark.parametrize(
    ("alone", "policy", "said"),
    [
        (STRANGE, OWN, 'too: ask go/pip to set repositories.corp.owns = ["acme"]'),
        (STRANGE, pick("1.0", replace(CORP, owns=(Pattern.parse("x"),))), 'ask go/pip to add "acme" to'),
        (
            STRANGE,
            Failure(FailureCode.NO_MATCH, "none.", owners=(CORP,)),
            'ask go/pip to set repositories.corp.exclude = ["acme"]',
        ),
        (None, Failure(FailureCode.ABSENT, "no."), "or ask go/pip to add the repository that has it to the policy"),
        (None, Failure(FailureCode.BLOCKED, "no."), "or ask go/pip to change the pin"),
        (None, Failure(FailureCode.AMBIGUOUS, "no."), "ask go/pip to make one of the pins more specific"),
    ],
)
def test_under_a_lock_the_fix_is_to_ask_its_maintainer(alone: SideResult, policy: SideResult, said: str) -> None:
    """Users who may not change the policy are told whom to ask for what; others are not."""
    locked = replace(POLICY, lock=Rule("locked", "true", FILE), help="go/pip")
    match = FileMatch.NAMESAKE if isinstance(policy, Failure) else FileMatch.MISSING
    (judged,) = judge([ProjectPair("acme", alone or policy, policy, match)])
    assert said in (comparison_remedy(locked, judged) or "")
    assert "go/pip" not in (comparison_remedy(POLICY, judged) or "")


places = st.sampled_from([CORP, PYPI, None])
picks = st.builds(pick, st.sampled_from(["1.0", "2.0", None]), places, unread=st.booleans())
codes = st.sampled_from(FailureCode)
sides = st.one_of(st.none(), picks, st.builds(Failure, codes, st.just("so it is.")))
both = st.tuples(sides, sides).filter(lambda found: found != (None, None))


@given(both, st.sampled_from(FileMatch))
def test_every_pair_has_one_verdict(both: tuple[SideResult, SideResult], match: FileMatch) -> None:
    """Any two sides get one verdict with texts; "same" only if both have the same file and everything is known."""
    alone, policy = both
    found = judge_one(alone, policy, match)
    assert found.verdict.mark in " !~=x+?"
    assert found.why
    assert found.reason
    if found.verdict is Verdict.SAME:
        assert isinstance(alone, ResolvedFile)
        assert alone == policy
        assert not alone.is_unread
    assert (found.verdict is Verdict.SAME) == (not Comparison((found,)).differs)
    assert render.document(Comparison((found,)))


@given(both, st.sampled_from(FileMatch))
def test_the_facts_do_not_depend_on_the_side(both: tuple[SideResult, SideResult], match: FileMatch) -> None:
    """Swapping the sides changes neither "same" nor "unknown", nor the kind of "only one"."""
    alone, policy = both
    there, back = judge_one(alone, policy, match).verdict, judge_one(policy, alone, match).verdict
    mirrored = {
        Verdict.ONLY_PIP_ALONE: Verdict.ONLY_POLICY,
        Verdict.ONLY_POLICY: Verdict.ONLY_PIP_ALONE,
        **{verdict: verdict for verdict in (Verdict.SAME, Verdict.NOT_KNOWN, Verdict.ONLY_ONE_NEEDS)},
    }
    assert back is mirrored.get(there, back)
    assert (there in mirrored) == (back in mirrored)


def comparison() -> Comparison:
    """A comparison with one project of each kind."""
    pairs = [
        ProjectPair("acme", STRANGE, OWN),
        ProjectPair("idna", pick("3.10"), pick("3.10", CORP), FileMatch.SAME),
        ProjectPair(
            "lxml", pick("6.0"), Failure(FailureCode.NO_MATCH, "corp has 5.3.", "corp has 5.3; >=6 is wanted", (CORP,))
        ),
        ProjectPair("oldlib", pick("1.0", unread=True), pick("1.0", unread=True)),
        ProjectPair("six", OWN, OWN),
        ProjectPair("\x1b[2Jevil", pick(None, None), None, requirement="\x1b[2Jevil"),
    ]
    judged = (replace(one, remedy=comparison_remedy(POLICY, one)) for one in judge(pairs))
    return Comparison(tuple(judged), Disclosure({"pypi": ("acme", "idna")}, (("acme-core", "namespaces"),)))


def test_the_worst_comes_first_and_equal_ones_are_counted() -> None:
    """The screen lists the worst first, equal projects only with -v, and prints no control characters."""
    plain = render.screen(comparison(), width=100)
    marks = [line[2] for line in plain.splitlines() if line[:2] == "  " and line[2:3] in set("!~=x+?")]
    assert "".join(marks) == "!=x+?"
    assert "six" not in plain
    assert "six" in render.screen(comparison(), width=100, verbose=True)
    assert "1 stays private (acme-core: namespaces)." in plain.replace("\n", " ")
    assert "\x1b" not in plain
    assert "6 projects: 1 same, 1 takeover stopped (!)" in plain


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """At 80 and at 120 columns, only a word that is too long exceeds the width."""
    for line in render.screen(comparison(), width=width).splitlines():
        assert len(line) <= width or " " not in line.strip(), line


def test_the_notice_before_a_comparison() -> None:
    """The notice has every repository that is asked, every name, and all private names, however many there are."""
    many = tuple(f"name-{number}" for number in range(80))
    said = render.before(Disclosure({"pypi": many}, (("a", "owns"), ("b", "owns"), ("c", "pins.x"))), POLICY)
    assert "pypi (priority 90) learns 80 names" in said
    assert all(f"{name}," in f"{said.partition('.')[0]}," for name in many)
    assert said.endswith("3 stay private (a, b: owns; c: pins.x).")
    assert "no repository learns" in render.before(Disclosure({}), POLICY)
    assert "unlisted:1 learns 1 name " in render.before(Disclosure({"unlisted:1": ("a",)}), POLICY)
    assert render.further("x", [CORP, PYPI], "acme") == (
        "repoprio: corp (priority 10) and pypi (priority 90) are also asked for x (required by acme)"
    )


def test_the_document() -> None:
    """JSON with every side, verdict and count; null where a side does not need a project."""
    document = json.loads(render.document(comparison()))
    assert (document["schema"], document["asked"], document["private"]) == (
        1,
        {"pypi": ["acme", "idna"]},
        ["acme-core"],
    )
    assert set(document["summary"]) == {verdict.value for verdict in Verdict}
    assert sum(document["summary"].values()) == len(document["projects"]) == 6
    by_name = {project["project"]: project for project in document["projects"]}
    assert by_name["acme"]["pip_alone"] == {
        "version": "99.0",
        "repository": "pypi",
        "file": "acme-99.0-py3-none-any.whl",
        "code": None,
        "reason": None,
        "needed_by": [],
    }
    assert by_name["lxml"]["policy"]["code"] == "no-match"
    assert by_name["\x1b[2Jevil"]["policy"] is None
    assert by_name["oldlib"]["policy"]["code"] == "dependencies-not-known"


def test_within_a_tier_the_owner_is_not_guessed() -> None:
    """If the owner shares its tier, the remedy leaves the choice to the user: `owns` would cut the others off."""
    policy = Policy((CORP, repository("team", 10), PYPI), origins=ORIGINS)
    (judged,) = judge([ProjectPair("acme", STRANGE, OWN)])
    assert 'choose its owner: add "acme" to owns of one' in (comparison_remedy(policy, judged) or "")


def test_each_failed_lookup_is_a_failure() -> None:
    """`compare` can show why any lookup found nothing: the codes of lookups are codes of failures."""
    found = {Code.OWNED, Code.FITS, Code.MERGED}
    # Said of files and indexes, not of a name.
    elsewhere = {Code.UNLISTED, Code.PYLOCK}
    assert {code.value for code in Code} - {code.value for code in found | elsewhere} <= {c.value for c in FailureCode}
