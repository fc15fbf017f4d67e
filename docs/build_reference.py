"""Makes the pages of the reference that come from the code: python docs/build_reference.py writes docs/reference."""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from repoprio.cli.grammar.command_tree import Command, Option, grammar
from repoprio.cli.grammar.statuses import GENERAL
from repoprio.config import schema
from repoprio.lookup.project import Code
from repoprio.lookup.reasons import Cause, Rejection
from repoprio.policy.routing import RuledOut

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_HERE = Path(__file__).resolve().parent / "reference"
# What a key's JSON Schema says, in words: the types that no enum or pattern says better.
_TYPES = {"string": "text", "boolean": "`true` or `false`", "integer": "a whole number", "number": "a number"}


def commands() -> str:
    """All commands, as the parser knows them."""
    whole = grammar()
    found = [command for command in whole.all() if command.path and not command.children]
    lines = [
        "# Commands",
        "",
        "Data is on stdout, all else on stderr. `repoprio COMMAND --help` says the same as this page.",
        "",
        "| exit status | |",
        "|---|---|",
        *(f"| {status} | {about} |" for status, about in enumerate(GENERAL)),
        "",
        "| command | |",
        "|---|---|",
        *(f"| [`{_name(c)}`](#{_anchor(c)}) | {_cell(c.about)} |" for c in found),
        "",
    ]
    for command in found:
        lines += [f"## {_name(command)}", "", _prose(command.description), "", "```text", _usage(command), "```", ""]
        rows = [(a.metavar, a.help) for a in command.arguments] + [(_names(o), o.help) for o in command.options]
        lines += ["| argument | |", "|---|---|", *(f"| `{_bars(name)}` | {_cell(about)} |" for name, about in rows), ""]
        lines += [_prose(command.epilog), ""] if command.epilog else []
    return "\n".join(lines).rstrip() + "\n"


def keys() -> str:
    """All keys of a policy, as the schema knows them."""
    parts = [
        "# Keys of a policy",
        "",
        (
            "What each key takes. [The policy](policy.md) says what they do together, and what is the default;"
            " `repoprio config schema` prints the same as JSON Schema."
        ),
        "",
        (
            "In a `pip.conf` each key is a line of the section `[repoprio]`: `repositories.corp.priority = 10`;"
            " a list is its words with spaces between them."
        ),
        "",
    ]
    for title, table in (
        ("Of the file", schema.POLICY),
        ("Of `[repositories.NAME]`", schema.REPOSITORY),
        ("Of `[pins.NAME]`", schema.PIN),
    ):
        parts += [f"## {title}", "", "| key | takes | |", "|---|---|---|"]
        parts += [f"| `{name}` | {_takes(key.json)} | {_cell(key.about)} |" for name, key in table.items()]
        parts += [""]
    return "\n".join(parts).rstrip() + "\n"


def codes() -> str:
    """The stable codes, and what each one means."""
    meanings = tomllib.loads((_HERE / "codes.toml").read_text(encoding="utf-8"))
    parts = [
        "# Codes",
        "",
        "A message of repoprio ends in a code in brackets, and JSON has the same word under `code`. A code never",
        "changes its meaning. Those of `repoprio audit` are on [its page](../how-to/audit.md#findings), those of",
        "`config check` on that of [the policy](policy.md#errors-and-warnings).",
        "",
    ]
    for title, table, about, known in (
        ("How a lookup ends", "decisions", "`code` of `explain` and `observe`; refusals end in it.", Code),
        ("Other messages", "messages", "The other codes in which a message can end.", None),
        (
            "Why a repository is absent or unavailable",
            "causes",
            "`code` of a repository in `explain --format json`.",
            Cause,
        ),
        ("Why a repository is not asked", "ruled-out", "Also `code` of a repository there.", RuledOut),
        ("Why a file is not taken", "rejections", "`kind` in `rejected` of `explain --format json`.", Rejection),
    ):
        _check(table, meanings[table], known)
        parts += [f"## {title}", "", about, "", "| code | |", "|---|---|"]
        parts += [f"| `{code}` | {meaning} |" for code, meaning in meanings[table].items()]
        parts += [""]
    return "\n".join(parts).rstrip() + "\n"


def _check(table: str, meanings: Iterable[str], known: type[enum.Enum] | None) -> None:
    """Raise ValueError if a code of the program has no meaning, or a meaning no code."""
    differing = set(meanings) ^ {str(code.value) for code in known} if known else set()
    if differing:
        raise ValueError(f"codes.toml, [{table}]: {', '.join(sorted(differing))}")


PAGES: Mapping[str, Callable[[], str]] = {"commands.md": commands, "keys.md": keys, "codes.md": codes}


def _name(command: Command) -> str:
    return " ".join(("repoprio", *command.path))


def _anchor(command: Command) -> str:
    return "-".join(("repoprio", *command.path))


def _usage(command: Command) -> str:
    options = ["[OPTION...]"] if len(command.options) > 1 else []
    words = ["[ARGUMENT...]"] if command.name == "pip" else [a.usage(a.metavar) for a in command.arguments]
    return " ".join([_name(command), *options, *words])


def _names(option: Option) -> str:
    names = ", ".join(option.names)
    return f"{names} {option.value}" if option.value else names


def _takes(json_schema: Mapping[str, Any]) -> str:
    return _bars(" or ".join(_kinds(json_schema)))


def _kinds(json_schema: Mapping[str, Any]) -> Iterator[str]:
    """What a schema allows, one phrase for each possibility."""
    if "anyOf" in json_schema:
        for one in json_schema["anyOf"]:
            yield from _kinds(one)
    elif "enum" in json_schema:
        yield from (f"`{json.dumps(word)}`" for word in json_schema["enum"])
    elif json_schema["type"] == "array":
        yield f"a list of {' or '.join(_plural(kind) for kind in _kinds(json_schema['items']))}"
    elif json_schema["type"] == "object":
        yield f"a table of {' or '.join(_kinds(json_schema['additionalProperties']))}"
    else:
        yield _TYPES[json_schema["type"]] + _bounds(json_schema)


def _plural(kind: str) -> str:
    return {"text": "texts"}.get(kind, kind.replace("a whole number", "whole numbers"))


def _bounds(json_schema: Mapping[str, Any]) -> str:
    low = json_schema.get("minimum")
    high = json_schema.get("maximum")
    if low is not None:
        return f" from {low} to {high}"
    return f" up to {high}" if high is not None else ""


def _bars(text: str) -> str:
    """Text in a table, where a bar would end its cell."""
    return text.replace("|", "\\|")


def _cell(text: str) -> str:
    return _bars(_prose(text))


def _prose(text: str) -> str:
    """Text of the command line, in which nothing means anything to Markdown."""
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


if __name__ == "__main__":
    for name, page in PAGES.items():
        (_HERE / name).write_text(page(), encoding="utf-8")
