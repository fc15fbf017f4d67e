"""A policy in pip's own files, end to end: pip and its child pips find it where pip finds its settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repoprio.config import file_text, policy_files
from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import Completed, PipEnv
from support.repository import RepositoryServer

PIPS = ["26.3", "24.0"]
pytestmark = pytest.mark.parametrize("pip", PIPS)

# What pip's `Configuration` would read, first to last, and what we would.
ASK_PIP = """
import json, os, sys
from pip._internal import configuration as module
isolated = "--isolated" in sys.argv
found = dict(module.Configuration(isolated).iter_config_files())
named = os.environ.get("PIP_CONFIG_FILE")
order = [] if named == os.devnull else [found.get(kind, []) for kind in module.OVERRIDE_ORDER]
print(json.dumps([file for files in order for file in files]))
"""
ASK_US = """
import json, os, sys
from repoprio.config import policy_files
found = policy_files.pip_layers(os.environ, None, isolated="--isolated" in sys.argv)
print(json.dumps([file for layer in found for file in layer.files]))
"""


class Home:
    """A user's home, with pip's files in their places."""

    def __init__(self, env: PipEnv, folder: Path) -> None:
        self.env = env
        self.global_file = folder / "global" / "pip" / "pip.conf"
        self.user_file = folder / "user" / "pip" / "pip.conf"
        self.site_file = env.root / "pip.conf"
        self.variables = {"XDG_CONFIG_DIRS": str(folder / "global"), "XDG_CONFIG_HOME": str(folder / "user")}
        # pip_env sets it to the null device, which would keep pip from all its files.
        self.variables["PIP_CONFIG_FILE"] = ""
        for file in (self.global_file, self.user_file):
            file.parent.mkdir(parents=True)

    def pip(self, *arguments: str, **more: str) -> Completed:
        """Run pip there."""
        return self.env.run(*arguments, env={**self.variables, **more})

    def tool(self, *arguments: str, **more: str) -> Completed:
        """Run repoprio there."""
        return self.env.tool(*arguments, env={**self.variables, **more})

    def chosen(self, *arguments: str, **more: str) -> dict[str, str]:
        """What `pip install` would install there."""
        done = self.pip("install", "--dry-run", "--ignore-installed", "-q", "--report", "-", *arguments, **more)
        assert done.code == 0, done.stderr
        document = json.loads(done.stdout)["install"]
        return {item["metadata"]["name"]: item["metadata"]["version"] for item in document}


@pytest.fixture
def home(pip: str, fresh_env: EnvFactory, tmp_path: Path) -> Home:
    """A home with a private environment, whose site file may be written."""
    return Home(fresh_env(pip), tmp_path)


@pytest.fixture
def corp(repository: RepositoryFactory) -> RepositoryServer:
    """The organisation's repository."""
    server = repository("corp")
    server.add("acme", "1.0")
    return server


@pytest.fixture
def public(repository: RepositoryFactory) -> RepositoryServer:
    """The public repository."""
    server = repository("public")
    server.add("acme", "99.0")
    server.add("leftpad", "1.3")
    return server


def section(corp: RepositoryServer, public: RepositoryServer, more: str = "") -> str:
    """The policy as a section of pip.conf."""
    return (
        f"[repoprio]\nrepositories.corp.url = {corp.page_url}\nrepositories.corp.priority = 10\n"
        f"repositories.public.url = {public.page_url}\nrepositories.public.priority = 90\n{more}"
    )


@pytest.mark.story(3)
@pytest.mark.parametrize("place", ["global_file", "user_file", "site_file"])
def test_plain_pip_obeys_a_policy_in_its_own_files(
    place: str, home: Home, corp: RepositoryServer, public: RepositoryServer
) -> None:
    """A [repoprio] section in pip's global, user or site file is the policy, and the origin names the file."""
    file: Path = getattr(home, place)
    file.write_text(section(corp, public))
    assert home.chosen("acme", "leftpad") == {"acme": "1.0", "leftpad": "1.3"}
    assert "acme" not in public.asked_pages()
    stdout = home.tool("explain", "acme").stdout
    assert f"repositories.corp.priority = 10 {file}" in " ".join(stdout.split())


def test_pip_config_file_is_a_layer(
    home: Home, corp: RepositoryServer, public: RepositoryServer, tmp_path: Path
) -> None:
    """PIP_CONFIG_FILE is the last layer and replaces the user's file; the null device turns all of them off."""
    home.global_file.write_text(section(corp, public))
    home.user_file.write_text("[repoprio]\nrepositories.public.priority = 5\n")
    assert home.chosen("acme") == {"acme": "99.0"}
    named = tmp_path / "named.conf"
    named.write_text("[repoprio]\nhelp = ask\n")
    assert home.chosen("acme", PIP_CONFIG_FILE=str(named)) == {"acme": "1.0"}
    assert "help: ask" in home.pip("install", "acme>5", PIP_CONFIG_FILE=str(named)).stderr
    alone = home.chosen("acme", "--index-url", public.page_url, PIP_CONFIG_FILE=os.devnull)
    assert alone == {"acme": "99.0"}


def test_isolated_drops_the_users_file_and_nothing_else(
    home: Home, corp: RepositoryServer, public: RepositoryServer
) -> None:
    """`pip --isolated` reads the global and the site file, not the user's."""
    home.global_file.write_text(section(corp, public))
    home.site_file.write_text("[repoprio]\nhelp = site\n")
    home.user_file.write_text("[repoprio]\nrepositories.public.priority = 5\n")
    assert home.chosen("acme") == {"acme": "99.0"}
    assert home.chosen("acme", "--isolated") == {"acme": "1.0"}
    assert "help: site" in home.pip("install", "--isolated", "acme>5").stderr
    assert "priority = 5 " not in home.tool("config", "show", "--isolated").stdout
    assert "priority = 5 " in home.tool("config", "show").stdout


def test_children_get_the_parents_merged_policy(
    home: Home, corp: RepositoryServer, public: RepositoryServer, tmp_path: Path
) -> None:
    """A build's pip reads no files, and needs no --isolated: it gets its parent's merged policy."""
    home.global_file.write_text(section(corp, public))
    home.user_file.write_text("[repoprio]\nrepositories.public.priority = 5\n")
    corp.add("needs-acme", {"version": "1.0", "sdist": True, "build-requires": ["acme"]})
    done = home.pip("install", "--isolated", "--no-cache-dir", "needs-acme", "-v")
    assert done.code == 0, done.stdout + done.stderr
    assert "acme" not in public.asked_pages()
    assert "acme" in corp.asked_pages()


def test_the_working_directory_is_never_read(
    home: Home, corp: RepositoryServer, public: RepositoryServer, tmp_path: Path
) -> None:
    """Files of any name in a cloned repository change nothing."""
    home.user_file.write_text(section(corp, public))
    for name in ("repoprio.toml", "pip.conf", ".pip/pip.conf", "pip/pip.conf", "repos.d/x.toml"):
        file = tmp_path / "clone" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("[repoprio]\nmode = flexible\n" if name.endswith("conf") else 'mode = "flexible"\n')
    done = home.env.run("install", "--dry-run", "acme", env=home.variables, cwd=tmp_path / "clone")
    assert "; strict" in done.stderr


def test_pip_config_works_on_a_faulty_policy(home: Home, corp: RepositoryServer, public: RepositoryServer) -> None:
    """`pip config set`, `get`, `list` and `unset` work while installing is refused, so that the policy can be fixed."""
    home.user_file.write_text(section(corp, public))
    key = "repoprio.repositories.corp.priority"
    assert home.pip("config", "--user", "set", key, "0").code == 0
    refused = home.pip("install", "acme")
    assert refused.code == 2
    assert f"{home.user_file}: repositories.corp.priority: 0 is not between 1 and 999" in refused.stderr
    assert home.pip("config", "get", key).stdout.strip() == "0"
    assert f"{key}='0'" in home.pip("config", "list").stdout
    assert home.pip("config", "--user", "unset", key).code == 0
    assert "repositories.corp.priority: is missing" in home.pip("install", "acme").stderr
    assert home.pip("config", "--user", "set", key, "10").code == 0
    assert home.chosen("acme") == {"acme": "1.0"}
    assert home.pip("list").code == 0


def test_a_policy_made_with_pip_config_alone(home: Home, corp: RepositoryServer, public: RepositoryServer) -> None:
    """Every key can be set by pip's own command, with pip's own spelling of keys."""
    for key, value in (
        ("repoprio.repositories.My_Corp.url", corp.page_url),
        ("repoprio.repositories.my-corp.PRIORITY", "10"),
        ("repoprio.repositories.public.url", public.page_url),
        ("repoprio.repositories.public.priority", "90"),
        ("repoprio.repositories.public.skip_if_unavailable", "no"),
        ("repoprio.pins.pad.projects", "left* right*"),
        ("repoprio.pins.pad.block", "no pads"),
    ):
        assert home.pip("config", "--user", "set", key, value).code == 0
    assert home.chosen("acme") == {"acme": "1.0"}
    assert "leftpad is blocked: no pads" in home.pip("install", "leftpad").stderr


def test_the_error_of_a_broken_pip_conf_is_pips(home: Home, corp: RepositoryServer, public: RepositoryServer) -> None:
    """For a pip.conf that pip cannot read the error is pip's; `config check` shows the line, without secrets."""
    home.user_file.write_text(
        "[global]\nindex-url = https://bot:s3cret@corp.example/\nhttps://bot:s3cret@x\n[repoprio\n"
    )
    done = home.tool("config", "check")
    assert (done.code, "(at line 4, column 1)" in done.stdout) == (2, True), done.stdout + done.stderr
    assert "s3cret" not in done.stdout + done.stderr


VARIANTS: dict[str, dict[str, str | None]] = {
    "plain": {},
    "home-only": {"XDG_CONFIG_HOME": None, "XDG_CONFIG_DIRS": None},
    "several-dirs": {"XDG_CONFIG_DIRS": "/etc/xdg-a:/etc/xdg-b"},
    "blank": {"XDG_CONFIG_HOME": "  ", "XDG_CONFIG_DIRS": " "},
    "named": {"PIP_CONFIG_FILE": "{home}/named.conf"},
    "named-missing": {"PIP_CONFIG_FILE": "{home}/missing.conf"},
    "null": {"PIP_CONFIG_FILE": os.devnull},
    "empty-home": {"HOME": "", "XDG_CONFIG_HOME": None},
    "tilde": {"XDG_CONFIG_DIRS": "~/dirs"},
}
_WIDER = ("empty-home", "tilde")


@pytest.mark.skipif(sys.platform == "win32", reason="XDG is for Unix")
@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_our_places_are_pips_own(pip: str, variant: str, isolated: bool, pip_env: EnvFactory) -> None:
    """The files that repoprio reads, and their order, are those of this pip's own `Configuration`."""
    env = pip_env(pip)
    (env.home / "named.conf").parent.mkdir(exist_ok=True, parents=True)
    (env.home / "named.conf").write_text("")
    variables = {k: v for k, v in env.environment().items() if k != "PIP_CONFIG_FILE"}
    for name, value in VARIANTS[variant].items():
        variables.pop(name, None)
        if value is not None:
            variables[name] = value.replace("{home}", str(env.home))
    arguments = ["--isolated"] if isolated else []
    answers = [_python(env, script, arguments, variables) for script in (ASK_PIP, ASK_US)]
    if variant in _WIDER:
        # Pips differ here: what any of them reads is read.
        assert set(answers[0]) <= set(answers[1])
    else:
        assert answers[0] == answers[1]
    assert (answers[1] == []) is (variant == "null")


def _python(env: PipEnv, script: str, arguments: list[str], variables: dict[str, str]) -> list[str]:
    import subprocess

    done = subprocess.run(
        [str(env.python), "-c", script, *arguments], env=variables, capture_output=True, text=True, check=True
    )
    document: list[str] = json.loads(done.stdout)
    return document


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_pip_conf_is_reported_with_mode_and_owner(pip: str, home: Home) -> None:
    """An unreadable pip.conf may contain a policy: installing stops, with its mode and owner."""
    home.user_file.write_text("[repoprio]\n")
    home.user_file.chmod(0)
    done = home.pip("install", "acme")
    assert done.code == 2
    assert "cannot be read: Permission denied (mode 0, owner " in done.stderr


def test_an_unreadable_file_is_reported_with_mode_and_owner(
    pip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same is true of any unreadable file, for any user: reason, mode and owner."""
    file = tmp_path / "repoprio.toml"
    file.write_text("")
    file.chmod(0o640)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    for read in (file_text.toml_text, file_text.pip_text):
        with pytest.raises(file_text.Unreadable, match=r"cannot be read: Permission denied \(mode 640, owner \w+\)"):
            read(str(file))
    monkeypatch.setattr("pwd.getpwuid", lambda number: {}[number])
    with pytest.raises(file_text.Unreadable, match=rf"\(mode 640, owner #{file.stat().st_uid}\)"):
        file_text.toml_text(str(file))


def test_no_pipe_is_emptied_and_no_device_read(pip: str, tmp_path: Path) -> None:
    """Only regular files are read: reading a pipe would block, or take data from pip; a device never ends."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert file_text.pip_text(str(pipe)) is None
    for file in (str(pipe), os.devnull, "/dev/zero"):
        with pytest.raises(file_text.Unreadable, match="is not a regular file"):
            file_text.toml_text(file)
    big = tmp_path / "big.toml"
    with big.open("wb") as opened:
        opened.truncate(file_text.SIZE_LIMIT + 1)
    with pytest.raises(file_text.Unreadable, match="larger than 1 MiB"):
        file_text.toml_text(str(big))


@pytest.mark.parametrize("versions", ["<1.1.x", ">>1", "new"])
def test_invalid_specifiers_are_errors_with_every_pip(versions: str, home: Home, corp: RepositoryServer) -> None:
    """Legacy specifiers, which older pips accept, are errors in a policy with every pip."""
    home.user_file.write_text(
        f"[repoprio]\nrepositories.corp.url = {corp.page_url}\npins.a.projects = acme\npins.a.versions = {versions}\n"
    )
    done = home.pip("install", "--dry-run", "acme")
    assert (done.code, "is not a version specifier" in done.stderr) == (2, True), done.stderr
    assert home.tool("config", "check").code == 2


@pytest.mark.full
@pytest.mark.story
def test_the_demo_runs_under_a_lock(home: Home, corp: RepositoryServer) -> None:
    """The demo works under any policy, and does not ask its repositories."""
    home.user_file.write_text(f"[repoprio]\nlocked = true\nrepositories.corp.url = {corp.page_url}\n")
    done = home.tool("demo")
    assert done.code == 0, done
    assert ["acme-99.0" in done.stdout, "acme-1.0 leftpad-1.3" in done.stdout, corp.requests] == [True, True, []]


def test_pip_for_another_python_gets_this_ones_policy(
    home: Home, pip: str, fresh_env: EnvFactory, corp: RepositoryServer, public: RepositoryServer
) -> None:
    """`pip --python OTHER` passes the policy on, also that of this environment's own file; OTHER's pip judges."""
    home.site_file.write_text(section(corp, public))
    other = fresh_env(pip, stock=True)
    target = ("--python", str(other.python))
    done = home.pip(*target, "install", "acme", "-i", public.page_url)
    assert done.code == 0, done.stderr
    assert "corp (priority 10), public (priority 90); strict" in done.stderr
    assert "is public (priority 90); the policy decides its place" in done.stderr
    assert '"acme"' in other.run("list", "--format", "json").stdout
    assert "99.0" not in other.run("list", "--format", "json").stdout
    assert "[unlisted]" in home.pip(*target, "install", "acme", "-i", "https://evil.example/").stderr
    home.site_file.write_text("[repoprio]\nmode = loose\n")
    done = home.pip(*target, "install", "acme")
    assert (done.code, "mode: 'loose' is not" in done.stderr) == (2, True), done.stderr


IN_PROCESS = """
import json, os, subprocess, sys
from pip._internal.cli.main import main
arguments = ["install", "--dry-run", "-q", "--ignore-installed", "--report", sys.argv[1], "acme"]
def chosen():
    with open(sys.argv[1]) as opened:
        return json.load(opened)["install"][0]["metadata"]["version"]
main([*arguments, "--isolated", "-i", sys.argv[2]])
first = chosen()
main(arguments)
second = chosen()
os.environ["REPOPRIO_CONFIG"] = sys.argv[3]
subprocess.run([sys.executable, "-m", "pip", *arguments], check=True)
print(json.dumps([first, second, chosen(), [n for n in os.environ if n.startswith("_REPOPRIO")]]))
"""


def test_one_command_leaves_nothing_to_the_next(
    home: Home, corp: RepositoryServer, public: RepositoryServer, tmp_path: Path
) -> None:
    """Two pip commands in one process each read the policy; unrelated child processes get none."""
    home.user_file.write_text(section(corp, public))
    other = tmp_path / "other.toml"
    other.write_text(f'[repositories.public]\nurl = "{public.page_url}"\n')
    script = tmp_path / "twice.py"
    script.write_text(IN_PROCESS)
    variables = home.env.environment(None, home.variables)
    done = subprocess.run(
        [str(home.env.python), str(script), str(tmp_path / "report.json"), public.page_url, str(other)],
        env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["99.0", "1.0", "99.0", []]


def test_an_explicit_default_index_counts(home: Home, corp: RepositoryServer, public: RepositoryServer) -> None:
    """Pip's built-in default is ignored silently if nobody named it, and refused if somebody did."""
    home.user_file.write_text(section(corp, public))
    script = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
    default = subprocess.run([str(home.env.python), "-c", script], capture_output=True, text=True, check=True)
    assert "[unlisted]" in home.pip("install", "acme", "-i", default.stdout.strip()).stderr


def test_a_relative_home_is_none(home: Home, corp: RepositoryServer, public: RepositoryServer) -> None:
    """With a relative HOME only the global file counts; nothing is read from the working directory."""
    home.global_file.write_text(section(corp, public))
    (home.env.home / "work" / ".config" / "pip").mkdir(parents=True)
    (home.env.home / "work" / ".config" / "pip" / "pip.conf").write_text("[repoprio]\nmode = flexible\n")
    done = home.pip("install", "--dry-run", "acme", XDG_CONFIG_HOME="", HOME="relative")
    assert "Would install acme-1.0" in done.stdout, done.stderr
    assert "strict" in done.stderr


@pytest.mark.parametrize("kind", ["file", "link", "pieces-file", "pieces-link"])
def test_a_system_folder_of_another_kind_is_an_error(kind: str, pip: str, tmp_path: Path) -> None:
    """A file, or a broken link, in place of the system's folder is an error, not a missing policy."""
    folder = tmp_path / "repoprio"
    if kind.startswith("pieces"):
        folder.mkdir()
    place = folder / "repos.d" if kind.startswith("pieces") else folder
    if kind.endswith("file"):
        place.write_text("")
    else:
        place.symlink_to(tmp_path / "nowhere")
    (found,) = policy_files._system_files(str(folder))
    assert found == str(place)


def test_a_name_that_no_file_can_have_is_none(pip: str, tmp_path: Path) -> None:
    """What pip ignores is ignored: a name that is too long, a folder, a circle of links."""
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    for file in (str(tmp_path / ("x" * 300)), str(tmp_path), str(circle)):
        assert file_text.pip_text(file) is None
