"""The one module that finds and opens policy files. The working directory is never read.

It imports next to nothing, since every pip without a policy pays for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

VARIABLE = "REPOPRIO_CONFIG"
FILE_NAME = "repoprio.toml"


def system_file(site_config_dir: Callable[[str, bool], str]) -> str:
    """Where an administrator lays the policy down; `site_config_dir` is platformdirs' function."""
    if sys.platform in ("win32", "darwin"):
        return os.path.join(site_config_dir("repoprio", False), FILE_NAME)
    return f"/etc/repoprio/{FILE_NAME}"


def in_sight(environ: Mapping[str, str], system: str) -> bool:
    """Whether there is anything that could be a policy; costs a look at one file at most."""
    return environ.get(VARIABLE, os.devnull) not in ("", os.devnull) or os.path.lexists(system)


def text(file: str) -> str:
    """The text of a policy file; `ValueError` with what is wrong where it cannot be had."""
    try:
        with open(file, "rb") as opened:
            return opened.read().decode("utf-8-sig")
    except FileNotFoundError:
        raise ValueError("is not there") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text (byte {error.start})") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"cannot be read: {reason}{_mode(file)}") from None


def _mode(file: str) -> str:
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return ""
    return f" (mode {found.st_mode & 0o7777:o}, owner {found.st_uid})"
