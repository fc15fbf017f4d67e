"""`repoprio doctor` with a policy that names a gateway: whether clients without the hook ask only that."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from repoprio.cli.doctoring import ownership
from repoprio.cli.main import run
from repoprio.config.load import read_text
from repoprio.config.pip import policy_section
from repoprio.config.pip.indexes import named
from repoprio.doctor import gateway_check
from repoprio.doctor.pip_check import Examined
from repoprio.doctor.pips import Pip, PipFacts
from repoprio.doctor.trial_repositories import Trial, bench
from repoprio.lookup.ownership import Record
from repoprio.names import normalize
from repoprio.render import doctor as rendered
from repoprio.serve.stores.sqlite_store import SqliteStore
from support.doctors import NO_PIPS, screen
from support.fixtures import EnvFactory, RepositoryFactory
from support.gateways import GatewayProcess
from support.policy_files import TOOLS, parsed_policy
from support.scene import Scene, policy_text

GATEWAY = "https://gate.example/simple/"
POLICY = policy_text({"corp": "https://corp.example/simple/"}, before=f'gateway = "{GATEWAY}"')


def test_clients_that_have_only_the_gateway_obey(pip_env: EnvFactory, tmp_path: Path) -> None:
    """A pip without the hook whose only index it is, and uv with its export; nothing is asked without --network."""
    env, stock = pip_env("26.3"), pip_env("24.0", stock=True)
    policy, conf = tmp_path / "repoprio.toml", tmp_path / "pip.conf"
    policy.write_text(POLICY)
    conf.write_text("[global]\nindex-url = https://GATE.example/simple\n")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv is not None
    folder = tmp_path / "xdg" / "uv"
    folder.mkdir(parents=True)
    (folder / "uv.toml").write_text(env.tool("export", "uv", policy=policy).stdout)
    path = tmp_path / "bin"
    path.mkdir()
    (path / "uv").symlink_to(uv)
    variables = {"PATH": str(path), "XDG_CONFIG_HOME": str(folder.parent), "PIP_CONFIG_FILE": str(conf)}
    options = ("doctor", "--format", "json", "--venv", str(stock.root))
    done = env.tool(*options, policy=policy, env=variables)
    document = json.loads(done.stdout)
    text = screen(document)
    (pip,) = (one for one in document["environments"] if one["python"] == str(stock.python))
    assert (done.code, pip["state"], pip["beside_gateway"]) == (0, "gateway", []), text
    assert f"ok     {stock.python}    pip 24.0    no hook; the gateway is its only index" in text
    assert "pips: 2 guarded, 0 not." in text
    assert f"gate   {GATEWAY}    not asked (--network)" in text
    assert [one["obeys"] for one in document["other_installers"]] == [True]
    # Without the gateway, either remedy is enough.
    asks_others = {"code": "gateway-not-asked", "what": GATEWAY, "origin": None, "fix": "pip config set"}
    pip.update(state="no-hook", fix="repoprio enable", beside_gateway=[asks_others])
    assert "fix: pip config set\n         or: repoprio enable\n" in screen(document)


@pytest.mark.parametrize(
    ("text", "variables", "told"),
    [
        (
            f"[global]\nindex-url = {GATEWAY}\n",
            {"PIP_EXTRA_INDEX_URL": "https://u:s3cret@more.example/simple/"},
            ["second-index: https://more.example/simple/ (PIP_EXTRA_INDEX_URL); unset PIP_EXTRA_INDEX_URL"],
        ),
        (
            f"[global]\nindex-url = {GATEWAY}\nfind-links = https://links.example/\n",
            {},
            ["second-index: https://links.example/ (global.find-links in F); remove global.find-links from F"],
        ),
        (
            f"[global]\nindex-url = {GATEWAY}\n[install]\nextra-index-url = https://more.example/\n",
            {},
            [
                (
                    "second-index: https://more.example/ (install.extra-index-url in F); "
                    "remove install.extra-index-url from F"
                )
            ],
        ),
        (
            "",
            {},
            [
                f"gateway-not-asked: {GATEWAY} (None); PYTHON -m pip config --global set global.index-url {GATEWAY}",
            ],
        ),
    ],
    ids=["variable", "find-links", "install", "nothing"],
)
def test_each_other_index_is_named_with_its_setting(
    text: str,
    variables: dict[str, str],
    told: list[str],
    pip_env: EnvFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The requests of a real pip count, and settings for its other commands; the remedy names file and key."""
    conf = tmp_path / "pip.conf"
    conf.write_text(text)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name, value in {"PIP_CONFIG_FILE": str(conf), "HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    settings = named([(str(conf), policy_section.sections(text))], variables)
    facts = PipFacts(Pip(str(pip_env("24.0", stock=True).python)), "24.0")
    with bench(TOOLS) as tried:
        policy = parsed_policy(POLICY)
        bare = Examined(facts, trial=Trial("99.0"))
        (pip,) = gateway_check.look([bare], policy, settings, tried)
    assert pip.state.value == "no-hook"
    found = [f"{one.code}: {one.what} ({one.origin}); {one.fix}" for one in pip.beside or ()]
    python = str(pip_env("24.0", stock=True).python)
    assert [line.replace(str(conf), "F").replace(python, "PYTHON") for line in found] == told


def test_the_gateways_own_answers(scene: Scene, pip_env: EnvFactory, repository: RepositoryFactory) -> None:
    """With --network: the gateway serves this policy; another server, or no answer, is not a gateway."""
    env = pip_env("26.3")
    theirs = scene.policy().rename(scene.folder / "theirs.toml")
    other = repository("other").page_url
    script = scene.folder / "ask.py"
    script.write_text("import sys\nfrom repoprio.pip_adapter.inspect.gateway import ask\nprint(ask(sys.argv[1]))")
    with GatewayProcess(theirs, scene.folder / "ownership.sqlite") as gateway:
        memory = gateway.url.replace("simple/", "ownership.json")
        policy = scene.policy(before=f'gateway = "{gateway.url}"\nownership = "{memory}"')
        done = env.tool("doctor", "--format", "json", "--network", policy=policy, env={"PATH": NO_PIPS})
        document = json.loads(done.stdout)
        assert (document["ownership"]["records"], document["ownership"]["finding"]) == (0, None)
        assert f"ok     {memory}    remembers 0 owned names" in screen(document)
        assert (done.code, document["gateway"]["findings"]) == (0, []), screen(document)
        assert f"ok     {gateway.url}    serves, with this policy" in screen(document)
        done = env.module(str(script), other, policy=policy)
        assert done.stdout == "Answer(problem='', is_ready=None, state=None, repositories=None, cause=None)\n", (
            done.stderr
        )
    done = env.module(str(script), gateway.url, policy=policy)
    assert "Answer(problem='the connection was refused" in done.stdout, done.stderr


def test_a_memory_of_owned_names_that_cannot_be_read_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that is missing or no store, by doctor and `config check`; a URL that nobody asked is not judged."""
    store = tmp_path / "gateway.sqlite"
    file = tmp_path / "repoprio.toml"
    file.write_text(policy_text({"corp": "https://corp.example/simple/"}, before=f'ownership = "{store}"'))
    policy = read_text(file.read_text(), str(file), {}, TOOLS)
    monkeypatch.setenv("REPOPRIO_CONFIG", str(file))
    for prepare, why in (
        (lambda: None, "there is no such file"),
        (lambda: store.write_text("x" * 999), "not a database"),
    ):
        prepare()
        found = ownership.look(policy, network=False)
        assert found is not None
        assert why in found["finding"]["text"]
        said = list(rendered._ownership(found))
        assert said[0].startswith(f"  FAIL   {store}    cannot be read: ")
        assert said[0].endswith(" [ownership-memory]")
        run(["config", "check"])
        assert f"warning: {file}: ownership: cannot be read (" in capsys.readouterr().out
    store.unlink()
    SqliteStore(str(store)).begin([Record(normalize("acme"), "corp", "https://corp.example/simple/")])
    assert list(rendered._ownership(ownership.look(policy, network=False))) == [
        f"  ok     {store}    remembers 1 owned name"
    ]
    run(["config", "check"])
    assert "cannot be read" not in capsys.readouterr().out
    url = replace(policy, ownership="https://corp.example/ownership.json")
    assert "not asked (--network)" in next(rendered._ownership(ownership.look(url, network=False)))
