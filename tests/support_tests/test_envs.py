"""The environments of tests: real pips, apart from the machine and from each other."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from support.env_store import EnvStore, build_wheel
from support.files import BuiltFile, FileSpec, build
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Outcome, PipEnv
from support.repository import DirectoryRepository, FlatDirectory, Layout

NEW_PIP = "26.3"
OLD_PIP = "24.0"
LAYOUTS: tuple[Layout, ...] = ("json", "html")


@pytest.fixture(params=[NEW_PIP, OLD_PIP])
def stock(request: pytest.FixtureRequest, pip_env: EnvFactory) -> PipEnv:
    """An environment with a plain pip."""
    return pip_env(request.param, stock=True)


def chosen(outcome: Outcome) -> dict[str, str]:
    """Return the versions of a successful outcome."""
    assert outcome.code == 0, outcome.stderr
    return {name: choice.version for name, choice in outcome.choices.items()}


def test_the_environment_has_the_pip_it_names(stock: PipEnv) -> None:
    """`run` starts the version that was asked for."""
    assert stock.run("--version").stdout.split()[1] == stock.pip_version


@pytest.mark.parametrize("layout", LAYOUTS)
def test_stock_pip_installs_from_a_server(
    stock: PipEnv, repository: RepositoryFactory, layout: Layout, tmp_path: Path
) -> None:
    """A plain pip installs a wheel with a dependency, and builds an sdist, from the server."""
    corp = repository("corp", layout=layout)
    corp.add("acme", {"version": "1.0", "requires": ["dep[x]"]}, "2.0 yanked")
    corp.add("dep", {"version": "1", "sdist": True, "requires": ["more; extra == 'x'"]})
    corp.add("more", "3", {"version": "4", "requires-python": "<3"})
    target = tmp_path / "target"
    done = stock.run("install", "--index-url", corp.page_url, "--target", str(target), "acme")
    assert done.code == 0, done.stderr
    assert {path.name for path in target.glob("*.py")} == {"acme.py", "dep.py", "more.py"}
    assert "ORIGIN = 'corp'" in (target / "dep.py").read_text()
    assert "__version__ = '3'" in (target / "more.py").read_text()
    assert corp.asked_pages() == {"acme", "dep", "more"}
    assert "/files/acme-1.0-py3-none-any.whl.metadata" in corp.requests


def test_stock_pip_reads_every_other_repository(stock: PipEnv, repository: RepositoryFactory, tmp_path: Path) -> None:
    """The flat page, the folder and the directory repository all serve a plain pip."""
    corp = repository("corp")
    corp.add("acme", "1.0")
    folder = FlatDirectory(tmp_path / "flat", "flat")
    folder.add("acme", "2.0 sdist")
    directory = DirectoryRepository(tmp_path / "index", "index")
    directory.add("Acme", "3.0")
    links = ["--no-index", "--find-links", corp.flat_url]
    assert chosen(stock.choices("acme", options=links)) == {"acme": "1.0"}
    links += ["--find-links", folder.path]
    assert chosen(stock.choices("acme", options=links)) == {"acme": "2.0"}
    index = ["--index-url", directory.page_url]
    outcome = stock.choices("acme", options=index)
    assert chosen(outcome) == {"acme": "3.0"}
    assert outcome.choices["acme"].url.startswith(directory.root_url)


def test_build_requirements_are_looked_up(stock: PipEnv, repository: RepositoryFactory) -> None:
    """An sdist with a build requirement makes pip ask for it; one without asks nothing."""
    corp = repository("corp")
    corp.add("acme", {"version": "1", "sdist": True, "build-requires": ["tool"]}, "0.1 sdist")
    corp.add("tool", "1")
    index = ["--index-url", corp.page_url]
    assert chosen(stock.choices("acme<1", options=index)) == {"acme": "0.1"}
    assert not corp.asked("tool")
    assert chosen(stock.choices("acme", options=index)) == {"acme": "1"}
    assert corp.asked("tool")


def test_a_failure_has_no_choices(stock: PipEnv, repository: RepositoryFactory) -> None:
    """When pip fails the outcome is empty and keeps the error."""
    outcome = stock.choices("acme", options=["--index-url", repository("corp").page_url])
    assert (outcome.choices, outcome.code) == ({}, 1)
    assert "acme" in outcome.stderr


def test_the_machine_does_not_shine_through(
    pip_env: EnvFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing of the caller's configuration reaches pip, and a caller can override all."""
    # First of all, because making it does use the configuration of the machine.
    env = pip_env(NEW_PIP, stock=True)
    for name in ("PIP_INDEX_URL", "PYTHONPATH", "REPOPRIO_CONFIG", "https_proxy", "NO_COLOR"):
        monkeypatch.setenv(name, "leak")
    plain = env.environment()
    assert "leak" not in plain.values()
    assert Path(plain["HOME"]).is_relative_to(tmp_path)
    assert not any(Path(plain["HOME"]).iterdir())
    assert plain["PIP_RETRIES"] == "0"
    assert env.environment(tmp_path / "p.toml")["REPOPRIO_CONFIG"] == str(tmp_path / "p.toml")
    assert env.environment(None, {"PIP_RETRIES": "3"})["PIP_RETRIES"] == "3"
    listed = env.run("config", "list").stdout.splitlines()
    assert [line.partition("=")[0] for line in listed] == [
        ":env:.config-file",
        ":env:.default-timeout",
        ":env:.disable-pip-version-check",
        ":env:.retries",
    ]


def test_input_reaches_pip_and_is_empty_otherwise(pip_env: EnvFactory) -> None:
    """Standard input is what the caller gives, or nothing to wait for."""
    env = pip_env(NEW_PIP, stock=True)
    assert env.module("base64", "-e", "-", input="hello").stdout == "aGVsbG8=\n"
    assert env.module("base64", "-e", "-").stdout == ""


def test_fresh_environments_are_private(
    fresh_env: EnvFactory, pip_env: EnvFactory, repository: RepositoryFactory
) -> None:
    """No other environment sees what is installed into a fresh one."""
    corp = repository("corp")
    corp.add("acme", "1.0")
    first, second = fresh_env(NEW_PIP, stock=True), fresh_env(NEW_PIP, stock=True)
    done = first.run("install", "--index-url", corp.page_url, "acme")
    assert done.code == 0, done.stderr
    assert "acme" in first.run("freeze").stdout
    assert (first.site_packages / "acme.py").exists()
    for other in (second, pip_env(NEW_PIP, stock=True)):
        assert other.run("freeze").stdout == ""


def unpacked(built: BuiltFile, folder: Path) -> Path:
    """Unpack an sdist and return its top folder."""
    with tarfile.open(fileobj=io.BytesIO(built.content)) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file is not None
            path = folder / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.read())
    return folder / built.filename.removesuffix(".tar.gz")


def test_a_checkout_is_built_and_left_alone(tmp_path: Path) -> None:
    """Building a wheel does not change the checkout, even if the backend writes files."""
    checkout = unpacked(build("acme", FileSpec("1.0", sdist=True)), tmp_path)
    before = sorted(checkout.rglob("*"))
    wheel = build_wheel(checkout, tmp_path / "dest")
    assert wheel.name == "acme-1.0-py3-none-any.whl"
    assert sorted(checkout.rglob("*")) == before


def test_a_shared_environment_holds_the_wheel_of_the_checkout(tmp_path: Path) -> None:
    """The wheel is built and installed once, and is there in a private copy too."""
    checkout = unpacked(build("repoprio", FileSpec("7.0", sdist=True)), tmp_path)
    store = EnvStore(tmp_path / "store")
    wheel = store.wheel(checkout)
    env = store.env(NEW_PIP, wheel)
    written = env.python.lstat().st_mtime_ns
    assert store.wheel(tmp_path / "unused") == wheel
    assert store.env(NEW_PIP, wheel).python.lstat().st_mtime_ns == written
    for each in (env, store.copy(env, tmp_path / "copy")):
        assert each.tool().code == 0
        assert "repoprio==7.0" in each.run("list", "--format=freeze").stdout
