"""``repoprio config``: the effective policy, its errors and warnings, and the JSON Schema for editors."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from repoprio.cli import in_target, policy_in_force, terminal
from repoprio.config.checks.logins import login_warnings
from repoprio.config.checks.warnings import policy_warnings
from repoprio.config.errors import PolicyWarning
from repoprio.config.loaded import LoadedPolicy
from repoprio.config.pip.indexes import Named
from repoprio.config.schema import json_schema
from repoprio.policy.locations import home, is_at
from repoprio.policy.model import Format, Mode, Policy, Unlisted
from repoprio.redaction import display_url, printable
from repoprio.render import policy
from repoprio.render.policy import Meaning
from repoprio.storage import ownership_file
from repoprio.urls import is_fuse

_UNLISTED = {
    Unlisted.REFUSE: 'pip stops (unlisted = "refuse")',
    Unlisted.LOWEST: 'it is asked last (unlisted = "lowest")',
    Unlisted.IGNORE: 'it is ignored (unlisted = "ignore")',
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of config: its actions, with theirs."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, prog="repoprio config")
    for name, about in (
        ("show", "the files read, and the merged policy with the file of each setting"),
        ("check", "the errors of the policy, and warnings about what is valid but rarely intended"),
    ):
        action = actions.add_parser(name, help=about, description=f"Prints {about}.")
        action.add_argument(
            "file", nargs="?", metavar="FILE", help="a TOML file or pip.conf, instead of the policy in force"
        )
        action.add_argument("--isolated", action="store_true", help="ignore the user's pip.conf, like pip --isolated")
        in_target.add_environment(action)
        terminal.add_report(action)
        action.set_defaults(action=show if name == "show" else check)
    about = "the JSON Schema of the TOML file, for editors"
    actions.add_parser("schema", help=about, description=f"Prints {about}.").set_defaults(action=schema)


def command(options: argparse.Namespace) -> int:
    """Run the action of `options`."""
    status: int = options.action(options)
    return status


def show(options: argparse.Namespace) -> int:
    """Print the files read and the merged policy; return 2 if it has errors."""
    loaded = policy_in_force.policy(options.file, isolated=options.isolated)
    if not loaded.sources and not loaded.errors:
        return _none(loaded, options)
    if options.format == "json":
        print(policy.document(loaded, _warnings(loaded), environment=in_target.current(options).document))
    else:
        print(f"# {printable(in_target.current(options).line)}")
        print(policy.show(loaded))
        for error in loaded.errors:
            print(f"error: {error}", file=sys.stderr)
    return 2 if loaded.errors else 0


def check(options: argparse.Namespace) -> int:
    """Print errors and warnings; return 2 with errors, 1 if every lookup would stop, 0 with other warnings."""
    loaded = policy_in_force.policy(options.file, isolated=options.isolated)
    wishes = _wishes(loaded, isolated=options.isolated)
    if not loaded.sources and not loaded.errors:
        return _none(loaded, options, wishes)
    warnings = _warnings(loaded, wishes)
    if options.format == "json":
        print(policy.document(loaded, warnings, wishes, environment=in_target.current(options).document))
    else:
        in_target.name_first(options)
        print(policy.check(loaded, warnings, wishes))
    return 2 if loaded.errors else int(any(warning.stops for warning in warnings))


def schema(_: argparse.Namespace) -> int:
    """Print the JSON Schema of the TOML file."""
    import json

    print(json.dumps(json_schema(), indent=2))
    return 0


def _warnings(loaded: LoadedPolicy, wishes: Sequence[policy.Wish] = ()) -> list[PolicyWarning]:
    """The warnings about the policy, and about pip's own settings."""
    if loaded.policy is None:
        return []
    unlisted = [wish for wish in wishes if wish.meaning is Meaning.UNLISTED]
    refused = unlisted if loaded.policy.unlisted is Unlisted.REFUSE else []
    hint = f"remove it there, or {loaded.policy.addition('it')}"
    is_observed = loaded.policy.mode is Mode.OBSERVE
    when = "once the policy is enforced " if is_observed else ""
    problem = f"is not in the policy, so {when}every pip that looks up a project stops"
    warnings = [PolicyWarning(w.origin, w.url, problem, hint, "unlisted", stops=not is_observed) for w in refused]
    fuses = [wish for wish in wishes if is_observed and wish.meaning is Meaning.FUSE]
    problem = "is the fuse: a pip that only observes finds nothing there"
    warnings += [PolicyWarning(w.origin, w.url, problem, "repoprio disable --fuse", "fuse") for w in fuses]
    # These are errors unless the policy only observes.
    warnings += [PolicyWarning(lost.file, lost.key, lost.problem, lost.remedy, "gone") for lost in loaded.lost]
    warnings += login_warnings(loaded.policy, os.environ)
    return policy_warnings(loaded.policy) + _unread_memory(loaded.policy) + warnings


def _unread_memory(policy: Policy) -> list[PolicyWarning]:
    """The warning if the file of owned names cannot be read; a URL is not asked."""
    place = policy.ownership
    trouble = ownership_file.trouble(place) if place and "://" not in place else None
    if trouble is None:
        return []
    problem = f"cannot be read ({trouble}), so names that a higher repository does not have are refused"
    rule, remedy = policy.rule("ownership"), policy.change("make it readable again, or correct ownership in the policy")
    return [PolicyWarning(rule.file, rule.key, problem, remedy, "ownership-memory")]


def _wishes(loaded: LoadedPolicy, *, isolated: bool) -> list[policy.Wish]:
    """The indexes that pip's own settings name, and how the policy treats them."""
    indexes, _ = policy_in_force.pip_settings(isolated=isolated)
    return [policy.Wish(display_url(index.url), str(index.origin), *_meaning(loaded.draft, index)) for index in indexes]


def _meaning(policy: Policy | None, index: Named) -> tuple[str | None, Meaning, str]:
    """The repository that an index of pip's settings means, or None; and its meaning, also in words."""
    if policy is None:
        return None, Meaning.UNKNOWN, ""
    known = next((r for r in policy.repositories if is_at(r, index.url, index.format, home(os.environ))), None)
    if known:
        return known.name, Meaning.LISTED, f"is {known.name}"
    if index.overridden:
        return None, Meaning.OVERRIDDEN, f"is not used: {index.overridden} overrides it"
    if is_fuse(index.url):
        return None, Meaning.FUSE, "is the fuse"
    if index.format is Format.SIMPLE and policy.is_gateway(index.url):
        return None, Meaning.GATEWAY, "is the policy's gateway: a pip with the hook asks the repositories instead"
    when = "once enforced, " if policy.mode is Mode.OBSERVE else ""
    return None, Meaning.UNLISTED, f"is not in the policy: {when}{_UNLISTED[policy.unlisted]}"


def _none(loaded: LoadedPolicy, options: argparse.Namespace, wishes: Sequence[policy.Wish] | None = None) -> int:
    if options.format == "json":
        print(policy.document(loaded, [], wishes, environment=in_target.current(options).document))
    else:
        if wishes is None:
            # A comment, since the output is TOML.
            print(f"# {printable(in_target.current(options).line)}")
        else:
            in_target.name_first(options)
        for wish in wishes or ():
            print(wish)
    print(f"repoprio: {policy_in_force.no_policy(isolated=options.isolated)}", file=sys.stderr)
    return 1
