"""Which environment a command is about, and that its answers are right for that one."""

from __future__ import annotations

import json
import platform
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from repoprio.environments import target
from repoprio.environments.target import NoEnvironment, meant, own
from support.env_store import EnvStore
from support.files import FileSpec
from support.fixtures import EnvFactory, RepositoryFactory
from support.older_python import older_python
from support.pips import Completed, PipEnv
from support.scene import Scene


def imitation(folder: Path, *, is_venv: bool = True) -> Path:
    """A Python that looks like an environment by its files; nobody starts it."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o755)
    if is_venv:
        (folder / "pyvenv.cfg").touch()
    return python


def test_the_option_comes_before_the_activated_one_and_that_before_our_own(tmp_path: Path) -> None:
    """``--python`` overrides VIRTUAL_ENV, which overrides repoprio's own; the report says how it was named."""
    activated, named = imitation(tmp_path / "a"), imitation(tmp_path / "b")
    variables = {"VIRTUAL_ENV": str(tmp_path / "a")}
    assert meant(str(named), variables)[:3] == (str(named), str(tmp_path / "b"), "--python")
    assert meant(None, variables)[:3] == (str(activated), str(tmp_path / "a"), "VIRTUAL_ENV")
    for nothing in ({}, {"VIRTUAL_ENV": ""}):
        assert meant(None, nothing)[:3] == (sys.executable, sys.prefix, "this Python")


def test_a_folder_or_a_name_on_the_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--python`` takes the folder of an environment, and a program as the shell finds it."""
    python = imitation(tmp_path / "env")
    assert meant(str(tmp_path / "env"), {}).python == str(python)
    monkeypatch.setenv("PATH", str(python.parent))
    assert meant("python", {}).python == str(python)
    monkeypatch.chdir(tmp_path)
    assert meant("env/bin/python", {})[:2] == (str(python), str(tmp_path / "env"))


def test_our_own_environment_is_known_by_any_of_its_names(tmp_path: Path) -> None:
    """A link to a virtual environment, or to another Python's program, means the same environment."""
    link = tmp_path / "link"
    link.symlink_to(sys.prefix)
    assert own().is_own
    assert meant(sys.executable, {}).is_own
    assert meant(str(link), {}).is_own
    assert not meant(str(imitation(tmp_path / "other")), {}).is_own
    # A virtual environment's Python is a link to its base's, and is another environment all the same.
    assert not meant(str(Path(sys.executable).resolve()), {}).is_own or sys.prefix == sys.base_prefix


def test_without_pyvenv_cfg_the_program_shows_the_prefix(tmp_path: Path) -> None:
    """Without a pyvenv.cfg, the prefix is the parent of the folder of the real program."""
    python = imitation(tmp_path / "opt", is_venv=False)
    link = tmp_path / "python3"
    link.symlink_to(python)
    assert target.prefix_of(str(link)) == str(tmp_path / "opt")


@pytest.mark.parametrize("what", ["gone", "empty", "file"])
def test_what_is_no_environment_is_an_error_with_a_way_out(tmp_path: Path, what: str) -> None:
    """For a wrong VIRTUAL_ENV or ``--python`` the error says what to do."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    place = str(tmp_path / what)
    with pytest.raises(
        NoEnvironment, match=rf"VIRTUAL_ENV is {place}, which .*\n  hint: deactivate, .*\[environment\]"
    ):
        meant(None, {"VIRTUAL_ENV": place})
    with pytest.raises(NoEnvironment, match=rf"--python {place}.*\n  hint: name a Python, .*\[environment\]"):
        meant(place, {"VIRTUAL_ENV": sys.prefix})


def test_the_line_has_all_known_facts(tmp_path: Path) -> None:
    """The line has the Python, its version and pip if they are known, and how it was named."""
    python = imitation(tmp_path / "env")
    found = meant(str(python), {})
    assert found.line == f"environment: {python} (--python)"
    assert found._replace(version="3.11.7", pip="26.3").line.endswith("(Python 3.11.7, pip 26.3; --python)")
    assert found._replace(version="3.11.7").line.endswith("(Python 3.11.7, no pip; --python)")
    assert set(found.document) == {"python", "prefix", "named_by", "version", "pip", "guarded"}


PIP, THERE = "26.3", "24.0"


class Two(Scene):
    """repoprio in a base environment; another one with its own pip and without repoprio; corp above public."""

    def __init__(self, base: PipEnv, venv: PipEnv, repository: RepositoryFactory) -> None:
        super().__init__(repository, base.root, acme=("1.0", {"version": "2.0", "requires-python": ">=3.11"}))
        self.base, self.venv = base, venv

    def tool(self, *arguments: str, env: Mapping[str, str] | None = None) -> Completed:
        """Run repoprio from the base while the other environment is activated."""
        activated = {"VIRTUAL_ENV": str(self.venv.root), **(env or {})}
        return self.base.tool(*arguments, policy=self.file, env=activated)


@pytest.fixture
def two(fresh_env: EnvFactory, repository: RepositoryFactory) -> Two:
    """Two environments and two repositories."""
    return Two(fresh_env(PIP), fresh_env(THERE, stock=True), repository)


# What says for which environment it speaks.
REPORTS = (["explain", "acme"], ["compare", "acme"], ["repos"], ["repos", "--check"], ["config", "check"])


def test_commands_name_the_activated_environment(two: Two) -> None:
    """Explain, compare, repos and config name its Python and its pip, and say that no hook guards it."""
    line = f"environment: {two.venv.python} (Python {platform.python_version()}, pip {THERE}; VIRTUAL_ENV)"
    for command in REPORTS:
        done = two.tool(*command)
        first = done.stdout.splitlines()[0]
        assert first == f"{line}; not guarded: repoprio enable --python {two.venv.python}", done
    assert two.tool("config", "show").stdout.startswith(f"# {line}")
    for command in (["init"], ["export", "uv"]):
        assert two.tool(*command).stderr.startswith(f"repoprio: {line}")


@pytest.mark.parametrize(
    "command",
    [pytest.param(each, marks=() if each is REPORTS[0] else pytest.mark.full) for each in REPORTS],
    ids=" ".join,
)
def test_json_names_the_activated_environment(command: list[str], two: Two) -> None:
    """The same facts are in the JSON of each command."""
    document = json.loads(two.tool(*command, "--format", "json").stdout)["environment"]
    assert (document["python"], document["pip"], document["guarded"]) == (str(two.venv.python), THERE, False)


def test_pip_installs_into_the_activated_environment(two: Two) -> None:
    """`repoprio pip install` obeys the policy and installs there; ``--python`` means another one."""
    done = two.tool("pip", "install", "acme")
    assert (done.code, "Successfully installed acme-" in done.stdout) == (0, True), done
    assert done.stderr.startswith(f"repoprio: environment: {two.venv.python} ")
    assert list(two.venv.site_packages.glob("acme-*.dist-info"))
    assert not list(two.base.site_packages.glob("acme-*"))
    assert two.tool("pip", "--python", str(two.base.python), "install", "acme").code == 0
    assert list(two.base.site_packages.glob("acme-*.dist-info"))
    assert "environment" not in two.tool("pip", "--python", str(two.base.python), "list").stderr


def test_its_own_pip_conf_is_the_policy(two: Two) -> None:
    """The policy is that of its own pip: from the pip.conf in its folder, not in repoprio's."""
    text = "[repoprio]\nrepositories.corp.url = https://{}.example/simple/\n"
    (two.venv.root / "pip.conf").write_text(text.format("there"))
    (two.base.root / "pip.conf").write_text(text.format("here"))
    for command in (["config", "show"], ["repos"], ["export", "uv"]):
        variables = {"VIRTUAL_ENV": str(two.venv.root), "PIP_CONFIG_FILE": ""}
        stdout = two.base.tool(*command, env=variables).stdout
        assert ("https://there.example" in stdout, "https://here.example" in stdout) == (True, False), stdout
        stdout = two.base.tool(*command, "--python", str(two.base.root), env=variables).stdout
        assert ("https://there.example" in stdout, "https://here.example" in stdout) == (False, True), stdout


def test_an_enabled_environment_is_reported_as_guarded(two: Two) -> None:
    """An enabled environment is reported as guarded, and the repoprio that was started still answers."""
    assert two.base.tool("enable", "--venv", str(two.venv.root)).code == 0
    done = two.tool("explain", "acme")
    assert (done.code, "not guarded" in done.stdout, " comes from corp" in done.stdout) == (0, False, True), done
    assert json.loads(two.tool("repos", "--format", "json").stdout)["environment"]["guarded"] is True


def test_nothing_of_repoprios_neighbours_is_importable_there(two: Two) -> None:
    """As a guest, repoprio sees that environment's packages, and nothing of its own except itself."""
    (two.base.site_packages / "neighbour.py").touch()
    # What repoprio looks up pip's default index in runs in its process.
    (two.venv.site_packages / "pip" / "_internal" / "models" / "index.py").write_text(
        "import importlib.util as find, sys\n"
        "print([n for n in ('neighbour', 'platformdirs', 'repoprio', 'child') if find.find_spec(n)], file=sys.stderr)\n"
        "class PyPI: simple_url = 'https://pypi.example/simple'\n"
    )
    two.file.write_text('[repositories.pypi]\nurl = "pypi"\n')
    assert two.tool("repos").stderr == "['repoprio']\n"


@pytest.mark.story
@pytest.mark.parametrize("what", ["no answer", "too old", "no pip"])
def test_an_environment_that_cannot_answer_is_an_error_that_names_it(two: Two, tmp_path: Path, what: str) -> None:
    """A broken Python, one that is too old, or one without pip: exit status 2, and what to do."""
    python = imitation(tmp_path / "env")
    if what == "too old":
        python.write_text('#!/bin/sh\necho \'[[3, 9], "/x", "/x", null, "/x"]\'\n')
    if what == "no pip":
        shutil.rmtree(two.venv.site_packages / "pip")
        python = two.venv.python
    said = {
        "no answer": "does not behave like a Python",
        "too old": "is Python 3.9, but repoprio needs 3.10 or later",
        "no pip": "has no pip",
    }
    for command in (["explain", "acme"], ["compare", "acme"], ["repos", "--check"], ["pip", "install", "acme"]):
        done = two.tool(*command, env={"VIRTUAL_ENV": str(python.parents[1])})
        assert (done.code, done.stdout) == (2, ""), done
        assert said[what] in done.stderr
        assert str(python) in done.stderr
        assert "VIRTUAL_ENV" in done.stderr
        assert done.stderr.endswith("[environment]\n")


def test_commands_about_the_policy_need_no_pip_there(two: Two) -> None:
    """Commands about the policy work in an environment without pip; if it is named, repoprio's pip is used."""
    shutil.rmtree(two.venv.site_packages / "pip")
    for command in (["config", "check"], ["config", "show"], ["repos"], ["export", "uv"], ["init"]):
        done = two.tool(*command)
        assert (done.code, "no pip; VIRTUAL_ENV" in done.stdout + done.stderr) == (0, True), done
    assert two.tool("pip", "--python", str(two.venv.python), "install", "acme").code == 0
    assert list(two.venv.site_packages.glob("acme-*.dist-info"))


def test_explain_judges_for_the_python_that_is_meant(two: Two, env_store: EnvStore) -> None:
    """A file that needs a newer Python fits repoprio's own Python, and not the activated one."""
    venv = env_store.env(THERE, python=older_python())
    document = json.loads(two.tool("explain", "acme", "--format", "json", env={"VIRTUAL_ENV": str(venv.root)}).stdout)
    assert document["environment"]["version"].startswith("3.10.")
    assert document["projects"][0]["version"] == "1.0"
    own = json.loads(two.tool("explain", "acme", "--format", "json", "--python", str(two.base.python)).stdout)
    assert own["projects"][0]["version"] == "2.0"


def why(said: str) -> list[str]:
    """The words of the command that a refusal proposes for more details."""
    line = next(line for line in said.splitlines() if "why: " in line)
    return shlex.split(line.partition("why: ")[2].partition("    ")[0])


@pytest.mark.story
@pytest.mark.parametrize("where", ["activated", "not activated", "another activated"])
def test_a_hint_that_a_pip_prints_explains_that_very_refusal(two: Two, where: str) -> None:
    """Pasted into the same shell, the hint's command is about the environment of that pip."""
    assert two.base.tool("enable", "--venv", str(two.venv.root)).code == 0
    activated = {"activated": two.venv.root, "not activated": "", "another activated": two.base.root}[where]
    variables = {"VIRTUAL_ENV": str(activated)}
    done = two.venv.run("install", "acme>=3", policy=two.file, env=variables)
    assert done.code == 1
    program, *words = why(done.stderr)
    assert program == "repoprio"
    assert words == ["explain", *([] if where == "activated" else ["--python", str(two.venv.python)]), "acme>=3"]
    document = json.loads(two.base.tool(*words, "--format", "json", policy=two.file, env=variables).stdout)
    assert document["environment"]["python"] == str(two.venv.python)
    assert (document["projects"][0]["outcome"], document["projects"][0]["requirement"]) == ("no-match", "acme>=3")


def test_commands_in_texts_of_the_policy_stay_unchanged(two: Two) -> None:
    """A command inside a text of the policy stays unchanged; repoprio's own commands name the environment."""
    two.file.write_text(f'help = "repoprio doctor, or ask"\n{two.file.read_text()}')
    other = {"VIRTUAL_ENV": str(two.venv.root)}
    done = two.base.run("install", "acme>=3", policy=two.file, env=other)
    assert "help: repoprio doctor, or ask" in done.stderr, done
    assert why(done.stderr) == ["repoprio", "explain", "--python", str(two.base.python), "acme>=3"]


def test_a_hint_of_a_build_names_the_environment_that_builds(two: Two, repository: RepositoryFactory) -> None:
    """A child pip in a temporary build environment names the environment that the user knows."""
    two.corp.add("built", FileSpec("1.0", sdist=True, build_requires=("acme>=3",)))
    other = {"VIRTUAL_ENV": str(two.venv.root)}
    for feature in ([], ["--use-feature", "venv-isolation"]):
        done = two.base.run("install", "--no-cache-dir", *feature, "built", policy=two.file, env=other)
        assert f"repoprio explain --python {two.base.python} 'acme>=3'" in done.stdout + done.stderr, done


def test_a_faulty_policy_says_how_to_look_at_it_there(two: Two) -> None:
    """The command that shows the errors names the environment with the faulty files."""
    (two.base.root / "pip.conf").write_text("[repoprio]\nmode = strickt\n")
    done = two.base.run("install", "acme", env={"VIRTUAL_ENV": str(two.venv.root), "PIP_CONFIG_FILE": ""})
    assert (done.code, f"repoprio config check --python {two.base.python}" in done.stderr) == (2, True), done


@pytest.mark.story
@pytest.mark.parametrize("is_own", [False, True])
@pytest.mark.parametrize("is_faulty", [False, True])
def test_without_a_sound_policy_the_environment_is_named_once(two: Two, *, is_own: bool, is_faulty: bool) -> None:
    """Without a valid policy, the first line names the environment, as in a report."""
    two.file.write_text("mode = 'strickt'\n")
    file = two.file if is_faulty else "/dev/null"
    python = two.base.python if is_own else two.venv.python
    for command in (["explain", "acme"], ["compare", "acme"], ["repos"], ["audit"], ["export", "uv"]):
        done = two.base.tool(*command, env={"VIRTUAL_ENV": str(python.parents[1]), "REPOPRIO_CONFIG": str(file)})
        assert (done.code, ("[policy]" if is_faulty else "[no-policy]") in done.stderr) == (2, True), done
        assert done.stderr.count(f"environment: {python} ") == 1, done
        assert done.stderr.startswith(f"repoprio: environment: {python} "), done


@pytest.mark.story
@pytest.mark.parametrize("has_own", [False, True])
def test_a_recorded_policy_of_the_environment_counts(two: Two, fresh_env: EnvFactory, has_own: bool) -> None:
    """A file that `enable --policy` recorded there is the reported policy."""
    venv = fresh_env(PIP) if has_own else two.venv
    assert two.base.tool("enable", "--venv", str(venv.root), "--policy", str(two.file)).code == 0
    done = two.base.tool("explain", "acme", env={"VIRTUAL_ENV": str(venv.root), "PIP_CONFIG_FILE": ""})
    assert (done.code, " comes from corp" in done.stdout, "not guarded" in done.stdout) == (0, True, False), done


def test_a_hint_is_for_the_repoprio_that_is_on_path(two: Two, tmp_path: Path) -> None:
    """The hint names the environment only if the repoprio on PATH is that of another one."""
    (tmp_path / "bin").mkdir()
    for folder in (tmp_path / "bin", two.base.python.parent):
        command = folder / "repoprio"
        command.touch()
        command.chmod(0o755)
        done = two.base.run("install", "acme>=3", policy=two.file, env={"PATH": f"{folder}:/usr/bin:/bin"})
        named = [] if folder == two.base.python.parent else ["--python", str(two.base.python)]
        assert why(done.stderr) == ["repoprio", "explain", *named, "acme>=3"]
