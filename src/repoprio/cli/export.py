"""``repoprio export``: export the policy for another installer, and say what it cannot express."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from repoprio.cli import in_target, policy_in_force, uv_export
from repoprio.config import policy_files
from repoprio.errors import RepoprioError
from repoprio.export import Exported, uv, uv_differences


class CannotCompare(RepoprioError):
    """The file to compare with cannot be read."""


class NothingExported(RepoprioError):
    """There is no policy, a faulty one, or one that cannot be said."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What export takes."""
    parser.description = (
        "Print the policy as uv configuration. What uv cannot express is listed in comments and on stderr."
    )
    parser.add_argument("installer", metavar="FORMAT", choices=("uv",), help="uv")
    parser.add_argument("--project", action="store_true", help="for a project's pyproject.toml: routes exact names too")
    parser.add_argument("--check", metavar="FILE", help="compare with FILE instead")
    parser.add_argument("--exit-zero", action="store_true", help="exit with 0 even if something cannot be expressed")
    in_target.add_environment(parser)
    parser.add_argument("--policy", metavar="FILE", help="a policy in TOML, instead of the one in force")


def command(options: argparse.Namespace) -> int:
    """Print the export, or compare it with a file; 1 where something cannot be said, or differs."""
    in_target.tell(options)
    project = options.project or os.path.basename(options.check or "") == "pyproject.toml"
    try:
        exported = _exported(options, project=project)
    except RepoprioError:
        if not options.check:
            print(uv.NOTHING, end="")
        raise
    if options.check:
        return _compare(exported, options.check, project=project)
    print(uv.text(exported, project=project), end="")
    for gap in exported.gaps:
        print(f"repoprio: not expressed: {gap}", file=sys.stderr)
    return 1 if exported.gaps and not options.exit_zero else 0


def _exported(options: argparse.Namespace, *, project: bool) -> Exported:
    policy = policy_in_force.policy(options.policy).sound()
    if policy is None:
        raise NothingExported(policy_in_force.no_policy())
    try:
        return uv_export.export(policy, project=project)
    except uv.CannotExport as error:
        raise NothingExported(f"nothing was exported. {error}    [export]") from None


def _compare(exported: Exported, file: str, *, project: bool) -> int:
    differences = uv_differences.differences(exported, _document(file, project=project), project=project)
    uv_toml = os.path.join(os.path.dirname(file), "uv.toml")
    if project and os.path.isfile(uv_toml):
        differences.append(f"uv ignores its indexes and most of [tool.uv], since {uv_toml} exists: check that one")
    for line in differences:
        print(f"{file}: {line}")
    if not differences:
        print(f"{file}: matches the policy")
    return 1 if differences else 0


def _document(file: str, *, project: bool) -> dict[str, Any]:
    try:
        document = policy_in_force.TOOLS.parse_toml(policy_files.toml_text(file))
    except policy_files.Unreadable as error:
        raise CannotCompare(f"{file} {error}    [usage]") from None
    except (ValueError, RecursionError) as error:
        raise CannotCompare(f"{file} is not TOML: {error}    [usage]") from None
    inner = document.get("tool", {})
    tool_table = inner.get("uv", {}) if isinstance(inner, dict) and project else document
    return tool_table if isinstance(tool_table, dict) else {}
