"""One policy in all its forms: TOML, files in repos.d, pip.conf, `pip config set`, and what child pips get."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoprio.config import handoff, schema
from repoprio.config.errors import InvalidPolicy
from repoprio.config.load import load_policy
from repoprio.config.loaded import LoadedPolicy
from repoprio.config.pip import policy_section
from repoprio.config.policy_files import INHERITED
from support.documents import VALUES, as_toml, in_pip_conf, leaves, policies
from support.policy_files import TOOLS, read_files, sound
from support.premise import times


def test_every_key_is_generated() -> None:
    """No key of the policy is left out of this test, except those that the policies below make themselves."""
    keys = set(schema.POLICY) | set(schema.REPOSITORY) | set(schema.PIN)
    # "policy" is allowed only in the system's file.
    assert keys - set(VALUES) == {"url", "aliases", "renamed-from", "projects", "repositories", "policy"}


def origins(found: LoadedPolicy) -> set[str]:
    """The files that the settings of a policy come from."""
    return {setting.file for setting in found.merged.settings.values()}


@settings(max_examples=times(150), deadline=None)
@given(policies(), st.data())
def test_toml_pieces_and_pip_conf_say_the_same(document: dict[str, Any], data: st.DataObject) -> None:
    """Any policy in TOML can be written in repos.d and pip.conf: equal policies, with different origins."""
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


@settings(max_examples=times(100), deadline=None)
@given(policies())
def test_a_child_gets_the_same_policy(document: dict[str, Any]) -> None:
    """A policy packed for child pips unpacks to the same policy with the same origins; no file is read."""
    whole = read_files({"system": as_toml(document)})
    packed = handoff.pack(whole.merged)
    unpacked, errors = handoff.unpack(packed)
    assert (unpacked.settings, errors) == (whole.merged.settings, [])
    assert sound(load_policy({INHERITED: packed}, [], TOOLS)) == sound(whole)


@given(st.text(max_size=30) | st.binary(max_size=30).map(lambda b: b.hex()))
def test_no_variable_makes_a_traceback(text: str) -> None:
    """Any text in the variable from a parent gives a policy or errors."""
    if text:
        with pytest.raises(InvalidPolicy):
            load_policy({INHERITED: text}, [], TOOLS).sound()


keys = st.sampled_from(["mode", "help", "repositories", "repositories.a.url", "repositories.a.owns", "pins.b.projects"])
lines = st.builds("{} = {}".format, keys | st.text(max_size=12), st.text(max_size=20))
section = st.lists(lines | st.text(max_size=20), max_size=6).map(lambda found: "[repoprio]\n" + "\n".join(found))


@settings(max_examples=times(500), deadline=None)
@given(section | st.text(max_size=60))
def test_no_pip_conf_makes_a_traceback(text: str) -> None:
    """Any pip.conf gives a policy, none, or errors."""
    document, errors = policy_section.document(text, "pip.conf")
    assert document is None or isinstance(document, dict)
    assert all(error.file == "pip.conf" for error in errors)
    plain = text.encode("utf-8", "replace").decode()
    loaded = read_files({"user": plain})
    assert loaded.policy is None or not loaded.errors


@settings(max_examples=times(300), deadline=None)
@given(st.binary(max_size=80), st.booleans())
def test_no_bytes_make_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes, is_toml: bool) -> None:
    """Any bytes in a file give a policy, none, or errors."""
    from repoprio.config.policy_files import SYSTEM, LayerFiles

    file = tmp_path_factory.getbasetemp() / f"bytes-{os.getpid()}"
    file.write_bytes(content if is_toml else b"[repoprio]\n" + content)
    loaded = load_policy({}, [LayerFiles(SYSTEM if is_toml else "user", (str(file),))], TOOLS)
    assert loaded.policy is None or not loaded.errors
