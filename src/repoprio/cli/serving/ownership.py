"""``repoprio ownership``: the names that a repository has served to the gateway's clients, and so keeps."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence

from repoprio.cli import policy_in_force, terminal
from repoprio.cli.serving import places
from repoprio.errors import RepoprioError
from repoprio.policy.model import Policy
from repoprio.policy.patterns import Pattern
from repoprio.redaction import display_url
from repoprio.serve.ownership import Record, holder, matching
from repoprio.serve.ownership_store import OwnershipStore, UnsoundMemory

_SCHEMA = 1


class NoMemory(RepoprioError):
    """The memory cannot be used."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What ownership takes: an action, and what that takes."""
    parser.description = (
        "The gateway remembers which repository served a name. Such a name stays its own when it disappears there: no "
        "lower-priority repository supplies it until it is released."
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, prog="repoprio ownership")
    listed = actions.add_parser("list", help="list the names and their owners", description="List names and owners.")
    terminal.add_report(listed)
    release = actions.add_parser(
        "release",
        help="forget who owns names, so that lower-priority repositories may supply them",
        description="Forget who owns the names that match. Where their owner still serves them, nothing changes.",
    )
    release.add_argument("names", nargs="+", metavar="NAME", help="a project, or a pattern with * and ?")
    release.add_argument("--repository", metavar="NAME", help="only what this repository owns")
    export = actions.add_parser(
        "export", help="print all records as JSON", description="Print all records as JSON, for a backup or a review."
    )
    for action, do in ((listed, show), (release, forget), (export, dump)):
        places.add_store(action)
        action.set_defaults(action=do)


def command(options: argparse.Namespace) -> int:
    """Do the action of `options`."""
    store = OwnershipStore(places.store(options))
    try:
        status: int = options.action(options, store)
    except UnsoundMemory as error:
        raise NoMemory(f"the ownership memory cannot be used: {error}\n  hint: --store names it    [store]") from None
    return status


def _all(store: OwnershipStore) -> tuple[Record, ...]:
    """All records; none where the gateway has never run."""
    return store.all() if os.path.exists(store.path) else ()


def show(options: argparse.Namespace, store: OwnershipStore) -> int:
    """List the records, with those that have no effect under the policy in force."""
    records, policy = _all(store), policy_in_force.policy().sound()
    if options.format == "json":
        print(_document(records, policy))
        return 0
    if not records:
        print(f"No name is remembered ({store.path}).")
    for record in records:
        dormant = "" if policy is None or holder(policy, record) else "  (dormant: not in the policy)"
        print(f"{record.project}  {record.repository}  {display_url(record.url)}{dormant}")
    return 0


def dump(_: argparse.Namespace, store: OwnershipStore) -> int:
    """Print all records as JSON."""
    print(_document(_all(store), None))
    return 0


def _document(records: Sequence[Record], policy: Policy | None) -> str:
    entries = [
        {"project": record.project, "repository": record.repository, "url": display_url(record.url)}
        | ({} if policy is None else {"dormant": holder(policy, record) is None})
        for record in records
    ]
    return json.dumps({"schema": _SCHEMA, "records": entries}, indent=2)


def forget(options: argparse.Namespace, store: OwnershipStore) -> int:
    """Take out the records that are meant; 1 where there is none."""
    try:
        patterns = [Pattern.parse(name) for name in options.names]
    except ValueError as error:
        options.parser.error(str(error))
    found = matching(_all(store), patterns, options.repository)
    if not found:
        print("repoprio: no name is remembered that matches; nothing was released.")
        return 1
    store.replace(found, ())
    for record in found:
        print(f"released: {record.project} (was {record.repository})")
    return 0
