"""Lookups of repoprio itself: an installed one stays, unless the user asks for it by name."""

from __future__ import annotations

import sys

from pip._internal.metadata import get_default_environment

import repoprio
from repoprio.config.records import POINTER
from repoprio.names import OWN_NAME, NormalizedName
from repoprio.pip_adapter.command import current
from repoprio.policy.routing import Blocked, Conflict, Route


def kept_version(name: NormalizedName, routing: Route | Blocked | Conflict) -> str | None:
    """The version of repoprio that stays even if something requires another; None for other names, or if it may change.

    It may change if the user asks for it by name, and if `owns` or a pin says who supplies it.
    """
    if name != OWN_NAME or is_asked_for() or (isinstance(routing, Route) and routing.is_routed):
        return None
    return version_here()


def is_asked_for() -> bool:
    """Whether the user asks for repoprio by name, or the lookup is not part of an installation."""
    asked = current().asked
    return asked is None or OWN_NAME in asked


def version_here() -> str | None:
    """The version of repoprio in this pip's own environment; None if it is in another one.

    Builds install into temporary folders outside the environment.
    """
    if current().is_build:
        return None
    installed = get_default_environment().get_distribution(OWN_NAME)
    if installed is not None:
        return str(installed.version)
    return repoprio.__version__ if POINTER in sys.modules else None
