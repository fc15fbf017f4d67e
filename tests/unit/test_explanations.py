"""Explanations as data: text and JSON show the same facts, and each refusal has a remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoprio.explain.explaining import explain, privacy
from repoprio.explain.explanation import Chosen, Explanation, Line, LineStatus, Rejected
from repoprio.explain.refusal_remedies import refusal_remedy, unavailable_remedy
from repoprio.lookup.drivers import drive
from repoprio.lookup.events import FetchFailed, FetchResult, NotFound, PageFound, ServerProblem, StatusReceived
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import ProjectLookup
from repoprio.lookup.reasons import Cause, Rejection
from repoprio.names import normalize
from repoprio.policy.model import CALLERS_PRIORITY, Format, Location, Mode, Pin, Policy, Repository, Rule
from repoprio.policy.patterns import Pattern
from repoprio.render.explain_json import document
from repoprio.render.explain_text import screen, summary
from repoprio.render.messages.refusals import refusal
from repoprio.render.messages.sentences import versions
from repoprio.render.table import painted
from repoprio.wording import count_of, join_words
from support.plays import NAMES, Play, World, policies, worlds
from support.premise import times

ACME = normalize("acme")
CORP = Repository("corp", (Location.of("https://corp.example/simple/"),), 10)
PYPI = Repository("pypi", (Location.of("https://pypi.example/simple/"),), 90)
PAGE = PageFound("page", 2)
MODES = (Mode.STRICT, Mode.FLEXIBLE, Mode.MERGE, Mode.OBSERVE)
# More than any screen: nothing wraps.
WIDE = 10_000

kinds = st.sampled_from(list(Rejection))
rejections = st.builds(
    Rejected, st.sampled_from(["acme-2.tar.gz", "acme-3.whl"]), st.none() | st.just("2"), st.just("why"), kinds
)


def explained(policy: Policy, answers: Mapping[str, Any], *, chosen: Chosen | None = None, **told: Any) -> Explanation:
    """The explanation of acme if each repository gives its stated answer; its versions are 1.1 and 1.0."""
    lookup = ProjectLookup(RunMemory[str](policy), ACME)
    decision = drive(lookup, lambda ask: answers[ask.repository.name], lambda _: chosen is not None)
    return explain(
        policy, decision, "acme", {r.name: ("1.1", "1.0") for r in policy.repositories}, chosen=chosen, **told
    )


def facts(found: Any) -> list[str]:
    """Each text and number in a JSON value."""
    if isinstance(found, dict):
        return [fact for value in found.values() for fact in facts(value)]
    if isinstance(found, list):
        return [fact for value in found for fact in facts(value)]
    return [] if found is None or isinstance(found, bool) else [str(found)]


# These say in one word what the text says in a sentence.
_WORDS = {"not-asked": "not asked", "served": "owns", "shadowed": "shadowed"}


@settings(max_examples=times(300), deadline=None)
@given(
    policies(MODES), worlds(), st.sampled_from(NAMES), st.lists(rejections, max_size=6), st.booleans(), st.booleans()
)
def test_text_and_json_carry_the_same_facts(
    policy: Policy, world: World, name: str, rejected: list[Rejected], fits: bool, alone: bool
) -> None:
    """For any decision, each fact of the JSON is in the text of explain -v."""
    play = Play(policy, world, normalize(name), fits=fits)
    versions = {repository.name: ("1.1", "1.0") for repository in policy.repositories}
    owner = min(play.owners) if play.owners and fits else None
    explanation = explain(
        policy,
        play.decision,
        f"{name}>=1",
        versions,
        specifier=">=1",
        chosen=Chosen(owner, "1.1", "acme-1.1.whl") if owner else None,
        rejected=tuple(rejected),
        required_by="billing 3.1",
        version_priority=Chosen("r0", "9.9", "acme-9.9.whl") if alone else None,
    )
    text = screen(explanation, WIDE, verbose=True)
    project = json.loads(document([explanation]))["projects"][0]
    for line in project["repositories"]:
        row = next(row for row in text.splitlines() if f" {line['name']}  " in row and str(line["priority"]) in row)
        assert all(version in row for version in line["versions"] or ())
        if line["status"] not in ("served", "not-asked"):
            assert line["status"] in row
        assert line["reason"] in row
        assert line["versions"] is not None or line["status"] == "unavailable" or "not asked" in row
        for fact in [*facts(line["rule"]), *facts(line["mirror"]), *facts(line["failures"])]:
            assert fact in text
        assert line["asked"] is None or f"{line['name']}: {line['asked']}" in text
    for one in project["rejected"]:
        assert f"{one['file']}: {one['reason']}" in text
    for key in ("version", "file", "rules", "reason", "required_by", "help"):
        assert all(fact in text for fact in facts(project[key])), key
    if project["hint"]:
        assert project["hint"]["text"] in text
    if project["outcome"] != "served":
        assert project["code"] in text
    if alone:
        assert all(fact in text for fact in ("9.9", "r0"))


@settings(max_examples=times(200), deadline=None)
@given(policies(MODES), worlds(), st.sampled_from(NAMES), st.integers(30, 130))
def test_no_line_is_wider_than_the_terminal(policy: Policy, world: World, name: str, width: int) -> None:
    """Words are wrapped; only unbreakable ones, such as a URL or a setting, may stick out."""
    play = Play(policy, world, normalize(name))
    explanation = explain(policy, play.decision, name, {r.name: ("1.1", "1.0") for r in policy.repositories})
    longest = 60
    for line in screen(explanation, max(width, longest)).splitlines():
        assert len(line) <= max(width, longest) or "://" in line or " = " in line


def test_colour_is_never_alone() -> None:
    """Without colours, the screen has the same text."""
    explanation = explained(Policy((CORP, PYPI)), {"corp": PAGE}, chosen=Chosen("corp", "1.1", "acme-1.1.whl"))
    plain, colored = screen(explanation, 80), screen(explanation, 80, painted)
    assert "\x1b[32m" in colored
    for code in ("\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"):
        colored = colored.replace(code, "")
    assert colored == plain
    assert painted("as it is", "") == "as it is"


CAUSES = [
    (Cause.LOGIN, "login"),
    (Cause.PROXY, "proxy"),
    (Cause.CANARY, "canary"),
    (Cause.MISSING, "missing-place"),
    (Cause.UNSET, "set-variable"),
    (Cause.INSECURE, "insecure"),
    (Cause.TLS, "trust"),
    (Cause.TIME, "time"),
    (Cause.SIZE, "size"),
    (Cause.NOT_A_PAGE, "not-a-page"),
    (Cause.BROKEN, "tell-its-keeper"),
    (Cause.API_VERSION, "tell-its-keeper"),
    (Cause.OTHER_PROJECT, "tell-its-keeper"),
    (Cause.SPELLING, "spelling"),
    (Cause.REDIRECT, "redirects"),
    (Cause.CUT_SHORT, "try-again"),
    (Cause.CONNECTION, "try-again"),
    (Cause.SERVER, "try-again"),
]


@pytest.mark.parametrize(("cause", "code"), CAUSES)
def test_each_cause_of_silence_has_a_way_out(cause: Cause, code: str) -> None:
    """For each cause of unavailability, the refusal says what to do, with a stable code."""
    explanation = explained(Policy((CORP, PYPI)), {"corp": FetchFailed("why", cause)})
    remedy = refusal_remedy(explanation)
    assert remedy is not None
    assert remedy.code == code
    assert f"hint: {remedy.text}" in str(refusal(explanation))
    assert "skip-if-unavailable" not in str(refusal(explanation))


def test_a_folder_that_a_caller_names_and_is_not_there() -> None:
    """The remedy for a missing folder names what named it: the policy, or pip's settings and options."""
    texts = []
    for priority in (90, CALLERS_PRIORITY):
        lowest = replace(PYPI, priority=priority)
        remedy = refusal_remedy(
            explained(Policy((CORP, lowest)), {"corp": NotFound(), "pypi": FetchFailed("gone", Cause.MISSING)})
        )
        assert remedy is not None
        assert remedy.code == "missing-place"
        texts.append(remedy.text)
    assert ["enabled = false" in text for text in texts] == [True, False]
    assert ["pip's settings" in text for text in texts] == [False, True]


def test_a_status_that_could_mean_absent() -> None:
    """A 410 that is not in `absent` is reported with that key; a 304 is not; `namespaces` are named only once."""
    policy = Policy((CORP, PYPI))
    codes = [refusal_remedy(explained(policy, {"corp": StatusReceived(code)})) for code in (410, 304)]
    assert [found.code for found in codes if found] == ["absent", "try-again"]
    assert codes[0] is not None
    assert "repositories.corp.absent = [404, 410] (lower-priority repositories may then" in codes[0].text
    other = replace(CORP, absent=frozenset({404, 403}), empty_page_is_absent=True)
    alone = refusal_remedy(explained(Policy((other,)), {"corp": StatusReceived(410)}))
    assert alone is not None
    assert alone.text.endswith('Then set repositories.corp.absent = [403, 404, 410, "empty-page"]')
    own = Repository("corp", CORP.locations, 10, namespaces=(Pattern.parse("acme*"),))
    texts = [
        found.text
        for found in (codes[1], refusal_remedy(explained(Policy((own, PYPI)), {"corp": StatusReceived(304)})))
        if found
    ]
    assert ["namespaces" in text for text in texts] == [True, False]


@pytest.mark.parametrize(
    ("status", "code"), [(410, "gateway-refused"), (503, "gateway-unavailable"), (401, "login"), (418, "try-again")]
)
def test_a_refusal_of_the_gateway_is_not_about_this_policy(status: int, code: str) -> None:
    """`absent = [410]` would pass its names on; its own explanation, beside its index, says why it refused."""
    gate = replace(CORP, locations=(Location.of("https://corp.example/index/simple/"),))
    policy = Policy((gate, PYPI), gateway="https://CORP.example/index/simple")
    e = explained(policy, {"corp": StatusReceived(status, problem=ServerProblem("Gone", "acme belongs to x."))})
    remedy = refusal_remedy(e)
    assert remedy is not None
    assert (remedy.code, "absent" in remedy.text) == (code, False)
    assert ("https://CORP.example/index/explain/acme" in remedy.text) is code.startswith("gateway")
    assert "corp says: Gone: acme belongs to x." in refusal(e).details
    assert [line.explained_at for line in e.lines][1:] == [None]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Rejection.YANKED, "yanked"),
        (Rejection.PRE_RELEASE, "pre-release"),
        (Rejection.TAG, "tag"),
        (Rejection.REQUIRES_PYTHON, "requires-python"),
        (Rejection.FORMAT, "format"),
        (Rejection.OTHER, "other-version"),
        (Rejection.HASH, "hash"),
        (Rejection.KEPT, "ask-by-name"),
        (Rejection.SPECIFIER, "other-version"),
    ],
)
def test_if_nothing_fits_the_files_say_why(kind: Rejection, code: str) -> None:
    """If all files are rejected for one reason, that gives the hint; a wrong version gives none."""
    explanation = explained(Policy((CORP, PYPI)), {"corp": PAGE}, rejected=(Rejected("acme-1.whl", "1", "why", kind),))
    remedy = refusal_remedy(explanation)
    assert remedy is not None
    assert remedy.code == code
    assert ("rejected: " in str(refusal(explanation))) is (kind is not Rejection.SPECIFIER)


def test_a_file_for_this_platform_shows_the_reason() -> None:
    """Among wheels for other platforms, the one sdist that needs a newer Python is named, with its hint."""
    other = [
        Rejected(f"acme-{n}-cp39-cp39-mac.whl", str(n), "its tag", Rejection.TAG, is_for_here=False) for n in (9, 8)
    ]
    newer = Rejected("acme-8.tar.gz", "8", "needs Python >=3.99", Rejection.REQUIRES_PYTHON)
    explanation = explained(Policy((CORP, PYPI)), {"corp": PAGE}, rejected=(*other, newer))
    assert "rejected   8: needs Python >=3.99 (3 files: 1 requires-python, 2 tag; -v lists all)" in screen(
        explanation, 100
    )
    assert "rejected: acme-8.tar.gz: needs Python >=3.99; acme-9" in str(refusal(explanation))
    remedy = refusal_remedy(explanation)
    assert remedy
    assert remedy.code == "requires-python"


def test_what_is_taken_is_among_what_a_repository_has() -> None:
    """HAS always includes the chosen version, and the one that plain pip would take, however old they are."""
    many = tuple(str(n) for n in range(20, 0, -1))
    assert versions(many, 3) == "20, 19, 18, ... (20 in all)"
    assert versions(many, 3, including="19") == "20, 19, 18, ... (20 in all)"
    assert versions(many, 3, including="17") == "20, 19, 18, 17, ... (20 in all)"
    assert versions(many, 3, including="7") == "20, 19, 18, ..., 7, ... (20 in all)"
    assert versions(many, 3, including="1") == "20, 19, 18, ..., 1 (20 in all)"
    chosen, alone = Chosen("corp", "7", "acme-7.whl"), Chosen("pypi", "9", "acme-9.whl")
    explanation = explained(Policy((CORP, PYPI)), {"corp": PAGE, "pypi": PAGE}, chosen=chosen, version_priority=alone)
    lines = tuple(replace(line, versions=many) for line in explanation.lines)
    rows = screen(replace(explanation, lines=lines), 120).splitlines()
    assert ["..., 7, ..." in rows[3], "..., 9, ..." in rows[4]] == [True, True], rows


def test_ten_thousand_files_are_not_all_listed() -> None:
    """-v lists a readable number of files, the most telling ones first, and the number of the others."""
    files = [Rejected(f"acme-{n}.tar.gz", str(n), "does not fit <1", Rejection.SPECIFIER) for n in range(10_000)]
    files.append(Rejected("acme-0.tar.gz", "0", "yanked", Rejection.YANKED))
    explanation = explained(Policy((CORP, PYPI)), {"corp": PAGE}, rejected=tuple(files))
    shown = screen(explanation, 100, verbose=True)
    assert "rejected   acme-0.tar.gz: yanked" in shown
    assert "... and 9801 more files (--format json has all)" in shown
    assert len(shown.splitlines()) < 250
    assert "(1 file; -v lists 200, --format json all)" in screen(explanation, 100)


def test_where_a_pin_leaves_nothing() -> None:
    """The pin is reported if, and only if, it excluded versions."""
    pin = Pin("old", (Pattern.parse("acme"),), versions="<1")
    policy = Policy((CORP, PYPI), (pin,))
    by_pin = explained(policy, {"corp": PAGE}, rejected=(Rejected("acme-1.whl", "1", "why", Rejection.PIN),))
    other = explained(policy, {"corp": PAGE})
    assert [found.code for found in (refusal_remedy(by_pin), refusal_remedy(other)) if found] == [
        "pin-versions",
        "other-version",
    ]


def test_mirrors_are_reported() -> None:
    """The report shows which mirror answered and which did not, as data and in words."""
    corp = Repository(
        "corp", (*CORP.locations, Location.of("https://m1.example/"), Location.of("https://m2.example/")), 10
    )
    answers: Iterator[FetchResult[str]] = iter(
        [StatusReceived(503), FetchFailed("it was reset", Cause.CONNECTION), PAGE]
    )
    lookup = ProjectLookup(RunMemory[str](Policy((corp,))), ACME)
    decision = drive(lookup, lambda _: next(answers), lambda _: True)
    explanation = explain(
        Policy((corp,)), decision, "acme", {"corp": ("1.0",)}, chosen=Chosen("corp", "1.0", "acme-1.0.whl")
    )
    line = explanation.lines[0]
    assert line.mirror == "https://m2.example/"
    assert [(tried.url, tried.reason) for tried in line.failures] == [
        ("https://corp.example/simple/", "503"),
        ("https://m1.example/", "it was reset"),
    ]
    assert "corp: https://m2.example/ answered instead" in screen(explanation, WIDE)


OWNING = replace(CORP, owns=(Pattern("acme"),))
HIDDEN = replace(PYPI, exclude=(Pattern("acme"),))
PIN = Pin("p", (Pattern("acme"),), repositories=("corp",))


@pytest.mark.parametrize(
    ("policy", "word", "others"),
    [
        (Policy((CORP, PYPI)), None, ()),
        (Policy((OWNING, PYPI)), "owns", ("pypi",)),
        (Policy((OWNING, replace(PYPI, explicit=True))), None, ()),
        (Policy((CORP, PYPI), (PIN,)), "pins.p", ("pypi",)),
        (Policy((CORP, HIDDEN)), "exclude", ("pypi",)),
        (Policy((replace(HIDDEN, priority=5), CORP)), None, ()),
        (Policy((CORP, replace(PYPI, include=(Pattern("other"),)))), None, ()),
        (Policy((CORP, PYPI), (Pin("b", (Pattern("acme"),), block="no"),)), "pins.b", ()),
        (
            Policy((CORP, PYPI), (replace(PIN, name="q"), replace(PIN, repositories=("pypi",)))),
            None,
            (),
        ),
    ],
)
def test_whom_the_policy_keeps_a_name_from(policy: Policy, word: str | None, others: tuple[str, ...]) -> None:
    """Routing and `exclude` make a name private, and the setting is named; `explicit` and `include` do not."""
    lookup = ProjectLookup(RunMemory[str](policy), ACME)
    found = privacy(drive(lookup, lambda _: PAGE, lambda _: True))
    assert (found and found.word, tuple(r.name for r in found.others) if found else ()) == (word, others)


def test_rules_of_those_that_are_left_out() -> None:
    """Each repository that is ruled out is reported with the setting that does so; a caller's with `unlisted`."""
    blind = Repository("blind", CORP.locations, 1, exclude=(Pattern.parse("x"), Pattern.parse("ac*")))
    narrow = Repository("narrow", CORP.locations, 2, include=(Pattern.parse("b*"),))
    off = Repository("off", CORP.locations, 3, enabled=False)
    special = Repository("special", CORP.locations, 4, explicit=True)
    policy = Policy((blind, narrow, off, special, CORP))
    explanation = explained(policy, {"corp": PAGE}, chosen=Chosen("corp", "1.1", "acme-1.1.whl"))
    assert [str(line.rule) for line in explanation.lines if line.rule] == [
        'repositories.blind.exclude = ["ac*", ...] (default)',
        'repositories.narrow.include = ["b*"] (default)',
        "repositories.off.enabled = false (default)",
        "repositories.special.explicit = true (default)",
    ]
    extra = Repository("unlisted:1", CORP.locations, CALLERS_PRIORITY, is_addition=True)
    lookup = ProjectLookup(RunMemory[str](policy), normalize("bare"), callers=(extra,))
    decision = drive(lookup, lambda ask: PAGE if ask.repository is extra else StatusReceived(404), lambda _: True)
    assert 'unlisted = "refuse"' in [f"{r.key} = {r.value}" for r in explain(policy, decision, "bare", {}).rules]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (
            120,
            [
                "  rule       repositories.corp.owns = [a, b, c, d, e, f, g, h, i]  /srv/where/policies/repoprio.toml",
                '             mode = "strict"                                       default',
            ],
        ),
        # In 80 columns the file of the first does not fit beside it.
        (
            80,
            [
                "  rule       repositories.corp.owns = [a, b, c, d, e, f, g, h, i]",
                "             /srv/where/policies/repoprio.toml",
                '             mode = "strict"  default',
            ],
        ),
    ],
)
def test_the_files_of_rules_are_in_one_column(width: int, shown: list[str]) -> None:
    """Files of rules are in one column; if a rule is too long for that, its file is on the next line."""
    explanation = explained(Policy((CORP,)), {"corp": PAGE}, chosen=Chosen("corp", "1.1", "acme-1.1.whl"))
    rules = (
        Rule("repositories.corp.owns", "[a, b, c, d, e, f, g, h, i]", "/srv/where/policies/repoprio.toml"),
        Rule("mode", '"strict"', "default"),
    )
    lines = screen(replace(explanation, rules=rules), width).splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("  rule "))
    assert lines[begin : begin + len(shown)] == shown


def test_several_requirements_are_summed_up() -> None:
    """Each outcome is counted; requirements that cannot be installed are named."""
    good = explained(Policy((CORP,)), {"corp": PAGE}, chosen=Chosen("corp", "1.1", "acme-1.1.whl"))
    bad = explained(Policy((CORP,)), {"corp": StatusReceived(404)})
    assert summary([good, good, bad], 80) == "3 requirements: 2 served; 1 absent (acme)."
    assert join_words(["a", "b", "c"]) == "a, b and c"
    assert [count_of(number, "file") for number in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]


def test_a_page_without_files_and_no_index() -> None:
    """A page without files owns the name; the message names the key for servers that have one for every name."""
    policy = Policy((CORP, PYPI))
    decision = drive(ProjectLookup(RunMemory[str](policy), ACME), lambda _: PageFound("page", 0), lambda _: True)
    remedy = refusal_remedy(explain(policy, decision, "acme", {"corp": ()}))
    assert remedy is not None
    assert (remedy.code, 'absent = [404, "empty-page"]' in remedy.text) == ("page-without-files", True)
    dropped = (Rejected("evil-1.whl", None, "a file of another project", Rejection.LINK, is_for_here=False),)
    unusable = refusal_remedy(explain(policy, decision, "acme", {"corp": ()}, rejected=dropped))
    assert unusable is not None
    assert unusable.code == "links"
    decision = drive(ProjectLookup(RunMemory[str](policy), ACME, no_index=True), lambda _: PAGE, lambda _: True)
    assert refusal_remedy(explain(policy, decision, "acme", {})) == ("drop-no-index", "drop --no-index, if you can")


@pytest.mark.parametrize(("python", "named"), [("", ""), ("/venv 1/bin/python", " --python '/venv 1/bin/python'")])
def test_each_command_names_the_python_that_it_is_about(python: str, named: str) -> None:
    """Hints name the environment if, and only if, a plain command would mean another one."""
    owned = Policy((replace(CORP, owns=(Pattern.parse("acme"),)),))
    absent = replace(explained(owned, {"corp": StatusReceived(404)}), python=python)
    text = str(refusal(absent))
    assert text.count(f"repoprio repos{named} --check") == 1, text
    assert f"why: repoprio explain{named} acme" in text
    assert text.count("--python") == (2 if python else 0)


def test_an_owner_with_a_canary_is_not_doubted() -> None:
    """The canary was served: what the owner does not have is not published, and no wrong URL is suspected."""
    owner = replace(CORP, owns=(Pattern.parse("acme"),), canary=normalize("known"))
    answers: Mapping[str, Any] = {"acme": StatusReceived(404), "known": PAGE}
    lookup = ProjectLookup(RunMemory[str](Policy((owner,))), ACME)
    decision = drive(lookup, lambda ask: answers[ask.name], lambda _: False)
    remedy = refusal_remedy(explain(Policy((owner,)), decision, "acme", {"corp": ()}))
    assert remedy == ("publish-to-owner", "check the spelling; not yet published? Publish it to corp first")


def test_what_a_gateway_decides_is_changed_in_its_policy() -> None:
    """A repository that is missing is added to the gateway's policy, not below the gateway."""
    url = "https://corp.example/simple/"
    here = replace(Policy((replace(CORP, locations=(Location.of(url),)),)), gateway=url)
    other = replace(here, gateway="https://gateway.example/simple/")
    texts = [refusal_remedy(explained(policy, {"corp": StatusReceived(404)})) for policy in (here, other)]
    assert [remedy and remedy.text.partition("it to ")[2] for remedy in texts] == [
        f"the policy of the gateway {url}",
        "the policy",
    ]


def test_under_a_lock_hints_say_whom_to_ask() -> None:
    """With a locked policy, hints say whom to ask: `help`, or the maintainer of the file."""
    lock = Rule("locked", "true", "/etc/repoprio/repoprio.toml")
    wheels = Repository("wheels", (Location.of("file:///srv/wheels"),), 50, format=Format.FLAT)
    for policy, maintainer in (
        (Policy((CORP, wheels), lock=lock), "the maintainer of /etc/repoprio/repoprio.toml"),
        (Policy((CORP, wheels), lock=lock, help="go/pip"), "go/pip"),
    ):
        absent = refusal_remedy(explained(policy, {"corp": StatusReceived(404), "wheels": NotFound()}))
        assert absent is not None
        assert (
            absent.text
            == f"check the spelling; or publish it, or ask {maintainer} to add the repository that has it to the policy"
        )
        decision = drive(ProjectLookup(RunMemory[str](policy), ACME, no_index=True), lambda _: PAGE, lambda _: True)
        offline = refusal_remedy(explain(policy, decision, "acme", {}))
        assert offline is not None
        assert f"ask {maintainer} to set repositories.wheels.offline = true in " in offline.text
    twice = Policy((CORP,), tuple(Pin(n, (Pattern.parse("acme"),), block="no") for n in "ab"), lock=lock)
    clash = refusal_remedy(explained(twice, {}))
    assert clash is not None
    assert clash.text.startswith("ask the maintainer of /etc/repoprio/repoprio.toml to make one pattern more specific")
    assert Policy((CORP,), lock=lock._replace(value="extend")).maintainer is None


@pytest.mark.parametrize("is_lowest", [True, False])
def test_an_empty_folder_and_those_below(is_lowest: bool) -> None:
    """The way out for an empty folder warns of lower-priority repositories only where there are some."""
    wheelhouse = Repository("wheelhouse", (Location.of("file:///srv/wheelhouse"),), 10)
    line = Line(wheelhouse, "", LineStatus.UNAVAILABLE, None, "it is empty", code=Cause.EMPTY_ROOT)
    said = unavailable_remedy(line, is_lowest=is_lowest)
    assert said.code == "empty-root"
    assert ("lower-priority" in said.text) is not is_lowest
