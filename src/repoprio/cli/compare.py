"""``repoprio compare``: what plain pip would install, next to what pip installs under the policy."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

from repoprio.cli import in_target, pip_options, terminal
from repoprio.render import compare as render
from repoprio.render.table import painted, unpainted

if TYPE_CHECKING:
    from repoprio.pip_adapter.inspect.compare.resolve import Progress


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of compare."""
    parser.description = (
        "Resolve the requirements twice with pip's own resolver, with the policy and without, and show the "
        "differences and what to do about them. Builds and installs nothing, and runs no package code. Says "
        "beforehand which names it will disclose to whom; private names stay private and are not compared."
    )
    pip_options.add_requirements(parser)
    pip_options.add_disclose(parser)
    parser.add_argument("--exit-zero", action="store_true", help="exit with 0 instead of 1")
    parser.add_argument("-v", "--verbose", action="store_true", help="also list the projects that are the same")
    in_target.add_environment(parser)
    terminal.add_report(parser)
    pip_options.add_options(parser)


def command(options: argparse.Namespace) -> int:
    """Print the comparison; return 1 if anything differs, or is unknown."""
    pip_options.check_requirements(options)
    disclosed = pip_options.disclosed(options)
    in_target.load_pip()
    from repoprio.pip_adapter.inspect.compare import resolve

    with terminal.progress() as show:
        voice = _voice(resolve.Progress, show)
        comparison = resolve.compare(options.requirements, options.files, pip_options.words(options), voice, disclosed)
    if options.format == "json":
        print(render.document(comparison, in_target.current(options).document))
    else:
        in_target.name_first(options)
        paint = painted if terminal.shows_color(sys.stdout, options.color) else unpainted
        width = terminal.columns(sys.stdout)
        print(render.screen(comparison, width=width, paint=paint, verbose=options.verbose))
    return 1 if comparison.differs and not options.exit_zero else 0


def _voice(voice: Callable[..., Progress], show: Callable[[str], None]) -> Progress:
    """The progress messages: some are lines that stay, others go to the one line of `show`."""

    def say(text: str) -> None:
        show("")
        _say(text)

    return voice(
        say,
        lambda disclosure, policy: say(render.before(disclosure, policy)),
        lambda name, repositories, by: say(render.further(name, repositories, by)),
        lambda side, count, name: show(render.step(side, count, name)),
    )


def _say(text: str) -> None:
    """Print a notice on stderr at once, before anything is disclosed."""
    width = max(terminal.columns(sys.stderr), 20)
    lines = textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    print("\n".join(lines), file=sys.stderr, flush=True)
