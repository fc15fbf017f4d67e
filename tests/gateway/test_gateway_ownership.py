"""A name stays with the repository that served it.

What is remembered, for how long, and what happens if it cannot be.
"""

from __future__ import annotations

import gzip
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from repoprio import output
from repoprio.cli import main
from repoprio.config.load import read_text
from repoprio.lookup import ownership
from repoprio.lookup.ownership import Record, UnsoundMemory, from_document
from repoprio.names import NormalizedName, normalize
from repoprio.serve import server
from repoprio.serve.stores.sqlite_store import SqliteStore
from repoprio.storage import ownership_file
from support.faults import Fault
from support.gateways import TTL, GatewayProcess, serving
from support.policy_files import TOOLS, parsed_policy
from support.repository import RepositoryServer
from support.scene import Scene, policy_text

ACME = normalize("acme")
RECORD = Record(ACME, "corp", "https://corp.example/simple/")


def tool(*arguments: str, policy: Path) -> subprocess.CompletedProcess[str]:
    """The command of this checkout."""
    return subprocess.run(
        [sys.executable, "-m", "repoprio", "ownership", *arguments],
        env={"HOME": str(policy.parent), "REPOPRIO_CONFIG": str(policy)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_clients_that_decide_by_themselves_read_all_records(scene: Scene, tmp_path: Path) -> None:
    """/ownership.json has all records, compressed on request; 503 if they cannot be read."""
    store = tmp_path / "ownership.sqlite"
    with serving(scene.parsed(), store) as served:
        assert served.get("/ownership.json").document == {"schema": 1, "records": []}
        served.page("acme")
        (record,) = from_document(served.get("/ownership.json").document)
        assert record[:2] == ("acme", "corp")
        packed = served.get("/ownership.json", accept_encoding="gzip")
        assert from_document(json.loads(gzip.decompress(packed.body))) == (record,)
        assert packed.headers["cache-control"] == "no-store"
        store.write_bytes(b"no database" * 1000)
        assert served.get("/ownership.json").state == "ownership-memory"


def test_a_record_has_no_value_of_a_variable(scene: Scene, tmp_path: Path) -> None:
    """Neither the store nor /ownership.json has values, not even in older records; both forms match the repository."""
    text = scene.policy().read_text().replace("/simple/", "/${AREA}/", 1)
    policy = read_text(text, "policy.toml", {"AREA": "simple"}, TOOLS)
    corp = policy.repositories[0]
    old = Record(normalize("old"), "before", corp.locations[0].url)
    output.hide_secrets(["/simple/"])
    try:
        with serving(policy, tmp_path / "store") as served:
            served.store.replace((), (old,))
            assert served.page("acme").headers["x-repoprio-owner"] == "corp"
            (new,) = served.store.of(normalize("acme"))
            assert new.url == f"{scene.corp.root_url}${{AREA}}/"
            assert b"/simple/" not in served.get("/ownership.json").body
    finally:
        output._secrets.clear()
    assert ownership.holders(policy, [old]) == ownership.holders(policy, [new._replace(repository="x")]) == {"corp"}


def test_no_way_out_shows_a_token_of_an_older_record(scene: Scene, tmp_path: Path) -> None:
    """Also one that was changed since, so that the policy no longer knows it: list, export and /ownership.json.

    Without a policy nobody can tell a token from a folder, so only the site is listed, and nothing is exported.
    """
    secret, store = "old-t0ken", tmp_path / "store"
    text = scene.policy().read_text().replace("/simple/", "/${TOKEN}/simple/", 1)
    scene.file.write_text(text)
    policy = read_text(text, "policy.toml", {"TOKEN": "new-t0ken"}, TOOLS)
    url = f"{scene.corp.root_url}{secret}/simple/"
    with serving(policy, store) as served:
        served.store.replace((), [Record(normalize(f"from-{name}"), name, url) for name in ("corp", "gone")])
        shown = [record.url for record in from_document(served.get("/ownership.json").document)]
    assert shown == [f"{scene.corp.root_url}${{TOKEN}}/simple/", f"{scene.corp.root_url}****"]
    for arguments in (("list",), ("list", "--format", "json"), ("export",)):
        done = tool(*arguments, "--store", str(store), policy=scene.file)
        assert (done.returncode, secret in done.stdout + done.stderr) == (0, False)
        assert all(one in done.stdout for one in shown)
    scene.file.write_text("")
    assert secret not in tool("list", "--store", str(store), policy=scene.file).stdout
    assert tool("export", "--store", str(store), policy=scene.file).returncode == 2


def test_a_deleted_project_is_not_replaced_until_it_is_released(scene: Scene, tmp_path: Path) -> None:
    """410 says who served it and how to release it; once released, it comes from any repository that has it."""
    store = tmp_path / "ownership.sqlite"
    with serving(scene.parsed(), store) as served:
        assert served.page("acme").headers["x-repoprio-owner"] == "corp"
        assert served.page("requests").headers["x-repoprio-owner"] == "public"
        scene.corp.remove("acme")
        served.now += TTL + 1
        gone = served.page("acme")
        assert (gone.status, gone.state, gone.headers["x-repoprio-owner"]) == (410, "remembered", "corp")
        assert f"where the gateway runs: repoprio ownership release acme --store {store}" in gone.document["detail"]
        (told,) = served.get("/explain/acme?format=json").document["projects"]
        assert f"repoprio ownership release acme --store {store}" in told["hint"]["text"]
        assert not scene.public.asked("acme")
    # A gateway that starts again, or another one, knows it too.
    with serving(scene.parsed(), store) as served:
        assert served.page("acme").state == "remembered"
        listed = tool("list", "--store", str(store), policy=scene.file)
        assert listed.stdout == f"acme  corp  {scene.corp.page_url}\n"
        none = tool("release", "acme", "--repository", "public", "--store", str(store), policy=scene.file)
        assert (none.returncode, f"nothing was released ({store})." in none.stdout) == (1, True), none
        released = tool("release", "ac*", "--store", str(store), policy=scene.file)
        assert (released.returncode, released.stdout) == (0, "released: acme (was corp)\n")
        assert served.page("acme").headers["x-repoprio-owner"] == "public"


def test_a_token_that_is_lost_opens_nothing(scene: Scene, tmp_path: Path) -> None:
    """A server that answers 404 without a token keeps its names, once it has served them."""
    with serving(scene.parsed(), tmp_path / "store") as served:
        served.page("acme")
        served.now += TTL + 1
        scene.corp.answer_all(Fault(status=404))
        assert served.page("acme").status == 410
    assert not scene.public.asked("acme")


@pytest.mark.parametrize(
    ("keys", "state"),
    [
        ({}, "remembered"),
        ({"extra": '[pins.a]\nprojects = ["acme"]\nrepositories = ["public"]\n'}, "fresh"),
        ({"extra": '[pins.a]\nprojects = ["acme"]\nmode = "merge"\n'}, "fresh"),
        ({"public": 'owns = ["acme"]'}, "fresh"),
        ({"corp": "enabled = false"}, "remembered"),
    ],
)
def test_a_new_policy_finds_what_an_older_one_remembered(
    keys: dict[str, str], state: str, scene: Scene, tmp_path: Path
) -> None:
    """Pins and routes come first; all other records still count."""
    with serving(scene.parsed(), tmp_path / "store") as served:
        served.page("acme")
    scene.corp.remove("acme")
    with serving(scene.parsed(**keys), tmp_path / "store") as served:
        assert served.page("acme").state == state


def test_a_repository_that_left_the_policy_closes_nothing_and_is_listed(scene: Scene, tmp_path: Path) -> None:
    """Its records are dormant; under another name at the same URL it is the same repository."""
    store = tmp_path / "store"
    with serving(scene.parsed(), store) as served:
        served.page("acme")
    scene.corp.remove("acme")
    renamed = scene.file.read_text().replace("repositories.corp", "repositories.company")
    with serving(parsed_policy(renamed), store) as served:
        assert served.page("acme").headers["x-repoprio-owner"] == "company"
        assert served.page("acme").status == 410
    scene.file.write_text(policy_text({"public": scene.public.page_url}))
    with serving(parsed_policy(scene.file.read_text()), store) as served:
        assert served.page("acme").headers["x-repoprio-owner"] == "public"
    assert "dormant" in tool("list", "--store", str(store), policy=scene.file).stdout
    document = json.loads(tool("list", "--format", "json", "--store", str(store), policy=scene.file).stdout)
    assert [record["dormant"] for record in document["records"]] == [True]
    exported = json.loads(tool("export", "--store", str(store), policy=scene.file).stdout)
    assert exported == {
        "schema": 1,
        "records": [{"project": "acme", "repository": "corp", "url": f"{scene.corp.root_url}****"}],
    }


def test_an_export_brings_back_each_record_as_it_was_or_none(scene: Scene, tmp_path: Path) -> None:
    """A URL that the policy does not have is not printed: such a record is not shortened by the way back."""
    store, other, file = tmp_path / "store", tmp_path / "other", tmp_path / "export.json"
    was = [
        Record(normalize("acme"), "corp", scene.corp.page_url.rstrip("/")),
        Record(normalize("ledger"), "gone", f"{scene.corp.root_url}gone/simple/"),
    ]
    whole = scene.file.read_text()
    with serving(scene.parsed(), store) as served:
        served.store.replace((), was)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return tool(*arguments, policy=scene.file)

    done = run("export", "--store", str(store))
    assert (done.returncode, "1 record has only the site" in done.stderr) == (0, True)
    assert "ledger (gone, " in done.stderr
    assert "gone/simple" not in done.stdout + done.stderr
    file.write_text(done.stdout)
    # Where the record is, it stays as it is.
    assert run("init", "--from", str(file), "--store", str(store)).returncode == 0
    assert ownership_file.read(str(store)) == tuple(was)
    # Elsewhere nothing is begun.
    refused = run("init", "--from", str(file), "--store", str(other))
    assert (refused.returncode, other.exists()) == (2, False)
    assert "nothing was added: 1 record has only the site of a URL" in refused.stderr
    assert "aliases of a repository; or name the SQLite file itself: --from" in refused.stderr
    # Both ways that the hint names.
    assert run("init", "--from", str(store), "--store", str(other)).returncode == 0
    assert ownership_file.read(str(other)) == tuple(was)
    scene.file.write_text(whole.replace("priority = 10", f'priority = 10\naliases = ["{was[1].url}"]'))
    done = run("export", "--store", str(store))
    assert done.stderr == ""
    file.write_text(done.stdout)
    assert run("init", "--from", str(file), "--store", str(tmp_path / "third")).returncode == 0
    assert ownership_file.read(str(tmp_path / "third")) == tuple(was)


def test_a_repository_that_was_renamed_and_moved_keeps_its_names(scene: Scene, tmp_path: Path) -> None:
    """`renamed-from` says which one it was, since neither its name nor its URL does."""
    store = tmp_path / "store"
    with serving(scene.parsed(), store) as served:
        served.page("acme")
    scene.corp.remove("acme")
    with RepositoryServer("company") as company:
        text = scene.file.read_text().replace("repositories.corp", "repositories.company")
        text = text.replace(scene.corp.page_url, company.page_url)
        renamed = text.replace("priority = 10", 'priority = 10\nrenamed-from = ["corp"]')
        with serving(parsed_policy(renamed), store) as served:
            answer = served.page("acme")
            assert (answer.state, answer.headers["x-repoprio-owner"]) == ("remembered", "company")
        scene.file.write_text(renamed)
        assert tool("list", "--store", str(store), policy=scene.file).stdout.endswith("  (now company)\n")
        document = json.loads(tool("list", "--format", "json", "--store", str(store), policy=scene.file).stdout)
        assert [(record["dormant"], record["holder"]) for record in document["records"]] == [(False, "company")]
        assert not scene.public.asked("acme")
        with serving(parsed_policy(text), store) as served:
            assert served.page("acme").headers["x-repoprio-owner"] == "public"


def _gone(store: Path) -> None:
    store.unlink()


def _garbage(store: Path) -> None:
    store.write_bytes(b"\0" * 8192)


def _flipped(store: Path) -> None:
    with sqlite3.connect(store) as database:
        database.execute("UPDATE ownership SET repository = 'public'")


def _flipped_key(store: Path) -> None:
    """Change the name in a record's key, so that it is not found any more."""
    with sqlite3.connect(store) as database:
        database.execute("UPDATE ownership SET project = 'acne'")


def _locked_away(store: Path) -> None:
    store.unlink()
    store.mkdir()


def _made_anew(store: Path) -> None:
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()
    SqliteStore(str(store)).prepare()


@pytest.mark.parametrize("damage", [_gone, _garbage, _flipped, _flipped_key, _locked_away, _made_anew])
def test_memory_that_cannot_be_read_is_never_guessed(
    damage: Callable[[Path], None], scene: Scene, tmp_path: Path
) -> None:
    """Fresh pages are served; for other names it is 503, since nobody knows who owned them."""
    store = tmp_path / "ownership.sqlite"
    scene.corp.add("ledger", "1.0")
    with serving(scene.parsed(), store) as served:
        assert served.page("acme").status == 200
        for leftover in tmp_path.glob("ownership.sqlite-*"):
            leftover.unlink()
        damage(store)
        assert served.page("acme").status == 200
        served.now += TTL + 1
        answer = served.page("acme")
        assert (answer.status, answer.state) == (503, "ownership-memory")
    assert not scene.public.asked("acme")


def test_a_lost_memory_is_not_begun_again_silently(scene: Scene, tmp_path: Path) -> None:
    """A gateway that begins one says so; with --store-must-exist it does not start, and creates no file."""
    store = tmp_path / "folder" / "store"
    with pytest.raises(AssertionError, match=r"store does not exist(?s:.*)\[store\]"):
        GatewayProcess(scene.policy(), store, "--store-must-exist")
    assert not store.parent.exists()
    with GatewayProcess(scene.file, store) as process:
        assert f"began a new ownership memory: {store}\n" in process.greeting
        assert "[new-store]" in process.greeting
    with GatewayProcess(scene.file, store, "--store-must-exist") as process:
        assert process.greeting.startswith("repoprio: serving")
    store.write_bytes(b"")
    with pytest.raises(AssertionError, match=r"holds no ownership memory(?s:.*)\[store\]"):
        GatewayProcess(scene.file, store, "--store-must-exist")


def test_two_gateways_that_look_at_once_serve_one_owner(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has served corp's page while the other waits for corp, which has lost the name meanwhile: it stays corp's."""
    policy, store = scene.parsed(), tmp_path / "store"
    with serving(policy, store) as one, serving(policy, store) as other:
        look = other.store.of

        def first_look(project: NormalizedName) -> tuple[Record, ...]:
            monkeypatch.setattr(other.store, "of", look)
            found = look(project)
            with ThreadPoolExecutor(1) as beside:
                assert beside.submit(one.page, "acme").result().headers["x-repoprio-owner"] == "corp"
            scene.corp.remove("acme")
            return found

        monkeypatch.setattr(other.store, "of", first_look)
        assert other.page("acme").state == "remembered"


def test_memory_that_cannot_be_written_serves_nothing_new(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a full disk nobody gets the page: the owner must be on the disk first."""
    with serving(scene.parsed(), tmp_path / "store") as served:

        def full(*_: object) -> None:
            raise UnsoundMemory("database or disk is full")

        monkeypatch.setattr(served.store, "replace", full)
        assert served.page("acme").state == "ownership-memory"
        # Nothing is recorded for this one: no repository is below its owner.
        assert served.page("requests").status == 200


def test_what_was_served_is_remembered_whatever_becomes_of_the_process(scene: Scene, tmp_path: Path) -> None:
    """After kill -9 right after an answer, the record is on the disk."""
    scene.policy()
    with GatewayProcess(scene.file, tmp_path / "store") as process:
        done = subprocess.run(
            [sys.executable, "-c", f"import urllib.request as r; r.urlopen('{process.url}acme/').read()"], check=True
        )
        assert done.returncode == 0
        process.stop(signal.SIGKILL)
    assert [record.project for record in SqliteStore(str(tmp_path / "store")).all()] == ["acme"]


def test_two_gateways_may_share_one_file(tmp_path: Path) -> None:
    """Writers wait for each other, and no record is lost."""
    path = str(tmp_path / "store")
    SqliteStore(path).prepare()

    def write(first: int) -> None:
        store = SqliteStore(path)
        for number in range(first, first + 25):
            store.replace((), [RECORD._replace(project=normalize(f"p{number}"))])

    threads = [threading.Thread(target=write, args=(25 * number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(SqliteStore(path).all()) == 75


def test_all_who_begin_with_one_file_know_it_again(tmp_path: Path) -> None:
    """Gateways that start at once recognize the file too; new records do not make it another file."""
    path = str(tmp_path / "store")
    stores = [SqliteStore(path) for _ in range(4)]
    stores[0].prepare()
    threads = [threading.Thread(target=store.prepare) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stores[0].replace((), [RECORD])
    assert all(store.of(ACME) == (RECORD,) for store in stores)


def test_a_store_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """A newer gateway may keep more in it."""
    path = tmp_path / "store"
    SqliteStore(str(path)).prepare()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 9")
    with pytest.raises(UnsoundMemory, match="another version"):
        SqliteStore(str(path)).prepare()
    assert os.path.getsize(path)


@pytest.mark.parametrize(
    ("may", "reason"),
    [(False, "this user must be able to read and write it"), (True, "SQLite cannot open it and does not say why")],
)
def test_a_store_that_cannot_be_opened(may: bool, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite does not say why; the message names the file, and the rights that are needed only if they are missing."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    monkeypatch.setattr(os, "access", lambda *_: may)
    with pytest.raises(UnsoundMemory, match=f"{tmp_path}/store: {reason}"):
        SqliteStore(str(tmp_path / "store")).prepare()


@pytest.mark.parametrize("count", [1, 25])
def test_the_hint_opens_no_name_that_is_kept(count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A repository moved and was renamed: what it served at its new URL is kept, what it served before is dormant."""
    policy = parsed_policy('[repositories.main]\nurl = "https://new.example/simple/"\npriority = 10\n')
    store = SqliteStore(str(tmp_path / "store"))
    dormant = [Record(normalize(f"foo{n:02}"), "corp", "https://old.example/simple/") for n in range(count)]
    store.begin([RECORD._replace(url="https://new.example/simple/"), *dormant])
    said: list[str] = []
    server._tell_dormant(policy, store, said.append)
    command, _, rest = said[0].partition("gone for good: repoprio ")[2].partition("    [")[0].partition(" (")
    assert main.run(shlex.split(command)) == 0
    left = [record.project for record in store.all()]
    assert left == ["acme", *(record.project for record in dormant[20:])], capsys.readouterr().out
    assert rest == (f"5 more are dormant: repoprio ownership list --store {store.path})" if count > 20 else "")


def test_looking_makes_no_record(scene: Scene, tmp_path: Path) -> None:
    """Nothing was served yet, and the commands say so; an invalid name is wrong use."""
    scene.policy()
    store = str(tmp_path / "none")
    assert "No name is remembered" in tool("list", "--store", store, policy=scene.file).stdout
    unknown = tool("release", "acme", "--store", store, policy=scene.file)
    assert (unknown.returncode, f"({store} does not exist)" in unknown.stdout) == (1, True), "a misspelled --store"
    assert tool("release", "a b", "--store", store, policy=scene.file).returncode == 2
    assert not os.path.exists(store)
    folder = tool("list", "--store", str(tmp_path), policy=scene.file).stderr
    assert f"cannot be used: {tmp_path} is a folder, not a file\n" in folder
    (tmp_path / "broken").write_bytes(b"x" * 4096)
    done = tool("list", "--store", str(tmp_path / "broken"), policy=scene.file)
    assert (done.returncode, "Traceback" in done.stderr, "[store]" in done.stderr) == (2, False, True)
    assert f"{tmp_path / 'broken'}: file is not a database" in done.stderr
