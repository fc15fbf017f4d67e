"""``repoprio repos``: list the repositories by tier; with --check, check each of them."""

from __future__ import annotations

import argparse
import sys

from repoprio.cli import in_target, policy_in_force, terminal
from repoprio.errors import NoPolicy
from repoprio.explain.checkup import ProbeResult, report
from repoprio.render import repos
from repoprio.render.table import painted, unpainted


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of repos."""
    parser.description = (
        "List the repositories of the policy by tier, with the files that set them. With --check, ask each for a "
        "random name and for two well-known names, and report how it behaves and what to set for it."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these repositories")
    parser.add_argument("--check", action="store_true", help="ask each of them and its mirrors")
    in_target.add_environment(parser)
    terminal.add_report(parser)


def command(options: argparse.Namespace) -> int:
    """Print the repositories; 1 if one that was asked gave no usable answer."""
    policy = policy_in_force.policy().sound()
    if policy is None:
        raise NoPolicy(policy_in_force.no_policy())
    known = {repository.name for repository in policy.repositories}
    if strangers := [name for name in options.names if name not in known]:
        options.parser.error(f"{strangers[0]!r} is not a repository of the policy (known: {', '.join(sorted(known))})")
    trials = _trials(tuple(options.names)) if options.check else []
    reports = [entry for entry in report(policy, trials) if not options.names or entry.repository.name in options.names]
    if options.format == "json":
        print(repos.document(policy, reports, checked=options.check, environment=in_target.current(options).document))
    else:
        in_target.name_first(options)
        paint = painted if terminal.shows_color(sys.stdout, options.color) else unpainted
        print(repos.screen(policy, reports, terminal.columns(sys.stdout), paint))
    return 1 if any(entry.is_silent for entry in reports) else 0


def _trials(names: tuple[str, ...]) -> list[ProbeResult]:
    in_target.load_pip()
    from repoprio.pip_adapter.inspect import probe

    return probe.probe(names, thorough=True)
