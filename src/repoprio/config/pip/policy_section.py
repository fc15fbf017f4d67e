"""Reads the section ``[repoprio]`` of one of pip's files, as pip reads the file. Pure."""

from __future__ import annotations

import configparser
import re
from typing import Any

from repoprio.config import schema
from repoprio.config.errors import PolicyProblem
from repoprio.config.schema import SECTION, fold
from repoprio.redaction import redact_text

Section = dict[str, str]
_DEFAULT = configparser.DEFAULTSECT
# The prefixes of the keys of repositories and pins.
_OURS = tuple(f"{table}." for table in schema.TABLES)
# Lines inside a value that were meant as the header of this section, or as a setting in it.
_HEADER = re.compile(r"\[[^\]]*repo[-_]?prio", re.IGNORECASE)
_SETTING = re.compile(rf"((?:{'|'.join(schema.TABLES)})\.[\w.-]+)\s*=")


class _Parser(configparser.RawConfigParser):
    """A parser like pip's: normalizes keys as pip 26.3 does, no interpolation; ``[DEFAULT]`` is an ordinary section."""

    def __init__(self) -> None:
        # A header has at least one character, so no section can be the default one.
        super().__init__(default_section="")

    def optionxform(self, optionstr: str) -> str:
        return fold(optionstr)


def sections(text: str) -> dict[str, Section]:
    """Every section with its keys; raises `ValueError` with line and column if `text` is not valid INI."""
    parser = _Parser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        # The message does not quote the line: it may contain a password.
        raise ValueError(f"{_problem(error, text)} (at line {_line(error)}, column {_column(error, text)})") from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _problem(error: configparser.Error, text: str) -> str:
    if isinstance(error, configparser.DuplicateOptionError):
        return f"{redact_text(error.section)}.{redact_text(error.option)} is set twice"
    if isinstance(error, configparser.DuplicateSectionError):
        return f"there are two sections [{redact_text(error.section)}]"
    if isinstance(error, configparser.MissingSectionHeaderError):
        if text.startswith("\ufeff["):
            return "it begins with a byte order mark (BOM), at which pip stops: save it as UTF-8 without BOM"
        return "a line before the first [section]"
    return "a line that is neither [section] nor key = value"


def _line(error: Any) -> int:
    return int(getattr(error, "lineno", None) or error.errors[0][0])


def _column(error: Any, text: str) -> int:
    line = [*text.split("\n"), ""][_line(error) - 1]
    return len(line) - len(line.lstrip()) + 1


def document(text: str, file: str) -> tuple[dict[str, Any] | None, list[PolicyProblem]]:
    """The settings of ``[repoprio]`` as a TOML document, None if there is no such section; and all errors."""
    try:
        by_name = sections(text)
    except ValueError as error:
        return None, [PolicyProblem(file, "", f"is not a pip.conf: {error}")]
    errors = _misplaced(by_name, file)
    if not by_name.get(SECTION):
        return None, errors
    reader = _Section(file, errors)
    for key, value in by_name[SECTION].items():
        reader.put(key, value)
    return reader.document, errors


def _misplaced(by_name: dict[str, Section], file: str) -> list[PolicyProblem]:
    """An error for each setting of a policy outside of this section: pip would silently ignore it."""
    near = [name for name in by_name if name != SECTION and _is_near(name)]
    alone = f"is not read: write [{SECTION}] alone on its line, and dotted keys below it"
    errors = [PolicyProblem(file, f"[{redact_text(name)}]", alone) for name in near]
    elsewhere = f"is not read there: write it in [{SECTION}], without {SECTION}."
    there = f"is not read there: write it in [{SECTION}]"
    others = {name: keys for name, keys in by_name.items() if name not in (SECTION, *near)}
    for name, keys in others.items():
        dotted = [key for key in keys if key.startswith(f"{SECTION}.")]
        errors += [PolicyProblem(file, f"[{redact_text(name)}] {redact_text(key)}", elsewhere) for key in dotted]
        # pip adds the keys of [DEFAULT] to each section, so to this one too.
        plain = (*schema.TABLES, *schema.POLICY) if name == _DEFAULT and (SECTION in by_name or _has_ours(keys)) else ()
        misplaced = [key for key in keys if key.startswith(_OURS) or key in plain]
        errors += [PolicyProblem(file, f"[{redact_text(name)}] {redact_text(key)}", there) for key in misplaced]
    return errors + _swallowed(by_name, file)


def _is_near(name: str) -> bool:
    """Whether a section's name may be a misspelled ``[repoprio]``, or is the header of a TOML table."""
    return re.search("repo[-_]?prio", name.lower()) is not None or name.startswith(_OURS)


def _has_ours(keys: Section) -> bool:
    return any(key.startswith(_OURS) for key in keys)


def _swallowed(by_name: dict[str, Section], file: str) -> list[PolicyProblem]:
    """An error for each value that continues with a line of a policy, because that line is indented."""
    return [
        PolicyProblem(
            file,
            f"[{redact_text(name)}] {redact_text(key)}",
            f"continues with {what}: remove the white space before it",
        )
        for name, keys in by_name.items()
        for key, value in keys.items()
        if (what := _line_of_ours(value))
    ]


def _line_of_ours(value: str) -> str | None:
    for line in value.split("\n")[1:]:
        if _HEADER.match(line):
            return f"the line [{SECTION}]"
        if setting := _SETTING.match(fold(line)):
            return f"the key {redact_text(setting[1])}"
    return None


class _Section:
    """Turns the dotted keys of one section into tables."""

    def __init__(self, file: str, errors: list[PolicyProblem]) -> None:
        self.document: dict[str, Any] = {}
        self._file = file
        self._errors = errors

    def put(self, key: str, text: str) -> None:
        """Add one setting."""
        table, _, rest = key.partition(".")
        name, dot, entry_key = rest.partition(".")
        if table not in schema.TABLES and rest:
            problem = "is not a key here: write repositories.NAME.KEY or pins.NAME.KEY"
            self._errors.append(PolicyProblem(self._file, redact_text(key), problem))
        elif table not in schema.TABLES:
            self.document[key] = self._value(key, schema.POLICY.get(key), text)
        elif not dot or not name or not entry_key:
            problem = f"is not a key here: write {table}.NAME.KEY = VALUE"
            self._errors.append(PolicyProblem(self._file, key, problem))
        else:
            entry = self.document.setdefault(table, {}).setdefault(name, {})
            entry[entry_key] = self._value(key, schema.TABLES[table].get(entry_key), text)

    def _value(self, dotted: str, key: schema.Key | None, text: str) -> Any:
        if key is None:
            return text
        if not key.free and text[:1] + text[-1:] in ('""', "''", "[]", "{}") and len(text) > 1:
            problem = "is written as in TOML: pip.conf takes it without quotes, brackets and commas"
            self._errors.append(PolicyProblem(self._file, dotted, problem))
            # Go on with what was probably meant, so that this setting gives one error only.
            text = re.sub(r"[\[\]{}\"',]+", " ", text).strip()
        return key.from_text(text)
