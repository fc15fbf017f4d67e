"""Makes the manual page from the command line itself: python docs/build_man.py > docs/repoprio.1."""

from __future__ import annotations

from repoprio.cli.grammar.command_tree import Argument, Command, Option, grammar
from repoprio.cli.grammar.statuses import GENERAL

_EXIT = tuple((str(status), f"{about[:1].upper()}{about[1:]}.") for status, about in enumerate(GENERAL))
_ENVIRONMENT = (
    ("REPOPRIO_CONFIG", "A file in place of all others that the policy would be read from; /dev/null for no policy."),
    ("REPOPRIO_NAME_USERNAME, REPOPRIO_NAME_PASSWORD", "The login of the repository NAME, in capitals, - as _."),
    ("VIRTUAL_ENV", "The environment that commands speak of, and pip installs into, where no --python names another."),
    ("REPOPRIO_STORE", "Where the gateway remembers who owns which name: a path or redis://HOST."),
    ("REPOPRIO_LOG", 'With mode = "observe": the file that gets each choice that the policy would change, as JSON.'),
    ("NO_COLOR", "No colour, unless --color always."),
    ("COLUMNS", "The width of screens; else that of the terminal, else 80."),
)
_FILES = (
    ("/etc/repoprio/repoprio.toml", "The system's policy; the platform's place elsewhere."),
    ("/etc/repoprio/repos.d/*.toml", "Pieces of it, by file name."),
    ("/var/lib/repoprio/setup-image.json", "What setup-image did, and the files as they were before."),
    ("pip.conf", "The section [repoprio] of pip's own files says the same in pip's own form."),
)
_EXAMPLES = (
    ("repoprio demo", "A hijack with pip alone, and the same with a policy; no network."),
    ("repoprio init corp=https://pypi.corp.example/simple/ pypi", "A policy to begin with."),
    ("repoprio explain requests", "Who owns the name, what would be installed, which rule said so."),
    ("repoprio repos --check", "What each repository is like, and what to set for it."),
)


def page() -> str:
    """The manual page in roff (man(7))."""
    whole = grammar()
    commands = [command for command in whole.all() if command.path and not command.children]
    parts = [
        '.TH REPOPRIO 1 "" "repoprio" "User Commands"',
        ".SH NAME",
        "repoprio \\- repository priorities for pip",
        ".SH SYNOPSIS",
        ".B repoprio",
        ".I COMMAND",
        ".RI [ ARGUMENT ...]",
        ".SH DESCRIPTION",
        _text(whole.description),
        ".PP",
        _text("Lower ones may add names, and never shadow or upgrade one that a higher-priority repository serves."),
        ".SH COMMANDS",
        *(line for command in commands for line in _command(command)),
        *_section("EXIT STATUS", _EXIT),
        *_section("ENVIRONMENT", _ENVIRONMENT),
        *_section("FILES", _FILES),
        *_section("EXAMPLES", _EXAMPLES),
        ".SH SEE ALSO",
        ".BR pip (1)",
    ]
    return "\n".join(parts) + "\n"


def _command(command: Command) -> list[str]:
    name = " ".join(("repoprio", *command.path))
    options = [option for option in command.options if "--help" not in option.names]
    words = [*([_italic("OPTION") + " ..."] if options else []), *(a.usage(_metavar(a)) for a in command.arguments)]
    if command.name == "pip":
        words = [_italic("ARGUMENT") + " ..."]
    lines = [f".SS {_text(name)} {' '.join(words)}".rstrip(), _text(command.description)]
    for argument in command.arguments:
        lines += [".TP", _metavar(argument), _text(argument.help)]
    for option in options:
        lines += [".TP", _option(option), _text(option.help)]
    return [*lines, *([".PP", _text(command.epilog)] if command.epilog else [])]


def _option(option: Option) -> str:
    names = ", ".join(f"\\fB{_text(name)}\\fR" for name in option.names)
    return f"{names} {_italic(option.value)}" if option.value else names


def _metavar(argument: Argument) -> str:
    return _italic(argument.metavar)


def _italic(text: str) -> str:
    return f"\\fI{_text(text)}\\fR"


def _section(title: str, items: tuple[tuple[str, str], ...]) -> list[str]:
    return [f".SH {title}", *(line for name, about in items for line in (".TP", f".B {_text(name)}", _text(about)))]


def _text(text: str) -> str:
    """Text as roff takes it: backslashes and dashes escaped, no line that begins with a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


if __name__ == "__main__":
    print(page(), end="")
