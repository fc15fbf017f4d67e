"""``repoprio doctor``: is the hook in place, does it work, and what is not guarded."""

from __future__ import annotations

import argparse
import os
import shutil
import site
import sys
from collections.abc import Sequence
from typing import Any

from repoprio import checkup, doctor
from repoprio.answers import State
from repoprio.checkup import Report, Trial
from repoprio.cli import at_hand, terminal
from repoprio.config import fuse
from repoprio.config.places import Unreadable, pip_text
from repoprio.config.survey import Survey
from repoprio.doctor import Environment
from repoprio.errors import RepoprioError
from repoprio.export import uv
from repoprio.policy import Mode, Policy
from repoprio.render import repos
from repoprio.render.policy import policy_line
from repoprio.render.table import plain

_UV_FILES = ("/etc/uv/uv.toml", "~/.config/uv/uv.toml")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What doctor takes."""
    parser.description = (
        "Starts a real pip in this environment, and in others, and looks what it takes from two "
        "repositories on loopback. Uses no network but with --network."
    )
    beneath = "a virtual environment, or a folder with some beneath it"
    asks = "ask each repository of the policy as well, for a name that nobody has"
    parser.add_argument("--network", action="store_true", help=asks)
    parser.add_argument("--venv", action="append", default=[], metavar="DIR", help=beneath)
    terminal.add_report(parser)


def command(options: argparse.Namespace) -> int:
    """Print the report; 1 if something that could be guarded is not, 2 for a faulty policy."""
    survey = at_hand.policy()
    bare = [folder for folder in options.venv if not list(doctor.pythons([folder]))[1:]]
    with doctor.bench() as bench:
        found = [bench.look_at(python) for python in dict.fromkeys(doctor.pythons(options.venv))]
    report: dict[str, Any] = {
        "policy": _policy(survey),
        "environments": [_environment(one) for one in found],
        "fuse": _fuse(),
        "unguarded_launches": _launches(),
        "other_installers": _installers(survey),
        "stale_wheels": _stale(survey),
        "without_environment": bare,
        "repositories": _repositories(survey.policy) if options.network and survey.policy else None,
    }
    if options.format == "json":
        import json

        print(json.dumps({"schema": 1, **report}, indent=2))
    else:
        print("\n".join(plain(line) for line in _lines(report, found)))
    if survey.faults:
        return 2
    open_tools = any(tool["obeys"] is False for tool in report["other_installers"])
    silent = any(one["status"] == State.UNAVAILABLE.value for one in report["repositories"] or ())
    is_enforced = survey.policy is not None and survey.policy.mode is not Mode.OBSERVE
    return 0 if is_enforced and all(one.is_guarded for one in found) and not (open_tools or silent or bare) else 1


def _policy(survey: Survey) -> dict[str, Any]:
    return {
        "files": [source.file for source in survey.sources],
        "faults": [str(fault) for fault in survey.faults],
        "mode": survey.policy.mode.value if survey.policy else None,
        "summary": policy_line(survey.policy).removeprefix("repoprio: ") if survey.policy else None,
    }


def _environment(one: Environment) -> dict[str, Any]:
    return {"python": one.python, "pip": one.pip, "guarded": one.is_guarded, "took": one.took, "said": one.said}


def _repositories(policy: Policy) -> list[dict[str, Any]]:
    """What each repository of the policy says of a name that nobody has."""
    from repoprio.pip_adapter import opened, probe

    try:
        reports = checkup.report(policy, probe.probe())
    except opened.CannotLook as error:
        raise RepoprioError(str(error).removeprefix("repoprio: ")) from None
    return [_repository(policy, one, one.trials[0]) for one in reports if one.trials]


def _repository(policy: Policy, one: Report, trial: Trial) -> dict[str, Any]:
    finding, location = trial.unknown, one.repository.locations[0]
    return {
        "name": one.repository.name,
        "priority": one.repository.priority,
        "url": location.shown,
        "asked": finding.asked.shown if finding.asked else None,
        "origin": policy.rule(f"repositories.{one.repository.name}.url").file,
        "status": finding.state.value,
        "reason": finding.reason,
        "said": repos.check(trial),
        "seconds": round(trial.seconds, 3),
        "remarks": [remark._asdict() for remark in one.remarks],
        # A folder that is there, or a canary that came.
        "proves_it_serves": bool(one.repository.canary or location.url.startswith("file:")),
    }


def _fuse() -> dict[str, Any]:
    file = at_hand.global_file()
    try:
        index = fuse.state(pip_text(file) or "")
    except (Unreadable, fuse.NoPlace):
        index = None
    return {"file": file, "in_place": index is not None and fuse.is_fuse(index)}


def _launches() -> list[str]:
    """Ways to start this Python's pip that load no hook."""
    user = site.getusersitepackages() if site.ENABLE_USER_SITE else None
    hidden = ["python -I -m pip", "python -s -m pip"] if user and __file__.startswith(user) else []
    return ["python -S -m pip", *hidden]


def _installers(survey: Survey) -> list[dict[str, Any]]:
    """Other installers on PATH: of uv it is known whether its file says what the policy says, of the rest nothing."""
    paths = ((name, shutil.which(name)) for name in doctor.OTHERS)
    return [
        {"name": name, "path": path, "obeys": _uv_obeys(survey) if name == "uv" else None}
        for name, path in paths
        if path
    ]


def _uv_obeys(survey: Survey) -> bool | None:
    if survey.policy is None:
        return None
    try:
        exported = uv.export(survey.policy, project=False)
    except uv.CannotExport:
        return None
    return any(not uv.differences(exported, document) for document in map(_document, _UV_FILES) if document)


def _document(file: str) -> dict[str, Any]:
    try:
        with open(os.path.expanduser(file), encoding="utf-8") as opened:
            return at_hand.TOOLS.parse_toml(opened.read())
    except (OSError, ValueError, RecursionError):
        return {}


def _stale(survey: Survey) -> int:
    times = [os.stat(source.file).st_mtime for source in survey.sources if os.path.exists(source.file)]
    return doctor.stale_wheels(sys.executable, max(times)) if times else 0


def _lines(report: dict[str, Any], found: Sequence[Environment]) -> list[str]:
    policy = report["policy"]
    lines = [f"Policy   {', '.join(policy['files']) or 'none'}"]
    lines += [f"         fault: {fault}" for fault in policy["faults"]]
    lines += [f"         {policy['summary']}"] if policy["summary"] else []
    if policy["mode"] == Mode.OBSERVE.value:
        lines.append('  FAIL   mode = "observe": nothing is enforced, every pip chooses as it always did')
        lines.append('         fix: mode = "strict", once the log is as you want it (ok below: the hook is in place)')
    lines += ["" if policy["files"] or policy["faults"] else f"         fix: {_no_policy()}"]
    for one in found:
        lines += _of_environment(one)
    lines += [f"  FAIL   {folder}    no virtual environment there" for folder in report["without_environment"]]
    for tool in report["other_installers"]:
        lines += _of_installer(tool)
    is_fused = report["fuse"]["in_place"]
    said = "an unguarded pip finds nothing" if is_fused else "not in place (repoprio enable --fuse)"
    lines.append(f"  fuse   {report['fuse']['file']}: {said}")
    lines += [f"  never  {launch}" for launch in report["unguarded_launches"]]
    if stale := report["stale_wheels"]:
        lines.append(f"  note   {stale} wheels in pip's cache were built before the policy (pip cache purge)")
    for repository in report["repositories"] or ():
        lines += _of_repository(repository)
    guarded = sum(one.is_guarded for one in found)
    asked = "No network was used." if report["repositories"] is None else "The repositories were asked for one name."
    if policy["mode"] == Mode.OBSERVE.value:
        return [*lines, "", f"None guarded: the policy only observes. {asked}"]
    return [*lines, "", f"{guarded} guarded, {len(found) - guarded} not. {asked}"]


def _no_policy() -> str:
    """The way to a policy, from where it is told in full."""
    return at_hand.no_policy().rpartition("hint: ")[2].partition("    [")[0]


def _of_environment(one: Environment) -> list[str]:
    if one.pip is None:
        return [f"  -      {one.python}    no pip"]
    if one.is_guarded:
        return [f"  ok     {one.python}    pip {one.pip}    took 1.0, not 99.0"]
    said = f"took {one.took}" if one.took else one.said
    folder = os.path.dirname(os.path.dirname(one.python))
    fix = f"--venv {folder}" if os.path.exists(os.path.join(folder, "pyvenv.cfg")) else f"--python {one.python}"
    command = "install repoprio there again: its own is damaged" if one.is_damaged else f"repoprio enable {fix}"
    return [f"  FAIL   {one.python}    pip {one.pip}    {said}", f"         fix: {command}"]


def _of_repository(one: dict[str, Any]) -> list[str]:
    silent, note = one["status"] == State.UNAVAILABLE.value, one["status"] == State.SERVES.value
    word = "FAIL" if silent else "note" if note else "ok"
    told = [f"  {word:6} {one['name']} (priority {one['priority']})    {one['said']}"]
    if silent:
        told.append(f"         asked: {one['asked'] or one['url']}")
        told.append(f"         rule: repositories.{one['name']}.url ({one['origin']})")
    for remark in one["remarks"]:
        told.append(f"         {'fix' if silent else 'note'}: {remark['text']} [{remark['code']}]")
        told += [f"         set: {remark['setting']}"] if remark["setting"] else []
    return told


def _of_installer(tool: dict[str, Any]) -> list[str]:
    if tool["obeys"] is None:
        return [f"  note   {tool['path']} does not obey the policy"]
    if tool["obeys"]:
        return [f"  ok     {tool['path']}    its file is the policy's export"]
    fix = f"         fix: repoprio export uv > {_UV_FILES[0]}"
    return [f"  FAIL   {tool['path']}    {_UV_FILES[0]} is not this policy", fix]
