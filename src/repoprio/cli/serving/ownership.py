"""``repoprio ownership``: the names that a repository has served to the gateway's clients, and so keeps."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from repoprio.cli import policy_in_force, terminal
from repoprio.cli.serving import places
from repoprio.errors import NoPolicy, RepoprioError
from repoprio.lookup.ownership import (
    Record,
    UnsoundMemory,
    as_document,
    from_document,
    holder,
    is_whole,
    matching,
    without_secrets,
)
from repoprio.policy.model import Policy, Repository
from repoprio.policy.patterns import Pattern
from repoprio.serve.stores.model import OwnershipStore
from repoprio.storage import ownership_file
from repoprio.wording import count_of, join_words

_SCHEMA = 1
_SQLITE = b"SQLite format 3\0"
_MOST_SHOWN = 3


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
        description="Forget who owns the names that match. If their owner still serves them, nothing changes.",
    )
    release.add_argument("names", nargs="+", metavar="NAME", help="a project, or a pattern with * and ?")
    release.add_argument("--repository", metavar="NAME", help="only what this repository owns")
    export = actions.add_parser(
        "export",
        help="print all records as JSON",
        description="Print all records as JSON, for a backup or a review. For a URL that is not in the policy, only "
        "the site is printed: the URL may contain a token.",
    )
    init = actions.add_parser(
        "init",
        help="begin the memory in Redis, or confirm its content after a loss",
        description="Begin the memory, or confirm its content. A gateway never begins one in Redis: if it finds "
        "none, it answers 503, because nobody knows who owned a name.",
    )
    init.add_argument(
        "--from",
        dest="source",
        metavar="FILE",
        help="add the records that export printed, or those of a gateway's SQLite file",
    )
    for action, do in ((listed, show), (release, forget), (export, dump), (init, begin)):
        places.add_store(action)
        action.set_defaults(action=do)


def command(options: argparse.Namespace) -> int:
    """Do the action of `options`."""
    store = places.store(options)
    try:
        status: int = options.action(options, store)
    except UnsoundMemory as error:
        hint = f"--store or {places.VARIABLE} names another one"
        raise NoMemory(f"the ownership memory cannot be used: {error}\n  hint: {hint}    [store]") from None
    return status


def show(options: argparse.Namespace, store: OwnershipStore) -> int:
    """List the records, with those that have no effect under the policy in force."""
    records, policy = store.listed(), policy_in_force.policy().sound()
    if options.format == "json":
        print(_document(policy, records))
        return 0
    if not records:
        print(f"No name is remembered ({_where(store)}).")
    for record, shown in zip(records, without_secrets(policy, records), strict=True):
        note = "" if policy is None else _note(record, holder(policy, record))
        print(f"{record.project}  {record.repository}  {shown.url}{note}")
    return 0


def _where(store: OwnershipStore) -> str:
    """The place of the store; of a file that is not there, also that."""
    is_lost = os.path.isabs(store.place) and not os.path.exists(store.place)
    return f"{store.place} does not exist" if is_lost else store.place


def _note(record: Record, now: Repository | None) -> str:
    if now is None:
        return "  (dormant: not in the policy)"
    return "" if now.name == record.repository else f"  (now {now.name})"


def dump(_: argparse.Namespace, store: OwnershipStore) -> int:
    """Print all records as JSON; which part of a URL may be a secret, only the policy knows."""
    policy = policy_in_force.policy().sound("the records are not exported without it")
    if policy is None:
        raise NoPolicy(policy_in_force.no_policy())
    records = list(without_secrets(policy, store.listed()))
    print(json.dumps(as_document(records), indent=2))
    if lost := [record for record in records if not is_whole(record)]:
        print(f"repoprio: {_without_url(lost)}\n  hint: {_TO_EXPORT_ALL}    [store]", file=sys.stderr)
    return 0


# How a record gets its whole URL into an export.
_TO_EXPORT_ALL = "to export the whole URL, add it to the policy first, as one of the aliases of a repository"


def _without_url(records: Sequence[Record]) -> str:
    """What is wrong with records of which only the site was exported."""
    named = [f"{record.project} ({record.repository}, {record.url})" for record in records[:_MOST_SHOWN]]
    named += [f"{len(records) - _MOST_SHOWN} more"] if len(records) > _MOST_SHOWN else []
    count, have = count_of(len(records), "record"), "has" if len(records) == 1 else "have"
    return f"{count} {have} only the site of a URL, which was not in the policy at the export: {join_words(named)}"


def _document(policy: Policy | None, records: Sequence[Record]) -> str:
    entries = [
        shown._asdict() | ({} if policy is None else _holder(holder(policy, record)))
        for record, shown in zip(records, without_secrets(policy, records), strict=True)
    ]
    return json.dumps({"schema": _SCHEMA, "records": entries}, indent=2)


def _holder(now: Repository | None) -> dict[str, Any]:
    return {"dormant": now is None, "holder": now.name if now else None}


def forget(options: argparse.Namespace, store: OwnershipStore) -> int:
    """Take out the records that are meant; 1 where there is none."""
    try:
        patterns = [Pattern.parse(name) for name in options.names]
    except ValueError as error:
        options.parser.error(str(error))
    released = matching(store.listed(), patterns, options.repository)
    if not released:
        print(f"repoprio: no name that is remembered matches; nothing was released ({_where(store)}).")
        print(f"  hint: repoprio ownership list shows the names; --store or {places.VARIABLE} names another memory")
        return 1
    store.replace(released, ())
    for record in released:
        print(f"released: {record.project} (was {record.repository})")
    return 0


def begin(options: argparse.Namespace, store: OwnershipStore) -> int:
    """Begin the memory, or confirm it."""
    count = store.begin(_imported(options.source, store) if options.source else ())
    print(f"The memory is begun: {count_of(count, 'record')} ({store.place}).")
    return 0


def _imported(source: str, store: OwnershipStore) -> list[Record]:
    """The records of a file that are whole; of the others, `store` must have the whole ones already."""
    records = _exported(source)
    partial = [record for record in records if not is_whole(record)]
    known = set(without_secrets(None, _present(store))) if partial else set()
    if lost := [record for record in partial if record not in known]:
        hint = f"{_TO_EXPORT_ALL}; or name the SQLite file itself: --from gateway.sqlite"
        raise NoMemory(f"{source}: nothing was added: {_without_url(lost)}\n  hint: {hint}    [store]")
    return [record for record in records if is_whole(record)]


def _present(store: OwnershipStore) -> Sequence[Record]:
    try:
        return store.listed()
    except UnsoundMemory:
        # It is not begun yet, or has lost records.
        return ()


def _exported(source: str) -> list[Record]:
    """The records that export printed into a file, or those of a gateway's SQLite file."""
    try:
        with open(source, "rb") as file:
            content = file.read()
        if content.startswith(_SQLITE):
            return list(ownership_file.read(os.path.abspath(source)))
        return list(from_document(json.loads(content)))
    except (OSError, ValueError, UnsoundMemory) as error:
        reason = getattr(error, "strerror", None) or error
        hint = "name a file that repoprio ownership export printed, or a gateway's SQLite file"
        raise NoMemory(f"{source} holds no records: {reason}\n  hint: {hint}    [store]") from None
