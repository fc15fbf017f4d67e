"""Ways around the policy that were found by attacks on all commands, each prevented."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv
from support.scene import Pair
from support.sources import BACKEND, PROJECT

PIP = "26.3"


@pytest.fixture
def two(fresh_env: EnvFactory, repository: RepositoryFactory) -> Pair:
    """An environment with repoprio, one without, and corp above public."""
    return Pair(fresh_env(PIP), fresh_env(PIP, stock=True), repository)


def project(folder: Path, build: str, requires: str = "") -> Path:
    """A project whose backend runs `build` first."""
    folder_ = folder / "project"
    folder_.mkdir()
    (folder_ / "pyproject.toml").write_text(PROJECT.replace('requires = ["acme"]', f"requires = [{requires}]"))
    text = BACKEND.replace('import acme, os, zipfile\nassert acme.__version__ == "1.0", acme.__version__\n', "")
    (folder_ / "backend.py").write_text(f"import os, subprocess, sys, zipfile\n{build}\n{text}")
    return folder_


def test_another_python_keeps_its_own_policy(two: Pair, fresh_env: EnvFactory) -> None:
    """`pip --python OTHER` without a policy passes none on: OTHER's own policy applies."""
    other = fresh_env("24.0")
    below, above = two.public.page_url, two.corp.page_url
    policy = two.file.read_text().replace("[repositories.", "repositories.")
    lines = [line for line in policy.splitlines() if line]
    names = {"repositories.corp]": "corp", "repositories.public]": "public"}
    settings, name = [], ""
    for line in lines:
        name = names.get(line, name)
        if line not in names:
            settings.append(f"repositories.{name}.{line}".replace('"', ""))
    conf = other.root / "pip.conf"
    conf.write_text(
        "[repoprio]\n" + "\n".join(settings) + f"\n[global]\nindex-url = {below}\nextra-index-url = {above}\n"
    )
    user = two.home.home / "config" / "pip"
    user.mkdir(parents=True)
    (user / "pip.conf").write_text("[repoprio]\n")
    env = {"PIP_CONFIG_FILE": ""}
    for options in ([], ["--isolated"]):
        done = two.home.run(
            *options, "--python", str(other.python), "install", "--dry-run", "--no-cache-dir", "acme", env=env
        )
        assert "Would install acme-1.0" in done.stdout, done.stderr


def test_each_command_of_a_process_passes_its_policy_on(two: Pair) -> None:
    """The second command in one process starts OTHER's pip under the policy as the first one would."""
    options = ["install", "--dry-run", "--no-cache-dir", "acme"]
    code = (
        "import json, sys; from pip._internal.cli.main import main\n"
        "for command in json.loads(sys.argv[1]): sys.argv[1:] = command; main(command)"
    )
    commands = json.dumps([options, ["--python", str(two.other.python), *options]])
    environ = two.home.environment(
        two.file, {"PIP_INDEX_URL": two.public.page_url, "PIP_EXTRA_INDEX_URL": two.corp.page_url}
    )
    done = subprocess.run(
        [two.home.python, "-c", code, commands], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("Would install acme-1.0") == 2, done.stdout + done.stderr


@pytest.mark.story
@pytest.mark.parametrize("has_policy", [False, True])
@pytest.mark.parametrize("feature", ["", "--use-feature=venv-isolation"])
def test_builds_may_make_environments(feature: str, has_policy: bool, two: Pair, tmp_path: Path) -> None:
    """A build that imports `venv` works, with and without a policy, although its path has no packages."""
    made = project(tmp_path, "import venv; venv.create('made', with_pip=False)")
    options = [feature] if feature else []
    done = two.home.run(
        "wheel", "--no-deps", *options, str(made), "-w", str(tmp_path), policy=two.file if has_policy else None
    )
    assert done.code == 0, done.stdout + done.stderr
    assert "damaged" not in done.stdout + done.stderr


@pytest.mark.story
@pytest.mark.parametrize("feature", ["", "--use-feature=venv-isolation", "--use-feature=inprocess-build-deps"])
def test_a_pip_that_a_build_starts(feature: str, two: Pair, tmp_path: Path) -> None:
    """A pip that a build starts obeys: a real one, from the repository, in the build's environment."""
    link_pip(two)
    build = (
        f"done = subprocess.run([sys.executable, '-m', 'pip', 'install', '--dry-run', '--no-cache-dir', '-i', "
        f"{two.public.page_url!r}, 'acme'], capture_output=True, text=True)\n"
        f"open({str(tmp_path / 'said')!r}, 'a').write(done.stdout + done.stderr)\n"
    )
    made = project(tmp_path, build, '"pip"')
    options = [feature] if feature else []
    done = two.home.run("wheel", "--no-deps", *options, str(made), "-w", str(tmp_path), policy=two.file)
    assert done.code == 0, done.stdout + done.stderr
    said = (tmp_path / "said").read_text()
    assert "Would install acme-1.0" in said, said


def link_pip(two: Pair) -> None:
    """Put the environment's own pip on corp, as a wheel."""
    packages = two.home.site_packages
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted((packages / "pip").rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                archive.writestr(str(path.relative_to(packages)), path.read_bytes())
        info = f"pip-{PIP}.dist-info/"
        archive.writestr(f"{info}METADATA", f"Metadata-Version: 2.1\nName: pip\nVersion: {PIP}\n")
        archive.writestr(f"{info}WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}RECORD", "")
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    name = f"pip-{PIP}-py3-none-any.whl"
    page = f'<!DOCTYPE html><html><body><a href="/wheels/{name}#sha256={digest}">{name}</a></body></html>'
    two.corp.answer("pip", Fault(body=page, content_type="text/html"))
    two.corp.extra[f"/wheels/{name}"] = content.getvalue()


@pytest.mark.parametrize("pip", ["22.0.2", "24.0", "26.3"])
def test_the_legacy_resolver_takes_no_other_project(pip: str, fresh_env: EnvFactory, two: Pair) -> None:
    """A file that turns out to be another project, by its own metadata, is refused."""
    env: PipEnv = fresh_env(pip)
    two.public.add("utils", {"version": "99.0", "sdist": True, "name": "acme", "filename": "utils-99.0.tar.gz"})
    options = ["--use-deprecated", "legacy-resolver", "--no-cache-dir"]
    done = env.run("install", *options, "utils", policy=two.file)
    assert done.code == 1, done.stdout
    assert "utils: the file that was chosen is acme, according to its own metadata" in done.stderr
    assert "[another-project]" in done.stderr


def test_callers_logins_are_redacted(two: Pair) -> None:
    """A login that a caller named is not shown when pip prints the command of a child, not even with -vvv."""
    two.corp.add("tool", {"version": "1", "sdist": True, "build-requires": ["nope"]})
    host = two.corp.host
    done = two.home.run("wheel", "-vvv", "-i", f"http://ada:callers-s3cret@{host}/simple/", "tool", policy=two.file)
    assert done.code == 1
    assert "callers-s3cret" not in done.stdout + done.stderr


def test_caches_can_be_cleared(two: Pair, fresh_env: EnvFactory) -> None:
    """Clearing the caches of pip's finders, as pip-tools does, works and takes effect."""
    code = (
        "from repoprio.pip_adapter.inspect.context import pip_context\n"
        "with pip_context() as pip:\n"
        "    made = lambda: len(list(pip.guard._decisions.of('acme')))\n"
        "    for _ in range(2):\n"
        "        print(len(pip.finder.find_all_candidates('acme')), made())\n"
        "        pip.finder.find_all_candidates.cache_clear(); pip.finder.find_best_candidate.cache_clear()\n"
        "    pip.guard.refresh_search_scope(); print(made())\n"
    )
    # pip 25.3 and later have no such caches.
    env = fresh_env("24.0")
    done = subprocess.run(
        [env.python, "-c", code], env=env.environment(two.file), capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["1 1", "1 1", "0"], done.stderr
