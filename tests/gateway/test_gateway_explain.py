"""Why a client gets what it gets: the gateway's explanations, for people and for programs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from repoprio import output
from repoprio.config.load import read_text
from repoprio.explain.explanation import Tried
from repoprio.names import normalize
from repoprio.policy.model import Policy
from repoprio.serve.views import html
from repoprio.serve.views.explanations import Explained
from support.faults import Fault
from support.gateways import TTL, Served, serving
from support.policy_files import TOOLS
from support.scene import Scene

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


def policy_of(scene: Scene, extra: str = "", **own: str) -> Policy:
    """The policy of a scene, as the command line reads it."""
    file = scene.policy(extra, at={}, before="", **own)
    return read_text(file.read_text(), str(file), {}, TOOLS)


@pytest.fixture
def served(scene: Scene, tmp_path: Path) -> Iterator[Served]:
    """A gateway for corp above public."""
    with serving(policy_of(scene), tmp_path / "store") as made:
        yield made


def by_command(scene: Scene, project: str) -> dict[str, Any]:
    """The output of ``repoprio explain`` for a project."""
    done = subprocess.run(
        [sys.executable, "-m", "repoprio", "explain", project, "--format", "json"],
        env={"HOME": str(scene.folder), "REPOPRIO_CONFIG": str(scene.file), "PIP_RETRIES": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    (project_told,) = json.loads(done.stdout)["projects"]
    return dict(project_told)


def asked(served: Served, project: str) -> dict[str, Any]:
    """The gateway's explanation of it."""
    answer = served.get(f"/explain/{project}?format=json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    (project_told,) = answer.document["projects"]
    return dict(project_told)


class SeenPage(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note its text."""
        self.text += data


def test_refusals_are_explained_as_on_the_command_line(scene: Scene, tmp_path: Path) -> None:
    """If no file is chosen, the gateway knows everything that the command knows: the documents are equal."""
    scene.corp.answer("down", Fault(status=500))
    extra = '[pins.secret]\nprojects = ["secret"]\nblock = "never"\n'
    extra += '[pins.mine]\nprojects = ["mine"]\nrepositories = ["corp"]\n'
    with serving(policy_of(scene, extra), tmp_path / "store") as served:
        for project, code in {"none": "absent", "mine": "owned-absent", "secret": "blocked"}.items():
            found = asked(served, project)
            assert found == by_command(scene, project)
            assert found["code"] == code
        found, cli = asked(served, "down"), by_command(scene, "down")
        assert found["repositories"][1] == cli["repositories"][1]
        assert (found["code"], found["repository"], found["rules"]) == ("unavailable", "corp", cli["rules"])


def test_the_owner_is_explained_but_the_choice_is_the_clients(served: Served, scene: Scene) -> None:
    """Only version, file and rejected files differ from the command line: they depend on the client's Python."""
    found, cli = asked(served, "acme"), by_command(scene, "acme")
    assert (found["version"], found["file"], found["rejected"]) == (None, None, [])
    assert cli["version"] is not None
    for document in (found, cli):
        for key in ("version", "file", "rejected", "reason"):
            del document[key]
        document["repositories"][0]["reason"] = document["repositories"][0]["reason"].partition(";")[0]
    assert found == cli
    assert found["outcome"] == "served"


def test_explaining_makes_no_record_and_asks_only_the_owner(served: Served, scene: Scene) -> None:
    """Public does not learn the name, and an explanation does not make corp its owner."""
    assert served.get("/explain/acme", accept=HTML).status == 200
    assert served.get("/").status == served.get("/explain/").status == 200
    assert served.store.all() == ()
    assert not scene.public.asked("acme")


def test_what_is_shadowed_is_shown_only_if_an_administrator_says_so(scene: Scene, tmp_path: Path) -> None:
    """With --show-shadowed the gateway asks below the owner; corp still owns the name."""
    with serving(policy_of(scene), tmp_path / "store", shows_shadowed=True) as served:
        explained = asked(served, "acme")
        assert [line["status"] for line in explained["repositories"]] == ["served", "shadowed"]
        assert (explained["repository"], explained["repositories"][1]["versions"]) == ("corp", ["99.0"])
        assert served.store.all() == ()
        assert served.page("acme").only_from(scene.corp)
        served.now += 2
        again = asked(served, "acme")["repositories"]
        assert [line["status"] for line in again] == ["served", "shadowed"], "the name is remembered now"


def test_it_says_when_each_repository_was_asked_and_what_clients_get(served: Served, scene: Scene) -> None:
    """First the fresh page, then the stale one; a repository that is known to be down is not asked."""
    before = served.get("/explain/acme", accept=HTML).body.decode()
    assert "<dd>200, the page of corp</dd>" in before
    assert re.search(r"<dt>Answered</dt><dd>\d+ ms after \d\d:\d\d:\d\d UTC</dd>", before)
    served.page("acme")
    served.now += 12
    kept = served.get("/explain/acme", accept=HTML).body.decode()
    assert "200, the page of corp: 12 s old, good for 48 s more" in kept
    scene.corp.answer("acme", Fault(status=500))
    served.now += TTL
    down = served.get("/explain/acme", accept=HTML).body.decode()
    assert "200, the page of corp: 72 s old, marked as stale" in down
    assert re.search("<dt>Answered</dt><dd>500, [0-9]+ ms after", down)
    assert served.page("acme").state == "stale"
    scene.corp.answer("down", Fault(status=500))
    refused = served.get("/explain/down", accept=HTML).body.decode()
    assert "503, a repository that may own this project is unavailable" in refused


def test_a_remembered_name_says_who_served_it(served: Served, scene: Scene) -> None:
    """The explanation has the same memory as the page."""
    assert served.page("acme").status == 200
    scene.corp.remove("acme")
    served.now += TTL + 1
    assert asked(served, "acme")["code"] == "remembered"
    assert "repoprio ownership release acme" in served.get("/explain/acme", accept=HTML).body.decode()


def test_without_its_memory_nothing_is_explained(served: Served, tmp_path: Path) -> None:
    """Otherwise it would explain what no client gets."""
    (tmp_path / "store").unlink()
    assert (served.get("/explain/acme").status, served.get("/explain/acme").state) == (503, "ownership-memory")
    page = served.get("/explain/acme", accept=HTML)
    assert (page.status, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "The ownership memory is unavailable" in page.body.decode()


def test_a_name_is_typed_in_any_spelling(served: Served, scene: Scene) -> None:
    """The field leads to the page of the normalized name; an invalid name is reported, and reaches no repository."""
    answer = served.get("/explain/?name=Ac_Me", accept=HTML)
    assert (answer.status, answer.headers["location"]) == (303, "ac-me")
    assert served.get("/explain/Acme").headers["location"] == "acme"
    assert served.get("/explain/acme/").headers["location"] == "../acme"
    assert served.get("/explain").headers["location"] == "explain/"
    answer = served.get("/explain/?name=%3Cscript%3Ealert(1)%3C/script%3E", accept=HTML)
    assert (answer.status, b"<script" in answer.body) == (404, False)
    assert b"&lt;script&gt;" in answer.body
    for path in ("/explain/..%2f", "/explain/%3Cb%3E", "/explain/a%0d%0ab", "/explain/acme/x"):
        assert served.get(path).status == 404
    assert scene.corp.requests == scene.public.requests == []


def test_pages_load_nothing_and_run_nothing(served: Served) -> None:
    """Their style sheet is inline, allowed by its digest; they are readable on a phone and in dark mode."""
    for path in ("/", "/explain/acme", "/explain/none"):
        answer = served.get(path, accept=HTML)
        seen = SeenPage(answer.body)
        names = [tag for tag, _ in seen.tags]
        assert not {"script", "link", "img", "iframe"} & set(names)
        assert not [
            name for _, attributes in seen.tags for name in attributes if name.startswith("on") or name == "style"
        ]
        assert re.fullmatch(
            r"default-src 'none'; style-src 'sha256-[\w+/]+='; form-action 'self'; base-uri 'none'; "
            r"frame-ancestors 'none'",
            answer.headers["content-security-policy"],
        )
        assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in seen.tags
        assert "color-scheme" in seen.text
        assert answer.headers["cache-control"] == "no-store"


def test_hostile_text_stays_text(scene: Scene, tmp_path: Path) -> None:
    """Text from a policy, a server or a file name is shown, not run; secrets of the policy are not shown."""
    scene.corp.answer("acme", Fault(status=404))
    evil = '<img src=x onerror="alert(1)">'
    extra = f"[pins.acme]\nprojects = ['acme']\nblock = '''{evil} token-s3cret'''\n"
    output.hide_secrets(["token-s3cret"])
    try:
        with serving(policy_of(scene, extra), tmp_path / "store") as served:
            page = served.get("/explain/acme", accept=HTML).body
            assert b"<img" not in page
            assert b"&lt;img src=x onerror=" in page
            assert b"token-s3cret" not in page
            assert b"token-s3cret" not in served.get("/explain/acme?format=json").body
    finally:
        output._secrets.clear()


def test_files_that_have_to_wait_are_explained(scene: Scene, tmp_path: Path) -> None:
    """An owner whose files are all too young serves nothing yet, and the page says from when it will."""
    with serving(policy_of(scene, corp='min-age = "3000 days"'), tmp_path / "store") as served:
        explained = asked(served, "acme")
        assert (explained["outcome"], explained["code"]) == ("no-match", "too-young")
        assert {rejected["kind"] for rejected in explained["rejected"]} <= {"too-young", "no-upload-time"}
        assert explained["rejected"]
        assert b"Left out" in served.get("/explain/acme", accept=HTML).body


def test_a_merged_name_has_no_one_owner(scene: Scene, tmp_path: Path) -> None:
    """The newest version decides, and the gateway does not know which one a client takes."""
    extra = '[pins.acme]\nprojects = ["acme"]\nrepositories = ["corp", "public"]\nmode = "merge"\n'
    with serving(policy_of(scene, extra), tmp_path / "store") as served:
        explained = asked(served, "acme")
        assert explained["code"] == "merged"
        assert "?" not in explained["reason"]


def test_the_form_is_the_one_that_the_client_prefers(served: Served) -> None:
    """A page for a browser and for curl; JSON by Accept or ?format=json."""
    assert served.get("/explain/acme", accept="application/json").document["schema"] == 1
    for accept in (HTML, "*/*", "application/json;q=0.1, text/html"):
        assert served.get("/explain/acme", accept=accept).headers["content-type"] == "text/html; charset=utf-8"
    assert served.get("/explain/acme", method="HEAD", accept=HTML).body == b""


def test_mirrors_and_where_to_get_help_are_shown(served: Served) -> None:
    """Each URL that gave no usable answer is shown; a query that is too long is ignored."""
    found = served.run(lambda: served.gateway.explanation(normalize("nobody")))
    assert isinstance(found, Explained)
    first = replace(found.explanation.lines[0], failures=(Tried("https://mirror.example/", "500"),))
    told = replace(found.explanation, help="ask <us>", lines=(first,))
    seen = SeenPage(html.explained(replace(found, explanation=told), 60, str))
    assert "https://mirror.example/: 500" in seen.text
    assert "ask <us>" in seen.text
    assert served.get(f"/explain/?name=acme&x={'a' * 3000}", accept=HTML).status == 200
