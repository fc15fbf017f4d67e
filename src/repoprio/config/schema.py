"""The keys of a policy and their values in TOML, in pip.conf and as a JSON Schema: one table for all three."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from repoprio.config import values
from repoprio.policy.model import (
    HIGHEST,
    LOWEST,
    DirectUrls,
    Files,
    Format,
    Mode,
    Pylock,
    Redirects,
    UnknownAge,
    Unlisted,
)

Json = Mapping[str, Any]
# The section of pip's files that has the policy.
SECTION = "repoprio"
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(\.[0-9]{1,18})?(e[-+]?[0-9]{1,3})?", re.IGNORECASE)
# The words that pip itself reads as true and false in its files.
_FLAGS = {
    **dict.fromkeys(("y", "yes", "t", "true", "on", "1"), True),
    **dict.fromkeys(("n", "no", "f", "false", "off", "0"), False),
}


class Key(NamedTuple):
    """The values of one key: `parse` checks a TOML value, `from_text` makes one from the text in pip.conf.

    `from_text` returns a text that it cannot read unchanged, and `parse` then rejects it. `free`: a text for people,
    in which quotes and brackets have no meaning.
    """

    about: str
    parse: values.Parser
    from_text: Callable[[str], Any]
    json: Json
    free: bool = False


def fold(key: str) -> str:
    """`key` as pip normalizes it."""
    return key.lower().replace("_", "-").removeprefix("--")


def _same(text: str) -> Any:
    return text


def _flag(text: str) -> Any:
    return _FLAGS.get(text.lower(), text)


def _whole(text: str) -> Any:
    return int(text) if _WHOLE.fullmatch(text) else text


def _number(text: str) -> Any:
    return float(text) if _NUMBER.fullmatch(text) else text


def _words(text: str) -> Any:
    return text.split()


def _words_and_numbers(text: str) -> Any:
    return [_whole(word) for word in text.split()]


def _pairs(text: str) -> Any:
    """A table from ``https://a.example = follow https://b.example = absent``, on one line or several."""
    pairs = [word.rpartition("=") for word in " ".join(text.split()).replace(" =", "=").replace("= ", "=").split()]
    known = {means.value for means in Redirects}
    table = {key: value for key, _, value in pairs}
    return table if len(table) == len(pairs) and set(table.values()) <= known else text


_STRING: Json = {"type": "string", "pattern": r"\S"}
_PATTERNS: Json = {"type": "array", "items": {"type": "string", "pattern": r"^\s*[A-Za-z0-9._*?-]+\s*$"}}
_STRINGS: Json = {"type": "array", "items": _STRING}


def _text(about: str, *, free: bool = False) -> Key:
    return Key(about, values.text, _same, _STRING, free=free)


def _boolean(about: str) -> Key:
    return Key(about, values.flag, _flag, {"type": "boolean"})


def _choice(about: str, parse: values.Parser, *words: str) -> Key:
    return Key(about, parse, _same, {"enum": list(words)})


def _patterns(about: str, *, some: bool = False) -> Key:
    least = {"minItems": 1} if some else {}
    return Key(about, values.some(values.patterns) if some else values.patterns, _words, {**_PATTERNS, **least})


def _urls(about: str) -> Key:
    return Key(about, values.texts, _words, _STRINGS)


def _duration(about: str) -> Key:
    return Key(about, values.duration, _same, {"type": "string", "pattern": _DURATION})


_DURATION = (
    r"^\s*([0-9]+ ?(second|minute|hour|day|week)s?"
    r"|P(?=[0-9T])([0-9]+W|([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+S)?)?))\s*$"
)
_GATEWAY: Json = {
    "type": "string",
    "pattern": r"^\s*[Hh][Tt][Tt][Pp][Ss]?://([^/:@?#\[\]{}\\ ]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?(/[^@?#{}\\ ]*)?\s*$",
}
_STATUS: Json = {"type": "integer", "minimum": 400, "maximum": 499}
_REDIRECTS: Json = {
    "type": "object",
    "propertyNames": {"pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://([^/:@?#\[\]]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?/*$"},
    "additionalProperties": {"enum": [means.value for means in Redirects]},
}

POLICY: Mapping[str, Key] = MappingProxyType(
    {
        "mode": _choice(
            "how tiers relate; observe: pip chooses as usual, and repoprio reports what would change",
            values.one_of(Mode, Mode.MERGE),
            *(mode.value for mode in Mode if mode is not Mode.MERGE),
        ),
        "unlisted": _choice(
            "what to do with an index that a caller adds and the policy does not list",
            values.one_of(Unlisted),
            *(choice.value for choice in Unlisted),
        ),
        "direct-urls": _choice(
            "who may ask for name @ URL: only the user (roots), everybody, nobody",
            values.one_of(DirectUrls),
            *(choice.value for choice in DirectUrls),
        ),
        "pylock": _choice(
            "whether files of a pylock.toml are checked against their owner",
            values.one_of(Pylock),
            *(choice.value for choice in Pylock),
        ),
        "locked": Key(
            "what later layers may set: nothing (true), repositories below all of these (extend), anything (false)",
            values.locked,
            _flag,
            {"enum": [True, False, "extend"]},
        ),
        "policy": _choice(
            "required: pip stops without a valid policy, even if REPOPRIO_CONFIG is set; only in the system's file",
            values.required,
            *values.REQUIRED,
        ),
        "help": _text("shown in every refusal", free=True),
        "page-timeout": Key(
            "seconds for one project page, in total",
            values.seconds,
            _number,
            {"type": "number", "exclusiveMinimum": 0, "maximum": 3600},
        ),
        "page-size-limit": Key(
            "bytes of one project page, decompressed",
            values.size,
            _whole,
            {"type": "integer", "minimum": 1024, "maximum": values.LARGEST},
        ),
        "absence-ttl": Key(
            "repoprio serve: for how many seconds a page counts, and the absences above it",
            values.seconds,
            _number,
            {"type": "number", "exclusiveMinimum": 0, "maximum": 3600},
        ),
        "stale-if-error": Key(
            "repoprio serve: for how many seconds an owner's last page may be served while it is down; 0: not at all",
            values.stale_seconds,
            _number,
            {"type": "number", "minimum": 0, "maximum": values.LONGEST_STALE},
        ),
        "gateway": Key(
            "the /simple/ of a repoprio serve that obeys this policy, for clients that cannot",
            values.gateway,
            _same,
            _GATEWAY,
        ),
        "ownership": Key(
            "where to read which repository served which name before: /ownership.json of a repoprio serve, or its file",
            values.ownership,
            _same,
            {"type": "string", "pattern": rf"^\s*(/|[A-Za-z]:[\\/])|{_GATEWAY['pattern']}"},
        ),
        "fetch-ahead": _boolean("whether pages and metadata that will be needed are fetched in parallel"),
    }
)
REPOSITORY: Mapping[str, Key] = MappingProxyType(
    {
        "url": _text("an http:, https: or file: URL, an absolute path, or pypi; ${VAR} is read from the environment"),
        "priority": Key(
            "a lower number is a higher priority",
            values.priority,
            _whole,
            {"type": "integer", "minimum": HIGHEST, "maximum": LOWEST},
        ),
        "format": _choice(
            "simple, or flat: what pip calls find-links", values.one_of(Format), *(f.value for f in Format)
        ),
        "enabled": _boolean("a disabled owner still owns: its names are refused"),
        "namespaces": _patterns("serves these names and nothing else, and no other repository serves them", some=True),
        "owns": _patterns("these names come only from here"),
        "include": _patterns("the only names that it may serve", some=True),
        "exclude": _patterns("names that it may not serve"),
        "explicit": _boolean("only for names that are routed to it"),
        "absent": Key(
            'what means "no such project": statuses, "empty-page", "empty-root" (a local folder with nothing in it)',
            values.absent,
            _words_and_numbers,
            {
                "type": "array",
                "minItems": 1,
                "items": {"anyOf": [_STATUS, {"enum": [values.EMPTY_PAGE, values.EMPTY_ROOT]}]},
            },
        ),
        "canary": Key(
            "a project that it certainly serves: absence is believed only after its page was served",
            values.project,
            _same,
            {"type": "string", "pattern": r"^\s*[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\s*$"},
        ),
        "redirects": Key("what redirects of pages to other sites mean", values.redirects, _pairs, _REDIRECTS),
        "skip-if-unavailable": _boolean(
            "count as absent when unavailable: opens all its names to lower-priority repositories"
        ),
        "mirrors": _urls("further URLs of the same repository, asked in turn when it is unavailable"),
        "aliases": _urls("further URLs that callers may use for it"),
        "offline": _boolean("flat only: its files were gathered under this policy, so it serves under --no-index"),
        "min-age": _duration('how old its files must be: "7 days", "36 hours", "P7D"; without an upload time none is'),
        "min-age-unknown": _choice(
            "allow: a file without an upload time counts as old enough",
            values.one_of(UnknownAge),
            *(choice.value for choice in UnknownAge),
        ),
        "files": _choice(
            "how clients of repoprio serve get its files: from its own URLs, or through the gateway",
            values.one_of(Files),
            *(choice.value for choice in Files),
        ),
        "renamed-from": Key(
            "names that it had before, under which a repoprio serve remembers what it served",
            values.names,
            _words,
            {"type": "array", "items": {"type": "string", "pattern": r"^\s*[a-z0-9-]+\s*$"}},
        ),
        "listing": _choice("whether its project list names all that it serves", values.listing, *values.LISTING),
    }
)
PIN: Mapping[str, Key] = MappingProxyType(
    {
        "projects": _patterns("the projects that the pin applies to", some=True),
        "repositories": Key(
            "the only repositories that may serve them", values.some(values.texts), _words, {**_STRINGS, "minItems": 1}
        ),
        "versions": _text("a version specifier that narrows what the owner offers"),
        "block": _text("refuses them, with this text", free=True),
        "min-age": _duration('how old their files must be; overrides the repository; "0 days": any age'),
        "mode": _choice(
            "strict, flexible, or merge: the newest of all routed repositories",
            values.one_of(Mode, Mode.OBSERVE),
            *(mode.value for mode in Mode if mode is not Mode.OBSERVE),
        ),
    }
)
TABLES: Mapping[str, Mapping[str, Key]] = MappingProxyType({"repositories": REPOSITORY, "pins": PIN})


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the TOML file: it accepts every valid policy, and as little else as it can."""
    repository = _object(REPOSITORY)
    pin = {
        **_object(PIN),
        "required": ["projects"],
        "anyOf": [{"required": [key]} for key in PIN if key != "projects"],
    }
    properties = {
        **_properties(POLICY),
        "repositories": {"description": "[repositories.NAME]", **_entries(repository)},
        "pins": {"description": "[pins.NAME]", **_entries(pin)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "repoprio policy",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _object(keys: Mapping[str, Key]) -> dict[str, Any]:
    return {"type": "object", "properties": _properties(keys), "additionalProperties": False}


def _properties(keys: Mapping[str, Key]) -> dict[str, Any]:
    return {name: {"description": key.about, **key.json} for name, key in keys.items()}


def _entries(entry: Json) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": "^[a-z0-9-]+$"}, "additionalProperties": entry}
