"""The refusal of indexes that the policy does not list: first how to remove them, then how to list them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from repoprio.audit.lock_sources import unlisted
from repoprio.config.load import read_text
from repoprio.config.pip.indexes import NamedBy, Origin
from repoprio.policy.model import Format, Policy, Rule
from repoprio.render.unlisted import UnlistedPlace, refusal, suggested_name
from support.fixtures import EnvFactory, RepositoryFactory
from support.policy_files import TOOLS, read_files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CORP = '[repositories.corp]\nurl = "https://pypi.corp.example/simple/"\npriority = 10\n'
GITLAB = "https://gitlab.example/api/v4/projects/77/packages/pypi/simple"


def places(*urls: str) -> list[UnlistedPlace]:
    """Places that one variable named."""
    origin = Origin(NamedBy.VARIABLE, "PIP_EXTRA_INDEX_URL")
    return [UnlistedPlace(url, url, Format.FLAT if url.startswith("/") else Format.SIMPLE, origin) for url in urls]


def policy(text: str) -> Policy:
    """The policy in a file."""
    return read_text(text, "/etc/repoprio/repoprio.toml", {}, TOOLS)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (GITLAB, "gitlab-77"),
        ("https://evil.example/simple", "evil"),
        ("https://pypi.corp.example/simple/", "corp-2"),
        ("https://download.pytorch.example/whl/cpu/", "pytorch-cpu"),
        ("https://art.example/artifactory/api/pypi/team-py/simple", "art-team-py"),
        ("https://pypi.example/simple/", "pypi"),
        ("http://127.0.0.1:8080/simple/", "127-0-0-1-8080"),
        ("http://[::1]:8080/", "1-8080"),
        ("http://localhost:3141/root/dev/+simple/", "localhost-3141-dev"),
        ("/srv/My Wheels", "my-wheels"),
        ("file:///srv/wh/", "wh"),
        ("file:///srv/pypi-more/simple", "pypi-more"),
        ("/", "extra"),
    ],
)
def test_the_suggested_name_comes_from_the_url(url: str, name: str) -> None:
    """A suggested name comes from the distinctive parts of host and path, and is never in use."""
    assert suggested_name(url, ["corp"]) == name


def test_several_places_have_names_and_priorities_of_their_own() -> None:
    """The suggestion is valid as it is: distinct names, each with a priority below all existing ones."""
    found = places(GITLAB, "https://gitlab.example/api/v4/projects/78/packages/pypi/simple", "/srv/wh", "/opt/wh")
    text = CORP + '[repositories.low]\nurl = "https://low.example/"\npriority = 700\n'
    said = str(refusal(found, policy(text))).splitlines()
    hint = next(n for n, line in enumerate(said) if line.startswith("  hint: "))
    assert said[hint] == "  hint: unset PIP_EXTRA_INDEX_URL, if corp or low has what you need"
    assert said[hint + 1] == "        else add to /etc/repoprio/repoprio.toml:"
    whole = policy(text + "\n".join(said[hint + 2 : -1]))
    assert [(r.name, r.priority) for r in whole.repositories[2:]] == [
        ("gitlab-77", 701),
        ("gitlab-78", 702),
        ("wh", 703),
        ("wh-2", 704),
    ]


def test_under_a_lock_the_user_is_sent_to_its_maintainer() -> None:
    """If users may not add to the policy, the hint says whom to ask: `help`, or the maintainer of the file."""
    locked = str(refusal(places(GITLAB), policy("locked = true\n" + CORP)))
    assert (
        "else ask the maintainer of /etc/repoprio/repoprio.toml to add:\n          [repositories.gitlab-77]" in locked
    )
    helped = str(refusal(places(GITLAB), policy('locked = true\nhelp = "go/pip"\n' + CORP)))
    assert "else ask go/pip to add:" in helped
    assert "add to" not in helped.replace("to add", "")
    assert helped.endswith("help: go/pip    [unlisted]")


def test_an_extensible_policy_is_added_to_in_pips_own_file() -> None:
    """With `locked = "extend"` the index goes into a later layer, below all locked repositories."""
    text = str(refusal(places("/srv/wh"), policy('locked = "extend"\n' + CORP)))
    assert "else add to the policy:" in text
    assert "pip config set repoprio.repositories.wh.url /srv/wh" in text
    assert "pip config set repoprio.repositories.wh.format flat" in text
    assert "pip config set repoprio.repositories.wh.priority 500" in text
    later = read_files({"system": 'locked = "extend"\n' + CORP, "user": "[repoprio]\nlocked = false\n"}).sound()
    assert later is not None
    assert (later.lock or policy(CORP).rule("")).value == "extend", "a later layer does not take the lock away"


def test_what_no_policy_can_list_is_not_suggested(pip_env: EnvFactory, tmp_path: Path) -> None:
    """A URL that a policy cannot have is reported as such, without a suggestion."""
    file = tmp_path / "policy.toml"
    file.write_text(CORP)
    done = pip_env("26.3").run("download", "-i", "https://evil.example/simple?x=1", "acme", policy=file)
    stderr = done.stderr
    assert "remove it from the command, if corp has what you need" in stderr
    assert "it has a query, a fragment or white space: no policy can list it" in stderr
    assert "[repositories." not in stderr


def test_errors_show_the_help_of_the_policy() -> None:
    """Errors of a faulty policy show its `help`, also if a lock causes them."""
    faulty = read_files({"system": 'help = "go/pip"\nmode = "loose"\n' + CORP})
    locked = read_files({"system": 'help = "go/pip"\nlocked = true\n' + CORP, "named": CORP})
    for loaded in (faulty, locked):
        with pytest.raises(Exception, match="nothing was looked up") as caught:
            loaded.sound()
        assert str(caught.value).endswith("\n  help: go/pip    [policy]")


@pytest.mark.parametrize("pip", ["26.3", "24.0"])
def test_what_the_hint_suggests_for_a_relative_folder_works(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """`-f wh` is listed by its absolute path: pasted into the policy, the suggestion makes the same command work."""
    env, corp = pip_env(pip), repository("corp")
    corp.add("acme", "1.0")
    (tmp_path / "wh").mkdir()
    (tmp_path / "wh" / "other-1.0-py3-none-any.whl").write_bytes(b"")
    file = tmp_path / "policy.toml"
    file.write_text(f'[repositories.corp]\nurl = "{corp.page_url}"\npriority = 10\n')
    command = ("download", "--no-cache-dir", "-d", str(tmp_path / "files"), "-f", "wh", "acme")
    done = env.run(*command, policy=file, cwd=tmp_path)
    assert done.code == 1
    lines = done.stderr.splitlines()
    begin = next(n for n, line in enumerate(lines) if "[repositories.wh]" in line)
    table = "\n".join(lines[begin : begin + 4])
    assert tomllib.loads(table)["repositories"]["wh"] == {"url": f"{tmp_path}/wh", "format": "flat", "priority": 500}
    file.write_text(f"{file.read_text()}{table}\n")
    assert env.run(*command, policy=file, cwd=tmp_path).code == 0


@pytest.mark.parametrize(
    ("origin", "text", "way"),
    [
        (Origin(NamedBy.VARIABLE, "PIP_FIND_LINKS"), "PIP_FIND_LINKS", "unset PIP_FIND_LINKS"),
        (Origin(NamedBy.COMMAND_LINE), "the command line", "remove it from the command"),
        (
            Origin(NamedBy.SETTING, "global.index-url", "/etc/pip.conf"),
            "global.index-url in /etc/pip.conf",
            "pip config unset global.index-url",
        ),
        (
            Origin(NamedBy.SETTING, "my own.index-url", "/etc/pip.conf"),
            "my own.index-url in /etc/pip.conf",
            "pip config unset 'my own.index-url'",
        ),
        (
            Origin(NamedBy.LINE, file="PIP_ in r.txt", line=3),
            "PIP_ in r.txt, line 3",
            "remove it where it is named",
        ),
    ],
)
def test_the_way_to_remove_it_depends_on_what_named_it(origin: Origin, text: str, way: str) -> None:
    """The way to remove an index depends on what named it, not on a file's name."""
    said = str(refusal([UnlistedPlace(GITLAB, GITLAB, Format.SIMPLE, origin)], policy(CORP)))
    assert f"(named by {text})" in said
    assert f"\n  hint: {way}, if corp has what you need" in said


def test_a_place_that_resembles_a_listed_one() -> None:
    """The refusal names the repository that the URL resembles, and two ways to mean it; it suggests no new one."""
    (place,) = places("https://pypi.corp.example//simple/")
    parsed = policy(CORP)
    text = str(refusal([replace(place, resembled=parsed.repositories[0])], parsed))
    at = "which is at https://pypi.corp.example/simple/.\n"
    assert f"a server may take https://pypi.corp.example//simple/ for corp, {at}" in text
    assert "write it as the policy does, or add it to repositories.corp.aliases\n" in text
    assert "[repositories." not in text


GATEWAY = "https://pypi.corp.example/simple/"


def test_an_index_beside_a_gateway_that_decides_goes_into_the_gateways_policy() -> None:
    """Below it, the index would serve what the gateway's policy does not know."""
    only = policy(f'gateway = "{GATEWAY}"\n[repositories.gateway]\nurl = "{GATEWAY}"\n')
    way = f"to the policy of the gateway {GATEWAY}"
    text = str(refusal(places(GITLAB), only))
    assert f"\n  hint: unset PIP_EXTRA_INDEX_URL, if gateway has what you need\n        else add it {way}\n" in text
    assert "[repositories." not in text
    assert f"        else add them {way}\n" in str(refusal(places(GITLAB, "/srv/wh"), only))
    locked = replace(only, lock=Rule("locked", "true", "/etc/repoprio/repoprio.toml"), help="go/pip")
    assert f"        else ask go/pip to add it {way}\n" in str(refusal(places(GITLAB), locked))
    assert unlisted(only, "x", named_in="a", file="a", line=1, remove="remove it").remedy.endswith(f"repository {way}")


def test_an_index_goes_into_the_gateways_policy_too() -> None:
    """If pip asks the same repositories as the gateway, both policies have to be the same."""
    text = str(refusal(places(GITLAB), policy(f'gateway = "https://gateway.example/simple/"\n{CORP}')))
    assert "        [repositories.gitlab-77]" in text
    assert "        and add the same to the policy of the gateway https://gateway.example/simple/\n" in text


def test_a_second_repository_makes_priorities_necessary() -> None:
    """The hint says which repository needs one; with it, what the hint suggests is valid."""
    alone = '[repositories.corp]\nurl = "https://pypi.corp.example/simple/"\n'
    lines = str(refusal(places(GITLAB), policy(alone))).splitlines()
    begin = next(n for n, line in enumerate(lines) if "[repositories.gitlab-77]" in line)
    assert lines[begin + 3] == "        and set repositories.corp.priority = 99: with two repositories, each needs one"
    whole = policy(alone + "priority = 99\n" + "\n".join(lines[begin : begin + 3]))
    assert [repository.priority for repository in whole.repositories] == [99, 500]
