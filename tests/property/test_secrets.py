"""No output about a policy holds a password, wherever the policy has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from repoprio.config import starter
from repoprio.config.checks.warnings import policy_warnings
from repoprio.config.errors import InvalidPolicy
from repoprio.config.pip import indexes
from repoprio.export import CannotExport, uv
from repoprio.policy.model import Policy
from repoprio.render import policy
from support.documents import as_toml, in_pip_conf, policies
from support.policy_files import read_files
from support.premise import times

SECRET = "s3cr3t-t0k3n"
PLACES: list[Callable[[str], str]] = [
    "https://bot:{}@corp.example/simple/".format,
    "https://{}@corp.example/simple/".format,
    "http://bot:{}@corp.example:8080/feed@Local/".format,
    "https://bot:x/{}@corp.example/".format,
    "https://bot:{}@corp.example:port/".format,
    "https://corp.example/?token={}".format,
    "https://corp.example/#{}".format,
    "ftp://bot:{}@corp.example/".format,
    "bot:{}@corp.example/simple".format,
    "https://bot:{}@".format,
    "https://[bot:{}@corp.example/".format,
]
KEYS = ["url", "mirrors", "aliases", "redirects", "owns", "projects", "priority", "versions"]
secret_urls = st.sampled_from([place(SECRET) for place in PLACES])


@st.composite
def documents_with_a_secret(draw: st.DrawFn) -> dict[str, Any]:
    """A policy with passwords in URLs, in keys and names, in values of another type, and under unknown keys."""
    document = draw(policies())
    entries = [*document["repositories"].values(), *document["pins"].values()]
    for entry in draw(st.lists(st.sampled_from(entries), min_size=1, max_size=3)):
        key = draw(
            st.sampled_from(["url", "mirrors", "aliases", "redirects", "owns", "projects", "priority", "versions"])
        )
        url = draw(secret_urls)
        entry[key] = draw(st.sampled_from([url, [url], {url: "follow"}, [{"x": url}]]))
        if draw(st.booleans()):
            entry[draw(st.sampled_from(["password", "token", "x"]))] = SECRET
        if draw(st.booleans()):
            entry[url] = 1
    if draw(st.booleans()):
        document["repositories"][draw(secret_urls)] = {"url": draw(secret_urls)}
    return document


def outputs(files: dict[str, Any], environ: dict[str, str]) -> list[str]:
    """All that is ever said about the policy of these files."""
    loaded = read_files(files, environ)
    said = [policy.show(loaded), policy.document(loaded, [])]
    rules = loaded.policy
    warnings = policy_warnings(rules) if rules else []
    said += [policy.check(loaded, warnings, []), policy.document(loaded, warnings, [])]
    try:
        loaded.sound()
    except InvalidPolicy as invalid:
        said.append(str(invalid))
    said.append(repr(loaded.policy))
    return said + [_exported(rules, project=project) for project in (False, True) if rules]


def _exported(rules: Policy, *, project: bool) -> str:
    try:
        return uv.text(uv.export(rules, project=project), project=project)
    except CannotExport as error:
        return str(error)


@settings(max_examples=times(150), deadline=None)
@given(documents_with_a_secret())
def test_no_output_about_a_policy_holds_a_password(document: dict[str, Any]) -> None:
    """Errors, warnings, `config show` and `check` as text and JSON, and the export, from TOML and from pip.conf."""
    spelled = "\n".join(f"{key} = {text}" for key, text in in_pip_conf(document))
    for files in ({"system": as_toml(document)}, {"user": f"[repoprio]\n{spelled}\n"}):
        for said in outputs(files, {"REPOPRIO_A_PASSWORD": SECRET, "TOKEN": SECRET}):
            assert SECRET not in said


@settings(max_examples=times(200), deadline=None)
@given(st.lists(secret_urls, min_size=1, max_size=4), st.sampled_from(["index-url", "extra-index-url", "find-links"]))
def test_no_draft_holds_a_password(urls: list[str], key: str) -> None:
    """A draft from pip's settings, and the messages about these, contain no login."""
    found = indexes.named([("pip.conf", {"global": {key: "\n".join(urls)}})], {"PIP_INDEX_URL": urls[0]})
    assert SECRET not in starter.from_settings(found, "https://default.example/simple")
    assert SECRET not in str(starter.origins(found))
    assert SECRET not in starter.from_names([starter.Wanted("corp", url) for url in urls])


def test_a_variable_is_never_filled_in() -> None:
    """The value of ${VAR} appears nowhere, even if it is part of a path."""
    text = (
        '[repositories.corp]\nurl = "https://corp.example/${TOKEN}/simple/"\npriority = 10\nmirrors = ["x${TOKEN}"]\n'
    )
    for broken in (text, text.replace('mirrors = ["x${TOKEN}"]\n', "")):
        assert not any(SECRET in said for said in outputs({"system": broken}, {"TOKEN": SECRET}))
