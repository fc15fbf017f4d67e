"""The entry point: which command, and what its end means as an exit status.

0 good; 1 the answer is no; 2 wrong use or a faulty policy.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from repoprio import __version__
from repoprio.errors import RepoprioError


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command with `arguments` (the process's own by default); returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding does not have is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    try:
        if given[:1] == ["pip"]:
            from repoprio.pip_adapter import runner

            return runner.run_pip(given[1:])
        options = _parser().parse_args(given)
        status: int = options.command(options)
        sys.stdout.flush()
    except RepoprioError as error:
        print(f"ERROR: repoprio: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain once more at its exit.
        sys.stdout = None
        return 1
    except OSError as error:
        print(f"ERROR: repoprio: {error.strerror or error}    [output]", file=sys.stderr)
        sys.stdout = None
        return 2
    except (ImportError, SyntaxError) as error:
        import _repoprio_shim

        print(f"ERROR: {_repoprio_shim.damage(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status


class _Help(argparse.HelpFormatter):
    """argparse's own, told the width: to find it, argparse imports what takes 3 ms, for each command and no help."""

    def __init__(self, prog: str) -> None:
        given = os.environ.get("COLUMNS", "")
        try:
            columns = int(given) if given.isdecimal() else os.get_terminal_size().columns
        except OSError:
            columns = 80
        super().__init__(prog, width=max(columns, 40) - 2)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=_Help, **kwargs)

    def error(self, message: str) -> NoReturn:
        """As argparse ends, without a login that stands where something else belongs."""
        from repoprio.config.faults import printable
        from repoprio.urls import hushed

        words = (hushed(word) if "@" in word or "://" in word else word for word in message.split(" "))
        super().error(printable(" ".join(words)))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="repoprio",
        description="Repository priorities for pip: a higher-priority repository owns every name it serves.",
        epilog="The policy is the file that REPOPRIO_CONFIG names, else what the system's files and [repoprio] of "
        "pip's own files say together: repoprio config show.",
    )
    parser.add_argument("--version", action="version", version=f"repoprio {__version__}")
    # Told its name, argparse need not lay out a help text to find it: that takes 2 ms.
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, prog="repoprio")
    _add_explain(commands)
    _add_config(commands)
    _add_init(commands)
    _add_export(commands)
    _add_enable(commands)
    _add_doctor(commands)
    commands.add_parser("pip", help="pip with the policy, hook or none", add_help=False)
    demo = commands.add_parser("demo", help="a hijack with pip alone, the same with a policy; no network")
    demo.set_defaults(command=_demo)
    return parser


def _add_explain(commands: argparse._SubParsersAction[_Parser]) -> None:
    explain = commands.add_parser(
        "explain",
        help="who owns each name, what would be installed, which rule said so",
        description="Says who owns each name, what would be installed and why. Nothing is built or installed, "
        "and nobody below the owner is asked.",
    )
    explain.add_argument("requirements", nargs="*", metavar="REQ", help="a requirement, such as 'acme>=1'")
    explain.add_argument("-r", "--requirement", action="append", default=[], metavar="FILE", dest="files")
    explain.add_argument("-c", "--constraint", action="append", default=[], metavar="FILE", dest="constraints")
    explain.add_argument("--shadowed", action="store_true", help="ask all repositories that are not ruled out")
    _add_report(explain)
    pip = explain.add_argument_group("as for pip")
    pip.add_argument("--pre", action="store_true")
    pip.add_argument("--no-index", action="store_true")
    pip.add_argument("-i", "--index-url", metavar="URL")
    pip.add_argument("--extra-index-url", action="append", default=[], metavar="URL")
    pip.add_argument("-f", "--find-links", action="append", default=[], metavar="URL")
    explain.set_defaults(command=_explain, parser=explain)


def _add_config(commands: argparse._SubParsersAction[_Parser]) -> None:
    config = commands.add_parser("config", help="what the policy is, where it comes from, what is wrong with it")
    actions = config.add_subparsers(title="actions", metavar="ACTION", required=True, prog="repoprio config")
    for name, about in (
        ("show", "the files read, and the merged policy with the file of each setting"),
        ("check", "all faults of the policy, and what is no fault but seldom meant"),
    ):
        action = actions.add_parser(name, help=about, description=f"Prints {about}.")
        action.add_argument("file", nargs="?", metavar="FILE", help="TOML or a pip.conf, not what is in force")
        action.add_argument("--isolated", action="store_true", help="without the user's pip.conf, as pip --isolated")
        _add_report(action)
        action.set_defaults(command=_config, action=name)
    schema = actions.add_parser("schema", help="the JSON Schema of the TOML file, for editors")
    schema.set_defaults(command=_config, action="schema")


def _add_init(commands: argparse._SubParsersAction[_Parser]) -> None:
    init = commands.add_parser(
        "init",
        help="a policy to begin with",
        description="Prints a policy with the repositories given, the first one highest. Without names: with all that "
        "pip's settings at hand name, where the priorities are left to decide.",
    )
    init.add_argument(
        "repositories", nargs="*", metavar="NAME=URL", help="a repository; pypi stands for pip's own index"
    )
    init.add_argument(
        "--namespaces", action="append", default=[], metavar="NAME=PATTERN", help="names that come from it alone"
    )
    owned = "these names come from it alone; it may serve others too"
    init.add_argument("--owns", action="append", default=[], metavar="NAME=PATTERN", help=owned)
    init.add_argument("--flat", action="append", default=[], metavar="NAME", help="it is what pip calls find-links")
    init.add_argument("--isolated", action="store_true", help="without the user's pip.conf, as pip --isolated")
    init.add_argument("-o", "--output", metavar="FILE", help="a file that is not there yet; - is stdout")
    init.set_defaults(command=_init, parser=init)


def _init(options: argparse.Namespace) -> int:
    from repoprio.cli import init

    return init.command(options)


def _add_doctor(commands: argparse._SubParsersAction[_Parser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="is the hook in place and effective, and what is not guarded",
        description="Starts a real pip in this environment, and in others, and looks what it takes from two "
        "repositories on loopback. Uses no network but with --network.",
    )
    beneath = "a virtual environment, or a folder with some beneath it"
    asks = "ask each repository of the policy as well, for a name that nobody has"
    doctor.add_argument("--network", action="store_true", help=asks)
    doctor.add_argument("--venv", action="append", default=[], metavar="DIR", help=beneath)
    _add_report(doctor)
    doctor.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from repoprio.cli import doctor

    return doctor.command(options)


def _add_enable(commands: argparse._SubParsersAction[_Parser]) -> None:
    for action, about in (
        ("enable", "put the hook into another environment"),
        ("disable", "take it out again, exactly what enable put in"),
    ):
        parser = commands.add_parser(action, help=about, description=f"{about.capitalize()}.")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--python", metavar="PATH", help="the environment of this Python")
        where.add_argument("--venv", metavar="DIR", help="a virtual environment")
        base = "the interpreter that this environment was made from, and with it all that are made from it"
        where.add_argument("--base", action="store_true", help=base)
        fuse = "in pip's global file, a line with which a pip that nothing guards finds nothing"
        where.add_argument("--fuse", action="store_true", help=fuse)
        if action == "enable":
            copy = "repoprio itself, not a pointer to it: for an environment that will travel"
            parser.add_argument("--copy", action="store_true", help=copy)
        parser.set_defaults(command=_enable, action=action, parser=parser, copy=False)


def _enable(options: argparse.Namespace) -> int:
    from repoprio.cli import enable

    return enable.command(options)


def _add_export(commands: argparse._SubParsersAction[_Parser]) -> None:
    export = commands.add_parser(
        "export",
        help="the policy in another installer's words, and what these cannot say",
        description="Prints the policy in uv's words. What uv cannot be told stands in comments and on stderr, and "
        "the exit status is 1 then.",
    )
    export.add_argument("installer", metavar="FORMAT", choices=("uv",), help="uv")
    export.add_argument("--project", action="store_true", help="for a project's pyproject.toml: routes exact names too")
    export.add_argument("--check", metavar="FILE", help="compare with FILE instead; exit status 1 if it differs")
    export.add_argument("--policy", metavar="FILE", help="a policy in TOML, instead of the one in force")
    export.set_defaults(command=_export)


def _export(options: argparse.Namespace) -> int:
    from repoprio.cli import export

    return export.command(options)


def _config(options: argparse.Namespace) -> int:
    from repoprio.cli import config

    actions = {"show": config.show, "check": config.check, "schema": config.schema}
    return actions[options.action](options)


def _add_report(command: argparse.ArgumentParser) -> None:
    """What every command takes that reports."""
    command.add_argument("--format", choices=("text", "json"), default="text")
    colors = ("auto", "always", "never")
    command.add_argument("--color", choices=colors, default="auto", help="no screen has colour yet")


def _explain(options: argparse.Namespace) -> int:
    from repoprio.cli import explain

    return explain.command(options)


def _demo(_: argparse.Namespace) -> int:
    from repoprio import demo
    from repoprio.cli import at_hand

    if at_hand.is_locked():
        print("ERROR: repoprio: the policy is locked, and the demo may not bring its own    [demo]", file=sys.stderr)
        return 1
    return demo.run(sys.stdout.write)
