"""`repoprio explain` uses pip's settings, and agrees with pip."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from support.files import parse
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv
from support.repository import RepositoryServer

PIPS = ("22.0.2", "26.3")
FILES = (
    "1.0",
    {"version": "1.1", "requires-python": ">=3.99"},
    {"version": "1.5", "tag": "cp39-cp39-win_amd64"},
    "1.3 sdist",
)
WRONG = f"--hash=sha256:{'0' * 64}"


@pytest.fixture
def corp(repository: RepositoryFactory) -> RepositoryServer:
    """A repository with files for several platforms, and six in three versions."""
    server = repository("corp")
    server.add("acme", *map(parse, FILES))
    server.add("six", *map(parse, ("1.0", "1.1", "1.2")))
    return server


@pytest.fixture
def policy(corp: RepositoryServer, tmp_path: Path) -> Path:
    """A policy with only that repository."""
    file = tmp_path / "policy.toml"
    file.write_text(f'[repositories.corp]\nurl = "{corp.page_url}"\n')
    return file


def explained(env: PipEnv, policy: Path, *arguments: str, **variables: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit status, and what explain says of each requirement."""
    done = env.tool("explain", "--format", "json", *arguments, policy=policy, env=variables)
    assert "Traceback" not in done.stderr
    return done.code, json.loads(done.stdout)["projects"]


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize(
    ("variables", "file"),
    [
        ({"PIP_ONLY_BINARY": ":all:"}, "acme-1.0-py3-none-any.whl"),
        ({"PIP_ONLY_BINARY": ":all:", "PIP_IGNORE_REQUIRES_PYTHON": "1"}, "acme-1.1-py3-none-any.whl"),
        (
            {
                "PIP_ONLY_BINARY": ":all:",
                "PIP_PLATFORM": "win_amd64",
                "PIP_PYTHON_VERSION": "39",
                "PIP_TARGET": "there",
            },
            "acme-1.5-cp39-cp39-win_amd64.whl",
        ),
        ({}, "acme-1.3.tar.gz"),
    ],
)
def test_pips_settings_count(pip: str, variables: dict[str, str], file: str, pip_env: EnvFactory, policy: Path) -> None:
    """Options for other Pythons and platforms count, as in an installation."""
    code, (found,) = explained(pip_env(pip), policy, "acme", **variables)
    assert (code, found["file"]) == (0, file)


@pytest.mark.parametrize("pip", PIPS)
def test_requirements_of_one_project_are_one(pip: str, pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """Two requirements, or one and a constraint, are merged, and the sentence shows the merged one."""
    env = pip_env(pip)
    code, found = explained(env, policy, "six<1.2", "six!=1.1")
    assert (code, [one["version"] for one in found]) == (0, ["1.0", "1.0"])
    assert [one["constraint"] for one in found] == ["!=1.1", "<1.2"]
    (tmp_path / "c.txt").write_text("six<1.1\n")
    code, (one,) = explained(env, policy, "six>=1.1", "-c", str(tmp_path / "c.txt"))
    assert (code, one["outcome"]) == (1, "no-match")
    assert one["reason"] == "no version of six fits six>=1.1 (constraint <1.1): corp (priority 99) has 1.2, 1.1, 1.0."
    done = env.run("install", "--no-deps", "six>=1.1", "-c", str(tmp_path / "c.txt"), policy=policy)
    why = next(line for line in done.stderr.splitlines() if "why: " in line).split("why: ")[1].split("    ")[0]
    assert why in ("repoprio explain 'six<1.1,>=1.1'", "repoprio explain 'six>=1.1,<1.1'")


def test_a_file_of_requirements_is_named_with_its_option(
    pip_env: EnvFactory, corp: RepositoryServer, policy: Path, tmp_path: Path
) -> None:
    """A file without -r is wrong use; the error says how to name it, and no repository is asked for its name."""
    (tmp_path / "requirements.txt").write_text("six\n")
    corp._requests.clear()
    for command in ("explain", "compare"):
        done = pip_env(PIPS[-1]).tool(command, "requirements.txt", policy=policy, cwd=tmp_path)
        assert (done.code, done.stdout) == (2, ""), done
        assert "requirements.txt is a file of requirements: -r requirements.txt\n" in done.stderr
    assert corp.requests == []


@pytest.mark.parametrize("pip", PIPS)
def test_constraints_that_are_no_versions(
    pip: str, pip_env: EnvFactory, corp: RepositoryServer, policy: Path, tmp_path: Path
) -> None:
    """A constraint with a URL decides whatever the repositories have; one with extras is wrong use."""
    file = tmp_path / "c.txt"
    file.write_text(f"acme @ {corp.root_url}files/acme-1.0-py3-none-any.whl\n")
    code, (found,) = explained(pip_env(pip), policy, "acme", "-c", str(file))
    assert (code, found["code"]) == (0, "direct-url")
    file.write_text("six[foo]==1.0\n")
    done = pip_env(pip).tool("explain", "six", "-c", str(file), policy=policy)
    assert (done.code, "[usage]" in done.stderr, done.stdout) == (2, True, "")


@pytest.mark.parametrize(
    ("pip", "text"),
    [
        ("24.0", "acme; python_version > '"),
        ("24.0", "acme[a,]"),
        ("26.3", "acme; 'a' ~= sys_platform"),
        ("26.3", "https://u:s3cret@[::1"),
    ],
)
def test_what_pip_cannot_read(pip: str, text: str, pip_env: EnvFactory, policy: Path) -> None:
    """A requirement for which pip itself ends with a traceback is wrong use."""
    for command in ("explain", "compare"):
        done = pip_env(pip).tool(command, text, policy=policy)
        assert (done.code, "ERROR: repoprio: Invalid requirement: " in done.stderr) == (2, True), done.stderr
        assert not any(word in done.stderr for word in ("Traceback", "s3cret"))


def test_what_pip_says_about_a_url_has_no_login(pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """A login in a requirement is hidden: in what pip quotes of one it cannot read, and of one that does not apply."""
    for text in ("acme @ https://bob:s3cret@host.example/x y z", "acme @ https://bob:s3cret@host.example/a.zip ; 1"):
        (tmp_path / "r.txt").write_text(f"{text}\n")
        for words in (("explain", text), ("explain", "-r", "r.txt"), ("compare", "-r", "r.txt"), ("audit", "r.txt")):
            done = pip_env("26.3").tool(*words, policy=policy, cwd=tmp_path)
            assert (done.code, "[usage]" in done.stderr) == (2, True), done
            assert ("https://****@host.example/" in done.stderr, "s3cret" in done.stderr) == (True, False), done.stderr
    never = "acme @ https://bob:s3cret@host.example/acme-1.0-py3-none-any.whl ; python_version < '3'"
    for command in ("explain", "compare"):
        done = pip_env("22.0.2").tool(command, never, policy=policy)
        assert ("marker does not apply" in done.stderr, "s3cret" in done.stderr) == (True, False), done.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"-r r.txt\n", "a requirements file includes itself"),
        (b"# -*- coding: nope -*-\nacme\n", "unknown encoding: nope"),
        (b"# -*- coding: ascii -*-\n# \xc3\xa4\n", "a requirements file is not in its encoding"),
    ],
)
def test_a_file_that_pip_cannot_read(
    content: bytes, reason: str, pip_env: EnvFactory, policy: Path, tmp_path: Path
) -> None:
    """A file for which pip itself ends with a traceback is wrong use."""
    (tmp_path / "r.txt").write_bytes(content)
    for words in (("explain", "-r"), ("audit",)):
        done = pip_env("24.0").tool(*words, "r.txt", policy=policy, cwd=tmp_path)
        assert (done.code, f": {reason}    [usage]" in done.stderr) == (2, True), done.stderr
        assert "Traceback" not in done.stderr


RAISES = """
from repoprio.pip_adapter.inspect.context import reading_requirements

for kind in (LookupError, KeyError, IndexError):
    try:
        with reading_requirements():
            raise kind("x")
    except Exception as error:
        print(type(error).__name__)
"""


def test_a_defect_is_no_wrong_use(pip_env: EnvFactory, tmp_path: Path) -> None:
    """An unknown encoding is the fault of a file; a missing key or index is a defect of a program, so no such error."""
    (tmp_path / "raises.py").write_text(RAISES)
    done = pip_env("26.3").module(str(tmp_path / "raises.py"))
    assert done.stdout.split() == ["InspectionError", "KeyError", "IndexError"], done.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_hashes_that_no_file_has(pip: str, pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """If pip would stop because of a hash, nothing would be installed, and each file says why.

    A correct hash is fine.
    """
    env, file = pip_env(pip), tmp_path / "r.txt"
    file.write_text(f"six==1.1 {WRONG}\nacme==1.0\n")
    code, found = explained(env, policy, "-r", str(file))
    assert (code, [one["outcome"] for one in found]) == (1, ["no-match", "no-match"])
    assert [r["kind"] for r in found[0]["rejected"] if r["version"] == "1.1"] == ["hash"]
    assert [one["hint"]["code"] for one in found] == ["hash", "hash"]
    assert env.run("install", "-r", str(file), policy=policy).code == 1
    digest = parse_hash(env, policy)
    file.write_text(f"six==1.1 --hash=sha256:{digest}\n")
    code, (one,) = explained(env, policy, "-r", str(file))
    assert (code, one["version"]) == (0, "1.1")


def parse_hash(env: PipEnv, policy: Path) -> str:
    """The sha256 of six 1.1, as pip itself computes it."""
    folder = env.home / "downloads"
    assert env.run("download", "--no-deps", "-d", str(folder), "six==1.1", policy=policy).code == 0
    done = env.run("hash", str(next(folder.glob("six-1.1*"))))
    return done.stdout.partition("sha256:")[2].strip()


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_errors_carry_no_control_characters(command: str, pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """Errors of pip about a requirements file or an argument contain no control characters."""
    file = tmp_path / "r.txt"
    file.write_text("acme\x1b]0;pwned\x07\x1b[31m==1.0\n")
    for arguments in (["-r", str(file)], ["acme\x1b[31m"]):
        done = pip_env("26.3").tool(command, *arguments, policy=policy)
        assert done.code in (1, 2)
        assert not any(character in done.stdout + done.stderr for character in "\x1b\x07")
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"PIP_NO_COLOR": "x"}, 2),
        ({"PIP_RETRIES": "x"}, 2),
        ({"COLUMNS": "²"}, 0),
        ({"COLUMNS": "9" * 5000}, 0),
        ({"COLUMNS": "0"}, 0),
        ({"COLUMNS": "1"}, 0),
    ],
)
def test_odd_settings(variables: dict[str, str], code: int, pip_env: EnvFactory, policy: Path) -> None:
    """An invalid setting of pip is wrong use; an odd terminal width is not."""
    done = pip_env("26.3").tool("explain", "six", policy=policy, env=variables)
    assert (done.code, "Traceback" in done.stderr) == (code, False), done.stderr


def test_texts_of_repositories_are_cut(pip_env: EnvFactory, corp: RepositoryServer, policy: Path) -> None:
    """A reason of 200,000 characters for a yanked file is shortened."""
    corp.add("long", parse({"version": "1.0", "yanked": "x" * 200_000}), parse("0.9"))
    done = pip_env("26.3").tool("explain", "-v", "long", policy=policy)
    assert (done.code, len(done.stdout) < 3000) == (0, True)


@pytest.mark.parametrize("pip", ["26.3", "22.0.2"])
def test_requires_python_is_named_as_the_cause(
    pip: str, pip_env: EnvFactory, corp: RepositoryServer, policy: Path
) -> None:
    """Among wheels for other platforms, the one for this platform shows that it needs a newer Python."""
    here = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    files = [{"version": "9.0", "requires-python": ">=3.99", "tag": f"cp399-cp399-{tag}"} for tag in ("win32", here)]
    corp.add("numb", *map(parse, files), "1.0")
    done = pip_env(pip).tool("explain", "numb", policy=policy)
    assert "rejected   9.0: needs Python >=3.99 (2 files: 1 requires-python, 1 tag; -v lists all)" in done.stdout, done
