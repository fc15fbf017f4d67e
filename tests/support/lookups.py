"""Looks projects up with a real pip session, one line of JSON for each; run by the Python of an environment.

In: {"project", "options" (pip's), "env"}. Out: {"outcome", "candidates" (URLs), "is_refused" (whether pip's finder
raises), "said"}.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from repoprio.errors import InspectionError
from repoprio.pip_adapter import command
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.hooks import failures
from repoprio.pip_adapter.inspect.context import pip_context


def look_up(project: str, options: list[str]) -> dict[str, Any]:
    """What pip's finder finds of `project`, and the message if it is refused or finds nothing."""
    # For pip's process, each lookup is a separate command.
    command.begin(isolated=False)
    for name in command.HANDED_ON:
        os.environ.pop(name, None)
    with pip_context(options) as pip:
        explanation = pip.guard.explanation(project)
        candidates: list[str] = []
        refusal: LookupRefused | None = None
        try:
            candidates = [candidate.link.url for candidate in pip.finder.find_all_candidates(project)]
        except LookupRefused as error:
            refusal = error
        text = str(refusal or failures.refusal_of(explanation) or "")
    return {
        "outcome": explanation.outcome.value,
        "candidates": candidates,
        "is_refused": refusal is not None,
        "said": text,
    }


def main() -> None:
    """Answer each line of stdin."""
    for line in sys.stdin:
        case = json.loads(line)
        os.environ.update(case["env"])
        try:
            result = look_up(case["project"], case["options"])
        except InspectionError as error:
            result = {"outcome": "refused", "candidates": [], "is_refused": True, "said": str(error)}
        for name in case["env"]:
            os.environ.pop(name)
        sys.stdout.write(f"{json.dumps(result)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
