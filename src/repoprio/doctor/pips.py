"""Finds the pips of this machine: in the chosen environment, on PATH, and in virtual environments."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from repoprio import shell
from repoprio.config.policy_files import ASKED
from repoprio.doctor import exe_launcher, running, shadows
from repoprio.environments import interpreters, owners
from repoprio.environments.owners import Stranger
from repoprio.errors import RepoprioError

_DEEPEST = 6
_LONGEST = 65536
# On Windows a program has an ending; a version manager's (pyenv-win) is a batch file.
_LAUNCHER_END = r"\.(exe|bat|cmd)" if sys.platform == "win32" else r"(\.exe)?"
_LAUNCHER = re.compile(rf"pip(3(\.[0-9]+)?)?{_LAUNCHER_END}")
_NO_PIP = re.compile(r"No module named '?pip'?\s*$")
# Prints the path of the Python that runs it, in the words of ``pip debug``, and ends.
_WHO = "import os, sys; print('sys.executable:', sys.executable, flush=True); os._exit(0)\n"
# The lines of pip's console scripts, as pip (distlib), uv and Linux distributions write them.
_ENTRY_POINT = re.compile(
    r"""(?x) \s* (
        | \#[ ]-\*-[ ]coding:[ ]utf-8[ ]-\*-
        | '[ ]'''
        | import[ ]re | import[ ]sys | from[ ]pip\._internal(\.cli\.main)?[ ]import[ ](main|cli)
        | if[ ]__name__[ ]==[ ](?P<q>['"])__main__(?P=q):
        | sys\.argv\[0\][ ]=[ ]re\.sub\(r['"]\(-script\\\.pyw\??\|\\\.exe\)\?\$['"],[ ]['"]{2},[ ]sys\.argv\[0\]\)
        | (el)?if[ ]sys\.argv\[0\]\.endswith\(['"](-script\.pyw|\.exe)['"]\):
        | sys\.argv\[0\][ ]=[ ]sys\.argv\[0\](\[:-[0-9]+\]|\.removesuffix\(['"]\.exe['"]\))
        | sys\.exit\((main|cli)\(\)\)
    )"""
)
_VERSION = re.compile(r"pip (\S+) from (.+) \(python ([0-9.]+)\)")


class Pip(NamedTuple):
    """A way to start a pip.

    `python` is its interpreter, None if unknown. `launcher` is the script on PATH that starts it, None if it is
    started as ``python -m pip``. `options` are those that the launcher passes to Python. `is_entry_point`: its first
    line names its Python, and all other lines are those of pip's own console scripts.
    """

    python: str | None
    launcher: str | None = None
    options: tuple[str, ...] = ()
    is_entry_point: bool = False

    @property
    def command(self) -> tuple[str, ...]:
        """The command that starts it."""
        return (self.launcher,) if self.launcher else (self.python or "", "-m", "pip")

    @property
    def is_understood(self) -> bool:
        """Whether its text shows all that it does; any other launcher may keep the hook from its Python."""
        return self.launcher is None or self.is_entry_point

    def stranger(self) -> Stranger | None:
        """If this process is root: another user who can change what it runs, or None."""
        # The launcher of a version manager chooses the Python by files in the working directory.
        here = os.getcwd()
        stranger = owners.stranger_of_python(self.python) if self.python else owners.stranger_of_file(here)
        stranger = stranger or (owners.stranger_of_file(self.launcher) if self.launcher else None)
        return stranger or owners.stranger_of_user_site(self.python or self.launcher or "")

    def folder(self, empty: str) -> str:
        """The folder to run it in: `empty` for ``python -m pip``, which would run a pip.py in the working folder.

        A console script finds no code in the working folder; a version manager's launcher reads there which Python to
        start.
        """
        here = os.getcwd()
        return here if self.launcher and not shadows.shadow(here) else empty

    def shadow(self) -> str | None:
        """A file in the working folder that it may run in place of pip, so that it must not be started; else None.

        A launcher that is no Python script may end in ``python -m pip``.
        """
        here = os.getcwd()
        is_open = shadows.is_on_path(here, os.environ) or (self.launcher and not self.python)
        return shadows.shadow(here) if is_open else None


class PipFacts(NamedTuple):
    """The output of ``pip --version``: the versions of pip (None: no pip) and its Python, and pip's location.

    The version is "?" if pip did not state one; `is_broken`: pip itself failed, and no hook of repoprio stopped it.
    `stranger` and `shadow` are the reasons not to start it. `hook` is the report of its hook (`policy_report.answer`),
    None if none answers.
    """

    pip: Pip
    version: str | None
    location: str = ""
    python_version: str = ""
    said: str = ""
    stranger: Stranger | None = None
    shadow: str | None = None
    is_broken: bool = False
    hook: dict[str, Any] | None = None

    def is_same(self, other: PipFacts) -> bool:
        """Whether both start the same pip in the same environment, with the same options for Python."""
        if not (self.location and other.location) or self.pip.options != other.pip.options:
            return self.pip == other.pip
        ours, theirs = self._folder, other._folder
        # If one of them has no known Python, pip's own location identifies the environment.
        is_one = ours == theirs if ours and theirs else self.location == other.location
        return is_one and self.python_version == other.python_version

    @property
    def _folder(self) -> str:
        """The folder of its Python; without following links, since in an environment Python itself may be a link."""
        return os.path.realpath(os.path.dirname(os.path.abspath(self.pip.python))) if self.pip.python else ""


def ask(pip: Pip, folder: str) -> PipFacts:
    """A pip's version, location and hook; as root it runs nothing that others can change, and never a local pip.py."""
    if stranger := pip.stranger():
        return PipFacts(pip, None, stranger=stranger)
    if shadow := pip.shadow():
        return PipFacts(pip, None, shadow=shadow)
    # With the variables and files of this user, so that a hook reports the policy that a plain pip would find.
    asking = {**running.as_the_user(os.environ), ASKED: "1"}
    output = running.run([*pip.command, "--version"], asking, pip.folder(folder)).stdout
    hook = _answer(output)
    if not (stated := _version(hook, output)):
        environ = {**running.plain(os.environ), **running.QUIET}
        done = running.run([*pip.command, "--version"], environ, pip.folder(folder))
        stated = _version(None, done.stdout)
    if stated:
        pip = pip if pip.python else pip._replace(python=_python_of(pip, folder))
        return PipFacts(pip, *stated, hook=hook)
    last_line = running.last_line(done.stderr)
    # Report "no pip" only if it is certain: one that does not answer may still work without a policy. A shell, in
    # which launchers of version managers are written, exits with 127 if it finds no program.
    if _NO_PIP.search(done.stderr) or done.returncode == 127:
        return PipFacts(pip, None, said=last_line)
    pip = pip if pip.python else pip._replace(python=_python_of(pip, folder))
    is_broken = running.is_broken(done.stderr) or "repoprio:" not in done.stderr
    return PipFacts(pip, "?", said=last_line, is_broken=is_broken, hook=hook)


def _answer(output: str) -> dict[str, Any] | None:
    """The report of a hook; None if the output is that of a pip without one."""
    try:
        answer = json.loads(output.splitlines()[-1])
    except (ValueError, IndexError):
        return None
    return answer if isinstance(answer, dict) and "repoprio" in answer else None


def _version(hook: dict[str, Any] | None, output: str) -> tuple[str, str, str] | None:
    """The versions of pip and its Python, and its location, from the report of a hook or the output of pip; or None."""
    if hook and "location" in hook:
        return hook["pip"], os.path.realpath(hook["location"]), hook["python"]
    match = _VERSION.search(output)
    return (match[1], os.path.realpath(match[2]), match[3]) if match else None


def python_version(facts: PipFacts) -> str | None:
    """The full version of its Python, of which pip states two numbers only; None if it is not run, or unknown."""
    if facts.pip.python is None or facts.stranger:
        return None
    code = "import sys; print(sys.version.partition(' ')[0])"
    done = running.run([facts.pip.python, "-I", "-c", code], running.plain(os.environ), os.getcwd())
    return done.stdout.strip() if done.returncode == 0 else None


def _python_of(pip: Pip, folder: str) -> str | None:
    """The Python that a launcher starts, which prints its path instead of running pip; None if it does not."""
    place = tempfile.mkdtemp(dir=folder)
    with open(os.path.join(place, "sitecustomize.py"), "w", encoding="utf-8") as opened:
        opened.write(_WHO)
    path = os.pathsep.join(filter(None, (place, os.environ.get("PYTHONPATH"))))
    environ = {**running.plain(os.environ), **running.QUIET, "PIP_CONFIG_FILE": os.devnull}
    for variables, words in (({"PYTHONPATH": path}, "--version"), ({}, "debug")):
        done = running.run([*pip.command, words], {**environ, **variables}, pip.folder(folder))
        if match := re.search(r"(?m)^sys\.executable: (.+)$", done.stdout):
            return match[1].strip()
    return None


def distinct(every: Iterable[PipFacts]) -> Iterator[tuple[PipFacts, list[str]]]:
    """Each pip to be tried, with the launchers that start the same one and need no trial of their own."""
    rows: list[tuple[PipFacts, list[str]]] = []
    for facts in every:
        is_known = facts.pip.is_understood
        same = next((row for known, row in rows if is_known and known.pip.is_understood and facts.is_same(known)), None)
        if same is None:
            rows.append((facts, []))
        elif facts.pip.launcher:
            same.append(facts.pip.launcher)
    yield from rows


def candidates(meant: str, path: str, folders: Sequence[str]) -> Iterator[Pip]:
    """The pip of the Python `meant`, then those on PATH, then those of virtual environments at or below `folders`."""
    yield Pip(meant)
    yield from _on_path(path)
    for folder in folders:
        yield from in_folder(folder)


def in_folder(folder: str) -> list[Pip]:
    """The pips of the virtual environments at or below `folder`, which may also be the Python of one."""
    if os.path.isfile(folder):
        return [Pip(_in_venv(folder))]
    if not os.path.isdir(folder):
        raise RepoprioError(f"--venv {folder}: there is no such folder or Python.    [usage]")
    return [Pip(python) for python in _beneath(os.path.abspath(folder))]


def _in_venv(python: str) -> str:
    try:
        return interpreters.in_venv(os.path.abspath(python))
    except interpreters.CannotEnable:
        hint = shell.command("repoprio", "doctor", "--python", python)
        raise RepoprioError(
            f"--venv {python}: this is neither a folder nor a Python of a virtual environment.\n"
            f"  hint: for another Python: {hint}    [usage]"
        ) from None


def _beneath(folder: str) -> Iterator[str]:
    top = folder.rstrip(os.sep).count(os.sep)
    # Follows links; the limit of depth ends circles.
    for path, below, files in os.walk(folder, followlinks=True):
        if "pyvenv.cfg" in files:
            below[:] = [name for name in below if name not in ("bin", "include", "lib", "lib64", "Lib", "Scripts")]
            with suppress(interpreters.CannotEnable):
                yield interpreters.in_venv(path)
        if path.rstrip(os.sep).count(os.sep) - top >= _DEEPEST:
            below.clear()
        below.sort()


def programs(path: str, name: re.Pattern[str]) -> Iterator[str]:
    """The programs on PATH whose names match `name`, in the order in which a shell looks."""
    for folder in map(os.path.abspath, path.split(os.pathsep)):
        # For a shell, a relative folder starts from the working folder, and an empty one is the working folder.
        for program in (os.path.join(folder, file) for file in sorted(_names(folder)) if name.fullmatch(file)):
            if os.access(program, os.X_OK) and os.path.isfile(program):
                yield program


def _on_path(path: str) -> Iterator[Pip]:
    seen = set()
    for launcher in programs(path, _LAUNCHER):
        real = os.path.realpath(launcher)
        if real not in seen:
            seen.add(real)
            words, body = _script(launcher)
            is_entry_point = bool(words) and all(map(_ENTRY_POINT.fullmatch, body))
            yield Pip(words[0] if words else None, launcher, tuple(words[1:]), is_entry_point)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _script(file: str) -> tuple[list[str], list[str]]:
    """The words of the command with which a script starts Python, none if it names no Python; and its other lines."""
    first, *lines = _text(file).splitlines() or [""]
    if not first.startswith("#!"):
        return [], []
    # A first line with quotes is one of Windows.
    words = _split(first[2:], posix=False) if '"' in first else first[2:].split()
    if words[:1] == ["/bin/sh"] and lines and lines[0].startswith("'''exec' "):
        # pip and uv write it like this if the path is too long for a first line, or contains a space.
        words = _split(lines.pop(0).removeprefix("'''exec' "))
        words = words[:-2] if words[-2:] == ["$0", "$@"] else []
    elif words and os.path.basename(words[0]) == "env":
        words = words[2:] if words[1:2] == ["-S"] else words[1:]
    if not words or not os.path.basename(words[0]).startswith(("python", "pypy")):
        return [], []
    python = running.which(words[0])
    return ([python, *words[1:]] if python else []), lines


def _text(file: str) -> str:
    """The text of a script, or of the script in a launcher for Windows; "" if there is none."""
    if file.lower().endswith(".exe"):
        return exe_launcher.script_in(file) or ""
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            return opened.read(_LONGEST)
    except OSError:
        return ""


def _split(line: str, *, posix: bool = True) -> list[str]:
    try:
        # Not as in a POSIX shell, backslashes are part of a path.
        return shlex.split(line) if posix else [word.strip('"') for word in shlex.split(line, posix=False)]
    except ValueError:
        return line.split()
