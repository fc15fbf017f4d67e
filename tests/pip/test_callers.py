"""All of pip's ways to name an index are checked against the policy, on several pips."""

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
        """Download, and return the result; evil is never asked."""
        files = self.folder / "files"
        done = self.env.run("download", "--no-cache-dir", "-d", str(files), *options, policy=self.policy, env=env)
        assert not self.evil.requests
        return done, sorted(path.name for path in files.glob("*"))


@pytest.fixture
def world(pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> World:
    """The repositories and a shared environment."""
    return World(pip_env(pip), repository("corp"), repository("evil"), tmp_path)


@pytest.mark.parametrize("pip", ["26.3"])
def test_the_policys_gateway_is_no_other_index(world: World) -> None:
    """If a pip.conf for pips without the hook names the gateway, the repositories are asked, and the gateway is not."""
    world.policy.write_text(f'gateway = "{world.evil.page_url}"\n{world.policy.read_text()}')
    conf = world.file("pip.conf", "[global]\nindex-url = {evil}\n")
    done, files = world.download("acme", env={"PIP_CONFIG_FILE": conf})
    assert files == ["acme-1.0-py3-none-any.whl"], done.stderr
    assert f"{world.evil.page_url} is the policy's gateway; its repositories are asked instead" in done.stderr
    done, files = world.download("--find-links", world.evil.page_url, "acme")
    assert (done.code, "[unlisted]" in done.stderr) == (1, True)


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
    """PIP_* and pip.conf's [global] and [install] count as the caller's, and are named."""
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
    """Indexes of the policy may be named; the order stays that of the policy."""
    file = world.file("good.txt", "--index-url {corp}\n--find-links {house}\nacme\ntool\n")
    done, files = world.download("-r", file)
    assert done.code == 0, done.stderr
    assert files == ["acme-1.0-py3-none-any.whl", "tool-1.0-py3-none-any.whl"]


def no_index(way: str, world: World) -> tuple[list[str], dict[str, str]]:
    """The options and variables that set --no-index in one of pip's ways."""
    conf = world.file("pip.conf", "[global]\nno-index = true\n") if way == "pip.conf" else ""
    variables = {"variable": {"PIP_NO_INDEX": "1"}, "pip.conf": {"PIP_CONFIG_FILE": conf}}
    return (["--no-index"] if way == "option" else []), variables.get(way, {})


@pytest.mark.parametrize("way", ["option", "variable", "pip.conf"])
@pytest.mark.parametrize("pip", PIPS)
def test_no_index_opens_no_name(way: str, world: World) -> None:
    """`--no-index` rules out simple repositories; those below get their names only if they are offline."""
    options, env = no_index(way, world)
    done, files = world.download(*options, "tool", env=env)
    assert (done.code, files) == (1, []), done.stderr
    assert "--no-index rules out corp (priority 10), which may own it" in done.stderr
    assert f"set repositories.house.offline = true in {world.policy}" in done.stderr
    world.policy.write_text(world.policy.read_text() + "offline = true\n")
    done, files = world.download(*options, "tool", env=env)
    assert (done.code, files) == (0, ["tool-1.0-py3-none-any.whl"]), done.stderr
    done, _ = world.download(*options, "acme", env=env)
    assert "No matching distribution found for acme: no repository has acme." in done.stderr
    assert not world.corp.requests


@pytest.mark.parametrize("kind", ["-r", "-c"])
@pytest.mark.parametrize("pip", PIPS)
def test_no_index_of_a_file_is_refused(kind: str, world: World) -> None:
    """A --no-index in a requirements or constraints file stops pip, with file and line."""
    file = world.file("bad.txt", "tool\n--no-index\n" if kind == "-r" else "tool==1.0\n--no-index\n")
    for also in ([], ["--no-index"]):
        done, files = world.download(*also, kind, file, "tool")
        assert (done.code, files) == (1, []), done.stdout
        assert f"{file}, line 2: --no-index in a requirements file is refused." in done.stderr
        assert "It would rule out corp (priority 10)." in done.stderr
        assert "[no-index]" in done.stderr
    assert not world.corp.requests


@pytest.mark.parametrize("pip", PIPS)
def test_builds_under_no_index(world: World) -> None:
    """A build requirement is decided like its parent's names.

    An offline repository serves it, no other one below the owner.
    """
    world.house.add("tool", {"version": "2", "sdist": True, "build-requires": ["backend"]})
    world.house.add("backend", "1.0")
    upper = world.file("upper.toml", world.policy.read_text().replace("priority = 20", "priority = 5"))
    world.drop.add("backend", "9.0")
    more = '[repositories.drop]\nurl = "{drop}"\nformat = "flat"\npriority = 90\n'
    for named, text in (("upper", Path(upper).read_text()), ("offline", world.policy.read_text() + "offline = true\n")):
        world.policy.write_text(text + world.filled(more))
        done = world.env.run("wheel", "--no-cache-dir", "--no-index", "tool", policy=world.policy, cwd=world.folder)
        assert done.code == 0, (named, done.stderr)
    (Path(world.house.path) / "backend-1.0-py3-none-any.whl").unlink()
    done = world.env.run("wheel", "--no-cache-dir", "--no-index", "tool", policy=world.policy, cwd=world.folder)
    assert done.code == 1
    assert "drop (priority 90) was not asked" in done.stdout + done.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_children_get_the_users_no_index(world: World) -> None:
    """A --no-index that pip adds for child pips does not count: the parent passes on what the user set."""
    env = {"_REPOPRIO_CHILD": "1", "_REPOPRIO_NO_INDEX": "0"}
    done, files = world.download("--no-index", "acme", env=env)
    assert (done.code, files) == (0, ["acme-1.0-py3-none-any.whl"]), done.stderr
    done, _ = world.download("tool", env={**env, "_REPOPRIO_NO_INDEX": "1"})
    assert "--no-index rules out corp (priority 10)" in done.stderr
    done, _ = world.download("--no-index", "tool", env={"_REPOPRIO_NO_INDEX": "0"})
    assert "--no-index rules out corp (priority 10)" in done.stderr, "without a parent nobody's word but the user's"


@pytest.mark.parametrize("pip", PIPS)
def test_builds_within_builds(world: World) -> None:
    """A build requirement that must itself be built gets its own build requirements under the policy too."""
    world.corp.add("setuptools", "1.0")
    world.corp.add("outer", {"version": "1", "sdist": True, "build-requires": ["inner"]})
    world.corp.add("inner", {"version": "1", "sdist": True, "build-requires": ["acme==99.0"]})
    conf = world.file("pip.conf", "[global]\nextra-index-url = {corp}\n")
    done, _ = world.download("outer", env={"PIP_CONFIG_FILE": conf})
    assert done.code == 1
    assert "acme belongs to corp (priority 10), which has 1.0" in done.stdout + done.stderr
