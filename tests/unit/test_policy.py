"""A policy from TOML: its settings, and all possible errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoprio.config.build import Parsers
from repoprio.config.errors import InvalidPolicy, look_again_at
from repoprio.config.file_text import absolute
from repoprio.config.load import load_policy, read_text
from repoprio.config.policy_files import SYSTEM, LayerFiles, in_sight
from repoprio.names import normalize
from repoprio.policy.model import DirectUrls, Format, Mode, Policy, Redirects, Unlisted
from repoprio.urls import site
from support.core_runner import is_specifier
from support.premise import times

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CORP = '[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n'
PUBLIC = '[repositories.public]\nurl = "https://public.example/simple/"\npriority = 90\n'


TOOLS = Parsers(tomllib.loads, is_specifier, lambda: "https://default.example/simple")


def policy(text: str, environ: Mapping[str, str] | None = None) -> Policy:
    """The policy in `text`."""
    return read_text(text, "policy.toml", environ or {}, TOOLS)


def errors(text: str) -> list[str]:
    """The errors of `text`, each as a line."""
    with pytest.raises(InvalidPolicy) as caught:
        policy(text)
    return [str(error) for error in caught.value.errors]


def test_every_key_is_read() -> None:
    """Each key of the contract arrives in the policy."""
    parsed = policy(
        'mode = "flexible"\nunlisted = "lowest"\ndirect-urls = "allow"\npylock = "allow"\nlocked = false\n'
        'help = "ask"\npage-timeout = 5\npage-size-limit = 4096\nfetch-ahead = false\n'
        'absence-ttl = 7\nstale-if-error = 0\ngateway = "https://gate.example/simple/"\n'
        'ownership = "/var/lib/gateway.sqlite"\n'
        '[repositories.a]\nurl = "https://u:p%40@a.example/simple/"\npriority = 1\nformat = "simple"\nenabled = false\n'
        'namespaces = ["Acme_*"]\nowns = ["x"]\ninclude = ["y"]\nexclude = ["z"]\nexplicit = true\n'
        'absent = [404, 410, "empty-page"]\ncanary = "Known"\nredirects = {"https://s.example" = "absent"}\n'
        'skip-if-unavailable = true\nmirrors = ["https://m.example/"]\naliases = ["https://alias.example/"]\n'
        'listing = "complete"\nrenamed-from = ["old-a", "older"]\n'
        '[repositories.b]\nurl = "/srv/wheels"\nformat = "flat"\npriority = 2\n'
        '[repositories.c]\nurl = "pypi"\npriority = 3\n'
        '[pins.p]\nprojects = ["q*"]\nrepositories = ["b"]\nversions = "<3"\nmode = "merge"\n'
        '[pins.r]\nprojects = ["r"]\nblock = "no"\n'
    )
    a, b, c = parsed.repositories
    assert (parsed.mode, parsed.unlisted, parsed.direct_urls) == (Mode.FLEXIBLE, Unlisted.LOWEST, DirectUrls.ALLOW)
    assert (parsed.pylock, parsed.help, parsed.page_timeout, parsed.page_size_limit) == ("allow", "ask", 5.0, 4096)
    assert (parsed.fetch_ahead, parsed.absence_ttl, parsed.stale_if_error) == (False, 7.0, 0.0)
    assert parsed.ownership == "/var/lib/gateway.sqlite"
    assert parsed.is_gateway("https://GATE.example:443/simple")
    assert not parsed.is_gateway("https://gate.example/")
    assert not parsed.is_gateway("https://gate.example:x/simple/")
    assert [location.url for location in a.locations] == ["https://a.example/simple/", "https://m.example/"]
    assert (a.locations[0].user, a.locations[0].password) == ("u", "p@")
    assert (a.priority, a.enabled, a.explicit, a.skip_if_unavailable, a.complete_listing) == (
        1,
        False,
        True,
        True,
        True,
    )
    assert [p.text for p in (*a.namespaces, *a.owns, *a.include, *a.exclude)] == ["acme-*", "x", "y", "z"]
    assert (a.absent, a.empty_page_is_absent, a.canary) == (frozenset({404, 410}), True, normalize("known"))
    assert a.redirects == {site("https://s.example"): Redirects.ABSENT}
    assert a.renamed_from == ("old-a", "older")
    assert (b.format, b.locations[0].url) == (Format.FLAT, "file:///srv/wheels")
    assert (c.locations[0].url, c.locations[0].shown) == ("https://default.example/simple", "pypi")
    assert [(pin.name, pin.repositories, pin.versions, pin.block, pin.mode) for pin in parsed.pins] == [
        ("p", ("b",), "<3", None, Mode.MERGE),
        ("r", (), None, "no", None),
    ]
    assert parsed.origins["repositories.a.priority"] == "policy.toml"


def test_all_errors_are_reported_at_once() -> None:
    """One run reports every error."""
    assert len(errors('mode = "x"\nfoo = 1\n[repositories.a]\npriority = 0\n[pins.b]\nprojects = []\n')) == 6


def test_no_error_shows_a_password() -> None:
    """A login in a faulty URL is not shown."""
    found = errors(CORP.replace("https://", "ftp://user:s3cret@").replace("10", "0"))
    assert "s3cret" not in "\n".join(found)
    assert "s3cret" not in repr(policy(CORP.replace("https://", "https://user:s3cret@")))


def test_variables_and_logins() -> None:
    """`${VAR}` is read from the environment; an unset variable is recorded, and is not an error."""
    text = CORP.replace("https://", "https://${WHO}:${TOKEN}@")
    location = policy(text, {"WHO": "aws", "TOKEN": "t"}).repositories[0].locations[0]
    assert (location.user, location.password, location.url) == ("aws", "t", "https://corp.example/simple/")
    assert location.shown == "https://corp.example/simple/"
    assert policy(text, {"WHO": "aws"}).repositories[0].locations[0].unset == ("TOKEN",)
    named = policy(CORP, {"REPOPRIO_CORP_USERNAME": "u", "REPOPRIO_CORP_PASSWORD": "p"}).repositories[0].locations[0]
    assert (named.user, named.password) == ("u", "p")


def test_a_home_and_a_lone_repository() -> None:
    """`~` is the home; a lone repository needs no priority."""
    repository = policy('[repositories.a]\nurl = "~/wheels"\nformat = "flat"\n', {"HOME": "/h"}).repositories[0]
    assert repository.locations[0].url == "file:///h/wheels"
    assert repository.priority == 99


def load_from(folder: Path, environ: Mapping[str, str]) -> Policy | None:
    """Load with a system file in `folder`."""
    system = folder / "system.toml"
    found = LayerFiles(SYSTEM, (str(system),) if system.exists() else ())
    return load_policy(environ, [found], TOOLS).sound()


def test_which_file_counts(tmp_path: Path) -> None:
    """REPOPRIO_CONFIG replaces the system's file; the null device means no policy; no file means none."""
    system, mine = tmp_path / "system.toml", tmp_path / "mine.toml"
    assert load_from(tmp_path, {}) is None
    system.write_text(CORP)
    mine.write_text(PUBLIC)
    assert [r.name for r in (load_from(tmp_path, {}) or policy(PUBLIC)).repositories] == ["corp"]
    found = load_from(tmp_path, {"REPOPRIO_CONFIG": str(mine)})
    assert found is not None
    assert [r.name for r in found.repositories] == ["public"]
    assert load_from(tmp_path, {"REPOPRIO_CONFIG": os.devnull}) is None


def test_an_empty_variable_is_an_error(tmp_path: Path) -> None:
    """`REPOPRIO_CONFIG=`, as from an undefined CI variable, stops pip, with and without a policy of the system."""
    for text in (None, CORP):
        if text:
            (tmp_path / "system.toml").write_text(text)
        environ = {"REPOPRIO_CONFIG": ""}
        assert in_sight(environ, ())
        with pytest.raises(InvalidPolicy, match="REPOPRIO_CONFIG: is empty") as caught:
            load_from(tmp_path, environ)
        assert "hint: unset REPOPRIO_CONFIG, or name a file" in str(caught.value)


@pytest.mark.parametrize("locked", ["locked = true\n", 'locked = "extend"\n', "locked = \n"])
def test_a_locked_system_file_excludes_others(tmp_path: Path, locked: str) -> None:
    """With a locked or unreadable system file, REPOPRIO_CONFIG is an error that names both."""
    (tmp_path / "system.toml").write_text(locked + CORP)
    mine = tmp_path / "mine.toml"
    mine.write_text(PUBLIC)
    for named in (str(mine), os.devnull):
        with pytest.raises(InvalidPolicy) as caught:
            load_from(tmp_path, {"REPOPRIO_CONFIG": named})
        assert "system.toml" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing, empty, binary or unreadable file is an error, not the absence of a policy."""
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xff")
    (tmp_path / "powershell").write_text("mode = 'strict'\n", encoding="utf-16")
    (tmp_path / "folder").mkdir()
    said = {
        "missing": "does not exist",
        "empty": "says nothing",
        "binary": "is not UTF-8",
        "powershell": "is UTF-16 text",
        "folder": "is a folder, not a file",
    }
    for name, text in said.items():
        with pytest.raises(InvalidPolicy, match=text):
            load_from(tmp_path, {"REPOPRIO_CONFIG": str(tmp_path / name)})
    with pytest.raises(InvalidPolicy) as missing:
        load_from(tmp_path, {"REPOPRIO_CONFIG": str(tmp_path / "missing")})
    assert f"hint: create it (repoprio init -o {tmp_path / 'missing'}), or name another file" in str(missing.value)
    assert "fix the policy" not in str(missing.value)
    with pytest.raises(InvalidPolicy) as url:
        load_from(tmp_path, {"REPOPRIO_CONFIG": "https://u:s3cret@policy.example/repoprio.toml"})
    assert "repoprio.toml: is a URL, and a policy is only read from a file" in str(url.value)
    assert not any(word in str(url.value) for word in ("create it", "s3cret"))
    assert (absolute("https://u:p@x.example/"), absolute("x")) == ("https://u:p@x.example/", os.path.abspath("x"))


toml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["url", "priority", "owns", "absent", "redirects", "mirrors", "projects", "versions", "block"])
tables = st.dictionaries(keys | st.text(max_size=5), toml_values, max_size=5)
documents = st.fixed_dictionaries(
    {},
    optional={
        "mode": toml_values,
        "repositories": toml_values | st.dictionaries(st.sampled_from(["a", "b", "B c"]), tables, max_size=3),
        "pins": toml_values | st.dictionaries(st.sampled_from(["p", "q"]), tables, max_size=3),
    },
)


@settings(max_examples=times(500), deadline=None)
@given(documents)
def test_no_document_makes_a_traceback(document: dict[str, object]) -> None:
    """Any TOML document gives a policy or errors."""
    try:
        found = read_text("", "f", {}, Parsers(lambda _: document, is_specifier))
    except InvalidPolicy as caught:
        count = len(caught.errors)
    else:
        count = len(found.repositories)
    assert count


@settings(max_examples=times(300), deadline=None)
@given(st.text(max_size=60))
def test_no_text_makes_a_traceback(text: str) -> None:
    """Any text in a file gives a policy or errors."""
    with pytest.raises(InvalidPolicy):
        policy(text)


def test_the_hint_names_the_file_that_is_meant() -> None:
    """For a file named on the command line, the hint is a command that checks that file, quoted for a shell."""
    assert look_again_at("my policy.toml") == "fix the policy, then run: repoprio config check 'my policy.toml'"


@pytest.mark.parametrize("url", ["http://[x/", "https:///simple/", "ftp://gate.example/", "https://gate.example/?a=b"])
def test_a_gateway_is_the_url_of_an_index(url: str) -> None:
    """Anything else is an error, also as the place of its memory."""
    corp = '[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n'
    (problem,) = errors(f'gateway = "{url}"\n{corp}')
    assert "is not the URL of an index without a login" in problem
    (problem,) = errors(f'ownership = "{url}"\n{corp}')
    assert "is not an absolute path, or a URL without a login" in problem
