"""How an audit judges decisions and locks: the pure parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from repoprio.audit import verdicts
from repoprio.audit.findings import Finding, Severity
from repoprio.audit.subjects import ListedFile, Offer, Subject, install_again
from repoprio.lookup.cooldown import Held, Wait
from repoprio.lookup.drivers import drive
from repoprio.lookup.events import FetchFailed, FetchResult, NotFound
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import ProjectLookup
from repoprio.names import normalize
from repoprio.policy.model import Rule
from repoprio.policy.routing import route
from support.policy_files import TWO, parsed_policy
from support.verdicts import ACME, PAGE, decide


def offer(fits: str | None = None, **versions: tuple[str, ...]) -> Offer:
    """The content of repositories: one wheel of each version."""
    files = {
        name: tuple(ListedFile(f"acme-{v}.whl", v, {"sha256": f"{name}{v}"}) for v in found)
        for name, found in versions.items()
    }
    return Offer(files, versions, lambda: fits)


AGAIN = "pip install --force-reinstall --no-deps acme==1.0"


def only(found: list[Finding]) -> tuple[str, str, str]:
    """Code, message and remedy of the only finding."""
    (finding,) = found
    return finding.code, finding.message, finding.full_remedy


def test_no_index_leaves_no_repository() -> None:
    """Under --no-index, a name that a ruled-out repository may own is a finding that says what to do."""
    low = parsed_policy(f'{TWO}[repositories.wheels]\nurl = "/srv/wheels"\nformat = "flat"\npriority = 95\n')
    decision = drive(
        ProjectLookup(RunMemory[str](low), normalize("acme"), no_index=True), lambda _: PAGE, lambda _: True
    )
    code, message, remedy = only(verdicts.judge(low, decision, ACME, offer()))
    assert (code, remedy) == ("owner-ruled-out", "audit again without --no-index (unset PIP_NO_INDEX)")
    assert "--no-index rules out corp (priority 10) and pypi (priority 90), which may own acme" in message


def test_what_the_owner_has_is_no_finding() -> None:
    """A version that its owner lists is fine, even if some of its files are yanked."""
    offered = offer(corp=("99.0", "1.0"))
    decision = decide(TWO, {"corp": PAGE})
    assert verdicts.judge(parsed_policy(), decision, ACME, offered) == []
    both = {"corp": (ListedFile("a.whl", "99.0", {}, "bad"), ListedFile("a.zip", "99.0", {}))}
    assert verdicts.judge(parsed_policy(), decision, ACME, Offer(both, offered.versions)) == []
    assert verdicts.judge(parsed_policy(), decision, replace(ACME, version=None), offer(corp=("1.0",))) == []


def test_a_version_that_is_not_the_owners() -> None:
    """The finding names the owner, its versions and the remedy in one sentence."""
    decision = decide(TWO, {"corp": PAGE, "pypi": PAGE})
    code, said, remedy = only(verdicts.judge(parsed_policy(), decision, ACME, offer("1.1", corp=("1.1", "1.0"))))
    assert code == "not-the-owners"
    assert said == (
        "acme 99.0 is installed, but acme belongs to corp (priority 10), which has 1.1, 1.0: it came from elsewhere."
    )
    assert remedy.endswith("then install acme 1.1 instead: pip install --force-reinstall --no-deps acme==1.1")
    many = tuple(f"1.{n}" for n in range(20, 0, -1))
    assert "... (20 in all)" in only(verdicts.judge(parsed_policy(), decision, ACME, offer(corp=many)))[1]
    code, said, remedy = only(verdicts.judge(parsed_policy(), decision, ACME, offer(corp=())))
    assert ("which has no file of it" in said, remedy.endswith("uninstall acme: pip uninstall acme")) == (True, True)
    assert 'absent = [404, "empty-page"]' in remedy


def test_a_hijack_is_named_if_others_were_asked() -> None:
    """If lower repositories were asked, the sentence names the one that has the version; otherwise none."""
    decision = decide(TWO, {"corp": PAGE, "pypi": PAGE}, below=True)
    code, said, _ = only(verdicts.judge(parsed_policy(), decision, ACME, offer(corp=("1.0",), pypi=("99.0",))))
    assert (code, "only pypi (priority 90) has 99.0: a hijack" in said) == ("hijack", True)
    code, _, _ = only(verdicts.judge(parsed_policy(), decision, ACME, offer(corp=("1.0",), pypi=("98.0",))))
    assert code == "not-the-owners"


@pytest.mark.parametrize(
    ("more", "answers", "code", "words"),
    [
        ('[pins.p]\nprojects = ["acme"]\nblock = "bad"\n', {}, "blocked", "acme is blocked: bad (pins.p, policy.toml)"),
        (
            '[pins.p]\nprojects = ["acm?"]\nblock = "a"\n[pins.q]\nprojects = ["ac?e"]\nblock = "b"\n',
            {},
            "ambiguous-pins",
            "both set block or repositories",
        ),
        (
            '[repositories.off]\nurl = "https://off.example/"\npriority = 1\nenabled = false\nowns = ["acme"]\n',
            {},
            "owner-ruled-out",
            "belongs to off (priority 1), which may not be asked",
        ),
        (
            '[repositories.team]\nurl = "https://team.example/"\npriority = 20\nowns = ["acme"]\n',
            {"pypi": PAGE},
            "owned-absent",
            "belongs to team (priority 20), which does not have it (repositories.team.owns",
        ),
        (
            "",
            {},
            "unknown",
            "no repository of the policy has acme: corp (priority 10) and pypi (priority 90) were asked",
        ),
        (
            "",
            {"corp": FetchFailed("down")},
            "unavailable",
            "repoprio cannot judge acme 99.0: corp (priority 10) is unavailable",
        ),
    ],
)
def test_what_nobody_supplies(more: str, answers: dict[str, FetchResult[str]], code: str, words: str) -> None:
    """Each way in which no repository supplies a name is a finding of its own, with its rule if there is one."""
    text = TWO + more
    findings = verdicts.judge(parsed_policy(text), decide(text, answers), ACME, Offer())
    assert (only(findings)[0], words in only(findings)[1]) == (code, True), findings
    assert (findings[0].rule is None) == (code == "unknown")
    lock = replace(ACME, pip=None)
    assert "pip " not in only(verdicts.judge(parsed_policy(text), decide(text, answers), lock, Offer()))[2]


@pytest.mark.parametrize("project", ["pip", "repoprio"])
def test_no_remedy_removes_what_guards_or_repairs(project: str) -> None:
    """If its owner lacks pip or repoprio, the remedy does not uninstall it: the environment would lose its guard."""
    text = f'[repositories.corp]\nurl = "https://corp.example/"\npriority = 1\nowns = ["{project}"]\n'
    subject = replace(ACME, project=project)
    (found,) = verdicts.judge(parsed_policy(text), decide(text, {}, project), subject, Offer())
    assert (found.code, found.command) == ("owned-absent", None)
    assert found.remedy.endswith(f"else replace {project} by one from a source that you trust")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", "ask go/pip to add the repository that it came from to the policy, if"),
        (
            '[repositories.off]\nurl = "https://off.example/"\npriority = 1\nenabled = false\nowns = ["acme"]\n',
            "enable",
        ),
    ],
)
def test_under_a_lock_the_fix_is_to_ask_its_maintainer(more: str, said: str) -> None:
    """Users who may not change the policy are told whom to ask."""
    text = f"{TWO}{more}"
    locked = replace(parsed_policy(text), lock=Rule("locked", "true", "f.toml"), help="go/pip")
    remedy = only(verdicts.judge(locked, decide(text, {}), ACME, Offer()))[2]
    assert (remedy.startswith("ask go/pip to "), said in remedy) == (True, True), remedy


def test_unknown_with_one_or_no_repository_asked() -> None:
    """The sentence is right for any number of asked repositories."""
    alone = '[repositories.corp]\nurl = "https://corp.example/"\n'
    assert (
        "corp (priority 99) was asked."
        in only(verdicts.judge(parsed_policy(alone), decide(alone, {}), ACME, Offer()))[1]
    )
    blind = f'{alone}include = ["other"]\n'
    assert "none could be asked." in only(verdicts.judge(parsed_policy(blind), decide(blind, {}), ACME, Offer()))[1]


def test_one_that_was_skipped_may_own_it() -> None:
    """If a skipped repository may own the name, nothing is fine; below the owner it does not matter."""
    text = TWO.replace("priority = 10", "priority = 10\nskip-if-unavailable = true")
    decision = decide(text, {"corp": FetchFailed("down"), "pypi": PAGE})
    assert only(verdicts.judge(parsed_policy(text), decision, ACME, offer(pypi=("99.0",))))[0] == "unavailable"
    text = TWO.replace("priority = 90", "priority = 90\nskip-if-unavailable = true")
    decision = decide(text, {"corp": PAGE, "pypi": FetchFailed("down")}, below=True)
    assert verdicts.judge(parsed_policy(text), decision, ACME, offer(corp=("99.0",))) == []


def test_a_pins_versions() -> None:
    """A version that a pin excludes is reported with the pin, even if the owner has it."""
    text = f'{TWO}[pins.p]\nprojects = ["acme"]\nversions = "<3"\n'
    decision = decide(text, {"corp": PAGE})
    findings = verdicts.judge(
        parsed_policy(text), decision, ACME, offer("2.0", corp=("99.0", "2.0")), is_pinned_out=True
    )
    assert only(findings)[:2] == (
        "pin-versions",
        "acme 99.0 is installed, but the policy wants acme <3 (pins.p.versions, policy.toml).",
    )
    assert only(findings)[2] == "install acme 2.0 instead: pip install --force-reinstall --no-deps acme==2.0"
    assert verdicts.judge(parsed_policy(text), decision, ACME, offer(corp=("99.0",))) == []


def test_what_is_too_young() -> None:
    """A version that must wait is a warning with the rule, and what to install instead; of unknown age, a note."""
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    rules = parsed_policy(TWO)
    wait = Wait(rules.repositories[0], timedelta(days=7), Rule("repositories.corp.min-age", "", "policy.toml"))
    decision, has = decide(TWO, {"corp": PAGE}), offer("2.0", corp=("99.0", "2.0"))
    (young,) = verdicts.judge(rules, decision, ACME, has, waiting=Held(wait, now - timedelta(days=2), now))
    assert (young.code, young.severity, young.rule) == ("too-young", Severity.WARNING, wait.rule)
    assert young.message.startswith("acme 99.0 is installed, but is too young: uploaded 2 days ago; corp waits 7 days")
    assert young.full_remedy.startswith('install acme 2.0 instead; or set min-age = "0 days" in a pin for acme')
    (unknown,) = verdicts.judge(rules, decision, ACME, has, waiting=Held(wait, None, now))
    assert (unknown.code, unknown.severity) == ("no-upload-time", Severity.NOTE)
    assert "nobody knows whether it is old enough: no upload time is known" in unknown.message


def test_flexible_mode_reports_versions_from_lower_tiers() -> None:
    """A version that a passed-over tier also has is fine; one that only a lower tier has is reported.

    Else it is foreign.
    """
    text = f'mode = "flexible"\n{TWO}'
    decision = decide(text, {"corp": PAGE, "pypi": PAGE})
    assert decision.of() == []
    assert verdicts.judge(parsed_policy(text), decision, ACME, offer(corp=("99.0",))) == []
    fits = ProjectLookup(RunMemory[str](parsed_policy(text)), normalize("acme"))
    lower = drive(fits, lambda _: PAGE, lambda found: found[0].repository.name == "pypi")
    code, said, remedy = only(verdicts.judge(parsed_policy(text), lower, ACME, offer(corp=("1.0",), pypi=("99.0",))))
    assert (code, "is pypi (priority 90)'s: corp (priority 10) has acme as well" in said) == ("passed-over", True)
    assert "publish it to corp" in remedy
    assert (
        only(verdicts.judge(parsed_policy(text), lower, ACME, offer(corp=("1.0",), pypi=("2.0",))))[0]
        == "not-the-owners"
    )
    assert only(verdicts.judge(parsed_policy(text), decision, ACME, offer(corp=("1.0",))))[0] == "not-the-owners"


def test_a_yanked_version() -> None:
    """If all files of a version are yanked, that is reported, with the reason or that there is none."""
    decision = decide(TWO, {"corp": PAGE})
    for reason, words in (("broken", "has yanked it: broken."), ("", "no reason given")):
        files = {"corp": (ListedFile("a.whl", "99.0", {}, reason),)}
        code, said, remedy = only(
            verdicts.judge(parsed_policy(), decision, ACME, Offer(files, {"corp": ("99.0",)}, lambda: "1.0"))
        )
        assert (code, words in said, remedy) == ("yanked", True, f"install acme 1.0 instead: {AGAIN}")
        lock = replace(ACME, pip=None)
        assert only(verdicts.judge(parsed_policy(), decision, lock, Offer(files, {"corp": ("99.0",)})))[2].startswith(
            "lock it"
        )


OWNS = TWO.replace("priority = 10", 'priority = 10\nowns = ["acme"]')
BLOCKS = f'{TWO}[pins.p]\nprojects = ["acme"]\nblock = "bad"\n'
CLASH = f'{TWO}[pins.p]\nprojects = ["acm?"]\nblock = "a"\n[pins.q]\nprojects = ["ac?e"]\nblock = "b"\n'


@pytest.mark.parametrize(
    ("text", "theirs", "severity", "words"),
    [
        (TWO, False, Severity.NOTE, "not from a repository."),
        (f'direct-urls = "refuse"\n{TWO}', False, Severity.ERROR, "not from a repository."),
        (OWNS, True, Severity.NOTE, "belongs to corp (priority 10), which lists exactly this file."),
        (OWNS, False, Severity.ERROR, "acme belongs to corp (priority 10), and nothing proves that this came from"),
        (f'direct-urls = "allow"\n{OWNS}', False, Severity.ERROR, "nothing proves"),
        (BLOCKS, False, Severity.ERROR, "acme is blocked: bad."),
        (CLASH, False, Severity.ERROR, "two pins disagree on acme"),
    ],
)
def test_direct_urls(text: str, theirs: bool, severity: Severity, words: str) -> None:
    """Distributions from no repository are judged by direct-urls; a routed name needs proof."""
    parsed = parsed_policy(text)
    routed = route(parsed, normalize("acme")) if text not in (TWO, f'direct-urls = "refuse"\n{TWO}') else None
    corp = parsed.repositories[0] if theirs else None
    for subject in (ACME, replace(ACME, pip=None)):
        finding = verdicts.direct(parsed, subject, "https://x.example/a.whl", routed=routed, owner=corp)
        assert (finding.severity, words in finding.message) == (severity, True), finding.message
        assert finding.message.startswith("acme 99.0 is installed")
        assert finding.repository == (parsed.repositories[0] if text.endswith(OWNS) else None)
        assert ("which lists exactly this file" in finding.message) == theirs
        assert ("its own metadata says" in finding.message) == (subject is ACME)
        assert finding.rule is not None
        assert (finding.remedy == "nothing, if you asked for it") == (severity is Severity.NOTE)


def test_a_flat_answer_is_missing_for_pure_decisions() -> None:
    """A repository without the name is passed: the owner below it decides."""
    decision = decide(TWO, {"corp": NotFound(), "pypi": PAGE})
    assert verdicts.judge(parsed_policy(), decision, ACME, offer(pypi=("99.0",))) == []


def test_no_version_is_named_for_another_python() -> None:
    """For another Python no version is proposed: a version that fits here may not fit there."""
    subject = Subject("ledger", "9.0", "is installed", pip="pip", is_elsewhere=True)
    remedy = install_again(subject, Offer(fits=lambda: "1.2"))
    assert remedy == ("install it by its name", "pip install --force-reinstall --no-deps ledger")
