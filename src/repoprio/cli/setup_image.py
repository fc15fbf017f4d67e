"""``repoprio setup-image``: hook, fuse and uv's settings for all interpreters of an image, and back."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from repoprio.cli import doctor, policy_in_force, terminal, uv_export
from repoprio.config.load import read_named
from repoprio.config.pip import fuse
from repoprio.config.policy_files import Unreadable, toml_text
from repoprio.config.records import POINTER, Record
from repoprio.doctor import pips, uv_check
from repoprio.environments import hook_installer, interpreters, ledger
from repoprio.environments.file_journal import Journal, Undone
from repoprio.environments.hook_installer import Planned
from repoprio.environments.interpreters import CannotEnable, Interpreter
from repoprio.errors import NoPolicy, RepoprioError
from repoprio.export import uv, uv_differences
from repoprio.policy.model import Mode, Policy
from repoprio.redaction import printable
from repoprio.render import doctor as rendered_doctor
from repoprio.render import setup_image as rendered

JOURNAL = "setup-image.json"
_PYTHON = re.compile(r"python(3(\.[0-9]+)?)?(\.exe)?")
_DONE, _UNCHANGED, _SKIPPED, _FAILED = "done", "unchanged", "skipped", "failed"
_OBSERVES = 'the policy says mode = "observe", under which every pip chooses as it always did'


class CannotSetUp(RepoprioError):
    """Nothing was begun; the text says why."""


class Step(NamedTuple):
    """One step: what for, where, and what became of it; why, what else there is to know, and what to do."""

    step: str
    place: str
    outcome: str
    reason: str = ""
    notes: tuple[str, ...] = ()
    remedy: str = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What setup-image takes."""
    parser.description = (
        "Makes every pip of an image obey: lays the policy down, puts the hook into the interpreters, the fuse into "
        "pip's global file and the policy's export into uv's, and lets doctor look. What it does is noted, "
        "so that it can be undone to the byte; run again it does what is left to do."
    )
    policy = f"the policy's TOML file, which is copied to {policy_in_force.system_file()}"
    beneath = "a virtual environment, by its folder or its Python, or a folder with some beneath it"
    parser.add_argument("--policy", metavar="FILE", help=policy)
    parser.add_argument("--venv", action="append", default=[], metavar="PATH", help=beneath)
    parser.add_argument("--undo", action="store_true", help="restore every file, unless somebody has changed it since")
    terminal.add_report(parser)


def command(options: argparse.Namespace) -> int:
    """Set the image up, or undo it; 1 where a step was not possible or doctor is not content."""
    journal = Journal(journal_file())
    if options.undo:
        if options.policy or options.venv:
            options.parser.error("--undo restores all that was done: it takes no --policy and no --venv")
        return _undo(options, journal)
    policy = _policy(options.policy, journal)
    venvs = [str(pip.python) for folder in options.venv for pip in pips.in_folder(folder)]
    steps = list(_steps(options, policy, venvs, journal))
    report, status = doctor.look(None, options.venv)
    if any(step.outcome == _FAILED for step in steps):
        status = max(status, 1)
    _print(options, steps, journal, report)
    return status


def journal_file() -> str:
    """Where it is noted what was done."""
    if sys.platform in ("win32", "darwin"):
        return os.path.join(os.path.dirname(policy_in_force.system_file()), JOURNAL)
    return f"/var/lib/repoprio/{JOURNAL}"


def _print(options: argparse.Namespace, steps: Sequence[Step], journal: Journal, report: dict[str, Any] | None) -> None:
    found = [step._asdict() for step in steps]
    if options.format == "json":
        import json

        print(json.dumps({"schema": 1, "journal": journal.file, "steps": found, "doctor": report}, indent=2))
        return
    lines = [*rendered.lines(found, journal.file), *(["", *rendered_doctor.lines(report)] if report else [])]
    print("\n".join(printable(line) for line in lines))


def _undo(options: argparse.Namespace, journal: Journal) -> int:
    if journal.is_empty:
        print(f"repoprio: nothing is to be undone ({journal.file})", file=sys.stderr)
    steps = []
    for step in journal.undo():
        steps.append(Step("undo", step.place, step.outcome.value, step.reason))
        if step.outcome in (Undone.REMOVED, Undone.RESTORED):
            is_pointer = os.path.basename(step.place) == f"{POINTER}.py"
            ledger.forget(os.path.dirname(step.place) if is_pointer else step.place)
    _print(options, steps, journal, None)
    return 1 if any(step.outcome in _LEFT for step in steps) else 0


_LEFT = (Undone.CHANGED_SINCE.value, Undone.IN_USE.value, Undone.FAILED.value)


def _policy(file: str | None, journal: Journal) -> Policy:
    """The policy that every pip here will find; raises `RepoprioError` where it is none, or faulty."""
    undone = "nothing was written"
    if file is not None:
        file = os.path.abspath(file)
        read_named(file, "--policy", policy_in_force.TOOLS).sound(undone)
        target = os.path.realpath(policy_in_force.system_file())
        if os.path.lexists(target) and not (journal.is_ours(target) or _content(target) == _content(file)):
            raise CannotSetUp(
                f"{target} is there already, and is another policy than {file}; {undone}.\n"
                f"  hint: leave out --policy, or remove {target}    [setup-image]"
            )
    found = policy_in_force.of_everybody(file).sound(undone)
    if found is None:
        raise NoPolicy(
            f"there is no policy that every pip here would find; {undone}.\n"
            f"  hint: name one with --policy FILE, or write it to {policy_in_force.system_file()}    [no-policy]"
        )
    return found


def _content(file: str) -> bytes:
    with open(file, "rb") as opened:
        return opened.read()


def _steps(options: argparse.Namespace, policy: Policy, venvs: Sequence[str], journal: Journal) -> Iterator[Step]:
    if options.policy:
        yield _lay_down(os.path.abspath(options.policy), journal)
    for folder in options.venv:
        if not pips.in_folder(folder):
            yield Step("hook", folder, _FAILED, "there is no virtual environment")
    yield from _hooks(venvs, journal)
    yield _fuse(policy, journal)
    yield _uv(policy, journal)


def _lay_down(file: str, journal: Journal) -> Step:
    target = os.path.realpath(policy_in_force.system_file())
    mode = os.stat(file).st_mode & 0o777
    step = _written("policy", target, [(target, _content(file))], journal, mode=mode)
    if mode & 0o044 != 0o044:
        note = f"not everybody can read it (mode {mode:o}): where it cannot be read, pip stops"
        step = step._replace(notes=(note,))
    return step


def _written(
    what: str, place: str, files: Iterable[tuple[str, bytes]], journal: Journal, *, mode: int | None = None
) -> Step:
    try:
        changed = [journal.write(file, content, mode) for file, content in files]
    except OSError as error:
        return Step(what, place, _FAILED, f"it cannot be written: {error.strerror or error}")
    return Step(what, place, _DONE if any(changed) else _UNCHANGED)


def _hooks(venvs: Sequence[str], journal: Journal) -> Iterator[Step]:
    """The hook in each base interpreter once, and in each virtual environment."""
    seen: set[str] = set()
    on_path = pips.programs(os.environ.get("PATH", os.defpath), _PYTHON)
    for python in dict.fromkeys((sys.executable, *venvs, *on_path)):
        try:
            found = interpreters.interpreter(python)
            # Of a virtual environment made from another one, Python names the interpreter beneath both.
            base = interpreters.interpreter(found.base)
        except CannotEnable as error:
            # What is on PATH and is no Python that can be guarded: of its pip doctor speaks.
            is_asked_for = python in venvs or error.code != "environment"
            problem = error.problem.removeprefix(f"{python} ")
            yield Step("hook", python, _FAILED if is_asked_for else _SKIPPED, problem, (), error.remedy)
            continue
        if base.stdlib not in seen:
            seen.add(base.stdlib)
            yield _hook(base, base.stdlib, "all environments made from it", journal)
        is_venv = os.path.realpath(found.packages) != os.path.realpath(base.packages)
        if is_venv and found.packages not in seen and not hook_installer.is_own(found.packages):
            seen.add(found.packages)
            yield _hook(found, found.packages, "", journal)


def _hook(other: Interpreter, place: str, also: str, journal: Journal) -> Step:
    """A pointer in `place`, which is the standard library of a base, or the packages of an environment."""
    name = f"{other.executable}{f' and {also}' if also else ''}"
    try:
        record = Record(is_required=True).over(hook_installer.recorded(place))
        planned: list[Planned] = (
            hook_installer.base_pointer(other, record)
            if place == other.stdlib
            else hook_installer.pointer(place, record)
        )
    except CannotEnable as error:
        return Step("hook", name, _FAILED, error.problem, (), error.remedy)
    step = _written("hook", name, _encoded(planned), journal)
    if step.outcome == _DONE:
        ledger.note(ledger.POINTER, place)
    return step._replace(notes=tuple(f"pip there reads {file} ({layer})" for layer, file in record.files))


def _encoded(planned: Iterable[Planned]) -> list[tuple[str, bytes]]:
    return [(file, text.encode("utf-8")) for file, text in planned]


def _fuse(policy: Policy, journal: Journal) -> Step:
    file = os.path.realpath(policy_in_force.global_file())
    if policy.mode is Mode.OBSERVE:
        return Step("fuse", file, _SKIPPED, _OBSERVES)
    try:
        text = fuse.put(hook_installer.read(file))
    except CannotEnable as error:
        return Step("fuse", file, _FAILED, error.problem)
    except fuse.NoPlace as error:
        return Step("fuse", file, _FAILED, f"it {error}")
    step = _written("fuse", file, _encoded([(file, text)]), journal)
    if step.outcome == _DONE:
        ledger.note(ledger.FUSE, file)
    return step


def _uv(policy: Policy, journal: Journal) -> Step:
    file = os.path.realpath(uv_check.system_file())
    if policy.mode is Mode.OBSERVE:
        return Step("uv", file, _SKIPPED, f"{_OBSERVES}; uv would obey it at once")
    try:
        exported = uv_export.export(policy, project=False)
    except uv.CannotExport as error:
        return Step("uv", file, _FAILED, f"the policy cannot be exported: {error}")
    notes = tuple(f"uv cannot be told: {gap}" for gap in exported.gaps)
    if os.path.lexists(file) and not journal.is_ours(file):
        try:
            document = policy_in_force.TOOLS.parse_toml(toml_text(file))
        except (Unreadable, ValueError, RecursionError) as error:
            return Step("uv", file, _FAILED, f"it is there already, and {error}", notes)
        if uv_differences.differences(exported, document, project=False):
            reason = "it is there already, and is not the policy's export"
            return Step("uv", file, _FAILED, reason, notes, f"repoprio export uv --check {file}")
        return Step("uv", file, _UNCHANGED, "", notes)
    text = uv.text(exported, project=False)
    return _written("uv", file, _encoded([(file, text)]), journal)._replace(notes=notes)
