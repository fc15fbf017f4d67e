"""What repoprio computes once for pip: requests, rankings and metadata are those that pip itself makes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.files import build, parse
from support.fixtures import EnvFactory, RepositoryFactory
from support.scene import Scene
from support.wire import WireServer

PIPS = ["26.3", "24.0", "22.0.2"]

BEGIN = """
import json, os, sys
from pip._internal.commands import create_command
from repoprio.pip_adapter import compat
case = json.loads(sys.argv[1])
install = create_command("install")
options, _ = install.parse_args(["--no-input", *case.get("options", [])])
compat.settle_prereleases(options)
"""

# What reaches the adapter of pip's session, and that of the quiet one; the site that asks for no proxy is asked first.
REQUESTS = (
    BEGIN
    + """
import io
from pip._vendor.requests.adapters import BaseAdapter
from pip._vendor.requests.models import Response
from pip._vendor.requests import sessions
from repoprio.pip_adapter.index.quiet_session import quiet_session
sent, looked, times = [], [], []
class Noting(BaseAdapter):
    def send(self, request, **how):
        sent.append([request.method, request.url, sorted(request.headers.items()), request.body, sorted(how.items())])
        found = Response()
        found.status_code, found.url, found.request, found.raw = 200, request.url, request, io.BytesIO()
        return found
    def close(self):
        pass
with install.main_context():
    session = install.get_default_session(options)
    for prefix in list(session.adapters):
        session.mount(prefix, Noting())
    session.auth.index_urls = ["https://user:secret@corp.example/a/", "https://corp.example/b/"]
    quiet = quiet_session(session)
    noting = Noting()
    quiet.get_adapter = lambda url: noting
    original = sessions.get_environ_proxies
    def get_environ_proxies(*args, **kwargs):
        looked.append(args)
        return original(*args, **kwargs)
    sessions.get_environ_proxies = get_environ_proxies
    for headers in ({"Accept": "text/html"}, {"Accept": "a/b", "Cache-Control": "max-age=0"}):
        for url in case["urls"]:
            for one in (session, quiet):
                looked.clear()
                hooks = {"response": [lambda response, **how: None]}
                answer = one.get(url, headers=headers, stream=True, allow_redirects=False, hooks=hooks)
                sent[-1].append([getattr(hook, "__name__", hook) for hook in answer.request.hooks["response"]])
            times.append(len(looked))
assert sent[::2] == sent[1::2], json.dumps(sent, indent=1, default=str)
print(json.dumps(times))
"""
)

# Which temporary files are made for answers, outside of the cache.
CACHE = (
    BEGIN
    + """
import tempfile
from repoprio.pip_adapter.index.quiet_session import quiet_session
made = []
original = tempfile._mkstemp_inner
def mkstemp(dir, *args):
    made.append(dir)
    return original(dir, *args)
tempfile._mkstemp_inner = mkstemp
with install.main_context():
    quiet = quiet_session(install.get_default_session(options))
    found = []
    for url in case["urls"]:
        made.clear()
        with quiet.get(url, headers={"Accept": "text/html"}, stream=True) as answer:
            body = answer.content
        outside = [one for one in made if not one.startswith(options.cache_dir)]
        found.append([answer.status_code, answer.from_cache, len(body) > 0, len(outside)])
print(json.dumps(found))
"""
)

# What lies in pip's cache after pip's session, and after the quiet one, has fetched the same; then both ask again.
KEPT = (
    BEGIN
    + """
import pathlib
from pip._vendor.cachecontrol.serialize import Serializer
from repoprio.pip_adapter.index.quiet_session import quiet_session
PLAIN = {"Accept": "text/html"}
def kept(folder, url):
    adapter = session.get_adapter(url)
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    loaded = Serializer().loads(session.prepare_request(Request("GET", url, headers=PLAIN)), adapter.cache.get(url))
    headers = sorted((key, value) for key, value in loaded.headers.items() if key != "Date")
    modes = sorted({oct(one.stat().st_mode) for one in files})
    body = (adapter.cache.get_body(url) if hasattr(adapter.cache, "get_body") else loaded).read()
    return [sorted(one.name for one in files), modes, headers, loaded.status, body.decode()]
from pip._vendor.requests import Request
found = []
for kind in ("pip", "quiet"):
    folder = pathlib.Path(case["folder"], kind)
    folder.mkdir(mode=0o750)
    own, _ = install.parse_args([*case["options"], f"--cache-dir={folder}"])
    with install.main_context():
        session = install._build_session(own)
        asking = quiet_session(session) if kind == "quiet" else session
        for url in case["urls"]:
            with asking.get(url, headers=PLAIN, stream=True) as answer:
                answer.content
            first = kept(folder, url)
            times = [one.stat().st_mtime_ns for one in folder.rglob("*") if one.is_file()]
            with asking.get(url, headers={**PLAIN, "Cache-Control": "max-age=0"}, stream=True) as answer:
                again = [answer.status_code, answer.from_cache, answer.text == first[-1]]
            same = times == [one.stat().st_mtime_ns for one in folder.rglob("*") if one.is_file()]
            found.append([first, again, kept(folder, url) == first, same])
print(json.dumps(found))
"""
)

# Metadata files and rankings, both ways.
REMEMBERED = (
    BEGIN
    + """
import inspect
from types import SimpleNamespace
from pip._internal.cache import SimpleWheelCache
from pip._internal.models.link import Link
from pip._internal.utils.compatibility_tags import get_supported
from pip._internal.utils.temp_dir import global_tempdir_manager
from pip._vendor.packaging.specifiers import SpecifierSet
from repoprio.pip_adapter.finder import judge
from repoprio.pip_adapter.resolver import remembering

def said(ask):
    try:
        return repr(ask())
    except Exception as error:
        return type(error).__name__

def facts(dist):
    asks = {
        "name": lambda: (dist.raw_name, dist.canonical_name), "version": lambda: dist.version,
        "needs": lambda: [str(one) for one in dist.iter_dependencies(("x", "y"))],
        "bare": lambda: [str(one) for one in dist.iter_dependencies()],
        "extras": lambda: list(dist.iter_provided_extras()), "python": lambda: dist.requires_python,
        "all": lambda: dist.metadata.items(), "body": lambda: dist.metadata.get_payload(),
        "record": lambda: dist.read_text("RECORD"), "text": lambda: dist.read_text("METADATA"),
        "dict": lambda: getattr(dist, "metadata_dict", None),
        "installer": lambda: dist.installer, "url": lambda: dist.direct_url, "is": lambda: dist.is_file("METADATA"),
    }
    return {name: said(ask) for name, ask in asks.items()}

with install.main_context(), global_tempdir_manager():
    finder = install._build_package_finder(options, install.get_default_session(options))
    if compat.get_metadata_distribution:
        known = remembering.Distributions()
        for text in case["metadata"]:
            content = text.encode("latin-1")
            ours = known.of(content, "acme-1.0-py3-none-any.whl", "acme")
            pips = compat.distribution_of(content, "acme-1.0-py3-none-any.whl", "acme")
            assert facts(ours) == facts(pips), (facts(ours), facts(pips))
            assert known.of(content, "acme-1.0-py3-none-any.whl", "acme") is ours
            assert known.of(content, "acme-1.0-py3-none-any.whl", "other") is not ours
    for prefers in (False, True):
        finder._candidate_prefs.prefer_binary = prefers
        for asked in (("acme", SpecifierSet(">=1"), None), ("other", None, None), ("acme", SpecifierSet(""), None)):
            ours, pips = judge.evaluator_of(finder, *asked), finder.make_candidate_evaluator(*asked)
            settings = {name: value for name, value in vars(ours).items() if name != "_sort_key"}
            assert type(ours) is type(pips) and settings == vars(pips), (settings, vars(pips))
    tags = judge.evaluator_of(finder, "a", None, None)._wheel_tag_preferences
    assert judge.evaluator_of(finder, "b", None, None)._wheel_tag_preferences is tags

class Tags(list):
    def __iter__(self):
        ranked.append(1)
        return super().__iter__()
ranked, tags = [], Tags(get_supported())
formats = [options.format_control][: len(inspect.signature(SimpleWheelCache).parameters) - 1]
simple = SimpleWheelCache(case["cache"], *formats)
link = Link("https://files.example/acme-1.0.tar.gz")
def found():
    ranked.clear()
    return simple.get(link, "acme", tags).url, bool(ranked)
with remembering.remembering():
    assert found() == (link.url, False)
    folder = simple.get_path_for_link(link)
    os.makedirs(folder)
    open(os.path.join(folder, "acme-1.0-py3-none-any.whl"), "w").close()
    remembered = found()
    assert remembered == (f"file://{folder}/acme-1.0-py3-none-any.whl", True), remembered
assert found() == remembered

resolution, asked = remembering._resolution_class(), []
class Provider:
    def is_satisfied_by(self, requirement, candidate):
        asked.append((requirement, candidate))
        return requirement == candidate
class Criterion:
    def __init__(self, *requirements):
        self.requirements = requirements
    def iter_requirement(self):
        return iter(self.requirements)
one = resolution(Provider(), SimpleNamespace())
pins = {"a": 1, "b": 2}
one._states = [SimpleNamespace(mapping=pins)]
def answers(*criteria):
    asked.clear()
    return [one._is_current_pin_satisfying(name, criterion) for name, criterion in criteria], len(asked)
first, second, third = Criterion(1), Criterion(2, 2), Criterion(3)
with remembering.remembering():
    cases = [("a", first), ("b", second), ("c", third)]
    assert answers(*cases) == ([True, True, False], 3)
    assert answers(*cases) == ([True, True, False], 0)
    pins["a"] = 2
    assert answers(*cases) == ([False, True, False], 1)
    assert answers(("a", second), ("b", third)) == ([True, False], 3)
assert answers(("a", second), ("a", second)) == ([True, True], 4)

from pip._internal.resolution.resolvelib.provider import PipProvider
class Noting(PipProvider):
    def get_preference(self, identifier, *args, **kwargs):
        asked.append(identifier)
        return super().get_preference(identifier, *args, **kwargs)
class Requirement:
    def __init__(self, specifier):
        self.need = SimpleNamespace(specifier=SpecifierSet(specifier))
    def get_candidate_lookup(self):
        return None, self.need
def criterion(*specifiers):
    return SimpleNamespace(information=[(Requirement(one), None) for one in specifiers])
provider = Noting.__new__(Noting)
provider._user_requested, provider._known_depths, provider._conflict_promoted = {"b": 0}, {}, set()
criteria = {"a": criterion(">=1"), "b": criterion(""), "c": criterion(">=1", "!=2")}
two = resolution(provider, SimpleNamespace())
two._states = [SimpleNamespace(mapping={}, criteria=criteria, backtrack_causes=[])]
plain, preferences = resolution._get_preference, []
def prefer():
    ours = [two._get_preference(name) for name in "abc"]
    count = len(asked)
    pips = [plain(two, name) for name in "abc"]
    asked.clear()
    assert ours == pips, (ours, pips)
    preferences.append(count)
asked.clear()
with remembering.remembering():
    prefer()
    prefer()
    criteria["a"] = criterion(">=1", "==2.*")
    prefer()
    provider._conflict_promoted.add("c")
    prefer()
    provider._user_requested = {}
    criteria["b"] = criterion("<3")
    prefer()
assert resolution._get_preference is plain
print(json.dumps(preferences))
"""
)


# How often garbage is collected before, during and after a command of pip, and whether all of it is left alone at exit;
# the second argument is the file of the program that runs pip.
COLLECTED = """
import atexit, gc, json, sys
sys.modules["__main__"].__file__ = json.loads(sys.argv[1])["program"]
limits = [gc.get_threshold()]
atexit.register(lambda: print(json.dumps([limits, gc.get_freeze_count() > 1000, gc.isenabled()])))
from pip._vendor.resolvelib import resolvers
from pip._internal.cli.main import main
resolution = getattr(resolvers, "Resolution", None) or resolvers.resolution.Resolution
resolve = resolution.resolve
def noting(*args, **kwargs):
    limits.append(gc.get_threshold())
    return resolve(*args, **kwargs)
resolution.resolve = noting
assert main(json.loads(sys.argv[1])["arguments"]) == 0
limits.append(gc.get_threshold())
"""


def run(env: object, script: str, case: dict[str, object], **variables: str) -> list[Any]:
    """What the script prints for a case."""
    environment = env.environment() | variables  # type: ignore[attr-defined]
    command = [str(env.python), "-c", script, json.dumps(case)]  # type: ignore[attr-defined]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    document: list[object] = json.loads(done.stdout.splitlines()[-1])
    return document


@pytest.mark.parametrize("pip", PIPS)
def test_requests_ahead_are_those_of_pips_session(pip: str, pip_env: EnvFactory) -> None:
    """URL, headers, login, proxies, certificates and time-out are the same; a site's proxies are looked up once."""
    urls = [
        "https://other.example/x/",
        "https://proxied.example/x/",
        "https://corp.example/a/acme/",
        "https://corp.example/b/acme/",
        "https://other.example/a b/%7Ex/?y=1#z",
        "https://u:p@third.example:8443/c/",
        "http://proxied.example/x/",
    ]
    variables = {
        "HTTPS_PROXY": "http://proxy.example:3128",
        "NO_PROXY": "other.example",
        "REQUESTS_CA_BUNDLE": "/certificates.pem",
    }
    looked = run(pip_env(pip), REQUESTS, {"urls": urls, "options": ["--timeout=7"]}, **variables)
    assert looked == [1, 1, 1, 0, 0, 1, 1] * 2


@pytest.mark.parametrize("pip", PIPS)
def test_answers_make_no_temporary_files(
    pip: str, pip_env: EnvFactory, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """A page goes straight into pip's cache, and comes from there; nothing is written outside of it."""
    corp = repository("corp", cache_control="max-age=600")
    corp.add("acme", "acme-1.0-py3-none-any.whl")
    urls = [f"{corp.page_url}{name}/" for name in ("lacking", "acme", "acme")]
    options = ["--trusted-host=127.0.0.1", "--trusted-host=localhost", f"--cache-dir={tmp_path / 'cache'}"]
    absent, page, again = run(pip_env(pip), CACHE, {"urls": urls, "options": options})
    assert absent == [404, False, True, 0]
    assert page == [200, False, True, 0]
    assert again == [200, True, True, 0]


@pytest.mark.parametrize("pip", PIPS)
def test_what_is_kept_is_what_pip_keeps(pip: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """The same files with the same permissions, headers and body; a page that did not change is not written again."""
    corp = WireServer("acme", [build("acme", parse("acme-1.0-py3-none-any.whl"))])
    case: dict[str, object] = {
        "urls": [f"{corp.page_url}acme/"], "folder": str(tmp_path), "options": ["--trusted-host=127.0.0.1"]
    }  # fmt: skip
    # CacheControl before 0.12.12 has no name for the step that writes.
    is_untouched = pip != "22.0.2"
    by_pip, ahead = run(pip_env(pip), KEPT, case)
    again = [[200, True, True], True]
    assert by_pip == [by_pip[0], *again, False]
    assert ahead == [by_pip[0], *again, is_untouched]
    assert corp.revalidations == 2
    corp.close()


@pytest.mark.parametrize("pip", PIPS)
def test_what_is_remembered_is_what_pip_works_out(pip: str, pip_env: EnvFactory, tmp_path: Path) -> None:
    """Distributions, evaluators and built wheels are those that pip finds; pins are judged again when they change.

    So are preferences, where all that they depend on is known: since pip 25.1.
    """
    begin = "Metadata-Version: 2.1\nName: Acme\nVersion: 1.0\n"
    metadata = [
        begin
        + "Requires-Python: >=3.7\nRequires-Dist: a\nRequires-Dist: b>1; extra == 'x'\nProvides-Extra: x\n\nText\n",
        begin.replace("\n", "\r\n") + "Summary: folded\r\n  twice\r\n\r\nA body\r\nof lines\r\n",
        begin + "Summary: caf\xc3\xa9\nRequires-Dist: c;\n  python_version > '3'\n",
        begin + "Summary: caf\xe9\n",
        "Name: acme\n",
        "Version: 1.0\n",
        begin + "Requires-Dist: no good at all\nRequires-Python: nonsense\n",
        "",
    ]
    asked = run(pip_env(pip), REMEMBERED, {"metadata": metadata, "cache": str(tmp_path / "cache")})
    assert asked == ([3, 0, 1, 1, 1] if pip == "26.3" else [3] * 5)


@pytest.mark.parametrize("pip", PIPS)
def test_garbage_is_collected_as_usual_after_a_resolution(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """A resolution under a policy collects seldom, and after it all is as before; without a policy nothing changes.

    A program that uses pip as a library may have objects that do something when they are freed: it frees them at exit.
    """
    case: dict[str, object] = {"arguments": ["install", "--dry-run", "-q", "acme"], "program": "/venv/bin/pip3"}
    if pip == "22.0.2":
        # It has no --dry-run.
        case |= {"arguments": ["download", "-q", "--no-deps", "-d", str(scene.folder / "files"), "acme"]}
    limits, is_left_alone, is_on = run(pip_env(pip), COLLECTED, case, REPOPRIO_CONFIG=str(scene.policy()))
    before, during, after = limits
    assert before == after
    assert during > before
    assert [is_left_alone, is_on] == [True, True]
    library = {**case, "program": "/srv/pip/tools.py"}
    assert run(pip_env(pip), COLLECTED, library, REPOPRIO_CONFIG=str(scene.policy())) == [limits, False, True]
    plain = {**case, "arguments": [*case["arguments"], "-i", scene.corp.page_url]}  # type: ignore[misc]
    limits, is_left_alone, is_on = run(pip_env(pip), COLLECTED, plain)
    assert limits == [before] * 3
    assert [is_left_alone, is_on] == [False, True]
