"""The JSON Schema accepts every valid policy, and marks errors of single keys."""

from __future__ import annotations

import functools
import json
import re
import sys
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from repoprio.config import schema, values
from repoprio.config.errors import InvalidPolicy
from repoprio.config.load import read_text
from support.cases import load_cases
from support.documents import as_toml, policies
from support.paths import DATA, DOCS, ROOT
from support.policy_files import TOOLS
from support.premise import times

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@functools.cache
def validator() -> Any:
    """A validator of the schema as it is printed."""
    document = json.loads(json.dumps(schema.json_schema()))
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


@settings(max_examples=times(150), deadline=None)
@given(policies())
def test_the_schema_takes_every_sound_policy(document: dict[str, Any]) -> None:
    """The schema accepts what the reader accepts, so that no editor marks a valid policy."""
    assert list(validator().iter_errors(tomllib.loads(as_toml(document)))) == []


def test_the_schema_takes_the_policies_of_all_cases() -> None:
    """It accepts the policies of all test cases, and the example."""
    checked = 0
    texts = [_PLACE.sub(r"https://\1.example/", case.policy) for case in load_cases(DATA)]
    examples = [path.read_text() for path in (ROOT / "example-config").rglob("*.toml")]
    for text in [*texts, *examples]:
        try:
            read_text(text, "f", {}, TOOLS)
        except InvalidPolicy:
            continue
        validator().validate(tomllib.loads(text))
        checked += 1
    assert checked > 200


_PLACE = re.compile(r"(?<!\$)\{([a-z][a-z0-9_-]*)(?:\.host)?\}")
# What only the policy as a whole, or the environment, can show.
_BEYOND_A_SCHEMA = {
    *("no-repository", "empty-file", "no-url", "no-priority", "bad-url", "no-password-told", "bad-specifier"),
    "half-a-variable",
    *(
        "offline-and-simple",
        "pins-alike",
        "pins-alike-in-age",
        "pin-to-nobody",
        "cancel-out",
        "one-url",
        "one-alias",
        "control-characters",
        "redirects-twice",
    ),
}


def test_the_schema_finds_the_errors_of_one_file() -> None:
    """It rejects a key or value that is wrong by itself."""
    cases = tomllib.loads((DATA / "policies" / "errors.toml").read_text(encoding="utf-8"))["case"]
    unmarked = set()
    for case in cases:
        if set(case) == {"id", "why", "said", "system"}:
            try:
                document = tomllib.loads(case["system"])
            except (tomllib.TOMLDecodeError, RecursionError):
                continue
            if case["id"] in ("deep", "nested lists"):  # no validator, nor an editor, goes that deep
                continue
            if validator().is_valid(document):
                unmarked.add(case["id"])
    assert unmarked <= _BEYOND_A_SCHEMA


def test_each_key_is_documented() -> None:
    """docs/reference/policy.md has every key of the policy."""
    text = (DOCS / "reference" / "policy.md").read_text(encoding="utf-8")
    for keys in (schema.POLICY, schema.REPOSITORY, schema.PIN):
        assert [key for key in keys if f"`{key}`" not in text] == []


def test_policy_has_one_value() -> None:
    """The key `policy` has one value."""
    assert values.required("required") == "required"
    with pytest.raises(values.NotExpected, match="required"):
        values.required("optional")
