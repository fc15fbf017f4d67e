"""The commands `repoprio config` and `repoprio init`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from repoprio.cli.grammar.command_tree import Command, grammar
from repoprio.cli.main import run
from repoprio.config.load import read_text
from support.fixtures import EnvFactory
from support.paths import DOCS, ROOT
from support.pips import Completed, PipEnv
from support.policy_files import TOOLS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SECRET = "s3cret"
CORP = f'[repositories.corp]\nurl = "https://bot:{SECRET}@corp.example/simple/"\npriority = 10\n'
PUBLIC = '[repositories.pypi]\nurl = "pypi"\npriority = 90\n'


@pytest.fixture
def env(pip_env: EnvFactory) -> PipEnv:
    """An environment with repoprio."""
    return pip_env("26.3")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A policy with a login and two warnings."""
    found = tmp_path / "repoprio.toml"
    found.write_text(f'help = "ask"\n{CORP}owns = ["acme-*", "pip", "repoprio"]\nskip-if-unavailable = true\n{PUBLIC}')
    return found


def test_config_show_prints_toml_with_origins(env: PipEnv, file: Path) -> None:
    """The merged policy is TOML that reads back, each setting with its file; logins are hidden."""
    done = env.tool("config", "show", policy=file)
    assert (done.code, done.stderr) == (0, "")
    assert f"# REPOPRIO_CONFIG: {file}" in done.stdout
    assert SECRET not in done.stdout
    assert 'url = "https://****@corp.example/simple/"' in done.stdout
    assert done.stdout.startswith(f"# environment: {env.python} (Python ")
    lines = [line for line in done.stdout.splitlines() if " = " in line]
    assert len(lines) == 7
    assert all(line.endswith(f"  # {file}") for line in lines)
    shown, written = tomllib.loads(done.stdout), tomllib.loads(file.read_text())
    shown["repositories"]["corp"]["url"] = written["repositories"]["corp"]["url"]
    assert shown == written


def test_config_show_as_json(env: PipEnv, file: Path) -> None:
    """The same as JSON: files, settings with their origins, errors and warnings."""
    document = json.loads(env.tool("config", "show", "--format", "json", policy=file).stdout)
    assert set(document) == {"schema", "environment", "files", "settings", "errors", "warnings"}
    assert document["files"] == [{"layer": "REPOPRIO_CONFIG", "file": str(file)}]
    assert {"key": "repositories.corp.priority", "value": 10, "file": str(file)} in document["settings"]
    assert [warning["code"] for warning in document["warnings"]] == ["skip-opens", "stem"]
    assert SECRET not in json.dumps(document)


def test_config_check_prints_warnings(env: PipEnv, file: Path) -> None:
    """Warnings are printed with remedies, and the exit status is 0."""
    done = env.tool("config", "check", policy=file)
    assert done.code == 0
    assert "warning: " in done.stdout
    assert "[skip-opens]" in done.stdout
    assert done.stdout.endswith("no errors, 2 warnings\n")
    assert SECRET not in done.stdout + done.stderr


def test_config_check_prints_errors(env: PipEnv, file: Path) -> None:
    """All errors are printed together, with status 2, as text and JSON; values of unknown keys are hidden."""
    file.write_text(f'{CORP}password = "{SECRET}"\n{PUBLIC}priority = 0\n'.replace("priority = 90\n", ""))
    done = env.tool("config", "check", policy=file)
    assert done.code == 2
    assert done.stdout.count("error: ") == 2
    document = json.loads(env.tool("config", "check", "--format", "json", policy=file).stdout)
    assert [error["key"] for error in document["errors"]] == [
        "repositories.corp.password",
        "repositories.pypi.priority",
    ]
    shown = env.tool("config", "show", policy=file)
    assert shown.code == 2
    assert 'password = "****"' in shown.stdout
    assert "error: " in shown.stderr
    assert SECRET not in done.stdout + shown.stdout + shown.stderr + json.dumps(document)


def test_a_file_is_checked_before_it_is_in_force(env: PipEnv, file: Path) -> None:
    """`config check FILE` reads that file, not the policy in force."""
    done = env.tool("config", "check", str(file), env={"REPOPRIO_CONFIG": "/nowhere"})
    assert (done.code, f"file: {file}" in done.stdout) == (0, True), done.stdout
    assert env.tool("config", "check", "/nowhere").code == 2


@pytest.mark.parametrize("words", ["config show", "config check", "audit", "repos", "explain six", "compare six"])
def test_without_a_policy_the_environment_is_named_first(words: str, env: PipEnv) -> None:
    """Even without a policy, the report begins with the environment; in TOML as a comment."""
    done = env.tool(*words.split())
    first = (done.stdout or done.stderr).splitlines()[0]
    said = first.removeprefix("repoprio: ").removeprefix("# ")
    assert said.startswith(f"environment: {env.python} (Python "), done
    assert "[no-policy]" in done.stderr


@pytest.mark.parametrize("action", ["show", "check"])
def test_without_a_policy_the_commands_say_so(action: str, env: PipEnv) -> None:
    """Without a policy, all places that were searched are printed, with exit status 1."""
    done = env.tool("config", action)
    assert done.code == 1
    assert "[no-policy]" in done.stderr
    assert "repoprio init" in done.stderr


def test_the_commands_import_no_pip(env: PipEnv, file: Path) -> None:
    """These commands work without importing pip."""
    script = (
        "import sys; from repoprio.cli.main import run; code = run(sys.argv[1:]); "
        "print([m for m in sys.modules if m == 'pip' or m.startswith('pip.')], file=sys.stderr); sys.exit(code)"
    )
    for arguments in (["config", "check"], ["config", "show"], ["init"], ["init", "corp=https://a.example/"]):
        done = _python(env, script, arguments, {"REPOPRIO_CONFIG": str(file)})
        assert done.stderr.splitlines()[-1] == "[]", done.stderr


def _python(env: PipEnv, script: str, arguments: list[str], variables: Mapping[str, str]) -> Completed:
    import subprocess

    done = subprocess.run(
        [str(env.python), "-c", script, *arguments],
        env=env.environment(None, variables),
        capture_output=True,
        text=True,
        check=False,
    )
    return Completed(done.stdout, done.stderr, done.returncode)


def test_init_from_names(env: PipEnv) -> None:
    """The given order is the priority; namespaces belong to their repository; the result is a valid policy."""
    done = env.tool(
        "init", "corp=https://corp.example/simple/", "wheels=/srv/wheels", "pypi", "--flat", "wheels",
        *("--namespaces", "corp=acme-*", "--namespaces", "corp=acme"),
    )  # fmt: skip
    assert (done.code, done.stderr.count("\n"), done.stderr[:23]) == (0, 1, "repoprio: environment: ")
    found = read_text(done.stdout, "new", {}, TOOLS)
    assert [(r.name, r.priority, r.format.value) for r in found.repositories] == [
        ("corp", 10, "simple"),
        ("wheels", 20, "flat"),
        ("pypi", 30, "simple"),
    ]
    assert [p.text for p in found.repositories[0].namespaces] == ["acme-*", "acme"]


def test_init_finds_out_what_kind_a_folder_is(env: PipEnv, tmp_path: Path) -> None:
    """A folder of wheels is flat, one with a page for each project is not.

    For an empty one init says what it assumed.
    """
    for place in (
        "wheels/acme-1.0-py3-none-any.whl",
        "pages/acme/index.html",
        "pages/acme-1.0.zip",
        "url/acme-1.0.tar.gz",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    (tmp_path / "none").mkdir()
    folders = ["wheels=wheels", f"url={(tmp_path / 'url').as_uri()}/", "pages=pages", "none=none", "gone=/gone"]
    file = f"file={tmp_path}/wheels/acme-1.0-py3-none-any.whl"
    done = env.tool("init", *folders, file, cwd=tmp_path)
    known = read_text(done.stdout, "new", {}, TOOLS).repositories
    found = {r.name: (r.format.value, r.locations[0].url) for r in known}
    assert {name: kind for name, (kind, _) in found.items()} == {
        "wheels": "flat", "url": "flat", "pages": "simple", "none": "simple", "gone": "simple", "file": "flat",
    }  # fmt: skip
    assert found["wheels"][1] == (tmp_path / "wheels").as_uri()
    lines = [line.partition("; ")[0] for line in done.stderr.splitlines()[1:]]
    assert lines == [
        "repoprio: wheels contains distribution files: it is written as flat",
        "repoprio: url contains distribution files: it is written as flat",
        f"repoprio: {tmp_path}/none is empty: none is written as a simple repository",
        "repoprio: /gone does not exist: gone is written as a simple repository",
        "repoprio: file contains distribution files: it is written as flat",
    ]


def test_init_with_many_names(env: PipEnv) -> None:
    """Any number of names gets distinct priorities."""
    done = env.tool("init", *(f"r{n}=https://r{n}.example/" for n in range(120)))
    found = read_text(done.stdout, "new", {}, TOOLS)
    assert len({r.priority for r in found.repositories}) == 120


@pytest.mark.parametrize(
    "arguments",
    [
        ["corp"],
        ["corp="],
        ["=https://corp.example/"],
        ["corp=https://a.example/", "corp=https://b.example/"],
        ["corp=https://corp.example/", "--isolated"],
        ["pypi", "-o", ""],
        ["--owns", "corp=acme"],
        ["corp=ftp://corp.example/"],
        ["Corp=https://corp.example/"],
        ["https://corp.example/simple/?a=b"],
        ["corp=https://corp.example/", "other=https://corp.example"],
        ["corp=https://corp.example/", "--namespaces", "crop=acme"],
        ["corp=https://corp.example/", "--namespaces", "acme"],
        ["corp=https://corp.example/", "--flat", "crop"],
        ["--namespaces", "corp=acme"],
    ],
)
def test_init_refuses_what_makes_no_policy(arguments: list[str], env: PipEnv) -> None:
    """Wrong use ends with status 2 and a sentence; nothing is printed on stdout."""
    done = env.tool("init", *arguments)
    assert (done.code, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert ("has no name: write it as NAME=URL" in done.stderr) == arguments[0].startswith("https:")


def spread_settings(folder: Path) -> dict[str, str]:
    """index-url, two extra-index-url and a find-links over global, user and environment settings."""
    for place in ("global", "user"):
        (folder / place / "pip").mkdir(parents=True)
    (folder / "global/pip/pip.conf").write_text(
        f"[global]\nindex-url = https://bot:{SECRET}@pypi.corp.example/simple/\n"
    )
    (folder / "user/pip/pip.conf").write_text(
        "[global]\nextra-index-url =\n  https://team.example/simple\n  https://download.pytorch.example/whl/cpu\n"
    )
    return {
        "XDG_CONFIG_DIRS": str(folder / "global"),
        "XDG_CONFIG_HOME": str(folder / "user"),
        "PIP_CONFIG_FILE": "",
        "PIP_FIND_LINKS": "/srv/wheelhouse",
    }


def test_init_from_pips_settings(env: PipEnv, tmp_path: Path) -> None:
    """Each index and find-links that pip's settings name is listed with its origin, by `init` and by `config check`."""
    variables = spread_settings(tmp_path)
    expected = {
        "https://pypi.corp.example/simple/": f"global.index-url in {tmp_path}/global/pip/pip.conf",
        "https://team.example/simple": f"global.extra-index-url in {tmp_path}/user/pip/pip.conf",
        "https://download.pytorch.example/whl/cpu": f"global.extra-index-url in {tmp_path}/user/pip/pip.conf",
        "/srv/wheelhouse": "PIP_FIND_LINKS",
    }
    made, checked = env.tool("init", env=variables), env.tool("config", "check", env=variables)
    assert (made.code, checked.code) == (0, 1)
    draft = tomllib.loads(made.stdout)
    assert [table["url"] for table in draft["repositories"].values()] == list(expected)
    for url, origin in expected.items():
        assert f'# from {origin}\nurl = "{url}"' in made.stdout
        assert f"repoprio: found {url} ({origin})" in made.stderr
        assert f"pip: {origin}: {url}" in checked.stdout
    assert made.stdout.count("# decide: ") == 4
    assert SECRET not in made.stdout + made.stderr + checked.stdout + checked.stderr


def test_a_draft_marks_open_decisions(env: PipEnv, tmp_path: Path) -> None:
    """A draft has an error for each missing priority, and is valid once they are set."""
    variables = spread_settings(tmp_path)
    draft = tmp_path / "draft.toml"
    variables["REPOPRIO_CONFIG"] = str(draft)
    assert f"wrote {draft}" in env.tool("init", env=variables).stderr
    checked = env.tool("config", "check", env=variables)
    assert checked.code == 2
    assert checked.stdout.count(".priority: is missing") == 4
    assert checked.stdout.count(" is pypi-corp-example") == 1
    text = draft.read_text()
    for number in range(1, 5):
        text = text.replace("# priority =", f"priority = {number}", 1)
    draft.write_text(text)
    checked = env.tool("config", "check", env=variables)
    assert (checked.code, checked.stdout.endswith("no errors, 2 warnings\n")) == (0, True), checked.stdout


def test_init_overwrites_nothing(env: PipEnv, file: Path) -> None:
    """A file that is there stays as it is."""
    before = file.read_text()
    done = env.tool("init", "pypi", "-o", str(file))
    assert (done.code, "already exists" in done.stderr) == (2, True)
    assert env.tool("init", "pypi", policy=file).stdout
    assert file.read_text() == before


def test_init_marks_overridden_and_default_indexes(env: PipEnv, tmp_path: Path) -> None:
    """An overridden setting is marked; pip's default index is included if nothing replaces it."""
    variables = spread_settings(tmp_path) | {"PIP_EXTRA_INDEX_URL": "https://other.example/"}
    (tmp_path / "global/pip/pip.conf").write_text("")
    output = env.tool("init", env=variables).stdout
    assert output.count("PIP_EXTRA_INDEX_URL overrides it, so pip does not ask it now") == 2
    assert "[repositories.pypi]\n# from pip itself: its built-in default" in output


def test_the_schema_is_printed_and_in_the_docs(env: PipEnv) -> None:
    """`config schema` prints what docs/repoprio.schema.json holds."""
    laid_down = (DOCS / "repoprio.schema.json").read_text(encoding="utf-8")
    assert env.tool("config", "schema").stdout == laid_down


def test_every_command_has_color(env: PipEnv) -> None:
    """Every command that reports has `--color`."""
    for arguments in (["config", "check"], ["config", "show"], ["explain", "acme"]):
        assert "usage:" not in env.tool(*arguments, "--color", "never").stderr


def test_a_reader_that_goes_away_is_no_error(env: PipEnv, file: Path) -> None:
    """`repoprio config show | head -0` ends silently."""
    script = "import os, subprocess, sys; r, w = os.pipe(); os.close(r); subprocess.run(sys.argv[1:], stdout=w)"
    done = _python(env, script, [str(env.python), "-m", "repoprio", "config", "show"], {"REPOPRIO_CONFIG": str(file)})
    assert done.stderr == ""


def test_isolated_is_pips_own(env: PipEnv, tmp_path: Path) -> None:
    """--isolated reads neither the user's file nor PIP_* variables, as in pip."""
    variables = spread_settings(tmp_path)
    made = env.tool("init", "--isolated", env=variables)
    assert list(tomllib.loads(made.stdout)["repositories"]) == ["pypi-corp-example"]
    assert "PIP_FIND_LINKS" not in env.tool("config", "check", "--isolated", env=variables).stdout


def test_what_switches_the_policy_off_is_named(env: PipEnv) -> None:
    """If REPOPRIO_CONFIG is the null device, that is reported as the reason that there is no policy."""
    done = env.tool("config", "check", env={"REPOPRIO_CONFIG": os.devnull})
    assert (done.code, "unset REPOPRIO_CONFIG" in done.stderr) == (1, True)


def test_an_index_that_stops_pip_is_a_warning(env: PipEnv, file: Path) -> None:
    """An index of pip's settings that the policy does not list is reported, with its origin."""
    variables = {"PIP_EXTRA_INDEX_URL": f"https://bot:{SECRET}@evil.example/simple"}
    done = env.tool("config", "check", policy=file, env=variables)
    assert (
        "warning: PIP_EXTRA_INDEX_URL: https://evil.example/simple: is not in the policy, so every pip" in done.stdout
    )
    assert "[unlisted]" in done.stdout
    assert SECRET not in done.stdout
    file.write_text('unlisted = "ignore"\n' + file.read_text())
    assert "[unlisted]" not in env.tool("config", "check", policy=file, env=variables).stdout


def test_a_pip_conf_is_checked_by_its_ending(env: PipEnv) -> None:
    """`config check FILE` also takes a pip.conf; it says so if that has no section [repoprio]."""
    example = ROOT / "example-config" / "pip.conf"
    done = env.tool("config", "check", str(example))
    assert (done.code, "no errors, no warnings" in done.stdout) == (0, True), done.stdout
    other = env.home / "other.conf"
    other.write_text("[global]\ntimeout = 5\n")
    assert "has no section [repoprio]" in env.tool("config", "check", str(other)).stdout
    other.unlink()
    gone = env.tool("config", "check", str(other))
    assert (gone.code, f"error: {other}: does not exist\n" in gone.stdout) == (2, True), gone.stdout


def test_relative_find_links_become_absolute(env: PipEnv, tmp_path: Path) -> None:
    """A relative path is written as an absolute one, with a note: a policy must not depend on the folder."""
    done = env.tool("init", env={"PIP_FIND_LINKS": "./wheels"}, cwd=tmp_path)
    assert f'# from PIP_FIND_LINKS, there ./wheels\nurl = "{tmp_path}/wheels"' in done.stdout


def test_a_new_file_is_put_in_force_by_hand(env: PipEnv, tmp_path: Path) -> None:
    """`init -o` says how the file becomes the policy; - means stdout."""
    done = env.tool("init", "pypi", "-o", str(tmp_path / "new.toml"))
    assert f"put it in force: export REPOPRIO_CONFIG={tmp_path}/new.toml" in done.stderr
    assert env.tool("init", "pypi", "-o", "-", cwd=tmp_path).stdout
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["new.toml"]


def test_a_draft_without_priorities_is_not_ready(env: PipEnv, tmp_path: Path) -> None:
    """With missing priorities pip would stop, so `init` says to set them first; a single index needs none."""
    two, one = tmp_path / "two.toml", tmp_path / "one.toml"
    done = env.tool("init", "-o", str(two), env={"PIP_FIND_LINKS": "/srv/wheels"})
    then = f"then check it: repoprio config check {two}, then: export REPOPRIO_CONFIG={two}"
    assert f"wrote {two}; set the priorities in it, {then}\n" in done.stderr
    assert "With it pip stops until you have decided the priorities:" in two.read_text()
    assert env.tool("config", "check", str(two)).code == 2
    done = env.tool("init", "-o", str(one))
    assert f"wrote {one}; put it in force: export REPOPRIO_CONFIG={one}\n" in done.stderr
    assert "One repository needs no priority" in one.read_text()
    assert env.tool("config", "check", str(one)).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("completion csh", "there is no 'csh'; choose from bash, zsh, fish, powershell\n"),
        ("version", "there is no 'version'; say --version\n"),
        ("help", "there is no 'help'; say --help\n"),
        ("check", "there is no 'check'; say config check\n"),
        (
            "explain acme --pyhton x",
            "repoprio explain: error: unrecognized arguments: --pyhton x; did you mean --python?\n",
        ),
        ("config check --formt=json", "unrecognized arguments: --formt=json; did you mean --format?\n"),
        ("repos --zzz", "repoprio repos: error: unrecognized arguments: --zzz\n"),
        (
            "explain acme --disclose ledger",
            "--disclose NAME needs --shadowed: repoprio explain --shadowed --disclose ledger acme\n",
        ),
    ],
)
def test_a_word_of_another_tool_gets_our_word(words: str, said: str, env: PipEnv) -> None:
    """For a command of another tool, the right one is named, or all choices if none is similar."""
    done = env.tool(*words.split())
    assert (done.code, done.stderr.endswith(said)) == (2, True), done


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["explan"], "explain"), (["repo"], "repos"), (["config", "shwo"], "show"), (["export", "uvx"], "uv")],
)
def test_a_misspelled_word_gets_the_nearest_one(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a misspelled command, action or choice, the most similar one is named, with exit status 2."""
    with pytest.raises(SystemExit) as end:
        run(arguments)
    assert end.value.code == 2
    assert f"there is no '{arguments[-1]}'; did you mean '{meant}'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("export", "required: FORMAT; FORMAT is one of uv, poetry, pdm, pipenv, pip\n"),
        ("completion", "required: SHELL; SHELL is one of bash, zsh, fish, powershell\n"),
        ("config", "required: ACTION; ACTION is one of show, check, schema\n"),
        ("disable --vnev x", "unrecognized arguments: --vnev; did you mean --venv?\n"),
        ("export --chekc=x", "unrecognized arguments: --chekc=x; did you mean --check?\n"),
        ("disable", "one of the arguments --python --venv --base --fuse is required\n"),
        ("export --exit-z -- --chekc", "choose from uv, poetry, pdm, pipenv, pip\n"),
    ],
)
def test_a_missing_argument_shows_its_choices(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For a missing argument the choices are printed; an unknown option is reported first."""
    with pytest.raises(SystemExit) as end:
        run(words.split())
    assert (end.value.code, capsys.readouterr().err.endswith(said)) == (2, True)


@pytest.mark.parametrize("command", [one for one in grammar().all() if one.name != "pip"], ids=lambda one: one.name)
def test_each_help_has_the_exit_statuses(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """Each help ends with a sentence about the exit statuses 0, 2 and, if possible, 1."""
    with pytest.raises(SystemExit) as end:
        run([*command.path, "--help"])
    last = " ".join(capsys.readouterr().out.split()).partition("Exit status: ")[2]
    assert (end.value.code, last.startswith("0 "), "; 2 " in last, last.endswith(".")) == (0, True, True, True)


def test_an_unknown_word_gets_all_choices(capsys: pytest.CaptureFixture[str]) -> None:
    """If no word is similar, all possible ones are printed."""
    with pytest.raises(SystemExit) as end:
        run(["xyz"])
    assert (end.value.code, "there is no 'xyz'; choose from explain, compare," in capsys.readouterr().err) == (2, True)


def test_a_check_ends_with_1_if_every_lookup_would_stop(env: PipEnv, file: Path) -> None:
    """Exit status 1: an index that the policy does not list, no enabled repository, or the top one's URL not set."""
    unlisted = {"PIP_EXTRA_INDEX_URL": "https://evil.example/simple"}
    policies = {
        (CORP + PUBLIC, 0): {},
        (CORP + PUBLIC, 1): unlisted,
        (f'mode = "observe"\n{CORP}{PUBLIC}', 0): unlisted,
        (f'unlisted = "ignore"\n{CORP}{PUBLIC}', 0): unlisted,
        (f"{CORP}enabled = false\n", 1): {},
        (CORP.replace("corp.example", "${NOBODY_SETS_IT}.example") + PUBLIC, 1): {},
        (CORP.replace("corp.example", "${NOBODY_SETS_IT}.example") + 'namespaces = ["acme"]\n' + PUBLIC, 0): {},
        (CORP + PUBLIC.replace('"pypi"', '"https://${NOBODY_SETS_IT}.example/"'), 0): {},
    }
    for (text, code), variables in policies.items():
        file.write_text(text)
        done = env.tool("config", "check", policy=file, env=variables)
        assert (done.code, done.stdout.endswith("; every lookup stops\n")) == (code, code == 1), (text, done)


def test_init_says_what_pypi_is_if_pip_asks_a_mirror(env: PipEnv) -> None:
    """`pypi` is pip's built-in index: if pip's own setting names another one, the policy and stderr say which."""
    variables = {"PIP_INDEX_URL": f"https://bot:{SECRET}@mirror.example/simple/"}
    done = env.tool("init", "corp=https://corp.example/simple/", "pypi", env=variables)
    url = "https://mirror.example/simple/"
    note = f"pypi is pip's default index, not the one that pip uses now: {url} (PIP_INDEX_URL)"
    assert f'[repositories.pypi]\n# {note}\nurl = "pypi"\n' in done.stdout
    assert f"repoprio: {note}\n  hint: for that one: pypi={url} instead of pypi" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    for words in (["pypi=https://mirror.example/simple/"], ["corp=https://mirror.example/simple", "pypi"]):
        assert "built-in index" not in env.tool("init", *words, env=variables).stderr
    fuse = {"PIP_INDEX_URL": "file:///repoprio-is-not-loaded/"}
    assert "built-in index" not in env.tool("init", "pypi", env=fuse).stderr
