"""Checks SARIF logs against the schema, and against what code-scanning tools accept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema

from .paths import SUPPORT


def sarif_schema() -> dict[str, Any]:
    """The official schema if REPOPRIO_SARIF_SCHEMA names a copy; otherwise its rules for the parts that are used."""
    named = os.environ.get("REPOPRIO_SARIF_SCHEMA")
    file = Path(named) if named else SUPPORT / "sarif.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def check_sarif(text: str) -> dict[str, Any]:
    """The only run of a log, checked to be valid and acceptable for code-scanning pages."""
    log = json.loads(text)
    schema = sarif_schema()
    jsonschema.validators.validator_for(schema)(schema).validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
    found: dict[str, Any] = run
    return found
