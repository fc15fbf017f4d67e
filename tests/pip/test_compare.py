"""`repoprio compare`: plain pip and pip under the policy, side by side, with real pips and repositories."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.compared import EVERY, PIPS, Compared, project, report, verdicts
from support.faults import Fault
from support.files import sha256
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.repository import DirectoryRepository, FlatDirectory

ALL = pytest.mark.parametrize("pip", PIPS)


@pytest.fixture
def scene(repository: RepositoryFactory, tmp_path: Path) -> Compared:
    """Three repositories."""
    return Compared(repository, tmp_path)


@pytest.fixture
def env(pip_env: EnvFactory) -> PipEnv:
    """An environment with the newest pip."""
    return pip_env("26.3")


def shown(done: Completed, policy: Path) -> str:
    """The screen without what differs between runs: the first line (the environment), and the policy's path."""
    return done.stdout.partition("\n")[2].replace(str(policy), "POLICY")


@EVERY
def test_each_category(pip: str, pip_env: EnvFactory, scene: Compared) -> None:
    """One project of each category has its verdict, with the files and repositories of both sides."""
    words = scene.everything()
    document = report(pip_env(pip), scene.policy(corp='owns = ["acme-*"]'), *words)
    assert verdicts(document) == {
        "acme": ("takeover", "another-project"),
        "wheeled": ("other-file", "hashes-differ"),
        "jinja2": ("other-version", "same-project"),
        "idna": ("other-repository", "same-file"),
        "lxml": ("only-pip-alone", "no-match"),
        "evil-dep": ("only-one-needs", "needed-by-pip-alone"),
        "oldlib": ("not-known", "dependencies-not-known"),
        "acme-core": ("not-compared", "private"),
        "shared": ("same", "same-file"),
    }
    acme = project(document, "acme")
    sides = [(acme[side]["repository"], acme[side]["version"]) for side in ("pip_alone", "policy")]
    assert sides == [("public", "99.0"), ("corp", "1.1")]
    assert project(document, "lxml")["requirement"] == "lxml>=6"
    assert project(document, "evil-dep")["pip_alone"]["needed_by"] == ["acme"]
    assert (document["summary"]["same"], document["summary"]["not-compared"]) == (1, 1)


_AT_80 = """\
Nothing is built or installed. corp was asked for 1 name, public was asked for 6
names and team was asked for 3 names more than an installation asks for. 1 stays
private (acme-core: owns).

     PROJECT    PIP ALONE          WITH POLICY          WHY
  !  acme       99.0       public  1.1          corp    corp owns acme
  !  wheeled    2.0        public  2.0          corp    public has another
                                                        wheeled-2.0-py3-none-any.whl
                                                        (sha256)
  ~  jinja2     3.1.6      public  3.1.4        team    team owns jinja2
  =  idna       3.10       public  3.10         team    same file (sha256)
  x  lxml       6.0.2      public  -                    team has 5.3; >=6 is
                                                        wanted
  +  evil-dep   6.6        public  -                    needed only without the
                                                        policy, by acme
  ?  oldlib     1.0 sdist  public  1.0 sdist    public  dependencies not known
  -  acme-core  private            1.0          corp    not compared: private
                                                        (owns)

9 projects: 1 same, 1 takeover stopped (!), 1 other file of one version (!), 1
other version (~), 1 other repository (=), 1 only without policy (x), 1 needed
on one side only (+), 1 not known (?), 1 not compared (-)
fix: acme: already prevented; to keep the name from public too, add "acme" to
       repositories.corp.owns (POLICY)
"""
_AT_120 = """\
  !  acme       99.0       public  1.1          corp    corp owns acme
  !  wheeled    2.0        public  2.0          corp    public has another wheeled-2.0-py3-none-any.whl (sha256)
  ~  jinja2     3.1.6      public  3.1.4        team    team owns jinja2
  =  idna       3.10       public  3.10         team    same file (sha256)
  x  lxml       6.0.2      public  -                    team has 5.3; >=6 is wanted
  +  evil-dep   6.6        public  -                    needed only without the policy, by acme
  ?  oldlib     1.0 sdist  public  1.0 sdist    public  dependencies not known
  -  acme-core  private            1.0          corp    not compared: private (owns)
"""


@EVERY
def test_the_screen(pip: str, pip_env: EnvFactory, scene: Compared) -> None:
    """The screen at 80 and at 120 columns is the same on every pip.

    Colours come only on demand, and then with marks.
    """
    words, env, policy = scene.everything(), pip_env(pip), scene.policy(corp='owns = ["acme-*"]')
    narrow = env.tool("compare", *words, policy=policy, env={"COLUMNS": "80"})
    # The path of the policy, which the wrapping knows, differs from run to run.
    assert shown(narrow, policy).startswith(_AT_80.partition("fix: ")[0])
    assert 'fix: acme: already prevented; to keep the name from public too, add "acme" to' in narrow.stdout
    wide = env.tool("compare", *words, policy=policy, env={"COLUMNS": "120"})
    assert _AT_120 in wide.stdout
    colored = env.tool("compare", *words, "--color", "always", policy=policy, env={"COLUMNS": "120"})
    assert re.sub(r"\x1b\[\d*m", "", colored.stdout) == wide.stdout
    assert "\x1b[31m  !  acme" in colored.stdout


def test_progress_is_for_terminals(env: PipEnv, scene: Compared) -> None:
    """On a terminal one line shows the progress; it is removed before notices and at the end."""
    scene.corp.add("acme", {"version": "1.0", "requires": ["six"]})
    scene.public.add("six", "1.0")
    policy = scene.policy()
    ours, theirs = pty.openpty()
    command = [str(env.python), "-m", "repoprio", "compare", "acme"]
    done = subprocess.run(command, env=env.environment(policy), stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.close(theirs)
    output = os.read(ours, 100_000).decode()
    os.close(ours)
    steps = re.findall(r"\r\x1b\[K(with the policy|pip alone): (\d) projects?, (\w+)", output)
    assert steps == [
        (side, n, name) for side in ("with the policy", "pip alone") for n, name in (("1", "acme"), ("2", "six"))
    ]
    assert "\r\x1b[Krepoprio: comparing with pip alone" in output
    assert output.endswith("\r\x1b[K")
    assert done.stdout.decode() == env.tool("compare", "acme", policy=policy).stdout
    assert "\r" not in env.tool("compare", "acme", policy=policy).stderr


def test_exit_statuses(env: PipEnv, scene: Compared) -> None:
    """0 if both sides are the same; 1 if they differ, 0 with --exit-zero; 2 for wrong use, even with --exit-zero."""
    scene.corp.add("acme", "1.0")
    scene.public.add("acme", "99.0")
    scene.public.add("six", "1.0")
    policy = scene.policy()
    runs = {
        ("six",): 0,
        ("acme", "six"): 1,
        ("acme", "--exit-zero"): 0,
        ("nope",): 1,
        ("six; python_version < '3'",): 0,
        ("-r", "/no/such/file", "--exit-zero"): 2,
        ("--exit-zero",): 2,
        ("--index-url", "http://127.0.0.1:9/simple", "six"): 1,
    }
    for words, code in runs.items():
        done = env.tool("compare", *words, policy=policy)
        assert (done.code, "Traceback" in done.stderr) == (code, False), (words, done)
    assert "[unlisted]" in done.stderr
    bare = env.tool("compare", "six", "--exit-zero")
    assert (bare.code, "[no-policy]" in bare.stderr) == (2, True)


@ALL
def test_a_repository_that_is_down(pip: str, pip_env: EnvFactory, scene: Compared) -> None:
    """If a higher repository is down, its names are unknown, and no lower one is asked.

    If a lower one is, pip's side is.
    """
    scene.corp.add("acme", "1.0")
    scene.public.add("six", "1.0")
    scene.corp.answer("six", Fault(status=418))
    document = report(pip_env(pip), scene.policy(), "acme", "six")
    assert verdicts(document) == {"six": ("not-known", "unavailable"), "acme": ("same", "same-file")}
    assert "corp (priority 10) is unavailable: 418" in project(document, "six")["reason"]
    assert not scene.public.asked("six")
    scene.corp.answer("six", Fault())
    scene.public.answer("acme", Fault(status=418))
    document = report(pip_env(pip), scene.policy(), "acme", "six")
    assert verdicts(document) == {"acme": ("not-known", "unavailable"), "six": ("same", "same-file")}
    assert project(document, "acme")["pip_alone"]["version"] == "1.0"


@EVERY
def test_one_that_fails_does_not_hide_the_others(pip: str, pip_env: EnvFactory, scene: Compared) -> None:
    """Blocked, absent, unmatched and conflicting projects are reported with reasons; the rest is compared."""
    scene.corp.add("acme", "1.0", "1.1")
    scene.public.add("acme", "99.0")
    scene.public.add("a", {"version": "1", "requires": ["clash==1", "gone"]})
    scene.public.add("b", {"version": "1", "requires": ["clash==2", "acme>=2"]})
    scene.public.add("clash", "1", "2")
    scene.public.add("bad", "1")
    after = '[pins.bad]\nprojects = ["bad"]\nblock = "no good"\n'
    document = report(pip_env(pip), scene.policy(extra=after), "a", "b", "bad")
    assert verdicts(document) == {
        "acme": ("only-pip-alone", "no-match"),
        "bad": ("not-known", "blocked"),
        "clash": ("not-known", "conflict"),
        "gone": ("not-known", "absent"),
        "a": ("same", "same-file"),
        "b": ("same", "same-file"),
    }
    assert "a 1 wants clash==1; b 1 wants clash==2" in project(document, "clash")["reason"]
    assert project(document, "gone")["policy"]["needed_by"] == ["a"]
    assert project(document, "acme")["fix"].startswith(
        "do not use the one from public: ask for a version that corp has"
    )
    assert "public lists none of the same files" in project(document, "acme")["reason"]


@ALL
def test_the_resolver_backtracks_on_both_sides(pip: str, pip_env: EnvFactory, scene: Compared) -> None:
    """Each side has the versions that its own resolution comes to, dependencies and extras among them."""
    scene.corp.add("acme", "1.0")
    scene.public.add("acme", "2.0")
    scene.public.add("billing", {"version": "3.1", "requires": ["acme>=2"]}, {"version": "3.0", "requires": ["acme<2"]})
    scene.public.add("tools", {"version": "1.0", "requires": ["billing; extra == 'pay'"]})
    document = report(pip_env(pip), scene.policy(), "tools[pay]")
    assert verdicts(document) == {
        "acme": ("takeover", "another-project"),
        "billing": ("other-version", "other-requirements"),
        "tools": ("same", "same-file"),
    }
    assert project(document, "tools")["requirement"] == "tools[pay]"
    assert project(document, "billing")["policy"]["needed_by"] == ["tools"]


@EVERY
def test_files_constraints_and_hashes(pip: str, pip_env: EnvFactory, scene: Compared) -> None:
    """Requirements files with an index of the policy, with hashes and markers, and constraints hold on both sides."""
    (wheel,) = scene.public.add("six", "1.0")
    scene.corp.add("acme", "1.0", "1.1")
    scene.public.add("acme", "1.0.5", "99.0")
    file, limits = scene.folder / "requirements.txt", scene.folder / "constraints.txt"
    file.write_text(
        f"--index-url {scene.public.page_url}\nsix==1.0 --hash=sha256:{wheel.sha256}\ntoml; python_version < '3'\n"
    )
    done = pip_env(pip).tool("compare", "-v", "-r", str(file), policy=scene.policy())
    assert (done.code, "1 project: 1 same" in done.stdout) == (0, True), done
    assert "its marker does not apply here" in done.stderr
    file.write_text(f"six==1.0 --hash=sha256:{'0' * 64}\n")
    assert verdicts(report(pip_env(pip), scene.policy(), "-r", str(file))) == {"six": ("not-known", "hashes")}
    limits.write_text("acme<1.1\n")
    acme = project(report(pip_env(pip), scene.policy(), "-c", str(limits), "acme"), "acme")
    assert (acme["pip_alone"]["version"], acme["policy"]["version"]) == ("1.0.5", "1.0")
    limits.write_text("acme>=2\n")
    acme = project(report(pip_env(pip), scene.policy(), "-c", str(limits), "acme"), "acme")
    assert (acme["verdict"], acme["policy"]["code"]) == ("only-pip-alone", "no-match")


@EVERY
def test_direct_urls(pip: str, pip_env: EnvFactory, scene: Compared) -> None:
    """Wheels by URL and path are the same on both sides; URLs in metadata are refused by the policy."""
    (wheel,) = scene.corp.add("tool", {"version": "5.0", "requires": ["six"]})
    scene.public.add("six", "1.0")
    url, path = f"{scene.corp.root_url}files/{wheel.filename}", scene.folder / wheel.filename
    path.write_bytes(wheel.content)
    env, policy = pip_env(pip), scene.policy()
    for words in ([f"tool @ {url}"], [str(path)], [url]):
        document = report(env, policy, *words, code=0)
        assert verdicts(document) == {"tool": ("same", "same-file"), "six": ("same", "same-file")}
    scene.public.add("app", {"version": "1.0", "requires": [f"tool @ {url}"]})
    document = report(env, policy, "app")
    assert verdicts(document) == {"app": ("same", "same-file"), "tool": ("only-pip-alone", "direct-url")}
    assert project(document, "tool")["fix"].endswith("tool @ URL")
    refusing = scene.policy(before='direct-urls = "refuse"')
    assert verdicts(report(env, refusing, f"tool @ {url}"))["tool"] == ("only-pip-alone", "direct-url")


def test_the_project_of_an_ambiguous_sdist_is_not_guessed(env: PipEnv, scene: Compared) -> None:
    """acme-1.0-1.tar.gz may be acme 1.0-1 or acme-1.0 1: an sdist given by URL is then compared under that URL."""
    clear, unclear = (f"{scene.corp.root_url}files/acme-{version}.tar.gz" for version in ("1.0", "1.0-1"))
    assert set(verdicts(report(env, scene.policy(), clear, unclear))) == {"acme", unclear}


def test_a_source_tree_fits_every_version(env: PipEnv, scene: Compared) -> None:
    """The version of a source tree is unknown, so a requirement for it causes no conflict."""
    tree = scene.folder / "tree"
    tree.mkdir()
    (tree / "pyproject.toml").write_text("")
    scene.public.add("app", {"version": "1.0", "requires": ["tree>=7"]})
    document = report(env, scene.policy(), "app", f"tree @ {tree.as_uri()}", "tree<9")
    assert verdicts(document) == {"app": ("same", "same-file"), "tree": ("not-known", "dependencies-not-known")}
    assert project(document, "tree")["policy"]["version"] is None
    unnamed = report(env, scene.policy(), str(tree), "app")
    assert verdicts(unnamed)[tree.as_uri()] == ("not-known", "unnamed")


@pytest.mark.parametrize("layout", ["json", "html"])
def test_flexible_merge_and_versions(env: PipEnv, repository: RepositoryFactory, tmp_path: Path, layout: Any) -> None:
    """Modes and pins hold on the policy's side; pip alone knows neither."""
    corp, public = repository("corp", layout=layout), repository("public", layout=layout)
    for name, newest in (("flex", "2.0"), ("merged", "3.0"), ("narrow", "4.0")):
        corp.add(name, "1.0")
        public.add(name, newest)
    public.add("narrowed", "1.0", "9.0")
    tables = f'[repositories.corp]\nurl = "{corp.page_url}"\npriority = 10\n'
    tables += f'[repositories.public]\nurl = "{public.page_url}"\npriority = 90\n'
    tables += (
        '[pins.flex]\nprojects = ["flex"]\nmode = "flexible"\n[pins.merged]\nprojects = ["merged"]\nmode = "merge"\n'
    )
    tables += '[pins.narrowed]\nprojects = ["narrowed"]\nversions = "<2"\n'
    policy = tmp_path / "repoprio.toml"
    policy.write_text(tables)
    document = report(env, policy, "flex>=2", "merged", "narrow", "narrowed")
    assert verdicts(document) == {
        "narrow": ("takeover", "another-project"),
        "narrowed": ("other-version", "narrowed"),
        "flex": ("same", "same-file"),
        "merged": ("same", "same-file"),
    }
    assert "pins.narrowed.versions" in project(document, "narrowed")["fix"]


def test_repositories_on_disk(env: PipEnv, scene: Compared) -> None:
    """Folders learn no names; the same file on disk and on a page is recognized by its sha256."""
    flat = FlatDirectory(scene.folder / "flat", "flat")
    simple = DirectoryRepository(scene.folder / "simple", "simple")
    (wheel,) = flat.add("acme", "1.0")
    scene.public.add("acme", "2.0")
    scene.public.put("acme", wheel)
    flat.add("other", "1.0")
    scene.public.add("other", "1.0")
    scene.public.add("six", "1.0")
    simple.add("six", "2.0")
    policy = scene.folder / "disk.toml"
    policy.write_text(
        f'[repositories.flat]\nurl = "{flat.path}"\nformat = "flat"\npriority = 5\n'
        f'[repositories.public]\nurl = "{scene.public.page_url}"\npriority = 10\n'
        f'[repositories.simple]\nurl = "{simple.root}"\npriority = 20\n'
    )
    document = report(env, policy, "acme", "other", "six")
    assert verdicts(document) == {
        "six": ("takeover", "another-project"),
        "other": ("other-file", "hashes-differ"),
        "acme": ("other-version", "same-project"),
    }
    assert document["asked"] == {"public": ["acme", "other"]}


def test_equal_repositories_do_not_differ(env: PipEnv, scene: Compared) -> None:
    """If two repositories of a tier have the same files, both sides take the one that the policy names first."""
    scene.share("acme", scene.corp, scene.team)
    policy = scene.policy()
    policy.write_text(policy.read_text().replace("priority = 50", "priority = 10"))
    assert verdicts(report(env, policy, "acme", code=0)) == {"acme": ("same", "same-file")}


def test_files_that_lie(env: PipEnv, scene: Compared) -> None:
    """A wheel that is broken, of another project, or missing is reported; the rest is compared."""
    scene.public.add("liar", {"version": "1.0", "name": "truth", "filename": "liar-1.0-py3-none-any.whl"})
    scene.public.add("six", "1.0")
    for name in ("broken", "gone"):
        (file,) = scene.public.add(name, "1.0")
        lie = replace(file, content=b"no zip", sha256=sha256(b"no zip"), metadata=None)
        lie = lie if name == "broken" else replace(file, filename="gone-2.0-py3-none-any.whl", metadata=None)
        # Under the old name, so that the file of the new one is missing.
        scene.public._shelf._projects[name] = {file.filename: lie}
    document = report(env, scene.policy(), "broken", "gone", "liar", "six")
    assert {name: verdict for name, (verdict, _) in verdicts(document).items()} == {
        "broken": "not-known",
        "gone": "not-known",
        "liar": "not-known",
        "six": "same",
    }
    assert project(document, "gone")["reason"] == "gone-2.0-py3-none-any.whl could not be fetched (404)."
    assert project(document, "broken")["fix"] == "check whether its repository has the complete file"


@ALL
def test_metadata_and_wheels_that_pip_does_not_take(pip: str, pip_env: EnvFactory, scene: Compared) -> None:
    """Invalid requirements in metadata, and a wheel for another platform, are reported; the rest is compared."""
    scene.public.add("legacy", {"version": "1.0", "requires": ["foo (>1", "six"]})
    scene.public.add("app", {"version": "1.0", "requires": ["six"]})
    scene.public.add("six", "1.0")
    url = f"{scene.public.root_url}files/plat-1.0-cp27-none-win32.whl"
    document = report(pip_env(pip), scene.policy(), "legacy", "app", f"plat @ {url}")
    assert verdicts(document) == {
        "legacy": ("not-known", "unreadable"),
        "plat": ("not-known", "unsupported"),
        "app": ("same", "same-file"),
        "six": ("same", "same-file"),
    }


def test_pip_says_nothing(env: PipEnv, scene: Compared) -> None:
    """The output has no lines of pip, neither warnings nor logs of conflicts; stdout is the report."""
    scene.corp.add("acme", {"version": "1.0", "yanked": True}, "0.9")
    scene.public.add("ext", "1.0")
    done = env.tool("compare", "acme>=2", "ext[nothing]", policy=scene.policy())
    assert done.stderr.startswith("repoprio: comparing with pip alone:")
    assert len(re.findall(r"^\w", done.stderr, re.MULTILINE)) == 1
    assert done.stdout.splitlines()[1].startswith("Nothing is built or installed.")
