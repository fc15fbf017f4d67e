"""How a pip is repaired that cannot repair itself: by another one, from outside (``--python``, pip 22.3 and later)."""

from __future__ import annotations

from repoprio import shell

# Where nobody looked for a better one.
OUTSIDE = "python3"


def is_too_old(version: str) -> bool:
    """Whether a pip of this version is too old to be guarded."""
    major = version.partition(".")[0]
    return major.isdecimal() and int(major) < 22


def upgrade(python: str, outside: str = OUTSIDE) -> str:
    """The command with which the pip of `outside` upgrades that of `python`."""
    return install(python, "-U", "pip", outside=outside)


def reinstall(python: str, outside: str = OUTSIDE) -> str:
    """The command with which the pip of `outside` replaces a broken one of `python`, be it of the same version."""
    return install(python, "--force-reinstall", "pip", outside=outside)


def install(python: str, *words: str, outside: str = OUTSIDE) -> str:
    """The command with which the pip of `outside` installs into the environment of `python`."""
    return shell.command(outside, "-m", "pip", "--python", python, "install", *words)
