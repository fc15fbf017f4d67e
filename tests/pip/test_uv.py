"""Real uv with an export: missing logins, and each of its commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug import Request, Response

from repoprio.cli.doctoring import installers
from repoprio.config.load import read_text
from repoprio.doctor import uv_check
from repoprio.export import uv
from repoprio.render import installers as rendered
from support.faults import authorized, not_found
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.policy_files import TOOLS
from support.repository import RepositoryServer
from support.uvs import CORP, PUBLIC, gaps, run_uv

USER, PASSWORD = "UV_INDEX_CORP_EU_USERNAME", "UV_INDEX_CORP_EU_PASSWORD"


class Hiding(RepositoryServer):
    """A server that answers 404 to requests without a login."""

    def _response(self, request: Request) -> Response:
        return super()._response(request) if authorized("bot:s3cret", request) else not_found()


@pytest.fixture
def hiding() -> Iterator[RepositoryServer]:
    """Such a server with acme 1.0."""
    with Hiding("corp") as server:
        server.add("acme", "1.0")
        yield server


def compiled(folder: Path, **variables: str) -> Completed:
    """The version of acme that uv resolves to, with the uv.toml of a folder."""
    (folder / "wanted.txt").write_text("acme\n")
    asked = ("pip", "compile", "-q", "--no-header", "--no-annotate", "wanted.txt")
    return run_uv(folder, "--config-file", "uv.toml", *asked, **variables)


@pytest.mark.parametrize("place", ["the URL", "variables"])
def test_a_login_that_is_not_exported_stops_uv(
    place: str, hiding: RepositoryServer, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Without its login uv takes no stranger's file, and the export says which variables it needs."""
    public = repository("public")
    public.add("acme", "99.0")
    url = hiding.page_url.replace("://", "://bot:s3cret@") if place == "the URL" else hiding.page_url
    policy = tmp_path / "policy.toml"
    policy.write_text(
        f'[repositories.corp-eu]\nurl = "{url}"\npriority = 10\n'
        f'[repositories.public]\nurl = "{public.page_url}"\npriority = 90\n'
    )
    mine = {"REPOPRIO_CORP_EU_USERNAME": "bot", "REPOPRIO_CORP_EU_PASSWORD": "s3cret"} if place == "variables" else {}
    done = pip_env("26.3").tool("export", "uv", policy=policy, env=mine)
    assert done.code == 1
    assert (
        f"not expressed: repositories.corp-eu.url: its login is not exported: set {USER} and {PASSWORD}" in done.stderr
    )
    assert "s3cret" not in done.stdout + done.stderr
    (tmp_path / "uv.toml").write_text(done.stdout)
    for variables in ({}, {USER: "bot"}):
        stopped = compiled(tmp_path, **variables)
        assert (stopped.code != 0, "Missing credentials" in stopped.stderr) == (True, True), stopped
    assert compiled(tmp_path, **{USER: "bot", PASSWORD: "s3cret"}).stdout == "acme==1.0\n"
    # Why doctor calls half a login open, and the gap a wrong one: to uv it is one.
    assert compiled(tmp_path, **{PASSWORD: "s3cret"}).stdout == "acme==99.0\n"


def test_only_a_known_login_is_required() -> None:
    """`authenticate` and the gap are exported only for repositories with a login, or with its variables."""
    for url in ("https://bot:s3cret@corp.example/", "https://${WHO}:${TOKEN}@corp.example/"):
        policy = read_text(CORP.replace("https://corp.example/", url) + PUBLIC, "f", {}, TOOLS)
        indexes = uv.export(policy, project=False).document["index"]
        assert [index.get("authenticate") for index in indexes] == ["always", None]
        assert uv.login_variables(policy) == {"corp": ("UV_INDEX_CORP_USERNAME", "UV_INDEX_CORP_PASSWORD")}
    assert not gaps(CORP + PUBLIC)


def test_doctor_says_which_variables_are_unset() -> None:
    """A missing login is a note, since uv stops; a password without user name is a failure, since uv continues."""
    wanted = {"corp": ("UV_INDEX_CORP_USERNAME", "UV_INDEX_CORP_PASSWORD")}
    user, password = wanted["corp"]
    assert not uv_check.unset_logins(wanted, {user: "bot", password: "s3cret"})
    found = {
        given: uv_check.unset_logins(wanted, dict.fromkeys(given, "s3cret")) for given in ((), (user,), (password,))
    }
    assert {given: (one.variables, one.is_half) for given, (one,) in found.items()} == {
        (): (wanted["corp"], False),
        (user,): ((password,), False),
        (password,): ((user,), True),
    }
    known = {"path": "/bin/uv", "version": "0.13", "took": "1.0", "is_as_exported": True, "file": None}
    known |= {"gaps": [], "sources": [], "proxies": [], "lock": None}
    said = {
        given: "\n".join(rendered._uv({**known, "obeys": not one.is_half, "unset_logins": [one._asdict()]}))
        for given, (one,) in found.items()
    }
    assert f"note: corp needs its login: set {user} and {password}; uv stops there unless netrc" in said[()]
    assert "  FAIL   /bin/uv 0.13    has only half a login" in said[(password,)]
    assert f"fix: corp needs its login: set {user} too" in said[(password,)]


def test_doctor_notes_a_proxy_that_answers_for_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy is reported for an index over http, where nothing proves who answers; not over https."""
    monkeypatch.setenv("HTTP_PROXY", "http://bot:s3cret@proxy.example:3128")
    known = {"path": "/bin/uv", "version": "0.13", "obeys": True, "file": None}
    known |= {"gaps": [], "sources": [], "unset_logins": [], "proxies": ["HTTP_PROXY"], "lock": None}
    note = "uv and pip send requests for http: indexes through the proxy in HTTP_PROXY, which can answer anything"
    assert f"note: {note}" in "\n".join(rendered._uv(known))
    for scheme, noted in (("http", ["HTTP_PROXY"]), ("https", [])):
        assert [n for n in installers._proxies([{"url": f"{scheme}://corp.example/"}]) if n == "HTTP_PROXY"] == noted


class Lab:
    """A policy of corp (acme 1.0) above public (acme 99.0), and folders for the uv that has its export."""

    def __init__(self, repository: RepositoryFactory, folder: Path, env: PipEnv) -> None:
        self.corp, self.public, self.folder, self._env = repository("corp"), repository("public"), folder, env
        (self.stranger,) = self.public.add("acme", "99.0")
        # What uv puts into a seeded environment.
        for name in ("pip", "setuptools", "wheel"):
            self.corp.add(name, "1.0")
            self.public.add(name, "99.0")
        self.policy = folder / "policy.toml"
        self.write(f'[repositories.corp]\nurl = "{self.corp.page_url}"\npriority = 10\n')

    def write(self, above: str) -> None:
        """Write a policy of these repositories above public."""
        self.policy.write_text(f'{above}[repositories.public]\nurl = "{self.public.page_url}"\npriority = 90\n')

    def export(self, *options: str) -> Completed:
        """The export; it becomes the system's file of `uv`."""
        done = self._env.tool("export", "uv", *options, policy=self.policy)
        (self.folder / "system" / "uv").mkdir(parents=True, exist_ok=True)
        (self.folder / "system" / "uv" / "uv.toml").write_text(done.stdout)
        return done

    def uv(self, *arguments: str, **variables: str) -> Completed:
        """Run uv with it, in a separate folder."""
        (self.folder / "work").mkdir(exist_ok=True)
        places = {"XDG_CONFIG_DIRS": str(self.folder / "system"), "UV_TOOL_DIR": "tools", "UV_TOOL_BIN_DIR": "bin"}
        return run_uv(self.folder / "work", *arguments, **places, **variables)

    def resolved(self, requirement: str = "acme", **variables: str) -> str:
        """The version that uv resolves a requirement to, or its error."""
        (self.folder / "wanted.txt").write_text(f"{requirement}\n")
        asked = ("pip", "compile", "-q", "--no-header", "--no-annotate", str(self.folder / "wanted.txt"))
        done = self.uv(*asked, **variables)
        return (done.stderr if done.code else done.stdout).strip()


@pytest.fixture
def lab(repository: RepositoryFactory, tmp_path: Path, pip_env: EnvFactory) -> Lab:
    """A lab."""
    return Lab(repository, tmp_path, pip_env("26.3"))


PROJECT = '[project]\nname = "asker"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["acme"]\n'


def test_each_command_of_uv_obeys_the_export(lab: Lab) -> None:
    """With the export as the system's file each command that installs takes the owner's file and asks nobody below."""
    lab.corp.add("acme", "1.0")
    assert lab.export().code == 0
    assert "acme==1.0" in lab.uv("tool", "install", "acme").stderr
    assert lab.uv("venv", "--seed", "seeded").code == 0
    assert " + acme==1.0" in lab.uv("pip", "install", "--python", "seeded", "acme").stderr
    assert "acme==1.0" in lab.uv("run", "-v", "--with", "acme", "python", "-c", "").stderr
    (lab.folder / "work" / "pyproject.toml").write_text(PROJECT)
    assert lab.uv("lock").code == 0
    assert " + acme==1.0" in lab.uv("sync").stderr
    assert (lab.corp.asked("pip"), lab.public.asked_pages()) == (True, set())


def test_the_comments_of_an_export_are_true(lab: Lab) -> None:
    """Locks, requirements files, scripts, URLs and a cache can bring 99.0 into real uv, as the comments say."""
    lab.corp.add("acme", "1.0")
    url = f"{lab.public.root_url}files/{lab.stranger.filename}"
    (outer,) = lab.corp.add("outer", {"version": "1.0", "requires": [f"acme @ {url}"]})
    head = lab.export().stdout
    assert lab.resolved() == "acme==1.0"
    assert lab.resolved(f"outer @ {lab.corp.root_url}files/{outer.filename}").startswith(f"acme @ {url}")
    assert "may require further URLs" in head
    # Of an index the same is refused.
    assert "URL dependencies must be expressed as direct requirements" in lab.resolved("outer")
    assert lab.resolved(f"--find-links {lab.public.flat_url}\nacme") == "acme==99.0"
    assert "a requirements file or a script" in head
    cache = {"UV_CACHE_DIR": str(lab.folder / "cache"), "UV_NO_CACHE": "0"}
    assert lab.resolved(UV_DEFAULT_INDEX=lab.public.page_url, UV_NO_CONFIG="1", **cache) == "acme==99.0"
    assert lab.resolved(UV_OFFLINE="1", **cache) == "acme==99.0"
    assert "Offline, uv takes what its cache has from any index" in head
    (lab.folder / "work" / "pyproject.toml").write_text(PROJECT)
    assert lab.uv("lock", UV_DEFAULT_INDEX=lab.public.page_url, UV_NO_CONFIG="1").code == 0
    assert " + acme==99.0" in lab.uv("sync").stderr
    assert lab.uv("lock", "--upgrade").code == 0
    assert " + acme==1.0" in lab.uv("sync").stderr
    assert "existing uv.lock or pylock.toml keeps its files, even a stranger's (uv lock --upgrade" in head


def test_flat_places_that_uv_reads_in_another_way(lab: Lab) -> None:
    """A single file over HTTP, and HTML files in a folder, work in pip but not in uv: both are reported."""
    (acme,) = lab.corp.add("acme", "1.0")
    folder = lab.folder / "flat"
    folder.mkdir()
    flat = '[repositories.corp]\nurl = "{}"\nformat = "flat"\npriority = 10\n'
    lab.write(flat.format(folder))
    (folder / acme.filename).write_bytes(acme.content)
    assert lab.export().code == 0
    assert lab.resolved() == "acme==1.0"
    (folder / acme.filename).rename(folder / "acme-1.0-dev.tar.gz")
    assert lab.resolved() == "acme==99.0"
    assert "it does not see an sdist with a dash in its version" in lab.export().stdout
    (folder / "acme-1.0-dev.tar.gz").unlink()
    (folder / "links.html").write_text(f'<a href="{lab.corp.root_url}files/{acme.filename}">{acme.filename}</a>')
    done = lab.export()
    assert lab.resolved() == "acme==99.0"
    assert (done.code, "corp.url: uv takes the files in this folder, not those that HTML" in done.stderr) == (1, True)
    lab.write(flat.format(f"{lab.corp.root_url}files/{acme.filename}"))
    done = lab.export()
    assert lab.resolved() == "acme==99.0"
    assert (done.code, "corp.url: uv ignores it" in done.stderr) == (1, True)


def test_a_route_of_a_project_is_for_its_own_requirements(lab: Lab) -> None:
    """`tool.uv.sources` routes what the project requires; `uv pip` takes 99.0 for others, and a gap says so."""
    lab.corp.add("acme", "1.0")
    lab.write(f'[repositories.corp]\nurl = "{lab.corp.page_url}"\npriority = 95\nowns = ["acme"]\n')
    done = lab.export("--project")
    assert (
        "corp.owns: uv cannot reserve acme, unless the project itself requires it: it may come from public"
        in done.stderr
    )
    assert "uv tool and uvx do not read a project's file" in done.stdout
    (lab.folder / "system" / "uv" / "uv.toml").unlink()
    (lab.folder / "work").mkdir()
    (lab.folder / "work" / "pyproject.toml").write_text(f"{PROJECT}{done.stdout}")
    assert lab.resolved() == "acme==99.0"
    assert lab.uv("lock").code == 0
    assert 'version = "1.0"' in (lab.folder / "work" / "uv.lock").read_text()
