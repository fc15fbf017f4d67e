"""One policy in all its spellings: TOML, pieces in repos.d, pip.conf, `pip config set`, and what children get."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repoprio import toml
from repoprio.config import handoff, schema
from repoprio.config.errors import InvalidPolicy
from repoprio.config.load import survey
from repoprio.config.loaded import LoadedPolicy
from repoprio.config.pip import policy_section
from repoprio.config.policy_files import INHERITED
from repoprio.policy.model import Policy
from support.fixtures import EnvFactory
from support.policy_files import TOOLS, read_files

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
printed = st.characters(exclude_categories=["C"])
words = st.text(printed, min_size=1, max_size=20).filter(lambda t: bool(t.strip()))
patterns = st.from_regex(r"[A-Za-z0-9_.*?-]{1,8}", fullmatch=True)
hosts = st.from_regex(r"[a-z]{1,8}\.example(:[1-9][0-9]{1,3})?", fullmatch=True)
urls = st.builds("https://{}/{}/".format, hosts, st.from_regex(r"[a-z0-9/~]{0,8}", fullmatch=True))
sites = st.builds("https://{}".format, hosts)
projects = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True)
statuses = st.integers(400, 499) | st.sampled_from(["empty-page", "empty-root"])


def lists(of: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[list[Any]]:
    """A short list."""
    return st.lists(of, min_size=least, max_size=3)


VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "mode": st.sampled_from(["strict", "flexible", "observe"]),
    "unlisted": st.sampled_from(["refuse", "lowest", "ignore"]),
    "direct-urls": st.sampled_from(["roots", "allow", "refuse"]),
    "pylock": st.sampled_from(["verify", "allow"]),
    "locked": st.sampled_from([True, False, "extend"]),
    "help": words,
    "page-timeout": st.integers(1, 3600) | st.floats(0.5, 3600),
    "page-size-limit": st.integers(1024, 2**40),
    "priority": st.integers(1, 999),
    "format": st.sampled_from(["simple", "flat"]),
    "enabled": st.booleans(),
    "namespaces": lists(patterns),
    "owns": lists(patterns, 0),
    "include": lists(patterns),
    "exclude": lists(st.just("zz-*"), 0),
    "explicit": st.booleans(),
    "absent": lists(statuses),
    "canary": projects,
    "redirects": st.dictionaries(
        st.builds("https://{}".format, hosts), st.sampled_from(["follow", "absent"]), max_size=2
    ),
    "skip-if-unavailable": st.booleans(),
    "mirrors": lists(urls, 0),
    "listing": st.sampled_from(["partial", "complete"]),
    "offline": st.booleans(),
    "versions": st.sampled_from(["<3", ">=1,!=1.5", "== 2.0"]),
    "block": words,
}


def test_every_key_is_generated() -> None:
    """No key of the policy is left out of this test, but for those that the policies below make themselves."""
    keys = set(schema.POLICY) | set(schema.REPOSITORY) | set(schema.PIN)
    # "policy" may stand in the system's file alone.
    assert keys - set(VALUES) == {"url", "aliases", "projects", "repositories", "policy"}


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """A sound policy as a TOML document."""

    def some(keys: Mapping[str, schema.Key], *without: str) -> dict[str, Any]:
        chosen = draw(st.lists(st.sampled_from([k for k in keys if k in VALUES and k not in without]), unique=True))
        return {key: draw(VALUES[key]) for key in chosen}

    document = some(schema.POLICY)
    repositories = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    document["repositories"] = {
        name: {"url": f"https://{number}.{draw(hosts)}/", **some(schema.REPOSITORY, "mirrors"), "priority": number + 1}
        for number, name in enumerate(repositories)
    }
    for number, entry in enumerate(document["repositories"].values()):
        if entry.get("format") != "flat":
            entry.pop("offline", None)
        if draw(st.booleans()):
            entry["mirrors"] = [f"https://m{number}.example/", f"https://n{number}.example/a%20b/"]
            entry["aliases"] = [f"https://a{number}.example/", f"/srv/a{number}"]
    pins = draw(st.lists(names, max_size=2, unique=True))
    document["pins"] = {
        name: {
            "projects": [f"pin{number}-*", f"Pin{number}"],
            **some(schema.PIN, "mode"),
            "mode": draw(st.sampled_from(["strict", "flexible", "merge"])),
            **({"repositories": repositories[:2]} if draw(st.booleans()) else {}),
        }
        for number, name in enumerate(pins)
    }
    return document


def leaves(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each key with its path."""
    for key, value in document.items():
        if key not in schema.TABLES:
            yield (key,), value
    for table in schema.TABLES:
        for name, entry in document.get(table, {}).items():
            yield from (((table, name, key), value) for key, value in entry.items())


def as_toml(document: Mapping[str, Any], only: set[tuple[str, ...]] | None = None) -> str:
    """The document, or some of its keys, as TOML."""
    lines = [
        f"{'.'.join(map(toml.key, p))} = {toml.value(v)}" for p, v in leaves(document) if only is None or p in only
    ]
    return "\n".join(lines)


def in_text(value: Any, number: int) -> str:
    """A value as pip.conf says it; `number` chooses between the ways that there are."""
    if isinstance(value, bool):
        return [["no", "false", "0", "off"], ["yes", "true", "1", "On"]][value][number % 4]
    if isinstance(value, list):
        return (" ", "\n  ")[number % 2].join(map(str, value))
    if isinstance(value, dict):
        return (" ", "\n  ")[number % 2].join(f"{key}{('=', ' = ')[number % 2]}{means}" for key, means in value.items())
    return str(value)


def in_pip_conf(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each key and value as pip.conf says them."""
    return [(".".join(path), in_text(value, number)) for number, (path, value) in enumerate(leaves(document))]


def sound(found: LoadedPolicy) -> Policy:
    """The policy without its origins."""
    policy = found.sound()
    assert policy is not None
    return replace(policy, origins=MappingProxyType({}), lock=policy.lock and policy.lock._replace(file=""))


def origins(found: LoadedPolicy) -> set[str]:
    """The files that the settings of a policy come from."""
    return {setting.file for setting in found.merged.settings.values()}


@settings(max_examples=150, deadline=None)
@given(policies(), st.data())
def test_toml_pieces_and_pip_conf_say_the_same(document: dict[str, Any], data: st.DataObject) -> None:
    """Whatever TOML says, pieces and pip.conf say as well: equal policies, with different origins."""
    whole = read_files({"system": as_toml(document)})
    spelled = "\n".join(f"{key} = {text}" for key, text in in_pip_conf(document))
    conf = read_files({"user": f"[repoprio]\n{spelled}\n"})
    paths = [path for path, _ in leaves(document)]
    later = set(data.draw(st.lists(st.sampled_from(paths), unique=True)))
    tables = "\n".join(f"[{table}.{name}]" for table in schema.TABLES for name in document.get(table, {}))
    pieces = {"1.toml": tables, "2.toml": as_toml(document, set(paths) - later), "3.toml": as_toml(document, later)}
    pieced = read_files({"pieces": pieces})
    assert sound(whole) == sound(conf) == sound(pieced)
    assert (origins(whole), origins(conf)) == ({"repoprio.toml"}, {"user/pip.conf"})
    assert origins(pieced) <= {"repos.d/1.toml", "repos.d/2.toml", "repos.d/3.toml"}


@settings(max_examples=100, deadline=None)
@given(policies())
def test_a_child_gets_the_same_policy(document: dict[str, Any]) -> None:
    """What is packed for children is, unpacked, the same policy with the same origins, and no file is read."""
    whole = read_files({"system": as_toml(document)})
    packed = handoff.pack(whole.merged)
    unpacked, errors = handoff.unpack(packed)
    assert (unpacked.settings, errors) == (whole.merged.settings, [])
    assert sound(survey({INHERITED: packed}, [], TOOLS)) == sound(whole)


@given(st.text(max_size=30) | st.binary(max_size=30).map(lambda b: b.hex()))
def test_no_variable_makes_a_traceback(text: str) -> None:
    """Whatever the variable of a parent holds, it is a policy or an error."""
    if text:
        with pytest.raises(InvalidPolicy):
            survey({INHERITED: text}, [], TOOLS).sound()


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


@pytest.mark.parametrize("pip", ["26.3", "24.0"])
def test_pip_config_set_says_the_same(pip: str, pip_env: EnvFactory) -> None:
    """What `pip config set` writes, read by real pip's own writer, gives the policy that TOML gives."""
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


keys = st.sampled_from(["mode", "help", "repositories", "repositories.a.url", "repositories.a.owns", "pins.b.projects"])
lines = st.builds("{} = {}".format, keys | st.text(max_size=12), st.text(max_size=20))
section = st.lists(lines | st.text(max_size=20), max_size=6).map(lambda found: "[repoprio]\n" + "\n".join(found))


@settings(max_examples=500, deadline=None)
@given(section | st.text(max_size=60))
def test_no_pip_conf_makes_a_traceback(text: str) -> None:
    """Whatever pip.conf says, it is a policy, none, or errors."""
    document, errors = policy_section.document(text, "pip.conf")
    assert document is None or isinstance(document, dict)
    assert all(error.file == "pip.conf" for error in errors)
    plain = text.encode("utf-8", "replace").decode()
    found = read_files({"user": plain})
    assert found.policy is None or not found.errors


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.booleans())
def test_no_bytes_make_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes, is_toml: bool) -> None:
    """Whatever bytes a file holds, it is a policy, none, or errors."""
    from repoprio.config.policy_files import SYSTEM, LayerFiles

    file = tmp_path_factory.getbasetemp() / f"bytes-{os.getpid()}"
    file.write_bytes(content if is_toml else b"[repoprio]\n" + content)
    found = survey({}, [LayerFiles(SYSTEM if is_toml else "user", (str(file),))], TOOLS)
    assert found.policy is None or not found.errors
