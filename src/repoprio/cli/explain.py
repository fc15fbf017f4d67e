"""``repoprio explain``: the same lookup as an installation, told instead of done."""

from __future__ import annotations

import argparse
import sys

from repoprio.cli import terminal
from repoprio.explanation import Explanation
from repoprio.lookup import Outcome
from repoprio.render import json
from repoprio.render.screen import screen, summary
from repoprio.render.table import painted, unpainted


def arguments(parser: argparse.ArgumentParser) -> None:
    """What explain takes."""
    parser.description = (
        "Says who owns each name, what would be installed and why. Nothing is built or installed, "
        "and nobody below the owner is asked."
    )
    parser.add_argument("requirements", nargs="*", metavar="REQ", help="a requirement, such as 'acme>=1'")
    parser.add_argument(
        "-r",
        "--requirement",
        action="append",
        default=[],
        metavar="FILE",
        dest="files",
        help="all requirements of a file",
    )
    parser.add_argument(
        "-c",
        "--constraint",
        action="append",
        default=[],
        metavar="FILE",
        dest="constraints",
        help="versions that are allowed",
    )
    asks = (
        "ask lower-priority repositories too, if routing leaves them; shows what is shadowed, and what pip would take"
    )
    parser.add_argument("--shadowed", action="store_true", help=asks)
    lists = "list each rejected file, and each URL that was asked"
    parser.add_argument("-v", "--verbose", action="store_true", help=lists)
    terminal.add_report(parser)
    pip = parser.add_argument_group("as for pip")
    pip.add_argument("--pre", action="store_true", help="pre-releases too")
    pip.add_argument("--no-index", action="store_true", help="flat repositories only")
    pip.add_argument("-i", "--index-url", metavar="URL", help="an index that the policy lists, or lets in")
    pip.add_argument("--extra-index-url", action="append", default=[], metavar="URL", help="the same")
    pip.add_argument("-f", "--find-links", action="append", default=[], metavar="URL", help="the same, flat")


def command(options: argparse.Namespace) -> int:
    """Explain the requirements of `options`; 0 if all would be served, else 1."""
    from repoprio.pip_adapter import explainer
    from repoprio.pip_adapter.opened import CannotLook

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
        print(_screens(options, explanations))
    return 0 if all(e.outcome is Outcome.SERVED for e in explanations) else 1


def _screens(options: argparse.Namespace, explanations: list[Explanation]) -> str:
    paint = painted if terminal.shows_color(sys.stdout, options.color) else unpainted
    width = terminal.columns(sys.stdout)
    screens = [screen(explanation, width, paint, verbose=options.verbose) for explanation in explanations]
    return "\n\n".join([*screens, *([summary(explanations)] if len(screens) != 1 else [])])


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
