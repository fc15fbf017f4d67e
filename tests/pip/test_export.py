"""With the output of `export`, real uv makes the same choices as strict mode."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from repoprio.config.load import read_text
from repoprio.export import CannotExport, uv
from repoprio.export.uv_differences import differences
from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.policy_files import TOOLS, parsed_policy
from support.scene import policy_text
from support.uvs import CORP, PUBLIC, gaps, run_uv

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = '[project]\nname = "asker"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = {}\n\n'


def chosen_by_uv(folder: Path, exported: str, requirements: Sequence[str], *, project: bool) -> dict[str, str] | None:
    """Each project with the version that uv resolves to, None if it refuses."""
    folder.mkdir()
    if project:
        (folder / "pyproject.toml").write_text(PROJECT.format(json.dumps(list(requirements))) + exported)
        done = run_uv(folder, "pip", "compile", "-q", "--no-header", "--no-annotate", "pyproject.toml")
    else:
        (folder / "uv.toml").write_text(exported)
        (folder / "wanted.txt").write_text("\n".join(requirements))
        asked = ("pip", "compile", "-q", "--no-header", "--no-annotate", "wanted.txt")
        done = run_uv(folder, "--config-file", "uv.toml", *asked)
    assert "Traceback" not in done.stderr
    if done.code:
        assert "Failed to parse" not in done.stderr, done.stderr
        return None
    lines = [line for line in done.stdout.splitlines() if "==" in line]
    return dict(line.strip().split("==") for line in lines)


def chosen_by_pip(env: PipEnv, policy: Path, requirements: Sequence[str]) -> dict[str, str] | None:
    """Each project with the version that pip resolves to under the policy, None if it refuses."""
    done = env.run("install", "--dry-run", "--ignore-installed", "-q", "--report", "-", *requirements, policy=policy)
    if done.code:
        return None
    document = json.loads(done.stdout)["install"]
    return {item["metadata"]["name"]: item["metadata"]["version"] for item in document}


class World:
    """Four repositories, and policies over them."""

    def __init__(self, repository: RepositoryFactory, folder: Path) -> None:
        self.corp, self.team = repository("corp", layout="html"), repository("team")
        self.torch, self.public = repository("torch"), repository("public")
        self.folder = folder
        self.corp.add("acme", {"version": "1.0", "requires": ["leftpad"]})
        self.team.add("ledger", "1.0")
        self.team.add("acme", "2.0")
        self.torch.add("torch", "2.0+cpu")
        self.torch.add("leftpad", "0.1")
        for name in ("acme", "leftpad", "ledger", "torch", "requests"):
            self.public.add(name, "99.0")
        self.public.add("numpy", "2.0", "3.0")

    def policy(self, extra: str = "", corp: str = "") -> Path:
        """A policy with corp, team, pytorch (explicit) and public, and more at its end."""
        file = self.folder / "policy.toml"
        file.write_text(
            f'[repositories.public]\nurl = "{self.public.page_url}"\npriority = 90\n'
            f'[repositories.corp]\nurl = "{self.corp.page_url}"\npriority = 10\n{corp}'
            f'[repositories.team]\nurl = "{self.team.page_url}"\npriority = 50\n'
            f'[repositories.pytorch]\nurl = "{self.torch.page_url}"\npriority = 95\nexplicit = true\n{extra}'
        )
        return file


@pytest.fixture
def world(repository: RepositoryFactory, tmp_path: Path) -> World:
    """Four repositories."""
    return World(repository, tmp_path)


def export(env: PipEnv, policy: Path, *more: str) -> Completed:
    """Run `repoprio export uv`."""
    return env.tool("export", "uv", *more, policy=policy)


TORCH = '[pins.torch]\nprojects = ["torch"]\nrepositories = ["pytorch"]\n'
NUMPY = '[pins.numpy]\nprojects = ["numpy"]\nversions = "<3"\n'
BLOCK = '[pins.leftpad]\nprojects = ["leftpad"]\nblock = "abandoned"\n'
CASES = [
    ("", ["acme"], False),
    ("", ["ledger", "requests"], False),
    ("", ["acme>=2"], False),
    ("", ["nobody-has-it"], False),
    ("", ["numpy"], False),
    (NUMPY, ["numpy"], False),
    (NUMPY, ["numpy>=3"], False),
    (BLOCK, ["leftpad"], False),
    (BLOCK, ["acme"], False),
    (TORCH, ["torch"], True),
    (TORCH, ["torch", "leftpad", "numpy"], True),
    (TORCH + NUMPY, ["torch", "numpy", "acme", "requests"], True),
]


@pytest.mark.parametrize(("pins", "wanted", "project"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_uv_chooses_what_strict_mode_chooses(
    pins: str, wanted: list[str], project: bool, pip_env: EnvFactory, world: World
) -> None:
    """On the same repositories real uv resolves to the versions that pip resolves to under the policy."""
    env, policy = pip_env("26.3"), world.policy(pins)
    done = export(env, policy, *(["--project"] if project else []))
    by_pip = chosen_by_pip(env, policy, wanted)
    assert chosen_by_uv(world.folder / "uv", done.stdout, wanted, project=project) == by_pip, done.stdout
    assert done.code == (1 if pins else 0)


def test_the_demos_repositories(pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path) -> None:
    """The policy of the demo can be exported completely, and uv takes acme 1.0."""
    corp, public = repository("corp"), repository("public")
    corp.add("acme", {"version": "1.0", "requires": ["leftpad"]})
    public.add("acme", "99.0")
    public.add("leftpad", "1.3")
    policy = tmp_path / "policy.toml"
    policy.write_text(policy_text({"corp": corp.page_url, "public": public.page_url}))
    done = export(pip_env("26.3"), policy)
    assert (done.code, "not expressed" in done.stderr) == (0, False)
    assert chosen_by_uv(tmp_path / "uv", done.stdout, ["acme"], project=False) == {"acme": "1.0", "leftpad": "1.3"}


@pytest.mark.parametrize("status", [403, 410])
def test_absent_statuses(status: int, pip_env: EnvFactory, world: World) -> None:
    """A status in `absent` lets uv continue as well; without it uv stops, or takes no other's file."""
    world.corp.answer("requests", Fault(status=status))
    env = pip_env("26.3")
    open_policy = world.policy(corp=f"absent = [404, {status}]\n")
    exported = export(env, open_policy).stdout
    assert chosen_by_pip(env, open_policy, ["requests"]) == {"requests": "99.0"}
    assert chosen_by_uv(world.folder / "open", exported, ["requests", "numpy"], project=False) is not None
    assert f"ignore-error-codes = [{status}]" in exported


def test_a_flat_repository(pip_env: EnvFactory, world: World, tmp_path: Path) -> None:
    """A flat repository has its place in uv's order too."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for built in world.torch.add("requests", "0.5"):
        (wheels / built.filename).write_bytes(built.content)
    flat = f'[repositories.wheels]\nurl = "{wheels}"\nformat = "flat"\npriority = 5\n'
    env, policy = pip_env("26.3"), world.policy(flat)
    exported = export(env, policy).stdout
    assert chosen_by_pip(env, policy, ["requests", "acme"]) == {"requests": "0.5", "acme": "1.0", "leftpad": "99.0"}
    found = chosen_by_uv(tmp_path / "uv", exported, ["requests", "acme"], project=False)
    assert found == {"requests": "0.5", "acme": "1.0", "leftpad": "99.0"}


def test_a_403_is_no_absence_unless_the_policy_says_so() -> None:
    """By default uv ignores a 403 of some hosts, so the export sets this for each index."""
    document = uv.export(read_text(CORP + PUBLIC, "f", {}, TOOLS), project=False).document
    assert [index.get("ignore-error-codes") for index in document["index"]] == [[], []]


TEAM = '[repositories.team]\nurl = "https://team.example/simple/"\npriority = 50\n'
GAPS = [
    (
        CORP + 'namespaces = ["acme-*"]\n',
        "corp.namespaces: uv cannot reserve acme-*: if corp does not have a name, uv takes it from public",
    ),
    (CORP + 'namespaces = ["acme-*"]\n', "repositories.corp.namespaces: uv takes any name from corp"),
    (
        CORP + 'owns = ["acme"]\n',
        "corp.owns: uv cannot reserve acme: if corp does not have it, uv takes it from public",
    ),
    (
        TEAM + CORP.replace("10", "90") + 'owns = ["acme"]\n',
        "corp.owns: uv cannot reserve acme: it may come from team or public",
    ),
    (CORP + 'exclude = ["old-*"]\n', "repositories.corp.exclude: old-* may come from corp in uv"),
    (CORP + 'include = ["x"]\n', "repositories.corp.include: uv takes any name from corp"),
    (CORP + 'canary = "x"\n', "repositories.corp.canary: uv believes its 404 at once"),
    (CORP + "absent = [410]\n", "repositories.corp.absent: to uv a 404 always means absence"),
    (CORP + 'listing = "complete"\n', "repositories.corp.listing: uv asks for its page"),
    ('direct-urls = "refuse"\n' + CORP, "direct-urls: uv accepts name @ URL from any requirement"),
    (CORP + '[pins.x]\nprojects = ["x"]\nversions = "<3"\n', "pins.x: a constraint to uv pip install and compile"),
    (CORP + 'absent = ["empty-page"]\n', "repositories.corp.absent: to uv an empty page owns its name"),
    (CORP + "skip-if-unavailable = true\n", "repositories.corp.skip-if-unavailable: uv stops if it is down"),
    (CORP + 'mirrors = ["https://m.example/"]\n', "repositories.corp.mirrors: uv asks only its URL"),
    (CORP + 'redirects = {"https://s.example" = "follow"}\n', "repositories.corp.redirects: uv follows redirects"),
    ('mode = "flexible"\n' + CORP, "mode: uv asks every index for every name"),
    ('mode = "flexible"\n' + CORP, "mode: repoprio is strict about its own name; uv treats"),
    ('direct-urls = "roots"\n' + CORP, "direct-urls: in uv what you ask for by URL or path may itself require"),
    (CORP.replace("simple/", "x-1.whl") + 'format = "flat"\n', "repositories.corp.url: uv ignores it"),
    (TEAM.replace("https://team.example/simple/", "/srv/x-1.tar.gz") + 'format = "flat"\n', "team.url: uv stops"),
    (CORP + TEAM.replace("50", "10"), "repositories.corp.priority: uv merges no tier: corp goes before team"),
    (CORP + '[pins.x]\nprojects = ["x-*"]\nversions = "<3"\n', "pins.x.projects: uv has no patterns: x-* is neither"),
    (
        CORP + '[pins.x]\nprojects = ["x"]\nrepositories = ["corp"]\n',
        "x.repositories: uv cannot route x: it asks corp, public in turn",
    ),
    (CORP + '[pins.x]\nprojects = ["x"]\nmode = "merge"\n', "pins.x.mode: uv has one strategy for all names"),
]


@pytest.mark.parametrize(("text", "said"), GAPS, ids=[str(number) for number in range(len(GAPS))])
def test_what_uv_cannot_express_is_listed(text: str, said: str) -> None:
    """Everything that uv cannot express is listed, with its key and the consequence."""
    assert any(said in gap for gap in gaps(text + PUBLIC)), gaps(text + PUBLIC)


def test_a_gap_is_in_comments_on_stderr_and_in_the_exit_status(pip_env: EnvFactory, world: World) -> None:
    """A name that uv cannot reserve is reported in the file, on stderr and by the status, unless --exit-zero."""
    policy = world.policy(corp='owns = ["acme-*"]\n')
    done, zero = (export(pip_env("26.3"), policy, *options) for options in ([], ["--exit-zero"]))
    assert (zero.code, zero.stdout) == (0, done.stdout)
    said = "not expressed: repositories.corp.owns: uv cannot reserve acme-*"
    assert done.code == 1
    assert f"# {said}" in done.stdout
    assert f"repoprio: {said}" in done.stderr


def test_an_exact_name_is_routed_in_a_project() -> None:
    """`tool.uv.sources` routes exact names of pins and of `owns`; blocked, disabled and ambiguous ones are not."""
    text = (
        CORP + 'owns = ["acme", "both"]\n' + TEAM + 'owns = ["both"]\n' + PUBLIC + "[repositories.off]\nurl = '/off'\n"
        "enabled = false\nowns = ['gone']\n[pins.a]\nprojects = ['x', 'y-*']\nrepositories = ['team']\n"
        "[pins.b]\nprojects = ['acme']\nblock = 'no'\n"
    )
    document = uv.export(parsed_policy(text), project=True).document
    assert document["sources"] == {"x": {"index": "team"}}
    assert document["constraint-dependencies"] == ["acme<0.dev0"]


def test_no_login_and_no_variable_is_exported() -> None:
    """Logins are left out; a variable in a path cannot be exported, and then nothing is."""
    policy = read_text(CORP.replace("https://", "https://bot:s3cret@") + PUBLIC, "f", {}, TOOLS)
    assert "s3cret" not in uv.text(uv.export(policy, project=False), project=False)
    unset = read_text(CORP.replace("https://", "https://${WHO}:${TOKEN}@") + PUBLIC, "f", {}, TOOLS)
    assert uv.export(unset, project=False).document["index"][0]["url"] == "https://corp.example/simple/"
    for environ in ({}, {"TOKEN": "s3cret"}):
        policy = read_text(CORP.replace("simple", "${TOKEN}") + PUBLIC, "f", environ, TOOLS)
        with pytest.raises(CannotExport) as caught:
            uv.export(policy, project=False)
        assert "s3cret" not in str(caught.value)


def test_check_compares(pip_env: EnvFactory, world: World) -> None:
    """`--check` gives 0 for the exported file, 1 for any difference in choices, 2 for invalid TOML."""
    env, policy, file = pip_env("26.3"), world.policy(TORCH), world.folder / "uv.toml"
    file.write_text(export(env, policy).stdout)
    assert export(env, policy, "--check", str(file)).code == 0
    for change in ('index-strategy = "unsafe-best-match"', 'extra-index-url = ["https://bot:s3cret@evil.example/"]'):
        file.write_text(f"{change}\n" + export(env, policy).stdout.replace('index-strategy = "first-index"', ""))
        done = export(env, policy, "--check", str(file))
        assert done.code == 1
        assert change.partition(" ")[0] in done.stdout
        assert "s3cret" not in done.stdout
    file.write_text("= [")
    assert export(env, policy, "--check", str(file)).code == 2


def test_if_nothing_is_enabled_uv_finds_nothing() -> None:
    """If all repositories of a policy are switched off, uv has no index, not even its built-in one."""
    document = uv.export(read_text(CORP + "enabled = false\n", "f", {}, TOOLS), project=False).document
    assert (document["index"], document["no-index"]) == ([], True)


@pytest.mark.parametrize("line", ['index-strategy = "unsafe-best-match"', 'extra-index-url = ["https://e.example/"]'])
def test_check_looks_into_the_pip_section(line: str, pip_env: EnvFactory, world: World) -> None:
    """`[pip]` of uv.toml overrides the settings outside of it."""
    env, policy, file = pip_env("26.3"), world.policy(), world.folder / "uv.toml"
    file.write_text(export(env, policy).stdout + f"[pip]\n{line}\n")
    done = export(env, policy, "--check", str(file))
    assert (done.code, f"pip.{line.split(maxsplit=1)[0]} is " in done.stdout) == (1, True), done.stdout


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('http-proxy = "http://bot:s3cret@evil.example:3128"', "http-proxy"),
        ('allow-insecure-host = ["corp.example"]', "allow-insecure-host"),
        ("offline = true", "offline"),
        ('dependency-metadata = [{ name = "acme", requires-dist = ["x @ https://e.example/x.zip"] }]', "dependency-"),
        ('extra-build-dependencies = { acme = ["x @ https://e.example/x.zip"] }', "extra-build-dependencies"),
        ('cache-dir = "./cache"', "cache-dir"),
        ('extra-build-dependencies = { acme = ["x>1"] }\noffline = false', None),
    ],
)
def test_check_knows_what_else_brings_files_from_elsewhere(line: str, key: str | None) -> None:
    """Proxies, untrusted hosts, uv's cache and URLs in settings are differences; other settings are not."""
    exported = uv.export(read_text(CORP + PUBLIC, "f", {}, TOOLS), project=True)
    found = tomllib.loads(uv.text(exported, project=True).replace("[tool.uv]\n", f"[tool.uv]\n{line}\n"))["tool"]["uv"]
    said = differences(exported, found, project=True)
    assert [one.startswith(key or "-") for one in said] == ([True] if key else []), said
    assert "s3cret" not in "".join(said)


def test_check_sees_the_file_that_hides_a_projects_settings(pip_env: EnvFactory, world: World) -> None:
    """A uv.toml next to a correct pyproject.toml hides it from uv: `--check` gives 1."""
    env, policy, file = pip_env("26.3"), world.policy(), world.folder / "pyproject.toml"
    file.write_text(PROJECT.format('["acme"]') + export(env, policy, "--project").stdout)
    asked = ("pip", "compile", "-q", "--no-header", "--no-annotate", "pyproject.toml")
    assert export(env, policy, "--check", str(file)).code == 0
    assert "acme==1.0" in run_uv(world.folder, *asked).stdout
    (world.folder / "uv.toml").write_text(f'index-url = "{world.public.page_url}"\n')
    assert "acme==99.0" in run_uv(world.folder, *asked).stdout
    done = export(env, policy, "--check", str(file))
    assert (done.code, f"since {world.folder / 'uv.toml'} exists" in done.stdout) == (1, True), done.stdout


def test_check_leaves_a_project_its_own_sources(pip_env: EnvFactory, world: World) -> None:
    """A project may name paths and URLs itself; the index for a name is up to the policy."""
    env, policy, file = pip_env("26.3"), world.policy(TORCH), world.folder / "pyproject.toml"
    exported = export(env, policy, "--project").stdout
    file.write_text(exported + 'foo = { git = "https://git.example/foo" }\nbar = { path = "../index/bar" }\n')
    assert export(env, policy, "--check", str(file)).code == 0
    for source in ('{ index = "public" }', '[{ git = "https://git.example/foo" }, { index = "public" }]'):
        file.write_text(f"{exported}foo = {source}\n")
        assert "sources.foo is " in export(env, policy, "--check", str(file)).stdout


def test_what_cannot_be_exported_leaves_uv_nothing(pip_env: EnvFactory, tmp_path: Path) -> None:
    """After a failed `export uv > uv.toml` the file is not empty, so uv does not ask its built-in index."""
    policy = tmp_path / "policy.toml"
    for text in (CORP.replace("simple", "${TOKEN}"), "faulty = 1\n"):
        policy.write_text(text)
        done = export(pip_env("26.3"), policy)
        assert (done.code, tomllib.loads(done.stdout)) == (2, {"no-index": True})
    assert export(pip_env("26.3"), Path(os.devnull)).code == 2


def test_an_export_goes_into_a_new_file(pip_env: EnvFactory, tmp_path: Path) -> None:
    """In UTF-8 and with its folder, which no shell of Windows does; an existing file, or a failure, changes nothing."""
    env, policy, file = pip_env("26.3"), tmp_path / "policy.toml", tmp_path / "system" / "uv" / "uv.toml"
    policy.write_text("faulty = 1\n")
    assert (export(env, policy, "-o", str(file)).code, file.exists()) == (2, False)
    policy.write_text(CORP)
    done = export(env, policy, "-o", str(file), "--exit-zero")
    assert (done.code, done.stdout) == (0, "")
    assert f"repoprio: written: {file}\n" in done.stderr
    assert file.read_text() == export(env, policy, "-o", "-").stdout
    file.write_text("")
    again = export(env, policy, "-o", str(file))
    assert (again.code, file.read_text()) == (2, "")
    assert "already exists; nothing was written" in again.stderr
    assert "cannot be written" in export(env, policy, "-o", str(file / "x")).stderr


@pytest.mark.parametrize("text", [None, "faulty = 1\n"])
def test_a_hint_names_the_file_that_is_meant(text: str | None, pip_env: EnvFactory, tmp_path: Path) -> None:
    """If the command line named a file, the hint names it too."""
    env, file = pip_env("26.3"), tmp_path / "no file.toml"
    look = f"create it (repoprio init -o '{file}'), or name another file"
    if text:
        file.write_text(text)
        look = f"fix the policy, then run: repoprio config check '{file}'"
    exported = env.tool("export", "uv", "--policy", str(file))
    assert (exported.code, f"  hint: {look}    [policy]\n" in exported.stderr) == (2, True), exported
    for action in ("check", "show"):
        checked = env.tool("config", action, str(file), "--format", "json")
        assert {error["hint"] for error in json.loads(checked.stdout)["errors"]} == {look}
    # Who reads text has just typed it.
    assert "config check" not in env.tool("config", "check", str(file)).stdout
