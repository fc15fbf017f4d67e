"""min-age through real pips: what is fetched, what waits, and what says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Outcome, PipEnv
from support.repository import FileLike, RepositoryServer
from support.scene import refused

NEW = "26.3"
OLD_FILE: dict[str, object] = {"version": "1.0", "uploaded": "30 days ago"}
YOUNG_FILE: dict[str, object] = {"version": "2.0", "uploaded": "2 days ago"}


class Cooled:
    """One repository that waits a week, and a pip under that policy."""

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
    """Acme 1.0 of last month and 2.0 of the day before yesterday, with the newest pip."""
    made = Cooled(pip_env(NEW), repository("pypi"), tmp_path)
    made.server.add("acme", OLD_FILE, YOUNG_FILE)
    return made


def test_nothing_of_a_young_file_is_fetched(cooled: Cooled, fresh_env: EnvFactory) -> None:
    """Neither a file that is too young nor its metadata is asked for: not by pip, not ahead, not for a conflict."""
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
    """An installed release that is too young is neither replaced nor refused, with --upgrade too."""
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
    """Where no wheel fits, as with --no-binary, an sdist that is old enough is taken; else its version waits."""
    cooled.server.add("acme", {"version": "2.0", "sdist": True, "uploaded": "30 days ago"})
    assert cooled.version() == "1.0"
    assert cooled.version("acme", options=("--no-binary", "acme")) == "2.0"


@pytest.mark.parametrize("pip", [NEW, "24.0"])
def test_hash_pinned_files_wait(pip: str, pip_env: EnvFactory, cooled: Cooled) -> None:
    """A hash does not make a file older; an old sdist whose hash alone is asked for does not wait for a wheel."""
    cooled.env = pip_env(pip)
    (sdist,) = cooled.server.add("acme", {"version": "2.0", "sdist": True, "uploaded": "30 days ago"})
    wheel = next(f for f in cooled.server._shelf.files("acme") if f.filename == "acme-2.0-py3-none-any.whl")
    lock = cooled.folder / "requirements.txt"
    for hashes, expected in (((wheel.sha256,), None), ((wheel.sha256, sdist.sha256), None), ((sdist.sha256,), "2.0")):
        lock.write_text(f"acme==2.0 {' '.join(f'--hash=sha256:{one}' for one in hashes)}\n")
        assert cooled.version("-r", str(lock)) == expected


def test_files_of_a_pylock_wait(cooled: Cooled) -> None:
    """Pip 26's `install -r pylock.toml` takes no file that is too young, unless pylock = "allow" looks at none."""
    files = {f.filename: f for f in cooled.server._shelf.files("acme")}
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

    said = refused(cooled.env.run(*locked("2.0"), policy=cooled.file), "too-young")
    assert "2.0: uploaded 2 days ago; pypi waits 7 days" in said
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
    """Pip 22.0.2, which reads HTML alone, is no reason to refuse everything: with a min-age JSON is asked for."""
    cooled.env = fresh_env("22.0.2")
    done = cooled.env.run("install", "acme", policy=cooled.file)
    assert done.code == 0, done.stderr
    assert cooled.env.installed["acme"] == "1.0"


def test_direct_urls_are_of_any_age(cooled: Cooled) -> None:
    """A URL or a file that the user names comes from no repository: there is nobody to wait for."""
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


def test_a_cached_page_tells_no_old_time(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> None:
    """A page that the server confirms (304) is as new as that answer, not as its copy in pip's cache."""
    server = repository("pypi", cache_control="max-age=600")
    cooled = Cooled(pip_env(NEW), server, tmp_path)
    server.add("acme", {"version": "1.0", "uploaded": "60 days ago"}, {"version": "2.0", "uploaded": "10 days ago"})
    done = cooled.choices("acme", env={"PIP_NO_CACHE_DIR": "0"})
    assert done.choices["acme"].version == "2.0", done.stderr
