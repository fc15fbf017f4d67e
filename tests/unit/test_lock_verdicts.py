"""Verdicts on locks: their files, their sources, and reading a pylock.toml."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from repoprio.audit import lock_sources, lock_verdicts
from repoprio.audit.findings import Finding, Severity
from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.locks import formats, pylock
from repoprio.audit.locks.model import Index, NoLock, Package
from repoprio.audit.locks.reading import LockText
from repoprio.audit.subjects import ListedFile, Offer, Subject, finding_on
from support.policy_files import TWO, parsed_policy
from support.verdicts import ACME, PAGE, decide

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

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
    offered = Offer({"corp": (ListedFile(listed[0], "99.0", listed[1]),)}, {"corp": ("99.0",)})
    told = lock_verdicts.judge_files(parsed_policy(), decision, ACME, [LockedFile(*locked, line=7)], offered)
    assert [finding.code for finding in told] == ([code] if code else [])
    assert all(finding.line == 7 for finding in told)


def test_a_file_of_another_version_or_from_below() -> None:
    """Files of other versions count only if no version is stated; a lower repository that lists the file is named."""
    decision = decide(TWO, {"corp": PAGE, "pypi": PAGE}, below=True)
    files = {"corp": (ListedFile("f.whl", "1.0", SHA),), "pypi": (ListedFile("x.whl", "99.0", SHA),)}
    offered = Offer(files, {"corp": ("1.0",), "pypi": ("99.0",)})
    (told,) = lock_verdicts.judge_files(parsed_policy(), decision, ACME, [LockedFile(None, SHA, None)], offered)
    assert (told.code, told.line) == ("hijack", None)
    assert "only pypi (priority 90) lists it" in told.message
    unpinned = replace(ACME, version=None)
    assert lock_verdicts.judge_files(parsed_policy(), decision, unpinned, [LockedFile(None, SHA, None)], offered) == []
    (bare,) = lock_verdicts.judge_files(parsed_policy(), decision, unpinned, [LockedFile(None, {}, None)], offered)
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


def test_the_repository_that_a_lock_names() -> None:
    """The owner gives no finding; another one is a warning, or an error if nothing proves the files."""
    rules, decision = parsed_policy(), decide(TWO, {"corp": PAGE})
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
    rules = parsed_policy()
    listed = Index("https://corp.example/simple", 4)
    assert not list(lock_sources.judge_index(rules, listed, rules.repositories[0], "Pipfile.lock"))
    odd = Index("https://u:s3cret@evil.example/simple?token=s3cret", 5, is_verified=False)
    found = list(lock_sources.judge_index(rules, odd, None, "Pipfile.lock"))
    assert [(one.code, one.severity, one.line, one.detail) for one in found] == [
        ("unlisted", Severity.ERROR, 5, "https://evil.example/simple"),
        ("trusted-host", Severity.WARNING, 5, "https://evil.example/simple"),
    ]
    assert found[0].remedy == "lock again without it, or add the repository to the policy"
    lax = parsed_policy(f'unlisted = "lowest"\n{TWO}')
    assert next(one.severity for one in lock_sources.judge_index(lax, odd, None, "f")) is Severity.NOTE
