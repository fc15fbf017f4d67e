"""How names that several repositories list are judged under the policy."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest

from repoprio.audit import collisions as colliding
from repoprio.audit.findings import Finding, Severity
from repoprio.names import normalize
from support.policy_files import TWO, parsed_policy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def shared(text: str, lists: Mapping[str, set[str]], against: str | None = None) -> dict[str | None, Finding]:
    """The findings on lists, by project."""
    found = {name: frozenset(map(normalize, names)) for name, names in lists.items()}
    return {f.project: f for f in colliding.collisions(parsed_policy(text), found, against)}


BOTH = {"corp": {"acme", "own"}, "pypi": {"acme", "requests"}}


@pytest.mark.parametrize(
    ("text", "code", "owner", "key"),
    [
        (TWO, "shadowed", "corp", "repositories.corp.priority"),
        (f'mode = "flexible"\n{TWO}', "shadowed", "corp", "repositories.corp.priority"),
        (TWO.replace("90", "10"), "merged", "corp", "repositories.corp.priority"),
        (f'{TWO}[pins.p]\nprojects = ["acme"]\nmode = "merge"\n', "merged", "corp", "pins.p.mode"),
        (f'{TWO}[pins.p]\nprojects = ["acme"]\nrepositories = ["pypi"]\n', "protected", "pypi", "pins.p.repositories"),
        (f'{TWO}[pins.p]\nprojects = ["acme"]\nblock = "no"\n', "protected", None, "pins.p"),
        (
            f'{TWO}[pins.p]\nprojects = ["acm?"]\nblock = "a"\n[pins.q]\nprojects = ["ac?e"]\nblock = "b"\n',
            "protected",
            None,
            "pins.p",
        ),
        (TWO.replace("priority = 10", 'priority = 10\nowns = ["ac*"]'), "protected", "corp", "repositories.corp.owns"),
        (
            TWO.replace("priority = 10", 'priority = 10\nnamespaces = ["acme"]'),
            "protected",
            "corp",
            "repositories.corp.namespaces",
        ),
        (f'{TWO}exclude = ["acme"]\n', "protected", "corp", "repositories.pypi.exclude"),
        (f'{TWO}exclude = ["x"]\ninclude = ["other"]\n', "protected", "corp", "repositories.pypi.include"),
        (f"{TWO}explicit = true\n", "protected", "corp", "repositories.pypi.explicit"),
        (f"{TWO}enabled = false\n", "protected", "corp", "repositories.pypi.enabled"),
        (
            f'{TWO}explicit = true\nexclude = ["acme"]\n'.replace("priority = 10", "priority = 10\nexplicit = true"),
            "protected",
            None,
            "repositories.corp.explicit",
        ),
        (
            TWO.replace("priority = 10", 'priority = 10\nowns = ["acme"]')
            + 'owns = ["acme"]\n[repositories.x]\nurl = "https://x.example/"\npriority = 5\n',
            "shadowed",
            "corp",
            "repositories.corp.priority",
        ),
    ],
)
def test_shared_names(text: str, code: str, owner: str | None, key: str) -> None:
    """For a name that two repositories list: what the policy does with it, by which key, and who owns it."""
    found = shared(text, BOTH)
    finding = found["acme"]
    assert (finding.code, finding.repository.name if finding.repository else None) == (code, owner), finding
    assert finding.rule is not None
    assert (finding.rule.key, finding.rule.file) == (key, "policy.toml")
    assert "acme is listed by corp (priority 10) and pypi (priority" in finding.message
    assert list(found) == ["acme"]


def test_the_remedy_keeps_what_is_there() -> None:
    """The proposed TOML is valid in a policy, keeps the names in `owns`, and leaves no collision."""
    text = TWO.replace("priority = 10", 'priority = 10\nowns = ["old-*"]')
    found = list(shared(text, BOTH).values())
    proposed = colliding.remedy(parsed_policy(text), found)
    assert tomllib.loads(proposed) == {"repositories": {"corp": {"owns": ["old-*", "acme"]}}}
    again = TWO.replace("priority = 10", 'priority = 10\nowns = ["old-*", "acme"]')
    assert [f.code for f in shared(again, BOTH).values()] == ["protected"]
    assert colliding.remedy(parsed_policy(again), list(shared(again, BOTH).values())) == ""
    assert 'repositories.corp.owns = ["old-*", "acme"]' in found[0].remedy


def test_against_one_repository() -> None:
    """With --against, only names that this repository shares are reported, with who lists them."""
    text = f'{TWO}[repositories.team]\nurl = "https://team.example/"\npriority = 50\n'
    lists = {"corp": {"a", "c"}, "team": {"a", "b"}, "pypi": {"a", "b", "c"}}
    assert set(shared(text, lists)) == {"a", "b", "c"}
    assert set(shared(text, lists, "team")) == {"a", "b"}
    assert shared(text, lists, "team")["a"].message.startswith(
        "a is listed by corp (priority 10), team (priority 50) and pypi (priority 90); corp (priority 10) owns it"
    )


def many(count: int, prefix: str = "p-") -> set[str]:
    """A set of `count` names."""
    return {f"{prefix}{number}" for number in range(count)}


def test_a_mirror_is_one_finding() -> None:
    """Two repositories that share most names, or very many, are one finding; an error if they share a tier."""
    for lists in ({"corp": many(60), "pypi": many(500)}, {"corp": many(1500) | many(3000, "c-"), "pypi": many(1500)}):
        (finding,) = shared(TWO, lists).values()
        assert (finding.code, finding.severity) == ("mirror", Severity.WARNING)
        assert "100 % of what" in finding.message
        assert "repositories.corp.namespaces" in finding.remedy
    (finding,) = shared(TWO.replace("90", "10"), {"corp": many(60), "pypi": many(60)}).values()
    assert finding.severity is Severity.ERROR
    assert len(shared(TWO, {"corp": many(40), "pypi": many(40)})) == 40


@pytest.mark.parametrize(
    "rules",
    [
        'namespaces = ["p-*"]',
        'owns = ["p-*"]',
        'owns = ["*p-*"]',
        "explicit = true",
        'exclude = ["p-*"]',
        'include = ["*-x"]',
        f"owns = {json.dumps(sorted(many(2000)))}",
    ],
)
def test_a_flood_that_the_policy_routes_is_a_note(rules: str) -> None:
    """Names that are routed or excluded are no sign of a mirror; the few others are reported one by one."""
    text = TWO.replace("priority = 10", f"priority = 10\n{rules}")
    lists = {"corp": many(2000) | {"free-x"}, "pypi": many(2000) | {"free-x"}}
    found = shared(text, lists)
    free = {"free-x"} - ({"free-x"} if "explicit" in rules or "namespaces" in rules else set())
    assert (found[None].code, set(found) - {None}) == ("protected", free)
    assert f"both list {2001 - len(free)} names" in found[None].message


def test_the_remedy_is_in_the_form_of_the_policy() -> None:
    """A policy in pip's own file gets lines for that file, which has no TOML tables."""
    origins = {f"repositories.{name}.url": "/etc/pip.conf" for name in ("corp", "pypi")}
    in_pip_conf = replace(parsed_policy(), origins=origins)
    found = colliding.collisions(
        in_pip_conf, {"corp": frozenset({normalize("acme")}), "pypi": frozenset({normalize("acme")})}
    )
    assert colliding.remedy(in_pip_conf, found) == "[repoprio]\nrepositories.corp.owns =\n    acme\n"
