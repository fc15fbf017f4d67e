"""`repoprio audit --collisions`: the project lists of real repositories."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.audits import Audited
from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.pages import JSON_TYPE
from support.repository import DirectoryRepository, FlatDirectory
from support.scene import policy_text

PIPS = ["22.0.2", "26.3"]


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
    output = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "\r\x1b[Kpublic: 2 names" in output
    assert output.endswith("\r\x1b[K")
    assert done.stdout.decode() == two.audit("--collisions").stdout
    assert two.audit("--collisions").stderr == ""


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
    messages = {finding["code"]: finding["message"] for finding in json.loads(done.stdout)["findings"]}
    assert ("shadowed" in messages, mirror.requests != []) == (reason is None, reason is None), messages
    assert (reason or "") in messages.get("no-list", ""), messages
    assert "s3cret" not in done.stdout + done.stderr
