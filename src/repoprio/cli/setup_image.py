"""``repoprio setup-image``: hook, fuse and uv's settings for all interpreters of an image, and back."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from repoprio.cli import policy_in_force, terminal, uv_export
from repoprio.cli.doctoring import doctor
from repoprio.config.file_text import Unreadable, absolute, toml_text
from repoprio.config.load import read_named
from repoprio.config.pip import fuse
from repoprio.config.records import POINTER, Record
from repoprio.doctor import pips, uv_check
from repoprio.environments import hook_installer, interpreters, ledger
from repoprio.environments.file_journal import Journal, Undone
from repoprio.environments.hook_installer import Planned
from repoprio.environments.interpreters import CannotEnable, Interpreter
from repoprio.environments.target import is_same
from repoprio.errors import NoPolicy, RepoprioError
from repoprio.export import CannotExport, uv, uv_differences
from repoprio.export.common import of_clients
from repoprio.policy.model import Mode, Policy
from repoprio.redaction import printable
from repoprio.render import doctor as rendered_doctor
from repoprio.render import setup_image as rendered

JOURNAL = "setup-image.json"
_PYTHON = re.compile(r"python(3(\.[0-9]+)?)?(\.exe)?")
_DONE, _UNCHANGED, _SKIPPED, _FAILED = "done", "unchanged", "skipped", "failed"
_OBSERVES = 'not with mode = "observe", which must not change what pip installs'


class CannotSetUp(RepoprioError):
    """The image cannot be set up, and nothing was changed; the text says why."""


class Step(NamedTuple):
    """One step: its kind, its place and its outcome; the reason, further notes, and the command that helps."""

    step: str
    place: str
    outcome: str
    reason: str = ""
    notes: tuple[str, ...] = ()
    remedy: str = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of setup-image."""
    parser.description = (
        "Makes every pip of an image obey the policy: installs the policy file, puts the hook into the interpreters, "
        "the fuse into pip's global file and the policy's export into uv's, then runs doctor. A journal records every "
        "change, so that --undo can restore each file exactly. A second run does only what is left to do."
    )
    policy = f"the policy's TOML file; it is copied to {policy_in_force.system_file()}"
    beneath = "also put the hook into a virtual environment (its folder or its Python), or all that are below a folder"
    parser.add_argument("--policy", metavar="FILE", help=policy)
    parser.add_argument("--venv", action="append", default=[], metavar="PATH", help=beneath)
    parser.add_argument("--undo", action="store_true", help="restore every file that was not changed later")
    terminal.add_report(parser)


def command(options: argparse.Namespace) -> int:
    """Set the image up, or undo that; 1 if a step failed, or doctor found a problem."""
    journal = Journal(journal_file())
    if options.undo:
        if options.policy or options.venv:
            options.parser.error("--undo restores everything; it takes no --policy and no --venv")
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
    """The journal's file."""
    if sys.platform in ("win32", "darwin"):
        return os.path.join(os.path.dirname(policy_in_force.system_file()), JOURNAL)
    return f"/var/lib/repoprio/{JOURNAL}"


def _print(options: argparse.Namespace, steps: Sequence[Step], journal: Journal, report: dict[str, Any] | None) -> None:
    documents = [step._asdict() for step in steps]
    if options.format == "json":
        import json

        print(json.dumps({"schema": 1, "journal": journal.file, "steps": documents, "doctor": report}, indent=2))
        return
    lines = [*rendered.lines(documents, journal.file), *(["", *rendered_doctor.lines(report)] if report else [])]
    for line in lines:
        print(printable(line))


def _undo(options: argparse.Namespace, journal: Journal) -> int:
    if journal.is_empty:
        print(f"repoprio: there is nothing to undo ({journal.file})", file=sys.stderr)
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
    """The policy that every pip here will find; raises `RepoprioError` if there is none, or a faulty one."""
    undone = "nothing was written"
    if file is not None:
        file = absolute(file)
        read_named(file, "--policy", policy_in_force.TOOLS).sound(undone)
        target = os.path.realpath(policy_in_force.system_file())
        if os.path.lexists(target) and not (journal.is_ours(target) or _content(target) == _content(file)):
            raise CannotSetUp(
                f"{target} already exists and differs from {file}; {undone}.\n"
                f"  hint: leave out --policy to keep it, or remove {target}    [setup-image]"
            )
    policy = policy_in_force.of_everybody(file).sound(undone)
    if policy is None:
        raise NoPolicy(
            f"no policy applies to every pip here; {undone}.\n"
            f"  hint: name one with --policy FILE, or write it to {policy_in_force.system_file()}    [no-policy]"
        )
    return policy


def _content(file: str) -> bytes:
    with open(file, "rb") as opened:
        return opened.read()


def _steps(options: argparse.Namespace, policy: Policy, venvs: Sequence[str], journal: Journal) -> Iterator[Step]:
    if options.policy:
        yield _lay_down(os.path.abspath(options.policy), journal)
    for folder in options.venv:
        if not pips.in_folder(folder):
            yield Step("hook", folder, _FAILED, "no virtual environment found")
    yield from _hooks(venvs, journal)
    yield _fuse(policy, journal)
    yield _uv(policy, journal)


def _lay_down(file: str, journal: Journal) -> Step:
    target = os.path.realpath(policy_in_force.system_file())
    mode = os.stat(file).st_mode & 0o777
    step = _written("policy", target, [(target, _content(file))], journal, mode=mode)
    if mode & 0o044 != 0o044:
        note = f"not everybody can read it (mode {mode:o}): pip stops for users who cannot"
        step = step._replace(notes=(note,))
    return step


def _written(
    kind: str, place: str, files: Iterable[tuple[str, bytes]], journal: Journal, *, mode: int | None = None
) -> Step:
    try:
        changed = [journal.write(file, content, mode) for file, content in files]
    except OSError as error:
        return Step(kind, place, _FAILED, f"it cannot be written: {error.strerror or error}")
    return Step(kind, place, _DONE if any(changed) else _UNCHANGED)


def _hooks(venvs: Sequence[str], journal: Journal) -> Iterator[Step]:
    """Put the hook into each base interpreter once, and into each virtual environment."""
    seen: set[str] = set()
    on_path = pips.programs(os.environ.get("PATH", os.defpath), _PYTHON)
    for python in dict.fromkeys((sys.executable, *venvs, *on_path)):
        try:
            other = interpreters.interpreter(python)
            # If an environment was made from another one, its base is the interpreter of both.
            base = interpreters.interpreter(other.base)
        except CannotEnable as error:
            # An unusable Python that is only on PATH is no failure here: doctor reports on its pip.
            is_asked_for = python in venvs or error.code != "environment"
            problem = error.problem.removeprefix(f"{python} ")
            yield Step("hook", python, _FAILED if is_asked_for else _SKIPPED, problem, (), error.remedy)
            continue
        if base.stdlib not in seen:
            seen.add(base.stdlib)
            yield _hook(base, base.stdlib, "all environments made from it", journal)
        is_venv = not is_same(other.packages, base.packages)
        if is_venv and other.packages not in seen and not hook_installer.is_own(other.packages):
            seen.add(other.packages)
            yield _hook(other, other.packages, "", journal)


def _hook(other: Interpreter, place: str, also: str, journal: Journal) -> Step:
    """Put a pointer into `place`: the standard library of a base, or the packages of an environment."""
    name = f"{other.executable}{f' and {also}' if also else ''}"
    try:
        record = Record(is_required=True, is_of_image=True).over(hook_installer.recorded(place))
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
        return Step("uv", file, _SKIPPED, 'not with mode = "observe": uv cannot observe, it would obey')
    try:
        exported = uv_export.export(of_clients(policy), project=False)
    except CannotExport as error:
        return Step("uv", file, _FAILED, f"the policy cannot be exported: {error}")
    notes = tuple(f"not possible in uv: {gap}" for gap in exported.gaps)
    if os.path.lexists(file) and not journal.is_ours(file):
        try:
            document = policy_in_force.TOOLS.parse_toml(toml_text(file))
        except (Unreadable, ValueError, RecursionError) as error:
            return Step("uv", file, _FAILED, f"it already exists, and {error}", notes)
        if uv_differences.differences(exported, document, project=False):
            reason = "it already exists, and is not the policy's export"
            return Step("uv", file, _FAILED, reason, notes, f"repoprio export uv --check {file}")
        return Step("uv", file, _UNCHANGED, "", notes)
    text = uv.text(exported, project=False)
    return _written("uv", file, _encoded([(file, text)]), journal)._replace(notes=notes)
