"""A policy in other installers' words: a module each, which gives an `Exported` and writes it as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Gap(NamedTuple):
    """What the other installer cannot be told: the dotted key of the policy, and what follows from it there."""

    key: str
    means: str

    def __str__(self) -> str:
        return f"{self.key}: {self.means}"


class Exported(NamedTuple):
    """The other installer's settings as a document, and what they leave out."""

    document: Mapping[str, Any]
    gaps: tuple[Gap, ...]
