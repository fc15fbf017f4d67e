"""The command line as data, from its parser; completion and the manual are made from it."""

from __future__ import annotations

import argparse

from repoprio.cli.grammar import parser
from repoprio.dataclass import dataclass

# The metavars of values that are files.
_FILES = {"FILE", "PATH"}
_FOLDERS = {"DIR"}


@dataclass(frozen=True)
class Option:
    """An option: its names (``-r``, ``--requirement``), the metavar of its value (None for a flag), and the choices."""

    names: tuple[str, ...]
    help: str
    value: str | None = None
    choices: tuple[str, ...] = ()

    @property
    def takes_file(self) -> bool:
        """Whether its value is a file."""
        return self.value in _FILES

    @property
    def takes_folder(self) -> bool:
        """Whether its value is a folder."""
        return self.value in _FOLDERS


@dataclass(frozen=True)
class Argument:
    """A positional argument; `nargs` is how often it is given, as argparse writes it: None, "?", "*" or "+"."""

    metavar: str
    help: str
    choices: tuple[str, ...] = ()
    nargs: str | None = None

    def usage(self, shown: str) -> str:
        """`shown`, which stands for its metavar, as a usage line writes it: in brackets if it may be left out."""
        repeated = f"{shown}..." if self.nargs in ("*", "+") else shown
        return f"[{repeated}]" if self.nargs in ("?", "*") else repeated

    @property
    def takes_file(self) -> bool:
        """Whether it is a file."""
        return self.metavar in _FILES


@dataclass(frozen=True)
class Command:
    """One command, or the whole program: `path` are the words that lead to it, `about` is one line.

    `epilog` is the end of its help.
    """

    path: tuple[str, ...]
    about: str
    description: str
    epilog: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    children: tuple[Command, ...]

    @property
    def name(self) -> str:
        """The last word of its path."""
        return self.path[-1] if self.path else "repoprio"

    def all(self) -> list[Command]:
        """The command itself, and all commands below it."""
        return [self, *(command for child in self.children for command in child.all())]


def grammar() -> Command:
    """The whole command line."""
    return _command(parser.build(), (), "")


def _command(parser: argparse.ArgumentParser, path: tuple[str, ...], about: str) -> Command:
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    children = [
        _command(child, (*path, name), _about(action, name))
        for action in nested
        for name, child in action.choices.items()
    ]
    plain = [action for action in parser._actions if action not in nested]
    return Command(
        path,
        about,
        parser.description or "",
        parser.epilog or "",
        tuple(_option(action) for action in plain if action.option_strings),
        tuple(_argument(action) for action in plain if not action.option_strings),
        tuple(children),
    )


def _about(action: argparse._SubParsersAction[argparse.ArgumentParser], name: str) -> str:
    return next(choice.help or "" for choice in action._choices_actions if choice.dest == name)


def _option(action: argparse.Action) -> Option:
    takes_value = action.nargs != 0
    choices = tuple(map(str, action.choices or ()))
    value = str(action.metavar or ("|".join(choices) if choices else action.dest.upper())) if takes_value else None
    return Option(tuple(action.option_strings), action.help or "", value, choices)


def _argument(action: argparse.Action) -> Argument:
    nargs = action.nargs if isinstance(action.nargs, str) else None
    return Argument(str(action.metavar or action.dest), action.help or "", tuple(map(str, action.choices or ())), nargs)
