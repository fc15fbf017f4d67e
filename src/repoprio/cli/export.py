"""``repoprio export``: export the policy for another installer, and say what it cannot express."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from repoprio.cli import in_target, policy_in_force, uv_export
from repoprio.config import file_text, values
from repoprio.config.pip import policy_section
from repoprio.errors import RepoprioError
from repoprio.export import CannotExport, Exported, common, uv, uv_differences
from repoprio.export.installers import BY_NAME, Installer, part_of
from repoprio.policy.model import Policy
from repoprio.redaction import printable
from repoprio.urls import gateway_index_problem


class CannotCompare(RepoprioError):
    """The file to compare with cannot be read."""


class CannotWrite(RepoprioError):
    """The file for the export cannot be written."""


class NothingExported(RepoprioError):
    """There is no policy, one with errors, or one that cannot be expressed."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of export."""
    parser.description = (
        "Print the policy as configuration of uv, Poetry, PDM, pipenv or a pip without the hook. What these cannot "
        "express is listed in comments and on stderr. Only uv can express most policies: give the others one index "
        "that obeys the policy, a gateway. If the policy names a gateway, that is exported."
    )
    parser.add_argument("installer", metavar="FORMAT", choices=("uv", *BY_NAME), help=f"uv, {', '.join(BY_NAME)}")
    project = "for a project's pyproject.toml: routes exact names too (uv; the others have no other file)"
    parser.add_argument("--project", action="store_true", help=project)
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--check", metavar="FILE", help="compare with FILE instead")
    does.add_argument("-o", "--output", metavar="FILE", help="a file that does not exist yet; - is stdout")
    parser.add_argument("--exit-zero", action="store_true", help="exit with 0 even if something cannot be expressed")
    in_target.add_environment(parser)
    meant = parser.add_mutually_exclusive_group()
    meant.add_argument("--policy", metavar="FILE", help="a policy in TOML, instead of the one in force")
    gateway = "instead of the policy: this index alone, the /simple/ of repoprio serve, which obeys it"
    index = parser.add_mutually_exclusive_group()
    index.add_argument("--gateway", type=_index, metavar="URL", help=gateway)
    index.add_argument("--no-gateway", action="store_true", help="the policy itself, even if it names a gateway")


def _index(text: str) -> str:
    try:
        return values.gateway(text)
    except values.NotExpected as error:
        raise argparse.ArgumentTypeError(f"it {error}") from None


def command(options: argparse.Namespace) -> int:
    """Print the export, or compare it with a file; 1 where something cannot be said, or differs."""
    in_target.tell(options)
    if options.installer != "uv":
        return _of_project(BY_NAME[options.installer], options)
    project = options.project or os.path.basename(options.check or "") == "pyproject.toml"
    try:
        exported = _exported(options, project=project)
    except RepoprioError:
        if not options.check and not _file(options):
            print(uv.NOTHING, end="")
        raise
    if options.check:
        return _compare(exported, options.check, project=project)
    return _print(uv.text(exported, project=project), exported, options)


def _of_project(installer: Installer, options: argparse.Namespace) -> int:
    """Print the export for an installer that a project's own file configures, or compare it with such a file."""
    exported = _exported_by(options, installer.export)
    if options.check:
        read = _pip_conf if installer.is_ini else _document
        return _tell(options.check, installer.differences(exported, part_of(read(options.check), installer.table)))
    return _print(installer.text(exported), exported, options)


def _print(text: str, exported: Exported, options: argparse.Namespace) -> int:
    if file := _file(options):
        _write(file, text)
        print(f"repoprio: written: {printable(file)}", file=sys.stderr)
    else:
        print(text, end="")
    if exported.caution:
        print(f"repoprio: WARNING: {exported.caution} {common.SAFER}", file=sys.stderr)
    for gap in exported.gaps:
        print(f"repoprio: not expressed: {gap}", file=sys.stderr)
    return 1 if (exported.gaps or exported.caution) and not options.exit_zero else 0


def _file(options: argparse.Namespace) -> str | None:
    """The file for the export; None for stdout."""
    return None if options.output in (None, "-") else str(options.output)


def _write(file: str, text: str) -> None:
    """Write a new file in UTF-8, with its folder; an existing one may have other settings, too."""
    if os.path.lexists(file):
        hint = "--check FILE says how it differs; move it away, or name another file"
        raise CannotWrite(f"{file} already exists; nothing was written.\n  hint: {hint}    [output]")
    try:
        os.makedirs(os.path.dirname(os.path.abspath(file)), exist_ok=True)
        with open(file, "x", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
    except OSError as error:
        raise CannotWrite(f"{file} cannot be written: {error.strerror}    [output]") from None


def _exported(options: argparse.Namespace, *, project: bool) -> Exported:
    return _exported_by(options, lambda policy: uv_export.export(policy, project=project))


def _exported_by(options: argparse.Namespace, export: Callable[[Policy], Exported]) -> Exported:
    policy = None if options.gateway else policy_in_force.policy(options.policy).sound()
    gateway = options.gateway or (policy.gateway if policy and not options.no_gateway else None)
    if gateway:
        if problem := gateway_index_problem(gateway):
            print(f"repoprio: WARNING: {gateway} {problem}", file=sys.stderr)
        if policy:
            origin = policy.rule("gateway").file
            print(f"repoprio: exported: the gateway {gateway} ({origin}); --no-gateway: the policy", file=sys.stderr)
        policy = common.gateway_alone(gateway)
    if policy is None:
        raise NothingExported(policy_in_force.no_policy())
    try:
        return export(policy)
    except CannotExport as error:
        raise NothingExported(f"nothing was exported. {error}    [export]") from None


def _compare(exported: Exported, file: str, *, project: bool) -> int:
    document = _document(file)
    written = part_of(document, "tool.uv") if project else document
    differences = uv_differences.differences(exported, written, project=project)
    uv_toml = os.path.join(os.path.dirname(file), "uv.toml")
    if project and os.path.isfile(uv_toml):
        differences.append(f"uv ignores its indexes and most of [tool.uv], since {uv_toml} exists: check that one")
    return _tell(file, differences)


def _tell(file: str, differences: Sequence[str]) -> int:
    for line in differences:
        print(f"{file}: {line}")
    if not differences:
        print(f"{file}: matches the policy")
    return 1 if differences else 0


def _pip_conf(file: str) -> dict[str, Any]:
    try:
        return {**policy_section.sections(file_text.pip_text(file) or "")}
    except file_text.Unreadable as error:
        raise CannotCompare(f"{file} {error}    [usage]") from None
    except ValueError as error:
        raise CannotCompare(f"{file} is not a pip.conf: {error}    [usage]") from None


def _document(file: str) -> dict[str, Any]:
    try:
        return policy_in_force.TOOLS.parse_toml(file_text.toml_text(file))
    except file_text.Unreadable as error:
        raise CannotCompare(f"{file} {error}    [usage]") from None
    except (ValueError, RecursionError) as error:
        raise CannotCompare(f"{file} is not TOML: {error}    [usage]") from None
