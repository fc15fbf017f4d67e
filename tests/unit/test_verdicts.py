"""How an audit judges decisions and locks: the pure parts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from repoprio.audit import lock_sources, lock_verdicts, verdicts
from repoprio.audit.findings import Finding, Severity
from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.locks import formats, pylock
from repoprio.audit.locks.model import Index, NoLock, Package
from repoprio.audit.locks.reading import LockText
from repoprio.audit.subjects import ListedFile, Offer, Subject, finding_on, install_again
from repoprio.lookup.cooldown import Held, Wait
from repoprio.lookup.drivers import drive
from repoprio.lookup.events import FetchFailed, FetchResult, NotFound, PageFound, StatusReceived
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import Decision, ProjectLookup
from repoprio.names import normalize
from repoprio.policy.model import Rule
from repoprio.policy.routing import route
from support.policy_files import TWO, policy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE: PageFound[str] = PageFound("page", 1)
ACME = Subject("acme", "99.0", "is installed", pip="pip", place="site-packages/acme-99.0.dist-info/METADATA")


def decide(
    text: str, pages: Mapping[str, FetchResult[str]], name: str = "acme", *, below: bool = False, fits: bool = False
) -> Decision[str]:
    """The decision on `name` if these repositories give these answers, and the others 404."""
    lookup = ProjectLookup(RunMemory[str](policy(text)), normalize(name), below_owner=below)
    return drive(lookup, lambda ask: pages.get(ask.repository.name, StatusReceived(404)), lambda _: fits)


def offer(fits: str | None = None, **versions: tuple[str, ...]) -> Offer:
    """The content of repositories: one wheel of each version."""
    files = {
        name: tuple(ListedFile(f"acme-{v}.whl", v, {"sha256": f"{name}{v}"}) for v in found)
        for name, found in versions.items()
    }
    return Offer(files, versions, lambda: fits)


AGAIN = "pip install --force-reinstall --no-deps acme==1.0"


def one(found: list[Finding]) -> tuple[str, str, str]:
    """Code, message and remedy of the only finding."""
    (finding,) = found
    return finding.code, finding.message, finding.full_remedy


def test_no_index_leaves_no_repository() -> None:
    """Under --no-index, a name that a ruled-out repository may own is a finding that says what to do."""
    low = policy(f'{TWO}[repositories.wheels]\nurl = "/srv/wheels"\nformat = "flat"\npriority = 95\n')
    decision = drive(
        ProjectLookup(RunMemory[str](low), normalize("acme"), no_index=True), lambda _: PAGE, lambda _: True
    )
    code, message, remedy = one(verdicts.judge(low, decision, ACME, offer()))
    assert (code, remedy) == ("owner-ruled-out", "audit again without --no-index (unset PIP_NO_INDEX)")
    assert "--no-index rules out corp (priority 10) and pypi (priority 90), which may own acme" in message


def test_what_the_owner_has_is_no_finding() -> None:
    """A version that its owner lists is fine, even if some of its files are yanked."""
    found = offer(corp=("99.0", "1.0"))
    decision = decide(TWO, {"corp": PAGE})
    assert verdicts.judge(policy(), decision, ACME, found) == []
    both = {"corp": (ListedFile("a.whl", "99.0", {}, "bad"), ListedFile("a.zip", "99.0", {}))}
    assert verdicts.judge(policy(), decision, ACME, Offer(both, found.versions)) == []
    assert verdicts.judge(policy(), decision, replace(ACME, version=None), offer(corp=("1.0",))) == []


def test_a_version_that_is_not_the_owners() -> None:
    """The finding names the owner, its versions and the remedy in one sentence."""
    decision = decide(TWO, {"corp": PAGE, "pypi": PAGE})
    code, said, remedy = one(verdicts.judge(policy(), decision, ACME, offer("1.1", corp=("1.1", "1.0"))))
    assert code == "not-the-owners"
    assert said == (
        "acme 99.0 is installed, but acme belongs to corp (priority 10), which has 1.1, 1.0: it came from elsewhere."
    )
    assert remedy.endswith("then install acme 1.1 instead: pip install --force-reinstall --no-deps acme==1.1")
    many = tuple(f"1.{n}" for n in range(20, 0, -1))
    assert "... (20 in all)" in one(verdicts.judge(policy(), decision, ACME, offer(corp=many)))[1]
    code, said, remedy = one(verdicts.judge(policy(), decision, ACME, offer(corp=())))
    assert ("which has no file of it" in said, remedy.endswith("uninstall acme: pip uninstall acme")) == (True, True)
    assert 'absent = [404, "empty-page"]' in remedy


def test_a_hijack_is_named_if_others_were_asked() -> None:
    """If lower repositories were asked, the sentence names the one that has the version; otherwise none."""
    decision = decide(TWO, {"corp": PAGE, "pypi": PAGE}, below=True)
    code, said, _ = one(verdicts.judge(policy(), decision, ACME, offer(corp=("1.0",), pypi=("99.0",))))
    assert (code, "only pypi (priority 90) has 99.0: a hijack" in said) == ("hijack", True)
    code, _, _ = one(verdicts.judge(policy(), decision, ACME, offer(corp=("1.0",), pypi=("98.0",))))
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
    found = verdicts.judge(policy(text), decide(text, answers), ACME, Offer())
    assert (one(found)[0], words in one(found)[1]) == (code, True), found
    assert (found[0].rule is None) == (code == "unknown")
    lock = replace(ACME, pip=None)
    assert "pip " not in one(verdicts.judge(policy(text), decide(text, answers), lock, Offer()))[2]


@pytest.mark.parametrize("project", ["pip", "repoprio"])
def test_no_remedy_removes_what_guards_or_repairs(project: str) -> None:
    """If its owner lacks pip or repoprio, the remedy does not uninstall it: the environment would lose its guard."""
    text = f'[repositories.corp]\nurl = "https://corp.example/"\npriority = 1\nowns = ["{project}"]\n'
    subject = replace(ACME, project=project)
    (found,) = verdicts.judge(policy(text), decide(text, {}, project), subject, Offer())
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
    locked = replace(policy(text), lock=Rule("locked", "true", "f.toml"), help="go/pip")
    remedy = one(verdicts.judge(locked, decide(text, {}), ACME, Offer()))[2]
    assert (remedy.startswith("ask go/pip to "), said in remedy) == (True, True), remedy


def test_unknown_with_one_or_no_repository_asked() -> None:
    """The sentence is right for any number of asked repositories."""
    alone = '[repositories.corp]\nurl = "https://corp.example/"\n'
    assert "corp (priority 99) was asked." in one(verdicts.judge(policy(alone), decide(alone, {}), ACME, Offer()))[1]
    blind = f'{alone}include = ["other"]\n'
    assert "none could be asked." in one(verdicts.judge(policy(blind), decide(blind, {}), ACME, Offer()))[1]


def test_one_that_was_skipped_may_own_it() -> None:
    """If a skipped repository may own the name, nothing is fine; below the owner it does not matter."""
    text = TWO.replace("priority = 10", "priority = 10\nskip-if-unavailable = true")
    decision = decide(text, {"corp": FetchFailed("down"), "pypi": PAGE})
    assert one(verdicts.judge(policy(text), decision, ACME, offer(pypi=("99.0",))))[0] == "unavailable"
    text = TWO.replace("priority = 90", "priority = 90\nskip-if-unavailable = true")
    decision = decide(text, {"corp": PAGE, "pypi": FetchFailed("down")}, below=True)
    assert verdicts.judge(policy(text), decision, ACME, offer(corp=("99.0",))) == []


def test_a_pins_versions() -> None:
    """A version that a pin excludes is reported with the pin, even if the owner has it."""
    text = f'{TWO}[pins.p]\nprojects = ["acme"]\nversions = "<3"\n'
    decision = decide(text, {"corp": PAGE})
    found = verdicts.judge(policy(text), decision, ACME, offer("2.0", corp=("99.0", "2.0")), is_pinned_out=True)
    assert one(found)[:2] == (
        "pin-versions",
        "acme 99.0 is installed, but the policy wants acme <3 (pins.p.versions, policy.toml).",
    )
    assert one(found)[2] == "install acme 2.0 instead: pip install --force-reinstall --no-deps acme==2.0"
    assert verdicts.judge(policy(text), decision, ACME, offer(corp=("99.0",))) == []


def test_what_is_too_young() -> None:
    """A version that must wait is a warning with the rule, and what to install instead; of unknown age, a note."""
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    rules = policy(TWO)
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
    assert verdicts.judge(policy(text), decision, ACME, offer(corp=("99.0",))) == []
    fits = ProjectLookup(RunMemory[str](policy(text)), normalize("acme"))
    lower = drive(fits, lambda _: PAGE, lambda found: found[0].repository.name == "pypi")
    code, said, remedy = one(verdicts.judge(policy(text), lower, ACME, offer(corp=("1.0",), pypi=("99.0",))))
    assert (code, "is pypi (priority 90)'s: corp (priority 10) has acme as well" in said) == ("passed-over", True)
    assert "publish it to corp" in remedy
    assert one(verdicts.judge(policy(text), lower, ACME, offer(corp=("1.0",), pypi=("2.0",))))[0] == "not-the-owners"
    assert one(verdicts.judge(policy(text), decision, ACME, offer(corp=("1.0",))))[0] == "not-the-owners"


def test_a_yanked_version() -> None:
    """If all files of a version are yanked, that is reported, with the reason or that there is none."""
    decision = decide(TWO, {"corp": PAGE})
    for reason, words in (("broken", "has yanked it: broken."), ("", "no reason given")):
        files = {"corp": (ListedFile("a.whl", "99.0", {}, reason),)}
        code, said, remedy = one(
            verdicts.judge(policy(), decision, ACME, Offer(files, {"corp": ("99.0",)}, lambda: "1.0"))
        )
        assert (code, words in said, remedy) == ("yanked", True, f"install acme 1.0 instead: {AGAIN}")
        lock = replace(ACME, pip=None)
        assert one(verdicts.judge(policy(), decision, lock, Offer(files, {"corp": ("99.0",)})))[2].startswith("lock it")


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
    found = policy(text)
    routed = route(found, normalize("acme")) if text not in (TWO, f'direct-urls = "refuse"\n{TWO}') else None
    corp = found.repositories[0] if theirs else None
    for subject in (ACME, replace(ACME, pip=None)):
        finding = verdicts.direct(found, subject, "https://x.example/a.whl", routed=routed, owner=corp)
        assert (finding.severity, words in finding.message) == (severity, True), finding.message
        assert finding.message.startswith("acme 99.0 is installed")
        assert finding.repository == (found.repositories[0] if text.endswith(OWNS) else None)
        assert ("which lists exactly this file" in finding.message) == theirs
        assert ("its own metadata says" in finding.message) == (subject is ACME)
        assert finding.rule is not None
        assert (finding.remedy == "nothing, if you asked for it") == (severity is Severity.NOTE)


SHA, MD5 = {"sha256": "A" * 64}, {"md5": "b" * 32}


@pytest.mark.parametrize(
    ("locked", "listed", "code"),
    [
        (("f.whl", SHA), ("f.whl", SHA), None),
        (("f.whl", SHA), ("f.whl", {"sha256": "a" * 64}), None),
        ((None, SHA), ("f.whl", SHA), None),
        ((None, SHA), ("f.whl", {"sha256": "c" * 64}), "not-the-owners-file"),
        (("f.whl", SHA), ("g.whl", SHA), "not-the-owners-file"),
        (("f.whl", {}), ("g.whl", SHA), "not-the-owners-file"),
        (("f.whl", {}), ("f.whl", SHA), "no-hash"),
        (("f.whl", MD5), ("f.whl", MD5), "no-hash"),
        (("f.whl", SHA), ("f.whl", {}), "owner-states-no-hash"),
        (("f.whl", SHA | {"sha512": "d"}), ("f.whl", SHA), "owner-states-no-hash"),
        (("f.whl", SHA | {"sha512": "d"}), ("f.whl", SHA | {"sha512": "e"}), "not-the-owners-file"),
        (("f.whl", SHA | MD5), ("f.whl", SHA), "owner-states-no-hash"),
    ],
)
def test_files_of_a_lock_by_hash(
    locked: tuple[str | None, dict[str, str]], listed: tuple[str, dict[str, str]], code: str | None
) -> None:
    """A file is the owner's only if the owner states every hash of the lock, and one of them is strong."""
    decision = decide(TWO, {"corp": PAGE})
    found = Offer({"corp": (ListedFile(listed[0], "99.0", listed[1]),)}, {"corp": ("99.0",)})
    told = lock_verdicts.judge_files(policy(), decision, ACME, [LockedFile(*locked, line=7)], found)
    assert [finding.code for finding in told] == ([code] if code else [])
    assert all(finding.line == 7 for finding in told)


def test_a_file_of_another_version_or_from_below() -> None:
    """Files of other versions count only if no version is stated; a lower repository that lists the file is named."""
    decision = decide(TWO, {"corp": PAGE, "pypi": PAGE}, below=True)
    files = {"corp": (ListedFile("f.whl", "1.0", SHA),), "pypi": (ListedFile("x.whl", "99.0", SHA),)}
    found = Offer(files, {"corp": ("1.0",), "pypi": ("99.0",)})
    (told,) = lock_verdicts.judge_files(policy(), decision, ACME, [LockedFile(None, SHA, None)], found)
    assert (told.code, told.line) == ("hijack", None)
    assert "only pypi (priority 90) lists it" in told.message
    unpinned = replace(ACME, version=None)
    assert lock_verdicts.judge_files(policy(), decision, unpinned, [LockedFile(None, SHA, None)], found) == []
    (bare,) = lock_verdicts.judge_files(policy(), decision, unpinned, [LockedFile(None, {}, None)], found)
    assert (bare.code, "its file has no hash" in bare.message) == ("no-hash", True)


def test_that_nothing_has_a_hash_is_reported_once() -> None:
    """A file without any hashes gives one finding, if it would otherwise give several."""
    bare = [Finding("no-hash", "x", "y", name, file=file) for name, file in (("a", "f"), ("b", "f"), ("c", "g"))]
    other = Finding("yanked", "x", "y", "b", file="f")
    found = [bare[0], other, *bare[1:]]
    assert lock_verdicts.hashless(found, {"g": 1}) == found
    first, *rest = lock_verdicts.hashless(found, {"f": 2, "g": 1})
    assert first.message.startswith("none of its 2 packages has a hash")
    assert rest == [other, bare[2]]
    assert lock_verdicts.hashless(found, {"f": 3})[0].message.startswith("none of its 3 packages")


PYLOCK = f"""\
lock-version = "1.0"
created-by = "a test"

[[packages]]
name = "acme"
version = "1.0"
wheels = [
    {{ name = "acme-1.0-py3-none-any.whl", url = "https://u:p@x.example/acme-1.0-py3-none-any.whl", hashes = {{ SHA256 = "{"a" * 64}" }} }},
]
[packages.sdist]
path = "dir\\\\acme-1.0.tar.gz"
hashes = {{ sha256 = "{"b" * 64}" }}

[[packages]]
name = "tool"
[packages.vcs]
type = "git"
url = "https://u:s3cret@git.example/tool"
commit-id = "0123456789abcdef"

[[packages]]
name = "here"
directory = {{ path = "./here", editable = true }}

[[packages]]
name = "there"
directory = {{ path = "./there" }}

[[packages]]
name = "archived"
archive = {{ url = "https://u:s3cret@x.example/a.zip?token=s3cret", hashes = {{ sha256 = "c" }} }}
"""  # noqa: E501 - as lockers write it


def read(text: str) -> list[Package]:
    """The packages of a pylock.toml."""
    return pylock.read(tomllib.loads(text), LockText(text, "pylock.toml")).packages


def test_a_pylock_is_read_with_its_lines() -> None:
    """Names, versions, files with hashes and lines, and the origin of other packages, without logins."""
    acme, *others = read(PYLOCK)
    assert (acme.name, acme.version, acme.line, acme.source) == ("acme", "1.0", 4, None)
    assert acme.files == (
        LockedFile("acme-1.0-py3-none-any.whl", {"sha256": "a" * 64}, 8),
        LockedFile("acme-1.0.tar.gz", {"sha256": "b" * 64}, 11),
    )
    assert [(p.name, p.source, dict(p.hashes)) for p in others] == [
        ("tool", "git https://git.example/tool at 0123456789ab", {}),
        ("here", "the folder ./here (editable)", {}),
        ("there", "the folder ./there", {}),
        ("archived", "https://x.example/a.zip", {"sha256": "c"}),
    ]
    assert read('lock-version = "1.0"\npackages = [{ name = "acme", version = "1" }]')[0].line is None
    inline = 'lock-version = "1.0"\npackages = [{ name = "a", sdist = { name = "a.zip", hashes = { sha256 = "x" } } }]'
    assert read(inline)[0].files == (LockedFile("a.zip", {"sha256": "x"}, None),)
    odd = read(PYLOCK.replace('name = "acme-1.0-py3-none-any.whl", ', ""))[0]
    assert odd.files[0].name == "acme-1.0-py3-none-any.whl"
    escaped = 'lock-version = "1.0"\n[[packages]]\nname = "a"\n[[packages.wheels]]\nname = "\\u0061.whl"\n'
    assert read(escaped)[0].files == (LockedFile("a.whl", {}, 2),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lock-version = 1.0",
        'lock-version = "2.0"',
        'lock-version = "1.0"\npackages = 1',
        'lock-version = "1.0"\npackages = [1]',
        'lock-version = "1.0"\n[[packages]]\nversion = "1"',
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nversion = 1',
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nwheels = 1',
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nsdist = 1',
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nsdist = {}',
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nsdist = { url = 1 }',
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nsdist = { url = "https://[/a.zip" }',
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nsdist = { name = "a", hashes = 1 }',
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nsdist = { name = "a", hashes = { sha256 = 1 } }',
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nvcs = 1',
        'lock-version = "1.0"\npackages = [{ name = "a", archive = { url = "x", hashes = 1 } }]',
    ],
)
def test_what_is_no_pylock_is_wrong_use(text: str) -> None:
    """A document of another shape is an error with file and line, and the code [usage]."""
    with pytest.raises(NoLock, match=r"^pylock\.toml.*\[usage\]$"):
        read(text)


def test_names_of_locks() -> None:
    """PEP 751 defines the file names."""
    names = ("pylock.toml", "pylock.dev.toml", "pylock.a.b.toml", "lock.toml")
    assert [formats.format_of(name) is formats.PYLOCK for name in names] == [True, True, False, False]


def test_a_flat_answer_is_missing_for_pure_decisions() -> None:
    """A repository without the name is passed: the owner below it decides."""
    decision = decide(TWO, {"corp": NotFound(), "pypi": PAGE})
    assert verdicts.judge(policy(), decision, ACME, offer(pypi=("99.0",))) == []


def test_no_version_is_named_for_another_python() -> None:
    """For another Python no version is proposed: a version that fits here may not fit there."""
    subject = Subject("ledger", "9.0", "is installed", pip="pip", is_elsewhere=True)
    remedy = install_again(subject, Offer(fits=lambda: "1.2"))
    assert remedy == ("install it by its name", "pip install --force-reinstall --no-deps ledger")


def test_the_repository_that_a_lock_names() -> None:
    """The owner gives no finding; another one is a warning, or an error if nothing proves the files."""
    rules, decision = policy(), decide(TWO, {"corp": PAGE})
    corp, pypi = rules.repositories
    subject = Subject("acme", "1.0", "is locked", file="uv.lock", line=3)
    for named in (corp, None):
        assert lock_sources.with_source(rules, decision, subject, [], named) == []
    nobody = decide(TWO, {})
    assert lock_sources.with_source(rules, nobody, subject, [], pypi) == []
    (found,) = lock_sources.with_source(rules, decision, subject, [], pypi)
    assert (found.code, found.severity, found.file, found.line) == ("other-source", Severity.WARNING, "uv.lock", 3)
    assert found.message == (
        "acme 1.0 is locked from pypi (priority 90), but acme belongs to corp (priority 10); its files are the "
        "owner's, by their hashes."
    )
    assert found.shared
    assert found.shared.effect == "have the owner's files, by their hashes"
    hashless = finding_on(subject, "no-hash", "no hash.", "lock again")
    kept, found = lock_sources.with_source(rules, decision, subject, [hashless], pypi)
    assert (kept, found.severity, found.shared) == (hashless, Severity.ERROR, None)
    assert found.message.endswith("and no hash proves that its files are the owner's.")
    foreign = finding_on(subject, "hijack", "acme is not the owner's.", "lock again")
    yanked = finding_on(subject, "yanked", "acme is yanked.", "lock again")
    told = lock_sources.with_source(rules, decision, subject, [foreign, yanked], pypi)
    assert [one.message for one in told] == [
        "acme is not the owner's. The lock says that it comes from pypi (priority 90).",
        "acme is yanked.",
    ]


def test_the_repositories_of_a_lock() -> None:
    """A repository that the policy does not list is unlisted; one without certificate checks is a trusted host."""
    rules = policy()
    listed = Index("https://corp.example/simple", 4)
    assert not list(lock_sources.judge_index(rules, listed, rules.repositories[0], "Pipfile.lock"))
    odd = Index("https://u:s3cret@evil.example/simple?token=s3cret", 5, is_verified=False)
    found = list(lock_sources.judge_index(rules, odd, None, "Pipfile.lock"))
    assert [(one.code, one.severity, one.line, one.detail) for one in found] == [
        ("unlisted", Severity.ERROR, 5, "https://evil.example/simple"),
        ("trusted-host", Severity.WARNING, 5, "https://evil.example/simple"),
    ]
    assert found[0].remedy == "lock again without it, or add the repository to the policy"
    lax = policy(f'unlisted = "lowest"\n{TWO}')
    assert next(one.severity for one in lock_sources.judge_index(lax, odd, None, "f")) is Severity.NOTE
