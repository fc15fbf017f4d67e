"""Options that commands share with pip, and pass on to it."""

from __future__ import annotations

import argparse
import os

from repoprio import shell
from repoprio.names import NormalizedName, is_project_name, normalize


def add_requirements(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for requirements, requirements files and constraints."""
    parser.add_argument("requirements", nargs="*", metavar="REQ", help="a requirement, such as 'acme>=1'")
    parser.add_argument(
        "-r",
        "--requirement",
        action="append",
        default=[],
        metavar="FILE",
        dest="files",
        help="all requirements in a file",
    )
    parser.add_argument(
        "-c",
        "--constraint",
        action="append",
        default=[],
        metavar="FILE",
        dest="constraints",
        help="constrain versions by a file",
    )


def check_requirements(options: argparse.Namespace) -> None:
    """End the process if there are no requirements, or if a requirements file comes without -r."""
    if not options.requirements and not options.files:
        options.parser.error("name a requirement, or a file of them with -r")
    # Otherwise repositories would be asked for it as a name.
    if file := next((word for word in options.requirements if word.endswith(".txt") and os.path.isfile(word)), None):
        options.parser.error(f"{file} is a file of requirements: {shell.arguments('-r', file)}")


def add_disclose(parser: argparse.ArgumentParser) -> None:
    """Add the option for names that other repositories may be asked for this time."""
    helps = (
        "also ask the repositories that the policy keeps NAME from (owns, namespaces, a pin, exclude); they learn "
        "the name"
    )
    parser.add_argument("--disclose", action="append", default=[], metavar="NAME", help=helps)


def disclosed(options: argparse.Namespace) -> frozenset[NormalizedName]:
    """The names that may be disclosed."""
    if wrong := next((name for name in options.disclose if not is_project_name(name)), None):
        options.parser.error(f"--disclose: {wrong!r} is not a project name")
    return frozenset(map(normalize, options.disclose))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add pip's options for where and what to look up."""
    pip = parser.add_argument_group("as for pip")
    pip.add_argument("--pre", action="store_true", help="pre-releases too")
    pip.add_argument("--no-index", action="store_true", help="flat repositories only")
    pip.add_argument("-i", "--index-url", metavar="URL", help="an index that the policy lists or allows")
    pip.add_argument("--extra-index-url", action="append", default=[], metavar="URL", help="the same")
    pip.add_argument(
        "-f", "--find-links", action="append", default=[], metavar="URL", help="the same for a flat repository"
    )


def words(options: argparse.Namespace) -> list[str]:
    """The options to pass to pip, including constraints."""
    arguments = ["--pre"] if options.pre else []
    arguments += ["--no-index"] if options.no_index else []
    arguments += ["--index-url", options.index_url] if options.index_url else []
    lists = {
        "--extra-index-url": options.extra_index_url,
        "--find-links": options.find_links,
        "--constraint": options.constraints,
    }
    return arguments + [word for name, values in lists.items() for value in values for word in (name, value)]
