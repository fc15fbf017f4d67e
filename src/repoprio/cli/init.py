"""``repoprio init``: a policy to begin with, from the names given or from pip's settings at hand."""

from __future__ import annotations

import argparse
import os
import sys

from repoprio.cli import at_hand
from repoprio.config.faults import PolicyFaults
from repoprio.config.load import read_text
from repoprio.config.places import VARIABLE
from repoprio.errors import RepoprioError
from repoprio.policy import PYPI
from repoprio.render import draft


class CannotWrite(RepoprioError):
    """The file of a new policy is there already, or cannot be made."""


def command(options: argparse.Namespace) -> int:
    """Print the policy, or write it to a file that is not there yet."""
    text = _from_names(options) if options.repositories else _from_settings(options)
    file = options.output or _unwritten()
    if file:
        _write(file, text)
        print(f"repoprio: wrote {file}", file=sys.stderr)
    else:
        print(text, end="")
    return 0


def _from_names(options: argparse.Namespace) -> str:
    namespaces = _pairs(options, "namespaces", options.namespaces)
    wanted = []
    for given in options.repositories:
        name, equals, url = given.partition("=")
        if not equals and name != PYPI:
            options.parser.error(f"{name!r} is not NAME=URL (the one name that stands alone is {PYPI})")
        patterns = tuple(namespaces.pop(name, "").replace(",", " ").split())
        wanted.append(draft.Wanted(name, url or PYPI, patterns, name in options.flat))
        if url and draft.bare(url) != url:
            variable = f"REPOPRIO_{name.upper().replace('-', '_')}"
            print(f"repoprio: the login of {name} is left out: set {variable}_USERNAME and _PASSWORD", file=sys.stderr)
    for name in [*namespaces, *(set(options.flat) - {w.name for w in wanted})]:
        options.parser.error(f"{name!r} is none of the repositories given")
    text = draft.from_names(wanted)
    try:
        read_text(text, "the new policy", os.environ, at_hand.TOOLS)
    except PolicyFaults as faults:
        said = "\n  ".join(f"{fault.key}: {fault.problem}" for fault in faults.faults)
        raise CannotWrite(f"these repositories make no policy.\n  {said}    [usage]") from None
    return text


def _pairs(options: argparse.Namespace, what: str, given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            options.parser.error(f"--{what} takes NAME=PATTERN")
        found[name] = f"{found.get(name, '')} {value}"
    return found


def _from_settings(options: argparse.Namespace) -> str:
    for given, option in ((options.namespaces, "--namespaces"), (options.flat, "--flat")):
        if given:
            options.parser.error(f"{option} is for repositories that are named")
    found, faults = at_hand.pip_settings(isolated=options.isolated)
    if faults:
        raise PolicyFaults(faults)
    for url, origin in draft.origins(found).items():
        print(f"repoprio: found {url} ({origin})", file=sys.stderr)
    return draft.from_settings(found, at_hand.TOOLS.default_index())


def _unwritten() -> str | None:
    """The file that REPOPRIO_CONFIG names, where it is to be written still."""
    named = os.environ.get(VARIABLE)
    return named if named and not os.path.lexists(named) else None


def _write(file: str, text: str) -> None:
    try:
        with open(file, "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise CannotWrite(
            f"{file} is there already; nothing was written.\n  hint: name another file    [usage]"
        ) from None
    except OSError as error:
        raise CannotWrite(f"{file} cannot be written: {error.strerror}    [output]") from None
