"""The hook in other environments: a pointer beside their packages, or in what a base interpreter runs at its start."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
from typing import NamedTuple

from repoprio.errors import RepoprioError
from repoprio.pip_adapter import owners

POINTER = "_repoprio_pointer"
COPY = "_repoprio_copy"
_PTH = f"import {POINTER}; {POINTER}.install()\n"
_BEGIN = "# >>> repoprio: put here by `repoprio enable --base`, taken out by `repoprio disable --base`"
_END = "# <<< repoprio"
# Marks that the file had no newline at its end, and shall have none again.
_JOINED = " (after a line without an end)"
_BLOCK = f"""{_BEGIN}
try:
    import {POINTER}
except ImportError:
    pass
else:
    {POINTER}.install()
{_END}
"""
_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(_HERE))
_OWN = ("_repoprio_shim.py", "repoprio.pth", "repoprio.start")
_ASK = """
import importlib.util, json, sys, sysconfig
spec = importlib.util.find_spec("sitecustomize")
print(json.dumps([list(sys.version_info[:2]), sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"),
    spec.origin if spec else None, getattr(sys, "_base_executable", sys.executable)]))
"""


class CannotEnable(RepoprioError):
    """An environment that cannot be guarded, or is none."""


class Interpreter(NamedTuple):
    """What another Python says of itself: where its packages and its standard library lie, and who made it."""

    executable: str
    version: tuple[int, int]
    packages: str
    stdlib: str
    sitecustomize: str | None
    base: str


class OfAnother(CannotEnable):
    """An environment that another user can change, which root does not run: `stranger` says who and where."""

    def __init__(self, python: str, stranger: owners.Stranger) -> None:
        self.python, self.stranger = python, stranger
        who = f"{stranger.who} can change {stranger.path}"
        as_user = f"\n  hint: run the command as that user: sudo -u '{stranger.user}' ..." if stranger.user else ""
        super().__init__(f"{python} is not run as root: {who}.{as_user}    [owner]")


def interpreter(python: str) -> Interpreter:
    """Ask `python`; raises `CannotEnable`, and `OfAnother` instead of running as root what another user can change."""
    if stranger := owners.stranger_of_python(python):
        raise OfAnother(python, stranger)
    return ask(python)


def ask(python: str) -> Interpreter:
    """Ask `python`, whoever owns it; raises `CannotEnable`."""
    try:
        # Isolated, so that neither the environment nor the working directory answers in its place.
        done = subprocess.run([python, "-I", "-c", _ASK], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
        version, packages, stdlib, sitecustomize, base = json.loads(done.stdout.splitlines()[-1])
        major, minor = map(int, version)
        packages, stdlib, base = os.fspath(packages), os.fspath(stdlib), os.fspath(base)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError, TypeError) as error:
        raise CannotEnable(f"{python} does not answer as a Python does ({type(error).__name__}).    [enable]") from None
    if (major, minor) < (3, 10):
        raise CannotEnable(f"{python} is Python {major}.{minor}, and 3.10 is needed.    [enable]")
    return Interpreter(python, (major, minor), packages, stdlib, sitecustomize, base)


def in_venv(folder: str) -> str:
    """The Python of the virtual environment at `folder`; raises `CannotEnable`."""
    names = ("bin/python", "bin/python3", "Scripts/python.exe")
    for name in names if os.path.isfile(os.path.join(folder, "pyvenv.cfg")) else ():
        if os.path.exists(python := os.path.join(folder, name)):
            return python
    raise CannotEnable(f"{folder} is no virtual environment.    [enable]")


def enable(packages: str, *, copy: bool = False) -> list[str]:
    """Put a pointer into a folder of packages, or with `copy` repoprio itself; returns the files and folders made.

    Where repoprio is installed a pointer would outlive it: nothing is made.
    """
    if os.path.exists(os.path.join(packages, _OWN[0])):
        return []
    root = COPY if copy else _ROOT
    if copy:
        _copy(os.path.join(packages, COPY))
    made = [os.path.join(packages, f"{POINTER}.py"), os.path.join(packages, f"{POINTER}.pth")]
    write(made[0], _pointer(root))
    write(made[1], _PTH)
    return [*made, *([os.path.join(packages, COPY)] if copy else [])]


def is_whole(packages: str) -> bool:
    """Whether all files of this repoprio are in a folder of packages, none of them empty where ours is not."""
    mine = [os.path.join(_ROOT, name) for name in _OWN if os.path.exists(os.path.join(_ROOT, name))]
    for folder, _, names in os.walk(os.path.join(_ROOT, "repoprio")):
        mine += [os.path.join(folder, name) for name in names if name.endswith(".py")]
    return all(_is_there(os.path.join(packages, os.path.relpath(file, _ROOT)), file) for file in mine)


def _is_there(file: str, ours: str) -> bool:
    return os.path.isfile(file) and (os.path.getsize(file) > 0 or os.path.getsize(ours) == 0)


def disable(packages: str) -> list[str]:
    """Take out what `enable` put in; returns what was taken out."""
    places = [os.path.join(packages, name) for name in (f"{POINTER}.pth", f"{POINTER}.py", COPY)]
    found = [place for place in places if os.path.lexists(place)]
    for place in found:
        remove(place)
    _forget_compiled(packages)
    return found


def _forget_compiled(folder: str) -> None:
    cache = os.path.join(folder, "__pycache__")
    for name in os.listdir(cache) if os.path.isdir(cache) else []:
        if name.startswith(f"{POINTER}."):
            remove(os.path.join(cache, name))


def enable_base(base: Interpreter) -> list[str]:
    """Put a pointer into what `base` runs at each start, and with it every environment that was made from it."""
    pointer = os.path.join(base.stdlib, f"{POINTER}.py")
    custom = _custom(base)
    text = read(custom)
    _check_custom(base, custom, text)
    write(pointer, _pointer(_ROOT))
    if _BEGIN not in text:
        ends = not text or text.endswith("\n")
        write(custom, text + (_BLOCK if ends else "\n" + _BLOCK.replace(_BEGIN, _BEGIN + _JOINED)))
    return [pointer, custom]


def _check_custom(base: Interpreter, custom: str, text: str) -> None:
    """Whether what is appended to `custom` would run, for every environment that is made from `base`."""
    if base.sitecustomize and os.path.dirname(os.path.abspath(base.sitecustomize)) != os.path.abspath(base.stdlib):
        problem = "lies among the base's own packages, which the environments made from it do not see"
        raise CannotEnable(f"{base.sitecustomize} {problem}.    [enable]")
    try:
        compile(text, custom, "exec")
    except (SyntaxError, ValueError):
        raise CannotEnable(
            f"{custom} is no Python that runs; what is appended would not run either.    [enable]"
        ) from None


def disable_base(base: Interpreter) -> list[str]:
    """Take out what `enable_base` put in; a file that had nothing else is removed."""
    pointer, custom = os.path.join(base.stdlib, f"{POINTER}.py"), _custom(base)
    found = [pointer] if os.path.lexists(pointer) else []
    text = read(custom)
    if _BEGIN in text:
        found.append(custom)
        rest = _without_block(text)
        write(custom, rest) if rest else remove(custom)
    if os.path.lexists(pointer):
        remove(pointer)
        _forget_compiled(base.stdlib)
    return found


def _without_block(text: str) -> str:
    before, _, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(f"{_END}\n")
    if not end:
        raise CannotEnable("the end of repoprio's block in sitecustomize is gone: take it out by hand.    [enable]")
    if rest.startswith(_JOINED) and not after:
        before = before.removesuffix("\n")
    return before + after


def _custom(base: Interpreter) -> str:
    """The sitecustomize of `base`, wherever a link leads; the one of its standard library where there is none."""
    return os.path.realpath(base.sitecustomize or os.path.join(base.stdlib, "sitecustomize.py"))


def _pointer(root: str) -> str:
    return read(os.path.join(_HERE, "pointer.py")).replace('ROOT = ""', f"ROOT = {root!r}")


def _copy(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        shutil.copytree(
            os.path.join(_ROOT, "repoprio"),
            os.path.join(folder, "repoprio"),
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        shutil.copy(os.path.join(_ROOT, _OWN[0]), folder)
    except OSError as error:
        raise CannotEnable(f"{folder} cannot be written: {error.strerror}    [enable]") from None


def read(file: str) -> str:
    """The text of `file`, nothing where there is none; raises `CannotEnable`."""
    try:
        # As it is, line ends too: it is written back.
        with open(file, encoding="utf-8", newline="") as opened:
            return opened.read()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise CannotEnable(f"{file} cannot be read: {getattr(error, 'strerror', error)}    [enable]") from None


def write(file: str, text: str) -> None:
    """Write `file` whole or not at all; raises `CannotEnable`."""
    draft = f"{file}.{secrets.token_hex(4)}"
    try:
        # A file of its own, whatever lies there: never through a link that somebody left.
        with open(draft, "x", encoding="utf-8", newline="") as opened:
            opened.write(text)
        if os.path.isfile(file):
            shutil.copymode(file, draft)
        os.replace(draft, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise CannotEnable(f"{file} cannot be written: {error.strerror}    [enable]") from None


def remove(place: str) -> None:
    """Remove a file or a folder; raises `CannotEnable`."""
    try:
        shutil.rmtree(place) if os.path.isdir(place) and not os.path.islink(place) else os.remove(place)
    except OSError as error:
        raise CannotEnable(f"{place} cannot be removed: {error.strerror}    [enable]") from None
