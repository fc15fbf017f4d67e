"""The users of this machine."""

from __future__ import annotations

import sys


def user_name(number: int) -> str:
    """The name of the user with this number; if there is none, the number as `sudo -u` takes it: ``#1000``."""
    if sys.platform == "win32":
        return str(number)
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"#{number}"
