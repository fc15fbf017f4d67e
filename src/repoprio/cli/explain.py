"""``repoprio explain``: the same lookup as an installation, told instead of done."""

from __future__ import annotations

import argparse
import sys

from repoprio.lookup import Outcome
from repoprio.pip_adapter import explainer
from repoprio.pip_adapter.opened import CannotLook
from repoprio.render import json, text


def command(options: argparse.Namespace) -> int:
    """Explain the requirements of `options`; 0 if all would be served, else 1."""
    if not options.requirements and not options.files:
        options.parser.error("name a requirement, or a file of them with -r")
    try:
        explanations = explainer.explain(
            options.requirements,
            options.files,
            _pip_options(options),
            shadowed=options.shadowed,
        )
    except CannotLook as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return error.status
    if options.format == "json":
        print(json.document(explanations))
    else:
        print("\n\n".join(text.screen(explanation) for explanation in explanations))
    return 0 if all(e.outcome is Outcome.SERVED for e in explanations) else 1


def _pip_options(options: argparse.Namespace) -> list[str]:
    """The options that pip shall see, in pip's own words."""
    found = ["--pre"] if options.pre else []
    found += ["--no-index"] if options.no_index else []
    found += ["--index-url", options.index_url] if options.index_url else []
    for name in ("extra_index_url", "find_links"):
        for value in getattr(options, name):
            found += [f"--{name.replace('_', '-')}", value]
    for file in options.constraints:
        found += ["--constraint", file]
    return found
