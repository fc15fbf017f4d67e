"""What the exports for Poetry, PDM, pipenv and pip leave out, and how they are compared with files. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from repoprio.config.load import read_text
from repoprio.export import CannotExport, Exported
from repoprio.export.common import of_clients
from repoprio.export.installers import BY_NAME, part_of
from support.policy_files import TOOLS, parsed_policy

CORP = '[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n'
TEAM = '[repositories.team]\nurl = "https://team.example/simple/"\npriority = 50\n'
PUBLIC = '[repositories.public]\nurl = "https://public.example/simple/"\npriority = 90\n'


def export(installer: str, text: str) -> Exported:
    """The export of a policy."""
    return BY_NAME[installer].export(parsed_policy(text))


GAPS = [
    ("all", 'direct-urls = "refuse"\n' + CORP, "direct-urls: {} accepts name @ URL"),
    ("all", 'mode = "flexible"\n' + CORP, "mode: {} has no mode flexible"),
    ("all", CORP.replace("corp.ex", "u:s3cret@corp.ex"), "corp.url: its login is not exported: "),
    ("all", CORP + 'canary = "x"\n', "repositories.corp.canary: {} believes its 404 at once"),
    ("all", CORP + "absent = [410]\n", "repositories.corp.absent: {} decides by itself what means absence"),
    (
        "all",
        CORP + 'absent = [404, "empty-page"]\n',
        "repositories.corp.absent: {} decides by itself what an empty page",
    ),
    ("all", CORP + 'listing = "complete"\n', "repositories.corp.listing: {} asks for its page"),
    ("all", CORP + "skip-if-unavailable = true\n", "skip-if-unavailable: {} decides by itself what an outage means"),
    ("all", CORP + 'mirrors = ["https://m.example/"]\n', "repositories.corp.mirrors: {} asks only its URL"),
    ("all", CORP + 'min-age = "7 days"\n', "repositories.corp.min-age: {} cannot express it"),
    ("all", CORP + 'redirects = {"https://s.example" = "follow"}\n', "repositories.corp.redirects: {} follows"),
    (
        "all",
        CORP + '[pins.x]\nprojects = ["x"]\nversions = "<3"\n',
        "pins.x.versions: {} cannot express it: x may have any",
    ),
    ("all", CORP + '[pins.x]\nprojects = ["x"]\nmin-age = "7 days"\n', "pins.x.min-age: {} cannot express it"),
    ("all", CORP + '[pins.x]\nprojects = ["x"]\nmode = "merge"\n', "pins.x.mode: {} treats all names alike"),
    ("poetry", CORP + '[pins.x]\nprojects = ["x"]\nblock = "no"\n', "pins.x.block: Poetry blocks nothing: x may be"),
    ("pipenv", CORP + '[pins.x]\nprojects = ["x"]\nblock = "no"\n', "pins.x.block: pipenv blocks nothing: x may be"),
    ("poetry", CORP + 'owns = ["a-*"]\n' + PUBLIC, "corp.owns: Poetry cannot reserve a-*: it may come from public"),
    ("poetry", CORP + 'owns = ["a"]\nenabled = false\n' + TEAM + PUBLIC, "cannot reserve a without source"),
    ("poetry", CORP + 'include = ["a-*"]\n', "repositories.corp.include: Poetry takes any name from corp"),
    ("poetry", CORP + 'exclude = ["a-*"]\n', "repositories.corp.exclude: a-* may come from corp in Poetry"),
    ("poetry", CORP + TEAM + PUBLIC.replace("90", "50"), "team.priority: Poetry merges only the first tier: team goes"),
    (
        "poetry",
        CORP + '[pins.x]\nprojects = ["x"]\nrepositories = ["corp"]\n',
        "pins.x.repositories: Poetry routes x only",
    ),
    ("pdm", CORP + TEAM.replace("50", "10"), "corp.priority: PDM merges no tier: corp goes before team"),
    ("pdm", CORP + 'include = ["a-*"]\n', "repositories.corp.include: PDM reserves names or takes any"),
    ("pdm", CORP + 'owns = ["a-*"]\nexclude = ["a-x"]\n', "corp.exclude: in PDM, what a source owns wins"),
    (
        "pdm",
        CORP + 'owns = ["a-*"]\n' + TEAM + 'owns = ["a-x"]\n',
        "corp.owns: in PDM a-* and a-x (repositories.team.owns)",
    ),
    (
        "pdm",
        CORP + 'owns = ["a-x"]\n' + TEAM + 'owns = ["a-*"]\n',
        "corp.owns: in PDM a-x and a-* (repositories.team.owns)",
    ),
    ("pdm", CORP + 'owns = ["a-?b*"]\n' + TEAM + 'owns = ["a*"]\n', "corp.owns: in PDM a-?b* and a*"),
    ("pipenv", CORP + TEAM + 'owns = ["a"]\n', 'team.owns: a comes from corp, unless the Pipfile says index = "team"'),
    ("pipenv", CORP + 'exclude = ["a"]\n', "repositories.corp.exclude: pipenv takes any name from corp"),
    ("pipenv", CORP + TEAM + 'owns = ["a"]\nenabled = false\n', "team.owns: a comes from corp, unless"),
    (
        "pipenv",
        CORP + '[pins.x]\nprojects = ["x"]\nrepositories = ["corp"]\n',
        "pins.x.repositories: pipenv routes x only",
    ),
    ("pip", CORP + 'namespaces = ["a-*"]\n', "repositories.corp.namespaces: pip takes any name from corp"),
    (
        "pip",
        CORP + TEAM + 'owns = ["a"]\nenabled = false\n',
        "repositories.team: pip cannot reserve a: it may come from corp",
    ),
    ("pip", CORP.replace("https:", "http:"), "repositories.corp.url: pip ignores http://corp.example without TLS"),
]
NAMES = {"poetry": "Poetry", "pdm": "PDM", "pipenv": "pipenv", "pip": "pip"}


@pytest.mark.parametrize(("which", "text", "gap"), GAPS, ids=[str(number) for number in range(len(GAPS))])
def test_what_is_left_out_is_listed(which: str, text: str, gap: str) -> None:
    """There is a gap for each setting that a tool cannot express, in the comments of the export too."""
    for installer in NAMES if which == "all" else (which,):
        exported = export(installer, text)
        wanted = gap.format(NAMES[installer])
        assert [str(one) for one in exported.gaps if wanted in str(one)], [str(one) for one in exported.gaps]
        assert wanted in BY_NAME[installer].text(exported)
        assert "s3cret" not in BY_NAME[installer].text(exported)


def test_what_can_be_said_is_no_gap() -> None:
    """PDM reserves names: patterns that match no common name, and the same route twice, are no gap."""
    two = CORP + 'owns = ["a-*", "b"]\n' + TEAM + 'owns = ["c-*", "d"]\n'
    exported = export("pdm", two + '[pins.p]\nprojects = ["b"]\nrepositories = ["corp"]\n')
    assert not exported.gaps
    assert [one["include_packages"] for one in exported.document["source"]] == [["a-*", "b"], ["c-*", "d"]]
    # No repository may supply what a disabled one owns.
    gone = export("pdm", CORP + 'owns = ["a"]\nenabled = false\n' + TEAM + PUBLIC)
    assert [one["exclude_packages"] for one in gone.document["source"]] == [["a"], ["a"]]
    named = export("pdm", CORP + PUBLIC.replace(".public", ".pypi"))
    assert [one["name"] for one in named.document["source"]] == ["corp", "pypi"]
    closed = export("pdm", CORP + 'namespaces = ["a-*"]\n' + TEAM + "explicit = true\n" + PUBLIC)
    assert [one.get("exclude_packages") for one in closed.document["source"]] == [["*"], ["*"], None]
    flat = export("pdm", CORP.replace("https://corp.example/simple/", "/srv/wheels") + 'format = "flat"\n')
    assert (flat.document["source"][0]["type"], flat.caution) == ("find_links", "")


def test_names_that_poetry_keeps_for_itself() -> None:
    """PyPI has no URL in Poetry, and no other source may have its name; the first tier is merged."""
    alias = CORP + '[repositories.pypi]\nurl = "pypi"\npriority = 90\n'
    assert export("poetry", alias).document["source"][1] == {"name": "PyPI", "priority": "supplemental"}
    other = CORP + PUBLIC.replace(".public", ".pypi") + '[pins.x]\nprojects = ["x"]\nrepositories = ["pypi"]\n'
    exported = export("poetry", other)
    assert exported.document["source"][1]["name"] == "pypi-source"
    assert '# x = { source = "pypi-source" }' in BY_NAME["poetry"].text(exported)
    tier = export("poetry", CORP + TEAM.replace("50", "10") + PUBLIC + "explicit = true\n")
    assert [one["priority"] for one in tier.document["source"]] == ["primary", "primary", "explicit"]


WRONG = [
    ("poetry", CORP + "explicit = true\n", "Poetry asks PyPI"),
    ("poetry", CORP + 'format = "flat"\n', "Poetry has no flat sources"),
    ("pipenv", CORP + 'format = "flat"\n', "pipenv has no flat sources"),
    ("pipenv", CORP + "explicit = true\n", "pipenv asks PyPI"),
    ("pdm", CORP + "enabled = false\n", "PDM asks PyPI"),
    ("pip", CORP + PUBLIC, "it can use only one, and the policy has corp and public; use the hook"),
    ("pip", CORP + "enabled = false\n", "and the policy has none"),
    ("pip", CORP + "explicit = true\n", "and the policy has corp"),
    ("pip", CORP + 'format = "flat"\n', "with find-links pip still asks its default index"),
    ("pdm", CORP.replace("corp.example", "${HOST}"), "reads no variables in a URL"),
]


@pytest.mark.parametrize(("installer", "text", "problem"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_what_cannot_be_exported(installer: str, text: str, problem: str) -> None:
    """If a tool would continue with PyPI, or without a repository that owns names, nothing is exported."""
    with pytest.raises(CannotExport, match=problem.replace("$", r"\$")):
        export(installer, text)


def test_the_alias_of_pypi_needs_a_pip() -> None:
    """If no pip says which URL it means, nothing is guessed."""
    tools = TOOLS._replace(default_index=lambda: "pypi")
    policy = read_text(CORP.replace("https://corp.example/simple/", "pypi"), "policy.toml", {}, tools)
    with pytest.raises(CannotExport, match="no pip was found here to say what pypi stands for"):
        BY_NAME["pdm"].export(policy)


def test_differences_of_pips_file() -> None:
    """Each section in which pip may find another index is compared; another spelling of a URL is no difference."""
    tool = BY_NAME["pip"]
    exported = export("pip", CORP)
    assert (
        tool.differences(exported, {"global": {"index-url": "https://CORP.example:443/simple", "timeout": "9"}}) == []
    )
    assert tool.differences(exported, {"download": {"find-links": ""}}) == [
        'global.index-url is not set, and the policy says "https://corp.example/simple/"'
    ]
    second = {"extra-index-url": "https://u:s3cret@x.example/", "index-url": "https://corp.example/simple/"}
    (told,) = tool.differences(exported, {**exported.document, "install": second})
    assert told == "install.extra-index-url is another value, which contains a login, and the policy says not set"


def test_clients_of_a_gateway_obey_it_alone() -> None:
    """If the policy names a gateway, clients without the hook get only that, and nothing else of the policy."""
    policy = parsed_policy('gateway = "https://gate.example/simple/"\n' + CORP + PUBLIC)
    exported = BY_NAME["pip"].export(of_clients(policy))
    assert (exported.document, exported.gaps) == ({"global": {"index-url": "https://gate.example/simple/"}}, ())
    direct = parsed_policy(CORP)
    assert of_clients(direct) is direct


@pytest.mark.parametrize("installer", [name for name in NAMES if name != "pip"])
def test_differences(installer: str) -> None:
    """Each setting that affects choices is compared; a tool's defaults need not be written."""
    tool = BY_NAME[installer]
    exported = export(installer, CORP + PUBLIC)
    document: dict[str, Any] = dict(exported.document)
    assert tool.differences(exported, document) == []
    assert tool.differences(exported, {**document, "source": 1})[-1] == "source is not a list of tables"
    first, last = document["source"]
    (told,) = tool.differences(exported, {**document, "source": [last, first]})
    assert told.startswith("its sources are ")
    changed = {**first, "url": 1, "more": "https://u:s3cret@x.example"}
    told, more = tool.differences(exported, {**document, "source": [changed, last]})
    assert told == 'source corp: url is 1, and the policy says "https://corp.example/simple"'
    assert more == "source corp: more is another value, which contains a login, and the policy says not set"
    if installer == "poetry":
        bare = {key: value for key, value in first.items() if key != "priority"}
        assert tool.differences(exported, {"source": [bare, last]}) == []
    if installer == "pdm":
        plain = [{"type": "index", **{k: v for k, v in one.items() if k != "verify_ssl"}} for one in (first, last)]
        assert tool.differences(exported, {**document, "source": plain}) == []
        assert tool.differences(exported, {"source": document["source"]}) == [
            "resolution.respect-source-order is not true, and the policy says true"
        ]
    if installer == "pipenv":
        settings = {"install_search_all_sources": True}
        assert tool.differences(exported, {**document, "pipenv": settings})[0].startswith("pipenv.install_search_all")


def test_the_part_of_a_file() -> None:
    """The table of a tool; empty if it is missing or not a table."""
    document = {"tool": {"poetry": {"a": 1}, "pdm": 1}}
    assert part_of(document, "tool.poetry") == {"a": 1}
    assert part_of(document, "") == document
    assert [part_of(document, name) for name in ("tool.pdm", "tool.pdm.x", "no")] == [{}, {}, {}]
