"""The policy from the files of all layers: its settings, errors and warnings."""

from __future__ import annotations

import base64
import os
import secrets
import sys
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from repoprio.config import handoff, values
from repoprio.config.checks.logins import login_warnings
from repoprio.config.checks.warnings import policy_warnings
from repoprio.config.errors import InvalidPolicy
from repoprio.config.load import load_policy, read_text
from repoprio.config.pip import policy_section
from repoprio.config.policy_files import INHERITED, SYSTEM, VARIABLE, LayerFiles
from repoprio.config.settings import Merged, Setting
from support.paths import DATA, ROOT
from support.policy_files import TOOLS, TWO, read_files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

POLICIES = DATA / "policies"


def cases(name: str) -> list[Any]:
    """The cases of one data file, each a parameter."""
    found = tomllib.loads((POLICIES / name).read_text(encoding="utf-8"))["case"]
    return [pytest.param(case, id=case["id"]) for case in found]


@pytest.mark.parametrize("case", cases("errors.toml"))
def test_the_text_of_each_error(case: dict[str, Any]) -> None:
    """All errors are reported together, each once, with file, key, value and what was expected."""
    loaded = read_files(case)
    assert [str(error) for error in loaded.errors] == case["said"]
    assert loaded.policy is None
    with pytest.raises(InvalidPolicy) as caught:
        loaded.sound()
    assert str(caught.value).endswith("    [policy]")
    assert "\n  hint: " in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("case", cases("warnings.toml"))
def test_the_text_of_each_warning(case: dict[str, Any]) -> None:
    """Exactly the settings that are rarely intended give warnings, each with a code and a remedy."""
    loaded = read_files(case).sound()
    assert loaded is not None
    # Nearly all of these policies leave open who supplies repoprio and pip: separate cases are about that.
    kept = [d for d in policy_warnings(loaded) if d.code != "guard-unowned" or case["id"].startswith("guard-")]
    assert [f"{warning.code}: {_below(str(warning))}; {warning.remedy}" for warning in kept] == case["said"]


def test_a_login_for_no_repository() -> None:
    """A variable whose repository is misspelled holds a login that nobody uses; the right ones give no warning."""
    text = '[repositories.corp-b]\nurl = "https://b.example/simple/"\n'
    environ = {
        "REPOPRIO_CORP_B_USERNAME": "u",
        "REPOPRIO_CORP_B_PASSWORD": "s3cret",
        "REPOPRIO_CROP_B_PASSWORD": "s3cret",
        "REPOPRIO_CONFIG": "x",
        "PIP_PASSWORD": "s3cret",
    }
    found = login_warnings(read_text(text, "repoprio.toml", environ, TOOLS), environ)
    assert [f"{warning.code}: {warning}" for warning in found] == [
        "unused-login: REPOPRIO_CROP_B_PASSWORD: has a login for no repository of the policy (did you mean 'corp-b'?)"
    ]


def _below(text: str) -> str:
    """A message with its file as the case names it."""
    file, colon, rest = text.partition(": ")
    return f"{Path(file).name}{colon}{rest}" if file.startswith("/") else text


LATER = (
    '[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n'
    '[repositories.pypi]\nurl = "pypi"\npriority = 90\n'
)


def origins(files: dict[str, Any]) -> dict[str, str]:
    """The dotted key of each setting of the merged policy, and its file."""
    loaded = read_files(files)
    assert not loaded.errors, loaded.errors
    return {s.key: s.file for s in loaded.merged.settings.values() if not s.is_table}


def test_later_layers_override_single_keys() -> None:
    """system, global, user, site, PIP_CONFIG_FILE: the last one that sets a key has it; the others keep theirs."""
    files = {
        "system": 'mode = "strict"\nhelp = "system"\n' + LATER,
        "global": "[repoprio]\nhelp = global\nunlisted = ignore\nrepositories.corp.priority = 20\n",
        "user": "[repoprio]\nhelp = user\nrepositories.corp.owns = a\n",
        "site": "[repoprio]\nhelp = site\nrepositories.corp.owns = b c\nrepositories.mine.url = /srv\n"
        "repositories.mine.priority = 30\n",
        "PIP_CONFIG_FILE": "[repoprio]\nrepositories.mine.priority = 40\n",
    }
    loaded = read_files(files).sound()
    assert loaded is not None
    corp, pypi, mine = loaded.repositories
    assert (corp.priority, [p.text for p in corp.owns], pypi.priority, mine.priority) == (20, ["b", "c"], 90, 40)
    assert origins(files) == {
        "mode": "repoprio.toml",
        "help": "site/pip.conf",
        "unlisted": "global/pip.conf",
        "repositories.corp.url": "repoprio.toml",
        "repositories.corp.priority": "global/pip.conf",
        "repositories.corp.owns": "site/pip.conf",
        "repositories.pypi.url": "repoprio.toml",
        "repositories.pypi.priority": "repoprio.toml",
        "repositories.mine.url": "site/pip.conf",
        "repositories.mine.priority": "PIP_CONFIG_FILE/pip.conf",
    }


def test_pieces_are_one_layer_with_the_systems_file() -> None:
    """repos.d is read by file name, after repoprio.toml; a lock of any of them is the layer's."""
    files = {
        "system": LATER,
        "pieces": {"20-b.toml": "repositories.corp.priority = 30\n", "10-a.toml": "repositories.corp.priority = 20\n"},
    }
    assert origins(files)["repositories.corp.priority"] == "repos.d/20-b.toml"
    locked = {**files, "user": "[repoprio]\nmode = flexible\n"}
    locked["pieces"] = {**locked["pieces"], "00-lock.toml": "locked = true\n"}  # type: ignore[dict-item]
    assert [str(f) for f in read_files(locked).errors] == [
        "user/pip.conf: mode: may not be set: locked = true in repos.d/00-lock.toml"
    ]


def test_pieces_alone_are_a_policy() -> None:
    """Files in repos.d are a policy without repoprio.toml."""
    loaded = read_files({"pieces": {"a.toml": LATER}}).sound()
    assert loaded is not None
    assert [r.name for r in loaded.repositories] == ["corp", "pypi"]


@pytest.mark.parametrize(
    ("locked", "lowest"),
    [("", 1), ("repositories.corp.url = '/srv'\nrepositories.corp.priority = 10\n", 11)],
)
def test_the_highest_priority_that_may_be_added(locked: str, lowest: int) -> None:
    """An addition may have any priority below those of a locked layer; any at all if that has no repository."""

    def read(priority: int) -> list[str]:
        added = f"[repoprio]\nrepositories.mine.url = /mine\nrepositories.mine.priority = {priority}\n"
        return [str(error) for error in read_files({"system": f'locked = "extend"\n{locked}', "user": added}).errors]

    assert read(lowest) == []
    assert f"from {lowest} to 99" in read(lowest - 1)[0]


def test_a_layer_that_may_be_extended() -> None:
    """Repositories below all existing ones, and pins for them, are allowed; locked ones stay as they are."""
    files = {
        "system": f'locked = "extend"\n{LATER}[pins.x]\nprojects = ["x"]\nblock = "no"\n',
        "user": "[repoprio]\nrepositories.mine.url = /srv\nrepositories.mine.priority = 91\n"
        "repositories.mine.owns = mine-*\npins.y.projects = y\npins.y.repositories = mine\npins.y.versions = <3\n",
        "site": "[repoprio]\nrepositories.mine.priority = 95\nlocked = true\n",
    }
    loaded = read_files(files).sound()
    assert loaded is not None
    assert [(r.name, r.priority) for r in loaded.repositories] == [("corp", 10), ("pypi", 90), ("mine", 95)]
    assert [r.is_addition for r in loaded.repositories] == [False, False, True]
    assert [pin.name for pin in loaded.pins] == ["x", "y"]


def test_a_later_layer_does_not_shorten_a_locked_wait() -> None:
    """A locked repository keeps its min-age: a user cannot change it, nor let names in by a pin, as with versions."""
    pypi = '[repositories.pypi]\nurl = "https://pypi.example/simple/"\npriority = 90\nmin-age = "7 days"\n'
    ways = {
        "repositories.pypi.min-age = 0 days\n": "may not change repositories.pypi",
        "repositories.pypi.min-age-unknown = allow\n": "may not change repositories.pypi",
        "pins.now.projects = acme\npins.now.min-age = 0 days\n": "needs repositories, and only added ones",
        "pins.now.projects = acme\npins.now.min-age = 0 days\npins.now.repositories = pypi\n": "only added ones",
    }
    for said, problem in ways.items():
        for lock, expected in (('"extend"', problem), ("true", "may not be set")):
            files = {"system": f"locked = {lock}\n{pypi}", "user": f"[repoprio]\n{said}"}
            assert any(expected in str(error) for error in read_files(files).errors), (said, lock)
    merged = read_files({"system": pypi, "user": "[repoprio]\nrepositories.pypi.min-age = PT36H\n"}).sound()
    assert merged is not None
    assert merged.repositories[0].min_age == timedelta(hours=36)


@pytest.mark.parametrize("locked", ["locked = true\n", 'locked = "extend"\n', "locked = 7\n", "locked\n"])
@pytest.mark.parametrize("layer", ["system", "global"])
def test_a_lock_holds_against_repoprio_config(locked: str, layer: str) -> None:
    """With a locked layer, or one that may be locked, REPOPRIO_CONFIG is an error."""
    text = locked + LATER if layer == "system" else "[repoprio]\n" + locked.replace('"', "")
    (said,) = (str(error) for error in read_files({layer: text, "named": LATER}).errors)
    expected = "allows no other policy file, but REPOPRIO_CONFIG names named.toml" if "=" in locked else "is not "
    assert expected in said
    assert said.startswith("repoprio.toml" if layer == "system" else "global/pip.conf")


def test_repoprio_config_replaces_all_layers() -> None:
    """Without a lock nothing else is read, not even faulty files."""
    files = {"system": "repositories.x.priority = 0\n", "user": "[repoprio]\nmode = x\n", "named": LATER}
    loaded = read_files(files).sound()
    assert loaded is not None
    assert {setting.file for setting in read_files(files).merged.settings.values()} == {"named.toml"}


@pytest.mark.parametrize(
    "text",
    [
        "[DEFAULT]\nmode = flexible\n",
        "[global]\ntrusted-host =\n    repositories.corp.example\n    pins.corp.example:8080\n    [::1]\n",
        "[global]\nfind-links = [repoprio]\n    /srv/[repoprio]\n    # [repoprio]\n",
        "[global]\nindex-url = file:///repoprio-is-not-loaded/\n",
        "[repoprio]\n",
        "[repoprio]\n# mode = strict\n[global]\ntimeout = 5\n",
        "",
    ],
)
def test_what_is_no_policy(text: str) -> None:
    """[DEFAULT] has no effect; the fuse, an empty section, and values with similar words are no policy."""
    loaded = read_files({"user": text})
    assert (loaded.policy, loaded.errors, loaded.sources) == (None, (), ())


def test_keys_of_a_policy_under_default_are_errors() -> None:
    """Keys of a policy in [DEFAULT], which pip would list in every section, are errors; pip's own keys are not."""
    ours = "[repoprio]\nrepositories.corp.url = /srv\n"
    assert origins({"user": f"[DEFAULT]\ntimeout = 5\n{ours}"}) == {"repositories.corp.url": "user/pip.conf"}
    for section in (ours, "[repoprio]\n"):
        errors = read_files({"user": f"[DEFAULT]\nmode = flexible\nrepositories.b.url = /b\n{section}"}).errors
        told = "is not read there: write it in [repoprio]"
        assert [str(error) for error in errors[:2]] == [
            f"user/pip.conf: [DEFAULT] mode: {told}",
            f"user/pip.conf: [DEFAULT] repositories.b.url: {told}",
        ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[DEFAULT]\nmode = strict\nrepositories.b.url = /b\n",
            "[DEFAULT] repositories.b.url: is not read there: write it in [repoprio]",
        ),
        ("[global]\n--Pins.b.block = no\n", "[global] pins.b.block: is not read there: write it in [repoprio]"),
        (
            "[repoprio]\n[install]\nrepositories.b.url = /b\n",
            "[install] repositories.b.url: is not read there: write it in [repoprio]",
        ),
        (
            "[repositories.b]\nurl = /b\n",
            "[repositories.b]: is not read: write [repoprio] alone on its line, and dotted keys below it",
        ),
        (
            "[global]\ntimeout = 5\n\xa0[Repo-Prio]\n",
            "[global] timeout: continues with the line [repoprio]: remove the white space before it",
        ),
        (
            "[repoprio]\nhelp = go/pip\n\trepositories.b.url = /b\n",
            "[repoprio] help: continues with the key repositories.b.url: remove the white space before it",
        ),
    ],
)
def test_a_policy_outside_its_section_is_an_error(text: str, told: str) -> None:
    """Keys of a policy in another section, or inside another value, are errors: pip would silently ignore them."""
    assert f"user/pip.conf: {told}" in [str(error) for error in read_files({"user": text}).errors]


def test_an_overridden_value_in_place_of_a_table() -> None:
    """An error is reported even if a later layer overrides it."""
    files = {"system": "repositories.mine = 3\n" + LATER, "user": "[repoprio]\n"}
    files["user"] += "repositories.mine.url = /srv\nrepositories.mine.priority = 3\n"
    assert [str(error) for error in read_files(files).errors] == [
        "repoprio.toml: repositories.mine: 3 is not a table: write [repositories.NAME]"
    ]


def test_a_value_in_place_of_a_table_hides_its_keys() -> None:
    """A value in place of a table is a single error, even if other layers have keys in that table."""
    files = {"system": LATER, "pieces": {"a.toml": "pins.x = 3\n", "b.toml": "pins = 4\n"}}
    files["user"] = "[repoprio]\npins.x.projects = x\npins.x.block = no\n"
    assert [str(error) for error in read_files(files).errors] == [
        "repos.d/a.toml: pins.x: 3 is not a table: write [pins.NAME]",
        "repos.d/b.toml: pins: 4 is not a table: write [pins.NAME]",
    ]


@pytest.mark.parametrize("key", ['policy = "required"\n', 'policy = "requird"\n'])
def test_a_policy_is_required_whatever_repoprio_config_says(key: str) -> None:
    """With `policy = "required"` in the system's file, no policy is an error; a valid one in REPOPRIO_CONFIG is not."""
    files = {"system": key + LATER}
    assert [str(f) for f in read_files(files, {VARIABLE: os.devnull}).errors] == [
        f"repoprio.toml: policy: a policy is required, but REPOPRIO_CONFIG is {os.devnull}"
    ]
    assert read_files({**files, "named": LATER}).sound() is not None
    assert read_files({"system": LATER}, {VARIABLE: os.devnull}).sound() is None


def test_required_is_for_the_systems_file() -> None:
    """`policy = "required"` in one of pip's files is an error: a variable could turn that file off."""
    loaded = read_files({"system": LATER, "user": "[repoprio]\npolicy = required\n"})
    assert [str(f) for f in loaded.errors] == ["user/pip.conf: policy: works only in the system's file: set it there"]
    sound = read_files({"system": 'policy = "required"\n' + LATER}).sound()
    assert sound is not None


def test_errors_of_what_is_added_to_a_locked_layer() -> None:
    """A faulty priority or pattern of an addition is reported as such; a locked faulty priority counts as 99."""
    files = {
        "system": 'locked = "extend"\n' + LATER.replace("90", "0"),
        "user": "[repoprio]\nrepositories.mine.url = /srv\nrepositories.mine.priority = 100\n"
        "repositories.mine.owns = a!\n",
    }
    assert [str(error) for error in read_files(files).errors] == [
        "repoprio.toml: repositories.pypi.priority: 0 is not between 1 and 999 (1 is the highest priority)",
        "user/pip.conf: repositories.mine.owns: ['a!'] has 'a!', which is not a project name with * and ? as wildcards",
    ]


def test_more_than_a_variable_can_carry() -> None:
    """A policy that is too long for the environment of a child process is refused, not cut."""
    with pytest.raises(handoff.TooLong):
        handoff.pack(Merged({("help",): Setting(("help",), secrets.token_hex(2**18), "f")}))
    loaded = read_files({"system": f'help = "{secrets.token_hex(2**18)}"\n{LATER}'})
    assert "and 122880 is the limit" in str(loaded.errors[0])
    for rows in ('[["mode", "f", 1]]', '[[["mode"], 3, 1]]', "3"):
        row = base64.b64encode(
            zlib.compress(f'{{"settings": {rows}, "additions": [], "errors": []}}'.encode())
        ).decode()
        with pytest.raises(ValueError, match=r"shape|Error"):
            handoff.unpack(row)


def test_a_child_gets_the_errors_of_its_parent() -> None:
    """Errors of a parent's policy are errors of its child pips, even if they belong to no setting."""
    faulty = read_files({"system": "= ["})
    again = load_policy({INHERITED: handoff.pack(faulty.merged, faulty.errors)}, [], TOOLS)
    assert (again.errors, again.policy) == (faulty.errors, None)
    none = load_policy({INHERITED: handoff.pack(Merged())}, [], TOOLS)
    assert (none.errors, none.policy) == ((), None)


def test_the_examples_say_the_same() -> None:
    """The two files of example-config are one policy in two spellings, without a warning."""
    folder = ROOT / "example-config"
    as_toml = read_files({"system": (folder / "repoprio.toml").read_text()}).sound()
    as_ini = read_files({"global": (folder / "pip.conf").read_text()}).sound()
    assert as_toml is not None
    assert as_ini is not None
    assert (as_toml.repositories, as_toml.pins, as_toml.help) == (as_ini.repositories, as_ini.pins, as_ini.help)
    assert policy_warnings(as_toml) == []


@pytest.mark.parametrize(
    ("value", "problem"), [(1, "is not a string"), (" ", "is empty"), ("a\0b", "control characters")]
)
def test_texts(value: object, problem: str) -> None:
    """A text must be a text, and must not be empty."""
    with pytest.raises(values.NotExpected, match=problem):
        values.text(value)


def test_a_policy_is_passed_on_unchanged(tmp_path: Path) -> None:
    """A child pip reads the settings and tables of its parent, each with its file, in the same order."""
    file = tmp_path / "policy.toml"
    file.write_text(LATER)
    merged = load_policy({VARIABLE: str(file)}, [], TOOLS).merged
    again, found = handoff.unpack(handoff.pack(merged))
    assert (list(again.settings.values()), found) == (list(merged.settings.values()), [])
    assert {setting.is_table for setting in again.settings.values()} == {True, False}


def test_pip_conf_spells_numbers_and_lists_without_quotes() -> None:
    """A number with a point, a list with numbers in it; an unknown key keeps its text, so that its error names it."""
    text = "[repoprio]\npage-timeout = 2.5\nrepositories.a.absent = 404 empty-page\nno-such-key = 1 2\n"
    document, found = policy_section.document(text, "pip.conf")
    assert document == {
        "page-timeout": 2.5,
        "repositories": {"a": {"absent": [404, "empty-page"]}},
        "no-such-key": "1 2",
    }
    assert not found


def test_a_layer_that_is_a_url_stops_a_named_policy(tmp_path: Path) -> None:
    """It might be locked, so it counts as unreadable beside the file that the variable names; its login is hidden."""
    file = tmp_path / "named.toml"
    file.write_text(TWO)
    layer = LayerFiles(SYSTEM, ("https://bot:s3cret@corp.example/repoprio.toml",))
    loaded = load_policy({VARIABLE: str(file)}, [layer], TOOLS)
    assert [error.file for error in loaded.errors] == ["https://****@corp.example/repoprio.toml"]
    assert loaded.policy is None
