"""Settings of a policy that pip's own parser reads are used, or stop pip: none is ignored."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from repoprio.config.load import load_policy
from repoprio.config.policy_files import LayerFiles, in_sight
from repoprio.config.schema import POLICY, TABLES, fold
from support.documents import as_toml, in_pip_conf, policies
from support.fixtures import EnvFactory, RepositoryFactory
from support.policy_files import TOOLS, read_files, sound
from support.premise import times

# All that Python takes for white space, and what only looks like it.
WHITE: Final = [c for c in map(chr, range(0x3100)) if c.isspace() and c not in "\r\n"] + ["\ufeff", "\u200b"]
ENDS: Final = ["\n", "\r", "\r\n", "\n\n", "\x0b", "\x0c", "\x85", "\u2028"]
LINES: Final = [
    *(
        "[repoprio]",
        "[global]",
        "[DEFAULT]",
        "[Repoprio]",
        "[repo-prio]",
        "[repoprio ]",
        "[x] [repoprio]",
        "# note",
        "",
    ),
    *("mode = strict", "repositories.corp.url = https://corp.example/", "index-url = https://corp.example/"),
    *("repoprio.mode = strict", "--Mode: strict", "[repoprio] mode = strict", "; [repoprio]", "key", "[repoprio"),
]
texts = st.lists(
    st.tuples(st.lists(st.sampled_from(WHITE), max_size=2).map("".join), st.sampled_from(LINES), st.sampled_from(ENDS)),
    max_size=7,
).map(lambda parts: "".join("".join(part) for part in parts))


def listed(file: Path) -> Iterator[str]:
    """The keys of a policy that `pip config list` would show for `file`.

    Those of a repository or a pin count in any section, the others in sections that may be meant for repoprio.
    """
    parser = configparser.RawConfigParser()
    parser.read(file, encoding="utf-8")
    for section in (parser.default_section, *parser.sections()):
        for key, value in parser.items(section):
            if "[repoprio]" in [line.strip() for line in value.split("\n")[1:]]:
                yield f"a section in {key}"
            if fold(key).startswith(("repositories.", "pins.")):
                yield fold(key)
        if re.fullmatch(r"\s*repo[-_]?prio\s*", section.lower()):
            found = [fold(key) for key, _ in parser.items(section)]
            yield from (key for key in found if key.partition(".")[0] in (*POLICY, *TABLES))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for the file, which each example writes again."""
    return tmp_path_factory.mktemp("etc")


@settings(max_examples=times(400), deadline=None)
@given(texts)
@example("\xa0[repoprio]\nmode = strict\n")
@example("# note\r[repoprio]\rmode = strict\r")
@example("\x85[repoprio]\nmode = strict\n")
@example("[DEFAULT]\nmode = strict\n[repoprio]\n")
@example("[DEFAULT]\nrepositories.corp.url = https://corp.example/\n[global]\n")
@example("[global]\nindex-url = https://corp.example/\n\u2028[repoprio]\nmode = strict\n")
@example("[DEFAULT]\nmode = strict\n[repoprio]\nrepositories.corp.url = https://corp.example/\n")
def test_what_pip_lists_is_in_force_or_an_error(folder: Path, text: str) -> None:
    """No line end or white space hides a section from repoprio that pip's parser reads."""
    file = folder / "pip.conf"
    file.write_bytes(text.encode())
    try:
        keys = set(listed(file))
    except configparser.Error:
        # pip stops at such a file itself.
        return
    layers = (LayerFiles("user", (str(file),)),)
    loaded = load_policy({}, layers, TOOLS)
    said = {setting.key for setting in loaded.merged.settings.values()}
    if keys:
        assert in_sight({}, layers)
        assert loaded.errors or keys <= said


HIDDEN: Final = {
    "no-break space": "\xa0[repoprio]\n{policy}",
    "line ends in CR": "# ours\r[repoprio]\r{policy}",
    "ideographic space": "[global]\n\u3000[repoprio]\n{policy}",
}


@pytest.mark.story(2)
@pytest.mark.parametrize("how", HIDDEN)
@pytest.mark.parametrize("pip", ["26.3", "24.0"])
def test_pip_obeys_what_it_lists(
    how: str, pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """A policy that `pip config list` shows is the one that `pip download` obeys."""
    env, corp, public = pip_env(pip), repository("corp"), repository("public")
    corp.add("acme", "1.0")
    public.add("acme", "99.0")
    policy = "\n".join(
        f"repositories.{name}.{key} = {value}"
        for name, it, priority in (("corp", corp, 10), ("public", public, 90))
        for key, value in (("url", it.page_url), ("priority", priority))
    )
    text = HIDDEN[how].format(policy=policy) + "\n"
    conf = tmp_path / "pip.conf"
    conf.write_bytes((text.replace("\n", "\r") if "\r" in text else text).encode())
    variables = {"PIP_CONFIG_FILE": str(conf)}
    shown = env.run("config", "list", env=variables)
    assert "repoprio.repositories.corp.priority='10'" in shown.stdout, shown.stderr
    done = env.run("download", "--no-cache-dir", "-d", str(tmp_path / "files"), "acme", env=variables)
    assert done.code == 0, done.stderr
    assert [file.name for file in (tmp_path / "files").iterdir()] == ["acme-1.0-py3-none-any.whl"]
    assert not public.requests


OUTSIDE: Final = {
    "under [DEFAULT]": "[global]\n{indexes}\n[DEFAULT]\n{policy}\n",
    "under [global]": "[global]\n{indexes}\n{policy}\n",
    "a no-break space above": "[global]\n{indexes}\n\xa0[repoprio]\n{policy}\n",
}


@pytest.mark.parametrize("how", OUTSIDE)
def test_a_policy_that_is_not_in_its_section_stops_pip(
    how: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """Keys outside of `[repoprio]` stop pip, and `config check` says why."""
    env, corp, public = pip_env("26.3"), repository("corp"), repository("public")
    corp.add("acme", "1.0")
    public.add("acme", "99.0")
    indexes = f"index-url = {corp.page_url}\nextra-index-url = {public.page_url}"
    places = (("corp", corp, 10), ("public", public, 90))
    keys = [f"repositories.{n}.url = {it.page_url}\nrepositories.{n}.priority = {p}" for n, it, p in places]
    conf = tmp_path / "pip.conf"
    conf.write_text(OUTSIDE[how].format(indexes=indexes, policy="\n".join(keys)))
    variables = {"PIP_CONFIG_FILE": str(conf)}
    done = env.run("download", "--no-cache-dir", "-d", str(tmp_path / "files"), "acme", env=variables)
    assert (done.code, "is not read there: write it in [repoprio]" in done.stderr) == (2, True), done.stderr
    assert not corp.requests + public.requests
    checked = env.tool("config", "check", env=variables)
    assert (checked.code, str(conf) in checked.stdout) == (2, True), checked.stderr


# Does what `pip config set KEY VALUE` does, for many keys: one process for many policies.
SETTER = """
import json, os, sys
from pip._internal import configuration as module
from pip._internal.configuration import Configuration
USER = getattr(module, "kinds", module.Kind).USER
for line in sys.stdin:
    target = os.path.join(os.environ["XDG_CONFIG_HOME"], "pip", "pip.conf")
    if os.path.exists(target):
        os.remove(target)
    configuration = Configuration(isolated=False, load_only=USER)
    configuration.load()
    for key, value in json.loads(line):
        configuration.set_value(key, value)
    configuration.save()
    print(target, flush=True)
"""


@pytest.mark.story
@pytest.mark.parametrize("pip", ["26.3", "24.0"])
def test_pip_config_set_says_the_same(pip: str, pip_env: EnvFactory) -> None:
    """Settings written by `pip config set` give the same policy as TOML."""
    env = pip_env(pip, stock=True)
    variables = {k: v for k, v in env.environment().items() if k != "PIP_CONFIG_FILE"}
    with subprocess.Popen(
        [str(env.python), "-c", SETTER], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as setter:
        assert setter.stdin
        assert setter.stdout

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(policies())
        def agree(document: dict[str, Any]) -> None:
            said = [[f"repoprio.{key}", text.replace("\n  ", " ")] for key, text in in_pip_conf(document)]
            print(json.dumps(said), file=setter.stdin, flush=True)
            assert setter.stdout
            written = Path(setter.stdout.readline().strip()).read_text(encoding="utf-8")
            assert sound(read_files({"user": written})) == sound(read_files({"system": as_toml(document)}))

        agree()
        setter.stdin.close()
