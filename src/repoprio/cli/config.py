"""``repoprio config``: what the files say, what is wrong with it, what may be, and the schema that editors take."""

from __future__ import annotations

import argparse
import sys

from repoprio.cli import at_hand
from repoprio.config.doubts import doubts
from repoprio.config.faults import Doubt
from repoprio.config.load import Survey, no_policy
from repoprio.config.schema import json_schema
from repoprio.render import policy


def show(options: argparse.Namespace) -> int:
    """The files read and the merged policy; 2 where it is faulty."""
    survey = at_hand.policy(options.file, isolated=options.isolated)
    if not survey.sources and not survey.faults:
        return _none(survey, options)
    if options.format == "json":
        print(policy.document(survey, _doubts(survey), with_settings=True))
    else:
        print(policy.show(survey))
        for fault in survey.faults:
            print(f"fault: {fault}", file=sys.stderr)
    return 2 if survey.faults else 0


def check(options: argparse.Namespace) -> int:
    """All faults and doubts; 0 with doubts only, 2 with faults."""
    survey = at_hand.policy(options.file, isolated=options.isolated)
    if not survey.sources and not survey.faults:
        return _none(survey, options)
    found = _doubts(survey)
    is_json = options.format == "json"
    print(policy.document(survey, found, with_settings=False) if is_json else policy.check(survey, found))
    return 2 if survey.faults else 0


def schema(_: argparse.Namespace) -> int:
    """The JSON Schema of the TOML file."""
    import json

    print(json.dumps(json_schema(), indent=2))
    return 0


def _doubts(survey: Survey) -> list[Doubt]:
    return doubts(survey.policy) if survey.policy else []


def _none(survey: Survey, options: argparse.Namespace) -> int:
    if options.format == "json":
        print(policy.document(survey, [], with_settings=False))
    print(f"repoprio: {no_policy(at_hand.layers(isolated=options.isolated))}", file=sys.stderr)
    return 1
