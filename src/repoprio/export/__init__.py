"""A policy in other installers' words: a module each, which gives an `Exported` and writes it as text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Gap(NamedTuple):
    """What the other installer cannot be told: the dotted key of the policy, and what follows from it there."""

    key: str
    means: str

    def __str__(self) -> str:
        return f"{self.key}: {self.means}"


class CannotExport(ValueError):
    """A policy of which the other installer would make something that is not safe; the text says what."""


class Exported(NamedTuple):
    """The other installer's settings as a document, and what they leave out.

    `caution` is what comes first where the other installer cannot hold the laws of a policy at all. `routes` are exact
    names, each with the source that a project has to name for it.
    """

    document: Mapping[str, Any]
    gaps: tuple[Gap, ...]
    caution: str = ""
    routes: Mapping[str, str] = MappingProxyType({})
