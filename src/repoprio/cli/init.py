"""``repoprio init``: write a first policy, from the given names or from pip's settings."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace

from repoprio import shell
from repoprio.cli import in_target, policy_in_force
from repoprio.config import starter, values
from repoprio.config.errors import InvalidPolicy
from repoprio.config.load import read_text
from repoprio.config.pip.indexes import Named
from repoprio.config.policy_files import VARIABLE
from repoprio.errors import RepoprioError
from repoprio.policy.locations import as_url, home, variable_of
from repoprio.policy.model import PYPI
from repoprio.redaction import display_url, printable
from repoprio.simple_api.filenames import is_distribution
from repoprio.urls import path_of

_FOR_NAMES = ("namespaces", "owns", "flat")


class CannotWrite(RepoprioError):
    """The file for a new policy already exists, or cannot be written."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of init."""
    parser.description = (
        "Print a policy with the given repositories, highest priority first. Without arguments, print one with the "
        "repositories that pip's settings name, and leave the priorities to you."
    )
    parser.add_argument(
        "repositories", nargs="*", metavar="NAME=URL", help="a repository; pypi stands for pip's default index"
    )
    parser.add_argument(
        "--namespaces", action="append", default=[], metavar="NAME=PATTERN", help="names that come only from it"
    )
    owned = "these names come only from it; it may serve others too"
    parser.add_argument("--owns", action="append", default=[], metavar="NAME=PATTERN", help=owned)
    parser.add_argument(
        "--flat",
        action="append",
        default=[],
        metavar="NAME",
        help="it is flat, what pip calls find-links (a folder that exists needs no --flat)",
    )
    parser.add_argument("--isolated", action="store_true", help="ignore the user's pip.conf, like pip --isolated")
    in_target.add_environment(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="a file that does not exist yet; - is stdout")


def command(options: argparse.Namespace) -> int:
    """Print the policy, or write it to a new file."""
    if options.output == "":
        options.parser.error("-o needs the name of a file")
    in_target.tell(options)
    text = _from_names(options) if options.repositories else _from_settings(options)
    file = None if options.output == "-" else options.output or _unwritten()
    if file:
        _write(file, text)
        print(f"repoprio: wrote {file}{_in_force(file, is_decided=_is_sound(text))}", file=sys.stderr)
    else:
        print(text, end="")
    return 0


def _from_names(options: argparse.Namespace) -> str:
    if options.isolated:
        options.parser.error("--isolated is for a policy from pip's settings, without names")
    namespaces, owns = (_patterns(options, option) for option in ("namespaces", "owns"))
    wanted: list[starter.Wanted] = []
    for argument in options.repositories:
        name, url = _name_and_url(options, argument)
        if name in (known.name for known in wanted):
            options.parser.error(f"{name!r} is named twice")
        note = _note_of_mirror(options) if url == PYPI else ""
        alone, own = (tuple(patterns.pop(name, "").replace(",", " ").split()) for patterns in (namespaces, owns))
        flat = name in options.flat or _is_flat(name, url)
        wanted.append(starter.Wanted(name, url, alone, own, flat=flat, note=note))
        if display_url(url) != url:
            variable = variable_of(name)
            print(f"repoprio: the login of {name} is left out: set {variable}_USERNAME and _PASSWORD", file=sys.stderr)
    for name in [*namespaces, *owns, *(set(options.flat) - {known.name for known in wanted})]:
        options.parser.error(f"{name!r} is not one of the given repositories")
    return _checked(starter.from_names(wanted))


def _note_of_mirror(options: argparse.Namespace) -> str:
    """A note if pip's settings replace its built-in index, which ``pypi`` stands for; else ""."""
    urls = [argument.partition("=")[2] for argument in options.repositories]
    mirror = starter.mirror(policy_in_force.pip_settings()[0], policy_in_force.TOOLS.default_index(), urls)
    if mirror is None:
        return ""
    url = display_url(mirror.url)
    note = f"{PYPI} is pip's default index, not the one that pip uses now: {url} ({mirror.origin})"
    instead = shell.arguments(f"{PYPI}={url}")
    print(f"repoprio: {printable(note)}\n  hint: for that one: {instead} instead of {PYPI}", file=sys.stderr)
    return printable(note)


def _name_and_url(options: argparse.Namespace, argument: str) -> tuple[str, str]:
    name, equals, url = argument.partition("=")
    if not equals and name.lower() == PYPI:
        return PYPI, PYPI
    if "://" in name:
        options.parser.error(f"{argument!r} has no name: write it as NAME=URL, such as corp=URL")
    try:
        values.entry_name(name)
    except values.NotExpected as error:
        options.parser.error(f"{name!r} {error}")
    if not url:
        options.parser.error(f"{argument!r} is not NAME=URL (only {PYPI} needs no URL)")
    # A policy must not depend on the working folder.
    is_path = url != PYPI and "://" not in url and os.path.exists(url)
    return name, os.path.abspath(url) if is_path else url


def _is_flat(name: str, url: str) -> bool:
    """Whether `url` is a file, or a folder that has files itself, not in a folder for each project; says so."""
    place = as_url(url, home(os.environ))
    if not place.startswith("file:"):
        return False
    path = path_of(place)
    try:
        names = os.listdir(path) if os.path.isdir(path) else [path]
    except OSError:
        return False
    if os.path.isfile(path) or (names and not _has_pages(path, names) and any(map(is_distribution, names))):
        print(f"repoprio: {name} contains distribution files: it is written as flat", file=sys.stderr)
        return True
    if not os.path.exists(path) or not names:
        flat = f"if it will contain distribution files, add --flat {name}"
        state = "is empty" if os.path.exists(path) else "does not exist"
        print(f"repoprio: {printable(path)} {state}: {name} is written as a simple repository; {flat}", file=sys.stderr)
    return False


def _has_pages(folder: str, names: list[str]) -> bool:
    """Whether a folder has pages as a simple repository has them: NAME/index.html."""
    return any(os.path.isfile(os.path.join(folder, name, "index.html")) for name in names)


def _checked(text: str) -> str:
    try:
        read_text(text, "the new policy", os.environ, policy_in_force.TOOLS)
    except InvalidPolicy as invalid:
        problems = "\n  ".join(f"{error.key}: {error.problem}" for error in invalid.errors)
        raise CannotWrite(f"these repositories do not make a valid policy.\n  {problems}    [usage]") from None
    return text


def _patterns(options: argparse.Namespace, option: str) -> dict[str, str]:
    patterns_of: dict[str, str] = {}
    for argument in getattr(options, option):
        name, _, patterns = argument.partition("=")
        if not patterns:
            options.parser.error(f"--{option} takes NAME=PATTERN")
        patterns_of[name] = f"{patterns_of.get(name, '')} {patterns}"
    return patterns_of


def _from_settings(options: argparse.Namespace) -> str:
    for option in _FOR_NAMES:
        if getattr(options, option):
            options.parser.error(f"--{option} needs repositories on the command line")
    indexes, errors = policy_in_force.pip_settings(isolated=options.isolated)
    if errors:
        raise InvalidPolicy(errors)
    indexes = [_absolute(index) for index in indexes]
    for url, origin in starter.origins(indexes).items():
        print(f"repoprio: found {url} ({origin})", file=sys.stderr)
    return starter.from_settings(indexes, policy_in_force.TOOLS.default_index())


def _absolute(index: Named) -> Named:
    """`index` with an absolute path, since a policy must not depend on the working folder."""
    if "://" in index.url or index.url.startswith(("file:", "~")) or os.path.isabs(index.url):
        return index
    return index._replace(url=os.path.abspath(index.url), origin=replace(index.origin, note=f"there {index.url}"))


def _unwritten() -> str | None:
    """The file that REPOPRIO_CONFIG names, if it does not exist yet; else None."""
    named = os.environ.get(VARIABLE)
    return named if named and not os.path.lexists(named) else None


def _is_sound(text: str) -> bool:
    """Whether pip accepts this policy; not while priorities are missing."""
    try:
        read_text(text, "the new policy", os.environ, policy_in_force.TOOLS)
    except InvalidPolicy:
        return False
    return True


def _in_force(file: str, *, is_decided: bool) -> str:
    """What the user must still do so that the new file is the policy."""
    look = shell.repoprio("config check", file)
    first = "" if is_decided else f"; set the priorities in it, then check it: {look}"
    if os.environ.get(VARIABLE) == file:
        return first
    before = policy_in_force.policy()
    instead = " (it replaces the policy that is in force now: repoprio config show)" if before.sources else ""
    lead = f"{first}, then" if first else "; put it in force"
    return f"{lead}: {shell.setting(VARIABLE, os.path.abspath(file))}{instead}"


def _write(file: str, text: str) -> None:
    try:
        with open(file, "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        problem = f"{file} already exists; nothing was written.\n  hint: name another file    [usage]"
        raise CannotWrite(problem) from None
    except OSError as error:
        raise CannotWrite(f"{file} cannot be written: {error.strerror}    [output]") from None
