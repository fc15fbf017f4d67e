"""`ownership` in a policy: pip keeps closed the names that a gateway remembers, and refuses if it cannot read them."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import urlopen

import pytest

from repoprio.lookup.ownership import Record, UnsoundMemory
from repoprio.names import normalize
from repoprio.serve.stores.sqlite_store import SqliteStore
from repoprio.storage import ownership_file
from support.faults import Fault
from support.fixtures import EnvFactory
from support.gateways import GatewayProcess
from support.scene import Scene, refused

RECORD = Record(normalize("acme"), "corp", "https://corp.example/simple/")


def test_pip_reads_the_records_of_a_gateway(scene: Scene, pip_env: EnvFactory) -> None:
    """A name that corp lost is refused below it, even as a dependency.

    Public never learns it, not even ahead of pip; `explain` names the setting.
    """
    scene.corp.add("tool", {"version": "1.0", "requires": ["acme"]})
    with GatewayProcess(scene.policy(), scene.folder / "ownership.sqlite") as gateway:
        urlopen(f"{gateway.url}acme/").close()
        scene.corp.remove("acme")
        memory = gateway.url.replace("/simple/", "/ownership.json")
        policy = scene.policy(before=f'ownership = "{memory}"')
        env = pip_env("26.3")
        message = refused(env.run("install", "--dry-run", "tool", policy=policy), "remembered")
        assert "corp (priority 10) served acme before, and does not have it now." in message
        assert f'rule: ownership = "{memory}"' in message
        assert env.run("install", "--dry-run", "--no-deps", "requests", policy=policy).code == 0
        done = env.tool("explain", "acme", "--format", "json", policy=policy)
        (project,) = json.loads(done.stdout)["projects"]
        assert (done.code, project["code"], project["repository"]) == (1, "remembered", "corp")
        assert project["rules"][0]["key"] == "ownership"
        compared = json.loads(env.tool("compare", "tool", "--format", "json", policy=policy).stdout)
        assert [one["code"] for one in compared["projects"] if one["project"] == "acme"] == ["remembered"]
        assert not scene.public.asked("acme")


def test_a_memory_that_cannot_be_read_closes_what_is_below(scene: Scene, pip_env: EnvFactory) -> None:
    """Any unusable answer closes the lower repositories; names that corp serves itself can still be installed."""
    env = pip_env("26.3")
    place = f"{scene.corp.page_url}memory/"
    policy = scene.policy(before=f'ownership = "{place}"')
    for fault, why in (
        (Fault(status=503), "503"),
        (Fault(redirect="https://elsewhere.example/"), "it redirects elsewhere"),
        (Fault(body="[" * 100_000), "it is nested too deeply"),
        (Fault(json={"schema": 2, "records": []}), "it is not a document of records of this version of repoprio"),
    ):
        scene.corp.answer("memory", fault)
        done = env.run("install", "--dry-run", "--no-deps", "--retries", "0", "requests", policy=policy)
        message = refused(done, "ownership-memory")
        assert f"requests: nobody knows who served it before: {place} cannot be read: {why}" in message
        assert "public (priority 90) was not asked." in message
        assert not scene.public.asked("requests")
    compared = json.loads(env.tool("compare", "requests", "--format", "json", policy=policy).stdout)
    assert [project["code"] for project in compared["projects"]] == ["ownership-memory"]
    assert not scene.public.asked("requests")
    assert env.run("install", "--dry-run", "--no-deps", "--retries", "0", "acme", policy=policy).code == 0


def test_a_file_without_sqlite(scene: Scene, pip_env: EnvFactory) -> None:
    """If this Python has no sqlite3, pip refuses, and says what to name instead."""
    store = scene.folder / "ownership.sqlite"
    SqliteStore(str(store)).begin()
    policy = scene.policy(before=f"ownership = '{store}'")
    (scene.folder / "sqlite3.py").write_text("raise ImportError")
    done = pip_env("26.3").run(
        "install", "--dry-run", "--no-deps", "requests", policy=policy, env={"PYTHONPATH": str(scene.folder)}
    )
    assert "this Python has no sqlite3: name the URL of a gateway instead" in refused(done, "ownership-memory")


def test_observe_mode_reports_what_is_remembered(scene: Scene, pip_env: EnvFactory) -> None:
    """Pip takes the stranger's acme, and the log has the code."""
    store = scene.folder / "ownership.sqlite"
    SqliteStore(str(store)).begin([RECORD])
    scene.corp.remove("acme")
    policy = scene.policy(before=f"mode = 'observe'\nownership = '{store}'")
    log = scene.folder / "log.jsonl"
    done = pip_env("26.3").run(
        "install", "--dry-run", *scene.indexes, "acme", policy=policy, env={"REPOPRIO_LOG": str(log)}
    )
    assert "Would install acme-99.0" in done.stdout, done.stderr
    assert json.loads(log.read_text())["code"] == "remembered"


def test_audit_says_what_it_cannot_judge(scene: Scene, pip_env: EnvFactory) -> None:
    """A lock is compared with the remembered owners; an unreadable memory is reported."""
    lock = scene.folder / "requirements.txt"
    lock.write_text("requests==2.0\n")
    policy = scene.policy(before="ownership = '/no/such/file'")
    done = pip_env("26.3").tool("audit", "-r", str(lock), policy=policy)
    why = "nobody knows who served names before: /no/such/file cannot be read: there is no such file"
    assert why in " ".join(done.stdout.split()), done.stdout
    assert not scene.public.asked("requests")


def test_each_file_that_is_no_memory(tmp_path: Path) -> None:
    """A missing file, another file, another version, a changed record; a valid one is read and not written."""
    path = tmp_path / "ownership.sqlite"
    with pytest.raises(UnsoundMemory, match="there is no such file"):
        ownership_file.read(str(path))
    path.write_bytes(b"")
    with pytest.raises(UnsoundMemory, match="it holds no ownership memory"):
        ownership_file.read(str(path))
    path.unlink()
    store = SqliteStore(str(path))
    store.begin([RECORD])
    before = path.read_bytes()
    assert ownership_file.read(str(path)) == (RECORD,)
    assert path.read_bytes() == before
    path.write_bytes(before.replace(b"corp.example", b"evil.example"))
    with pytest.raises(UnsoundMemory, match="damaged"):
        ownership_file.read(str(path))
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(UnsoundMemory, match="not a database"):
        ownership_file.read(str(path))
