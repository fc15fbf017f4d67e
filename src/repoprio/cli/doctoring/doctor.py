"""``repoprio doctor``: is the hook in place, does it work, and what is not guarded."""

from __future__ import annotations

import argparse
import functools
import os
import site
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

from repoprio.cli import policy_in_force, terminal
from repoprio.cli.doctoring import installers, ownership
from repoprio.config.file_text import Unreadable, pip_text
from repoprio.config.load import load_policy
from repoprio.config.loaded import LoadedPolicy
from repoprio.config.pip import fuse
from repoprio.config.pip.indexes import Named
from repoprio.config.policy_files import INHERITED
from repoprio.config.settings import Merged
from repoprio.doctor import (
    base_check,
    fuse_check,
    gateway_check,
    pip_document,
    pips,
    remedies,
    running,
    shadows,
)
from repoprio.doctor.pip_check import Examined, State, examine, merged
from repoprio.doctor.trial_repositories import Bench, bench
from repoprio.environments import target
from repoprio.environments.target import Environment
from repoprio.explain import checkup, gateway_checkup
from repoprio.explain.checkup import ProbeResult, Report
from repoprio.lookup.events import RepositoryState as Answer
from repoprio.lookup.reasons import Cause
from repoprio.pip_adapter.hooks import pip_runner, policy_report
from repoprio.policy.model import Mode, Policy
from repoprio.redaction import display_url, printable
from repoprio.render import doctor as rendered
from repoprio.render import repos
from repoprio.urls import is_fuse
from repoprio.users import user_name

_FINE = (State.GUARDED, State.GATEWAY, State.NO_PIP)
_AT_ONCE = 8

T = TypeVar("T")
R = TypeVar("R")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of doctor."""
    parser.description = (
        "Start the real pips of this environment, of PATH and of other places, ask their hooks which policy they find, "
        "and see what they take from two repositories on loopback. Uses no network without --network."
    )
    beneath = "also check a virtual environment (its folder or its Python), or all that are below a folder"
    asks = "also ask each repository of the policy for a name that nobody has, and for its canary"
    parser.add_argument(
        "--python", metavar="PATH", help="check the environment of this Python instead of the activated one"
    )
    parser.add_argument("--network", action="store_true", help=asks)
    parser.add_argument("--venv", action="append", default=[], metavar="PATH", help=beneath)
    terminal.add_report(parser)


def command(options: argparse.Namespace) -> int:
    """Print the report; return 1 if something does not obey that could, 2 for an invalid policy."""
    report, status = look(options.python, options.venv, network=options.network)
    if options.format == "json":
        import json

        print(json.dumps({"schema": 1, **report}, indent=2))
    else:
        print("\n".join(printable(line) for line in rendered.lines(report)))
    return status


def look(python: str | None, venvs: Sequence[str], *, network: bool = False) -> tuple[dict[str, Any], int]:
    """The report as a JSON document, and the exit status; `venvs` are the folders and Pythons of ``--venv``."""
    environment = target.meant(python, os.environ)
    candidates = list(pips.candidates(environment.python, os.environ.get("PATH", os.defpath), venvs))
    with bench(policy_in_force.TOOLS) as tried:
        answers = _side_by_side("pips", lambda pip: pips.ask(pip, tried.folder), candidates)
        examined = merged(_side_by_side("tried", lambda facts: examine(*facts, tried), list(pips.distinct(answers))))
        loaded = _policy_there(examined[0])
        examined = _with_gateway(examined, loaded.policy, tried)
        report = {
            **_head(environment, examined[0], loaded),
            "environments": _environments(examined, loaded),
            "pip_of_folder": _pip_of_folder(examined),
            "base": _base(environment, examined[0], tried),
            "fuse": _fuse(examined, tried),
            "unguarded_launches": _launches(),
            "other_installers": list(installers.look(loaded, tried)),
        }
    report |= {
        "stale_wheels": _stale(examined[0], loaded),
        "without_environment": [folder for folder in venvs if not pips.in_folder(folder)],
        "repositories": _repositories(loaded.policy, examined[0]) if network and loaded.policy else None,
        "gateway": _gateway(loaded.policy, network=network) if loaded.policy and loaded.policy.gateway else None,
        "ownership": ownership.look(loaded.policy, network=network),
    }
    return report, 2 if loaded.errors else 0 if _is_fine(report, examined) else 1


def _base(environment: Environment, first: Examined, tried: Bench) -> dict[str, Any] | None:
    """Whether the base Python loads the hook; None if it is not run, because others can change it."""
    return base_check.look(environment.python, tried)._asdict() if first.facts.stranger is None else None


def _is_fine(report: dict[str, Any], examined: Iterable[Examined]) -> bool:
    policy, unguarded = report["policy"], report["fuse"]["unguarded"]
    is_enforced = policy["mode"] not in (None, Mode.OBSERVE.value)
    is_open = any(tool["obeys"] is False for tool in report["other_installers"])
    is_silent = any(check["status"] == Answer.UNAVAILABLE.value for check in report["repositories"] or ())
    is_undone = not all(check["finds_nothing"] for check in unguarded)
    is_bare = bool(report["without_environment"] or report["pip_of_folder"])
    is_bad_gateway = bool(report["gateway"] and report["gateway"]["findings"])
    is_lost = bool(report["ownership"] and report["ownership"]["finding"])
    return (
        is_enforced
        and all(check.state in _FINE for check in examined)
        and not (is_open or is_silent or is_undone or is_bare or is_bad_gateway or is_lost)
    )


def _with_gateway(examined: list[Examined], policy: Policy | None, tried: Bench) -> list[Examined]:
    """The pips; of those without the hook it is known which indexes they ask beside the policy's gateway."""
    if policy is None or policy.gateway is None or policy.mode is Mode.OBSERVE:
        return examined
    return list(gateway_check.look(examined, policy, policy_in_force.pip_settings()[0], tried))


def _gateway(policy: Policy, *, network: bool) -> dict[str, Any]:
    """The policy's gateway; with `network` also what is wrong with it, by its own answers."""
    document: dict[str, Any] = {"url": policy.gateway, "origin": policy.rule("gateway").file, "findings": None}
    if network and policy.gateway:
        from repoprio.pip_adapter.inspect import gateway

        answer = gateway.ask(policy.gateway)
        knows = answer.repositories is not None
        faults = gateway_checkup.findings(policy, answer)
        document |= {"findings": [finding._asdict() for finding in faults], "knows_policy": knows}
    return document


def _side_by_side(label: str, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """The results of `function` for each item, several at the same time."""
    with terminal.counted(f"repoprio: {label}", len(items)) as step, ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(function, item) for item in items]
        for _ in as_completed(futures):
            step()
        return [future.result() for future in futures]


def _policy_there(first: Examined) -> LoadedPolicy:
    """The policy of the environment that is checked; if no hook answers there, the one that is in force here."""
    if first.hook is None:
        return policy_in_force.policy()
    if first.policy is None:
        return LoadedPolicy((), Merged(), (), None)
    return load_policy({**os.environ, INHERITED: first.hook["packed"]}, (), policy_in_force.TOOLS)


def _head(environment: Environment, first: Examined, loaded: LoadedPolicy) -> dict[str, Any]:
    """The first part of the report: the environment, the user and folder, and the policy that a pip finds there."""
    number = None
    if sys.platform != "win32":
        number = os.geteuid()
    lists: dict[str, Any] = {"files": [], "errors": [], "faulty_files": [], "hints": []}
    nothing = {**lists, "mode": None, "summary": None}
    policy = policy_report.document(loaded) or nothing
    version = environment.version or pips.python_version(first.facts) or first.facts.python_version or None
    # In the line, "guarded" is about the hook alone; in the document, about the whole verdict.
    is_hooked = {State.GUARDED: True, State.NO_HOOK: False}.get(first.state)
    environment = environment._replace(version=version, pip=first.facts.version, is_guarded=is_hooked)
    document = {**environment.document, "guarded": first.state is State.GUARDED, "line": environment.line}
    return {
        "environment": document,
        "user": {"name": _user_name(number), "uid": number},
        "folder": os.getcwd(),
        "policy": {
            **policy,
            "is_told_by_hook": first.hook is not None,
            "why_not_known": pip_document.why_not_known(first),
        },
    }


def _user_name(number: int | None) -> str:
    import getpass

    if number is not None:
        return user_name(number)
    try:
        return getpass.getuser()
    except (ImportError, OSError):
        # A service of Windows may lack the variable.
        return "an unknown user"


def _policy_file(loaded: LoadedPolicy) -> str:
    """The policy's file for `enable --policy`, if it is a single TOML file; else the word FILE."""
    files = [source.file for source in loaded.sources]
    return files[0] if len(files) == 1 and files[0].endswith(".toml") and not loaded.errors else "FILE"


def _environments(examined: Sequence[Examined], loaded: LoadedPolicy) -> list[dict[str, Any]]:
    policy = None if policy_in_force.reaches(policy_in_force.record_for_new()) else _policy_file(loaded)
    is_fused = _is_fused(policy_in_force.pip_settings()[0])
    find = functools.partial(remedies.steps, policy=policy, is_fused=is_fused)
    return [pip_document.document(pip, steps) for pip, steps in zip(examined, map(find, examined), strict=True)]


def _pip_of_folder(examined: Iterable[Examined]) -> str | None:
    """The file in the working folder that ``python -m pip`` would run instead of pip, or None."""
    versions = [pip.facts.python_version for pip in examined if pip.facts.python_version]
    return shadows.module_shadow(os.getcwd(), versions, os.environ)


def _fuse(examined: Sequence[Examined], tried: Bench) -> dict[str, Any]:
    """Whether the fuse is in pip's global file; if there is one, also what pips find without their hook."""
    file, (settings, _) = policy_in_force.global_file(), policy_in_force.pip_settings()
    try:
        index = fuse.state(pip_text(file) or "")
    except (Unreadable, fuse.NoPlace):
        index = None
    is_there = _is_fused(settings)
    known = [item for item in examined if item.facts.version and item.facts.pip.python and not item.facts.pip.options]
    run = [item.facts.pip for item in known if is_there]
    origins = {display_url(item.url): str(item.origin) for item in settings}
    unguarded = _side_by_side("without hook", lambda pip: fuse_check.run_unguarded(pip, tried), run) if run else []
    return {
        "file": file,
        "in_place": index is not None and is_fuse(index),
        "unguarded": [
            {
                "python": item.python,
                "finds_nothing": item.finds_nothing,
                "asks": [
                    {"url": display_url(place), "origin": origins.get(display_url(place))} for place in item.places
                ],
                "said": item.said,
            }
            for item in unguarded
        ],
    }


def _is_fused(settings: Iterable[Named]) -> bool:
    return any(is_fuse(index.url) for index in settings)


def _launches() -> list[str]:
    """The ways to start this Python's pip without loading the hook."""
    user = site.getusersitepackages() if site.ENABLE_USER_SITE else None
    hidden = ["python -I -m pip", "python -s -m pip"] if user and __file__.startswith(user) else []
    return ["python -S -m pip", *hidden]


def _stale(first: Examined, loaded: LoadedPolicy) -> int:
    """The number of wheels in pip's cache that were built before the last change of the policy."""
    times = [os.stat(source.file).st_mtime for source in loaded.sources if os.path.exists(source.file)]
    if not times or not first.facts.version or first.facts.stranger:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        # Run in an empty folder: `python -m` runs modules of the working folder, which may be another user's.
        process = running.run([*first.facts.pip.command, "cache", "dir"], running.as_the_user(os.environ), folder)
    folder = os.path.join(process.stdout.strip() or os.devnull, "wheels")
    wheels = (os.path.join(path, name) for path, _, names in os.walk(folder) for name in names)
    return sum(wheel.endswith(".whl") and os.stat(wheel).st_mtime < max(times) for wheel in wheels)


def _repositories(policy: Policy, first: Examined) -> list[dict[str, Any]]:
    """The answers of all repositories of the policy for a name that nobody has."""
    pip_runner.load_pip()
    from repoprio.pip_adapter.inspect import probe

    if first.hook is not None:
        # Use the policy of the environment that is checked.
        os.environ[INHERITED] = first.hook["packed"]
    reports = checkup.report(policy, probe.probe())
    return [_repository(policy, report, report.trials[0]) for report in reports if report.trials]


def _repository(policy: Policy, report: Report, trial: ProbeResult) -> dict[str, Any]:
    result, location, canary = trial.unknown, report.repository.locations[0], report.repository.canary
    # "Absent" is believed only after the canary was asked for.
    asked_canary = result.state is Answer.ABSENT or result.cause is Cause.CANARY
    return {
        "name": report.repository.name,
        "priority": report.repository.priority,
        "url": location.shown,
        "asked": result.asked.shown if result.asked else None,
        "origin": policy.rule(f"repositories.{report.repository.name}.url").file,
        "status": result.state.value,
        "reason": result.reason,
        "canary": canary if asked_canary else None,
        "said": repos.check(trial),
        "seconds": round(trial.seconds, 3),
        "remarks": [remark._asdict() for remark in report.remarks],
        # A folder that exists, or a canary that was served.
        "proves_it_serves": bool(canary or location.url.startswith("file:")),
    }
