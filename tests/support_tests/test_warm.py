"""A fork of a warm Python does what a new Python does: the tests that use one say something of real commands."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from support import warm
from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv
from support.pool import Pool
from support.scene import policy_text
from support.warm_python import LOADED

# Everything that affects the start of Python, pip or repoprio: variables, folder, streams, arguments; and its end.
COMMANDS = {
    "a choice": ["pip", "download", "--no-deps", "acme"],
    "a refusal": ["pip", "download", "acme>=2"],
    "wrong use": ["pip", "install", "--no-such-option"],
    "the cache": ["pip", "cache", "dir"],
    "settings": ["pip", "config", "debug"],
    "from stdin": ["pip", "download", "--no-deps", "-r", "/dev/stdin"],
    "explain": ["repoprio", "explain", "--shadowed", "--format", "json", "acme"],
}


OTHERS = [("26.3", False), ("22.0.2", True)]


@pytest.fixture
def policy(repository: RepositoryFactory, tmp_path: Path) -> Path:
    """Corp above public."""
    corp, public = repository("corp"), repository("public")
    corp.add("acme", "1.0")
    public.add("acme", "99.0")
    file = tmp_path / "policy.toml"
    file.write_text(policy_text({"corp": corp.page_url, "public": public.page_url}))
    return file


@pytest.mark.parametrize(
    ("pip", "guarded"),
    [("26.3", True), *(pytest.param(*each, marks=pytest.mark.full) for each in OTHERS)],
)
def test_a_fork_does_what_a_new_python_does(pip: str, guarded: bool, pip_env: EnvFactory, policy: Path) -> None:
    """Both say the same, leave the same files and end alike, with a policy and without one."""
    env = pip_env(pip)
    for what, (module, *args) in COMMANDS.items():
        done: list[object] = []
        for each in (env, replace(env, may_fork=lambda: False)):
            folder = policy.parent / f"{what} {len(done)}"
            folder.mkdir()
            variables = {"PIP_CACHE_DIR": "", "XDG_CACHE_HOME": str(policy.parent / "caches"), "PIP_NO_CACHE_DIR": ""}
            if not guarded:
                variables["PIP_NO_INDEX"] = "1"
            ended = each.module(
                module, *args, policy=policy if guarded else None, env=variables, cwd=folder, input="acme\n"
            )
            done.append((ended, sorted(file.name for file in folder.iterdir())))
        assert done[0] == done[1], what
    assert any(key[0] == env.python for key in warm.RUNNING)


def test_a_command_that_takes_too_long_is_ended(
    pip_env: EnvFactory, repository: RepositoryFactory, policy: Path
) -> None:
    """As by `subprocess.run`; the next one is answered."""
    env, slow = pip_env("26.3"), repository("slow")
    slow.answer_all(Fault(hang=30))
    other = policy.with_name("slow.toml")
    other.write_text(f'[repositories.slow]\nurl = "{slow.page_url}"\npriority = 10\n')
    with pytest.raises(subprocess.TimeoutExpired):
        env.run("download", "--timeout", "30", "acme", policy=other, timeout=2)
    assert env.run("download", "--no-deps", "acme", policy=policy).code == 0


def test_files_that_affect_the_start_need_a_new_python(pip_env: EnvFactory, policy: Path) -> None:
    """There is no fork where the start would differ: variables of Python's, modules in the folder, pip's files."""
    env: PipEnv = pip_env("26.3")
    folder = policy.parent / "empty"
    folder.mkdir()
    settings = {"python": env.python, "module": "pip", "args": ["--version"], "cwd": folder}
    variables = env.environment(policy)

    def is_warm(**changes: object) -> bool:
        told = {"env": variables, "extra": {}, "input": None, "timeout": 60, **settings, **changes}
        return warm.run(**told) is not None  # type: ignore[arg-type]

    assert is_warm()
    assert is_warm(env=env.environment(), extra={"PIP_NO_INDEX": "1"})
    assert not is_warm(extra={"PYTHONWARNINGS": "error"})
    assert not is_warm(extra={"_REPOPRIO_CHILD": "1"})
    file = policy.with_name("some.conf")
    for text, has_policy in (("[global]\ntimeout = 7\n", False), ("[repoprio]\nmode = strict\n", True)):
        file.write_text(text)
        assert is_warm(env=env.environment(None, {"PIP_CONFIG_FILE": str(file)})) == has_policy
    assert not is_warm(module="venv")
    for name in ("repoprio.toml", "pip.conf"):
        (folder / name).touch()
    assert is_warm()
    (folder / "ssl.py").touch()
    assert not is_warm()
    (folder / "ssl.py").unlink()
    (folder / "pip").mkdir()
    assert not is_warm()


def test_a_private_environment_is_lent_as_it_was_made(
    env_pool: Pool, pip_env: EnvFactory, policy: Path, tmp_path: Path
) -> None:
    """What was installed is gone, what was damaged is whole; nothing forks where a start would differ."""
    shared = pip_env("26.3")
    with env_pool.lend(shared) as env:
        made = env.installed
        assert env.run("install", "acme", policy=policy).code == 0
        assert env.installed == {**made, "acme": "1.0"}
        assert env.may_fork()
        assert env.run("install", "acme", policy=policy).stdout.startswith("Requirement already satisfied: acme")
        (env.root / "pip.conf").touch()
        assert env.may_fork()
        for name in ("more.pth", "keyring.py", "pip/more.py"):
            (env.site_packages / name).touch()
            assert not env.may_fork(), name
            (env.site_packages / name).unlink()
        (env.root / "more.conf").touch()
        assert not env.may_fork()
    with env_pool.lend(shared) as again:
        assert (again.root, again.installed, again.may_fork()) == (env.root, made, True)
        assert not any((again.root / name).exists() for name in ("pip.conf", "more.conf"))
        with env_pool.lend(shared) as other:
            assert other.root != again.root
        (again.site_packages / "pip" / "__init__.py").write_text("raise SystemExit(1)\n")
        assert not again.may_fork()
        shutil.rmtree(again.site_packages / "pip" / "_internal")
        again.site_packages.chmod(0o700)
    with env_pool.lend(shared) as whole:
        assert (whole.root, whole.installed, whole.may_fork()) == (env.root, made, True)
        assert replace(whole, may_fork=lambda: False).run("--version").code == 0
        init = whole.site_packages / "pip" / "__init__.py"
        init.unlink()
        init.mkdir()
    assert not env.root.exists()
    with env_pool.lend(shared) as new:
        assert new.root != env.root


def test_what_is_loaded_beforehand_is_there() -> None:
    """The modules of repoprio that a warm Python loads exist: a wrong name would only cost time."""
    for name in {name for names in LOADED.values() for name in names if name.startswith("repoprio")}:
        assert importlib.util.find_spec(name), name
