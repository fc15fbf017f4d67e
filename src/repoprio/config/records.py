"""The record of an environment: paths of policy files that applied when it was made, and whether a policy is required.

It has paths, never content, and only of files that a pip there would not find by itself. It is a literal in a
pointer (`environments/pointer.py`); if repoprio itself is installed there, it is a small file next to the shim.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from repoprio.errors import RepoprioError

# The variable, and the layer of the file that it names.
NAMED = "REPOPRIO_CONFIG"
POINTER = "_repoprio_pointer"
SHIM = "_repoprio_shim"
FILE = "_repoprio_record.json"


class BadRecord(RepoprioError):
    """The record cannot be read, or has the wrong shape."""


class Record(NamedTuple):
    """Layers and their paths, first to last; `holder` is the file that has the record.

    `is_of_image`: `setup-image` wrote it, or it was made by a Python with such a record.
    """

    files: tuple[tuple[str, str], ...] = ()
    is_required: bool = False
    holder: str = ""
    is_of_image: bool = False

    def of(self, layer: str) -> str | None:
        """The last path of `layer`; None if it has none."""
        return next((file for name, file in reversed(self.files) if name == layer), None)

    def document(self) -> dict[str, Any]:
        """The record as JSON values, to be written."""
        stated = {"files": [list(entry) for entry in self.files], "required": self.is_required}
        return {**stated, "image": True} if self.is_of_image else stated

    def over(self, earlier: Record) -> Record:
        """A record with these layers, and those that only `earlier` has; a policy is required if either says so."""
        files = [(layer, file) for layer, file in earlier.files if layer != NAMED or not self.of(NAMED)]
        return Record(
            tuple(dict.fromkeys((*files, *self.files))),
            self.is_required or earlier.is_required,
            self.holder or earlier.holder,
            self.is_of_image or earlier.is_of_image,
        )


def of_document(document: Any, holder: str) -> Record:
    """The record that `document` states; raises `BadRecord` if it has another shape."""
    try:
        files = tuple((str(layer), os.fspath(file)) for layer, file in document.get("files", ()))
        return Record(files, bool(document.get("required", False)), holder, bool(document.get("image", False)))
    except (AttributeError, TypeError, ValueError) as error:
        raise BadRecord(
            f"{holder} is not what repoprio enable wrote; remove it, or enable again: {error}    [pointer]"
        ) from None


def current() -> Record:
    """The record of this process's environment; raises `BadRecord` if it cannot be read."""
    pointer, shim = sys.modules.get(POINTER), sys.modules.get(SHIM)
    record = of_document(getattr(pointer, "RECORD", {}), getattr(pointer, "__file__", None) or "")
    folder = os.path.dirname(getattr(shim, "BESIDE", None) or getattr(shim, "__file__", None) or "")
    # A shim that a pointer or a runner leads to belongs to another environment, and so does the file next to it.
    return read(folder).over(record) if folder in sys.path else record


def read(packages: str) -> Record:
    """The record next to an installation in the folder `packages`, else an empty one; raises `BadRecord`."""
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
    """The options that make `enable` and `disable` act on the environment that has the record `holder`."""
    folder = os.path.dirname(holder)
    if holder and folder == os.path.dirname(os.__file__):
        return ["--base"]
    is_venv = os.path.exists(os.path.join(sys.prefix, "pyvenv.cfg"))
    return ["--venv", sys.prefix] if is_venv else ["--python", sys.executable]


def repair(record: Record) -> str:
    """What to do if a file of `record` is gone."""
    from repoprio import shell

    return f"{shell.repoprio('enable', *place(record.holder), '--policy', 'FILE')}, or {disabling(record)}"


def disabling(record: Record) -> str:
    """The commands that remove the record; what `setup-image` wrote, only its --undo removes completely."""
    from repoprio import shell

    options = place(record.holder)
    undo = [shell.repoprio("setup-image", "--undo")] if record.is_of_image else []
    disable = [] if undo and options == ["--base"] else [shell.repoprio("disable", *options)]
    return ", then ".join([*undo, *disable])


def for_new(environ: Mapping[str, str], missed: Iterable[tuple[str, str]]) -> Record:
    """The record for an environment that is being made; `missed` are layers and files that it would not find."""
    kept = current()
    named = environ.get(NAMED)
    own = os.path.abspath(named) if named and named != os.devnull else kept.of(NAMED)
    files = [(NAMED, own)] if own else []
    files += [(layer, os.path.abspath(file)) for layer, file in missed]
    return Record(tuple(dict.fromkeys(files)), kept.is_required, is_of_image=kept.is_of_image)
