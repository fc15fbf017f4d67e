"""What an audit makes of decisions, locks and lists: the pure parts, every branch."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policy_files import TOOLS
from repoprio import collisions as colliding
from repoprio import lock_verdicts, locks, name_lists, verdicts
from repoprio.answers import Answer, Failed, Missing, Served, Status
from repoprio.config.load import read_text
from repoprio.findings import KINDS, Audit, Finding, Severity, worst_first
from repoprio.inquiry import Run
from repoprio.lock_verdicts import LockedFile
from repoprio.lookup import Decision, Lookup, drive
from repoprio.names import NormalizedName, normalize
from repoprio.pip_adapter import listing
from repoprio.policy import Policy
from repoprio.render import audit as rendered
from repoprio.render import sarif
from repoprio.render.table import painted
from repoprio.verdicts import Listed, Offer, Subject

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TWO = """
[repositories.corp]
url = "https://corp.example/simple/"
priority = 10

[repositories.pypi]
url = "https://pypi.example/simple/"
priority = 90
"""
PAGE: Served[str] = Served("page", 1)
ACME = Subject("acme", "99.0", "is installed", pip="pip", place="site-packages/acme-99.0.dist-info/METADATA")


def policy(text: str = TWO) -> Policy:
    """The policy that `text` is."""
    return read_text(text, "policy.toml", {}, TOOLS)


def decide(text: str, pages: Mapping[str, Answer[str]], *, below: bool = False, fits: bool = False) -> Decision[str]:
    """The decision on acme where these repositories answer so, and the others 404."""
    lookup = Lookup(Run[str](policy(text)), normalize("acme"), below_owner=below)
    return drive(lookup, lambda ask: pages.get(ask.repository.name, Status(404)), lambda _: fits)


def offer(fits: str | None = None, **versions: tuple[str, ...]) -> Offer:
    """What repositories have: one wheel of each version."""
    files = {
        name: tuple(Listed(f"acme-{v}.whl", v, {"sha256": f"{name}{v}"}) for v in found)
        for name, found in versions.items()
    }
    return Offer(files, versions, lambda: fits)


def one(found: list[Finding]) -> tuple[str, str, str]:
    """Code, message and fix of the only finding."""
    (finding,) = found
    return finding.code, finding.message, finding.fix


def test_every_code_is_described() -> None:
    """Each code has a title without a full stop and help in sentences; codes are lower case."""
    for code, kind in KINDS.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert not kind.title.endswith(".")
        assert kind.help.endswith((".", "?"))


def test_what_the_owner_has_is_no_finding() -> None:
    """A version that its owner lists is fine, whatever else it lists; one that it has yanked in part too."""
    found = offer(corp=("99.0", "1.0"))
    decision = decide(TWO, {"corp": PAGE})
    assert verdicts.judge(policy(), decision, ACME, found) == []
    both = {"corp": (Listed("a.whl", "99.0", {}, "bad"), Listed("a.zip", "99.0", {}))}
    assert verdicts.judge(policy(), decision, ACME, Offer(both, found.versions)) == []
    assert verdicts.judge(policy(), decision, replace(ACME, version=None), offer(corp=("1.0",))) == []


def test_a_version_that_is_not_the_owners() -> None:
    """It is told in one sentence, with the owner and what it has, and what would mend it."""
    decision = decide(TWO, {"corp": PAGE, "pypi": PAGE})
    code, said, fix = one(verdicts.judge(policy(), decision, ACME, offer("1.1", corp=("1.1", "1.0"))))
    assert code == "not-the-owners"
    assert said == (
        "acme 99.0 is installed, but acme belongs to corp (priority 10), which has 1.1, 1.0: it came from elsewhere."
    )
    assert "pip install --force-reinstall 'acme==1.1'" in fix
    many = tuple(f"1.{n}" for n in range(20, 0, -1))
    assert "... (20 in all)" in one(verdicts.judge(policy(), decision, ACME, offer(corp=many)))[1]
    code, said, fix = one(verdicts.judge(policy(), decision, ACME, offer(corp=())))
    assert ("which has no file of it" in said, fix.startswith("pip uninstall acme")) == (True, True)


def test_a_hijack_is_called_one_where_others_were_asked() -> None:
    """With what lower repositories have, the sentence names who has it; without, nobody is named."""
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
            {"corp": Failed("down")},
            "unavailable",
            "nothing can be said of acme 99.0: corp (priority 10) is unavailable",
        ),
    ],
)
def test_what_nobody_supplies(more: str, answers: dict[str, Answer[str]], code: str, words: str) -> None:
    """Each way in which nobody supplies a name is a finding of its own, with the rule where there is one."""
    text = TWO + more
    found = verdicts.judge(policy(text), decide(text, answers), ACME, Offer())
    assert (one(found)[0], words in one(found)[1]) == (code, True), found
    assert (found[0].rule is None) == (code == "unknown")
    lock = replace(ACME, pip=None)
    assert "pip " not in one(verdicts.judge(policy(text), decide(text, answers), lock, Offer()))[2]


def test_unknown_with_one_or_no_repository_asked() -> None:
    """The sentence fits however many were asked."""
    alone = '[repositories.corp]\nurl = "https://corp.example/"\n'
    assert "corp (priority 99) was asked." in one(verdicts.judge(policy(alone), decide(alone, {}), ACME, Offer()))[1]
    blind = f'{alone}include = ["other"]\n'
    assert "none could be asked." in one(verdicts.judge(policy(blind), decide(blind, {}), ACME, Offer()))[1]


def test_one_that_was_skipped_may_own_it() -> None:
    """Where skip-if-unavailable let the name fall through, nothing is fine; below the owner it is no matter."""
    text = TWO.replace("priority = 10", "priority = 10\nskip-if-unavailable = true")
    decision = decide(text, {"corp": Failed("down"), "pypi": PAGE})
    assert one(verdicts.judge(policy(text), decision, ACME, offer(pypi=("99.0",))))[0] == "unavailable"
    text = TWO.replace("priority = 90", "priority = 90\nskip-if-unavailable = true")
    decision = decide(text, {"corp": PAGE, "pypi": Failed("down")}, below=True)
    assert verdicts.judge(policy(text), decision, ACME, offer(corp=("99.0",))) == []


def test_a_pins_versions() -> None:
    """What a pin leaves out is told with the pin, also of what is the owner's."""
    text = f'{TWO}[pins.p]\nprojects = ["acme"]\nversions = "<3"\n'
    decision = decide(text, {"corp": PAGE})
    found = verdicts.judge(policy(text), decision, ACME, offer("2.0", corp=("99.0", "2.0")), is_pinned_out=True)
    assert one(found)[:2] == (
        "pin-versions",
        "acme 99.0 is installed, but the policy wants acme <3 (pins.p.versions, policy.toml).",
    )
    assert one(found)[2] == "pip install --force-reinstall 'acme==2.0'"
    assert verdicts.judge(policy(text), decision, ACME, offer(corp=("99.0",))) == []


def test_flexible_mode_lets_lower_ones_in_and_says_so() -> None:
    """What was passed over and has it is fine; what only the lower one has is told; what none has is foreign."""
    text = f'mode = "flexible"\n{TWO}'
    decision = decide(text, {"corp": PAGE, "pypi": PAGE})
    assert decision.of() == []
    assert verdicts.judge(policy(text), decision, ACME, offer(corp=("99.0",))) == []
    fits = Lookup(Run[str](policy(text)), normalize("acme"))
    lower = drive(fits, lambda _: PAGE, lambda found: found[0].repository.name == "pypi")
    code, said, fix = one(verdicts.judge(policy(text), lower, ACME, offer(corp=("1.0",), pypi=("99.0",))))
    assert (code, "is pypi (priority 90)'s: corp (priority 10) has acme as well" in said) == ("passed-over", True)
    assert "publish it to corp" in fix
    assert one(verdicts.judge(policy(text), lower, ACME, offer(corp=("1.0",), pypi=("2.0",))))[0] == "not-the-owners"
    assert one(verdicts.judge(policy(text), decision, ACME, offer(corp=("1.0",))))[0] == "not-the-owners"


def test_a_yanked_version() -> None:
    """One whose files are all yanked is told with the reason, or that there is none."""
    decision = decide(TWO, {"corp": PAGE})
    for reason, words in (("broken", "has yanked it: broken."), ("", "no reason given")):
        files = {"corp": (Listed("a.whl", "99.0", {}, reason),)}
        code, said, fix = one(
            verdicts.judge(policy(), decision, ACME, Offer(files, {"corp": ("99.0",)}, lambda: "1.0"))
        )
        assert (code, words in said, fix) == ("yanked", True, "pip install --force-reinstall 'acme==1.0'")
        lock = replace(ACME, pip=None)
        assert one(verdicts.judge(policy(), decision, lock, Offer(files, {"corp": ("99.0",)})))[2].startswith("lock it")


@pytest.mark.parametrize(
    ("rule", "owner", "theirs", "severity", "words"),
    [
        ("roots", False, False, Severity.NOTE, "no repository had a say."),
        ("refuse", False, False, Severity.ERROR, "no repository had a say."),
        ("allow", True, True, Severity.NOTE, "belongs to corp (priority 10), which lists that very file."),
        ("roots", True, False, Severity.WARNING, "which lists no such file."),
    ],
)
def test_direct_urls(rule: str, owner: bool, theirs: bool, severity: Severity, words: str) -> None:
    """What came from no repository is judged by direct-urls, and by its hash where its owner is known."""
    found = policy(f'direct-urls = "{rule}"\n{TWO}')
    corp = found.repositories[0] if owner else None
    for subject in (ACME, replace(ACME, pip=None)):
        finding = verdicts.direct(found, subject, "https://x.example/a.whl", owner=corp, is_theirs=theirs)
        assert (finding.severity, words in finding.message) == (severity, True), finding.message
        assert finding.rule is not None
        assert finding.rule.key == "direct-urls"
        assert (finding.fix == "nothing, if you asked for it") == (severity is Severity.NOTE)


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
    """A file is its owner's only if the owner states each hash that the lock has, and one is strong."""
    decision = decide(TWO, {"corp": PAGE})
    found = Offer({"corp": (Listed(listed[0], "99.0", listed[1]),)}, {"corp": ("99.0",)})
    told = lock_verdicts.judge_files(policy(), decision, ACME, [LockedFile(*locked, line=7)], found)
    assert [finding.code for finding in told] == ([code] if code else [])
    assert all(finding.line == 7 for finding in told)


def test_a_file_of_another_version_or_from_below() -> None:
    """Files of other versions do not count, but where none is stated; a lower repository that lists it is named."""
    decision = decide(TWO, {"corp": PAGE, "pypi": PAGE}, below=True)
    files = {"corp": (Listed("f.whl", "1.0", SHA),), "pypi": (Listed("x.whl", "99.0", SHA),)}
    found = Offer(files, {"corp": ("1.0",), "pypi": ("99.0",)})
    (told,) = lock_verdicts.judge_files(policy(), decision, ACME, [LockedFile(None, SHA, None)], found)
    assert (told.code, told.line) == ("hijack", None)
    assert "only pypi (priority 90) lists it" in told.message
    unpinned = replace(ACME, version=None)
    assert lock_verdicts.judge_files(policy(), decision, unpinned, [LockedFile(None, SHA, None)], found) == []
    (bare,) = lock_verdicts.judge_files(policy(), decision, unpinned, [LockedFile(None, {}, None)], found)
    assert (bare.code, "its file has no hash" in bare.message) == ("no-hash", True)


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


def read(text: str) -> list[locks.Package]:
    """The packages of a pylock.toml."""
    return locks.packages(tomllib.loads(text), text, "pylock.toml")


def test_a_pylock_is_read_with_its_lines() -> None:
    """Names, versions, files with their hashes and lines; and where other things come from, without logins."""
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
    """A document of another shape is told by file and line, and ends in [usage]."""
    with pytest.raises(locks.NoLock, match=r"^pylock\.toml.*\[usage\]$"):
        read(text)


def test_names_of_locks() -> None:
    """PEP 751 names the files."""
    assert [locks.is_pylock(n) for n in ("pylock.toml", "pylock.dev.toml", "pylock.a.b.toml", "lock.toml")] == [
        True,
        True,
        False,
        False,
    ]


def shared(text: str, lists: Mapping[str, set[str]], against: str | None = None) -> dict[str | None, Finding]:
    """The findings on lists, by project."""
    found = {name: frozenset(map(normalize, names)) for name, names in lists.items()}
    return {f.project: f for f in colliding.collisions(policy(text), found, against)}


BOTH = {"corp": {"acme", "own"}, "pypi": {"acme", "requests"}}


@pytest.mark.parametrize(
    ("text", "code", "owner", "key"),
    [
        (TWO, "shadowed", "corp", "repositories.corp.priority"),
        (f'mode = "flexible"\n{TWO}', "shadowed", "corp", "repositories.corp.priority"),
        (TWO.replace("90", "10"), "merged", "corp", "repositories.corp.priority"),
        (f'{TWO}[pins.p]\nprojects = ["acme"]\nmode = "merge"\n', "merged", "corp", "pins.p.mode"),
        (f'{TWO}[pins.p]\nprojects = ["acme"]\nrepositories = ["pypi"]\n', "protected", "pypi", "pins.p.repositories"),
        (f'{TWO}[pins.p]\nprojects = ["acme"]\nblock = "no"\n', "protected", None, "pins.p"),
        (
            f'{TWO}[pins.p]\nprojects = ["acm?"]\nblock = "a"\n[pins.q]\nprojects = ["ac?e"]\nblock = "b"\n',
            "protected",
            None,
            "pins.p",
        ),
        (TWO.replace("priority = 10", 'priority = 10\nowns = ["ac*"]'), "protected", "corp", "repositories.corp.owns"),
        (
            TWO.replace("priority = 10", 'priority = 10\nnamespaces = ["acme"]'),
            "protected",
            "corp",
            "repositories.corp.namespaces",
        ),
        (f'{TWO}exclude = ["acme"]\n', "protected", "corp", "repositories.pypi.exclude"),
        (f'{TWO}exclude = ["x"]\ninclude = ["other"]\n', "protected", "corp", "repositories.pypi.include"),
        (f"{TWO}explicit = true\n", "protected", "corp", "repositories.pypi.explicit"),
        (f"{TWO}enabled = false\n", "protected", "corp", "repositories.pypi.enabled"),
        (
            f'{TWO}explicit = true\nexclude = ["acme"]\n'.replace("priority = 10", "priority = 10\nexplicit = true"),
            "protected",
            None,
            "repositories.corp.explicit",
        ),
        (
            TWO.replace("priority = 10", 'priority = 10\nowns = ["acme"]')
            + 'owns = ["acme"]\n[repositories.x]\nurl = "https://x.example/"\npriority = 5\n',
            "shadowed",
            "corp",
            "repositories.corp.priority",
        ),
    ],
)
def test_shared_names(text: str, code: str, owner: str | None, key: str) -> None:
    """What the policy makes of a name that two list, by which key, and who owns it."""
    found = shared(text, BOTH)
    finding = found["acme"]
    assert (finding.code, finding.repository.name if finding.repository else None) == (code, owner), finding
    assert finding.rule is not None
    assert (finding.rule.key, finding.rule.file) == (key, "policy.toml")
    assert "acme is listed by corp (priority 10) and pypi (priority" in finding.message
    assert list(found) == ["acme"]


def test_the_remedy_keeps_what_is_there() -> None:
    """The TOML that mends it is a policy's, has the names that `owns` had, and leaves nothing to mend."""
    text = TWO.replace("priority = 10", 'priority = 10\nowns = ["old-*"]')
    found = list(shared(text, BOTH).values())
    mended = colliding.remedy(policy(text), found)
    assert tomllib.loads(mended) == {"repositories": {"corp": {"owns": ["old-*", "acme"]}}}
    again = TWO.replace("priority = 10", 'priority = 10\nowns = ["old-*", "acme"]')
    assert [f.code for f in shared(again, BOTH).values()] == ["protected"]
    assert colliding.remedy(policy(again), list(shared(again, BOTH).values())) == ""
    assert 'repositories.corp.owns = ["old-*", "acme"]' in found[0].fix


def test_against_one_repository() -> None:
    """With --against only what that one shares is told, and who lists it among all."""
    text = f'{TWO}[repositories.team]\nurl = "https://team.example/"\npriority = 50\n'
    lists = {"corp": {"a", "c"}, "team": {"a", "b"}, "pypi": {"a", "b", "c"}}
    assert set(shared(text, lists)) == {"a", "b", "c"}
    assert set(shared(text, lists, "team")) == {"a", "b"}
    assert shared(text, lists, "team")["a"].message.startswith(
        "a is listed by corp (priority 10), team (priority 50) and pypi (priority 90); corp (priority 10) owns it"
    )


def many(count: int, prefix: str = "p-") -> set[str]:
    """That many names."""
    return {f"{prefix}{number}" for number in range(count)}


def test_a_mirror_is_one_finding() -> None:
    """Two repositories that share most, or very much, are told as such; as an error where they share a tier."""
    for lists in ({"corp": many(60), "pypi": many(500)}, {"corp": many(1500) | many(3000, "c-"), "pypi": many(1500)}):
        (finding,) = shared(TWO, lists).values()
        assert (finding.code, finding.severity) == ("mirror", Severity.WARNING)
        assert "100 % of what" in finding.message
        assert "repositories.corp.namespaces" in finding.fix
    (finding,) = shared(TWO.replace("90", "10"), {"corp": many(60), "pypi": many(60)}).values()
    assert finding.severity is Severity.ERROR
    assert len(shared(TWO, {"corp": many(40), "pypi": many(40)})) == 40


@pytest.mark.parametrize(
    "rules",
    [
        'namespaces = ["p-*"]',
        'owns = ["p-*"]',
        'owns = ["*p-*"]',
        "explicit = true",
        'exclude = ["p-*"]',
        'include = ["*-x"]',
        f"owns = {json.dumps(sorted(many(2000)))}",
    ],
)
def test_a_flood_that_the_policy_routes_is_a_note(rules: str) -> None:
    """What is routed, or kept from one of them, is no sign of a mirror; the few names that are free are told."""
    text = TWO.replace("priority = 10", f"priority = 10\n{rules}")
    lists = {"corp": many(2000) | {"free-x"}, "pypi": many(2000) | {"free-x"}}
    found = shared(text, lists)
    free = {"free-x"} - ({"free-x"} if "explicit" in rules or "namespaces" in rules else set())
    assert (found[None].code, set(found) - {None}) == ("protected", free)
    assert f"both list {2001 - len(free)} names" in found[None].message


def audit(*findings: Finding, **keys: Any) -> Audit:
    """An audit of 42 distributions."""
    return replace(Audit("environment", "distribution", 42, worst_first(findings)), **keys)


FOUND = Finding(
    "not-the-owners",
    "acme 99.0 is installed, but \x1b[31macme belongs to corp.",
    "pip install --force-reinstall 'acme==1.1'",
    "acme",
    "99.0",
    policy().repositories[0],
    policy().rule("repositories.corp.priority", "10"),
    place="site-packages/acme-99.0.dist-info/METADATA",
)
NOTE = Finding(
    "direct-url", "x came from a URL (repositories.corp.priority = 10 (policy.toml)).", "nothing", "x", rule=FOUND.rule
)


def test_the_screen_begins_with_what_it_comes_to() -> None:
    """One line first; then each finding, the worst first, with code, rule, fix; no control character gets through."""
    text = rendered.screen(audit(NOTE, FOUND, help="go/pip"), 80)
    assert text.startswith("2 findings in 42 distributions: 1 error, 1 note\n\n  error    acme 99.0 is installed")
    assert "\x1b" not in text
    assert text.count("rule: ") == 1
    assert text.endswith("\n\nhelp: go/pip")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert rendered.screen(audit(), 80) == "No findings: 42 distributions are what the policy would give."
    assert rendered.screen(audit(checked=1), 80) == "No findings: 1 distribution is what the policy would give."
    assert "\x1b[31merror\x1b[0m    acme" in rendered.screen(audit(FOUND), 80, painted)
    located = [replace(FOUND, file="r.txt", line=3), replace(FOUND, file="pylock.toml")]
    assert "r.txt:3: acme" in rendered.screen(audit(*located), 200)
    assert "pylock.toml: acme" in rendered.screen(audit(*located), 200)


def test_many_collisions_are_cut_short() -> None:
    """The first 20 are shown, and the remedy where it is short; -v shows all; JSON and SARIF have all."""
    found = [replace(FOUND, code="shadowed", project=f"p{n}") for n in range(30)]
    many_of_them = audit(*found, subject="collisions", unit="name", remedy="[a]\n" * 30)
    short, whole = rendered.screen(many_of_them, 80), rendered.screen(many_of_them, 80, whole=True)
    assert short.count("[shadowed]") == 20
    assert "... and 10 more: -v shows all of them." in short
    assert ("[a]" in short, whole.count("[a]"), whole.count("[shadowed]")) == (False, 30, 30)
    assert "  [a]" in rendered.screen(replace(many_of_them, remedy="[a]\n"), 80)
    assert len(json.loads(rendered.document(many_of_them))["findings"]) == 30
    assert len(json.loads(sarif.document(many_of_them, "1.0"))["runs"][0]["results"]) == 30
    none = rendered.screen(audit(subject="collisions", unit="name", checked=1000), 80)
    assert none == "No findings: 1,000 names are listed by one repository each."


def test_exit_status_and_counts() -> None:
    """Notes alone are no failure."""
    assert (audit(NOTE).fails, audit(FOUND, NOTE).fails, audit().fails) == (False, True, False)
    found = json.loads(rendered.document(audit(FOUND, NOTE)))
    assert found["schema"] == 1
    assert found["checked"] == 42
    codes = {"direct-url": 1, "not-the-owners": 1}
    assert found["summary"] == {"findings": 2, "error": 1, "warning": 0, "note": 1, "codes": codes}
    assert set(found["findings"][0]) == {
        *("code", "severity", "project", "version", "repository", "priority", "message", "fix", "rule", "file", "line"),
    }
    assert found["findings"][0]["rule"] == {
        "key": "repositories.corp.priority",
        "value": "10",
        "origin": "policy.toml",
    }
    assert found["findings"][1]["repository"] is None


def sarif_schema() -> dict[str, Any]:
    """The official schema where REPOPRIO_SARIF_SCHEMA names a copy; else what it says of the parts that are used."""
    named = os.environ.get("REPOPRIO_SARIF_SCHEMA")
    file = Path(named) if named else Path(__file__).parent / "support" / "sarif.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def check_sarif(text: str) -> dict[str, Any]:
    """The only run of a log that is valid, and that code-scanning pages take."""
    log = json.loads(text)
    schema = sarif_schema()
    jsonschema.validators.validator_for(schema)(schema).validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
    found: dict[str, Any] = run
    return found


def test_sarif_is_valid_and_stable() -> None:
    """It fits the schema; fingerprints do not change with lines and words, and differ from one another."""
    found = [FOUND, FOUND, replace(FOUND, file="a b/pylock.toml", line=9), NOTE]
    run = check_sarif(sarif.document(audit(*found), "1.0"))
    levels = [(r["ruleId"], r["level"]) for r in run["results"]]
    assert levels == [*[("not-the-owners", "error")] * 3, ("direct-url", "note")]
    assert "\x1b" not in json.dumps(run["results"])
    assert "\\u001b" not in json.dumps(run["results"])
    assert run["automationDetails"]["id"] == "repoprio/environment/"
    moved = replace(FOUND, line=4, message="said better", fix="other")
    assert sarif.fingerprint(moved) == sarif.fingerprint(FOUND)
    assert sarif.fingerprint(replace(FOUND, version="98.0")) != sarif.fingerprint(FOUND)


@pytest.mark.parametrize(
    ("finding", "artifact"),
    [
        (FOUND, {"uri": "site-packages/acme-99.0.dist-info/METADATA", "uriBaseId": "%SRCROOT%"}),
        (replace(FOUND, file="./a b/r.txt"), {"uri": "a%20b/r.txt", "uriBaseId": "%SRCROOT%"}),
        (replace(FOUND, file="/srv/r.txt"), {"uri": "file:///srv/r.txt"}),
        (replace(FOUND, file="C:\\work\\r.txt"), {"uri": "file:///C:/work/r.txt"}),
        (replace(FOUND, file="sub\\r.txt"), {"uri": "sub/r.txt", "uriBaseId": "%SRCROOT%"}),
        (replace(FOUND, place=None, project=None), {"uri": "repoprio.toml", "uriBaseId": "%SRCROOT%"}),
    ],
)
def test_sarif_places(finding: Finding, artifact: dict[str, str]) -> None:
    """A path is a URI, relative as it was given; each finding has one, for pages show none without."""
    (result,) = check_sarif(sarif.document(audit(finding), "1.0"))["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"] == artifact
    assert ("logicalLocations" in location) == (finding.project is not None)


NAMES = st.lists(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True), min_size=1, max_size=6)
HEADS = st.sampled_from(
    [
        "",
        "<!DOCTYPE html>\n",
        "<html>",
        "<head>",
        '<meta name="pypi:repository-version" content="1.3">',
        "<title>S</title>",
    ]
)
SCRAPS = [
    *("<", ">", '"', "'", "</a>", "<!--", "-->", "<script>", "<title>", "</html>", "<br/>", "\n", " ", "&amp;", "//"),
    *("/", "?x", "#y", "%2e", "..", "http:", "a", "<a href=", "\x00", "]", "[", "{", "}", ",", ":", "\\", "1", "null"),
    *('"name"', '"projects":[', '"_last-serial":07', "\u0130", "\u017f", '<body x="'),
    '<meta name="pypi:repository-version" content="2.0">',
]


def html_list(names: list[str], *, base: str, between: str, close: str) -> str:
    """A plain list, as servers write it."""
    links = between.join(f'<a href="{base}{name}/">{name}</a>' for name in names)
    head = '<meta name="pypi:repository-version" content="1.1">\n<title>Simple index</title>'
    return f"<!DOCTYPE html>\n<html>\n<head>\n{head}</head>\n<body>\n{links}{close}</body>\n</html>\n"


@st.composite
def html_texts(draw: st.DrawFn) -> str:
    """A plain list with things cut out of it, put into it, doubled."""
    base = draw(st.sampled_from(["/simple/", "", "../", "https://h.example:80/simple/", "//h.example/", "http://"]))
    between = draw(st.sampled_from(["\n", "<br/>\n", "<br />", " ", "x"]))
    text = html_list(draw(NAMES), base=base, between=between, close=draw(st.sampled_from(["", "<br>\n"])))
    return draw(st.one_of(st.just(text), mangled(text)))


@st.composite
def json_texts(draw: st.DrawFn) -> str:
    """A plain list of PEP 691, mangled."""
    projects = [{"_last-serial": n, "name": name} if n % 2 else {"name": name} for n, name in enumerate(draw(NAMES))]
    meta = draw(st.sampled_from([{"api-version": "1.4"}, {"api-version": "2.0"}, {"_x": "]"}]))
    document = {"meta": meta, "projects": projects, **draw(st.sampled_from([{}, {"x": {"projects": [{}]}}]))}
    text = json.dumps(document, indent=draw(st.sampled_from([None, 1])))
    return draw(st.one_of(st.just(text), mangled(text)))


@st.composite
def mangled(draw: st.DrawFn, text: str) -> str:
    """`text` with pieces cut out, doubled, and put in."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        to = draw(st.integers(at, min(len(text), at + 30)))
        piece = draw(st.sampled_from([*SCRAPS, text[at:to]]))
        text = text[:at] + piece + text[draw(st.sampled_from([at, to])) :]
    return text


def slowly(read_list: Any, text: str) -> frozenset[NormalizedName] | None:
    """What the slow reader reads; None where it is no list to it."""
    try:
        found: frozenset[NormalizedName] = read_list(text)
    except (ValueError, RecursionError):
        return None
    return found


@settings(max_examples=1500, deadline=None)
@given(html_texts())
@example("<html><body><a href='/simple/a/'>a</a></body></html>")
@example('<html><body x="<a href="/a/">a</a></body></html>')
@example('<html><body><a href="http://a/">a</a></body></html>')
@example('<html><body><a href="//a/">a</a></body></html>')
@example(
    '<html><head><meta name="pypi:repository-version" content="1" name="x"></head><body><a href="a">a</a></body></html>'
)
@example('<html><head><title>pypi:repository-version</title></head><body><a href="a/">A</a></body></html>')
@example('<html><body><a href="a/">A</a></body><a href="b">b</a></body></html>')
@example('<html><body><a href="a.b/">A--B</a></body></html>')
@example("<html><body></body></html>")
def test_fast_html_lists_are_read_as_slow_ones(text: str) -> None:
    """Whatever the fast reader reads the slow one reads alike, its version too; it never takes what that refuses."""
    fast, slow = name_lists.from_html(text), slowly(listing.names_from_html, text)
    if fast is not None:
        assert (fast[0] if fast[1].split(".")[0] == "1" else None) == slow


@settings(max_examples=1500, deadline=None)
@given(json_texts())
@example('{"x": {"projects": [{"name": "a"}]}, "projects": [{"name": "b"}]}')
@example('{"projects": [{"name": "a"}], "projects": [{"name": "b"}]}')
@example('{"projects": [{"name": "b"}], "x": {"projects": [{"name": "a"}]}}')
@example('{"projects": [{"name": "a", "name": 7}]}')
@example('{"projects": [{"name": "a"}]')
@example('{"projects": [{"name": "a"}')
@example('["projects", {"projects": [{"name": "a"}]}]')
@example('{"projects": [{"name": "a"}], "x": "29", "y": "29", "z": "43"}')
@example('{"projects": [{"name": "a"},]}')
def test_fast_json_lists_are_read_as_slow_ones(text: str) -> None:
    """The same for JSON."""
    fast, slow = name_lists.from_json(text), slowly(listing.names_from_json, text)
    if fast is not None:
        assert (fast[0] if listing.api_major(fast[1]) == "1" else None) == slow


def test_plain_lists_are_read_fast() -> None:
    """What PyPI, devpi and others write is plain: the fast reader reads it."""
    names = ["acme", "Foo.Bar", "a__b", "0", "zope.interface"]
    expected = {"acme", "foo-bar", "a-b", "0", "zope-interface"}
    for base, between in (("/simple/", "<br/>\n"), ("", "\n    "), ("https://h.example/simple/", " ")):
        found = name_lists.from_html(html_list(names, base=base, between=between, close="\n"))
        assert (found and set(found[0]), found and found[1]) == (expected, "1.1")
    bare = "<html><body><a href='x'>x</a></body></html>".replace("'", '"')
    assert name_lists.from_html(bare) == (frozenset({normalize("x")}), "1.0")
    projects = [{"_last-serial": n, "name": name} for n, name in enumerate(names)]
    for indent in (None, 2):
        text = json.dumps({"meta": {}, "projects": projects}, indent=indent)
        read_back = name_lists.from_json(text)
        assert read_back is not None
        assert (set(read_back[0]), read_back[1]["meta"]) == (expected, {})


def test_a_flat_answer_is_missing_for_pure_decisions() -> None:
    """A repository without the name is asked and passed: the owner below it is judged."""
    decision = decide(TWO, {"corp": Missing(), "pypi": PAGE})
    assert verdicts.judge(policy(), decision, ACME, offer(pypi=("99.0",))) == []
