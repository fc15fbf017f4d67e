"""A `.pth` file whose name comes before repoprio's may import pip: the hook then finds pip imported already."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv
from support.scene import Pair, Scene
from support.sources import BACKEND, PROJECT

# One part of pip; or nearly all of it, so that modules have imported patched functions from each other.
PART = "import pip._internal.index.package_finder\n"
ALL = (
    "import pip._internal.cli.main, pip._internal.commands.install, pip._internal.commands.wheel, "
    "pip._internal.build_env, pip._internal.resolution.resolvelib.resolver, venv\n"
)


def comes_first(env: PipEnv, line: str) -> None:
    """Let each Python of the environment run this line before the hook's."""
    (env.site_packages / "A-first.pth").write_text(line)


@pytest.mark.parametrize("line", [PART, ALL], ids=["part", "all"])
@pytest.mark.parametrize("pip", ["22.0.2", "26.3"])
def test_a_pip_that_was_imported_before_the_hook(pip: str, line: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """It obeys, and so does the pip that it starts for a build, as if it were imported later."""
    env, project = fresh_env(pip), scene.folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "backend.py").write_text(BACKEND.replace("1.0", "1.1"))
    comes_first(env, line)
    options = ["--use-feature", "venv-isolation"] if pip == "26.3" else []
    done = env.run("install", "--no-cache-dir", *scene.indexes, *options, str(project), policy=scene.file)
    assert "Successfully installed acme-1.1 project-1" in done.stdout, done.stderr
    assert not scene.public.asked("acme")


def test_flexible_mode_too(fresh_env: EnvFactory, scene: Scene) -> None:
    """Classes that pip's modules import from others are replaced as well: flexible mode needs its own resolver."""
    env, policy = fresh_env("26.3"), scene.policy(before='mode = "flexible"')
    comes_first(env, ALL)
    scene.corp.add("needs-old", {"version": "1.0", "requires": ["acme<2"]})
    found = env.choices("acme", "needs-old", policy=policy)
    assert found.choices["acme"].version == "1.1", found.stderr


def test_a_pointer_does_the_same(fresh_env: EnvFactory, repository: RepositoryFactory) -> None:
    """The pip of an environment with a pointer obeys; once repoprio is gone, pip finds nothing, and all else runs."""
    two = Pair(fresh_env("26.3"), fresh_env("26.3", stock=True), repository)
    assert two.home.tool("enable", "--venv", str(two.other.root)).code == 0
    comes_first(two.other, ALL)
    assert two.guarded()
    pointer = two.other.site_packages / "_repoprio_pointer.py"
    pointer.write_text(re.sub(r"^ROOT = .*$", "ROOT = 'gone'", pointer.read_text(), flags=re.MULTILINE))
    refused = two.pip("download", *two.indexes, "acme")
    assert refused.code == 1
    assert "repoprio: this pip looks up no projects" in refused.stderr
    assert other_program(two.other, two.file) == ("ran _repoprio_pointer _repoprio_pointer_alone\n", "")


def other_program(env: PipEnv, policy: Path) -> tuple[str, str]:
    """What a program that does not use pip prints, on stdout and stderr."""
    command = [str(env.python), "-c", "import sys; print('ran', *(name for name in sys.modules if 'repoprio' in name))"]
    done = subprocess.run(command, env=env.environment(policy), capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


def damaged(env: PipEnv) -> str:
    """Remove repoprio, but not its shim; returns the code of the message."""
    shutil.rmtree(env.site_packages / "repoprio")
    return "[damaged]"


def unknown(env: PipEnv) -> str:
    """Change a function of pip that is patched; returns the code of the message."""
    file = env.site_packages / "pip" / "_internal" / "index" / "package_finder.py"
    file.write_text(
        file.read_text().replace("def find_all_candidates(self, project", "def find_all_candidates(self, new")
    )
    return "[unknown-pip]"


@pytest.mark.parametrize("fault", [damaged, unknown])
def test_a_pip_that_cannot_be_patched(fault: Callable[[PipEnv], str], fresh_env: EnvFactory, scene: Scene) -> None:
    """It looks up no project, whether all of it was imported before or a part; any other program runs undisturbed."""
    env = fresh_env("26.3")
    code = fault(env)
    for line, status in ((ALL, 1), (PART, 2)):
        comes_first(env, line)
        out, err = other_program(env, scene.file)
        assert (out.split()[0], err) == ("ran", "")
        refused = env.run("download", "--no-cache-dir", *scene.indexes, "acme", policy=scene.file)
        assert (refused.code, refused.stderr.count(code)) == (status, 1), refused.stderr
        assert "ERROR: repoprio: " in refused.stderr
        if fault is unknown:
            own = env.tool("explain", "acme", policy=scene.file)
            assert (own.code, own.stderr.count(code), "Traceback" in own.stderr) == (2, 1, False), own.stderr
    assert not scene.public.asked("acme")


def test_an_early_venv(fresh_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """Where only venv was imported before, programs load the shim alone, and a new environment gets the hook.

    Without repoprio they run, and environments are made as ever.
    """
    env, made = fresh_env("26.3"), tmp_path / "made"
    comes_first(env, "import venv\n")
    assert other_program(env, scene.file) == ("ran _repoprio_shim\n", "")
    done = env.module("venv", "--without-pip", str(made), policy=scene.file)
    assert (done.code, len([*made.rglob("_repoprio_pointer.pth")])) == (0, 1), done.stderr
    damaged(env)
    assert other_program(env, scene.file) == ("ran _repoprio_shim\n", "")
    assert env.module("venv", "--without-pip", str(tmp_path / "plain"), policy=scene.file).code == 0


def test_without_a_policy_nothing_is_loaded(fresh_env: EnvFactory, tmp_path: Path) -> None:
    """Without a policy, pip stays as it is, and only the code that looks for one is loaded."""
    env = fresh_env("26.3")
    comes_first(env, ALL)
    code = "import sys, pip._internal.cli.base_command as b; print(b.Command.main.__module__, *sys.modules)"
    done = subprocess.run(
        [env.python, "-c", code], env=env.environment(), capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.startswith("pip._internal.cli.base_command ")
    assert "patch_table" not in done.stdout
