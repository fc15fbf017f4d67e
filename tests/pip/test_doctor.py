"""`repoprio doctor` starts real pips and reports which of them obey."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from repoprio.doctor.running import last_line
from repoprio.render import doctor, installers
from support.doctors import NO_PIPS, POLICY, report, screen
from support.faults import Fault
from support.fixtures import EnvFactory, RepositoryFactory
from support.repository import most_at_once


@pytest.mark.parametrize("pip", [pytest.param("22.0.2", marks=pytest.mark.full), "26.3"])
def test_a_guarded_and_an_unguarded_environment(
    pip: str, fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path
) -> None:
    """Its own pip obeys; one without a hook does not, is reported with a fix, and the fix guards it."""
    env, other = pip_env("26.3"), fresh_env(pip, stock=True)
    code, found = report(env, policy, "--venv", str(other.root.parent))
    mine, others = found["environments"][0], [e for e in found["environments"] if str(other.root) in e["python"]]
    assert (code, mine["guarded"], mine["took"]) == (1, True, "1.0")
    assert [(e["pip"], e["guarded"], e["took"]) for e in others] == [(pip, False, "99.0")]
    assert f"fix: repoprio enable --venv {other.root}" in screen(found)
    assert env.tool("enable", "--venv", str(other.root)).code == 0
    code, found = report(env, policy, "--venv", str(other.root))
    assert (code, [e["guarded"] for e in found["environments"]]) == (0, [True, True])


@pytest.mark.full
def test_it_works_whatever_policy_is_in_force(pip_env: EnvFactory, policy: Path) -> None:
    """A locked policy does not affect the trials; one with errors gives exit status 2, none gives 1."""
    env = pip_env("26.3")
    policy.write_text(f"locked = true\n{POLICY}")
    assert report(env, policy)[0] == 0
    policy.write_text("faulty = 1\n")
    code, found = report(env, policy)
    mine = found["environments"][0]
    assert (code, len(found["policy"]["errors"]), mine["state"], mine["took"]) == (2, 2, "faulty-policy", "1.0")
    code, found = report(env, None)
    mine = found["environments"][0]
    assert (code, mine["state"], mine["guarded"]) == (1, "no-policy", False)
    text = screen(found)
    assert "the hook finds no policy" in text
    assert "pips: 0 guarded, 1 not." in text


@pytest.mark.full
def test_a_recorded_policy_that_is_gone(fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path) -> None:
    """The missing file is reported as faulty, and the fix repairs that environment."""
    env, other = pip_env("26.3"), fresh_env("26.3", stock=True)
    assert env.tool("enable", "--venv", str(other.root), "--policy", str(policy)).code == 0
    policy.unlink()
    done = env.tool("doctor", "--python", str(other.root), env={"PATH": NO_PIPS})
    assert (done.code, f"Policy   {policy}: it has errors, every lookup stops\n" in done.stdout) == (2, True)
    repair = f"repoprio enable --venv {other.root} --policy FILE, or repoprio disable --venv {other.root}\n"
    assert f"fix: {repair}" in done.stdout
    policy.write_text("faulty = 1\n")
    done = env.tool("doctor", "--python", str(other.root), env={"PATH": NO_PIPS})
    assert f"fix: repoprio config check --python {other.root}\n" in done.stdout
    # One environment's policy may have errors while that of the checked environment is valid.
    done = env.tool("doctor", "--venv", str(other.root), env={"PATH": NO_PIPS})
    assert f"policy: {policy}; with errors\n" in done.stdout


def test_no_policy_anywhere(pip_env: EnvFactory) -> None:
    """Without any policy, the hint writes one, and the fix names it."""
    env, stock = pip_env("26.3"), pip_env("26.3", stock=True)
    done = env.tool("doctor", "--python", str(stock.python), env={"PATH": NO_PIPS, "PIP_CONFIG_FILE": "/dev/null"})
    assert "Policy   none\n         hint: repoprio init writes one\n" in done.stdout
    assert "finds it" not in done.stdout
    assert f"fix: repoprio enable --venv {stock.root} --policy FILE\n" in done.stdout


def test_a_faulty_policy_without_a_hook(pip_env: EnvFactory, policy: Path) -> None:
    """A faulty policy is reported even if no hook finds it, and is not said to stop anything."""
    env, stock = pip_env("26.3"), pip_env("26.3", stock=True)
    policy.write_text("faulty = 1\n")
    stdout = env.tool("doctor", "--python", str(stock.python), policy=policy, env={"PATH": NO_PIPS}).stdout
    assert f"Policy   {policy}: it has errors\n         no hook in this environment finds it\n" in stdout


def test_a_pointer_to_nowhere_and_an_environment_without_pip(
    fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path
) -> None:
    """A pointer whose target is gone does not count as a hook; an environment without pip needs none."""
    env, gone, other = pip_env("26.3"), fresh_env("26.3"), fresh_env("26.3", stock=True)
    assert gone.tool("enable", "--venv", str(other.root)).code == 0
    shutil.rmtree(gone.root)
    code, found = report(env, policy, "--venv", str(other.root))
    assert (code, found["environments"][1]["guarded"]) == (1, False)
    assert "[pointer]" in found["environments"][1]["said"]
    shutil.rmtree(other.site_packages / "pip")
    (other.site_packages / "_repoprio_pointer.pth").unlink()
    code, found = report(env, policy, "--venv", str(other.root))
    assert (code, found["environments"][1]["pip"]) == (0, None)


def test_other_installers_and_launches_are_listed(pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """A uv on PATH that cannot be tried is a finding; other installers are notes; `-S` is always mentioned."""
    env, tools = pip_env("26.3"), tmp_path / "bin"
    tools.mkdir()
    for name in ("uv", "poetry"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    code, found = report(env, policy, path=str(tools))
    assert (code, [(t["name"], t["obeys"]) for t in found["other_installers"]]) == (
        1,
        [("uv", False), ("poetry", None)],
    )
    assert found["unguarded_launches"][0] == "python -S -m pip"


def test_wrong_use(pip_env: EnvFactory, policy: Path) -> None:
    """A path that is neither a folder nor a Python gives an error with exit status 2."""
    done = pip_env("26.3").tool("doctor", "--venv", "/no/such/folder", policy=policy, env={"PATH": NO_PIPS})
    assert (done.code, "/no/such/folder: there is no such folder" in done.stderr) == (2, True)


@pytest.mark.full
def test_none_counts_as_fine(fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path, tmp_path: Path) -> None:
    """A relative folder, a link, a differently named Python, and a pip that does not answer are all checked."""
    env, other = pip_env("26.3"), fresh_env("26.3", stock=True)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "one").symlink_to(other.root)
    packages = other.site_packages
    (other.root / "bin" / "python").unlink()
    if not (other.root / "bin" / "python3").exists():
        # It may be a link to what was just taken away.
        (other.root / "bin" / "python3").unlink(missing_ok=True)
        (other.root / "bin" / "python3").symlink_to(sys.executable)
    done = env.tool("doctor", "--format", "json", "--venv", "links", policy=policy, cwd=tmp_path, env={"PATH": NO_PIPS})
    document = json.loads(done.stdout)["environments"]
    assert (done.code, [e["took"] for e in document]) == (1, ["1.0", "99.0"])
    (packages / "pip" / "__init__.py").write_text("raise SystemExit(3)\n")
    code, again = report(env, policy, "--venv", str(tmp_path / "links"))
    assert (code, again["environments"][1]["guarded"]) == (1, False)


def test_the_network_only_when_asked(
    pip_env: EnvFactory, policy: Path, repository: RepositoryFactory, tmp_path: Path
) -> None:
    """With --network each repository is asked for a name that nobody has, and for its canary, in parallel.

    Else none is.
    """
    env, corp, down, open_to_all = pip_env("26.3"), repository("corp"), repository("down"), repository("open")
    corp.add("known", "1.0")
    down.answer_all(Fault(basic_auth="u:s3cret"))
    open_to_all.answer_all(Fault(empty_page=True, hang=0.3))
    corp.answer_all(Fault(hang=0.3))
    (tmp_path / "files").mkdir()
    # An empty folder may be a disk that is not mounted.
    (tmp_path / "files" / "other-1.0-py3-none-any.whl").touch()
    urls = {"corp": corp.page_url, "down": down.page_url, "open": open_to_all.page_url}
    tables = [
        f'[repositories.{name}]\nurl = "{url}"\npriority = {p}\n' for p, (name, url) in enumerate(urls.items(), 1)
    ]
    flat = f'[repositories.files]\nurl = "{tmp_path / "files"}"\nformat = "flat"\npriority = 9\n'
    tables[0] += 'canary = "known"\n'
    policy.write_text("".join([*tables, 'namespaces = ["acme-*"]\n', flat]))
    code, found = report(env, policy)
    assert (code, found["repositories"]) == (0, None)
    assert not corp.requests + down.requests + open_to_all.requests
    code, found = report(env, policy, "--network")
    told = {one["name"]: (one["status"], one["reason"]) for one in found["repositories"]}
    assert code == 1
    assert told == {
        "corp": ("absent", "404"),
        "down": ("unavailable", "401; no login was sent (set REPOPRIO_DOWN_USERNAME and _PASSWORD)"),
        "open": ("serves", ""),
        "files": ("absent", "no file of it"),
    }
    assert (len(corp.asked_pages()), corp.asked("known")) == (2, True)
    assert {one["canary"] for one in found["repositories"]} == {"known", None}
    assert len(down.asked_pages()) == 1
    assert most_at_once([corp, open_to_all]) > 1
    text = screen(found)
    assert re.search(r"FAIL   down \(priority 2\)    no usable answer in [0-9]+ ms: 401; no login was sent", text)
    assert f"rule: repositories.down.url ({policy})" in text
    assert "fix: check the login" in text
    assert "asked for a name that nobody has, and corp for its canary known." in text
    assert 'set: absent = [404, "empty-page"]' in text
    login = {"PATH": NO_PIPS, "PIP_EXTRA_INDEX_URL": f"http://u:s3cret@{down.host}/simple/"}
    done = env.tool("doctor", "--network", policy=policy, env=login)
    assert (done.code, "401" in done.stdout) == (0, False)


@pytest.mark.full
def test_a_damaged_environment_and_an_empty_folder(
    fresh_env: EnvFactory, pip_env: EnvFactory, policy: Path, tmp_path: Path
) -> None:
    """Doctor does not propose `enable` if it cannot help; a folder without an environment is no success."""
    env, other = pip_env("26.3"), fresh_env("26.3")
    (other.site_packages / "repoprio" / "urls.py").unlink()
    done = env.tool("doctor", "--venv", str(other.root), policy=policy, env={"PATH": NO_PIPS})
    pip = f"{other.python} -m pip"
    fix, then = f"{pip} uninstall -y repoprio", f"{pip} install repoprio"
    assert re.findall(r"(?:fix|then): (.+)", done.stdout)[:2] == [fix, then], done.stdout
    refused = env.tool("enable", "--venv", str(other.root))
    assert (refused.code, f"hint: {fix}, then {then} (from its original source)" in refused.stderr) == (2, True), (
        refused
    )
    itself = other.tool("doctor", env={"PATH": NO_PIPS})
    assert (itself.code, "[damaged]" in itself.stderr, "Traceback" in itself.stderr) == (2, True, False)
    (tmp_path / "wheels").mkdir()
    code, found = report(env, policy, "--venv", str(tmp_path / "wheels"))
    assert (code, found["without_environment"]) == (1, [str(tmp_path / "wheels")])


def test_the_summary_names_all_that_fails() -> None:
    """Every other reason for exit status 1 is in the last line too."""
    found = {
        "environments": [{"state": "guarded"}],
        "other_installers": [{"name": "uv", "obeys": False}, {"name": "poetry", "obeys": None}],
        "pip_of_folder": "/x/pip.py",
        "fuse": {"unguarded": [{"finds_nothing": False}]},
        "without_environment": ["/srv/wheels"],
        "repositories": [
            {"status": "unavailable", "canary": None},
            {"status": "absent", "name": "corp", "canary": "known"},
        ],
        "gateway": {"findings": [{"code": "gateway-down"}]},
        "ownership": {"finding": {"code": "ownership-memory"}},
    }
    assert doctor._sum(found) == (
        "pips: 1 guarded, 0 not; uv: does not obey; python -m pip: runs another file here; fuse: does not hold; "
        "--venv: 1 without an environment; repositories: 1 without a usable answer; "
        "gateway: no usable answer; ownership memory: cannot be read. "
        "The repositories were asked for a name that nobody has, and corp for its canary known."
    )


def test_the_way_back_names_the_settings() -> None:
    """The remedy names the keys of uv's settings that override the export."""
    changes = {"UV_INDEX": ("index",), "/x/uv.toml": ("index", "index-strategy")}
    undoing = "unset UV_INDEX; remove `index` and `index-strategy` from /x/uv.toml"
    assert installers._undoing(changes, changes) == undoing


def test_what_a_hook_in_the_base_means() -> None:
    """A hook alone is not enough: without a policy that reaches it, pip works as usual."""
    (line,) = doctor._base({"python": "/usr/bin/python3", "in_place": True, "said": ""})
    assert line.endswith("loads the hook: a pip created from it is guarded if it finds a policy there")


def test_what_a_refusing_pip_said() -> None:
    """Doctor shows what a refusal says happened, with its code and without the hint; else the last line."""
    refusal = "repoprio: corp (priority 10); strict\nERROR: repoprio: it is damaged.\n  hint: install it    [damaged]\n"
    assert last_line(refusal) == "ERROR: repoprio: it is damaged. [damaged]"
    assert last_line("repoprio: corp (priority 10); strict\nERROR: no such file\n\n") == "ERROR: no such file"
