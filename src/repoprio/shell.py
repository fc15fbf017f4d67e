"""Quotes the commands that messages show: for a POSIX shell, on Windows for cmd.exe and PowerShell alike. Pure.

Every command with a word from outside (a URL, a path, a requirement) is made here: people paste it, and a
``$(…)`` in a URL must not be run.
"""

from __future__ import annotations

import re
import shlex
import sys

from repoprio.redaction import printable

_IS_WINDOWS = sys.platform == "win32"
# Words that cmd.exe and PowerShell both take as they are. An @ or a comma means something to PowerShell.
_PLAIN = re.compile(r"[\w+=:./\\%\[\]-]+")
# Inside of double quotes PowerShell expands $ and `, and ends them at a typographic quote, too. To cmd.exe a backtick
# means nothing: the word is then wrong there, but harmless.
_EXPANDED = re.compile("([$`\u201c\u201d\u201e])")
_SINGLE = re.compile("(['\u2018\u2019\u201a\u201b])")


def command(*words: str) -> str:
    """`words` as one command, each quoted where it must be; a control character becomes a ?.

    To PowerShell a program in quotes is only a text, unless an & precedes it, which cmd.exe does not take there.
    """
    text = arguments(*words)
    return f"& {text} (cmd: without the &)" if _IS_WINDOWS and text.startswith('"') else text


def arguments(*words: str) -> str:
    """`words` as arguments of a command, quoted as in `command`."""
    shown = map(printable, words)
    return " ".join(map(_quoted, shown)) if _IS_WINDOWS else shlex.join(shown)


def repoprio(name: str, *words: str, python: str = "") -> str:
    """Repoprio's command `name` ("config check") with `words`, as text.

    `python` is the Python of the environment that it must name, "" if the plain command already means that one.
    """
    where = ("--python", python) if python else ()
    return command("repoprio", *name.split(), *where, *words)


def setting(name: str, value: str) -> str:
    """The command that sets an environment variable; on Windows PowerShell's, with that of cmd.exe after it."""
    if not _IS_WINDOWS:
        return command("export", f"{name}={value}")
    value = printable(value)
    doubled = _SINGLE.sub(r"\1\1", value)
    return f"$env:{name} = '{doubled}' (cmd: set {_in_quotes(f'{name}={value}')})"


def unsetting(*names: str) -> str:
    """The command that removes environment variables, as in `setting`."""
    if not _IS_WINDOWS:
        return command("unset", *names)
    return "; ".join(f"Remove-Item Env:{name} (cmd: set {name}=)" for name in names)


def sequence(first: str, *others: str) -> str:
    """Commands to run one after the other, as one text; PowerShell before 7 has no &&."""
    return (", then " if _IS_WINDOWS else " && ").join((first, *others))


def _quoted(word: str) -> str:
    """A word for cmd.exe and PowerShell: both take double quotes."""
    return word if _PLAIN.fullmatch(word) else _in_quotes(_EXPANDED.sub(r"`\1", word))


def _in_quotes(word: str) -> str:
    # No path has a double quote there, and in a requirement's marker single quotes mean the same (PEP 508). A
    # backslash before the last quote would quote that.
    word = word.replace('"', "'")
    return f'"{word}{word[len(word.rstrip(chr(92))) :]}"'
