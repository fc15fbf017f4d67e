"""Runs programs for doctor: in which folder, with which variables, and for how long."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from repoprio.config.file_text import absolute
from repoprio.environments import owners

_SECONDS = 120
# Variables that name a file or a folder, which may be relative to the working folder.
_FILES = (
    "REPOPRIO_CONFIG",
    "PIP_CONFIG_FILE",
    "UV_CONFIG_FILE",
    "UV_PROJECT",
    "UV_WORKING_DIR",
    "UV_WORKING_DIRECTORY",
)
_CACHE = "PIP_CACHE_DIR"
# Variables that tell Python where to find code at its start, and the user's packages.
_OF_PYTHON = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE")
_PROGRAMS = "PATH"
_FRAME = re.compile(r'\s+File "(.+)", line [0-9]+')
# A refusal of repoprio ends in its code.
_CODE = re.compile(r"\[[a-z-]+\]$")
QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONWARNINGS": "", "PYTHONUTF8": "1"}


def run(
    command: Sequence[str], environ: Mapping[str, str], folder: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `command` in `folder`, with `stdin` as its input; the status is 1 if it cannot be run, or does not end.

    Python finds the same code as in the user's working folder, and none in `folder`.
    """
    try:
        return subprocess.run(  # noqa: S603 - a pip, a Python or a uv that the user asks us to try
            list(command),
            env=owners.without_foreign_packages(_found_from_here(environ)),
            cwd=folder,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(list(command), 1, "", f"{type(error).__name__}: {command[0]}")


def _found_from_here(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables, with relative folders of programs and Python code made absolute; "" means the working folder."""
    named = {name: value for name in (*_OF_PYTHON, _PROGRAMS) if (value := environ.get(name))}
    return {
        **environ,
        **{name: os.pathsep.join(map(os.path.abspath, value.split(os.pathsep))) for name, value in named.items()},
    }


def which(program: str) -> str | None:
    """The absolute path of what a shell would start as `program` here; PATH may have relative folders."""
    path = shutil.which(program)
    return os.path.abspath(path) if path else None


def as_the_user(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a plain pip of this user, adapted to a run in another folder."""
    named = {name: value for name in _FILES if (value := environ.get(name))}
    if cache := environ.get(_CACHE):
        # pip expands a ~ in it.
        named[_CACHE] = os.path.expanduser(cache)
    return {**environ, **{name: absolute(value) for name, value in named.items()}}


def plain(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that tell an installer where to look."""
    dropped = ("PIP_", "REPOPRIO_", "_REPOPRIO", "UV_")
    return {k: v for k, v in environ.items() if not k.upper().startswith(dropped) and not k.lower().endswith("_proxy")}


def is_broken(output: str) -> bool:
    """Whether the output of a pip is a traceback that ends in pip's own files, so that one is damaged or missing."""
    lines = output.partition("Traceback (most recent call last)")[2].splitlines()
    frames = [match[1] for line in lines if (match := _FRAME.match(line))]
    return bool(frames) and os.path.join(os.sep, "pip", "") in frames[-1]


def last_line(output: str) -> str:
    """The last line of a program's output; of a refusal of repoprio, its first line and its code."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if not lines:
        return "it said nothing"
    last = lines[-1]
    refusals = [line for line in lines[:-1] if line.startswith("ERROR: repoprio: ")]
    code = _CODE.search(last)
    return f"{refusals[-1]} {code[0]}" if refusals and code else last
