"""The report of `repoprio doctor` is based on runs: of each pip and uv, as this user, with these files."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoprio.cli import policy_in_force, terminal
from repoprio.cli.doctoring import doctor
from repoprio.config.load import read_text
from repoprio.config.policy_files import ASKED
from repoprio.doctor import base_check, sources, uv_check
from repoprio.doctor.trial_repositories import Bench, bench
from repoprio.environments import interpreters, owners
from repoprio.export import uv
from repoprio.render import installers
from repoprio.users import user_name
from support.doctors import NO_PIPS, POLICY, report, screen
from support.files import build, parse
from support.fixtures import EnvFactory, RepositoryFactory

PIP = "26.3"
OBSERVE = "[repoprio]\nmode = observe\nrepositories.own.url = https://own.example/\nrepositories.own.priority = 1\n"
UV = shutil.which("uv", path=os.path.dirname(sys.executable))
# What a machine's own pip.conf adds is taken back by the user's.
NOTHING_MORE = "[global]\nextra-index-url =\nfind-links =\n"


def test_each_environment_under_the_policy_that_it_sees(fresh_env: EnvFactory) -> None:
    """A policy in one environment's pip.conf does not affect another one's hook."""
    env, bare, other = fresh_env(PIP), fresh_env("22.0.2"), fresh_env(PIP)
    (env.root / "pip.conf").write_text(OBSERVE.replace("observe", "strict"))
    (other.root / "pip.conf").write_text(OBSERVE)
    variables = {"PATH": NO_PIPS, "PIP_CONFIG_FILE": ""}
    arguments = ("doctor", "--venv", str(bare.root), "--venv", str(other.root))
    done = env.tool(*arguments, env=variables)
    assert done.code == 1
    assert "pips: 1 guarded, 2 not." in done.stdout
    assert f"Policy   {env.root}/pip.conf\n         own (priority 1); strict" in done.stdout
    rows = [re.sub(r" +", " ", line) for line in done.stdout.splitlines()]
    assert f" ok {env.python} pip {PIP} took 1.0, not 99.0" in rows
    assert f" FAIL {bare.python} pip 22.0.2 the hook finds no policy" in rows
    assert f" FAIL {other.python} pip {PIP} the policy that the hook finds only observes" in rows
    assert f" policy: {other.root}/pip.conf; observe" in rows


@pytest.mark.full
def test_several_environments_under_one_policy(fresh_env: EnvFactory, policy: Path) -> None:
    """A policy that REPOPRIO_CONFIG names guards all of them, regardless of their own files."""
    env, bare, other = fresh_env(PIP), fresh_env("22.0.2"), fresh_env(PIP)
    (env.root / "pip.conf").write_text(OBSERVE.replace("observe", "strict"))
    (other.root / "pip.conf").write_text(OBSERVE)
    variables = {"PATH": NO_PIPS, "PIP_CONFIG_FILE": ""}
    done = env.tool("doctor", "--venv", str(bare.root), "--venv", str(other.root), policy=policy, env=variables)
    assert (done.code, "pips: 3 guarded, 0 not." in done.stdout) == (0, True)


def test_the_report_of_a_hook(pip_env: EnvFactory, policy: Path) -> None:
    """On request, the hook reports which policy a plain pip finds, and that pip does nothing else."""
    asked = pip_env(PIP).run("--version", policy=policy, env={ASKED: "1"})
    assert (asked.code, asked.stderr, asked.stdout.count("\n")) == (0, "", 1)
    assert f'"files": ["{policy}"]' in asked.stdout
    document = json.loads(asked.stdout)
    stdout = pip_env(PIP).run("--version").stdout
    assert stdout == "pip {pip} from {location} (python {python})\n".format(**document)
    assert pip_env(PIP, stock=True).run("--version", policy=policy, env={ASKED: "1"}).stdout.startswith("pip ")


def test_pips_on_path(pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """Each pip on PATH is tried as it would be started, and only once, even under several names."""
    env, stock = pip_env(PIP), pip_env(PIP, stock=True)
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "pip3").write_text(f'#!/bin/sh\nexec {stock.python} -m pip "$@"\n')
    (shims / "pip3").chmod(0o755)
    without_site = (
        f"import runpy, sys; sys.path.append({str(env.site_packages)!r})\nrunpy.run_module('pip', None, '__main__')\n"
    )
    (shims / "pip3.9").write_text(f"#!{env.python} -S\n{without_site}")
    (shims / "pip3.9").chmod(0o755)
    (shims / "pip").write_text("no program\n")
    path = os.pathsep.join([str(env.root / "bin"), str(stock.root / "bin"), str(shims)])
    code, found = report(env, policy, path=path)
    rows = [(one["python"], one["launcher"], one["state"], len(one["launchers"])) for one in found["environments"]]
    assert code == 1
    stock_python = str(stock.root / "bin" / "python")
    assert [(p and Path(p).parent, launcher, state) for p, launcher, state, _ in rows] == [
        (env.root / "bin", None, "guarded"),
        (Path(stock_python).parent, str(stock.root / "bin" / "pip"), "no-hook"),
        (Path(stock_python).parent, str(shims / "pip3"), "no-hook"),
        (env.root / "bin", str(shims / "pip3.9"), "no-hook"),
    ]
    assert [one["took"] for one in found["environments"]] == ["1.0", "99.0", "99.0", "99.0"]
    assert (found["environments"][3]["python"], found["environments"][3]["options"]) == (str(env.python), ["-S"])
    assert found["environments"][1]["ran"][0] == [str(stock.root / "bin" / "pip"), "--version"]
    assert found["environments"][1]["fix"].startswith(f"repoprio enable --venv {stock.root}")


@pytest.mark.story
@pytest.mark.parametrize("by", ["--python", "VIRTUAL_ENV"])
def test_the_environment_that_is_meant(by: str, pip_env: EnvFactory, policy: Path) -> None:
    """The activated environment, or that of --python, comes first; repoprio's own is not tried instead."""
    env, stock = pip_env(PIP), pip_env("22.0.2", stock=True)
    arguments = ["--python", str(stock.python)] if by == "--python" else []
    variables = {"PATH": NO_PIPS} | ({} if arguments else {"VIRTUAL_ENV": str(stock.root)})
    done = env.tool("doctor", "--format", "json", *arguments, policy=policy, env=variables)
    document = json.loads(done.stdout)
    assert (done.code, document["environment"]["named_by"], document["environment"]["guarded"]) == (1, by, False)
    assert document["environment"]["python"] == str(stock.python)
    assert [(one["python"], one["took"]) for one in document["environments"]] == [(str(stock.python), "99.0")]
    text = screen(document)
    version = sys.version.partition(" ")[0]
    assert re.match(rf"environment: {stock.python} \(Python {re.escape(version)}, pip 22\.0\.2; {by}.*\n", text)
    assert "no hook in this environment finds it" in text


def test_the_report_names_user_folder_and_commands(pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """The report names the user, the folder and the commands of all runs."""
    env = pip_env(PIP)
    code, found = report(env, policy)
    number = os.geteuid()
    assert (code, found["user"]) == (0, {"name": user_name(number), "uid": number})
    assert found["folder"] == str(env.home / "work")
    text = screen(found)
    who = f"Run as {user_name(number)} (uid {number}) in the folder {env.home / 'work'}.\n"
    assert f"{who}Each pip is run twice: --version (its hook answers), and download acme.\n" in text
    started = [str(env.python), "-m", "pip"]
    assert found["environments"][0]["ran"] == [[*started, "--version"], [*started, "download", "acme"]]
    assert "packed" not in str(found)


@pytest.mark.parametrize("pip", [pytest.param("22.0.2", marks=pytest.mark.full), PIP])
def test_the_fuse_is_tried(
    pip: str, pip_env: EnvFactory, policy: Path, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """A pip run without its hook finds nothing, or asks what a later setting names; nothing is sent."""
    env, corp = pip_env(pip), repository("corp")
    systems, users = tmp_path / "global" / "pip", tmp_path / "user" / "pip"
    for folder in (systems, users):
        folder.mkdir(parents=True)
    (systems / "pip.conf").write_text("[global]\nindex-url = https://repoprio.invalid/unguarded/\n")
    (users / "pip.conf").write_text(NOTHING_MORE)
    variables = {
        "PATH": NO_PIPS,
        "PIP_CONFIG_FILE": "",
        "XDG_CONFIG_DIRS": str(systems.parent),
        "XDG_CONFIG_HOME": str(users.parent),
    }
    done = env.tool("doctor", policy=policy, env=variables)
    assert (done.code, f"the pip of {env.python}, run without its hook, finds nothing" in done.stdout) == (0, True)
    (users / "pip.conf").write_text(f"{NOTHING_MORE}index-url = http://ada:s3cret@{corp.host}/simple/\n")
    done = env.tool("doctor", policy=policy, env=variables)
    undone = f"asks http://{corp.host}/simple/ (global.index-url in {users / 'pip.conf'})"
    assert (done.code, f"the pip of {env.python}, run without its hook, {undone}" in done.stdout) == (1, True)
    assert "s3cret" not in done.stdout + done.stderr
    assert not corp.requests


def test_the_base_is_asked(fresh_env: EnvFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the base has the hook is found by starting it."""
    env, other = fresh_env(PIP), fresh_env(PIP, stock=True)
    made_from = interpreters.Interpreter("made", (3, 11), "-", "-", None, str(other.python))
    base = interpreters.Interpreter(str(other.python), (3, 11), "-", str(other.site_packages), None, "-")
    monkeypatch.setattr(interpreters, "interpreter", lambda python: made_from if python == "made" else base)
    with bench(policy_in_force.TOOLS) as tried:
        assert base_check.look("made", tried) == (str(other.python), False, "")
        assert env.tool("enable", "--venv", str(other.root)).code == 0
        assert base_check.look("made", tried) == (str(other.python), True, "")


@pytest.mark.skipif(not owners.is_root(), reason="only root can give files to another user")
def test_root_tries_nothing_of_another_user(fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path) -> None:
    """What another user can change is not run; it is reported with user and path, and counts as not tried."""
    env, other = pip_env(PIP), fresh_env(PIP, stock=True)
    marker = other.root / "run"
    (other.site_packages / "trap.pth").write_text(f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n")
    os.chown(other.site_packages / "trap.pth", 65534, 65534)
    done = env.tool("doctor", "--venv", str(other.root), policy=policy, env={"PATH": NO_PIPS})
    assert done.code == 1
    where = f"nobody (uid 65534) can change {other.site_packages / 'trap.pth'}, so root does not run it"
    assert f"  skip   {other.python}    {where}" in done.stdout
    carried = f"env REPOPRIO_CONFIG={policy} PIP_CONFIG_FILE=/dev/null"
    ours = env.root / "bin" / "repoprio"
    assert f"try it: sudo -u nobody {carried} {ours} doctor --venv {other.root}\n" in done.stdout
    assert "pips: 1 guarded, 0 not, 1 not tried." in done.stdout
    # The report about the checked environment is based on runs too.
    done = env.tool("doctor", "--python", str(other.python), policy=policy, env={"PATH": NO_PIPS})
    why = f"it was not tried: nobody (uid 65534) can change {other.site_packages / 'trap.pth'}, so root does not run it"
    assert f"cannot tell whether the pip of this environment finds it: {why}\n" in done.stdout
    assert "no hook in this environment" not in done.stdout
    assert not marker.exists()


class Uv:
    """The real uv, in folders of this test."""

    def __init__(self, folder: Path, tried: Bench) -> None:
        policy = f'{POLICY}[repositories.pypi]\nurl = "https://pypi.example/simple/"\npriority = 90\n'
        exported = uv.export(read_text(policy, "policy", {}, policy_in_force.TOOLS), project=False)
        self.exported, self.tried = uv.text(exported, project=False), tried
        self.system, self.user, self.work = folder / "system", folder / "user", folder / "work"
        for place in (self.system / "uv", self.user / "uv", self.work):
            place.mkdir(parents=True)

    def looked(self) -> uv_check.UvFacts:
        """What doctor finds."""
        return uv_check.look(UV or "uv", self.exported, self.tried)


@pytest.fixture
def real_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Uv]:
    """A uv that sees nothing of this machine."""
    for name in [name for name in os.environ if name.startswith("UV_")]:
        monkeypatch.delenv(name)
    with bench(policy_in_force.TOOLS) as tried:
        found = Uv(tmp_path, tried)
        monkeypatch.setenv("XDG_CONFIG_DIRS", str(found.system))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(found.user))
        monkeypatch.chdir(found.work)
        yield found


@pytest.mark.full
def test_uv_obeys_the_export_wherever_it_lies(real_uv: Uv) -> None:
    """Without the export uv is open; with it as the system's file, the user's or both, it obeys."""
    looked = real_uv.looked()
    assert (looked.obeys, looked.is_as_exported, looked.file, looked.trial.took) == (False, False, None, "1.0")
    for place in (real_uv.user, real_uv.system):
        (place / "uv" / "uv.toml").write_text(real_uv.exported)
        looked = real_uv.looked()
        assert (looked.obeys, looked.file, looked.undone_by) == (True, str(real_uv.user / "uv" / "uv.toml"), ())
    (real_uv.user / "uv" / "uv.toml").unlink()
    assert real_uv.looked().file == str(real_uv.system / "uv" / "uv.toml")


# What takes precedence, and what of it: of each kind one by default, the others with `-m full`.
UNDONE = [
    ("UV_INDEX_STRATEGY", "unsafe-best-match"),
    ("UV_CONFIG_FILE", "{}/other.toml"),
    ("user", '[[index]]\nname = "more"\nurl = "https://more.example/simple"\n'),
    ("uv.toml", 'find-links = ["/srv/wheels"]\n'),
    ("pyproject.toml", '[tool.uv.pip]\nindex-strategy = "unsafe-best-match"\n'),
    ("uv.toml", 'cache-dir = "./cache"\n'),
    ("UV_OVERRIDE", "acme @ https://evil.example/acme-99.0-py3-none-any.whl"),
    ("pyproject.toml", '["tool"."uv"]\nindex-strategy = "unsafe-best-match"\n'),
    ("UV_WORKING_DIR", "{}/other"),
]
UNDONE_TOO = [
    ("UV_NO_CONFIG", "1"),
    ("UV_EXTRA_INDEX_URL", "https://more.example/simple"),
    ("UV_DEFAULT_INDEX", "https://more.example/simple"),
    ("UV_FIND_LINKS", "/srv/wheels"),
    ("user", 'index-strategy = "unsafe-best-match"\n'),
    ("user", 'constraint-dependencies = ["acme>1"]\n'),
    ("pyproject.toml", '[tool.uv]\nindex-url = "https://more.example/simple"\n'),
    ("uv.toml", 'http-proxy = "http://proxy.example:3128"\n'),
    ("user", 'https-proxy = "http://proxy.example:3128"\n'),
    ("pyproject.toml", '[tool.uv]\nno-proxy = ["own.example"]\n'),
    ("uv.toml", 'allow-insecure-host = ["own.example"]\n'),
    ("UV_INSECURE_HOST", "own.example"),
    ("pyproject.toml", "[tool.uv]\noffline = true\n"),
    ("UV_OFFLINE", "1"),
    ("uv.toml", 'extra-build-dependencies = {acme = ["evil @ https://evil.example/evil-1.0.zip"]}\n'),
    ("uv.toml", 'index-strategy = "unsafe-best-match"\n[pip]\nindex-strategy = "first-index"\n'),
    ("UV_PROJECT", "{}/other"),
]


@pytest.mark.story
@pytest.mark.parametrize(
    ("by", "text"), [*UNDONE, *(pytest.param(*each, marks=pytest.mark.full) for each in UNDONE_TOO)]
)
def test_what_undoes_the_export_is_named(
    by: str, text: str, real_uv: Uv, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Settings that override the export, in variables or files, are found and named, as in the real uv."""
    (real_uv.system / "uv" / "uv.toml").write_text(real_uv.exported)
    monkeypatch.setenv("UV_LINK_MODE", "copy")
    if by.startswith("UV_"):
        (tmp_path / "other.toml").write_text("")
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "uv.toml").write_text('index-strategy = "unsafe-best-match"\n')
        monkeypatch.setenv(by, text.format(tmp_path))
        named = by
    else:
        file = (real_uv.user / "uv" / "uv.toml") if by == "user" else real_uv.work / by
        file.write_text(text)
        named = f"[tool.uv] in {file}" if by == "pyproject.toml" else str(file)
    looked = real_uv.looked()
    assert (looked.is_as_exported, looked.obeys, looked.undone_by) == (False, False, (named,))
    assert looked.file == str(real_uv.system / "uv" / "uv.toml")


@pytest.mark.full
def test_a_workspaces_override_is_for_uv_lock_too(real_uv: Uv) -> None:
    """`uv lock` uses an override and does not print it; doctor names it through `uv pip`, which prints it."""
    (real_uv.system / "uv" / "uv.toml").write_text(real_uv.exported)
    (real_uv.work / "pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "0"\n[tool.uv]\noverride-dependencies = ["acme @ https://evil.example/a.zip"]\n'
    )
    assert real_uv.looked().open_in == ("uv pip", "uv lock, sync, add and run")


@pytest.mark.full
def test_uv_tool_reads_no_project(real_uv: Uv) -> None:
    """The real uv's `uv tool` does not read a project's file: with the export only there, it is open."""
    (real_uv.work / "uv.toml").write_text(real_uv.exported)
    looked = real_uv.looked()
    assert (looked.obeys, looked.open_in, looked.file) == (False, ("uv tool and uvx",), None)
    (real_uv.user / "uv" / "uv.toml").write_text(real_uv.exported)
    assert real_uv.looked().obeys


@pytest.mark.full
def test_a_file_above_the_folder_of_the_trial_changes_nothing(real_uv: Uv) -> None:
    """Anybody may write in /tmp: a file there does not count as a setting of the export."""
    (real_uv.system / "uv" / "uv.toml").write_text(real_uv.exported)
    for place in (Path(real_uv.tried.folder), real_uv.work):
        (place / "uv.toml").write_text('find-links = ["/tmp/wheels"]\n')
    looked = real_uv.looked()
    assert (looked.obeys, looked.undone_by) == (False, (str(real_uv.work / "uv.toml"),))


def test_a_source_goes_before_the_export(real_uv: Uv, tmp_path: Path) -> None:
    """Real uv takes a project's name from its source, even with the export's settings; doctor reports that."""
    (real_uv.system / "uv" / "uv.toml").write_text(real_uv.exported)
    wheel = tmp_path / "acme-99.0-py3-none-any.whl"
    wheel.write_bytes(build("acme", parse("99.0")).content)
    file = real_uv.work / "pyproject.toml"
    file.write_text(
        '[project]\nname = "p"\nversion = "0"\ndependencies = ["acme"]\n'
        f'[tool.uv.sources]\nacme = {{ path = "{wheel}" }}\n'
    )
    assert real_uv.looked().obeys
    command = [UV or "uv", "pip", "compile", "--offline", "--no-cache", "--no-header", "--python", sys.executable]
    taken = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
    assert (taken.returncode, wheel.name in taken.stdout) == (0, True), taken.stderr
    found = sources.look(str(real_uv.work), policy_in_force.TOOLS.parse_toml, {})
    assert found == [sources.Source(str(file), "acme", "path")]
    # With that option uv ignores them; then its only source of acme is the export's.
    alone = subprocess.run([*command, "--no-sources", str(file)], capture_output=True, text=True, check=False)
    assert (alone.returncode == 0, wheel.name in alone.stdout) == (False, False)
    assert not sources.look(str(real_uv.work), policy_in_force.TOOLS.parse_toml, {"UV_NO_SOURCES": "1"})


def test_the_sources_of_a_workspace(tmp_path: Path) -> None:
    """Sources of the folder's own project, its workspace and the members count, but not those of folders above."""
    one, root = tmp_path / "root" / "packages" / "one", tmp_path / "root"
    one.mkdir(parents=True)
    (one.parent / "two").mkdir()
    said = '[tool.uv.sources]\n{} = {{ git = "https://u:s3cret@git.example/x" }}\n'
    (tmp_path / "pyproject.toml").write_text(said.format("above"))
    (root / "pyproject.toml").write_text(said.format("beta") + '[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    (one / "pyproject.toml").write_text(
        '[tool.uv.sources]\nalpha = [{ index = "more", marker = "a" }, { git = "g" }]\n'
    )
    (one.parent / "two" / "pyproject.toml").write_text("this is no TOML\n")
    found = sources.look(str(one), policy_in_force.TOOLS.parse_toml, {})
    assert [(source.project, source.kind) for source in found] == [
        ("alpha", "index"),
        ("alpha", "git"),
        ("beta", "git"),
    ]
    said = "\n".join(installers._sources([source._asdict() for source in found]))
    assert "despite the policy: alpha (index more), alpha (git)\n" in said
    assert "s3cret" not in said


def test_a_uv_that_does_not_say_its_settings(real_uv: Uv, tmp_path: Path) -> None:
    """A uv whose settings cannot be read does not count as obeying."""
    fake = tmp_path / "uv"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    looked = uv_check.look(str(fake), real_uv.exported, real_uv.tried)
    assert (looked.obeys, looked.is_as_exported, looked.trial.took) == (False, None, None)


@pytest.mark.full
def test_uv_in_the_report(pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """The text names what overrides the export in uv; with the export in place the exit status is 0."""
    env, tools, place = pip_env(PIP), tmp_path / "bin", tmp_path / "system" / "uv"
    tools.mkdir()
    place.mkdir(parents=True)
    (tools / "uv").symlink_to(UV or "")
    variables = {"PATH": str(tools), "XDG_CONFIG_DIRS": str(place.parent)}
    done = env.tool("doctor", policy=policy, env=variables)
    assert (done.code, "fix: repoprio export uv -o /etc/uv/uv.toml\n" in done.stdout) == (1, True)
    assert "    uv has no settings from this policy\n" in done.stdout
    # The summary names what makes the exit status 1.
    assert done.stdout.endswith("\npips: 1 guarded, 0 not; uv: does not obey. No network was used.\n")
    (place / "uv.toml").write_text(env.tool("export", "uv", policy=policy).stdout)
    done = env.tool("doctor", policy=policy, env=variables)
    assert f"its settings here match the policy's export ({place / 'uv.toml'}); took 1.0, not 99.0" in done.stdout
    assert done.code == 0
    (tmp_path / "uv.lock").touch()
    (tmp_path / "pyproject.toml").write_text('[tool.uv.sources]\nacme = { url = "https://else.example/acme.whl" }\n')
    done = env.tool("doctor", policy=policy, env=variables, cwd=tmp_path)
    assert (done.code, "note: uv takes these from the project's own sources" in done.stdout) == (0, True)
    assert f"note: {tmp_path / 'uv.lock'} keeps the files it names" in done.stdout
    assert f"acme (url)\n               [tool.uv.sources] in {tmp_path / 'pyproject.toml'} names them" in done.stdout
    done = env.tool("doctor", policy=policy, env={**variables, "UV_INDEX_STRATEGY": "unsafe-best-match"})
    assert (done.code, "undone by: UV_INDEX_STRATEGY" in done.stdout) == (1, True)
    assert "    its settings here differ from the policy's export\n" in done.stdout
    assert "fix: unset UV_INDEX_STRATEGY\n" in done.stdout
    assert "what uv reads first: the command line, UV_*, " in done.stdout


def test_uv_without_a_file_and_with_gaps() -> None:
    """If no single file has the export, none is named; a fix that ends with exit status 1 says so."""
    gaps = [{"key": "mode", "means": "something stays open"}]
    known = {
        "path": "/bin/uv",
        "version": "0.13",
        "took": "1.0",
        "is_as_exported": True,
        "file": None,
        "gaps": gaps,
        "system_file": "/etc/uv/uv.toml",
        "system_file_exists": False,
    }
    known |= {"sources": [], "unset_logins": [], "proxies": [], "lock": None, "open_in": [], "is_bare": False}
    text = "\n".join(installers._uv({**known, "obeys": True}))
    assert "the policy's export; took 1.0" in text
    known |= {"obeys": False, "is_as_exported": False, "undone_by": []}
    text = "\n".join(installers._uv(known))
    assert "fix: repoprio export uv -o /etc/uv/uv.toml\n" in text
    assert "it writes the file and exits with 1" in text
    known |= {"undone_by": ["/etc/uv/uv.toml"], "changes": {"/etc/uv/uv.toml": ["index"]}, "system_file_exists": True}
    text = "\n".join(installers._uv(known))
    assert "remove `index` from" not in text, "the export would be there; the file may have no index at all"
    check = "repoprio export uv --check /etc/uv/uv.toml says how it differs: correct it, or move it away and run"
    assert f"fix: {check}: repoprio export uv -o /etc/uv/uv.toml\n" in text, "export -o writes over no file"


class Terminal(io.StringIO):
    """A terminal that records its output."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_parallel_trials_show_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials run in parallel and are reported in order; a terminal shows the progress until the end."""
    screen, meeting = Terminal(), threading.Barrier(3, timeout=30)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    assert doctor._side_by_side("pips", lambda number: (meeting.wait(), number)[1], [1, 2, 3]) == [1, 2, 3]
    said = screen.getvalue()
    assert "repoprio: pips: 3 of 3" in said
    assert said.endswith("\r\x1b[K")
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    with terminal.counted("pips", 1) as step:
        step()
    assert not pipe.getvalue()
