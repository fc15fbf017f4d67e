"""The key min-age with real pips: what is fetched, what waits, and which messages say so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Request, Response

from repoprio.config.load import read_text
from repoprio.export import uv
from support.clocks import http_date
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Outcome, PipEnv
from support.policy_files import TOOLS
from support.repository import FileLike, RepositoryServer
from support.scene import refused
from support.uvs import run_uv

NEW = "26.3"
OLD_FILE: dict[str, object] = {"version": "1.0", "uploaded": "30 days ago"}
YOUNG_FILE: dict[str, object] = {"version": "2.0", "uploaded": "2 days ago"}


class Cooled:
    """A repository with a min-age of a week, and a pip under that policy."""

    def __init__(self, env: PipEnv, server: RepositoryServer, folder: Path) -> None:
        self.env, self.server, self.folder = env, server, folder
        self.file = folder / "repoprio.toml"
        self.policy()

    def policy(self, extra: str = "", *, before: str = "", own: str = 'min-age = "7 days"') -> Path:
        """Write the policy."""
        table = f'[repositories.pypi]\nurl = "{self.server.page_url}"\npriority = 90\n{own}\n'
        self.file.write_text(f"{before}\n{table}{extra}\n", encoding="utf-8")
        return self.file

    def choices(self, *wanted: str, **more: Any) -> Outcome:
        """What pip would install."""
        options = ("--index-url", self.server.page_url, *more.pop("options", ()))
        return self.env.choices(*wanted, policy=self.file, options=options, **more)

    def version(self, *wanted: str, **more: Any) -> str | None:
        """The version of acme that pip would install; None for none."""
        done = self.choices(*wanted or ("acme",), **more)
        assert "Traceback" not in done.stderr
        return done.choices["acme"].version if "acme" in done.choices else None

    def asked_files(self) -> set[str]:
        """The names of the files that were asked for."""
        return {path.removeprefix("/files/") for path in self.server.requests if path.startswith("/files/")}


@pytest.fixture
def cooled(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> Cooled:
    """Acme 1.0 from last month and 2.0 from two days ago, with the newest pip."""
    made = Cooled(pip_env(NEW), repository("pypi"), tmp_path)
    made.server.add("acme", OLD_FILE, YOUNG_FILE)
    return made


def test_nothing_of_a_young_file_is_fetched(cooled: Cooled, fresh_env: EnvFactory) -> None:
    """Neither a file that is too young nor its metadata is requested: not by pip, not ahead, not for a conflict."""
    cooled.env = fresh_env(NEW)
    young: FileLike = {"version": "3.0", "uploaded": "1 hour ago", "requires": ["nobody-has-this"]}
    cooled.server.add("acme", young, {"version": "3.0", "sdist": True, "uploaded": "60 days ago"})
    for number in range(3):
        more: dict[str, object] = {"version": "1.0", "uploaded": "30 days ago", "requires": ["acme>=1", "deep"]}
        cooled.server.add(f"site-{number}", more, {**more, "version": "2.0", "uploaded": "3 days ago"})
    cooled.server.add("deep", {**OLD_FILE, "requires": ["acme<3"]}, YOUNG_FILE)
    done = cooled.env.run("install", "site-0", "site-1", "site-2", policy=cooled.file)
    assert done.code == 0, done.stderr
    assert cooled.env.installed | {"acme": "1.0", "deep": "1.0", "site-2": "1.0"} == cooled.env.installed
    assert {file for file in cooled.asked_files() if "-1.0-" not in file} == set()
    assert {"acme-1.0-py3-none-any.whl", "acme-1.0-py3-none-any.whl.metadata"} <= cooled.asked_files()
    assert "nobody-has-this" not in cooled.server.asked_pages()
    cooled.server._requests.clear()
    refused(cooled.env.run("download", "-d", str(cooled.folder / "d"), "acme==2.0", policy=cooled.file), "too-young")
    assert cooled.asked_files() == set()


def test_what_is_installed_stays(cooled: Cooled, fresh_env: EnvFactory) -> None:
    """An installed release that is too young is neither replaced nor refused, not even with --upgrade."""
    cooled.env = fresh_env(NEW)
    cooled.policy(own="")
    assert cooled.env.run("install", "acme", policy=cooled.file).code == 0
    cooled.policy()
    for options in ((), ("--upgrade",), ("--upgrade", "--upgrade-strategy", "eager")):
        done = cooled.env.run("install", *options, "acme", policy=cooled.file)
        assert done.code == 0, done.stderr
        assert cooled.env.installed["acme"] == "2.0"
    done = cooled.env.run("install", "acme>=2", policy=cooled.file)
    assert "already satisfied" in done.stdout


def test_no_binary_takes_the_old_sdist(cooled: Cooled) -> None:
    """If no wheel fits, as with --no-binary, an old enough sdist is taken; otherwise its version waits."""
    cooled.server.add("acme", {"version": "2.0", "sdist": True, "uploaded": "30 days ago"})
    assert cooled.version() == "1.0"
    assert cooled.version("acme", options=("--no-binary", "acme")) == "2.0"


@pytest.mark.parametrize("pip", [NEW, "24.0"])
def test_hash_pinned_files_wait(pip: str, pip_env: EnvFactory, cooled: Cooled) -> None:
    """A hash does not make a file older; an old sdist whose hash alone is asked for does not wait for a wheel."""
    cooled.env = pip_env(pip)
    (sdist,) = cooled.server.add("acme", {"version": "2.0", "sdist": True, "uploaded": "30 days ago"})
    wheel = next(f for f in cooled.server.files("acme") if f.filename == "acme-2.0-py3-none-any.whl")
    lock = cooled.folder / "requirements.txt"
    for hashes, expected in (((wheel.sha256,), None), ((wheel.sha256, sdist.sha256), None), ((sdist.sha256,), "2.0")):
        lock.write_text(f"acme==2.0 {' '.join(f'--hash=sha256:{one}' for one in hashes)}\n")
        assert cooled.version("-r", str(lock)) == expected


def test_a_young_file_is_not_taken_for_a_wrong_one(cooled: Cooled, pip_env: EnvFactory) -> None:
    """If a hash-pinned file must wait, pip does not fetch another file of its version and blame its hash."""
    young = next(f for f in cooled.server.files("acme") if f.filename == "acme-2.0-py3-none-any.whl")
    (old,) = cooled.server.add("acme", {"version": "2.0", "tag": "py2.py3-none-any", "uploaded": "30 days ago"})
    lock = cooled.folder / "requirements.txt"

    def judged(*hashes: str) -> list[str]:
        lock.write_text(f"acme==2.0 {' '.join(f'--hash=sha256:{one}' for one in hashes)}\n")
        done = cooled.env.tool("audit", "--format", "json", "-r", str(lock), policy=cooled.file)
        return [finding["code"] for finding in json.loads(done.stdout)["findings"]]

    assert judged(young.sha256) == ["too-young"]
    for env in (cooled.env, pip_env("22.0.2")):
        for resolver in ((), ("--use-deprecated", "legacy-resolver")):
            options = ("--index-url", cooled.server.page_url, "--no-deps", *resolver, "-r", str(lock))
            refused(env.run("download", *options, policy=cooled.file), "too-young")
    assert cooled.asked_files() == set()
    for hashes in ((old.sha256,), (young.sha256, old.sha256)):
        assert judged(*hashes) == []
        assert cooled.choices("-r", str(lock)).choices["acme"].url.endswith(old.filename)


def test_files_of_a_pylock_wait(cooled: Cooled) -> None:
    """Pip 26's `install -r pylock.toml` takes no file that is too young, unless pylock = "allow" skips the check."""
    files = {f.filename: f for f in cooled.server.files("acme")}
    lock = cooled.folder / "pylock.toml"

    def locked(version: str) -> list[str]:
        file = files[f"acme-{version}-py3-none-any.whl"]
        url = f"{cooled.server.root_url}files/{file.filename}"
        lock.write_text(
            'lock-version = "1.0"\ncreated-by = "tests"\n[[packages]]\n'
            f'name = "acme"\nversion = "{version}"\n[[packages.wheels]]\nname = "{file.filename}"\n'
            f'url = "{url}"\nhashes = {{ sha256 = "{file.sha256}" }}\n'
        )
        return ["install", "--dry-run", "-r", str(lock)]

    message = refused(cooled.env.run(*locked("2.0"), policy=cooled.file), "too-young")
    assert "2.0: uploaded 2 days ago; pypi waits 7 days" in message
    assert cooled.asked_files() == set()
    done = cooled.env.run(*locked("1.0"), policy=cooled.file)
    assert done.code == 0, done.stderr
    assert cooled.env.run(*locked("2.0"), policy=cooled.policy(before='pylock = "allow"')).code == 0


def test_pips_own_date_still_counts(cooled: Cooled) -> None:
    """A file must be old enough for both min-age and --uploaded-prior-to."""
    cooled.server.add("acme", {"version": "0.5", "uploaded": "2020-01-01T00:00:00Z"})
    assert cooled.version("acme", options=("--uploaded-prior-to", "2021-01-01T00:00:00Z")) == "0.5"
    assert cooled.version("acme", options=("--uploaded-prior-to", "2099-01-01T00:00:00Z")) == "1.0"


def test_pips_that_ask_for_html_ask_for_upload_times(fresh_env: EnvFactory, cooled: Cooled) -> None:
    """With a min-age, pip 22.0.2, which otherwise reads only HTML, requests JSON, which has upload times."""
    cooled.env = fresh_env("22.0.2")
    done = cooled.env.run("install", "acme", policy=cooled.file)
    assert done.code == 0, done.stderr
    assert cooled.env.installed["acme"] == "1.0"


def test_direct_urls_are_of_any_age(cooled: Cooled) -> None:
    """A URL or a file that the user names comes from no repository, so no min-age applies."""
    assert cooled.version(f"acme @ {cooled.server.root_url}files/acme-2.0-py3-none-any.whl") == "2.0"


def test_observe_says_what_would_wait(cooled: Cooled) -> None:
    """While the policy only observes, pip takes the young file, and the log says what the policy would take."""
    log = cooled.folder / "log"
    cooled.policy(before='mode = "observe"')
    assert cooled.version("acme", env={"REPOPRIO_LOG": str(log)}) == "2.0"
    (entry,) = map(json.loads, log.read_text().splitlines())
    assert entry["policy"]["version"] == "1.0", entry
    assert cooled.version("acme==2.0", env={"REPOPRIO_LOG": str(log)}) == "2.0"
    entry = json.loads(log.read_text().splitlines()[-1])
    assert entry["code"] == "too-young", entry


class Confirming(RepositoryServer):
    """A server that answers "not modified" for a page in pip's cache; `confirmed` counts how often."""

    confirmed = 0

    def _response(self, request: Request) -> Response:
        response = super()._response(request)
        if request.path.startswith("/simple/"):
            # No date and no URL of files is in the body, so the tag stays the same.
            response.add_etag()
            response.make_conditional(request)
            # The handler sends one.
            response.headers.pop("Date", None)
            self.confirmed += response.status_code == 304
        return response


@pytest.fixture
def confirming() -> Iterator[Confirming]:
    """A server with acme 1.0 from two months ago, and 2.0 from a month ago."""
    server = Confirming("pypi")
    with server:
        server.add("acme", {"version": "1.0", "uploaded": "2025-01-01T00:00:00Z"})
        month = datetime.now(timezone.utc) - timedelta(days=30)
        server.add("acme", {"version": "2.0", "uploaded": month.isoformat()})
        yield server


def test_a_304_gives_the_time_of_a_cached_page(confirming: Confirming, pip_env: EnvFactory, tmp_path: Path) -> None:
    """The Date of a 304 counts, which pip does not pass on; that of the page in pip's cache never does."""
    cooled = Cooled(pip_env(NEW), confirming, tmp_path)
    # pip caches nothing of http:, unless it trusts the host.
    trusting = {"PIP_TRUSTED_HOST": "127.0.0.1"}
    assert cooled.version(env=trusting) == "2.0"
    for number, (clock, expected) in enumerate((("28 days behind", "1.0"), ("", "2.0"), ("now", "2.0")), 1):
        confirming.http.date = "now" if clock == "now" else http_date(clock)
        assert cooled.version(env=trusting) == expected, clock
        assert confirming.confirmed == number
    # What pip's cache has from now on is dated long ago.
    assert cooled.env.run("cache", "purge").code == 0
    confirming.http.date = http_date("28 days behind")
    assert cooled.version(env=trusting) == "1.0"
    confirming.http.date = None
    assert cooled.version(env=trusting) == "2.0"
    assert confirming.confirmed == number + 1


def test_audit_finds_what_is_too_young(cooled: Cooled, fresh_env: EnvFactory) -> None:
    """If all fitting files of an installed version are too young, that is a warning.

    If nobody knows their age, a note.
    """
    cooled.env = fresh_env(NEW)
    cooled.policy(own="")
    assert cooled.env.run("install", "acme", policy=cooled.file).code == 0
    other: FileLike = {"tag": "cp39-cp39-win32", "version": "2.0", "uploaded": "60 days ago"}
    cooled.server.add("acme", other)

    def findings(*options: str) -> dict[str, str]:
        done = cooled.env.tool("audit", "--format", "json", *options, policy=cooled.file)
        assert "Traceback" not in done.stderr
        document = json.loads(done.stdout)["findings"]
        return {f"{one['code']} {one['severity']}": one["message"] for one in document if one["project"] == "acme"}

    assert findings() == {}
    cooled.policy()
    (said,) = findings().items()
    assert said[0] == "too-young warning"
    assert said[1].startswith("acme 2.0 is installed, but is too young: uploaded 2 days ago; pypi waits 7 days (")
    lock = cooled.folder / "requirements.txt"
    lock.write_text("acme==2.0\n")
    assert "too-young warning" in findings("-r", str(lock))
    cooled.server.add("acme", {"version": "2.0", "tag": "py2.py3-none-any", "uploaded": "60 days ago"})
    assert findings() == {}
    cooled.server.layout = "html"
    assert list(findings()) == ["no-upload-time note"]
    cooled.policy(own='min-age = "7 days"\nmin-age-unknown = "allow"')
    assert findings() == {}


def test_compare_says_what_waits(cooled: Cooled) -> None:
    """Compare tells that min-age is why the policy takes an older file, or none, and what to do."""
    cooled.server.add("new", YOUNG_FILE)
    done = cooled.env.tool("compare", "--format", "json", "acme", "new", policy=cooled.file)
    assert "Traceback" not in done.stderr
    found = {one["project"]: one for one in json.loads(done.stdout)["projects"]}
    assert (found["acme"]["code"], found["new"]["code"]) == ("narrowed", "too-young")
    assert 'min-age = "7 days"' in found["acme"]["reason"]
    for one in found.values():
        assert "wait until it is old enough" in one["fix"]


def test_repos_check_says_who_gives_no_upload_times(cooled: Cooled) -> None:
    """A repository whose pages have no upload times is named, with the setting that allows its files."""
    cooled.server.add("pip", {"version": "1.0", "uploaded": "1 day ago"})
    command = ("repos", "--check", "--format", "json")

    def checked() -> tuple[object, list[str]]:
        (entry,) = json.loads(cooled.env.tool(*command, policy=cooled.file).stdout)["repositories"]
        return entry["check"]["upload_times"], [remark["code"] for remark in entry["remarks"]]

    times, remarks = checked()
    assert times is True
    assert "no-upload-times" not in remarks
    cooled.server.layout = "html"
    times, remarks = checked()
    assert times is False
    assert "no-upload-times" in remarks
    stdout = cooled.env.tool("repos", "--check", policy=cooled.file).stdout
    assert "pages in HTML 1.0, without upload times" in " ".join(stdout.split())
    assert 'min-age-unknown = "allow"' in stdout
    cooled.policy(own="")
    assert "no-upload-times" not in checked()[1]


def test_explain_says_until_when(cooled: Cooled) -> None:
    """Explain names the newer release that waits: since when, how long, by which rule, and until when."""
    done = cooled.env.tool("explain", "acme", policy=cooled.file, env={"COLUMNS": "400"})
    assert done.code == 0
    line = next(line for line in done.stdout.splitlines() if "rejected" in line)
    assert f"2.0: uploaded 2 days ago; pypi waits 7 days (repositories.pypi.min-age, {cooled.file}); available" in line
    done = cooled.env.tool("explain", "--format", "json", "acme>=2", policy=cooled.file)
    (told,) = json.loads(done.stdout)["projects"]
    assert (done.code, told["outcome"], told["code"], told["hint"]["code"]) == (1, "no-match", "too-young", "wait")
    young = next(one["min_age"] for one in told["rejected"] if one["kind"] == "too-young")
    assert (young["repository"], young["waits_seconds"]) == ("pypi", 604800)
    assert datetime.fromisoformat(young["available_from"]) > datetime.now(timezone.utc)
    assert datetime.fromisoformat(young["uploaded"]) < datetime.now(timezone.utc)


def test_uv_waits_as_the_export_says(cooled: Cooled) -> None:
    """Real uv with the export takes what is old enough; a pin overrides the index, and zero lets a fix in."""
    for name in ("fix", "later"):
        cooled.server.add(name, OLD_FILE, YOUNG_FILE)
    pins = (("fix", "0 days"), ("later", "60 days"))
    cooled.policy("".join(f'[pins.{name}]\nprojects = ["{name}"]\nmin-age = "{age}"\n' for name, age in pins))
    done = cooled.env.tool("export", "uv", "--exit-zero", policy=cooled.file)
    assert done.code == 0, done.stderr
    (cooled.folder / "uv.toml").write_text(done.stdout)

    def compiled(name: str) -> str:
        (cooled.folder / "wanted.txt").write_text(f"{name}\n")
        asked = ("pip", "compile", "-q", "--no-header", "--no-annotate", "wanted.txt")
        return run_uv(cooled.folder, "--config-file", "uv.toml", *asked).stdout

    assert [compiled(name) for name in ("acme", "fix", "later")] == ["acme==1.0\n", "fix==2.0\n", ""]
    checked = cooled.env.tool("export", "uv", "--check", "uv.toml", policy=cooled.file, cwd=cooled.folder)
    assert "exclude-newer" not in checked.stderr
    changed = done.stdout.replace('later = "60 days"', "later = false")
    (cooled.folder / "uv.toml").write_text(changed)
    checked = cooled.env.tool("export", "uv", "--check", "uv.toml", policy=cooled.file, cwd=cooled.folder)
    assert checked.code == 1
    assert "exclude-newer-package is " in checked.stdout + checked.stderr


def test_ages_that_uv_cannot_express_are_gaps() -> None:
    """Patterns, files without upload times, flat indexes and flexible mode are named as not expressed."""
    pypi = '[repositories.pypi]\nurl = "https://pypi.example/simple/"\npriority = 90\nmin-age = "P7D"\n'
    flat = '[repositories.wheels]\nurl = "/srv/wheels"\nformat = "flat"\npriority = 10\n'
    pin = '[pins.some]\nprojects = ["acme-*", "acme"]\nmin-age = "1 day"\n'
    text = f'mode = "flexible"\n{pypi}min-age-unknown = "allow"\n{flat}{pin}'
    said = [f"{gap.key}: {gap.means}" for gap in uv.export(read_text(text, "f", {}, TOOLS), project=False).gaps]
    for part in (
        "mode: in uv a file that is too young opens its name",
        "repositories.pypi.min-age: uv builds an old sdist",
        "repositories.pypi.min-age-unknown: uv takes no file without an upload time",
        "pins.some.min-age: uv has no patterns: acme-* waits as its index says",
        "pins.some.min-age: uv takes files of flat indexes whatever their age",
    ):
        assert any(line.startswith(part) for line in said), part
