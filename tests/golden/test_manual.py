"""The manual: generated pages are current, links work, and the README stays short."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

import containers
from support.paths import DOCS, ROOT, SOURCE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
MOST_LINES_OF_README = 150
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_CODE = re.compile(r"^(```+)[^\n]*\n.*?^\1$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def script(name: str) -> ModuleType:
    """The module of a script in docs."""
    spec = spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and Sphinx make them."""
    plain = _CODE.sub(lambda found: found[0] if "\n" not in found[0] else "", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(plain)}


def links(page: Path) -> Iterator[tuple[str, str]]:
    """The files and anchors that a page links to, without other sites."""
    for found in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" not in found and not found.startswith("mailto:"):
            path, _, anchor = found.partition("#")
            yield path, anchor


def test_the_reference_is_made_from_this_code() -> None:
    """Each page made by docs/build_reference.py is current."""
    made = script("build_reference").PAGES
    assert {"commands.md", "keys.md", "codes.md"} <= set(made)
    for name, page in made.items():
        shown = (DOCS / "reference" / name).read_text(encoding="utf-8")
        assert shown == page(), f"docs/reference/{name} is out of date: python docs/build_reference.py"


def said_codes() -> Iterator[str]:
    """The codes at the end of messages in the source: in their texts, or as the argument of `message`."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from re.findall(r" {4}\[([a-z]+(?:-[a-z]+)*)\]", node.value)
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("message"):
                yield from (str(code.value) for code in node.args[2:3] if isinstance(code, ast.Constant))


def test_each_code_has_its_meaning() -> None:
    """The page of codes has each code that a message can end in, and no others."""
    tables = tomllib.loads((DOCS / "reference" / "codes.toml").read_text(encoding="utf-8"))
    said = set(said_codes())
    assert said >= {"unguarded", "writes-configuration", "no-policy"}
    assert said - {*tables["messages"], *tables["decisions"]} == set()
    # This code is in the data, not in the source of a message.
    assert set(tables["messages"]) - said == {"owner"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each link to a file of the checkout leads to an existing file and heading, also in the plain files."""
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{path} does not exist"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{path} has no heading #{anchor}"


def test_the_readme_is_a_page_for_newcomers() -> None:
    """The README has at most 150 lines: details belong into the manual."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_README


def test_the_container_file_of_the_readme_is_a_good_one() -> None:
    """The linter for container files has no complaints, neither here nor about those in example-config."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (file,) = re.findall(r"^```dockerfile\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert list(containers.problems(file)) == []
