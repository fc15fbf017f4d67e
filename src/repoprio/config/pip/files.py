"""Reads pip's own files for the indexes that they name; a policy in them does not matter here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repoprio.config import file_text
from repoprio.config.errors import PolicyProblem
from repoprio.config.file_text import Unreadable
from repoprio.config.policy_files import LayerFiles


def read_pip_files(
    layers: Sequence[LayerFiles],
) -> tuple[list[tuple[str, Mapping[str, Mapping[str, str]]]], list[PolicyProblem]]:
    """The files with their sections, first to last, and an error for each file that cannot be read."""
    files, errors = [], []
    for file in (file for layer in layers for file in layer.files):
        sections = _pip_sections(file)
        if isinstance(sections, PolicyProblem):
            errors.append(sections)
        else:
            files.append((file, sections))
    return files, errors


def _pip_sections(file: str) -> Mapping[str, Mapping[str, str]] | PolicyProblem:
    try:
        text = file_text.pip_text(file) or ""
        if not any(word in text.lower() for word in ("index", "find")):
            return {}
        from repoprio.config.pip import policy_section

        return policy_section.sections(text)
    except Unreadable as error:
        return PolicyProblem(file, "", str(error))
    except ValueError as error:
        return PolicyProblem(file, "", f"is not a pip.conf: {error}")
