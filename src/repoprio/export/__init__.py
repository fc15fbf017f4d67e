"""Exports a policy for other installers: each module makes an `Exported` for one of them, and writes it as text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Gap(NamedTuple):
    """A setting that the other installer does not have: the dotted key of the policy, and what it does instead."""

    key: str
    means: str

    def __str__(self) -> str:
        return f"{self.key}: {self.means}"


class CannotExport(ValueError):
    """The other installer would do something unsafe with this policy; the text says what."""


class Exported(NamedTuple):
    """The other installer's settings as a document, and the gaps: what they leave out.

    `caution` is a warning if the other installer cannot keep names apart at all; "" otherwise. `routes` has exact
    names, each with the source that a project must name for it.
    """

    document: Mapping[str, Any]
    gaps: tuple[Gap, ...]
    caution: str = ""
    routes: Mapping[str, str] = MappingProxyType({})
