"""What an environment keeps of the policy that it was made under: where its files lie, and whether one must be there.

Paths and never content, and only of files that a pip there would not find by itself. A pointer holds them as a
literal (`environments/pointer.py`); where repoprio itself is installed, a small file beside the shim.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from repoprio.errors import RepoprioError

# The layer that ``REPOPRIO_CONFIG`` names, and the variable.
NAMED = "REPOPRIO_CONFIG"
POINTER = "_repoprio_pointer"
SHIM = "_repoprio_shim"
FILE = "_repoprio_record.json"


class BadRecord(RepoprioError):
    """A record that cannot be read, or is none."""


class Record(NamedTuple):
    """Layers with the path that each has, first to last; `holder` is the file that says so."""

    files: tuple[tuple[str, str], ...] = ()
    is_required: bool = False
    holder: str = ""

    def of(self, layer: str) -> str | None:
        """The path of a layer, the last one; None where there is none."""
        return next((file for name, file in reversed(self.files) if name == layer), None)

    def document(self) -> dict[str, Any]:
        """The record as it is written down."""
        return {"files": [list(one) for one in self.files], "required": self.is_required}

    def over(self, earlier: Record) -> Record:
        """What this record says, and what an earlier one says besides: what is required stays so."""
        files = [one for one in earlier.files if one[0] != NAMED or not self.of(NAMED)]
        return Record(
            tuple(dict.fromkeys((*files, *self.files))),
            self.is_required or earlier.is_required,
            self.holder or earlier.holder,
        )


def of_document(document: Any, holder: str) -> Record:
    """A record as it was written down; raises `BadRecord` where it has another shape."""
    try:
        files = tuple((str(layer), os.fspath(file)) for layer, file in document.get("files", ()))
        return Record(files, bool(document.get("required", False)), holder)
    except (AttributeError, TypeError, ValueError) as error:
        raise BadRecord(
            f"{holder} is not what repoprio enable wrote; remove it, or enable again: {error}    [pointer]"
        ) from None


def current() -> Record:
    """What the environment of this process keeps; raises `BadRecord` where it cannot be read."""
    pointer, shim = sys.modules.get(POINTER), sys.modules.get(SHIM)
    found = of_document(getattr(pointer, "RECORD", {}), getattr(pointer, "__file__", None) or "")
    folder = os.path.dirname(getattr(shim, "BESIDE", None) or getattr(shim, "__file__", None) or "")
    # A shim that a pointer or a runner leads to is another environment's, and so is what lies beside it.
    return read(folder).over(found) if folder in sys.path else found


def read(packages: str) -> Record:
    """The record beside an installation in `packages`, an empty one where there is none; raises `ValueError`."""
    file = os.path.join(packages, FILE)
    if not os.path.exists(file):
        return Record()
    import json

    try:
        with open(file, encoding="utf-8") as opened:
            document = json.load(opened)
    except (OSError, ValueError) as error:
        raise BadRecord(f"{file} cannot be read; remove it, or enable again: {error}    [pointer]") from None
    return of_document(document, file)


def place(holder: str) -> list[str]:
    """The options with which `enable` and `disable` mean the environment of this process, and what `holder` guards."""
    folder = os.path.dirname(holder)
    if holder and folder == os.path.dirname(os.__file__):
        return ["--base"]
    is_venv = os.path.exists(os.path.join(sys.prefix, "pyvenv.cfg"))
    return ["--venv", sys.prefix] if is_venv else ["--python", sys.executable]


def repair(holder: str) -> str:
    """What to do where a recorded file is gone."""
    from repoprio import shell

    return f"{shell.repoprio('enable', *place(holder), '--policy', 'FILE')}, or {disabling(holder)}"


def disabling(holder: str) -> str:
    """The command that takes the record back."""
    from repoprio import shell

    return shell.repoprio("disable", *place(holder))


def for_new(environ: Mapping[str, str], found: Iterable[tuple[str, str]]) -> Record:
    """What an environment that is made now is to keep; `found` are the layers of this one's own, with their files."""
    kept = current()
    named = environ.get(NAMED)
    own = os.path.abspath(named) if named and named != os.devnull else kept.of(NAMED)
    files = [(NAMED, own)] if own else []
    files += [(layer, os.path.abspath(file)) for layer, file in found]
    return Record(tuple(dict.fromkeys(files)), kept.is_required)
