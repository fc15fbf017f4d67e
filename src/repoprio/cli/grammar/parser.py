"""The parser of the command line; each command's module adds its own arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any, NoReturn

from repoprio import __version__
from repoprio.cli import terminal
from repoprio.cli.grammar import statuses

# Each is a module of `repoprio.cli` with `arguments` and `command`, except pip, whose arguments are pip's own.
COMMANDS = {
    "explain": "show who owns each name, what would be installed, and why",
    "compare": "compare pip alone with pip under the policy; builds nothing",
    "repos": "list the repositories by tier; with --check, check each of them",
    "config": "inspect the effective policy: its files, settings and errors",
    "init": "create a first policy",
    "audit": "check what is installed or locked against the policy; find names that several repositories list",
    "export": "export the policy for another installer, and say what it cannot express",
    "report": "sum up the logs of many machines in observe mode, and print what to add to the policy",
    "enable": "add the hook to another environment",
    "disable": "remove the hook from another environment: exactly what enable added",
    "setup-image": "make every pip of an image obey: hook, fuse and uv's settings; --undo removes them",
    "doctor": "check that each pip obeys the policy, and show what is not guarded",
    "pip": "run pip with the policy, with or without the hook",
    "serve": "serve the policy as one index for every client: uv, Poetry, PDM, pip",
    "ownership": "list, export or release the names that the gateway remembers as owned",
    "completion": "print a completion script for bash, zsh, fish or PowerShell",
    "demo": "show a hijack with pip alone, and the same with a policy; uses no network",
}

# The package of a command that is not a module of `repoprio.cli` itself.
_PACKAGES = {"doctor": "doctoring.doctor", "serve": "serving.serve", "ownership": "serving.ownership"}
# How similar a word must be to be suggested: `csh` is not similar to `zsh`.
_NEAR = 0.7
# The beginning of argparse's message about missing arguments (3.10 to 3.14).
_MISSING = "the following arguments are required: "
# Commands of other tools that have another name here.
_OTHERWISE = {"version": "--version", "help": "--help", "check": "config check"}


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of one command; call their `command` with them. Usage errors and --help end the process."""
    named = next((word for word in arguments if word in COMMANDS), None)
    whole = build((named,) if named else ())
    option = arguments[0].partition("=")[0] if arguments else ""
    # What argparse knows, perhaps in a longer form, it handles itself.
    if named and option.startswith("-") and not any(known.startswith(option) for known in _options(whole)):
        _refuse_before(_nested(whole)[named], option, arguments)
    options, unknown = whole.parse_known_args(arguments)
    if unknown:
        _refuse(options.parser if named else whole, unknown)
    return options


def _refuse_before(command: argparse.ArgumentParser, option: str, arguments: list[str]) -> NoReturn:
    """End the process with an option before its command, and where it belongs, if the command has it."""
    takers = [taker for taker in _takers(command) if option in _options(taker) or taker.prog == "repoprio pip"]
    # Of several actions that have it, the one that is given: it is the last word of its `prog`.
    taker = min(takers, key=lambda taker: taker.prog.split()[-1] not in arguments, default=None)
    if not taker:
        _refuse(command, [option])
    command.error(f"{option} is given before the command; options follow it: {taker.prog} {option} ...")


def _refuse(command: argparse.ArgumentParser, unknown: list[str]) -> NoReturn:
    """End the process with the words that `command` does not know, and the option that the first one may mean."""
    from difflib import get_close_matches

    known = dict.fromkeys(option for taker in _takers(command) for option in _options(taker))
    word = next((word for word in unknown if word.startswith("-")), unknown[0]).partition("=")[0]
    near = get_close_matches(word, known, 1, _NEAR)
    command.error(f"unrecognized arguments: {' '.join(unknown)}{f'; did you mean {near[0]}?' if near else ''}")


def _options(parser: argparse.ArgumentParser) -> Collection[str]:
    """The options of one parser, without those of its commands or actions."""
    return parser._option_string_actions  # noqa: SLF001 - argparse has no other way


def _nested(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """The parsers of the commands or actions of `parser`, by name."""
    nested = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001 - argparse has no other way
    return {name: inner for action in nested for name, inner in action.choices.items()}


def _takers(command: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The parsers that may take an option of `command`: its own, and those of its actions."""
    return [command, *_nested(command).values()]


def build(filled: tuple[str, ...] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The parser, with the arguments of the commands in `filled` only, since each one loads its module."""
    parser = _Parser(
        prog="repoprio",
        description="Repository priorities for pip: a higher-priority repository owns every name it serves.",
        epilog="The policy comes from the file that REPOPRIO_CONFIG names, else from the system's files and from "
        f"[repoprio] in pip's own files: see repoprio config show. {statuses.exit_status_sentence()}",
    )
    parser.add_argument("--version", action="version", version=f"repoprio {__version__}")
    # With `prog` given, argparse does not format a help text to find it, which takes 2 ms.
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, prog="repoprio")
    for name, about in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=f"{about[:1].upper()}{about[1:]}.")
        if name in filled and name != "pip":
            module = import_module(f"repoprio.cli.{_PACKAGES.get(name, name.replace('-', '_'))}")
            command.set_defaults(command=module.command, parser=command, has_environment=False)
            module.arguments(command)
        _tell_statuses(command, name)
    return parser


def _tell_statuses(command: argparse.ArgumentParser, name: str) -> None:
    command.epilog = statuses.exit_status_sentence(name)
    for action, inner in _nested(command).items():
        _tell_statuses(inner, f"{name} {action}")


class _Help(argparse.HelpFormatter):
    """The formatter of argparse, with a given width: to find it, argparse would import modules for 3 ms."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=max(terminal.columns(sys.stdout), 40) - 2)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=_Help, **kwargs)
        self._given: list[str] = []

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Check a word against the choices, as argparse does, and suggest a similar one (3.10 to 3.14)."""
        choices = [str(choice) for choice in action.choices or ()]
        if choices and value not in choices:
            from difflib import get_close_matches

            meant = [f"did you mean {near!r}?" for near in get_close_matches(str(value), choices, 1, _NEAR)]
            meant = [f"say {_OTHERWISE[value]}"] if value in _OTHERWISE and "explain" in choices else meant
            problem = " ".join([f"there is no {value!r};", *(meant or [f"choose from {', '.join(choices)}"])])
            raise argparse.ArgumentError(action, problem)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, and keep the arguments for `error`."""
        self._given = list(args or ())
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End the process as argparse does, without logins in the message.

        If an argument is missing, report unknown options first: one of them may be a misspelled one.
        """
        if message.endswith(" is required") or message.startswith(_MISSING):
            if unknown := self._unknown():
                _refuse(self, unknown)
            message += self._choices_of(message.removeprefix(_MISSING).split(", "))
        from repoprio.redaction import escape_controls, redact_words

        super().error(escape_controls(redact_words(message)))

    def _unknown(self) -> list[str]:
        """The given options that this command does not have, also not in a longer form."""
        given = self._given[: self._given.index("--")] if "--" in self._given else self._given
        options = [word for word in given if word.startswith("--")]
        known = tuple(self._option_string_actions)
        return [word for word in options if not any(name.startswith(word.partition("=")[0]) for name in known)]

    def _choices_of(self, missing: list[str]) -> str:
        """The possible values of the missing arguments, as text."""
        actions = [action for action in self._actions if action.metavar in missing and action.choices]
        return "".join(
            f"; {action.metavar} is one of {', '.join(map(str, action.choices or ()))}" for action in actions
        )
