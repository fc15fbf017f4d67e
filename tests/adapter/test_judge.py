"""Pip judges one file of each kind: candidates and links are the same as those that pip makes itself."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.fixtures import EnvFactory

# Makes the candidates of a page in both ways, and compares ours with pip's: equality, hash, order, all
# that is in slots, and all that can be asked.
BOTH = """
import json, operator, sys
from pip._internal.commands import create_command
from pip._internal.models.candidate import InstallationCandidate
from pip._internal.models.link import Link
from repoprio.names import normalize
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.finder import judge
from pip._internal.exceptions import InvalidWheelFilename, UnsupportedWheel
from repoprio.pip_adapter.index import quick_links
from repoprio.pip_adapter.index.fetcher import project_page
from repoprio.simple_api.response import Response

def fact(one, name):
    try:
        return repr(getattr(one, name))
    except Exception as error:
        return type(error).__name__

def facts(one, kind):
    asked = {name for name in dir(kind) if not callable(getattr(kind, name)) and not name.startswith("__")}
    names = (asked | quick_links.slots_of(kind)) - {"link", "_compare_key"}
    return {name: fact(one, name) for name in names} | {"__str__": str(one), "__repr__": repr(one)}

def said(ask):
    try:
        return ask()
    except (InvalidWheelFilename, UnsupportedWheel):
        # With an egg fragment.
        return None

case = json.load(open(sys.argv[1]))
install = create_command("install")
options, _ = install.parse_args(["--index-url", "https://corp.example/simple", *case["options"]])
compat.settle_prereleases(options)
with install.main_context():
    finder = install._build_package_finder(options, install.get_default_session(options))
    finder._allow_yanked = case["allow_yanked"]
    body, kind = json.dumps(case["page"]).encode(), "application/vnd.pypi.simple.v1+json"
    response = Response("https://corp.example/simple/acme/", body, kind)
    page = project_page(normalize("acme"), response).page
    asked = []
    evaluator = finder.make_link_evaluator("acme")
    original = type(evaluator).evaluate_link
    def evaluate_link(self, link):
        asked.append(link.url)
        return original(self, link)
    type(evaluator).evaluate_link = evaluate_link
    ours = judge.candidates(finder, evaluator, page, page.files)
    assert quick_links._is_as_pips()
    judged, links = len(asked), [compat.link_to(file) for file in page.files]
    pips = finder.evaluate_links(finder.make_link_evaluator("acme"), links)
    assert ours == pips and list(map(hash, ours)) == list(map(hash, pips))
    for one, other in zip(ours, pips):
        assert type(one) is type(other) and type(one.link) is type(other.link)
        assert one == other and {one, other} == {one} and {one.link, other.link} == {one.link}
        assert facts(one, InstallationCandidate) == facts(other, InstallationCandidate), (one, other)
        assert facts(one.link, Link) == facts(other.link, Link), (one.link, other.link)
        if hasattr(Link, "metadata_link"):
            assert one.link.metadata_link() == other.link.metadata_link()
        assert not one.link < other.link
    specifier = compat.SpecifierSet("<2")
    best = finder.make_candidate_evaluator("acme", specifier=specifier)
    assert best.get_applicable_candidates(ours) == best.get_applicable_candidates(pips)
    ranked = []
    sort_key = type(best)._sort_key
    type(best)._sort_key = lambda self, candidate: ranked.append(candidate) or sort_key(self, candidate)
    for wanted in (specifier, compat.SpecifierSet(">=1.2"), None):
        quick = judge.evaluator_of(finder, "acme", wanted, None)
        slow = finder.make_candidate_evaluator("acme", specifier=wanted)
        ranked.clear()
        first = said(lambda: [*compat._applicable(quick.compute_best_candidate(ours))])
        few = len(ranked)
        assert first == said(lambda: [*compat._applicable(slow.compute_best_candidate(pips))])
        for one, other in zip(ours, pips):
            assert said(lambda: quick._sort_key(one)) == said(lambda: slow._sort_key(other))
        files = [one.link.filename for one in ours]
        if all(map(judge._PLAIN_WHEEL.fullmatch, files)):
            # Pip ranks each one twice.
            assert few <= len({(file.split("-", 2)[2], one.link.is_yanked) for file, one in zip(files, ours)})
    print(json.dumps([judged, [c.link.url for c in ours]]))
"""
VERSIONS = ("1.0", "1.1", "01.2", "1!1.3", "1.4.post1", "1.5rc1", "1.6-1", "2_0", "2.1+local", "1.7.0.dev3", "1.8-py3")
TAGS = ("py3-none-any", "py2.py3-none-any", "cp27-cp27m-win32", "py3-none-ANY", "1build-py3-none-any")
SDISTS = (
    *(f"{version}.tar.gz" for version in VERSIONS),
    # Their last dash is not the one before the version: a post-release, no version at all, and other projects.
    *("1.0-2.tar.gz", "1.0-3.tar.gz", "3.0.tar.gz-4.0.tar.gz", "-5.0.tar.gz", "6.0-7.0.tar.gz", "x-8.0.tar.gz"),
    *("1.1.zip", "9.0.zip", "1.2.tgz", "9.1.tar.bz2"),
)
MORE: tuple[dict[str, Any], ...] = (
    {},
    {"requires-python": ">=3.7", "hashes": {"sha256": "ab", "blake3": "cd"}, "core-metadata": {"sha256": "ef"}},
    {"requires-python": ">=9", "upload-time": "2026-01-05T10:11:12Z", "core-metadata": True},
    {"requires-python": "no specifier", "yanked": "broken"},
    {"core-metadata": {"x": "y"}, "yanked": True},
)
PLACES = (
    "https://files.example/a/{}",
    "{}#sha256=ab",
    "http://[::1]/{}#sha256=cd",
    "https://files.example:8443/a%20b/{}#sha1=ab&x=y",
    "../../c d/{}?x=1",
)


def page(places: tuple[str, ...] = PLACES) -> dict[str, Any]:
    """A page of files in many spellings, some of them twice."""
    endings = [f"{version}-{tag}.whl" for version, tag in itertools.product(VERSIONS, TAGS)]
    names = [f"{name}-{end}" for name in ("acme", "Acme") for end in (*endings, *SDISTS)]
    combined = itertools.product(names, enumerate(MORE))
    files = [
        {"filename": name, "url": places[(number + at) % len(places)].format(name), "hashes": {}} | more
        for number, (name, (at, more)) in enumerate(combined)
    ]
    return {"meta": {"api-version": "1.1"}, "name": "acme", "files": [*files, *files[:7]]}


def run(
    env: Any, tmp_path: Path, document: dict[str, Any], *options: str, allow_yanked: bool = True
) -> tuple[int, list[str]]:
    """The number of files that pip judged, and the URLs of the candidates; fails if ours are not pip's."""
    script, case = tmp_path / "both.py", tmp_path / "case.json"
    script.write_text(BOTH)
    case.write_text(json.dumps({"page": document, "options": options, "allow_yanked": allow_yanked}))
    done = subprocess.run(
        [str(env.python), str(script), str(case)],
        env=env.environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    judged, urls = json.loads(done.stdout.splitlines()[-1])
    return judged, urls


@pytest.mark.parametrize("pip", ["26.3", "24.0", "22.0.2"])
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--only-binary=:all:",),
        ("--no-binary=:all:",),
        ("--ignore-requires-python",),
        ("--python-version=3.8", "--no-deps", "--target=x", "--only-binary=:all:"),
    ],
    ids=str,
)
def test_candidates_are_those_of_pip(pip: str, options: tuple[str, ...], pip_env: EnvFactory, tmp_path: Path) -> None:
    """Candidates, links and order are pip's, with any versions, tags, Requires-Python, yanks, hashes and URLs."""
    _, urls = run(pip_env(pip), tmp_path, page(), *options)
    assert urls


@pytest.mark.story
@pytest.mark.parametrize("pip", ["26.3", "24.0", "22.0.2"])
@pytest.mark.parametrize("ending", ["-py3-none-any.whl", ".tar.gz"])
def test_pip_judges_one_file_of_each_kind(pip: str, ending: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """Of files that differ only in their version, pip judges the first one; if it rejects it, each one."""
    env = pip_env(pip)
    files: list[dict[str, Any]] = [
        {"filename": "x", "url": f"https://files.example/acme-{n}.0{ending}", "hashes": {}} for n in range(40)
    ]
    document = {"meta": {"api-version": "1.1"}, "name": "acme", "files": files}
    judged, urls = run(env, tmp_path, document)
    assert (judged, len(urls)) == (1, 40)
    document["files"] = [file | {"requires-python": ">=9"} for file in files]
    judged, urls = run(env, tmp_path, document)
    assert (judged, urls) == (40, [])


@pytest.mark.parametrize("pip", ["26.3"])
def test_pip_judges_all_that_an_upload_time_may_rule_out(pip: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """With --uploaded-prior-to, each file is judged by its own time."""
    files = [
        {
            "filename": "x",
            "url": f"https://files.example/acme-{n}.0-py3-none-any.whl",
            "hashes": {},
            "upload-time": f"20{n}-01-01T00:00:00Z",
        }
        for n in range(10, 30)
    ]
    document = {"meta": {"api-version": "1.1"}, "name": "acme", "files": files}
    judged, urls = run(pip_env(pip), tmp_path, document, "--uploaded-prior-to=2020-06-01T00:00:00Z")
    assert (judged, len(urls)) == (20, 11)


def test_a_yanked_file_is_of_another_kind(pip_env: EnvFactory, tmp_path: Path) -> None:
    """If pip takes no yanked files, as in `pip list --outdated`, a yanked file of an accepted kind is none either."""
    files = [
        {
            "filename": "x",
            "url": f"https://files.example/acme-{n}.0-py3-none-any.whl",
            "hashes": {},
            "yanked": n % 2 == 1,
        }
        for n in range(10)
    ]
    document = {"meta": {"api-version": "1.1"}, "name": "acme", "files": files}
    judged, urls = run(pip_env("26.3"), tmp_path, document, allow_yanked=False)
    assert (judged, len(urls)) == (6, 5)


def test_links_with_an_egg_stand_last(pip_env: EnvFactory, tmp_path: Path) -> None:
    """The order is pip's: pip judges all files of a page with such a link."""
    document = page(("{}#egg=acme-9", "https://files.example/{}"))
    judged, urls = run(pip_env("24.0"), tmp_path, document)
    assert judged > 10
    assert not urls or "egg=" not in urls[0]
