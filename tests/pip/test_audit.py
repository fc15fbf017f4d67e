"""`repoprio audit` on real environments, locks and lists."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from repoprio.audit.findings import KINDS
from support.audits import Audited
from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.pages import JSON_TYPE
from support.paths import DOCS
from support.repository import DirectoryRepository, FlatDirectory
from support.sarif import check_sarif
from support.scene import policy_text

PIPS = ["22.0.2", "26.3"]


@pytest.mark.parametrize("pip", PIPS)
def test_a_hijack_that_already_happened(pip: str, fresh_env: EnvFactory, audited: Callable[..., Audited]) -> None:
    """An installed acme 99.0 from below is one finding with a fix that works; public is not asked for it."""
    env = fresh_env(pip)
    two = audited(env=env)
    indexes = ["--index-url", two.corp.page_url, "--extra-index-url", two.public.page_url]
    assert env.run("install", *indexes, "acme", "leftpad").code == 0
    assert (env.site_packages / "acme-99.0.dist-info").exists()
    two.forget()
    done = two.audit(env={"COLUMNS": "200"})
    assert done.code == 1
    sentence = (
        "acme 99.0 is installed, but acme belongs to corp (priority 10), which has 1.1, 1.0: it came from elsewhere."
    )
    assert f"  error    {sentence}    [not-the-owners]\n" in done.stdout
    assert f"rule: repositories.corp.priority = 10 ({two.file})" in done.stdout
    assert "repoprio pip install --force-reinstall --no-deps acme==1.1\n" in done.stdout
    assert "leftpad" not in done.stdout
    assert (two.corp.asked("acme"), two.public.asked("acme"), two.public.asked("leftpad")) == (True, False, True)
    shadowed = two.audit("--shadowed", env={"COLUMNS": "200"}).stdout
    assert "only public (priority 90) has 99.0: a hijack that already happened?    [hijack]" in shadowed
    assert two.public.asked("acme")
    assert env.run("install", "--force-reinstall", "acme==1.1", policy=two.file).code == 0
    assert "acme" not in two.audit().stdout


@pytest.mark.parametrize("pip", PIPS)
def test_what_is_the_owners_is_no_finding(pip: str, audited: Callable[..., Audited]) -> None:
    """The owner's files give one line and exit status 0; metadata in the working directory do not count."""
    two = audited(pip)
    two.install("acme==1.1", "leftpad")
    (two.folder / "stray-1.0.dist-info").mkdir()
    done = two.audit("--path", str(two.packages))
    said = "No findings: 2 distributions are what the policy would install.\n"
    assert (done.code, done.stdout, done.stderr) == (0, said, "")
    document = json.loads(two.audit("--path", str(two.packages), "--format", "json").stdout)
    assert (document["checked"], document["findings"], document["summary"]["findings"]) == (2, [], 0)


def test_another_environment_without_running_its_code(fresh_env: EnvFactory, audited: Callable[..., Audited]) -> None:
    """`--python` reads the packages of another environment, those that .pth files name too; none of its code runs."""
    two, other = audited(), fresh_env("26.3", stock=True)
    aside, ran = two.folder / "aside", two.folder / "ran"
    two.install("acme==99.0")
    (other.site_packages / "evil.pth").write_text(f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n")
    (other.site_packages / "sitecustomize.py").write_text(f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n")
    two.packages.rename(aside)
    (other.site_packages / "aside.pth").write_text(f"# a note\n{aside}\n/no/such/folder\n")
    code, findings = two.found("--python", str(other.python))
    told = {finding["project"]: finding for finding in findings}
    assert (code, ran.exists()) == (1, False)
    # Which version that Python can take, its pip knows.
    assert told["acme"]["command"].endswith("install --force-reinstall --no-deps acme")
    assert told["pip"]["code"] == "unknown"
    assert "repoprio" not in told
    by_name = two.audit("--python", "python", env={"PATH": str(other.python.parent), "COLUMNS": "300"})
    assert "acme 99.0 is installed" in by_name.stdout
    for wrong in ("/no/such/python", "/bin/false"):
        done = two.audit("--python", wrong)
        assert (done.code, "[environment]" in done.stderr) == (2, True)


def test_a_venv_that_sees_its_base(pip_env: EnvFactory, audited: Callable[..., Audited], tmp_path: Path) -> None:
    """With system-site-packages, packages of the base count; without it they do not."""
    two, stock = audited(), pip_env("26.3", stock=True)
    base = subprocess.run(
        [stock.python, "-c", "import sys; print(sys._base_executable)"], capture_output=True, text=True, check=True
    ).stdout.strip()
    made = {}
    for option in ("--without-pip", "--system-site-packages"):
        subprocess.run([base, "-m", "venv", "--without-pip", option, str(tmp_path / option)], check=True)
        done = two.audit("--python", str(tmp_path / option / "bin" / "python"), "--format", "json")
        made[option] = json.loads(done.stdout)["checked"]
    seen = subprocess.run(
        [tmp_path / "--system-site-packages" / "bin" / "python", "-c", "import site; print(*site.getsitepackages())"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    there = [entry for folder in seen for entry in Path(folder).glob("*.dist-info")]
    assert made["--without-pip"] == 0
    assert (made["--system-site-packages"] > 0) == bool(there)


def test_broken_metadata_is_a_finding(audited: Callable[..., Audited]) -> None:
    """Broken metadata of one distribution is a finding, and the others are audited."""
    two = audited()
    two.install("acme==99.0")
    two.dist_info("none-1.0.dist-info")
    two.dist_info("bytes-1.0.dist-info", b"Name: \xff\xfe\nVersion: 1\n")
    two.dist_info("bare-1.0.dist-info", "Name: bare\n")
    two.dist_info("~eft-1.0.dist-info", "Name: left\nVersion: 1\n")
    two.dist_info("honest-1.0.dist-info", "Name: leftpad\nVersion: 1.0\n")
    for number, text in enumerate(("{", "[]", '{"url": 1}')):
        two.dist_info(f"direct{number}-1.0.dist-info", f"Name: direct{number}\nVersion: 1.0\n", direct_url=text)
    two.dist_info("odd-1.0.dist-info", "Name: od d/../x\nVersion: 1.0\n")
    code, findings = two.found("--path", str(two.packages))
    told = {(finding["project"], finding["code"]) for finding in findings}
    broken = {"none", "bytes", "bare", "~eft", "leftpad", "direct0", "direct1", "direct2", "od d/../x"}
    assert {project for project, kind in told if kind == "broken"} == broken
    assert {("acme", "not-the-owners"), ("od d/../x", "not-a-name")} <= told
    assert code == 1
    assert all("x" not in path or "%" not in path for path in two.public.requests)


def test_what_came_from_no_repository(audited: Callable[..., Audited]) -> None:
    """A direct URL (PEP 610) is a note, or an error if the policy refuses it.

    No login is shown, no repository asked.
    """
    two = audited()
    wheel = two.public.add("tool", "1.0")[0]
    origin = {"url": "https://user:s3cret@x.example/tool.zip?token=s3cret", "archive_info": {}}
    two.dist_info("tool-1.0.dist-info", "Name: tool\nVersion: 1.0\n", direct_url=json.dumps(origin))
    vcs = {"url": "ssh://git@x.example/vcs", "vcs_info": {"vcs": "git", "commit_id": "0123456789abcdef"}}
    two.dist_info("vcs-1.0.dist-info", "Name: vcs\nVersion: 1.0\n", direct_url=json.dumps(vcs))
    local = {"url": "file:///srv/edit", "dir_info": {"editable": True}}
    two.dist_info("edit-1.0.dist-info", "Name: edit\nVersion: 1.0\n", direct_url=json.dumps(local))
    code, findings = two.found("--path", str(two.packages))
    assert (code, {f["severity"] for f in findings}, {f["code"] for f in findings}) == (0, {"note"}, {"direct-url"})
    assert {
        f["message"].partition("its own metadata says that it came from ")[2].partition(", not from")[0]
        for f in findings
    } == {
        *("https://x.example/tool.zip", "git ssh://x.example/vcs at 0123456789ab", "file:///srv/edit, editable"),
    }
    assert "s3cret" not in json.dumps(findings)
    # Only repositories above the lowest tier that could own it are asked.
    assert (two.corp.asked_pages(), two.public.requests) == ({"tool", "vcs", "edit"}, [])
    two.policy(before='direct-urls = "refuse"')
    code, findings = two.found("--path", str(two.packages))
    assert (code, {f["severity"] for f in findings}) == (1, {"error"})
    # Where the name is routed its owner alone is asked, and what a file of the distribution says proves nothing.
    two.forget()
    two.policy(public='owns = ["tool"]')
    for stated in (wheel.sha256, "0" * 64):
        archive = {"url": "https://x.example/tool.whl", "archive_info": {"hash": f"sha256={stated}"}}
        (two.packages / "tool-1.0.dist-info" / "direct_url.json").write_text(json.dumps(archive))
        _, findings = two.found("--path", str(two.packages))
        assert [f["severity"] for f in findings if f["project"] == "tool"] == ["error"]
    assert (two.corp.asked("tool"), two.public.asked_pages()) == (False, {"tool"})


@pytest.mark.parametrize("pip", PIPS)
def test_each_code_of_an_environment(pip: str, audited: Callable[..., Audited]) -> None:
    """Pins, routes, an owner that is down, yanked versions and unknown names each have their code."""
    two = audited(pip)
    two.public.add("numpy", "2.0", "3.1")
    two.public.add("gone", "1.0")
    two.public.add("bad", "1.0")
    two.public.add("old", "1.0", "2.0 yanked")
    two.public.add("down", "1.0")
    two.install("numpy", "gone", "bad", "old==2.0", "down", "leftpad")
    two.dist_info("mine-1.0.dist-info", "Name: mine\nVersion: 1.0\n")
    two.public.answer("down", Fault(status=429))
    two.policy('[pins.n]\nprojects = ["numpy"]\nversions = "<3"\n[pins.b]\nprojects = ["bad"]\nblock = "no"\n'
               '[pins.g]\nprojects = ["gone"]\nrepositories = ["corp"]')  # fmt: skip
    assert two.installed() == {
        "numpy": "pin-versions",
        "gone": "owned-absent",
        "bad": "blocked",
        "old": "yanked",
        "down": "unavailable",
        "mine": "unknown",
    }
    assert not two.public.asked("gone")
    assert not two.public.asked("bad")
    code, findings = two.found("--path", str(two.packages))
    fixes = {finding["project"]: finding["fix"] for finding in findings}
    assert "numpy 2.0" in fixes["numpy"]
    assert "old 1.0" in fixes["old"]
    assert code == 1


def test_flexible_mode(audited: Callable[..., Audited]) -> None:
    """A version that flexible mode took from a lower tier is reported.

    For the owner's versions no other tier is asked.
    """
    two = audited()
    two.install("acme==99.0")
    two.policy(before='mode = "flexible"')
    assert two.installed() == {"acme": "passed-over"}
    two.packages = two.folder / "others"
    two.install("acme==1.0")
    assert two.installed() == {}
    assert not two.public.asked("acme")


def test_versions_are_compared_as_pep_440_says(audited: Callable[..., Audited]) -> None:
    """1.0 equals 1.00, but not 1.0+local; a text that is not a version is not the owner's."""
    two = audited()
    two.dist_info("acme-1.00.dist-info", "Name: Acme\nVersion: 1.00\n")
    assert two.installed() == {}
    two.dist_info("acme-1.0+x.dist-info", "Name: acme\nVersion: 1.0+x\n")
    two.dist_info("acme-weird.dist-info", "Name: acme\nVersion: we ird\x1b[31m\n")
    done = two.audit("--path", str(two.packages))
    assert (done.code, done.stdout.count("[not-the-owners]"), "\x1b" in done.stdout) == (1, 2, False)


def test_zeros_at_the_end_of_a_release_do_not_count(audited: Callable[..., Audited]) -> None:
    """1.0.0 is the owner's 1.0, installed or locked; it is shown as written, and an epoch or a local part counts."""
    two = audited()
    two.dist_info("acme-1.1.0.dist-info", "Name: acme\nVersion: 1.1.0\n")
    assert two.installed() == {}
    theirs = two.corp._shelf.files("acme")[1]
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


def test_nothing_to_check_against_the_policy(audited: Callable[..., Audited]) -> None:
    """An empty lock, file or folder gives no finding, and is not reported as conforming to the policy."""
    two = audited()
    two.packages.mkdir()
    for text in ('lock-version = "1.0"\n', 'lock-version = "1.0"\npackages = []\n'):
        (two.folder / "pylock.toml").write_text(text)
        done = two.audit("pylock.toml")
        said = "No findings: 0 packages, so nothing was checked against the policy.\n"
        assert (done.code, done.stdout, done.stderr) == (0, said, "")
    done = two.audit("--path", str(two.packages))
    assert (done.code, "0 distributions, so nothing was checked" in done.stdout) == (0, True)
    check_sarif(two.audit("pylock.toml", "--format", "sarif").stdout)


def test_metadata_that_would_block(audited: Callable[..., Audited]) -> None:
    """Only regular files are read: a pipe counts as broken metadata, and the others are audited."""
    two = audited()
    two.install("leftpad")
    for number, name in enumerate(("METADATA", "direct_url.json")):
        two.dist_info(f"pipe{number}-1.0.dist-info", "Name: leftpad\nVersion: 1.0\n")
        (two.packages / f"pipe{number}-1.0.dist-info" / name).unlink(missing_ok=True)
        os.mkfifo(two.packages / f"pipe{number}-1.0.dist-info" / name)
    for name in ("pipe2-1.0.egg-info", "x.egg", "x.egg-link", "x.pth"):
        os.mkfifo(two.packages / name)
    assert two.installed() == {"pipe0": "broken", "pipe1": "broken", "pipe2": "broken"}
    os.mkfifo(two.folder / "reqs.txt")
    done = two.audit("reqs.txt")
    assert (done.code, "reqs.txt is not a regular file" in done.stderr) == (2, True)


def test_old_kinds_of_installations(audited: Callable[..., Audited]) -> None:
    """An egg-info, as a folder or a file, an egg, as a folder or a file, and what an egg-link leads to are read."""
    two = audited()
    metadata = {name: f"Metadata-Version: 1.0\nName: {name}\nVersion: 9.0\n" for name in "abcde"}
    linked = two.folder / "src"
    for folder in ("packages/a-9.0.egg-info", "packages/b-9.0-py3.egg/EGG-INFO", "src/c.egg-info"):
        (two.folder / folder).mkdir(parents=True)
        (two.folder / folder / "PKG-INFO").write_text(metadata[folder[-10] if "src" in folder else folder[9]])
    (two.packages / "c.egg-link").write_text(f"\n{linked}\n.\n")
    (two.packages / "empty.egg-link").write_text("")
    (two.packages / "d-9.0.egg-info").write_text(metadata["d"])
    with zipfile.ZipFile(two.packages / "e-9.0-py3.egg", "w") as egg:
        egg.writestr("EGG-INFO/PKG-INFO", metadata["e"])
    (two.packages / "broken-9.0-py3.egg").write_text("no zip")
    assert two.installed() == dict.fromkeys("abcde", "unknown")
    run = check_sarif(two.audit("--path", str(two.packages), "--format", "sarif").stdout)
    places = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]}
    assert places == {
        "site-packages/a-9.0.egg-info/PKG-INFO",
        "site-packages/b-9.0-py3.egg/EGG-INFO/PKG-INFO",
        "site-packages/c.egg-info/PKG-INFO",
        "site-packages/d-9.0.egg-info",
        "site-packages/e-9.0-py3.egg/EGG-INFO/PKG-INFO",
    }


def test_an_archive_that_holds_packages(audited: Callable[..., Audited]) -> None:
    """Packages in a zip file count if an egg-link leads to it (pip lists it), or a .pth file (Python loads it)."""
    two = audited()
    env = two.folder / "env"
    packages = env / "lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (env / "bin").mkdir()
    (env / "bin/python").touch(0o755)
    for name in ("linked", "onpath"):
        with zipfile.ZipFile(two.folder / f"{name}.zip", "w") as archive:
            archive.writestr(f"{name}-99.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n")
    (packages / "weird.egg-link").write_text(f"{two.folder / 'linked.zip'}\n")
    (packages / "odd.egg-link").write_text(f"{two.file}\n")
    (packages / "path.pth").write_text(f"{two.folder / 'onpath.zip'}\n{two.file}\n")
    for options, names in (
        (["--python", str(env / "bin/python")], ["linked", "onpath"]),
        (["--path", str(packages)], ["linked"]),
    ):
        _, findings = two.found(*options)
        assert {f["project"]: f["code"] for f in findings} == dict.fromkeys(names, "unknown"), options


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
    theirs, foreign = two.corp._shelf.files("acme")[1], two.public._shelf.files("acme")[0]
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
    theirs, foreign = two.corp._shelf.files("acme")[1], two.public._shelf.files("acme")[0]
    pad = two.public._shelf.files("leftpad")[0]
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
    pad = two.public._shelf.files("leftpad")[0]
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
    theirs = two.corp._shelf.files("acme")[1]
    (two.folder / "options.txt").write_text("--no-binary :all:\n--pre\n--find-links /x\n")
    (two.folder / "reqs.txt").write_text(f"acme==1.1 --hash=sha256:{theirs.sha256}\n")
    assert two.found("reqs.txt") == (0, [])
    _, findings = two.found("options.txt", "reqs.txt")
    assert [f["code"] for f in findings] == ["unlisted"]
    assert not two.public.asked("acme")


def test_a_requirement_with_two_pins(audited: Callable[..., Audited]) -> None:
    """acme==1.0,==9.0 names no version, and is reported; two spellings of one version are one version."""
    two = audited()
    theirs = two.corp._shelf.files("acme")[0]
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
    foreign = two.public._shelf.files("acme")[0]
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
        ("reqs.txt", b"\xff\xfe\x00\x00"),
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


@pytest.mark.parametrize(
    "arguments",
    [
        ["--against", "corp"],
        ["--collisions", "pylock.toml"],
        ["--collisions", "--shadowed"],
        ["--collisions", "--python", "python"],
        ["--collisions", "--against", "crop"],
        ["--path", "/no/such/folder"],
        ["--path", ".", "reqs.txt"],
        ["--path", ".", "--python", "python"],
        ["--format", "xml"],
    ],
)
def test_wrong_use(arguments: list[str], audited: Callable[..., Audited]) -> None:
    """Senseless combinations of options have exit status 2, before any repository is asked."""
    two = audited()
    done = two.audit(*arguments)
    assert (done.code, done.stdout) == (2, "")
    assert not two.corp.requests + two.public.requests


def test_without_a_policy_or_with_a_faulty_one(audited: Callable[..., Audited]) -> None:
    """Without a valid policy the exit status is 2."""
    two = audited()
    assert two.env.tool("audit", env={"REPOPRIO_CONFIG": os.devnull}).code == 2
    two.file.write_text("faulty = 1\n")
    done = two.audit()
    assert (done.code, "[policy]" in done.stderr) == (2, True)


def test_sarif_of_an_environment_and_a_lock(audited: Callable[..., Audited]) -> None:
    """SARIF fits its schema; a finding in a lock has its line, one in an environment the path of its metadata."""
    two = audited()
    two.install("acme==99.0")
    done = two.audit("--path", str(two.packages), "--format", "sarif")
    (result,) = check_sarif(done.stdout)["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (done.code, result["level"], place) == (1, "error", "site-packages/acme-99.0.dist-info/METADATA")
    (two.folder / "reqs.txt").write_text("\n\nacme==99.0\n")
    run = check_sarif(two.audit("reqs.txt", "--format", "sarif").stdout)
    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert (location["artifactLocation"]["uri"], location["region"]["startLine"]) == ("reqs.txt", 3)
    assert check_sarif(two.audit("--collisions", "--format", "sarif").stdout)["results"][0]["ruleId"] == "shadowed"


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize("layout", ["json", "html"])
def test_collisions(pip: str, layout: str, audited: Callable[..., Audited]) -> None:
    """Names that both list are reported with their owners and TOML that resolves it; no name is sent to a server."""
    two = audited(pip, layout=layout)
    two.corp.add("Own_Thing", "1.0")
    two.public.add("own.thing", "1.0")
    done = two.audit("--collisions", env={"COLUMNS": "200"})
    assert done.code == 1
    assert done.stdout.startswith("2 findings in 3 names: 2 warnings\n")
    assert "acme is listed by corp (priority 10) and public (priority 90); corp (priority 10) owns it" in done.stdout
    assert '  [repositories.corp]\n  owns = [\n      "acme",\n      "own-thing",\n  ]\n' in done.stdout
    assert {*two.corp.requests, *two.public.requests} == {"/simple/"}
    assert done.stderr == ""
    two.policy(corp=json.loads(two.audit("--collisions", "--format", "json").stdout)["remedy"].partition("\n")[2])
    code, findings = two.found("--collisions")
    assert (code, [f["code"] for f in findings]) == (0, ["protected", "protected"])
    assert json.loads(two.audit("--collisions", "--format", "json").stdout)["remedy"] is None
    two.policy(corp="# nothing")
    two.file.write_text(two.file.read_text().replace("priority = 90", "priority = 10"))
    assert [f["code"] for f in two.found("--collisions", "--against", "public")[1]] == ["merged", "merged"]


def test_lists_of_folders_and_flat_pages(audited: Callable[..., Audited]) -> None:
    """A simple repository on disk lists its well-named folders; a flat one, all names that its files may belong to."""
    two = audited()
    folder = DirectoryRepository(two.folder / "simple", "folder")
    folder.add("acme", "1.0")
    # PEP 503: the folder of leftpad has that name; lookups do not take this one for it.
    (folder.root / "LeftPad").mkdir()
    flat = FlatDirectory(two.folder / "wheels", "wheels")
    flat.add("acme", "1.0 sdist")
    flat.add("leftpad", "1.0")
    (flat.root / "notes.txt").write_text("")
    (flat.root / "odd.whl").write_text("")
    (flat.root / "old-name-1.0-1.tar.gz").write_text("")
    two.file.write_text(
        f'[repositories.folder]\nurl = "{folder.root}"\npriority = 1\n'
        f'[repositories.wheels]\nurl = "{flat.path}"\npriority = 2\nformat = "flat"\n'
        f'[repositories.page]\nurl = "{two.corp.flat_url}"\npriority = 3\nformat = "flat"\n'
        f'[repositories.file]\nurl = "{two.public.root_url}files/leftpad-1.0-py3-none-any.whl"\npriority = 4\n'
        f'format = "flat"\n'
    )
    _, findings = two.found("--collisions")
    assert {f["project"]: f["message"].partition(";")[0] for f in findings} == {
        "acme": "acme is listed by folder (priority 1), wheels (priority 2) and page (priority 3)",
        "leftpad": "leftpad is listed by wheels (priority 2) and file (priority 4)",
    }
    assert two.public.requests == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=404), "404"),
        (Fault(status=403), "403; no login was sent"),
        (Fault(basic_auth="u:p"), "401; no login was sent"),
        (Fault(body="{", content_type=JSON_TYPE), "its project list cannot be used"),
        (Fault(body="<html>", content_type="text/html"), "it has no </html> at its end"),
        (Fault(body="<html></html>", content_type="text/html"), "its project list cannot be used: it names no project"),
        (
            Fault(body='{"meta": {"api-version": "2.0"}, "projects": []}', content_type=JSON_TYPE),
            "it is of another API version",
        ),
        (Fault(body="<html></html>", content_type="text/html; charset=utf-16"), "not in its stated encoding"),
        (Fault(body="x", content_type="text/plain"), "its answer is not a project list"),
        (Fault(redirect="https://other.example/simple/"), "it redirects to another site, https://other.example"),
        (Fault(redirect="/simple/"), "more than 10 redirects"),
    ],
)
def test_a_missing_list(fault: Fault, reason: str, audited: Callable[..., Audited]) -> None:
    """A missing list is a warning with the reason, and the other repositories are compared."""
    two = audited()
    third = DirectoryRepository(two.folder / "third", "third")
    third.add("acme", "1.0")
    two.file.write_text(f'{two.file.read_text()}[repositories.third]\nurl = "{third.root}"\npriority = 95\n')
    two.corp.list_answer(fault)
    code, findings = two.found("--collisions")
    assert code == 1
    told = {finding["code"]: finding["message"] for finding in findings}
    assert set(told) == {"no-list", "shadowed"}
    assert reason in told["no-list"], told
    assert told["no-list"].startswith("corp (priority 10) has no project list that can be compared: ")


def test_a_list_of_a_repository_that_is_down(audited: Callable[..., Audited]) -> None:
    """The remedy is to wait for the repository, not to change its URL."""
    two = audited()
    two.corp.list_answer(Fault(status=503))
    done = two.audit("--collisions", "--format", "json", env={"PIP_RETRIES": "0"})
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["code"], finding["fix"]) == ("no-list", "audit again when corp answers")


def test_a_list_with_a_login_and_a_variable(audited: Callable[..., Audited]) -> None:
    """The policy's login is sent, and never shown; an unset variable is reported."""
    two = audited()
    two.corp.answer_all(Fault(basic_auth="bot:s3cret"))
    two.file.write_text(two.file.read_text().replace("http://", "http://bot:s3cret@", 1))
    done = two.audit("--collisions")
    assert ("[shadowed]" in done.stdout, "s3cret" in done.stdout + done.stderr) == (True, False)
    two.file.write_text(two.file.read_text().replace("/simple/", "/${NO_SUCH}/", 1))
    assert "${NO_SUCH} is not set" in two.audit("--collisions", env={"COLUMNS": "200"}).stdout


def test_progress_is_for_terminals(audited: Callable[..., Audited]) -> None:
    """On a terminal one line shows the progress, and is removed at the end; the report is the same."""
    two = audited()
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [str(two.env.python), "-m", "repoprio", "audit", "--collisions"],
        env=two.env.environment(two.file), stdout=subprocess.PIPE, stderr=theirs, check=False, cwd=two.folder,
    )  # fmt: skip
    os.close(theirs)
    said = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "\r\x1b[Kpublic: 2 names" in said
    assert said.endswith("\r\x1b[K")
    assert done.stdout.decode() == two.audit("--collisions").stdout
    assert two.audit("--collisions").stderr == ""


def test_color_is_optional(audited: Callable[..., Audited]) -> None:
    """`--color` is obeyed, and the text stays the same."""
    two = audited()
    two.install("acme==99.0")
    plain = two.audit("--path", str(two.packages)).stdout
    colored = two.audit("--path", str(two.packages), "--color", "always").stdout
    assert "\x1b[31merror\x1b[0m" in colored
    assert colored.replace("\x1b[31m", "").replace("\x1b[0m", "") == plain


def codes_table() -> str:
    """The table of codes, as the page about audits has it."""
    rows = [f"| `{code}` | {kind.severity.value} | {kind.title}. {kind.help} |" for code, kind in KINDS.items()]
    return "\n".join(["| code | severity | what it means |", "|---|---|---|", *rows])


def test_the_docs_have_every_code() -> None:
    """The table in docs/how-to/audit.md has the texts of the program."""
    assert codes_table() in (DOCS / "how-to" / "audit.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("redirects", "reason"),
    [
        ("follow", None),
        ("absent", "it redirects to http://127.0.0.1:"),
        (None, "it redirects to another site, http://127.0.0.1:"),
    ],
)
def test_lists_that_redirect_to_another_site(
    redirects: str | None, reason: str | None, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """`audit --collisions` takes a list from another site only if `redirects` follows it; no login is shown."""
    corp, mirror, public = (repository(name) for name in ("corp", "mirror", "public"))
    for one in (mirror, public):
        one.add("acme", "1.0")
    corp.list_answer(Fault(redirect=mirror.page_url))
    there = mirror.page_url.removesuffix("/simple/")
    urls = {"corp": corp.page_url.replace("://", "://bot:s3cret@"), "public": public.page_url}
    policy = tmp_path / "policy.toml"
    policy.write_text(policy_text(urls, corp=f'redirects = {{"{there}" = "{redirects}"}}' if redirects else ""))
    done = pip_env("26.3").tool("audit", "--collisions", "--format", "json", policy=policy)
    told = {finding["code"]: finding["message"] for finding in json.loads(done.stdout)["findings"]}
    assert ("shadowed" in told, mirror.requests != []) == (reason is None, reason is None), told
    assert (reason or "") in told.get("no-list", ""), told
    assert "s3cret" not in done.stdout + done.stderr
