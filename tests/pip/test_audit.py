"""`repoprio audit` on real environments, locks and lists."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from repoprio.audit.findings import KINDS
from support.audits import Audited
from support.faults import Fault
from support.fixtures import EnvFactory
from support.paths import DOCS
from support.sarif import check_sarif

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
