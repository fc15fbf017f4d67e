"""The record of a new environment: paths of the policy under which it was created, so that its pip obeys."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.scene import Scene

PIP = "26.3"
# Neither the null device, with which pip reads none of its files, nor a file.
NO_FILE = {"PIP_CONFIG_FILE": ""}


class Place(Scene):
    """An environment that creates others, corp above public, and a policy in a place that others do not read."""

    def __init__(self, home: PipEnv, repository: RepositoryFactory) -> None:
        super().__init__(repository, home.root)
        self.home = home

    def lay(self, kind: str) -> tuple[Path, dict[str, str]]:
        """Put the policy into the place `kind`; returns its file, and the variables for creating an environment."""
        if kind == "REPOPRIO_CONFIG":
            return self.file, {**NO_FILE, kind: str(self.file)}
        file = self.home.root / ("pip.conf" if kind == "site" else "named.conf")
        file.write_text(self.section())
        return file, {"PIP_CONFIG_FILE": "" if kind == "site" else str(file)}

    def new_environment(
        self, folder: Path, module: str, variables: dict[str, str], maker: PipEnv | None = None
    ) -> PipEnv:
        """An environment from `python -m venv` or virtualenv; `said` is its stderr."""
        maker = maker or self.home
        options = ["--without-pip"] if module == "venv" else []
        done = maker.module(module, *options, str(folder), env=variables)
        assert done.code == 0, done.stderr
        assert f"repoprio: pip in {folder} obeys the policy too" in done.stderr
        env = PipEnv(folder, PIP, folder / "home")
        if module == "venv":
            shutil.copytree(self.home.site_packages / "pip", env.site_packages / "pip")
        return env

    def take(self, env: PipEnv, **variables: str) -> Completed:
        """Let a pip choose from both repositories, with only these variables."""
        arguments = ("install", "--dry-run", "--no-cache-dir", *self.indexes, "acme")
        return env.run(*arguments, env={**NO_FILE, **variables})


@pytest.fixture
def place(fresh_env: EnvFactory, repository: RepositoryFactory) -> Place:
    """An environment that creates others, and two repositories."""
    return Place(fresh_env(PIP), repository)


@pytest.fixture
def virtualenv(place: Place) -> None:
    """Virtualenv in the environment that creates others."""
    ask = "import virtualenv, os; print(os.path.dirname(os.path.dirname(virtualenv.__file__)))"
    found = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout
    (place.home.site_packages / "more.pth").write_text(found)


@pytest.mark.story
@pytest.mark.parametrize("kind", ["REPOPRIO_CONFIG", "site", "PIP_CONFIG_FILE"])
def test_a_new_environment_obeys_without_the_makers_variables(kind: str, place: Place, tmp_path: Path) -> None:
    """A policy that only the maker's variable or prefix shows applies in the new environment, and in its own ones."""
    file, variables = place.lay(kind)
    child = place.new_environment(tmp_path / "child", "venv", variables)
    grandchild = place.new_environment(tmp_path / "grandchild", "venv", NO_FILE, maker=child)
    for env in (child, grandchild):
        done = place.take(env)
        assert "Would install acme-1.0" in done.stdout, done.stderr
        # Paths, not content: who changes the policy changes it there too.
        assert place.corp.page_url not in (env.site_packages / "_repoprio_pointer.py").read_text()
    file.write_text(file.read_text().replace("priority = 10", "priority = 95"))
    assert "Would install acme-99.0" in place.take(grandchild).stdout


@pytest.mark.full
@pytest.mark.story
@pytest.mark.parametrize(("variable", "layer"), [("XDG_CONFIG_HOME", "user"), ("XDG_CONFIG_DIRS", "global")])
def test_what_an_xdg_variable_leads_to_is_kept(variable: str, layer: str, place: Place, tmp_path: Path) -> None:
    """Like tox, which drops such variables: the file is recorded in its layer; the user's is not with --isolated."""
    file = tmp_path / "xdg" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True)
    file.write_text(place.section())
    child = place.new_environment(tmp_path / "child", "venv", {**NO_FILE, variable: str(tmp_path / "xdg")})
    for variables in ({}, {variable: str(tmp_path / "xdg")}):
        done = place.take(child, **variables)
        assert "Would install acme-1.0" in done.stdout, done.stderr
    indexes = ("-i", place.corp.page_url, "--extra-index-url", place.public.page_url)
    isolated = child.run("install", "--isolated", "--dry-run", "--no-cache-dir", *indexes, "acme", env=NO_FILE)
    assert ("acme-99.0" in isolated.stdout) is (layer == "user"), isolated.stderr


def test_virtualenv_without_the_variable(place: Place, virtualenv: None, tmp_path: Path) -> None:
    """Like tox: virtualenv runs under `REPOPRIO_CONFIG`, and then pip runs without it."""
    new = place.new_environment(tmp_path / "new", "virtualenv", place.lay("REPOPRIO_CONFIG")[1])
    done = place.take(new)
    assert "Would install acme-1.0" in done.stdout, done.stderr


def test_an_explicit_variable_wins(place: Place, tmp_path: Path) -> None:
    """`REPOPRIO_CONFIG`, even as the null device, overrides the recorded file; a lock overrides both."""
    child = place.new_environment(tmp_path / "child", "venv", place.lay("REPOPRIO_CONFIG")[1])
    assert "acme-99.0" in place.take(child, REPOPRIO_CONFIG="/dev/null").stdout
    other = tmp_path / "other.toml"
    other.write_text(place.file.read_text().replace("priority = 10", "priority = 95"))
    assert "acme-99.0" in place.take(child, REPOPRIO_CONFIG=str(other)).stdout
    (child.root / "pip.conf").write_text("[repoprio]\nlocked = yes\n")
    refused = place.take(child)
    assert (refused.code, "repoprio disable --venv" in refused.stderr) == (2, True), refused.stderr


@pytest.mark.parametrize(
    ("text", "error"),
    [(None, "{file}: does not exist (named by --policy)"), ("faulty = 1\n", "{file}: faulty: ")],
)
def test_a_policy_option_that_names_no_valid_file(
    text: str | None, error: str, fresh_env: EnvFactory, tmp_path: Path
) -> None:
    """The error names the option and the file, not a variable; nothing is written."""
    env, file = fresh_env(PIP), tmp_path / "named.toml"
    if text:
        file.write_text(text)
    done = env.tool("enable", "--venv", str(env.root), "--policy", str(file))
    assert (done.code, "nothing was written." in done.stderr, "REPOPRIO_CONFIG" in done.stderr) == (2, True, False)
    assert error.format(file=file) in done.stderr
    hint = (
        "fix the policy, then run: repoprio config check {file}" if text else "create it (repoprio init -o {file}), or"
    )
    assert f"hint: {hint.format(file=file)}" in done.stderr
    assert not (env.site_packages / "_repoprio_record.json").exists()


def test_a_recorded_policy_is_called_so(fresh_env: EnvFactory, tmp_path: Path) -> None:
    """A file that enable recorded is reported as such, not as one that a variable named."""
    env, file = fresh_env(PIP), tmp_path / "named.toml"
    file.write_text('[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n')
    done = env.tool("enable", "--venv", str(env.root), "--policy", str(file), env={"REPOPRIO_CONFIG": "/else.toml"})
    assert done.code == 0
    assert f"pip there reads {file} (unless REPOPRIO_CONFIG names another file)\n" in done.stderr
    for action in ("show", "check"):
        assert f"recorded for this environment: {file}\n" in env.tool("config", action).stdout
    file.unlink()
    done = env.tool("config", "check")
    assert f"{file}: is gone; repoprio recorded it as a policy file of this environment" in done.stdout + done.stderr


def test_recorded_files_come_before_its_own(place: Place, tmp_path: Path) -> None:
    """The maker's site file is a layer before the environment's own, which overrides it, unless it is locked."""
    file, variables = place.lay("site")
    child = place.new_environment(tmp_path / "child", "venv", variables)
    (child.root / "pip.conf").write_text("[repoprio]\nrepositories.corp.priority = 95\n")
    assert "acme-99.0" in place.take(child).stdout
    file.write_text(file.read_text() + "locked = true\n")
    refused = place.take(child)
    assert (refused.code, f"locked = true in {file}" in refused.stderr) == (2, True), refused.stderr


@pytest.mark.story
@pytest.mark.parametrize("kind", ["REPOPRIO_CONFIG", "site"])
def test_a_recorded_file_that_is_gone(kind: str, place: Place, tmp_path: Path) -> None:
    """Pip stops with the path and a repair command that works; commands without lookups go on."""
    file, variables = place.lay(kind)
    child = place.new_environment(tmp_path / "child", "venv", variables)
    moved = file.rename(tmp_path / "moved")
    stopped = place.take(child)
    assert (stopped.code, stopped.stdout.count("acme-")) == (2, 0)
    assert f"{file}: is gone" in stopped.stderr
    repair = f"repoprio enable --venv {child.root} --policy FILE, or repoprio disable --venv {child.root}"
    assert repair in stopped.stderr
    assert child.run("list", env=NO_FILE).code == 0
    policy = place.file if kind == "site" else moved
    done = place.home.tool("enable", "--venv", str(child.root), "--policy", str(policy))
    assert (done.code, f"pip there reads {policy}" in done.stderr) == (0, True), done.stderr
    assert "acme-1.0" in place.take(child).stdout
    assert place.home.tool("disable", "--venv", str(child.root)).code == 0
    assert "acme-99.0" in place.take(child).stdout


def test_a_gone_file_under_observe(place: Place, tmp_path: Path) -> None:
    """If the rest of the policy only observes, pip continues with one warning."""
    file, variables = place.lay("REPOPRIO_CONFIG")
    child = place.new_environment(tmp_path / "child", "venv", variables)
    file.unlink()
    (child.root / "pip.conf").write_text(f"{place.section()}mode = observe\n")
    done = place.take(child)
    assert (done.code, "acme-99.0" in done.stdout) == (0, True), done.stderr
    assert done.stderr.count(f"WARNING: repoprio: {file}: is gone") == 1
    # Nor is a path recorded that leads nowhere now.
    refused = place.home.tool("enable", "--venv", str(child.root), env=variables)
    assert (refused.code, f"{file} (REPOPRIO_CONFIG) does not exist" in refused.stderr) == (2, True), refused.stderr
    (child.site_packages / "_repoprio_pointer.py").write_text("RECORD = 3\nROOT = 4\n")
    assert place.home.tool("disable", "--venv", str(child.root)).code == 0


def test_a_record_that_cannot_be_read(place: Place) -> None:
    """A damaged record next to an installation may have required a policy: pip stops, `disable` works."""
    assert place.home.tool("enable", "--required").code == 0
    file = place.home.site_packages / "_repoprio_record.json"
    file.write_text("{")
    stopped = place.take(place.home)
    assert (stopped.code, str(file) in stopped.stderr, stopped.stdout) == (2, True, ""), stopped.stderr
    said = place.home.tool("config", "show", env=NO_FILE)
    assert (said.code, str(file) in said.stderr, "Traceback" in said.stderr) == (2, True, False)
    assert place.home.tool("disable", "--venv", str(place.home.root)).code == 0
    assert "acme-99.0" in place.take(place.home).stdout


def test_no_message_if_no_policy_applies(place: Place, tmp_path: Path) -> None:
    """A policy that is switched off for this command is not recorded for the new environment."""
    done = place.home.tool("enable", "--venv", str(place.home.root), "--policy", "/dev/null")
    assert (done.code, "is not a policy" in done.stderr) == (2, True)
    plain = place.home.module("venv", "--without-pip", str(tmp_path / "plain"), env=NO_FILE)
    assert (plain.code, plain.stderr) == (0, "")
    done = place.home.tool("enable", "--venv", str(tmp_path / "plain"))
    assert "pip there finds no policy yet" in done.stderr


def test_an_empty_variable_is_no_silence(place: Place, tmp_path: Path) -> None:
    """With an empty REPOPRIO_CONFIG, a message says that the new environment is not guarded, and why."""
    done = place.home.module("venv", "--without-pip", str(tmp_path / "new"), env={**NO_FILE, "REPOPRIO_CONFIG": ""})
    assert f"pip in {tmp_path / 'new'} is not guarded: REPOPRIO_CONFIG is empty" in done.stderr


@pytest.mark.story
@pytest.mark.parametrize("where", ["own", "other"])
def test_required(where: str, place: Place, tmp_path: Path) -> None:
    """`enable --required` works without a file: pip stops without a policy, and only `disable` ends that."""
    place.home.module("venv", "--without-pip", str(tmp_path / "new"), env=NO_FILE)
    env = place.home if where == "own" else PipEnv(tmp_path / "new", PIP, tmp_path / "home")
    if where == "other":
        shutil.copytree(place.home.site_packages / "pip", env.site_packages / "pip")
    options = [] if where == "own" else ["--venv", str(env.root)]
    done = place.home.tool("enable", "--required", *options)
    assert (done.code, "pip there stops if it finds no policy" in done.stderr) == (0, True), done.stderr
    for variables in ({}, {"REPOPRIO_CONFIG": "/dev/null"}, {"PIP_CONFIG_FILE": "/dev/null"}):
        stopped = place.take(env, **variables)
        assert (stopped.code, stopped.stdout) == (2, ""), stopped.stderr
        assert "a policy is required" in stopped.stderr
        assert f"repoprio disable --venv {env.root}" in stopped.stderr
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert place.take(env, REPOPRIO_CONFIG=str(empty)).code == 2
    assert env.run("list", env=NO_FILE).code == 0
    # Enabled again it stays required, and what is made from it is, too.
    place.home.tool("enable", "--venv", str(env.root), "--policy", str(place.file))
    assert "acme-1.0" in place.take(env).stdout
    assert place.take(env, REPOPRIO_CONFIG="/dev/null").code == 2
    child = place.new_environment(tmp_path / "child", "venv", NO_FILE, maker=env)
    assert place.take(child, REPOPRIO_CONFIG="/dev/null").code == 2
    assert place.home.tool("disable", "--venv", str(env.root)).code == 0
    assert "acme-99.0" in place.take(env).stdout


BUILDER = """
import shutil, subprocess, sys, venv
class Builder(venv.EnvBuilder):
    def post_setup(self, context):
        packages = subprocess.run([context.env_exe, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                                  capture_output=True, text=True, check=True).stdout.strip()
        shutil.copytree(sys.argv[2], packages + "/pip")
        subprocess.run([context.env_exe, "-m", "pip", "install", *sys.argv[3:]], check=True)
Builder().create(sys.argv[1])
"""


@pytest.mark.full
def test_a_pip_that_runs_while_its_environment_is_made(place: Place, tmp_path: Path) -> None:
    """`EnvBuilder.post_setup` may run the new pip at once, and so does `venv --upgrade-deps`: they are guarded."""
    indexes = ["-i", place.corp.page_url, "--extra-index-url", place.public.page_url]
    script = tmp_path / "builder.py"
    script.write_text(BUILDER)
    pip = str(place.home.site_packages / "pip")
    variables = place.home.environment(place.file)
    done = subprocess.run(
        [place.home.python, script, tmp_path / "new", pip, "--dry-run", *indexes, "acme"],
        env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Would install acme-1.0" in done.stdout, done.stderr
    assert done.stderr.count("obeys the policy too") == 1
    place.corp.add("pip", "1.0")
    place.public.add("pip", "99.0")
    settings = {"PIP_INDEX_URL": place.public.page_url, "PIP_EXTRA_INDEX_URL": place.corp.page_url}
    place.home.module("venv", "--upgrade-deps", str(tmp_path / "deps"), policy=place.file, env=settings)
    assert "pip" in place.corp.asked_pages()
    assert "pip" not in place.public.asked_pages()
