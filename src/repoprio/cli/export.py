"""``repoprio export``: the policy in another installer's words, and what these cannot say."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from repoprio.cli import at_hand
from repoprio.config import places
from repoprio.config.load import no_policy
from repoprio.errors import RepoprioError
from repoprio.export import Exported, uv


class CannotCompare(RepoprioError):
    """The file to compare with cannot be read."""


def command(options: argparse.Namespace) -> int:
    """Print the export, or compare it with a file; 1 where something cannot be said, or differs."""
    policy = at_hand.policy(options.policy).sound()
    if policy is None:
        print(f"ERROR: repoprio: {no_policy(at_hand.layers())}", file=sys.stderr)
        return 2
    try:
        exported = uv.export(policy, project=options.project)
    except uv.CannotExport as error:
        print(f"ERROR: repoprio: nothing was exported. {error}    [export]", file=sys.stderr)
        return 1
    if options.check:
        return _compare(exported, options)
    print(uv.text(exported, project=options.project), end="")
    for gap in exported.gaps:
        print(f"repoprio: not said: {gap}", file=sys.stderr)
    return 1 if exported.gaps else 0


def _compare(exported: Exported, options: argparse.Namespace) -> int:
    found = uv.differences(exported, _document(options))
    for line in found:
        print(f"{options.check}: {line}")
    if not found:
        print(f"{options.check}: as the policy says")
    return 1 if found else 0


def _document(options: argparse.Namespace) -> dict[str, Any]:
    try:
        document = at_hand.TOOLS.parse_toml(places.toml_text(options.check))
    except places.Unreadable as error:
        raise CannotCompare(f"{options.check} {error}    [usage]") from None
    except (ValueError, RecursionError):
        raise CannotCompare(f"{options.check} is not TOML    [usage]") from None
    inner = document.get("tool", {})
    found = inner.get("uv", {}) if isinstance(inner, dict) and options.project else document
    return found if isinstance(found, dict) else {}
