"""A page is parsed once in a run, and only files that may be candidates become links of pip."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from support.fixtures import EnvFactory, RepositoryFactory
from support.pips import PipEnv
from support.repository import Layout, RepositoryServer
from support.scene import policy_text

NEW, OLD = "26.3", "22.0.2"
FOREIGN: dict[str, object] = {"version": "3.0", "tag": "cp27-cp27m-win32"}
TOO_NEW: dict[str, object] = {"version": "4.0", "requires-python": ">=9.9"}
# Runs a command in this process; at its end it prints which pages were parsed, by which parser, and the links made.
COUNTED = """
import html.parser, json, sys
parsed, made = [], []
feed, loads = html.parser.HTMLParser.feed, json.loads
def counted_feed(self, text):
    parsed.append(text)
    return feed(self, text)
def counted_loads(text, *args, **kwargs):
    if '"files"' in (text if isinstance(text, str) else text.decode("latin-1")):
        parsed.append(text if isinstance(text, str) else text.decode())
    return loads(text, *args, **kwargs)
html.parser.HTMLParser.feed, json.loads = counted_feed, counted_loads
import pip._internal.models.link as link
def counted_new(kind, *args, **kwargs):
    made.append(object.__new__(kind))
    return made[-1]
link.Link.__new__ = counted_new
command = sys.argv.pop(1)
if command == "pip":
    from pip._internal.cli.main import main
else:
    from repoprio.__main__ import main
try:
    sys.exit(main(sys.argv[1:]) if command == "pip" else main())
finally:
    with open(sys.argv[0] + ".json", "w") as out:
        json.dump([parsed, [one.url for one in made]], out)
"""


class Run:
    """A run of a command: its output, the pages that were parsed, and the URLs of the links that were made."""

    def __init__(self, env: PipEnv, policy: Path, *command: str) -> None:
        script = policy.parent / "counted.py"
        script.write_text(COUNTED)
        whole = [str(env.python), str(script), *command]
        self.done = subprocess.run(
            whole, env=env.environment(policy), cwd=policy.parent, capture_output=True, encoding="utf-8", check=False
        )
        self.parsed, self.made = json.loads(Path(f"{script}.json").read_text())


@pytest.fixture(params=["json", "html"])
def layout(request: pytest.FixtureRequest) -> Layout:
    """What the repositories write."""
    found: Layout = request.param
    return found


@pytest.fixture
def corp(layout: Layout, repository: RepositoryFactory) -> RepositoryServer:
    """A repository with wheels for others among its files."""
    corp = repository("corp", layout=layout)
    corp.add("acme", "1.0", {"version": "2.0", "sdist": True}, FOREIGN, TOO_NEW)
    return corp


@pytest.fixture
def policy(corp: RepositoryServer, layout: Layout, repository: RepositoryFactory, tmp_path: Path) -> Path:
    """Corp above public, which has acme too."""
    public = repository("public", layout=layout)
    public.add("acme", "99.0")
    file = tmp_path / "policy.toml"
    file.write_text(policy_text({"corp": corp.page_url, "public": public.page_url}))
    return file


@pytest.mark.parametrize(
    "command",
    [
        ("repoprio", "explain", "--shadowed", "acme", "acme<2", "acme==9"),
        ("repoprio", "compare", "acme"),
        ("repoprio", "audit", "--shadowed", "--path", "packages"),
        ("pip", "download", "--no-deps", "acme"),
    ],
    ids=lambda command: command[1],
)
def test_a_page_is_parsed_once(command: tuple[str, ...], pip_env: EnvFactory, policy: Path) -> None:
    """However often a page is needed in a run, neither repoprio nor pip parses it twice."""
    installed = policy.parent / "packages" / "acme-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    run = Run(pip_env(NEW), policy, *command)
    assert "Traceback" not in run.done.stderr
    assert run.parsed, run.done.stderr
    assert max(Counter(run.parsed).values()) == 1


@pytest.mark.story(2)
@pytest.mark.parametrize("pip", [NEW, "24.0", OLD])
def test_links_are_made_of_what_may_be_a_candidate(pip: str, pip_env: EnvFactory, policy: Path) -> None:
    """A wheel for another platform becomes no link of pip, unless pip must report what it skips.

    A JSON answer that pip 22.0.2 did not request is read as well, with its hashes.
    """
    env = pip_env(pip)
    silent = Run(env, policy, "pip", "download", "--no-deps", "acme")
    assert silent.done.returncode == 0, silent.done.stderr
    assert any("acme-2.0.tar.gz" in url and (pip != OLD or "#sha256=" in url) for url in silent.made)
    assert not any("win32" in url for url in silent.made)
    loud = Run(env, policy, "pip", "download", "-vv", "--no-deps", "acme==3.0")
    assert "none of the wheel's tags (cp27-cp27m-win32)" in loud.done.stdout
    assert any("win32" in url for url in loud.made)


@pytest.mark.parametrize("pip", [NEW, "24.0"])
def test_pip_reports_versions_for_another_python(pip: str, pip_env: EnvFactory, policy: Path) -> None:
    """If nothing fits, pip and explain say which versions were ignored because of their Requires-Python."""
    env = pip_env(pip)
    done = env.run("download", "--no-deps", "acme==4.0", policy=policy)
    assert "4.0 Requires-Python >=9.9" in done.stderr
    stdout = env.tool("explain", "-v", "acme", policy=policy).stdout
    assert "its tag cp27-cp27m-win32 does not fit" in stdout
    assert "needs Python >=9.9" in stdout
