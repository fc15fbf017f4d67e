"""Whatever way a caller names a repository, it is held against the policy: all of pip's ways, on several pips."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.repository import FlatDirectory, RepositoryServer

PIPS = ["22.0.2", "24.0", "26.3"]


class World:
    """corp above a wheelhouse; evil and a drop box are not in the policy. All have acme."""

    def __init__(self, env: PipEnv, corp: RepositoryServer, evil: RepositoryServer, folder: Path) -> None:
        self.env, self.corp, self.evil, self.folder = env, corp, evil, folder
        self.house, self.drop = FlatDirectory(folder / "house", "house"), FlatDirectory(folder / "drop", "drop")
        corp.add("acme", "1.0")
        self.house.add("tool", "1.0")
        for stranger in (evil, self.drop):
            stranger.add("acme", "99.0")
        self.policy = folder / "policy.toml"
        self.policy.write_text(
            f'[repositories.corp]\nurl = "{corp.page_url}"\npriority = 10\n'
            f'[repositories.house]\nurl = "{self.house.path}"\nformat = "flat"\npriority = 20\n'
        )

    def file(self, name: str, text: str) -> str:
        """A file; {evil}, {corp}, {house} and {drop} are filled in."""
        path = self.folder / name
        path.write_text(self.filled(text))
        return str(path)

    def filled(self, text: str) -> str:
        """`text` with the places of the repositories."""
        return text.format(evil=self.evil.page_url, corp=self.corp.page_url, house=self.house.path, drop=self.drop.path)

    def download(self, *options: str, env: dict[str, str] | None = None) -> tuple[Completed, list[str]]:
        """Download, and what came; evil is never asked."""
        files = self.folder / "files"
        done = self.env.run("download", "--no-cache-dir", "-d", str(files), *options, policy=self.policy, env=env)
        assert not self.evil.requests
        return done, sorted(path.name for path in files.glob("*"))


@pytest.fixture
def world(pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> World:
    """The repositories and a shared environment."""
    return World(pip_env(pip), repository("corp"), repository("evil"), tmp_path)


UNLISTED = ["--index-url {evil}", "--extra-index-url {evil}", "--find-links {drop}", "-i {evil}", "-f {evil}"]


@pytest.mark.parametrize("option", UNLISTED)
@pytest.mark.parametrize("pip", PIPS)
def test_a_requirements_file_cannot_widen_the_policy(option: str, world: World) -> None:
    """Options in a requirements file, in one that it includes, and in a constraints file are the caller's."""
    plain, bad = world.file("plain.txt", "acme\n"), world.file("bad.txt", f"{option}\nacme\n")
    outer = world.file("outer.txt", f"-r {bad}\n")
    for options in (["-r", bad], ["-r", outer], ["-r", plain, "-c", bad]):
        done, files = world.download(*options)
        assert (done.code, files) == (1, []), done.stdout
        assert f"is not in the policy (named by {bad}, line 1)" in done.stderr
        assert "[unlisted]" in done.stderr


@pytest.mark.parametrize("option", UNLISTED[:3])
@pytest.mark.parametrize("pip", PIPS)
def test_neither_can_variables_and_files_of_pip(option: str, world: World) -> None:
    """PIP_* and pip.conf's [global] and [install] are the caller's, and are named."""
    key, value = world.filled(option).removeprefix("--").split()
    variable = f"PIP_{key.upper().replace('-', '_')}"
    done, files = world.download("acme", env={variable: value})
    assert (done.code, files) == (1, [])
    assert f"(named by {variable})" in done.stderr
    for section in ("global", "download"):
        conf = world.file("pip.conf", f"[{section}]\n{key} = {value}\n")
        done, files = world.download("acme", env={"PIP_CONFIG_FILE": conf})
        assert (done.code, files) == (1, [])
        assert f"(named by {section}.{key} in {conf})" in done.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_listed_ones_are_fine_in_a_requirements_file(world: World) -> None:
    """What the policy lists may be named; each pip replaces its lists, and the order stays the policy's."""
    file = world.file("good.txt", "--index-url {corp}\n--find-links {house}\nacme\ntool\n")
    done, files = world.download("-r", file)
    assert done.code == 0, done.stderr
    assert files == ["acme-1.0-py3-none-any.whl", "tool-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("way", ["option", "file", "variable"])
@pytest.mark.parametrize("pip", PIPS)
def test_no_index_leaves_flat_ones(way: str, world: World) -> None:
    """`--no-index`, wherever it stands, takes simple repositories out, and nothing below takes their place."""
    text = "--no-index\n{name}\n" if way == "file" else "{name}\n"
    for name, expected in (("tool", 0), ("acme", 1)):
        file = world.folder / f"{name}.txt"
        file.write_text(text.format(name=name))
        options = ["--no-index"] if way == "option" else []
        done, _ = world.download(*options, "-r", str(file), env={"PIP_NO_INDEX": "1"} if way == "variable" else None)
        assert done.code == expected, done.stderr
    assert not world.corp.requests
    assert "corp" in done.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_builds_within_builds(world: World) -> None:
    """A build requirement that must itself be built finds its own build requirements by the policy as well."""
    world.corp.add("setuptools", "1.0")
    world.corp.add("outer", {"version": "1", "sdist": True, "build-requires": ["inner"]})
    world.corp.add("inner", {"version": "1", "sdist": True, "build-requires": ["acme==99.0"]})
    conf = world.file("pip.conf", "[global]\nextra-index-url = {corp}\n")
    done, _ = world.download("outer", env={"PIP_CONFIG_FILE": conf})
    assert done.code == 1
    assert "acme belongs to corp (priority 10), which has 1.0" in done.stdout + done.stderr
