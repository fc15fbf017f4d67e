"""The installers that a file of a project or of pip configures, with the functions of each export. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from repoprio.export import Exported, pdm, pip_conf, pipenv, poetry
from repoprio.policy.model import Policy


class Installer(NamedTuple):
    """One installer.

    `table` is the dotted key of its settings in the file; "" for the whole file. `differences` compares an export
    with such a table. `is_ini` is true if the file is a pip.conf; all others are TOML.
    """

    table: str
    export: Callable[[Policy], Exported]
    text: Callable[[Exported], str]
    differences: Callable[[Exported, Mapping[str, Any]], list[str]]
    is_ini: bool = False


def part_of(document: Mapping[str, Any], table: str) -> Mapping[str, Any]:
    """The `table` of a document; an empty one if it has none."""
    part: Any = document
    for key in filter(None, table.split(".")):
        part = part.get(key) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


BY_NAME = {
    "poetry": Installer("tool.poetry", poetry.export, poetry.text, poetry.differences),
    "pdm": Installer("tool.pdm", pdm.export, pdm.text, pdm.differences),
    "pipenv": Installer("", pipenv.export, pipenv.text, pipenv.differences),
    "pip": Installer("", pip_conf.export, pip_conf.text, pip_conf.differences, is_ini=True),
}
