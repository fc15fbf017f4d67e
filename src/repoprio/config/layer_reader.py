"""Reads the files of a policy's layers into settings."""

from __future__ import annotations

import os
import re

from repoprio.config import file_text, policy_files, records
from repoprio.config.build import Parsers
from repoprio.config.errors import LOOK_AGAIN, PolicyProblem
from repoprio.config.file_text import Unreadable
from repoprio.config.loaded import Source
from repoprio.config.merge import LayerSettings
from repoprio.config.policy_files import VARIABLE, LayerFiles
from repoprio.config.settings import Setting, check_depth, settings
from repoprio.redaction import redact_text


class LayerReader:
    """Reads the files of layers, and collects all their errors.

    `sources` are the files that had settings, `broken` those that could not be read at all, and `lost` are recorded
    files that are gone.
    """

    def __init__(self, tools: Parsers) -> None:
        self.sources: list[Source] = []
        self.errors: list[PolicyProblem] = []
        self.broken: list[str] = []
        self.lost: list[PolicyProblem] = []
        self._tools = tools

    def layer(self, layer: LayerFiles) -> LayerSettings:
        """The settings of one layer's files; pip's own files are INI, all others TOML."""
        is_toml = layer.name in (policy_files.SYSTEM, policy_files.FILE, VARIABLE)
        documents = (self._toml_file(layer, file) if is_toml else self._pip_file(layer, file) for file in layer.files)
        return LayerSettings(layer.name, tuple(setting for document in documents for setting in document))

    def toml(self, layer: str, file: str, text: str) -> tuple[Setting, ...]:
        """The settings of the TOML document `text`."""
        try:
            document = self._tools.parse_toml(text)
            check_depth(document)
        except (ValueError, RecursionError) as error:
            problem = _parser_problem(str(error)) if isinstance(error, ValueError) else "it is nested too deeply"
            self._break(file, f"is not TOML: {problem}")
            return ()
        self.sources.append(Source(layer, file))
        return tuple(settings(document, file))

    def _toml_file(self, layer: LayerFiles, file: str) -> tuple[Setting, ...]:
        try:
            text = file_text.toml_text(file)
        except Unreadable as error:
            named = f"named by {layer.option or VARIABLE}"
            by = f" ({_label(layer) if layer.is_recorded else named})" if layer.name == VARIABLE else ""
            is_named = layer.name in (VARIABLE, policy_files.FILE) and not layer.is_recorded and "://" not in file
            self._break(file, f"{error}{by}", _creation(file) if is_named and not os.path.lexists(file) else LOOK_AGAIN)
            return ()
        return self.toml(_label(layer), file, text)

    def _pip_file(self, layer: LayerFiles, file: str) -> tuple[Setting, ...]:
        try:
            text = file_text.pip_text(file)
        except Unreadable as error:
            self._break(file, str(error))
            return ()
        if text is None and layer.is_recorded:
            self.lose(file)
            return ()
        if not text or not file_text.mentions(text):
            return ()
        from repoprio.config.pip import policy_section

        document, errors = policy_section.document(text, file)
        self.errors += errors
        if document is None:
            self.broken += [error.file for error in errors]
            return ()
        self.sources.append(Source(_label(layer), file))
        if "policy" in document:
            self.errors.append(PolicyProblem(file, "policy", "works only in the system's file: set it there"))
        return tuple(settings(document, file))

    def lose(self, file: str) -> None:
        """Note that a recorded file is gone."""
        problem = "is gone; repoprio recorded it as a policy file of this environment"
        self.lost.append(PolicyProblem(file, "", problem, records.repair(records.current())))

    def _break(self, file: str, problem: str, remedy: str = LOOK_AGAIN) -> None:
        # A URL, which no file can be, may have a login.
        shown = redact_text(file) if "://" in file else file
        self.errors.append(PolicyProblem(shown, "", problem, remedy))
        self.broken.append(shown)


def _parser_problem(problem: str) -> str:
    """A parser's message; keys that it quotes are redacted if they may contain a login."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", lambda quoted: redact_text(quoted[0]), problem)


def _label(layer: LayerFiles) -> str:
    """The name of a layer for people."""
    if not layer.is_recorded:
        return layer.name
    # The file was named by a variable, or by enable --policy; the record does not say by which.
    return "recorded for this environment" if layer.name == VARIABLE else f"{layer.name}, recorded for this environment"


def _creation(file: str) -> str:
    """The remedy if `file`, which was named explicitly, does not exist."""
    # Imported only where something is wrong, as in `errors`.
    from repoprio import shell

    return f"create it ({shell.repoprio('init', '-o', file)}), or name another file"
