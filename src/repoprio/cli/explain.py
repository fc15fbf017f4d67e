"""``repoprio explain``: make the same lookup as an installation, and explain it."""

from __future__ import annotations

import argparse
import sys

from repoprio import shell
from repoprio.cli import in_target, pip_options, terminal
from repoprio.explain.explanation import Explanation
from repoprio.lookup.project import Outcome
from repoprio.names import is_project_name
from repoprio.render import explain_json
from repoprio.render.explain_text import screen, summary
from repoprio.render.table import painted, unpainted


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of explain."""
    parser.description = (
        "Show who owns each name, what would be installed, and why. Builds and installs nothing, and asks no "
        "repository below the owner."
    )
    pip_options.add_requirements(parser)
    asks = (
        "also ask lower-priority repositories, unless routing rules them out; shows what is shadowed, and what pip "
        "would take"
    )
    parser.add_argument("--shadowed", action="store_true", help=asks)
    pip_options.add_disclose(parser)
    lists = "list each rejected file, and each URL that was asked"
    parser.add_argument("-v", "--verbose", action="store_true", help=lists)
    in_target.add_environment(parser)
    terminal.add_report(parser)
    pip_options.add_options(parser)


def command(options: argparse.Namespace) -> int:
    """Explain the requirements of `options`; return 0 if all would be served, else 1."""
    pip_options.check_requirements(options)
    if options.disclose and not options.shadowed:
        name, asked = options.disclose[0], options.requirements
        again = shell.repoprio("explain", "--shadowed", "--disclose", name, *asked)
        again = f": {again}" if asked and is_project_name(name) else ""
        options.parser.error(f"--disclose NAME needs --shadowed{again}")
    in_target.load_pip()
    from repoprio.pip_adapter.inspect import explain

    explanations = explain.explain(
        options.requirements,
        options.files,
        pip_options.words(options),
        shadowed=options.shadowed,
        disclosed=pip_options.disclosed(options),
        shows_progress=options.format == "text",
    )
    if options.format == "json":
        print(explain_json.document(explanations, in_target.current(options).document))
    else:
        in_target.name_first(options)
        print(_screens(options, explanations))
    return 0 if all(e.outcome is Outcome.SERVED for e in explanations) else 1


def _screens(options: argparse.Namespace, explanations: list[Explanation]) -> str:
    paint = painted if terminal.shows_color(sys.stdout, options.color) else unpainted
    width = terminal.columns(sys.stdout)
    screens = [screen(explanation, width, paint, verbose=options.verbose) for explanation in explanations]
    ending = [summary(explanations, width)] if options.files or len(screens) != 1 else []
    return "\n\n".join([*screens, *ending])
