"""``repoprio audit``: check what is installed or locked, and names that repositories share, against the policy."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace

from repoprio import __version__, shell
from repoprio.audit.findings import Audit
from repoprio.cli import terminal
from repoprio.config.pip import default_index
from repoprio.environments import target
from repoprio.environments.target import Environment
from repoprio.errors import RepoprioError, UnknownPip
from repoprio.pip_adapter.hooks import pip_runner
from repoprio.redaction import printable
from repoprio.render import audit as rendered
from repoprio.render import sarif
from repoprio.render.table import painted, unpainted


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of audit."""
    parser.description = (
        "Check what is installed against the policy: does the owner of each name have this version? Also checks "
        "the files of a lock by their hashes, and finds names that several repositories list. Installs nothing and "
        "runs no package code."
    )
    locks = "a lock (pylock.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock), or a requirements file with hashes"
    parser.add_argument("files", nargs="*", metavar="FILE", help=locks)
    parser.add_argument(
        "-r", "--requirement", action="append", default=[], metavar="FILE", dest="more_files", help="the same"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--python", metavar="PATH", help="check the environment of this Python, or in this folder")
    where.add_argument("--path", action="append", default=[], metavar="DIR", help="check a folder of packages")
    collisions = "find names that several repositories list, from their project lists; sends no name to anyone"
    parser.add_argument("--collisions", action="store_true", help=collisions)
    parser.add_argument("--against", metavar="REPO", help="with --collisions: only names that this repository shares")
    below = "also ask lower-priority repositories who has what the owner does not; they learn the names"
    parser.add_argument("--shadowed", action="store_true", help=below)
    each = "show each finding separately, and all collisions instead of the first 20"
    parser.add_argument("-v", "--verbose", action="store_true", help=each)
    terminal.add_report(parser, "sarif")


def command(options: argparse.Namespace) -> int:
    """Print the audit; return 1 if there is a finding that is more than a note."""
    _check(options)
    meant: Environment | None = None
    try:
        meant = _meant(options)
        with terminal.progress() as show:
            audit = _audit(options, meant, show)
    except (RepoprioError, UnknownPip) as error:
        if meant:
            print(f"repoprio: {printable(meant.line)}", file=sys.stderr)
            if not meant.is_own:
                # The other environment is not started, so this one's policy applies.
                print(f"repoprio: policy of {printable(_with_pip(target.own()).line)}", file=sys.stderr)
        terminal.complain(f"repoprio: {error}")
        return error.status
    if options.format == "json":
        print(rendered.document(audit, meant.document if meant else None))
    elif options.format == "sarif":
        print(sarif.document(audit, __version__))
    else:
        paint = painted if terminal.shows_color(sys.stdout, options.color) else unpainted
        if meant:
            print(printable(meant.line))
        print(rendered.screen(audit, terminal.columns(sys.stdout), paint, whole=options.verbose))
    return 1 if audit.fails else 0


def _check(options: argparse.Namespace) -> None:
    options.files += options.more_files
    elsewhere = options.python or options.path
    if options.against and not options.collisions:
        options.parser.error("--against needs --collisions")
    if options.collisions and (options.files or elsewhere or options.shadowed):
        options.parser.error("--collisions compares project lists: it takes no files, environment or --shadowed")
    if options.files and elsewhere:
        options.parser.error("name either files or an environment")


def _meant(options: argparse.Namespace) -> Environment | None:
    """The environment to audit, which is not started; None if files, folders or project lists are audited."""
    is_none = options.files or options.collisions or options.path
    environment = None if is_none else target.meant(options.python, os.environ)
    return _with_pip(environment) if environment and environment.is_own else environment


def _with_pip(own: Environment) -> Environment:
    return own._replace(pip=default_index.pip_version())


def _audit(options: argparse.Namespace, meant: Environment | None, show: Callable[[str], None]) -> Audit:
    pip_runner.load_pip()
    from repoprio.pip_adapter.inspect.context import pip_context

    with pip_context() as pip:
        # Imported after `context`, which puts the hook into this process: pip must not be imported before.
        from repoprio.environments import distributions
        from repoprio.pip_adapter import versions
        from repoprio.pip_adapter.inspect import lock_files
        from repoprio.pip_adapter.inspect.audit import Auditor

        is_elsewhere = meant is not None and not meant.is_own
        command = _mender(meant)
        auditor = Auditor(pip, show, shadowed=options.shadowed, command=command, is_elsewhere=is_elsewhere)
        if options.collisions:
            return auditor.collisions(options.against)
        if options.files:
            read = lock_files.read(pip, options.files)
            return auditor.files(read.packages, read.findings)
        paths = distributions.paths_of(meant) if meant else [distributions.folder(path) for path in options.path]
        is_own = meant is not None and meant.is_own
        audit = auditor.environment(distributions.installed(paths, versions.is_escaped), is_own=is_own)
        return replace(audit, read=tuple(paths), is_elsewhere=is_elsewhere)


def _mender(meant: Environment | None) -> str:
    """The pip command for remedies, which obeys the policy in that environment; "" if there is none."""
    if meant is None:
        return ""
    if meant.named_by != target.OPTION:
        return "repoprio pip"
    from repoprio.pip_adapter.compat import knows_python

    python = meant.python
    if knows_python():
        return shell.repoprio("pip", python=python)
    return shell.sequence(shell.repoprio("enable", python=python), shell.command(python, "-m", "pip"))
