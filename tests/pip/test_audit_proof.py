"""`repoprio audit` of an environment that tries to hide something: it starts nothing there, and trusts little."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repoprio.audit.findings import Audit
from repoprio.environments.site_packages import packages_of
from repoprio.environments.target import NoEnvironment
from repoprio.render import audit as rendered
from support.audits import Audited
from support.files import sha256
from support.fixtures import EnvFactory
from support.repository import RepositoryServer

ACME_99 = "Name: acme\nVersion: 99.0\n"
OWNS = 'owns = ["acme"]'


def carry(server: RepositoryServer, project: str, version: str, name: str, text: str) -> None:
    """Add a file to the metadata of a repository's wheel."""
    (file,) = server.add(project, version)
    buffer = io.BytesIO(file.content)
    with zipfile.ZipFile(buffer, "a") as wheel:
        wheel.writestr(f"{project}-{version}.dist-info/{name}", text)
    content = buffer.getvalue()
    server.put(project, replace(file, content=content, sha256=sha256(content)))


@pytest.mark.parametrize("pip", ["22.0.2", "26.3"])
def test_a_direct_url_from_a_wheel_proves_nothing(pip: str, audited: Callable[..., Audited]) -> None:
    """A direct_url.json that a wheel contains makes no finding milder, and hides no hijack."""
    two = audited(pip)
    theirs = two.corp.files("acme")[1]
    origin = {
        "url": f"{two.corp.page_url}acme-1.1-py3-none-any.whl",
        "archive_info": {"hash": f"sha256={theirs.sha256}"},
    }
    carry(two.public, "acme", "99.0", "direct_url.json", json.dumps(origin))
    two.install("acme==99.0")
    assert json.loads((two.packages / "acme-99.0.dist-info" / "direct_url.json").read_text()) == origin
    code, findings = two.found("--path", str(two.packages))
    assert (code, [(f["code"], f["severity"]) for f in findings]) == (
        1,
        [("not-the-owners", "error"), ("direct-url", "note")],
    )
    assert not two.public.asked("acme")
    two.policy(corp=OWNS)
    code, findings = two.found("--path", str(two.packages))
    assert (code, {f["severity"] for f in findings}) == (1, {"error"})
    # The owner's version, and still nothing but its own word.
    (two.packages / "acme-99.0.dist-info").rename(two.packages / "acme-1.1.dist-info")
    (two.packages / "acme-1.1.dist-info" / "METADATA").write_text("Name: acme\nVersion: 1.1\n")
    code, (finding,) = two.found("--path", str(two.packages))
    assert (code, finding["code"], finding["severity"]) == (1, "direct-url", "error")
    assert "acme belongs to corp (priority 10), and nothing proves that this came from there" in finding["message"]
    assert finding["rule"]["key"] == "repositories.corp.owns"
    two.policy()
    assert two.found("--path", str(two.packages))[0] == 0


def test_the_only_repository_is_asked_about_direct_urls(
    audited: Callable[..., Audited],
) -> None:
    """If there is only one tier, it may own the name; if it is down, the report says that this is open."""
    two = audited()
    origin = json.dumps({"url": "https://x.example/a.zip", "archive_info": {}})
    two.dist_info("acme-99.0.dist-info", ACME_99, direct_url=origin)
    two.file.write_text(f'[repositories.corp]\nurl = "{two.corp.page_url}"\n')
    assert two.installed() == {"acme": "direct-url"}
    _, findings = two.found("--path", str(two.packages))
    assert [f["code"] for f in findings] == ["not-the-owners", "direct-url"]
    two.file.write_text('[repositories.corp]\nurl = "http://127.0.0.1:9/simple/"\n')
    _, findings = two.found("--path", str(two.packages))
    assert [f["code"] for f in findings] == ["unavailable", "direct-url"]


def test_an_owner_that_is_down_is_one_finding_in_the_text(audited: Callable[..., Audited]) -> None:
    """The text groups everything that one outage leaves undecided; JSON has each distribution."""
    two = audited()
    for name in "abcdefgh":
        two.dist_info(f"{name}-1.0.dist-info", f"Name: {name}\nVersion: 1.0\n")
    two.file.write_text('[repositories.corp]\nurl = "http://127.0.0.1:9/simple/"\n')
    assert two.installed() == dict.fromkeys("abcdefgh", "unavailable")
    text = " ".join(two.audit("--path", str(two.packages)).stdout.split())
    assert text.count("[unavailable]") == 1
    assert re.search(
        r"corp \(priority 99\) is unavailable: [^.]+ \(for a, and not asked again\)\. 8 distributions", text
    )
    assert "could not be judged: a 1.0, b 1.0, c 1.0, d 1.0, e 1.0, f 1.0, ... and 2 more. -v shows each" in text
    assert two.audit("--path", str(two.packages), "-v").stdout.count("[unavailable]") == 8


@pytest.mark.parametrize(
    ("folder", "metadata", "codes"),
    [
        ("acme-99.0.dist-info", "Name: acme\nVersion: 1.0\n", ["broken", "not-the-owners"]),
        ("acme-1.0.dist-info", ACME_99, ["broken", "not-the-owners"]),
        ("ACME-99.0.DIST-INFO", "Name: acme\nVersion: 1.0\n", ["broken", "not-the-owners"]),
        ("acme-99.0-py3.11.egg-info", None, ["broken", "not-the-owners"]),
        ("acme-99.0.dist-info", None, ["broken", "not-the-owners"]),
        ("acme-99.0.dist-info", "Name: leftpad\nVersion: 1.0\n", ["broken", "not-the-owners"]),
        ("leftpad-1.0.dist-info", ACME_99, ["broken", "not-the-owners"]),
        ("acme-1.0.dist-info", "Name: acme\nVersion: 1.0\nVersion: 99.0\n", ["broken", "not-the-owners"]),
        ("acme-1.0.dist-info", "Name: acme\nVersion: 1.0\n", []),
        ("acme-1.00.dist-info", "Name: Acme\nVersion: 1.0.0\n", []),
    ],
)
def test_metadata_that_contradict_themselves(
    folder: str, metadata: str | None, codes: list[str], audited: Callable[..., Audited]
) -> None:
    """Each possible meaning is audited; the contradiction is an error if one of them is routed."""
    two = audited()
    two.dist_info(folder, metadata)
    two.policy(corp=OWNS)
    code, findings = two.found("--path", str(two.packages))
    assert (code, sorted(f["code"] for f in findings)) == (1 if codes else 0, codes)
    assert {f["severity"] for f in findings} <= {"error"}
    assert all("acme belongs to corp (priority 10)" in f["message"].lower() for f in findings), findings


def test_metadata_that_are_there_twice(audited: Callable[..., Audited]) -> None:
    """Two metadata folders of one project in one folder are reported once; in two folders one hides the other."""
    two = audited()
    two.dist_info("acme-1.1.dist-info", "Name: acme\nVersion: 1.1\n")
    two.dist_info("Acme-1.0.dist-info", "Name: Acme\nVersion: 1.0\n")
    _, (finding,) = two.found("--path", str(two.packages))
    assert (finding["code"], finding["severity"]) == ("broken", "warning")
    assert "Acme-1.0.dist-info and acme-1.1.dist-info" in finding["message"]
    two.policy(corp=OWNS)
    _, (finding,) = two.found("--path", str(two.packages))
    assert finding["severity"] == "error"
    other = two.folder / "other"
    other.mkdir()
    (two.packages / "Acme-1.0.dist-info").rename(other / "Acme-1.0.dist-info")
    assert two.found("--path", str(two.packages), "--path", str(other)) == (0, [])


def planted(folder: Path) -> Path:
    """An environment with its own Python and pyvenv.cfg from a package.

    The file that this Python writes when it runs.
    """
    mark = folder.parent / "started"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f"#!/bin/sh\necho ran >> {mark}\necho '[]'\n")
    python.chmod(0o755)
    empty = folder.parent / "empty" / "lib" / "python3.11" / "site-packages"
    empty.mkdir(parents=True)
    for place in (folder, folder / "bin"):
        (place / "pyvenv.cfg").write_text(f"home = {folder.parent / 'empty' / 'bin'}\n")
    return mark


@pytest.mark.parametrize("how", ["python", "folder", "activated"])
def test_nothing_of_the_environment_is_started_or_believed(how: str, audited: Callable[..., Audited]) -> None:
    """A Python from a package is not started, its pyvenv.cfg hides nothing, and the read folders are named."""
    two = audited()
    mark = planted(two.folder / "env")
    two.packages = two.folder / "env" / "lib" / "python3.11" / "site-packages"
    two.dist_info("acme-99.0.dist-info", ACME_99)
    (two.packages / "evil.pth").write_text(f"import os; os.system('echo ran >> {mark}')\n")
    python = str(two.folder / "env" / "bin" / "python")
    words = {"python": ["--python", python], "folder": ["--python", str(two.folder / "env")], "activated": []}[how]
    variables = {"VIRTUAL_ENV": str(two.folder / "env")} if how == "activated" else {}
    done = two.audit("--format", "json", *words, env=variables)
    document = json.loads(done.stdout)
    assert (done.code, [f["code"] for f in document["findings"]]) == (1, ["not-the-owners"])
    assert document["environment"]["python"] == python
    assert document["environment"]["named_by"] == ("VIRTUAL_ENV" if how == "activated" else "--python")
    assert document["read"] == [str(two.packages)]
    text = two.audit(*words, env={**variables, "COLUMNS": "300"}).stdout
    assert text.splitlines()[0].startswith(f"environment: {python} (")
    assert text.splitlines()[1] == f"read: {two.packages}"
    assert not mark.exists()


def test_the_first_audit_does_not_report_repoprio_itself(
    fresh_env: EnvFactory, audited: Callable[..., Audited]
) -> None:
    """A repoprio from a direct URL is not reported; one in a version that its owner lacks is."""
    two = audited(env=fresh_env("26.3"))
    code, findings = two.found()
    assert "repoprio" not in {f["project"] for f in findings}
    assert "pip" in {f["project"] for f in findings}
    first, *_ = two.audit().stdout.splitlines()
    assert first.startswith(f"environment: {two.env.python} (Python ")
    two.corp.add("repoprio", "0.0.1")
    _, findings = two.found()
    assert ("repoprio", "not-the-owners") in {(f["project"], f["code"]) for f in findings}
    assert code == 1


def test_the_screen_says_what_was_read() -> None:
    """If the folders were found by their layout, they are named, on lines that fit."""
    audit = Audit("environment", "distribution", 1, (), read=("/a" * 20, "/b" * 20), is_elsewhere=True)
    first, second, third = rendered.screen(audit, 50).splitlines()
    assert (first, second) == (f"read: {'/a' * 20},", f"      {'/b' * 20}")
    assert third.startswith("No findings")
    assert rendered.screen(replace(audit, is_elsewhere=False), 50) == third


def make_folders(folder: Path, *names: str) -> list[str]:
    """Create folders of packages, in this order."""
    for name in names:
        (folder / name).mkdir(parents=True)
    return [str(folder / name) for name in names]


def python_at(path: Path) -> str:
    """A file that looks like an interpreter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def test_folders_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layouts of CPython, Debian and Windows; of several versions, those that the name of the Python allows."""
    monkeypatch.setattr("site.getuserbase", lambda: str(tmp_path / "home"))
    unix = make_folders(tmp_path / "unix", "lib/python3.11/site-packages", "lib/python3.12/site-packages")
    assert packages_of(python_at(tmp_path / "unix/bin/python3")) == unix
    assert packages_of(python_at(tmp_path / "unix/bin/python3.12")) == unix[1:]
    # A name that states another version hides nothing.
    assert packages_of(python_at(tmp_path / "unix/bin/python3.9")) == unix
    names = ("lib/python3/dist-packages", "local/lib/python3.11/dist-packages")
    debian = make_folders(tmp_path / "debian", *names)
    user = make_folders(tmp_path / "home", "lib/python3.11/site-packages", "lib/python3.8/site-packages")
    assert packages_of(python_at(tmp_path / "debian/bin/python3.11")) == [*debian, user[0]]
    windows = make_folders(tmp_path / "windows", "Lib/site-packages")
    assert packages_of(python_at(tmp_path / "windows/python.exe"))[:1] == windows
    (tmp_path / "unix/lib64").symlink_to("lib")
    assert packages_of(python_at(tmp_path / "unix/bin/python3.12")) == unix[1:]
    for wrong in ("nowhere/bin/python", "unix/bin/bash"):
        with pytest.raises(NoEnvironment, match=r"\[environment\]"):
            packages_of(python_at(tmp_path / wrong))
    windows = make_folders(tmp_path / "Python312-arm64", "Lib/site-packages")
    user = make_folders(tmp_path / "home", "Python312/site-packages", "Python311/site-packages")
    assert packages_of(python_at(tmp_path / "Python312-arm64/python.exe")) == [*windows, user[0]]


def test_a_venv_and_its_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A venv's own packages always count, those of its base only if its pyvenv.cfg includes them."""
    monkeypatch.setattr("site.getuserbase", lambda: str(tmp_path / "home"))
    base = make_folders(tmp_path / "base", "lib/python3.11/site-packages", "lib/python3.12/site-packages")
    python = python_at(tmp_path / "base/bin/python3.11")
    own = make_folders(tmp_path / "venv", "lib/python3.11/site-packages")
    (tmp_path / "venv/bin").mkdir()
    (tmp_path / "venv/bin/python").symlink_to("python3.11")
    (tmp_path / "venv/bin/python3.11").symlink_to(python)
    venv, config = str(tmp_path / "venv/bin/python"), tmp_path / "venv/pyvenv.cfg"
    config.write_text("home = /no/such/folder\ninclude-system-site-packages = false\n")
    assert packages_of(venv) == own
    config.write_text("include-system-site-packages = TRUE\n")
    assert packages_of(venv) == [*own, base[0]]
    # A copy of the Python is no link; then `home` shows the base.
    (tmp_path / "venv/bin/python").unlink()
    python_at(tmp_path / "venv/bin/python")
    config.write_text(f"home = {tmp_path / 'base' / 'bin'}\ninclude-system-site-packages = true\n")
    assert packages_of(venv) == [*own, base[0]]
    config.unlink()
    os.mkfifo(config)
    assert packages_of(venv)[:1] == own


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_not_empty(audited: Callable[..., Audited]) -> None:
    """An unreadable folder is wrong use, not an environment without packages."""
    two = audited()
    two.packages.mkdir(mode=0o000)
    done = two.audit("--path", str(two.packages))
    two.packages.chmod(0o755)
    assert (done.code, "cannot be read" in done.stderr) == (2, True)
