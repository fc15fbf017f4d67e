"""The policy in force: which file speaks, read and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping

from repoprio.config import places
from repoprio.config.faults import Fault, PolicyFaults
from repoprio.config.read import Tools, read
from repoprio.policy import Policy


def load(environ: Mapping[str, str], system: str, tools: Tools) -> Policy | None:
    """The policy in force, None where there is none; `PolicyFaults` where it is faulty.

    ``REPOPRIO_CONFIG`` replaces the `system` file, unless that one is locked.
    """
    named = environ.get(places.VARIABLE)
    if not named:
        return read(_text(system), system, environ, tools) if os.path.lexists(system) else None
    if os.path.lexists(system) and os.path.realpath(named) != os.path.realpath(system):
        _check_unlocked(named, environ, system, tools)
    if named == os.devnull:
        return None
    text = _text(named, f" (named by {places.VARIABLE})")
    if not text.strip():
        problem = f"is empty; {places.VARIABLE}={os.devnull} means no policy"
        raise PolicyFaults([Fault(named, "", problem)])
    return read(text, named, environ, tools)


def _check_unlocked(named: str, environ: Mapping[str, str], system: str, tools: Tools) -> None:
    """A locked system file lets REPOPRIO_CONFIG say nothing; one that cannot be read may be locked."""
    text = _text(system)
    try:
        locked = tools.parse_toml(text).get("locked", False)
    except (ValueError, RecursionError):
        locked = True
    if locked is not False:
        read(text, system, environ, tools)
        problem = f"lets no other file speak, but {places.VARIABLE} names {named}"
        raise PolicyFaults([Fault(system, "locked", problem)])


def _text(file: str, why: str = "") -> str:
    try:
        return places.text(file)
    except ValueError as error:
        raise PolicyFaults([Fault(file, "", f"{error}{why}")]) from None
