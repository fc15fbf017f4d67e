"""`repoprio compare` and `repoprio explain` never run code of a package."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from support.files import BuiltFile, FileSpec
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.repository import RepositoryServer
from support.scene import policy_text

PIPS = ["26.3", "24.0", "22.0.2"]
BETWEEN = ["22.3.1", "23.0.1", "23.2.1", "24.3.1", "25.0.1", "25.3", "26.0", "26.1", "26.2"]
pytestmark = pytest.mark.parametrize("pip", [*PIPS, *(pytest.param(pip, marks=pytest.mark.full) for pip in BETWEEN)])
_IN_TREE = '[build-system]\nrequires = []\nbuild-backend = "trap"\nbackend-path = ["."]\n'


class Traps:
    """Sdists and source trees that leave a mark as soon as any of their code runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = folder / "somebody-ran-it"
        code = f"open({str(self.mark)!r}, 'a').write('ran')\nraise SystemExit('no build')\n"
        self.kinds = {
            "setup": {"setup.py": code},
            "backend": {"pyproject.toml": _IN_TREE, "trap.py": code},
            "both": {"setup.py": code, "trap.py": code, "pyproject.toml": _IN_TREE, "setup.cfg": ""},
        }

    def sdist(self, project: str, version: str, kind: str) -> BuiltFile:
        """An sdist as a repository lists it."""
        buffer = io.BytesIO()
        with (
            gzip.GzipFile("", "wb", fileobj=buffer) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for name, text in self.kinds[kind].items():
                entry = tarfile.TarInfo(f"{project}-{version}/{name}")
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        content = buffer.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        return BuiltFile(f"{project}-{version}.tar.gz", content, digest, FileSpec(version, sdist=True))

    def put(self, server: RepositoryServer, project: str, version: str, kind: str) -> None:
        """Let a repository list such an sdist."""
        server.put(project, self.sdist(project, version, kind))

    def archive(self, project: str, kind: str) -> Path:
        """Such an sdist on disk."""
        file = self.sdist(project, "1.0", kind)
        path = self.folder / file.filename
        path.write_bytes(file.content)
        return path

    def tree(self, project: str, kind: str) -> Path:
        """Such a source tree on disk."""
        path = self.folder / project
        path.mkdir()
        for name, text in self.kinds[kind].items():
            (path / name).write_text(text)
        return path


@pytest.fixture
def traps(tmp_path: Path) -> Traps:
    """The traps of this test."""
    folder = tmp_path / "traps"
    folder.mkdir()
    return Traps(folder)


@pytest.fixture
def corp(repository: RepositoryFactory) -> RepositoryServer:
    """The higher-priority repository."""
    return repository("corp")


@pytest.fixture
def public(repository: RepositoryFactory) -> RepositoryServer:
    """The lower one."""
    return repository("public")


@pytest.fixture
def policy(corp: RepositoryServer, public: RepositoryServer, tmp_path: Path) -> Path:
    """A policy with both repositories."""
    file = tmp_path / "repoprio.toml"
    file.write_text(policy_text({"corp": corp.page_url, "public": public.page_url}))
    return file


def both(env: PipEnv, policy: Path, *words: str, path: str | None = None) -> list[Completed]:
    """`compare` and `explain` with the same arguments."""
    given = {"PATH": path} if path else None
    runs = [env.tool(command, *words, policy=policy, env=given) for command in ("compare", "explain")]
    for run in runs:
        assert "Traceback" not in run.stderr, run.stderr
        assert run.code in (0, 1), run.stderr
    return runs


def test_the_trap_is_one(pip: str, pip_env: EnvFactory, traps: Traps) -> None:
    """With pip, the same sdist does leave its mark; otherwise the other tests would prove nothing."""
    word = "download" if pip == "22.0.2" else "install"
    more = ["--no-deps"] if pip == "22.0.2" else ["--dry-run"]
    pip_env(pip, stock=True).run(word, *more, "--no-index", str(traps.archive("evil", "backend")))
    assert traps.mark.exists()


@pytest.mark.parametrize("kind", ["setup", "backend", "both"])
def test_sdists_of_either_side(
    pip: str,
    kind: str,
    pip_env: EnvFactory,
    corp: RepositoryServer,
    public: RepositoryServer,
    policy: Path,
    traps: Traps,
) -> None:
    """Sdists of one side or both, as roots and as dependencies, are neither run nor fetched."""
    corp.add("acme", {"version": "1.0", "requires": ["dep"]})
    traps.put(public, "acme", "99.0", kind)
    traps.put(corp, "own", "1.0", kind)
    traps.put(public, "own", "2.0", kind)
    traps.put(public, "dep", "1.0", kind)
    compared, _ = both(pip_env(pip), policy, "acme", "own", "dep>=1")
    assert not traps.mark.exists()
    assert "!  acme     99.0 sdist  public" in compared.stdout
    assert "?  dep      1.0 sdist   public" in compared.stdout
    assert not [path for server in (corp, public) for path in server.requests if path.endswith(".tar.gz")]


@pytest.mark.parametrize("kind", ["setup", "backend"])
def test_direct_urls_and_paths(
    pip: str, kind: str, pip_env: EnvFactory, public: RepositoryServer, policy: Path, traps: Traps, tmp_path: Path
) -> None:
    """Sdists by URL or path, and source trees in any form, are neither run nor changed."""
    tree, archive, served = traps.tree("tree", kind), traps.archive("filed", kind), traps.archive("web", kind)
    public.extra["/web-1.0.tar.gz"] = served.read_bytes()
    before = sorted(path.name for path in tree.iterdir())
    words = [f"tree @ {tree.as_uri()}", f"filed @ {archive.as_uri()}", f"{public.root_url}web-1.0.tar.gz"]
    compared, _ = both(pip_env(pip), policy, *words)
    assert "?  filed    1.0 source  URL  1.0 source   URL" in compared.stdout
    assert "?  tree     source      URL  source       URL" in compared.stdout
    assert "?  web      1.0 source  URL  1.0 source   URL" in compared.stdout
    both(pip_env(pip), policy, str(tree), str(archive))
    listed = tmp_path / "requirements.txt"
    listed.write_text(f"-e {tree}\n-e {tree.as_uri()}#egg=tree\n")
    both(pip_env(pip), policy, "-r", str(listed))
    assert not traps.mark.exists()
    assert sorted(path.name for path in tree.iterdir()) == before
    assert "/web-1.0.tar.gz" not in public.requests


def test_nothing_is_cloned(pip: str, pip_env: EnvFactory, public: RepositoryServer, policy: Path, traps: Traps) -> None:
    """No version control runs, for a root, an editable one, or a URL in metadata."""
    tools = traps.folder / "bin"
    tools.mkdir()
    for name in ("git", "hg", "svn", "bzr"):
        (tools / name).write_text(f"#!/bin/sh\necho ran >> {traps.mark}\nexit 1\n")
        (tools / name).chmod(0o755)
    public.add("app", {"version": "1.0", "requires": ["hidden @ git+https://127.0.0.1:9/hidden.whl"]})
    listed = traps.folder / "requirements.txt"
    listed.write_text("-e git+https://127.0.0.1:9/two#egg=two\n")
    words = ["one @ git+https://127.0.0.1:9/one-1.0-py3-none-any.whl", "hg+https://127.0.0.1:9/x", "app", "-r"]
    both(pip_env(pip), policy, *words, str(listed), path=f"{tools}:/usr/bin:/bin")
    assert not traps.mark.exists()


def test_a_url_in_metadata_is_not_fetched(
    pip: str, pip_env: EnvFactory, corp: RepositoryServer, public: RepositoryServer, policy: Path, traps: Traps
) -> None:
    """A direct URL in the metadata of plain pip's choice is not fetched: its author chose the host."""
    corp.add("acme", "1.0")
    (wheel,) = public.add("elsewhere", "1.0")
    public.extra["/hidden/dep-1.0-py3-none-any.whl"] = wheel.content
    url = f"{public.root_url}hidden/dep-1.0-py3-none-any.whl"
    public.add("acme", {"version": "99.0", "requires": [f"dep @ {url}"]})
    compared, _ = both(pip_env(pip), policy, "acme")
    assert "+  dep      1.0 unread  URL" in compared.stdout
    assert not [path for path in public.requests if path.startswith("/hidden")]
