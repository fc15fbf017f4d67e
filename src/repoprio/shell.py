"""Commands that a message shows, as a shell takes them. Pure.

Every command with a word in it that somebody else wrote (a URL, a path, a requirement) is made here: people
paste it, and ``$(…)`` in a URL must stay a text.
"""

from __future__ import annotations

import shlex

from repoprio.redaction import printable


def command(*words: str) -> str:
    """`words` as one command for a POSIX shell, each quoted where it must be; a control character becomes a ?."""
    return shlex.join(map(printable, words))


def repoprio(name: str, *words: str, python: str = "") -> str:
    """Repoprio's command `name` ("config check") with `words`.

    `python` is that of the environment to speak of, "" where a plain command speaks of it by itself.
    """
    where = ("--python", python) if python else ()
    return command("repoprio", *name.split(), *where, *words)
