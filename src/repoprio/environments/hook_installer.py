"""Puts the hook into other environments: a pointer in their packages, or in a base interpreter's sitecustomize."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import secrets
import shutil
import sys
from typing import Any

import _repoprio_shim
from repoprio.config import records
from repoprio.config.records import POINTER, Record
from repoprio.environments import as_user, lone_pointer
from repoprio.environments.interpreters import CannotEnable, Interpreter
from repoprio.environments.target import is_same
from repoprio.users import user_name

COPY = "_repoprio_copy"
# The pointer, and the module that it needs if the repoprio that it leads to is gone.
_POINTER_FILES = (f"{POINTER}.py", f"{POINTER}_alone.py")
_PTH = f"import {POINTER}; {POINTER}.install()\n"
_BLOCK = f"""{lone_pointer.BEGIN}
try:
    import {POINTER}
except ImportError:
    pass
else:
    {POINTER}.install()
{lone_pointer.END}
"""
_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(_HERE))
_OWN = ("_repoprio_shim.py", "repoprio.pth", "repoprio.start")
_NOTHING = Record()


# A file to write, and its text.
Planned = tuple[str, str]


def enable(packages: str, record: Record = _NOTHING, *, copy: bool = False) -> list[str]:
    """Put a pointer with `record` into a folder of packages, with `copy` also repoprio itself; returns what was made.

    If repoprio is installed there, only the record is written, if it has anything: a pointer would outlive the
    installation.
    """
    if is_own(packages):
        return [file for file, _ in _write_all(pointer(packages, record))]
    check_writable(packages)
    if copy:
        _copy(os.path.join(packages, COPY))
    written = _write_all(pointer(packages, record, COPY if copy else _ROOT))
    return [*(file for file, _ in written), *([os.path.join(packages, COPY)] if copy else [])]


def pointer(packages: str, record: Record, root: str = _ROOT) -> list[Planned]:
    """The files that `enable` writes into a folder of packages, each with its text, in the order to write them.

    If repoprio itself is installed there: only the file for `record`, if that has anything new.
    """
    if is_own(packages):
        return _record_file(os.path.join(packages, records.FILE), record)
    loads = os.path.join(packages, f"{POINTER}.pth")
    return [*_pointer_files(packages, _pointer(root, record)), (loads, _PTH)]


def _pointer_files(folder: str, text: str) -> list[Planned]:
    pointer, alone = (os.path.join(folder, name) for name in _POINTER_FILES)
    return [(alone, read(os.path.join(_HERE, "lone_pointer.py"))), (pointer, text)]


def _write_all(planned: list[Planned]) -> list[Planned]:
    for file, text in planned:
        write(file, text)
    return planned


def _record_file(file: str, record: Record) -> list[Planned]:
    text = json.dumps(record.document(), indent=2) + "\n"
    return [] if record.document() == _NOTHING.document() or text == read(file) else [(file, text)]


def recorded(packages: str) -> Record:
    """The record of an environment with these packages, or of a base with this standard library.

    Raises `CannotEnable`.
    """
    try:
        if is_own(packages):
            return records.read(packages)
        document = literals(os.path.join(packages, f"{POINTER}.py")).get("RECORD", {})
        return records.of_document(document, os.path.join(packages, f"{POINTER}.py"))
    except (OSError, ValueError) as error:
        raise CannotEnable(f"{packages}: {error}") from None


def is_own(packages: str) -> bool:
    """Whether repoprio itself is installed in a folder of packages."""
    return os.path.exists(os.path.join(packages, _OWN[0]))


def own_packages() -> str:
    """The folder of packages that this repoprio is installed in, also as an editable installation."""
    return os.path.dirname(os.path.abspath(str(_repoprio_shim.__file__)))


def is_required(packages: str) -> bool:
    """Whether the record there requires a policy; False if it cannot be read."""
    try:
        return recorded(packages).is_required
    except CannotEnable:
        return False


def points_here(packages: str) -> bool:
    """Whether a pointer in `packages` leads to this repoprio."""
    root = literals(os.path.join(packages, f"{POINTER}.py")).get("ROOT")
    return root is not None and is_same(os.path.join(packages, str(root)), _ROOT)


def literals(file: str) -> dict[str, Any]:
    """The values of a pointer's constants, which are parsed and not run; empty if there is no pointer."""
    try:
        body = ast.parse(read(file)).body
    except (SyntaxError, ValueError):
        return {}
    constants: dict[str, Any] = {}
    for line in body:
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        value = getattr(line, "value", None)
        if isinstance(target, ast.Name) and value is not None:
            with contextlib.suppress(ValueError, TypeError):
                constants[target.id] = ast.literal_eval(value)
    return constants


def is_whole(packages: str) -> bool:
    """Whether a folder of packages has all files of this repoprio, none of them empty by damage."""
    # The hook's files are looked for by name: those of this repoprio may be the very ones that are missing.
    files = [os.path.join(_ROOT, name) for name in _OWN]
    # This installation runs, and an editable one has no other files among its packages.
    if not is_same(packages, own_packages()):
        for folder, _, names in os.walk(os.path.join(_ROOT, "repoprio")):
            files += [os.path.join(folder, name) for name in names if name.endswith(".py")]
    return all(_is_there(os.path.join(packages, os.path.relpath(file, _ROOT)), file) for file in files)


def _is_there(file: str, ours: str) -> bool:
    return os.path.isfile(file) and (os.path.getsize(file) > 0 or (os.path.isfile(ours) and os.path.getsize(ours) == 0))


def disable(packages: str) -> list[str]:
    """Remove what `enable` put in; returns what was removed."""
    places = [os.path.join(packages, name) for name in (f"{POINTER}.pth", *_POINTER_FILES, COPY, records.FILE)]
    existing = [place for place in places if os.path.lexists(place)]
    compiled = _compiled(packages)
    check_writable(*map(os.path.dirname, existing + compiled), *(place for place in existing if os.path.isdir(place)))
    for place in existing + compiled:
        remove(place)
    if compiled:
        _remove_empty_cache(packages)
    return existing


def removal(place: str) -> str:
    """What was done at `place`, one of those that `disable` or `disable_base` returned."""
    # The sitecustomize of a distribution stays: only what `enable --base` appended is gone.
    return f"removed {'the hook from ' if os.path.lexists(place) else ''}{place}"


def _remove_empty_cache(folder: str) -> None:
    """Remove the folder for compiled files in `folder`, if it is empty."""
    with contextlib.suppress(OSError):
        os.rmdir(os.path.join(folder, "__pycache__"))


def _compiled(folder: str) -> list[str]:
    """The files that Python compiled from the pointer in `folder`."""
    cache = os.path.join(folder, "__pycache__")
    names = os.listdir(cache) if os.path.isdir(cache) else []
    return [os.path.join(cache, name) for name in names if name.startswith(POINTER)]


def check_writable(*folders: str) -> None:
    """Raise `CannotEnable` if one of `folders` cannot be written to, so that nothing is left half done."""
    closed = next((folder for folder in folders if not os.access(folder, os.W_OK | os.X_OK)), None)
    if closed is not None:
        if sys.platform == "win32":
            raise CannotEnable(f"{closed} cannot be written; nothing was changed.", "run the command as administrator")
        owner, me = user_name(os.stat(closed).st_uid), user_name(os.geteuid())
        again = as_user.again(owner)
        own = "make it writable: it is your own, but read-only"
        remedy = own if owner == me else f"run the command as {owner}, who owns it{f': {again}' if again else ''}"
        raise CannotEnable(f"{closed} cannot be written by {me}; nothing was changed.", remedy)


def enable_base(base: Interpreter, record: Record = _NOTHING) -> list[str]:
    """Put a pointer into the sitecustomize of `base`, which its environments run too; returns what was made."""
    return [file for file, _ in _write_all(base_pointer(base, record))]


def base_pointer(base: Interpreter, record: Record) -> list[Planned]:
    """The files that `enable_base` writes for `base`, each with its text, in the order to write them.

    Raises `CannotEnable` if they would not be loaded, or cannot be written.
    """
    custom = _custom(base)
    text = read(custom)
    _check_custom(base, custom, text)
    check_writable(base.stdlib, *([] if lone_pointer.BEGIN in text else [os.path.dirname(custom)]))
    files = _pointer_files(base.stdlib, _pointer(_ROOT, record, custom))
    if lone_pointer.BEGIN in text:
        return files
    ends = not text or text.endswith("\n")
    block = _BLOCK if ends else "\n" + _BLOCK.replace(lone_pointer.BEGIN, lone_pointer.BEGIN + lone_pointer.JOINED)
    return [*files, (custom, text + block)]


def _check_custom(base: Interpreter, custom: str, text: str) -> None:
    """Raise `CannotEnable` if code appended to `custom` would not run in every environment made from `base`."""
    if base.sitecustomize and os.path.dirname(os.path.abspath(base.sitecustomize)) != os.path.abspath(base.stdlib):
        problem = "is among the base's own packages, which environments created from it do not see"
        raise CannotEnable(f"{base.sitecustomize} {problem}.")
    try:
        compile(text, custom, "exec")
    except (SyntaxError, ValueError):
        raise CannotEnable(f"{custom} is not valid Python, so a line added to it would not run.") from None


def disable_base(base: Interpreter) -> list[str]:
    """Remove what `enable_base` put in, and a file that had nothing else; returns the files."""
    custom = _custom(base)
    files = [os.path.join(base.stdlib, name) for name in _POINTER_FILES]
    existing = [file for file in files if os.path.lexists(file)]
    compiled = _compiled(base.stdlib)
    text = read(custom)
    ours = [custom] if lone_pointer.BEGIN in text else []
    check_writable(*map(os.path.dirname, [*existing, *compiled, *ours]))
    if ours:
        existing.append(custom)
        try:
            rest = lone_pointer.without_block(text)
        except ValueError as error:
            raise CannotEnable(f"{custom}: {error}") from None
        write(custom, rest) if rest else remove(custom)
    for file in (file for file in [*files, *compiled] if os.path.lexists(file)):
        remove(file)
    if compiled:
        _remove_empty_cache(base.stdlib)
    return existing


def _custom(base: Interpreter) -> str:
    """The sitecustomize of `base`, with links resolved; by default the one of its standard library."""
    return os.path.realpath(base.sitecustomize or os.path.join(base.stdlib, "sitecustomize.py"))


def _pointer(root: str, record: Record, custom: str = "") -> str:
    """The text of a pointer to `root`."""
    text = read(os.path.join(_HERE, "pointer.py"))
    for name, value in (("ROOT", root), ("RECORD: dict[str, object]", record.document()), ("CUSTOM", custom)):
        line = f"{name} = {value!r}"
        text = re.sub(rf"(?m)^{re.escape(name)} = .*$", line.replace("\\", r"\\"), text, count=1)
    return text


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
        raise CannotEnable(f"{folder} cannot be written: {error.strerror}") from None


def read(file: str) -> str:
    """The text of `file`, "" if there is no file; raises `CannotEnable`."""
    try:
        # Keep the line ends, since the text is written back.
        with open(file, encoding="utf-8", newline="") as opened:
            return opened.read()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise CannotEnable(f"{file} cannot be read: {getattr(error, 'strerror', error)}") from None


def write(file: str, text: str) -> None:
    """Write `file` completely or not at all; raises `CannotEnable`."""
    draft = f"{file}.{secrets.token_hex(4)}"
    try:
        # A new file: never write through an existing link.
        with open(draft, "x", encoding="utf-8", newline="") as opened:
            opened.write(text)
        if os.path.isfile(file):
            shutil.copymode(file, draft)
        os.replace(draft, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise CannotEnable(f"{file} cannot be written: {error.strerror}") from None


def remove(place: str) -> None:
    """Remove a file or a folder; raises `CannotEnable`."""
    try:
        shutil.rmtree(place) if os.path.isdir(place) and not os.path.islink(place) else os.remove(place)
    except OSError as error:
        raise CannotEnable(f"{place} cannot be removed: {error.strerror}") from None
