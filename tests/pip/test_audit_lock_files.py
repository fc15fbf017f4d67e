"""`repoprio audit` of locks: pylock.toml, requirements with hashes, and what their files name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest

from support.audits import Audited
from support.repository import FlatDirectory
from support.sarif import check_sarif

PIPS = ["22.0.2", "26.3"]


def test_zeros_at_the_end_of_a_release_do_not_count(audited: Callable[..., Audited]) -> None:
    """1.0.0 is the owner's 1.0, installed or locked; it is shown as written, and an epoch or a local part counts."""
    two = audited()
    two.dist_info("acme-1.1.0.dist-info", "Name: acme\nVersion: 1.1.0\n")
    assert two.installed() == {}
    theirs = two.corp.files("acme")[1]
    (two.folder / "pylock.toml").write_text(pylock(locked("acme", "1.1.0.0", theirs.filename, theirs.sha256)))
    assert two.found("pylock.toml") == (0, [])
    (two.folder / "reqs.txt").write_text(f"acme==1.1.0 --hash=sha256:{theirs.sha256}\n")
    assert two.found("reqs.txt") == (0, [])
    two.corp.add("old", "1.0 yanked")
    two.dist_info("old-1.0.0.dist-info", "Name: old\nVersion: 1.0.0\n")
    assert two.installed() == {"old": "yanked"}
    for version in ("1!1.1.0", "1.1.0+x", "1.10", "1.1.0rc1", "1.1.0.post1"):
        shutil.rmtree(two.packages)
        two.dist_info(f"acme-{version}.dist-info", f"Name: acme\nVersion: {version}\n")
        _, (finding,) = two.found("--path", str(two.packages))
        assert (finding["code"], finding["version"]) == ("not-the-owners", version)


def pylock(*packages: str) -> str:
    """A pylock.toml with these packages."""
    return "\n".join(['lock-version = "1.0"', 'created-by = "a test"', *(f"[[packages]]\n{p}" for p in packages), ""])


def locked(name: str, version: str, file: str, sha256: str) -> str:
    """A package of a lock with one wheel."""
    url = f"https://user:s3cret@x.example/{file}"
    wheel = f'{{ url = "{url}", hashes = {{ sha256 = "{sha256}" }} }}'
    return f'name = "{name}"\nversion = "{version}"\nwheels = [\n  {wheel},\n]'


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize("layout", ["json", "html"])
def test_a_pylock(pip: str, layout: str, audited: Callable[..., Audited]) -> None:
    """Its files must be the owner's by their hashes, otherwise they are reported by line; its URLs do not matter."""
    two = audited(pip, layout=layout)
    theirs, foreign = two.corp.files("acme")[1], two.public.files("acme")[0]
    lock = two.folder / "pylock.toml"
    lock.write_text(pylock(locked("acme", "1.1", theirs.filename, theirs.sha256)))
    done = two.audit("pylock.toml")
    assert (done.code, done.stdout) == (0, "No findings: 1 package is what the policy would install.\n"), done.stderr
    lock.write_text(
        pylock(
            locked("acme", "1.1", theirs.filename, foreign.sha256),
            locked("acme", "99.0", foreign.filename, foreign.sha256),
            'name = "tool"\nvcs = { type = "git", url = "https://u:s3cret@g.example/t", commit-id = "abc" }',
        )
    )
    code, findings = two.found("pylock.toml")
    assert code == 1
    assert [(f["code"], f["file"], f["line"]) for f in findings] == [
        ("not-the-owners-file", "pylock.toml", 7),
        ("not-the-owners", "pylock.toml", 9),
        ("direct-url", "pylock.toml", 15),
    ]
    assert "s3cret" not in json.dumps(findings)
    assert not two.public.asked("acme")
    assert [f["code"] for f in two.found("--shadowed", "pylock.toml")[1]][:2] == ["not-the-owners-file", "hijack"]


@pytest.mark.parametrize("pip", PIPS)
def test_requirements_with_hashes(pip: str, audited: Callable[..., Audited]) -> None:
    """Each hash must be that of a file of the owner; nested files have their own lines; markers do not matter."""
    two = audited(pip)
    theirs, foreign = two.corp.files("acme")[1], two.public.files("acme")[0]
    pad = two.public.files("leftpad")[0]
    (two.folder / "sub").mkdir()
    (two.folder / "sub" / "more.txt").write_text(
        f"\nleftpad==1.0 --hash=sha256:{pad.sha256}\nleftpad==1.0\nleftpad>=1\n"
    )
    (two.folder / "reqs.txt").write_text(
        f"# a comment\nacme==1.1 ; python_version < '3' \\\n    --hash=sha256:{theirs.sha256} \\\n"
        f"    --hash=sha256:{foreign.sha256}\n-r sub/more.txt\ntool @ https://u:s3cret@x.example/tool.zip\n"
    )
    code, findings = two.found("-r", "reqs.txt")
    told = [(f["code"], f["project"], f["file"], f["line"]) for f in findings]
    assert code == 1
    assert told == [
        ("not-the-owners-file", "acme", "reqs.txt", 2),
        ("no-hash", "leftpad", "sub/more.txt", 3),
        ("not-pinned", "leftpad", "sub/more.txt", 4),
        ("no-hash", "leftpad", "sub/more.txt", 4),
        ("direct-url", "tool", "reqs.txt", 6),
    ], told
    assert "s3cret" not in json.dumps(findings)
    assert not two.public.asked("acme")
    (two.folder / "reqs.txt").write_text(f"acme==1.1 --hash=sha256:{theirs.sha256}\n")
    assert two.found("reqs.txt") == (0, [])
    # The > of Windows PowerShell writes UTF-16, which pip reads.
    (two.folder / "reqs.txt").write_text(f"acme==1.1 --hash=sha256:{theirs.sha256}\r\n", encoding="utf-16")
    assert two.found("reqs.txt") == (0, [])
    # What a constraint pins is pinned.
    (two.folder / "pins.txt").write_text(f"acme==1.1 --hash=sha256:{theirs.sha256}\n")
    (two.folder / "reqs.txt").write_text("-c pins.txt\nacme\n")
    assert two.found("reqs.txt") == (0, [])


def test_a_file_without_any_hash_is_reported_once(audited: Callable[..., Audited]) -> None:
    """The output of `pip freeze` has no hashes.

    That is one warning for each file, besides the findings of each line.
    """
    two = audited()
    two.public.add("six", "1.0")
    freeze = "acme==99.0\nleftpad==1.0\nsix==1.0\ntool @ https://x.example/tool.zip\n"
    (two.folder / "freeze.txt").write_text(freeze)
    (two.folder / "lone.txt").write_text("six==1.0\n")
    code, findings = two.found("freeze.txt", "lone.txt")
    told = [(f["code"], f["project"], f["file"], f["line"]) for f in findings]
    assert (code, told) == (
        1,
        [
            ("not-the-owners", "acme", "freeze.txt", 1),
            ("no-hash", None, "freeze.txt", None),
            ("no-hash", "six", "lone.txt", 1),
            ("direct-url", "tool", "freeze.txt", 4),
        ],
    )
    said = "none of its 4 packages has a hash: pinned versions were checked against the policy, but no files."
    assert findings[1]["message"] == said
    pad = two.public.files("leftpad")[0]
    hashed = f"leftpad==1.0 --hash=sha256:{pad.sha256}\nsix==1.0\nsix==1.0\n"
    (two.folder / "some.txt").write_text(hashed)
    _, findings = two.found("some.txt")
    assert [(f["code"], f["line"]) for f in findings] == [("no-hash", 2), ("no-hash", 3)]
    # A file with only the hash of its URL has one too.
    url = f"leftpad==1.0\nsix==1.0\ntool @ https://x.example/tool.zip --hash=sha256:{pad.sha256}\n"
    (two.folder / "url.txt").write_text(url)
    _, findings = two.found("url.txt")
    assert [f["line"] for f in findings if f["code"] == "no-hash"] == [1, 2]
    check_sarif(two.audit("freeze.txt", "--format", "sarif").stdout)


def test_a_file_that_names_an_index(audited: Callable[..., Audited]) -> None:
    """An index that the policy does not list is a finding, as unlisted says; the others are still audited."""
    two = audited()
    (two.folder / "reqs.txt").write_text(
        f"-i {two.corp.page_url}\n--extra-index-url https://u:s3cret@evil.example/simple\nacme==99.0\n"
    )
    code, findings = two.found("reqs.txt")
    assert (code, [(f["code"], f["severity"], f["line"]) for f in findings]) == (
        1,
        [("unlisted", "error", 2), ("not-the-owners", "error", 3)],
    )
    assert "s3cret" not in json.dumps(findings)
    for unlisted in ("ignore", "lowest"):
        two.policy(before=f'unlisted = "{unlisted}"')
        _, findings = two.found("reqs.txt")
        assert [(f["code"], f["severity"]) for f in findings] == [("not-the-owners", "error"), ("unlisted", "note")]


@pytest.mark.parametrize("pip", PIPS)
def test_a_file_that_trusts_a_host(pip: str, audited: Callable[..., Audited]) -> None:
    """A `--trusted-host` is reported with file and line, and has no effect on what the audit asks."""
    two = audited(pip)
    # Loopback addresses are trusted anyway, this name is not: nothing is sent there.
    corp = "http://corp.invalid:8080/simple/"
    two.file.write_text(f'[repositories.corp]\nurl = "{corp}"\n')
    (two.folder / "more.txt").write_text("\n--trusted-host other.invalid\n")
    (two.folder / "reqs.txt").write_text("--trusted-host corp.invalid\n-r more.txt\nacme==1.1\n")
    code, findings = two.found("reqs.txt")
    told = [(f["code"], f["file"], f["line"]) for f in findings]
    assert code == 1
    assert told == [
        ("trusted-host", "reqs.txt", 1),
        ("trusted-host", "more.txt", 2),
        ("unavailable", "reqs.txt", 3),
    ]
    assert "neither https nor a trusted host" in findings[-1]["message"], findings[-1]
    (two.folder / "reqs.txt").write_text("--cert /x\nacme==1.1\n")
    assert two.audit("reqs.txt").code == 2


@pytest.mark.parametrize("pip", PIPS)
def test_options_of_a_file_change_no_look_up(pip: str, audited: Callable[..., Audited]) -> None:
    """Options in a file about wheels and indexes affect neither the findings nor the requests."""
    two = audited(pip)
    two.policy(before='mode = "flexible"')
    theirs = two.corp.files("acme")[1]
    (two.folder / "options.txt").write_text("--no-binary :all:\n--pre\n--find-links /x\n")
    (two.folder / "reqs.txt").write_text(f"acme==1.1 --hash=sha256:{theirs.sha256}\n")
    assert two.found("reqs.txt") == (0, [])
    _, findings = two.found("options.txt", "reqs.txt")
    assert [f["code"] for f in findings] == ["unlisted"]
    assert not two.public.asked("acme")


def test_a_requirement_with_two_pins(audited: Callable[..., Audited]) -> None:
    """acme==1.0,==9.0 names no version, and is reported; two spellings of one version are one version."""
    two = audited()
    theirs = two.corp.files("acme")[0]
    for line, codes in (
        ("acme==1.0,==9.0", ["not-pinned"]),
        ("acme==1.0,==1.0.0", []),
        ("acme==1.0,>0.1", []),
        ("-c pins.txt\nacme==9.0", ["not-pinned"]),
    ):
        (two.folder / "pins.txt").write_text("acme==1.0\n")
        (two.folder / "reqs.txt").write_text(f"{line} --hash=sha256:{theirs.sha256}\n")
        code, findings = two.found("reqs.txt")
        assert ([f["code"] for f in findings], code) == (codes, int(bool(codes)))
        assert all("1.0 and 9.0, not one version" in f["message"] for f in findings)


def test_a_package_with_two_sources(audited: Callable[..., Audited]) -> None:
    """PEP 751 forbids two sources: that is reported, and its wheels are audited anyway."""
    two = audited()
    foreign = two.public.files("acme")[0]
    wheels = locked("acme", "99.0", foreign.filename, foreign.sha256)
    vcs = 'vcs = { type = "git", url = "https://g.example/t", commit-id = "abc" }'
    archive = f'archive = {{ url = "https://g.example/t.zip", hashes = {{ sha256 = "{"0" * 64}" }} }}'
    rivals = ["two-sources", "not-the-owners", "direct-url"]
    for more, codes in ((vcs, rivals), (archive, rivals), (f"{vcs}\n{archive}", rivals)):
        (two.folder / "pylock.toml").write_text(pylock(f"{wheels}\n{more}"))
        assert [f["code"] for f in two.found("pylock.toml")[1]] == codes
    (two.folder / "pylock.toml").write_text(pylock(f'name = "acme"\n{vcs}\n{archive}'))
    assert [f["code"] for f in two.found("pylock.toml")[1]] == ["two-sources", "direct-url"]
    (two.folder / "pylock.toml").write_text(pylock(f'name = "acme"\nwheels = []\n{vcs}'))
    assert [f["code"] for f in two.found("pylock.toml")[1]] == ["direct-url"]


def test_invalid_names_are_redacted_and_cut(audited: Callable[..., Audited]) -> None:
    """Arbitrary text in a lock or in metadata is shown shortened, and without logins."""
    two = audited()
    url = "http://u:hunter2@x/"
    wheel = locked("acme", "1.1", "x.whl", "0" * 64)
    files = f'[{{ name = "{url}x.whl", hashes = {{ "{url}" = "00" }} }}]'
    (two.folder / "pylock.toml").write_text(
        pylock(
            wheel.replace('"acme"', f'"{url}"'),
            wheel.replace('"1.1"', f'"{url}"'),
            f'name = "acme"\nversion = "1.1"\nwheels = {files}',
            wheel.replace('"acme"', f'"{"n" * 5000}"').replace('"1.1"', f'"{"1" * 5000}"'),
        )
    )
    two.dist_info("x-1.0.dist-info", f"Name: {url}\nVersion: {url}\n")
    two.dist_info("y-1.0.dist-info", f"Name: {'y' * 5000}\nVersion: 1.0\n")
    for arguments in (["pylock.toml"], ["--path", str(two.packages)]):
        for format_ in ("text", "json", "sarif"):
            done = two.audit(*arguments, "--format", format_)
            assert (done.code, "hunter2" in done.stdout + done.stderr, "y" * 300 in done.stdout) == (1, False, False)
            assert not {"n" * 300, "1" * 300} & set(done.stdout.split())
        check_sarif(done.stdout)
    for wrong in (f'name = "{url}"\nwheels = 1', f'name = "{url}"\nvcs = 1', f'name = "{url}"\nwheels = [{{}}]'):
        (two.folder / "pylock.toml").write_text(pylock(wrong))
        done = two.audit("pylock.toml")
        assert (done.code, "hunter2" in done.stderr) == (2, False)


@pytest.mark.parametrize("text", ["lock-version = 1.0", "packages = []"])
def test_a_lock_version_is_a_string(text: str, audited: Callable[..., Audited]) -> None:
    """A `lock-version` that is a number, or missing, gives an error that says it must be a string."""
    two = audited()
    (two.folder / "pylock.toml").write_text(text)
    done = two.audit("pylock.toml")
    assert (done.code, 'it must be a string, "1.0".    [usage]' in done.stderr) == (2, True)


@pytest.mark.parametrize("pip", PIPS)
def test_no_control_character_gets_out(pip: str, audited: Callable[..., Audited]) -> None:
    """Control characters in names and contents of files do not reach a terminal."""
    two = audited(pip)
    escape = "\x1b[31m\x07"
    nested = two.folder / f"n{escape}.txt"
    nested.write_text(f"--hash=sha256:{'0' * 64}\n--trusted-host h{escape}\nacme==1.1\n")
    (two.folder / "nesting.txt").write_text(f"-r {nested.name}\n")
    (two.folder / "wrong.txt").write_text(f"acme @@ {escape}\n")
    (two.folder / "option.txt").write_text(f"--no-such{escape}\n")
    (two.folder / "pylock.toml").write_text(f'lock-version = "1.0"\n[[packages]]\nname = "x" {escape}\n')
    for arguments in (
        [f"missing{escape}.txt"],
        ["--path", f"missing{escape}"],
        ["--python", f"missing{escape}"],
        ["--collisions", "--against", f"r{escape}"],
        ["wrong.txt"],
        ["option.txt"],
        ["pylock.toml"],
        ["nesting.txt"],
    ):
        done = two.audit(*arguments)
        assert done.stderr.startswith("ERROR: repoprio: ") or arguments == ["nesting.txt"], done.stderr
        assert not {"\x1b", "\x07"} & set(done.stdout + done.stderr), done


@pytest.mark.parametrize("arguments", [[], ["--collisions"]])
def test_what_a_caller_names_and_the_policy_refuses(arguments: list[str], audited: Callable[..., Audited]) -> None:
    """An unlisted index stops an audit, as it stops an installation: no repository is asked."""
    two = audited()
    done = two.audit(*arguments, env={"PIP_EXTRA_INDEX_URL": "https://u:s3cret@evil.example/"})
    assert (done.code, done.stdout, "[unlisted]" in done.stderr) == (1, "", True)
    assert "s3cret" not in done.stderr
    assert not two.corp.requests + two.public.requests


def test_files_of_folders_are_hashed(audited: Callable[..., Audited]) -> None:
    """A flat folder states no hashes, so its files are read."""
    two = audited()
    flat = FlatDirectory(two.folder / "wheels", "wheels")
    theirs = flat.add("local", "1.0")[0]
    two.file.write_text(f'[repositories.wheels]\nurl = "{flat.path}"\nformat = "flat"\n')
    (two.folder / "a.txt").write_text(f"local==1.0 --hash=sha256:{theirs.sha256}\n")
    assert two.found("a.txt") == (0, [])
    (two.folder / "a.txt").write_text(f"local==1.0 --hash=sha256:{'0' * 64}\n")
    assert [f["code"] for f in two.found("a.txt")[1]] == ["not-the-owners-file"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pylock.toml", b"= 1"),
        ("pylock.x.toml", b'lock-version = "9.0"'),
        ("pylock.toml", b"\xff\xfe\x00"),
        ("poetry.lock", b"[[package]]\nname = 'a'\n"),
        ("pyproject.toml", b"[project]\nname = 'a'\n"),
        ("reqs.txt", b"acme == \n"),
        ("reqs.txt", b"acme @ https://u:s3cret@x.example/ not a requirement\n"),
        ("reqs.txt", b"\xff\x00"),
        ("reqs.txt", b"-r missing.txt\n"),
        ("reqs.txt", b"-e ./missing\n"),
        ("reqs.txt", b"acme --hash=md5:abc\n"),
        ("reqs.txt", b"--no-such-option\n"),
        ("missing.txt", None),
    ],
)
def test_a_file_that_is_no_lock_is_wrong_use(name: str, content: bytes | None, audited: Callable[..., Audited]) -> None:
    """Exit status 2 and one message that names the file; nobody is asked."""
    two = audited()
    if content is not None:
        (two.folder / name).write_bytes(content)
    done = two.audit(name)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ERROR: repoprio: {name}")
    assert done.stderr.rstrip().endswith("[usage]")
    assert "s3cret" not in done.stderr
    assert not two.corp.requests
