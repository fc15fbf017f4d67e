"""`repoprio audit` of the locks that uv, Poetry, PDM and pipenv write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support import lockers
from support.audits import Audited
from support.env_store import EnvStore
from support.sarif import check_sarif


@pytest.mark.story(2)
@pytest.mark.parametrize("tool", lockers.LOCKS)
def test_what_the_real_tools_lock(tool: str, audited: Callable[..., Audited], env_store: EnvStore) -> None:
    """A lock with the owner's file is fine; one with a stranger's file of the same name and version is an error."""
    two = audited()
    two.public.add("acme", "1.1")
    good = lockers.lock(env_store, tool, two.folder / "good", {"corp": two.corp.page_url}, "acme==1.1")
    two.forget()
    done = two.audit(str(good))
    assert (done.code, done.stdout) == (0, "No findings: 1 package is what the policy would install.\n"), done.stderr
    bad = lockers.lock(env_store, tool, two.folder / "bad", {"public": two.public.page_url}, "acme==1.1")
    two.forget()
    code, findings = two.found(str(bad.relative_to(two.folder)))
    assert (code, {f["code"] for f in findings}) == (1, {"not-the-owners-file"})
    assert {(f["project"], f["version"], f["repository"]) for f in findings} == {("acme", "1.1", "corp")}
    assert not two.public.requests
    # PDM does not say which source a package is from.
    assert all(("The lock says that it comes from public" in f["message"]) is (tool != "pdm") for f in findings)
    lines = bad.read_text().splitlines()
    assert all("acme" in lines[f["line"] - 1] for f in findings)
    check_sarif(two.audit(str(bad), "--format", "sarif").stdout)


def test_another_repository_than_the_owner(audited: Callable[..., Audited]) -> None:
    """A lock that names another repository is a warning if the files are the owner's, an error if unproven."""
    two = audited()
    theirs = two.corp.files("acme")[1]
    package = (
        '[[package]]\nname = "acme"\nversion = "1.1"\nsource = {{ registry = "{url}" }}\n'
        'wheels = [{{ url = "https://u:s3cret@f.example/{file}"{hash} }}]\n'
    )
    hashed = f', hash = "sha256:{theirs.sha256}"'
    lock = two.folder / "uv.lock"

    def findings(url: str, stated: str = hashed) -> list[tuple[str, str]]:
        lock.write_text("version = 1\n" + package.format(url=url, file=theirs.filename, hash=stated))
        return [(f["code"], f["severity"]) for f in two.found("uv.lock")[1]]

    assert findings(two.corp.page_url.rstrip("/")) == []
    assert findings(two.public.page_url) == [("other-source", "warning")]
    assert findings(two.public.page_url, "") == [("other-source", "error"), ("no-hash", "warning")]
    assert findings("https://u:s3cret@evil.example/simple") == [("unlisted", "error")]
    assert "s3cret" not in two.audit("uv.lock").stdout
    two.policy(before='unlisted = "ignore"')
    assert findings("https://evil.example/simple") == [("unlisted", "note")]


def test_paths_are_relative_to_the_lock(audited: Callable[..., Audited]) -> None:
    """In uv a folder of wheels is a path relative to the lock: it matches the policy's, wherever audit runs."""
    two = audited()
    wheels = two.folder / "wheels"
    wheels.mkdir()
    (built,) = two.public.add("local", "1.0")
    (wheels / built.filename).write_bytes(built.content)
    two.policy(f'[repositories.wheels]\nurl = "{wheels}"\nformat = "flat"\npriority = 5\n')
    (two.folder / "below").mkdir()
    text = 'version = 1\n[[package]]\nname = "local"\nversion = "1.0"\nsource = {{ registry = "{}" }}\n'
    text += f'wheels = [{{{{ path = "{built.filename}", hash = "sha256:{built.sha256}" }}}}]\n'
    (two.folder / "below" / "uv.lock").write_text(text.format("../wheels"))
    assert two.found("below/uv.lock") == (0, [])
    (two.folder / "below" / "uv.lock").write_text(text.format("wheels"))
    assert [f["code"] for f in two.found("below/uv.lock")[1]] == ["unlisted"]


DIRECT = {
    "uv.lock": 'version = 1\n[[package]]\nname = "{}"\nversion = "1"\nsource = {{ git = "https://g.example/x#abc" }}\n',
    "poetry.lock": '[[package]]\nname = "{}"\nfiles = []\n[package.source]\ntype = "directory"\nurl = "x"\n'
    '[metadata]\nlock-version = "2.1"\n',
    "pdm.lock": '[metadata]\nlock_version = "4.5"\n[[package]]\nname = "{}"\neditable = true\npath = "x"\n',
    "Pipfile.lock": '{{"_meta": {{"pipfile-spec": 6}}, "default": {{"{}": {{"file": "https://f.example/x.zip"}}}}}}\n',
}


@pytest.mark.parametrize("name", DIRECT)
def test_what_comes_from_no_repository(name: str, audited: Callable[..., Audited]) -> None:
    """Git, folders and URLs are a note, or an error if the name is routed or the policy refuses them."""
    two = audited()
    two.policy(corp='owns = ["mine"]')
    for project, severity in (("other", "note"), ("mine", "error")):
        (two.folder / name).write_text(DIRECT[name].format(project))
        code, (found,) = two.found(name)
        assert (found["code"], found["severity"], code) == ("direct-url", severity, int(severity == "error"))
    two.policy(before='direct-urls = "refuse"')
    assert [f["severity"] for f in two.found(name)[1]] == ["error"]
    assert not two.corp.requests + two.public.requests


HOSTILE = {
    "uv.lock": [
        b"",
        b"version = 2",
        b"= 1",
        b"version = 1\npackage = 1",
        b"version = 1\n[[package]]\nname = 1",
        b"\xff",
    ],
    "poetry.lock": [b"", b"[metadata]\nlock-version = '9.0'", b"[[package]]\nname = 'a'\n"],
    "pdm.lock": [b"", b"[metadata]\nlock_version = '3.1'"],
    "Pipfile.lock": [
        b"",
        b"[]",
        b"{}",
        b'{"_meta": {"pipfile-spec": 6}, "default": 1}',
        b"[" * 100_000,
        b'{"_meta": {"pipfile-spec": 6}, "default": {"a\\u001b[2J": {"version": 1, "u": "https://u:s3cret@x.example"}}}',
    ],
    "Cargo.lock": [b"version = 4\n[[package]]\nname = 'a'\nversion = '1'\n"],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_locks(name: str, audited: Callable[..., Audited]) -> None:
    """An invalid lock is reported by name, with status 2; no repository is asked."""
    two = audited()
    for content in HOSTILE[name]:
        (two.folder / name).write_bytes(content)
        done = two.audit(name)
        assert (done.code, done.stdout) == (2, ""), done.stderr
        assert done.stderr.startswith(f"ERROR: repoprio: {name}")
        assert done.stderr.rstrip().endswith("[usage]")
        assert not {"\x1b", "s3cret"} & {part for part in ("\x1b", "s3cret") if part in done.stderr}
    with (two.folder / name).open("wb") as huge:
        huge.truncate(2**26 + 1)
    assert "is larger than 64 MiB" in two.audit(name).stderr
    assert not two.corp.requests
