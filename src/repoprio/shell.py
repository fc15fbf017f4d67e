"""Quotes the commands that messages show, for a POSIX shell. Pure.

Every command with a word from outside (a URL, a path, a requirement) is made here: people paste it, and a
``$(…)`` in a URL must not be run.
"""

from __future__ import annotations

import shlex

from repoprio.redaction import printable


def command(*words: str) -> str:
    """`words` as one command for a POSIX shell, each quoted where it must be; a control character becomes a ?."""
    return shlex.join(map(printable, words))


def repoprio(name: str, *words: str, python: str = "") -> str:
    """Repoprio's command `name` ("config check") with `words`, as text.

    `python` is the Python of the environment that it must name, "" if the plain command already means that one.
    """
    where = ("--python", python) if python else ()
    return command("repoprio", *name.split(), *where, *words)
