"""Commands that a message shows, as a shell takes them. Pure.

Every command with a word in it that somebody else wrote (a URL, a path, a requirement) is made here: people
paste it, and ``$(…)`` in a URL must stay a text.
"""

from __future__ import annotations

import shlex


def command(*words: str) -> str:
    """`words` as one command for a POSIX shell, each quoted where it must be; a control character becomes a ?."""
    return shlex.join("".join(c if c.isprintable() else "?" for c in word) for word in words)
