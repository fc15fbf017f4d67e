"""The hook in environments without repoprio: installed, effective, removed, and without its target."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from repoprio.environments.hook_installer import disable_base, enable_base, removal
from repoprio.environments.interpreters import CannotEnable, Interpreter
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv
from support.scene import Pair

PIP = "26.3"


@pytest.fixture
def two(fresh_env: EnvFactory, repository: RepositoryFactory) -> Pair:
    """Pair environments and two repositories."""
    return Pair(fresh_env(PIP), fresh_env(PIP, stock=True), repository)


def files(folder: Path) -> dict[str, bytes]:
    """All files below `folder` with their content, except compiled ones."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.mark.story
@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("by", ["--venv", "--python"])
def test_enable_guards_and_disable_undoes(by: str, copy: bool, two: Pair) -> None:
    """`enable` makes the other pip obey, and `disable` leaves every file as it was."""
    before = files(two.other.site_packages)
    where = str(two.other.root if by == "--venv" else two.other.python)
    assert not two.guarded()
    done = two.home.tool("enable", by, where, *(["--copy"] if copy else []))
    assert done.code == 0, done.stderr
    assert all(Path(line.removeprefix("wrote ")).exists() for line in done.stdout.splitlines())
    assert two.guarded()
    assert "corp (priority 10)" in two.pip("install", "acme").stderr
    two.other.run("uninstall", "-y", "acme")
    assert two.home.tool("disable", by, where).code == 0
    assert not two.guarded()
    assert files(two.other.site_packages) == before
    assert "has no repoprio pointer" in two.home.tool("disable", by, where).stderr


def test_an_environment_by_its_folder_or_its_python(two: Pair) -> None:
    """`--python` and `--venv` both accept a folder and a Python; an error says what to name."""
    pointer = two.other.site_packages / "_repoprio_pointer.py"
    for option, place in (("--python", two.other.root), ("--venv", two.other.python)):
        assert two.home.tool("enable", option, str(place)).code == 0
        assert pointer.exists()
        assert two.home.tool("disable", option, str(place)).code == 0
        assert not pointer.exists()
    refused = two.home.tool("enable", "--venv", str(two.other.site_packages))
    assert (refused.code, "name another Python with --python PATH" in refused.stderr) == (2, True)
    missing = str(two.other.root / "gone")
    refused = two.home.tool("enable", "--venv", missing)
    assert (refused.code, f"{missing} does not exist.\n" in refused.stderr) == (2, True)
    assert "is not a virtual environment" not in refused.stderr


@pytest.mark.story
@pytest.mark.parametrize("by_pointer", [False, True])
def test_no_cache_is_left_that_the_pointer_made(by_pointer: bool, two: Pair) -> None:
    """The pointer's compiled files are removed, with their folder if it has no other files."""
    cache = two.other.site_packages / "__pycache__"
    shutil.rmtree(cache, ignore_errors=True)
    for kept in (None, cache / "six.cpython-311.pyc"):
        assert two.home.tool("enable", "--venv", str(two.other.root)).code == 0
        subprocess.run([two.other.python, "-c", ""], env={}, check=True)
        assert list(cache.glob("_repoprio_pointer*"))
        if kept:
            kept.touch()
        pointer = str(two.other.site_packages / "_repoprio_pointer.py")
        if by_pointer:
            subprocess.run([two.other.python, pointer, "remove"], env={}, check=True, capture_output=True)
        else:
            assert two.home.tool("disable", "--venv", str(two.other.root)).code == 0
        assert (list(cache.iterdir()) if cache.exists() else None) == ([kept] if kept else None)


def test_a_pointer_whose_target_is_gone(two: Pair, tmp_path: Path) -> None:
    """Only lookups stop; the first line is the command that removes the pointer, and it works."""
    before = files(two.other.site_packages)
    assert two.home.tool("enable", "--venv", str(two.other.root)).code == 0
    shutil.rmtree(two.home.root)
    plain = subprocess.run([two.other.python, "-c", "print(1)"], capture_output=True, text=True, check=True)
    assert (plain.stdout, plain.stderr) == ("1\n", "")
    for harmless in (
        ["--version"],
        ["list"],
        ["-q", "--proxy", "install", "list"],
        ["config", "list"],
        ["uninstall", "x"],
    ):
        done = two.other.run(*harmless)
        assert (done.code, "repoprio" in done.stderr) == (0, False), done.stderr
    indexes = ("-i", two.corp.page_url, "--extra-index-url", two.public.page_url)
    for lookup in (["install", "acme"], ["download", "acme"], ["--log", "list", "install", "acme"]):
        done = two.other.run(*lookup, *indexes, cwd=tmp_path)
        assert (done.code, done.stdout) == (2, ""), done.stderr
        assert "Traceback" not in done.stderr
    # Recognized by what it does: no option on the command line says that it looks up projects.
    outdated = two.other.run("list", env={"PIP_OUTDATED": "1", "PIP_INDEX_URL": two.public.page_url})
    assert (outdated.code, "[pointer]" in outdated.stderr) == (1, True)
    assert two.public.asked_pages() == two.corp.asked_pages() == set()
    other = subprocess.run(
        [two.other.python, "-c", "from pip._internal.cli.main import main; main(['list'])"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (other.returncode, "[pointer]" in other.stderr) == (2, True)
    assert f"then run: repoprio enable --venv {two.other.root}    [pointer]" in other.stderr
    command = done.stderr.splitlines()[0].partition("To remove the pointer that guarded it: ")[2]
    removed = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert all(not Path(line.removeprefix("removed ")).exists() for line in removed.stdout.splitlines())
    assert files(two.other.site_packages) == before
    assert "acme-99.0" in two.other.run("install", "--dry-run", *indexes, "acme").stdout


@pytest.mark.full
def test_environments_are_made_if_the_target_is_gone(two: Pair, tmp_path: Path) -> None:
    """`python -m venv` works, and warns that the new environment is not guarded."""
    (tmp_path / "sitecustomize.py").write_text("import _repoprio_pointer; _repoprio_pointer.install()\n")
    ask = "import sys; print(sys._base_executable)"
    base = subprocess.run([two.home.python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    assert two.home.tool("enable", "--venv", str(two.other.root)).code == 0
    shutil.rmtree(two.home.root)
    env = {**two.other.environment(), "PYTHONPATH": os.pathsep.join([str(tmp_path), str(two.other.site_packages)])}
    command = [base, "-m", "venv", str(tmp_path / "new")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "new").rglob("pip-*.dist-info"))
    assert done.stderr.count("is not guarded. To remove the pointer") == 1


def test_a_copy_can_be_moved(two: Pair) -> None:
    """With --copy the environment needs nothing of the one that it was enabled from."""
    assert two.home.tool("enable", "--venv", str(two.other.root), "--copy").code == 0
    text = two.file.read_text()
    shutil.rmtree(two.home.root)
    two.file = two.other.root / "policy.toml"
    two.file.write_text(text)
    assert two.guarded()


def test_an_installation_needs_no_pointer(two: Pair) -> None:
    """If repoprio is installed, neither `enable` nor `venv --upgrade` makes a pointer, which would outlive it."""
    assert "already has repoprio" in two.home.tool("enable", "--venv", str(two.home.root)).stderr
    two.home.module("venv", "--upgrade", "--without-pip", str(two.home.root), policy=two.file)
    assert not (two.home.site_packages / "_repoprio_pointer.pth").exists()


def test_an_installation_without_its_pth_file_is_damaged(two: Pair) -> None:
    """`enable` does not call an environment done whose pip loads no hook: it says how to repair it."""
    (two.home.site_packages / "repoprio.pth").unlink()
    refused = two.home.tool("enable", "--venv", str(two.home.root))
    assert (refused.code, "which is damaged" in refused.stderr) == (2, True), refused
    assert f"hint: {two.home.python} -m pip uninstall -y repoprio, then " in refused.stderr
    assert not (two.home.site_packages / "_repoprio_pointer.pth").exists()


def test_guarded_environments_make_guarded_ones(two: Pair, tmp_path: Path) -> None:
    """An environment made from one that a pointer guards is guarded too."""
    assert two.home.tool("enable", "--venv", str(two.other.root)).code == 0
    new = new_environment(two.other, tmp_path / "new", "venv", two.file)
    assert (new.site_packages / "_repoprio_pointer.pth").exists()


@pytest.mark.story
@pytest.mark.parametrize(
    "more",
    [
        ["--index-url", "{public}", "acme"],
        ["acme", "--find-links", "{public}acme/"],
        ["-r", "wanted.txt"],
        ["acme"],
    ],
)
def test_a_pip_from_a_wheel_is_guarded(more: list[str], two: Pair, tmp_path: Path) -> None:
    """Only the exact pip of ensurepip is exempt: any other pip that runs from a wheel obeys."""
    wheel = tmp_path / "pip-26.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in (two.other.site_packages / "pip").rglob("*.py"):
            archive.write(file, file.relative_to(two.other.site_packages))
        for file in (two.other.site_packages / "pip").rglob("cacert.pem"):
            archive.write(file, file.relative_to(two.other.site_packages))
    assert two.home.tool("enable", "--venv", str(two.other.root)).code == 0
    arguments = ["install", "--no-cache-dir", "--no-index", "--find-links", str(tmp_path)]
    extra = [argument.replace("{public}", two.public.page_url) for argument in more]
    (tmp_path / "wanted.txt").write_text(f"--find-links {two.public.page_url}acme/\nacme\n")
    done = subprocess.run(
        [two.other.python, str(wheel / "pip"), *arguments, *extra],
        env=two.other.environment(two.file), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "[unlisted]" in done.stderr, done.stderr
    assert "acme" not in two.public.asked_pages()


def test_without_a_policy_a_pointer_changes_nothing(two: Pair) -> None:
    """Law 5 holds for pointers as well."""
    arguments = ("install", "--dry-run", "-i", two.corp.page_url, "--extra-index-url", two.public.page_url, "acme")
    before = two.other.run(*arguments)
    assert two.home.tool("enable", "--venv", str(two.other.root)).code == 0
    after = two.other.run(*arguments)
    assert (before.code, before.stderr) == (after.code, after.stderr)
    assert "acme-99.0" in after.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--venv", "{tmp}"], 2),
        (["--python", "{tmp}/no-python"], 2),
        (["--python", "/bin/false"], 2),
        ([], 2),
        (["--base", "--copy"], 2),
        (["--fuse", "--copy"], 2),
    ],
)
def test_what_cannot_be_enabled(arguments: list[str], code: int, pip_env: EnvFactory, tmp_path: Path) -> None:
    """Wrong use gives an error with status 2, and nothing is written."""
    done = pip_env(PIP).tool("enable", *(argument.replace("{tmp}", str(tmp_path)) for argument in arguments))
    assert done.code == code
    assert "Traceback" not in done.stderr
    assert [path for path in tmp_path.rglob("*") if "pointer" in path.name] == []


def test_a_base_keeps_no_policy_of_one_user(pip_env: EnvFactory, tmp_path: Path) -> None:
    """`enable --venv` records the file of REPOPRIO_CONFIG, `enable --base` does not, and says what to do."""
    env, policy = pip_env(PIP), tmp_path / "policy.toml"
    policy.write_text('[repositories.corp]\nurl = "https://corp.example/simple/"\n')
    nothing = "import repoprio.environments.hook_installer as h; h.enable_base = lambda *a: []; "
    run = "from repoprio.cli.main import run; import sys; sys.argv[1:] = ['enable', '--base']; run()"
    done = _code(env, nothing + run, policy)
    said = f"repoprio: REPOPRIO_CONFIG ({policy}) is not recorded, since all environments share the base; "
    assert f"{said}to record a policy for all: --policy FILE\n" in done.stderr, done


def _code(env: PipEnv, code: str, policy: Path) -> subprocess.CompletedProcess[str]:
    """Run code where repoprio is installed: nothing is written into the base of this machine."""
    return subprocess.run(
        [str(env.python), "-c", code], env=env.environment(policy), capture_output=True, text=True, check=False
    )


def new_environment(env: PipEnv, folder: Path, module: str, policy: Path | None) -> PipEnv:
    """A new environment, made by `python -m venv` or virtualenv."""
    done = env.module(module, *(["--without-pip"] if module == "venv" else []), str(folder), policy=policy)
    assert done.code == 0, done.stderr
    return PipEnv(folder, PIP, folder / "home")


def test_new_environments_are_guarded_while_there_is_a_policy(two: Pair, tmp_path: Path) -> None:
    """`python -m venv` makes a guarded environment under a policy, and a plain one without."""
    guarded = new_environment(two.home, tmp_path / "guarded", "venv", two.file)
    plain = new_environment(two.home, tmp_path / "plain", "venv", None)
    assert (guarded.site_packages / "_repoprio_pointer.pth").exists()
    assert not (plain.site_packages / "_repoprio_pointer.pth").exists()
    for env, expected in ((guarded, True), (plain, False)):
        shutil.copytree(two.other.site_packages / "pip", env.site_packages / "pip")
        two.other = env
        assert two.guarded() is expected


@pytest.mark.full
def test_virtualenv_is_followed_too(two: Pair, tmp_path: Path) -> None:
    """virtualenv, run from a guarded environment, makes a guarded one."""
    virtualenv = subprocess.run(
        [sys.executable, "-c", "import virtualenv, os; print(os.path.dirname(os.path.dirname(virtualenv.__file__)))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    (two.home.site_packages / "more.pth").write_text(f"{virtualenv}\n")
    two.other = new_environment(two.home, tmp_path / "new", "virtualenv", two.file)
    assert (two.other.site_packages / "_repoprio_pointer.pth").exists()
    assert two.guarded()


def base_in(folder: Path, custom: str | None) -> Interpreter:
    """A base interpreter whose standard library is `folder`."""
    folder.mkdir(exist_ok=True)
    return Interpreter(sys.executable, (3, 11), str(folder), str(folder), custom, sys.executable)


@pytest.mark.parametrize("text", [None, "", "import sys\n", "import sys", "# no newline at the end, ünïcode"])
@pytest.mark.parametrize("linked", [False, True])
def test_base_appends_and_restores(text: str | None, linked: bool, tmp_path: Path) -> None:
    """`enable --base` appends to the sitecustomize, only once; `disable` restores it exactly."""
    stdlib = tmp_path / "lib"
    target = tmp_path / "etc-sitecustomize.py" if linked else stdlib / "sitecustomize.py"
    stdlib.mkdir()
    custom = str(stdlib / "sitecustomize.py") if text is not None else None
    if text is not None:
        target.write_text(text, encoding="utf-8")
        if linked:
            (stdlib / "sitecustomize.py").symlink_to(target)
    base = base_in(stdlib, custom)
    before = files(stdlib)
    enable_base(base)
    enable_base(base)
    written = Path(base.sitecustomize or stdlib / "sitecustomize.py").read_text(encoding="utf-8")
    assert written.startswith(text or "")
    assert written.count("_repoprio_pointer.install()") == 1
    compile(written, "sitecustomize.py", "exec")
    disable_base(base)
    if text:
        assert files(stdlib) == before
        assert target.read_text(encoding="utf-8") == text
    assert not (stdlib / "_repoprio_pointer.py").exists()
    assert disable_base(base) == []


@pytest.mark.parametrize("text", ["", "import sys\n", "import sys"])
def test_a_base_pointer_removes_itself(text: str, tmp_path: Path) -> None:
    """If repoprio is gone, the pointer removes itself from a base and its sitecustomize, and says which file stays."""
    stdlib = tmp_path / "lib"
    stdlib.mkdir()
    custom = stdlib / "sitecustomize.py"
    if text:
        custom.write_text(text)
    before = files(stdlib)
    enable_base(base_in(stdlib, str(custom) if text else None))
    pointer = stdlib / "_repoprio_pointer.py"
    wrong = subprocess.run([sys.executable, "-I", pointer], capture_output=True, text=True, check=False)
    assert (wrong.returncode, "remove" in wrong.stderr) == (2, True)
    command = [sys.executable, "-I", str(pointer), "remove"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert files(stdlib) == before
    assert (f"removed the hook from {custom}\n" in done.stdout) is bool(text)
    # A missing file is not reported as one that stays; `disable --base` and `pip uninstall repoprio` say the same.
    assert f"removed {pointer}\n" in done.stdout
    assert removal(str(pointer)) == f"removed {pointer}"
    if text:
        assert removal(str(custom)) == f"removed the hook from {custom}"


def test_base_refuses_what_would_not_work(tmp_path: Path) -> None:
    """A sitecustomize that does not run, or that environments do not see, is refused; a damaged block stays."""
    stdlib = tmp_path / "lib"
    stdlib.mkdir()
    custom = stdlib / "sitecustomize.py"
    custom.write_text("def (\n")
    with pytest.raises(CannotEnable, match="not valid Python"):
        enable_base(base_in(stdlib, str(custom)))
    elsewhere = tmp_path / "site-packages" / "sitecustomize.py"
    with pytest.raises(CannotEnable, match="do not see"):
        enable_base(base_in(stdlib, str(elsewhere)))
    custom.write_text("a = 1\n")
    enable_base(base_in(stdlib, str(custom)))
    custom.write_text(custom.read_text().replace("# <<< repoprio\n", "") + "b = 2\n")
    with pytest.raises(CannotEnable, match="remove the block by hand"):
        disable_base(base_in(stdlib, str(custom)))


@pytest.mark.full
def test_ensurepip_works_in_a_guarded_base(two: Pair, tmp_path: Path) -> None:
    """`python -m venv` can install Python's bundled pip, although no policy lists that folder."""
    ask = "import sys; print(sys._base_executable)"
    base = subprocess.run([two.home.python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    # As with `enable --base`: the hook is there before the new environment has any package.
    (tmp_path / "sitecustomize.py").write_text("import _repoprio_shim; _repoprio_shim.install()\n")
    path = os.pathsep.join([str(tmp_path), str(two.home.site_packages)])
    env = {**two.home.environment(two.file), "PYTHONPATH": path}
    command = [base, "-m", "venv", str(tmp_path / "new")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "new").rglob("pip-*.dist-info"))


def test_the_help_of_disable_is_about_removal(pip_env: EnvFactory) -> None:
    """The help of disable describes removal only."""
    text = " ".join(pip_env(PIP).tool("disable", "--help").stdout.split())
    assert "Remove the hook from another environment" in text
    assert "remove the line that enable --fuse added" in text
    assert "that an unguarded pip finds nothing" not in text
